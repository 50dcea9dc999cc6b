//go:build linux && (amd64 || arm64)

package vhca

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// TestEventsGone: a descriptor that was closed gets no record more, other ones
// do, whatever kind of object writes there.
func TestEventsGone(t *testing.T) {
	for _, gone := range []bool{false, true} {
		r := newRig(t)
		b := r.take(64)
		key := r.reg(b)
		srq := must(r.e.CreateSRQ(SRQSpec{PD: r.pd, Buf: addressOf(r.take(8 * 64)), DB: addressOf(r.take(64)), WRs: 8, SGEs: 1, Handle: 300, Async: 12}))(t)
		if gone {
			for _, fd := range []int32{10, 12} {
				r.e.EventsGone(fd)
			}
		}
		r.e.Arm(r.cq[0], 0)
		r.send(0, mlx5model.OpRDMAWrite, raddr(key+1, 0), seg(key, b)) // a completion, and the responder's event
		if err := r.e.LimitSRQ(srq, 4); err != nil {
			t.Fatal(err)
		}
		want := map[int32]int{10: 1, 11: 1, 12: 1}
		if gone {
			want[10], want[12] = 0, 0
		}
		for fd, n := range want {
			if len(r.events[fd]) != n {
				t.Errorf("gone %v: %d records written to %d, want %d", gone, len(r.events[fd]), fd, n)
			}
		}
	}
}

// TestOwnFault: memory that is not there is an error of the end whose it is,
// whoever moves the bytes.
func TestOwnFault(t *testing.T) {
	for _, op := range []mlx5model.Opcode{mlx5model.OpRDMAWrite, mlx5model.OpRDMARead, mlx5model.OpRDMAWriteImm} {
		for _, own := range []bool{true, false} {
			r := newRig(t)
			near, far := r.take(64), r.take(64)
			nearKey, farKey := r.reg(near), r.reg(far)
			lost := must(unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))(t)
			lostKey, lostAt := r.reg(lost), addressOf(lost)
			rest := lost[:8]
			if err := unix.Munmap(lost); err != nil {
				t.Fatal(err)
			}
			r.recv(1, farKey, far)
			want := mlx5model.SynLocalProt
			if own {
				r.send(0, op, raddr(farKey, addressOf(far)), seg(lostKey, rest))
			} else {
				r.send(0, op, raddr(lostKey, lostAt), seg(nearKey, near))
				want = mlx5model.SynRemoteOp
			}
			c, _ := r.poll(0)
			if state := must(r.e.QPState(r.qp[1]))(t); c.Syndrome != want || (state == RTS) != own {
				t.Errorf("%v, own %v: syndrome %v, want %v; the responder is in state %d", op, own, c.Syndrome, want, state)
			}
		}
	}
}
