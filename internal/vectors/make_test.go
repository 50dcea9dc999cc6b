package vectors

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestMakeReproducesRecordings takes the outputs out of what the kernel
// recorded and makes them again: the line must be the recorded one.
func TestMakeReproducesRecordings(t *testing.T) {
	for name, c := range map[string]struct {
		fill func(line []byte) (any, error)
		want int
	}{
		"kernel-sg2pages": {refill[mapCase](func(c *mapCase) error {
			c.MaxDescs, c.DescSize, c.Ret, c.SGOffsetOut, c.IOVA, c.Length, c.NDescs, c.Descs = 0, 0, 0, 0, 0, 0, 0, ""
			return c.fill()
		}), 1054},
		"kernel-sg2klm": {refill[mapCase](func(c *mapCase) error {
			c.MaxDescs, c.DescSize, c.Ret, c.SGOffsetOut, c.IOVA, c.Length, c.NDescs, c.Descs = 0, 0, 0, 0, 0, 0, 0, ""
			return c.fill()
		}), 1059},
		"kernel-regmr": {refill[regCase](func(c *regCase) error {
			for i := range c.MRs {
				m := &c.MRs[i]
				m.MaxDescs, m.DescSize, m.Map, m.Descs = 0, 0, mapJSON{}, ""
			}
			c.Out = regCase{}.Out
			return c.fill()
		}), 561},
	} {
		t.Run(name, func(t *testing.T) {
			lines := testLines(t, name, 1)
			if len(lines) != c.want {
				t.Errorf("%d lines, want %d", len(lines), c.want)
			}
			for _, line := range lines {
				made, err := c.fill(line)
				if err != nil {
					t.Fatalf("%.60s: %v", line, err)
				}
				b, err := json.Marshal(made)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := plainObject(t, b), plainObject(t, line); !reflect.DeepEqual(got, want) {
					t.Fatalf("made     %.2000s\nrecorded %.2000s", b, line)
				}
			}
		})
	}
}

func refill[T any](fill func(*T) error) func([]byte) (any, error) {
	return func(line []byte) (any, error) {
		c := new(T)
		if err := decodeStrict(line, c); err != nil {
			return nil, err
		}
		return c, fill(c)
	}
}

// plainObject is a line's object with its numbers as they stand. The whole ring,
// which some lines have beside its segments, is left out; segments are put
// together, as the recordings divide them otherwise.
func plainObject(t *testing.T, line []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.UseNumber()
	v := map[string]any{}
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	out, ok := v["out"].(map[string]any)
	if !ok {
		return v
	}
	delete(out, "ring")
	var c regCase
	if err := json.Unmarshal(line, &c); err != nil {
		t.Fatal(err)
	}
	ring := filled(c.QP.WQECnt*mlx5model.WQEBBSize, c.QP.Prefill)
	for _, s := range c.Out.Segs {
		copy(ring[s.Off:], s.Data)
	}
	out["ring_segs"] = ring
	return v
}

// TestMadeAreVectors makes lines of every kind and checks them.
func TestMadeAreVectors(t *testing.T) {
	off := uint32(5)
	made := 0
	for _, mode := range []mlx5model.AccessMode{mlx5model.ModeMTT, mlx5model.ModeKLM} {
		for name, m := range map[string]Mapping{
			"empty":      {MaxNumSG: 1, PageSize: 4096},
			"plain":      {List: sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 1<<64 - 4096, Len: 4096}}, MaxNumSG: 2, PageSize: 4096, Lkey: 7},
			"offset":     {List: sg.List{{Addr: 0x1000, Len: 9000}}, SGOffset: &off, MaxNumSG: 1, PageSize: 512, Lkey: 1<<32 - 1},
			"by pointer": {List: sg.List{{Addr: 0x1000, Len: 1 << 20}, {Addr: 0x999, Len: 1}}, MaxNumSG: 256, PageSize: 4096},
		} {
			for _, p := range []Posting{{WQECnt: 64, CurPost: 65535, Access: 15}, {WQECnt: 2}} {
				m.ID, m.Mode = "regmr-"+name, mode
				made += accepted(t, func(dst []byte) ([]byte, error) { return AppendPosting(dst, &m, &p) })
			}
			m.ID = map[mlx5model.AccessMode]string{mlx5model.ModeMTT: "sg2pages-", mlx5model.ModeKLM: "sg2klm-"}[mode] + name
			made += accepted(t, func(dst []byte) ([]byte, error) { return AppendMapping(dst, &m) })
		}
	}
	if made != 24 {
		t.Errorf("%d lines", made)
	}
}

func accepted(t *testing.T, add func([]byte) ([]byte, error)) int {
	t.Helper()
	line, err := add([]byte("kept"))
	if err != nil || !strings.HasPrefix(string(line), "kept{") || line[len(line)-1] != '\n' {
		t.Fatalf("%.40s…, %v", line, err)
	}
	j := job{raw: line[len("kept"):]}
	if out := checkLine(&j, &Env{}); out.Status != Pass {
		t.Errorf("%s: %+v", j.id, out)
	}
	return 1
}

func TestMakeRefuses(t *testing.T) {
	for _, row := range []struct {
		m    Mapping
		p    Posting
		text string
	}{
		{Mapping{ID: "regmr-a", MaxNumSG: MaxVectorDescs + 1}, Posting{WQECnt: 64}, "regmr-a: mrs[0]: max_num_sg beyond"},
		{Mapping{ID: "regmr-b", MaxNumSG: 1}, Posting{WQECnt: 3}, "regmr-b: qp.wqe_cnt: 3 WQEBBs"},
	} {
		dst, err := AppendPosting([]byte("kept"), &row.m, &row.p)
		if err == nil || !strings.Contains(err.Error(), row.text) || string(dst) != "kept" {
			t.Errorf("%v, %q, want %q", err, dst, row.text)
		}
	}
	m := Mapping{ID: "sg2klm-c", MaxNumSG: MaxVectorDescs + 1}
	if dst, err := AppendMapping(nil, &m); err == nil || dst != nil || !strings.Contains(err.Error(), "sg2klm-c: max_num_sg 524289") {
		t.Errorf("%v", err)
	}
}
