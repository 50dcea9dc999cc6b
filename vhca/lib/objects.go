//go:build linux && (amd64 || arm64) && cgo

package main

/*
#include "../shim/c/engine.h"
*/
import "C"

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/vhca"
)

func callMR(op C.uint32_t, m *C.struct_hca_mr) error {
	pd, access := uint32(m.pd), uint32(m.access)
	addr, length, iova := uint64(m.addr), uint64(m.length), uint64(m.iova)
	var key uint32
	var err error
	switch op {
	case C.HCA_MR_REG:
		key, err = engine.RegMR(pd, addr, length, iova, access)
	case C.HCA_MR_REG_DM:
		key, err = engine.RegDM(pd, addr, length, access)
	case C.HCA_MR_REREG:
		key, err = engine.ReregMR(uint32(m.key), uint32(m.flags), pd, addr, length, iova, access)
	case C.HCA_MW_ALLOC:
		key, err = engine.AllocMW(pd, m.flags == 2)
	case C.HCA_MR_QUERY:
		var r vhca.Region
		r, err = engine.QueryMR(uint32(m.key))
		key, m.pd, m.access, m.length, m.iova = r.Key, C.uint32_t(r.PD), C.uint32_t(r.Access), C.uint64_t(r.Length), C.uint64_t(r.IOVA)
	}
	m.key = C.uint32_t(key)
	return err
}

func createMkey(m *C.struct_hca_mkey) error {
	var list []byte
	if m.list != nil {
		list = unsafe.Slice((*byte)(m.list), 16*int(m.octowords))
	}
	index, err := engine.CreateMkey(unsafe.Slice((*byte)(m.mkc), 64), list)
	m.index = C.uint32_t(index)
	return err
}

func callCQ(op C.uint32_t, c *C.struct_hca_cq) error {
	if op == C.HCA_CQ_RESIZE {
		return engine.ResizeCQ(uint32(c.n), uint64(c.buf), uint32(c.entries), uint32(c.size))
	}
	n, err := engine.CreateCQ(vhca.CQSpec{Buf: uint64(c.buf), DB: uint64(c.db), Entries: uint32(c.entries), Size: uint32(c.size),
		Handle: uint64(c.handle), Channel: int32(c.channel), Async: int32(c.async)})
	c.n = C.uint32_t(n)
	return err
}

func createSRQ(s *C.struct_hca_srq) error {
	n, err := engine.CreateSRQ(vhca.SRQSpec{PD: uint32(s.pd), CQ: uint32(s.cq), XRCD: uint32(s.xrcd), Buf: uint64(s.buf), DB: uint64(s.db),
		WRs: uint32(s.wrs), SGEs: uint32(s.sges), Limit: uint32(s.limit), UIDX: uint32(s.uidx), Handle: uint64(s.handle), Async: int32(s.async)})
	s.n = C.uint32_t(n)
	return err
}

func createQP(q *C.struct_hca_qp) error {
	n, err := engine.CreateQP(vhca.QPSpec{Type: vhca.QPType(q._type), PD: uint32(q.pd), XRCD: uint32(q.xrcd),
		SendCQ: uint32(q.send_cq), RecvCQ: uint32(q.recv_cq), SRQ: uint32(q.srq),
		SQ: uint64(q.sq), SQWQEBBs: uint32(q.sq_wqebbs), RQ: uint64(q.rq), RQCount: uint32(q.rq_count), RQShift: uint32(q.rq_shift),
		DB: uint64(q.db), SigAll: q.sig_all != 0, UIDX: uint32(q.uidx), Handle: uint64(q.handle), Async: int32(q.async)})
	q.n = C.uint32_t(n)
	return err
}

func callQP(op C.uint32_t, a *C.struct_hca_qp_attr) error {
	switch op {
	case C.HCA_QP_DRAIN:
		return engine.DrainQP(uint32(a.n), a.drain != 0)
	case C.HCA_QP_QUERY:
		s, err := engine.QPState(uint32(a.n))
		a.state, a.counter = C.uint32_t(s), C.uint16_t(engine.QPCounter(uint32(a.n)))
		return err
	}
	return engine.ModifyQP(uint32(a.n), vhca.Attr{Mask: uint32(a.mask), State: vhca.State(a.state), CurState: vhca.State(a.cur_state),
		Access: uint32(a.access), QKey: uint32(a.qkey), DestQPN: uint32(a.dest_qpn), Timeout: uint8(a.timeout), Retries: uint8(a.retries),
		RNR: uint8(a.rnr), MinRNR: uint8(a.min_rnr), Notify: a.notify != 0})
}
