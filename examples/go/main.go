// Command go is an implementation that "sgfuzz conform" can test: Linux'
// sg_to_klms, and a registration by one UMR, with a page list where the borders
// of the entries allow it and with a KLM list otherwise. It uses the module's
// own parser; any other JSON library would do.
package main

import (
	"bufio"
	"encoding/binary"
	"log"
	"os"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

const (
	maxInline = 832 // bytes of a list in a WQE of 1008: 52 KLMs or 104 MTTs
	mask      = mlx5model.MaskLen | mlx5model.MaskStartAddr | mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskAccess | mlx5model.MaskFree
)

func main() {
	in, out := bufio.NewReaderSize(os.Stdin, conform.MaxLine), bufio.NewWriter(os.Stdout)
	var p conform.Parser
	var q conform.Request
	var line []byte
	for {
		if in.Buffered() == 0 {
			out.Flush() // before blocking on input
		}
		request, err := in.ReadSlice('\n')
		if err != nil { // the end
			break
		}
		if err := p.ParseRequest(request[:len(request)-1], &q); err != nil {
			log.Fatal(err)
		}
		r := answer(&q)
		line = append(conform.AppendReply(line[:0], q.Op, &r), '\n')
		out.Write(line)
	}
	out.Flush()
}

func answer(q *conform.Request) conform.Reply {
	r := conform.Reply{ID: q.ID, Answer: conform.OK}
	switch q.Op {
	case conform.OpHello:
		r.Hello = conform.HelloReply{Name: []byte("example in Go"), Version: conform.Version, Ops: [][]byte{[]byte("sg_to_klms"), []byte("register")}}
	case conform.OpSGToKLMs:
		r.Map = sgToKLMs(&q.Map)
	case conform.OpRegister:
		if r.Registration, r.Reason = register(&q.Register); r.Reason != nil {
			r.Answer = conform.Reject
		}
	default:
		r.Answer, r.Reason = conform.Skip, []byte("not implemented")
	}
	return r
}

func sgToKLMs(m *conform.Map) (r conform.MapReply) {
	off := m.Offset
	if r.IOVA = uint64(off); len(m.SG) > 0 {
		r.IOVA += m.SG[0].Addr
	}
	for _, e := range m.SG[:min(len(m.SG), int(m.MaxDescs))] {
		r.Descs = appendKLM(r.Descs, e.Len-off, m.LocalLkey, e.Addr+uint64(off))
		r.Length += uint64(e.Len - off)
		r.Ret, r.NDescs, off = r.Ret+1, r.NDescs+1, 0
	}
	if m.HasOffset {
		r.SGOffsetOut = off
	}
	return r
}

func appendKLM(b []byte, n, key uint32, va uint64) []byte {
	b = binary.BigEndian.AppendUint32(b, n)
	b = binary.BigEndian.AppendUint32(b, key)
	return binary.BigEndian.AppendUint64(b, va)
}

func register(q *conform.Register) (r conform.RegisterReply, errno []byte) {
	if q.List.Validate() != nil {
		return r, []byte("EINVAL")
	}
	list := slices.DeleteFunc(slices.Clone(q.List), func(e sg.Entry) bool { return e.Len == 0 })
	key, iova := q.Keys[1], list[0].Addr // the keys alternate between klm and mtt
	xlt, ok := pages(q, list, min(uint64(key.Max), q.MaxEntries))
	if !ok {
		key = q.Keys[0]
		if xlt, ok = klms(q, list, min(uint64(key.Max), q.MaxEntries)); !ok {
			return r, []byte("ENOMEM")
		}
	}
	total := list.Total()
	if iova+total-1 < iova {
		iova %= q.PageSize // the region must not run past 2^64
	}
	for len(xlt)%64 != 0 {
		xlt = append(xlt, 0)
	}
	rkey, octowords := mlx5model.BumpKey(key.Key), len(xlt)/mlx5model.OctowordSize
	w := mlx5model.WQE{
		Ctrl: mlx5model.Ctrl{Opcode: mlx5model.OpUMR, QPN: q.QPN, DS: uint8(mlx5model.UMRFixedDS + octowords), Imm: key.Key},
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMRCheckNotFree, XltOctowords: uint16(octowords), Mask: mask},
		Mkey: mlx5model.MkeyContext{
			UMREn: true, Mode: key.Mode, Access: q.Access, QPN: mlx5model.QPNAny, Tag: mlx5model.KeyTag(rkey),
			Start: iova, Len: total, XltOctowords: uint32(octowords),
		},
	}
	if w.List = xlt; len(xlt) > maxInline {
		w.List = nil
		w.DS, w.UMR.Flags, w.HasPointer = mlx5model.UMRFixedDS+1, mlx5model.UMRCheckNotFree, true
		w.Pointer = mlx5model.DataSeg{ByteCount: uint32(len(xlt)), Lkey: q.Lkey, Addr: q.Scratch.Addr}
		r.Host = []conform.HostWrite{{Addr: q.Scratch.Addr, Bytes: xlt}}
	}
	r.WQEs = [][]byte{w.AppendTo(nil)}
	r.Regions = []reg.Tuple{{Rkey: rkey, Addr: iova, Len: total}}
	return r, nil
}

// pages is the page list of entries that meet at page borders.
func pages(q *conform.Register, list sg.List, room uint64) (xlt []byte, ok bool) {
	for i, e := range list {
		if i > 0 && e.Addr%q.PageSize != 0 || i < len(list)-1 && e.End()%q.PageSize != 0 {
			return nil, false
		}
		first, last := e.Addr/q.PageSize, e.Last()/q.PageSize
		if uint64(len(xlt)/8)+last-first >= room {
			return nil, false
		}
		for page := first; page <= last; page++ {
			xlt = binary.BigEndian.AppendUint64(xlt, page*q.PageSize|mlx5model.MTTRead|mlx5model.MTTWrite)
		}
	}
	return xlt, true
}

// klms is the KLM list of any entries.
func klms(q *conform.Register, list sg.List, room uint64) (xlt []byte, ok bool) {
	for _, e := range list {
		for at, left := e.Addr, uint64(e.Len); left > 0; {
			n := min(left, q.MaxEntryBytes)
			xlt = appendKLM(xlt, uint32(n), q.Lkey, at)
			if at, left = at+n, left-n; uint64(len(xlt)/16) > room {
				return nil, false
			}
		}
	}
	return xlt, true
}
