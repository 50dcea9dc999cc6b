package vectors

import (
	"fmt"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// fieldAt names the wire field at byte off of a WQE with the given opcode; body
// is the WQE behind its control segment, whole WQEBBs as the ring has them.
func fieldAt(opcode byte, body []byte, off int) string {
	raw := append(make([]byte, mlx5model.CtrlSize, mlx5model.CtrlSize+len(body)), body...)
	raw[3], raw[7] = opcode, byte(min(len(raw)/mlx5model.DSSize, mlx5model.MaxDS))
	var w mlx5model.WQE
	if err := mlx5model.Decode(raw, &w); err != nil && off >= mlx5model.UMRDataOff {
		return "undecodable: " + err.Error()
	}
	return mlx5model.FieldAt(&w, off)
}

// segField names the fields that cover byte off of a segment of the layout
// table, seg being one of mlx5model.Seg....
func segField(seg string, off int) string {
	var names []string
	for _, f := range mlx5model.Fields(seg) {
		if first, last := int(f.Bit/8), int(f.Bit+uint32(f.Width)-1)/8; first <= off && off <= last {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return seg + ".reserved"
	}
	return seg + "." + strings.Join(names, ",")
}

// entryField names the field at byte off of a list of seg entries.
func entryField(seg string, off int) string {
	size := mlx5model.SegmentSize(seg)
	return fmt.Sprintf("entry %d: %s", off/size, segField(seg, off%size))
}
