package wqeview

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// wqeDump is the heading of the kernel's dumps of a send queue
// (drivers/net/ethernet/mellanox/mlx5/core/wq.c mlx5_wq_cyc_wqe_dump). The
// index is that in a ring of the given size.
var wqeDump = regexp.MustCompile(`WQE DUMP: WQ size (\d{1,6}) WQ cur size \d+, WQE index 0x([0-9a-fA-F]{1,4}), len: (\d{1,6})`)

const authDump = "drivers/net/ethernet/mellanox/mlx5/core/wq.c mlx5_wq_cyc_wqe_dump"

// checkHeading holds what the log says about a block against its bytes and its
// first WQE.
func checkHeading(it *Item, b *wqetext.Block) {
	m := wqeDump.FindStringSubmatch(b.Source)
	if m == nil {
		return
	}
	size, _ := strconv.ParseUint(m[1], 10, 32) // the expression bounds all three
	index, _ := strconv.ParseUint(m[2], 16, 32)
	length, _ := strconv.Atoi(m[3])
	if size > 0 && size&(size-1) == 0 && uint64(it.Index)&(size-1) != index&(size-1) {
		it.add(mlx5model.Warn, 1, "ctrl.wqe_index", authDump, fmt.Sprintf("%#x, the log says WQE index %#x of a ring of %d", it.Index, index, size))
	}
	if have := len(b.Bytes); length > have {
		it.add(mlx5model.Warn, 7, "ctrl.ds", authDump, fmt.Sprintf("the log says %d bytes, %d are here: rows are missing", length, have))
	}
}

// match finds the WQE of each completion with error, by queue pair and index.
func (r *reader) match() {
	items := r.doc.Items
	type place struct {
		qpn   uint32
		index uint16
	}
	wqes, queues := map[place]int{}, map[uint32]int{}
	for i, it := range items {
		if it.What == "wqe" && it.Opcode != "" {
			wqes[place{it.QPN, it.Index}] = i
			queues[it.QPN]++
		}
	}
	for i, it := range items {
		if it.What != "cqe" || it.Syndrome == nil || it.Opcode != mlx5model.CQEReqErr.String() || len(wqes) == 0 {
			continue
		}
		j, ok := wqes[place{it.QPN, it.Index}]
		if !ok {
			it.Match = &Match{Item: -1, Text: missing(it, queues[it.QPN])}
			continue
		}
		w := items[j]
		it.Match = &Match{Item: j, Text: fmt.Sprintf("the WQE at index %#04x of QPN %#06x is here: %s", it.Index, it.QPN, Brief(w))}
		w.Match = &Match{Item: i, Text: "failed: " + it.Summary}
		sameOpcode(it, w)
	}
}

func missing(it *Item, ofQueue int) string {
	if ofQueue == 0 {
		return fmt.Sprintf("none of the WQEs here is of QPN %#06x", it.QPN)
	}
	return fmt.Sprintf("none of the %d WQEs here of QPN %#06x has index %#04x", ofQueue, it.QPN, it.Index)
}

// sameOpcode holds a completion's opcode against that of its WQE.
func sameOpcode(cqe, wqe *Item) {
	f, _ := mlx5model.FindField(mlx5model.SegErrCQE, "s_wqe_opcode")
	raw := cqe.Raw()
	got := mlx5model.Opcode(f.Get(raw[len(raw)-mlx5model.CQESize:]))
	if got.String() != wqe.Opcode {
		cqe.add(mlx5model.Warn, len(raw)-mlx5model.CQESize+0x38, "cqe64.s_wqe_opcode", f.Authority,
			fmt.Sprintf("%v, the WQE at this index has %s: it was overwritten since, or the dump is of another time", got, wqe.Opcode))
	}
}

// Brief is an item in a few words: what it is and how many findings it has.
func Brief(it *Item) string {
	s := it.Opcode
	if it.Kind != "" {
		s += " " + it.Kind
	}
	errors, warnings := it.Count(mlx5model.Error), it.Count(mlx5model.Warn)
	switch {
	case it.Error != "" && errors <= 1:
		return s + ", cannot be decoded"
	case errors > 0:
		return s + ", " + plural(errors, "error")
	case warnings > 0:
		return s + ", " + plural(warnings, "warning")
	}
	return s + ", nothing wrong with it"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
