//go:build linux && (amd64 || arm64)

package vhca

import (
	"fmt"
	"hash/fnv"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Recorder turns the lists of a program's work requests into cases: the KLM
// lists of its UMRs and the gather and scatter lists of its messages. Equal
// lists become one case.
type Recorder struct {
	// Put takes a case with its name.
	Put  func(c *corpus.Case)
	seen map[uint64]bool
	n    int
}

// MaxRecorded bounds the cases of one run.
const MaxRecorded = 10000

func (r *Recorder) wqe(e *Engine, raw []byte) {
	var w mlx5model.WQE
	if mlx5model.Decode(raw, &w) != nil {
		return
	}
	switch {
	case w.Opcode == mlx5model.OpUMR && len(w.List) > 0:
		if k, ok := e.dev.QueryMkey(w.Imm); ok && k.Mode == mlx5model.ModeKLM {
			r.list("umr", klms(w.List))
		}
	case w.Opcode != mlx5model.OpUMR && w.Opcode != mlx5model.OpSetPSV:
		r.list("wr", segments(w.Data))
	}
}

// klms are the entries of a plain KLM list; a repeat list has no equivalent.
func klms(list []byte) (l sg.List) {
	for ; len(list) >= mlx5model.KLMSize; list = list[mlx5model.KLMSize:] {
		k := mlx5model.ParseKLM(list)
		if k.Key == mlx5model.RepeatOp {
			return nil
		}
		if k.ByteCount != 0 {
			l = append(l, sg.Entry{Addr: k.VA, Len: k.ByteCount, Lkey: k.Key})
		}
	}
	return l
}

// segments are a message's data segments; inline data have no addresses.
func segments(data []byte) (l sg.List) {
	if len(data) > 0 && data[0]&0x80 != 0 {
		return nil
	}
	for ; len(data) >= mlx5model.DataSegSize; data = data[mlx5model.DataSegSize:] {
		if s := mlx5model.ParseDataSeg(data); s.ByteCount != 0 {
			l = append(l, sg.Entry{Addr: s.Addr, Len: s.ByteCount, Lkey: s.Lkey})
		}
	}
	return l
}

func (r *Recorder) list(kind string, l sg.List) {
	if len(l) == 0 || r.n >= MaxRecorded {
		return
	}
	h := fnv.New64a()
	fmt.Fprint(h, l)
	if r.seen[h.Sum64()] {
		return
	}
	if r.seen == nil {
		r.seen = map[uint64]bool{}
	}
	r.seen[h.Sum64()] = true
	c := &corpus.Case{Name: fmt.Sprintf("%s-%04d", kind, r.n), List: l}
	if c.Validate() != nil {
		return
	}
	r.n++
	r.Put(c)
}
