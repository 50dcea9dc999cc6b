package gen

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

const testCases = 500 // of each producer

func drawn(t testing.TB, v libmlx5.Version, p Producer, seed, from, n uint64) []byte {
	t.Helper()
	var g Generator
	var lines []byte
	for i := range n {
		var err error
		if lines, err = g.Append(lines, v, p, seed, from+i); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// What the replay of recordings says of drawn cases: it decodes strictly, posts
// the inputs anew and compares every output.
func TestDrawnAreVectors(t *testing.T) {
	for _, version := range []struct {
		v    libmlx5.Version
		name string
	}{{libmlx5.V44, vectors.LibMLX5v44}, {libmlx5.Head, vectors.LibMLX5Head}} {
		for _, p := range Producers {
			lines := drawn(t, version.v, p, 3, 0, testCases)
			if p == Configure {
				for n := range uint64(testCases) {
					g := Generator{SingleBlock: true}
					var err error
					if lines, err = g.Append(lines, version.v, p, 4, n); err != nil {
						t.Fatal(err)
					}
				}
			}
			cases := bytes.Count(lines, []byte("\n"))
			rep, err := vectors.Check(bytes.NewReader(lines), "drawn.jsonl", vectors.Options{LibMLX5: version.name})
			if err != nil {
				t.Fatal(err)
			}
			if rep.Passed != cases || rep.Failed != 0 || rep.Skipped != 0 {
				t.Errorf("%s, version %s: %d passed, %d failed, %d skipped; first: %+v", p, version.name, rep.Passed, rep.Failed, rep.Skipped, rep.Failures[:min(1, len(rep.Failures))])
			}
		}
	}
}

// A case is its seed, producer and number, whatever was drawn before.
func TestDeterministic(t *testing.T) {
	for _, p := range Producers {
		all := drawn(t, libmlx5.V44, p, 5, 0, 40)
		if again := drawn(t, libmlx5.V44, p, 5, 20, 20); !bytes.HasSuffix(all, again) {
			t.Errorf("%s: cases 20 to 39 depend on what was drawn before", p)
		}
		if other := drawn(t, libmlx5.V44, p, 6, 0, 40); bytes.Equal(all, other) {
			t.Errorf("%s: the seed has no influence", p)
		}
	}
}

// The two versions differ in cases tagged so, and there only.
func TestVersionsDifferWhereTagged(t *testing.T) {
	for _, p := range Producers {
		old := bytes.Split(drawn(t, libmlx5.V44, p, 9, 0, testCases), []byte("\n"))
		head := bytes.Split(drawn(t, libmlx5.Head, p, 9, 0, testCases), []byte("\n"))
		differ := 0
		for i := range old {
			if bytes.Equal(old[i], head[i]) {
				continue
			}
			differ++
			if !bytes.HasPrefix(old[i], []byte(`{"id":"`)) || !strings.Contains(string(old[i][:60]), "+2gib") {
				t.Errorf("%s: case %d differs untagged: %.80s", p, i, old[i])
			}
		}
		if differ == 0 {
			t.Errorf("%s: no case tells the versions apart", p)
		}
	}
}

// What the cases must have in them.
func TestCoverage(t *testing.T) {
	seen := map[string]int{}
	for _, p := range Producers {
		for line := range bytes.Lines(drawn(t, libmlx5.V44, p, 11, 0, testCases)) {
			var c struct {
				ID      string `json:"id"`
				QP      qpJSON `json:"qp"`
				Batches []struct {
					SigErr int              `json:"sig_err_before_mkey"`
					WRs    []map[string]any `json:"wrs"`
					Out    struct {
						Ret int `json:"ret"`
						Raw []struct {
							Idx, DS, Opcode int
						} `json:"wqes"`
					} `json:"out"`
				} `json:"batches"`
			}
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			for _, b := range c.Batches {
				seen["ret "+libmlx5.Errno(b.Out.Ret).Error()]++
				if b.SigErr > 0 {
					seen["signature error"]++
				}
				for _, w := range b.WRs {
					seen["op "+w["op"].(string)]++
					setters, _ := w["setters"].([]any)
					for _, s := range setters {
						if b.Out.Ret == 0 {
							seen["set "+s.(map[string]any)["set"].(string)]++
						}
					}
				}
				for _, w := range b.Out.Raw {
					seen["opcode "+mlx5model.Opcode(w.Opcode).String()]++
					if w.Idx+(w.DS+3)/4 > c.QP.WQECnt {
						seen["wraps"]++
					}
				}
			}
			for _, tag := range []string{"+2gib", "+sigwrap"} {
				if strings.Contains(c.ID, tag) {
					seen[tag]++
				}
			}
			if c.QP.FMCache != 0 {
				seen["fence"]++
			}
			if c.QP.CurPost > 1<<15 {
				seen["far"]++
			}
		}
	}
	for _, want := range []string{
		"ret errno 0", "ret " + libmlx5.ENOMEM.Error(), "ret " + libmlx5.EINVAL.Error(), "ret " + libmlx5.EOPNOTSUPP.Error(),
		"op mr_list", "op mr_interleaved", "op mkey_configure", "op local_inv", "op bind_mw", "op rdma_write",
		"opcode " + mlx5model.OpUMR.String(), "opcode " + mlx5model.OpSetPSV.String(), "opcode " + mlx5model.OpRDMAWrite.String(),
		"set access_flags", "set layout_list", "set layout_interleaved", "set sig_block", "set crypto",
		"signature error", "wraps", "fence", "far", "+2gib", "+sigwrap",
	} {
		if seen[want] < 10 {
			t.Errorf("%s: %d of %d cases", want, seen[want], testCases*len(Producers))
		}
	}
	if t.Failed() {
		t.Log(seen)
	}
}

func TestParseProducer(t *testing.T) {
	for _, p := range Producers {
		if got, err := ParseProducer(string(p)); err != nil || got != p {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
	if _, err := ParseProducer("regmr"); err == nil {
		t.Error("another driver's producer is taken")
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, p := range Producers {
		b.Run(string(p), func(b *testing.B) {
			var g Generator
			var line []byte
			var n uint64
			for b.Loop() {
				line, _ = g.Append(line[:0], libmlx5.V44, p, 1, n)
				n++
			}
		})
	}
}
