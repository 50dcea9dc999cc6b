package vectors

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// wqeJSON is a recorded WQE: ring wrap removed, padded to whole WQEBBs. Stale
// lists the [offset, length] ranges that the producer never wrote.
type wqeJSON struct {
	Idx    int      `json:"idx"`
	DS     int      `json:"ds"`
	Opcode int      `json:"opcode"`
	Hex    string   `json:"hex"`
	Stale  [][2]int `json:"stale"`
}

// ringSeg is raw ring content at a byte offset; JSON [offset, "hex"].
type ringSeg struct {
	Off  int
	Data []byte
}

// UnmarshalJSON accepts exactly [offset, "hex"].
func (s *ringSeg) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("ring_segs: a segment of %d parts, want [offset, hex]", len(parts))
	}
	var off *int
	var text *string
	if err := errors.Join(json.Unmarshal(parts[0], &off), json.Unmarshal(parts[1], &text)); err != nil {
		return fmt.Errorf("ring_segs: %w", err)
	}
	if off == nil || text == nil {
		return fmt.Errorf("ring_segs: null in %s", raw)
	}
	data, err := hex.DecodeString(*text)
	if err != nil {
		return fmt.Errorf("ring_segs: %w", err)
	}
	*s = ringSeg{*off, data}
	return nil
}

// gotWQE is a WQE as our encoder left it in the ring.
type gotWQE struct {
	Idx int    // WQEBB index in the ring
	Raw []byte // linear, whole WQEBBs
}

// readWQE copies the WQE at counter pi out of the ring. DS 0 reads one WQEBB.
func readWQE(r *mlx5model.Ring, pi uint32) gotWQE {
	var ctrl [mlx5model.CtrlSize]byte
	r.Read(pi, 0, ctrl[:])
	n := max(mlx5model.WQEBBs(ctrl[7]&mlx5model.MaxDS), 1)
	raw := make([]byte, min(n, r.WQEBBs())*mlx5model.WQEBBSize)
	r.Read(pi, 0, raw)
	return gotWQE{Idx: int(r.Index(pi)), Raw: raw}
}

// prefillRings makes the rings of a case's two runs, filled with prefill and
// with its complement.
func prefillRings(wqebbs int, prefill byte) (a, b *mlx5model.Ring, err error) {
	if a, err = mlx5model.NewRing(wqebbs); err != nil {
		return nil, nil, err
	}
	if b, err = mlx5model.NewRing(wqebbs); err != nil {
		return nil, nil, err
	}
	a.Fill(prefill)
	b.Fill(^prefill)
	return a, b, nil
}

// filled gives n bytes of value v.
func filled(n int, v byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = v
	}
	return b
}

// staleRanges lists the [offset, length] ranges of bytes that follow the fill
// in both runs.
func staleRanges(a, b []byte, prefill byte) [][2]int {
	ranges := [][2]int{}
	for i := range min(len(a), len(b)) {
		if a[i] != prefill || b[i] != ^prefill {
			continue
		}
		if k := len(ranges) - 1; k >= 0 && ranges[k][0]+ranges[k][1] == i {
			ranges[k][1]++
			continue
		}
		ranges = append(ranges, [2]int{i, 1})
	}
	return ranges
}

// compareWQEs compares recorded WQEs with those of the run at prefill (a), and
// the unwritten ranges with those that a and the run at ^prefill (b) show.
func compareWQEs(d *diffs, path string, want []wqeJSON, a, b []gotWQE, prefill byte) {
	eq(d, path+".length", len(want), len(a))
	eq(d, path+".length at the complement fill", len(want), len(b))
	for i := range min(len(want), len(a), len(b)) {
		p, w, raw := fmt.Sprintf("%s[%d]", path, i), &want[i], a[i].Raw
		eq(d, p+".idx", w.Idx, a[i].Idx)
		eq(d, p+".ds", w.DS, int(raw[7]))
		eq(d, p+".opcode", w.Opcode, int(raw[3]))
		d.hex(p+".hex", w.Hex, raw, func(off int) string { return fieldAt(raw[3], raw[16:], off) })
		eq(d, p+".stale", fmt.Sprint(w.Stale), fmt.Sprint(staleRanges(raw, b[i].Raw, prefill)))
	}
}

// compareRing rebuilds the recorded ring from its segments on a background of
// prefill and compares the whole of it with ours; likewise the full dump, if
// there is one.
func compareRing(d *diffs, path string, segs []ringSeg, full *string, prefill byte, got []byte) {
	want := filled(len(got), prefill)
	for i, s := range segs {
		p := fmt.Sprintf("%s.ring_segs[%d]", path, i)
		if s.Off < 0 || s.Off > len(want) || len(s.Data) > len(want)-s.Off {
			d.add(p, fmt.Sprintf("%d bytes at %d", len(s.Data), s.Off), fmt.Sprintf("ring of %d bytes", len(got)), "")
			continue
		}
		copy(want[s.Off:], s.Data)
	}
	d.bytes(path+".ring_segs", want, got, ringPlace)
	if full != nil {
		d.hex(path+".ring", *full, got, ringPlace)
	}
}

func ringPlace(off int) string {
	return fmt.Sprintf("WQEBB %d byte %#x", off/mlx5model.WQEBBSize, off%mlx5model.WQEBBSize)
}
