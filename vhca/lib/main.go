//go:build linux && (amd64 || arm64) && cgo

// Command lib is the C interface of package vhca, for
//
//	go build -buildmode=c-shared
//
// ../shim/c/engine.h is its header. All functions are called by one thread.
package main

/*
#include "../shim/c/engine.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/vhca"
)

func main() {}

// engine is the process's adapter.
var engine *vhca.Engine

//export hca_open
func hca_open() C.int {
	e, err := open()
	if err != nil {
		fmt.Fprintf(os.Stderr, "vhca: %v\n", err)
		return C.int(syscall.EINVAL)
	}
	engine = e
	return 0
}

//export hca_ring
func hca_ring(qpn C.uint32_t) C.int { return flag(engine.Ring(uint32(qpn))) }

//export hca_arm
func hca_arm(cqn, word C.uint32_t) { engine.Arm(uint32(cqn), uint32(word)) }

//export hca_tick
func hca_tick() C.int { return flag(engine.Tick()) }

//export hca_fd
func hca_fd() C.int { return C.int(engine.WakeFD()) }

func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

//export hca_call
func hca_call(op C.uint32_t, arg unsafe.Pointer) C.int {
	return errno(call(op, arg))
}

// errno is the C library's number for an error.
func errno(err error) C.int {
	if err == nil {
		return 0
	}
	if n, ok := errors.AsType[syscall.Errno](err); ok {
		return C.int(n)
	}
	return C.int(syscall.EINVAL)
}

func call(op C.uint32_t, arg unsafe.Pointer) error {
	switch op {
	case C.HCA_MR_REG, C.HCA_MR_REG_DM, C.HCA_MR_REREG, C.HCA_MR_QUERY, C.HCA_MW_ALLOC:
		return callMR(op, (*C.struct_hca_mr)(arg))
	case C.HCA_MKEY_CREATE:
		return createMkey((*C.struct_hca_mkey)(arg))
	case C.HCA_CQ_CREATE, C.HCA_CQ_RESIZE:
		return callCQ(op, (*C.struct_hca_cq)(arg))
	case C.HCA_SRQ_CREATE:
		return createSRQ((*C.struct_hca_srq)(arg))
	case C.HCA_QP_CREATE:
		return createQP((*C.struct_hca_qp)(arg))
	case C.HCA_QP_MODIFY, C.HCA_QP_QUERY, C.HCA_QP_DRAIN:
		return callQP(op, (*C.struct_hca_qp_attr)(arg))
	case C.HCA_CLOSE:
		finish()
		return nil
	}
	return callValue(op, (*C.struct_hca_value)(arg))
}

func callValue(op C.uint32_t, v *C.struct_hca_value) error {
	n := uint32(v.n)
	var err error
	var out uint32
	switch op {
	case C.HCA_PD_ALLOC:
		v.n = C.uint32_t(engine.AllocPD())
	case C.HCA_XRCD_OPEN:
		v.n = C.uint32_t(engine.OpenXRCD())
	case C.HCA_PSV:
		v.n = C.uint32_t(engine.PSV())
	case C.HCA_PD_FREE:
		err = engine.FreePD(n)
	case C.HCA_XRCD_CLOSE:
		err = engine.CloseXRCD(n)
	case C.HCA_MR_FREE:
		err = engine.DeregMR(n)
	case C.HCA_MW_FREE:
		err = engine.FreeMW(n)
	case C.HCA_MKEY_DESTROY:
		err = engine.DestroyMkey(n)
	case C.HCA_CQ_DESTROY:
		var fired uint32
		fired, out, err = engine.DestroyCQ(n)
		v.limit, v.events = C.uint32_t(fired), C.uint32_t(out)
	case C.HCA_EVENTS_GONE:
		engine.EventsGone(int32(n))
	case C.HCA_SRQ_LIMIT:
		err = engine.LimitSRQ(n, uint32(v.limit))
	case C.HCA_SRQ_QUERY:
		out, err = engine.SRQLimit(n)
		v.limit = C.uint32_t(out)
	case C.HCA_SRQ_DESTROY:
		out, err = engine.DestroySRQ(n)
		v.events = C.uint32_t(out)
	case C.HCA_QP_DESTROY:
		out, err = engine.DestroyQP(n)
		v.events = C.uint32_t(out)
	default:
		return syscall.ENOSYS
	}
	return err
}
