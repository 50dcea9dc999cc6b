//go:build linux && (amd64 || arm64)

package vhca

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Recorder turns the work requests of a program into cases: the KLM lists of
// its UMRs, the gather and scatter lists of its messages and the receives that
// they met. A case has the memory that the list stands for, the rights that the
// UMR grants or that all regions of the list have, the direction, and the send
// queue with the place of the work request; a comment names the regions. Equal
// ones become one case.
type Recorder struct {
	// Put takes a case with its name.
	Put  func(c *corpus.Case)
	seen map[uint64]bool
	n    int
}

// Bounds of what is recorded.
const (
	MaxRecorded = 10000 // cases of one process
	maxUnrolled = 4096  // entries that an interleaved layout comes to
	maxNamed    = 8     // regions that a comment names
)

// wqe records the WQE at the head of a queue.
func (r *Recorder) wqe(e *Engine, q *qp, raw []byte) {
	var w mlx5model.WQE
	if mlx5model.Decode(raw, &w) != nil {
		return
	}
	c := new(corpus.Case)
	kind := "wr"
	switch w.Opcode {
	case mlx5model.OpUMR:
		k, ok := e.dev.QueryMkey(w.Imm)
		if !ok || k.Mode != mlx5model.ModeKLM {
			return
		}
		k.Merge(&w.Mkey, w.UMR.Mask)
		kind, c.List, c.Access = "umr", listed(w.List), corpus.Access(k.Access)
		c.Dir = direction(c.Access)
	case mlx5model.OpRDMARead:
		c.List, c.Dir = segments(w.Data), corpus.DirWrite
	case mlx5model.OpAtomicCS, mlx5model.OpAtomicFA:
		c.List, c.Dir = segments(w.Data[min(atomicFixed, len(w.Data)):]), corpus.DirWrite
	case mlx5model.OpRDMAWrite, mlx5model.OpRDMAWriteImm, mlx5model.OpSend, mlx5model.OpSendImm, mlx5model.OpSendInval:
		c.List, c.Dir = segments(w.Data), corpus.DirRead
	}
	at := uint32(uint16(q.dev.Consumer()))
	c.Limits.Queue, c.Limits.RingStart = q.spec.SQWQEBBs, at
	r.put(e, kind, fmt.Sprintf("# %v of queue pair %#x, WQEBB %d", w.Opcode, q.n, at), c)
}

// atomicFixed is what precedes the data segments in an atomic's data: where,
// and the two operands (include/linux/mlx5/qp.h mlx5_wqe_atomic_seg).
const atomicFixed = mlx5model.RaddrSize + 16

// receive records the scatter list of a receive that a message meets.
func (r *Recorder) receive(e *Engine, s *sink, qpn uint32) {
	r.put(e, "recv", fmt.Sprintf("# receive of queue pair %#x", qpn),
		&corpus.Case{Dir: corpus.DirWrite, List: segments(s.segs)})
}

// direction is what a peer may do with a key of these rights.
func direction(a corpus.Access) string {
	switch a & (corpus.AccessRR | corpus.AccessRW) {
	case corpus.AccessRR:
		return corpus.DirRead
	case corpus.AccessRW:
		return corpus.DirWrite
	}
	return ""
}

// listed are the entries of a KLM list, or those that an interleaved one stands
// for if they are not too many.
func listed(list []byte) (l sg.List) {
	if len(list) >= mlx5model.KLMSize && mlx5model.ParseKLM(list).Key == mlx5model.RepeatOp {
		return unrolled(list)
	}
	for ; len(list) >= mlx5model.KLMSize; list = list[mlx5model.KLMSize:] {
		k := mlx5model.ParseKLM(list)
		if k.ByteCount != 0 {
			l = append(l, sg.Entry{Addr: k.VA, Len: k.ByteCount, Lkey: k.Key})
		}
	}
	return l
}

// unrolled are the entries of an interleaved layout, cycle by cycle. Authority
// for the layout: include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg,
// mlx5_stride_block_entry.
func unrolled(list []byte) (l sg.List) {
	cycles, n := uint64(binary.BigEndian.Uint32(list[8:])), uint64(binary.BigEndian.Uint16(list[14:]))
	if cycles*n > maxUnrolled || (n+1)*mlx5model.KLMSize > uint64(len(list)) {
		return nil
	}
	for c := range cycles {
		for i := range n {
			e := list[(i+1)*mlx5model.KLMSize:]
			stride, size := uint64(binary.BigEndian.Uint16(e)), uint32(binary.BigEndian.Uint16(e[2:]))
			if size != 0 {
				l = append(l, sg.Entry{Addr: binary.BigEndian.Uint64(e[8:]) + c*stride, Len: size, Lkey: binary.BigEndian.Uint32(e[4:])})
			}
		}
	}
	return l
}

// segments are a message's data segments; inline data have no addresses. The
// invalid key without length ends a receive's.
func segments(data []byte) (l sg.List) {
	if len(data) > 0 && data[0]&0x80 != 0 {
		return nil
	}
	for ; len(data) >= mlx5model.DataSegSize; data = data[mlx5model.DataSegSize:] {
		s := mlx5model.ParseDataSeg(data)
		if s.ByteCount == 0 && s.Lkey == mlx5model.InvalidLkey {
			break
		}
		if s.ByteCount != 0 {
			l = append(l, sg.Entry{Addr: s.Addr, Len: s.ByteCount, Lkey: s.Lkey})
		}
	}
	return l
}

// put fills in what the regions say and hands the case out.
func (r *Recorder) put(e *Engine, kind, what string, c *corpus.Case) {
	if len(c.List) == 0 || r.n >= MaxRecorded {
		return
	}
	rights := e.regions(c, what)
	if c.Access == 0 {
		c.Access = rights
	}
	if c.Access&corpus.AccessLW == 0 {
		c.Access &^= corpus.AccessRW | corpus.AccessA
	}
	if p := e.c.Profile.Name; p != "default" {
		c.Profile = p
	}
	h := fnv.New64a()
	fmt.Fprint(h, kind, c.List, c.Access, c.Dir)
	if r.seen[h.Sum64()] || c.Validate() != nil {
		return
	}
	if r.seen == nil {
		r.seen = map[uint64]bool{}
	}
	r.seen[h.Sum64()] = true
	c.Name = fmt.Sprintf("%s-%04d", kind, r.n)
	r.n++
	r.Put(c)
}

// regions brings the entries from the regions' addresses to those of the
// process, notes which regions they are of, and gives the rights that all of
// them have. Entries of other keys stay as the work request has them.
func (e *Engine) regions(c *corpus.Case, what string) corpus.Access {
	c.Comments = []corpus.Comment{{Text: what}}
	rights := corpus.AccessLR | corpus.AccessLW | corpus.AccessRR | corpus.AccessRW | corpus.AccessA
	var met []uint32
	for i := range c.List {
		x := &c.List[i]
		k, known := e.dev.QueryMkey(x.Lkey)
		if !known {
			continue
		}
		rights &= corpus.Access(k.Access)
		m := e.mrs[mlx5model.KeyIndex(x.Lkey)]
		first := !slices.Contains(met, x.Lkey) && len(met) < maxNamed
		if first {
			met = append(met, x.Lkey)
			c.Comments = append(c.Comments, corpus.Comment{Text: about(x.Lkey, m, &k)})
		}
		if m != nil && m.kind == region {
			x.Addr += m.addr - m.iova
		}
	}
	return rights
}

// about describes what a key is of.
func about(key uint32, m *mr, k *mlx5model.MkeyContext) string {
	rights := corpus.Access(k.Access)
	if m == nil || m.kind != region {
		return fmt.Sprintf("# lkey %#x: a %v key, %v", key, k.Mode, rights)
	}
	s := fmt.Sprintf("# lkey %#x: region %#x+%d, %v", key, m.addr, m.length, rights)
	if m.iova != m.addr {
		s += fmt.Sprintf(", from iova %#x on", m.iova)
	}
	return s
}
