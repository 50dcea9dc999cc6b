//go:build cgo

package main

/*
#include "sgoracle.h"

// Names for what Go cannot spell: pointers to what is const.
typedef const void *sgo_memory;
typedef const struct sgo_request sgo_const_request;
*/
import "C"

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// The header's numbers are this package's: an index out of range where not.
var (
	_ = [1]int{}[C.SGO_ESESSION-errSession]
	_ = [1]int{}[C.SGO_ENULL-errNull]
	_ = [1]int{}[C.SGO_ERANGE-errRange]
	_ = [1]int{}[C.SGO_EREQUEST-errRequest]
	_ = [1]int{}[C.SGO_ESTATE-errState]
	_ = [1]int{}[C.SGO_EINTERNAL-errInternal]
	_ = [1]int{}[C.SGO_FINDING-finding]
	_ = [1]int{}[C.SGO_MAX_SESSIONS-maxSessions]
	_ = [1]int{}[C.SGO_MAX_ENTRIES-runner.MaxListEntries]
	_ = [1]int{}[C.SGO_MAX_KEYS-runner.MaxKeys]
	_ = [1]int{}[C.SGO_MAX_DESCRIPTORS-mlx5model.MaxKLMs]
	_ = [1]int{}[C.SGO_MAX_CALLS-maxCalls]
	_ = [1]int{}[C.SGO_MAX_BYTES-maxBytes]
	_ = [1]int{}[C.SGO_MAX_BYTES-runner.MaxScratchBytes]
	_ = [1]int{}[C.SGO_DRAWN_ENTRIES-runner.MaxDrawnEntries]
	_ = [1]int{}[C.SGO_DRAWN_KEYS-runner.MaxDrawnKeys]
	_ = [1]int{}[C.SGO_MODE_MTT-int(mlx5model.ModeMTT)]
	_ = [1]int{}[C.SGO_MODE_KLM-int(mlx5model.ModeKLM)]
	_ = [1]int{}[C.SGO_PEER_READS-int(reg.DirRead)]
	_ = [1]int{}[C.SGO_PEER_WRITES-int(reg.DirWrite)]
	_ = [1]int{}[C.SGO_LOCAL_READ-mlx5model.AccLR]
	_ = [1]int{}[C.SGO_LOCAL_WRITE-mlx5model.AccLW]
	_ = [1]int{}[C.SGO_REMOTE_READ-mlx5model.AccRR]
	_ = [1]int{}[C.SGO_REMOTE_WRITE-mlx5model.AccRW]
	_ = [1]int{}[C.SGO_REMOTE_ATOMIC-mlx5model.AccA]
)

// do is registry.use for calls that give nothing.
func do(s C.sgo_session, f func(*session) error) C.int {
	return C.int(sessions.use(uint64(s), func(s *session) (int, error) { return 0, f(s) }))
}

// add is do for calls that add to a case.
func add(s C.sgo_session, f func(*session) error) C.int {
	return do(s, func(s *session) error { return s.spoil(f(s)) })
}

// view is n bytes of C's memory, for the time of the call.
func view(call string, p C.sgo_memory, n C.size_t) ([]byte, error) {
	switch {
	case n > maxBytes:
		return nil, failf(errRange, "%s: %d bytes, want %d at most", call, n, maxBytes)
	case n == 0:
		return nil, nil
	case p == nil:
		return nil, failf(errNull, "%s: NULL for %d bytes", call, n)
	}
	return unsafe.Slice((*byte)(p), int(n)), nil
}

// tell copies a text to C as snprintf would.
func tell(text string, buf *C.char, size C.size_t) (int, error) {
	if size == 0 {
		return len(text), nil
	}
	if buf == nil {
		return 0, failf(errNull, "NULL for a text")
	}
	n := len(text)
	if size <= C.size_t(n) {
		n = int(size) - 1
	}
	dst := unsafe.Slice((*byte)(unsafe.Pointer(buf)), n+1)
	copy(dst, text[:n])
	dst[n] = 0
	return len(text), nil
}

// text is a call that gives a text of a session.
func text(s C.sgo_session, buf *C.char, size C.size_t, f func(*session) (string, error)) C.int {
	return C.int(sessions.use(uint64(s), func(s *session) (int, error) {
		t, err := f(s)
		if err != nil {
			return 0, err
		}
		return tell(t, buf, size)
	}))
}

//export sgo_api_version
func sgo_api_version() C.int { return C.SGO_API_VERSION }

//export sgo_version
func sgo_version(buf *C.char, size C.size_t) C.int {
	return C.int(guard(func() (int, error) { return tell(version(), buf, size) }))
}

//export sgo_new
func sgo_new(out *C.sgo_session) C.int {
	return C.int(guard(func() (int, error) {
		if out == nil {
			return 0, failf(errNull, "sgo_new: NULL")
		}
		*out = 0
		id, err := sessions.create()
		if err == nil {
			*out = C.sgo_session(id)
		}
		return 0, err
	}))
}

//export sgo_free
func sgo_free(s C.sgo_session) C.int {
	return C.int(guard(func() (int, error) { return 0, sessions.remove(uint64(s)) }))
}

//export sgo_error
func sgo_error(s C.sgo_session, buf *C.char, size C.size_t) C.int {
	if buf == nil && size > 0 {
		return C.int(errNull)
	}
	return text(s, buf, size, func(s *session) (string, error) { return s.last, nil })
}

//export sgo_draw_list
func sgo_draw_list(s C.sgo_session, data C.sgo_memory, size C.size_t, out *C.struct_sgo_drawn) C.int {
	return do(s, func(s *session) error {
		b, err := view("sgo_draw_list", data, size)
		if err != nil {
			return err
		}
		if out == nil {
			return failf(errNull, "sgo_draw_list: NULL")
		}
		if err := s.ready(); err != nil {
			return err
		}
		var q conform.Register
		s.referee.Draw(b, C.SGO_DRAWN_ENTRIES, &q)
		giveDrawn(out, &q)
		return nil
	})
}

// giveDrawn copies a request to C.
func giveDrawn(out *C.struct_sgo_drawn, q *conform.Register) {
	for i, e := range q.List {
		out.list[i] = C.struct_sgo_entry{addr: C.uint64_t(e.Addr), len: C.uint32_t(e.Len)}
	}
	for i, k := range q.Keys {
		out.keys[i] = C.struct_sgo_key{key: C.uint32_t(k.Key), mode: C.uint32_t(k.Mode), max: C.uint32_t(k.Max)}
	}
	out.request = C.struct_sgo_request{
		list: &out.list[0], count: C.size_t(len(q.List)), keys: &out.keys[0], key_count: C.size_t(len(q.Keys)),
		page_size: C.uint64_t(q.PageSize), max_entries: C.uint64_t(q.MaxEntries), max_entry_bytes: C.uint64_t(q.MaxEntryBytes),
		max_regions: C.uint64_t(q.MaxRegions), scratch_addr: C.uint64_t(q.Scratch.Addr), scratch_len: C.uint64_t(q.Scratch.Len),
		lkey: C.uint32_t(q.Lkey), qpn: C.uint32_t(q.QPN), pd: C.uint32_t(q.PD), access: C.uint32_t(q.Access), dir: C.uint32_t(q.Dir),
	}
}

//export sgo_begin
func sgo_begin(s C.sgo_session, request *C.sgo_const_request) C.int {
	return do(s, func(s *session) error {
		return s.begin(func(q *conform.Register) error { return takeRequest(q, request) })
	})
}

// takeRequest copies a request from C.
func takeRequest(q *conform.Register, c *C.sgo_const_request) error {
	switch {
	case c == nil:
		return failf(errNull, "sgo_begin: NULL")
	case c.count > C.SGO_MAX_ENTRIES:
		return failf(errRange, "sgo_begin: %d entries, want %d at most", c.count, C.SGO_MAX_ENTRIES)
	case c.key_count > C.SGO_MAX_KEYS:
		return failf(errRange, "sgo_begin: %d keys, want %d at most", c.key_count, C.SGO_MAX_KEYS)
	case c.list == nil && c.count > 0:
		return failf(errNull, "sgo_begin: NULL for a list of %d entries", c.count)
	case c.keys == nil && c.key_count > 0:
		return failf(errNull, "sgo_begin: NULL for %d keys", c.key_count)
	case c.access > 0xff || c.dir > 0xff:
		return failf(errRequest, "sgo_begin: access %#x, dir %d", c.access, c.dir)
	}
	*q = conform.Register{
		List: q.List[:0], Keys: q.Keys[:0],
		PageSize: uint64(c.page_size), MaxEntries: uint64(c.max_entries), MaxEntryBytes: uint64(c.max_entry_bytes),
		MaxRegions: uint64(c.max_regions), Scratch: sg.Extent{Addr: uint64(c.scratch_addr), Len: uint64(c.scratch_len)},
		Lkey: uint32(c.lkey), QPN: uint32(c.qpn), PD: uint32(c.pd), Access: uint8(c.access), Dir: reg.Dir(c.dir),
	}
	for _, e := range unsafe.Slice(c.list, int(c.count)) {
		q.List = append(q.List, sg.Entry{Addr: uint64(e.addr), Len: uint32(e.len)})
	}
	for i, k := range unsafe.Slice(c.keys, int(c.key_count)) {
		if k.mode > 0xff {
			return failf(errRequest, "sgo_begin: key %d has mode %d", i, k.mode)
		}
		q.Keys = append(q.Keys, conform.Key{Key: uint32(k.key), Mode: mlx5model.AccessMode(k.mode), Max: uint32(k.max)})
	}
	return nil
}

//export sgo_write_host
func sgo_write_host(s C.sgo_session, addr C.uint64_t, bytes C.sgo_memory, n C.size_t) C.int {
	return add(s, func(s *session) error {
		b, err := view("sgo_write_host", bytes, n)
		if err != nil {
			return err
		}
		return s.writeHost(uint64(addr), b)
	})
}

//export sgo_post
func sgo_post(s C.sgo_session, wqe C.sgo_memory, n C.size_t) C.int {
	return add(s, func(s *session) error {
		b, err := view("sgo_post", wqe, n)
		if err != nil {
			return err
		}
		return s.post(b)
	})
}

//export sgo_region
func sgo_region(s C.sgo_session, rkey C.uint32_t, addr, n C.uint64_t) C.int {
	return add(s, func(s *session) error {
		return s.region(reg.Tuple{Rkey: uint32(rkey), Addr: uint64(addr), Len: uint64(n)})
	})
}

//export sgo_copy_in
func sgo_copy_in(s C.sgo_session, from, to, n C.uint64_t) C.int {
	return add(s, func(s *session) error {
		return s.copyBytes("sgo_copy_in", &s.r.CopyIn, reg.Copy{From: uint64(from), To: uint64(to), Len: uint64(n)})
	})
}

//export sgo_copy_out
func sgo_copy_out(s C.sgo_session, from, to, n C.uint64_t) C.int {
	return add(s, func(s *session) error {
		return s.copyBytes("sgo_copy_out", &s.r.CopyOut, reg.Copy{From: uint64(from), To: uint64(to), Len: uint64(n)})
	})
}

//export sgo_reject
func sgo_reject(s C.sgo_session, errno C.int) C.int {
	return add(s, func(s *session) error { return s.reject(int(errno)) })
}

//export sgo_judge
func sgo_judge(s C.sgo_session) C.int { return C.int(sessions.use(uint64(s), (*session).judge)) }

//export sgo_verdict_text
func sgo_verdict_text(s C.sgo_session, buf *C.char, size C.size_t) C.int {
	return text(s, buf, size, (*session).verdictText)
}

//export sgo_failure_class
func sgo_failure_class(s C.sgo_session) C.int {
	return C.int(sessions.use(uint64(s), (*session).failureClass))
}

//export sgo_class_name
func sgo_class_name(class C.int, buf *C.char, size C.size_t) C.int {
	return C.int(guard(func() (int, error) {
		name, err := className(int(class))
		if err != nil {
			return 0, err
		}
		return tell(name, buf, size)
	}))
}

//export sgo_case_text
func sgo_case_text(s C.sgo_session, buf *C.char, size C.size_t) C.int {
	return text(s, buf, size, (*session).caseText)
}
