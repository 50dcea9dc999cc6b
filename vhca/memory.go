//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Process is this process's own memory as a device sees it: addresses are
// those of the process. Checked, every copy is the kernel's
// (process_vm_readv), so that an address that is not mapped is an error.
// Unchecked, copies are plain ones; a fault is an error only while nobody has
// replaced the Go runtime's SIGSEGV handler. It implements mlx5model.Copier.
type Process struct {
	Unchecked bool

	pid         int
	local, away []unix.Iovec // scratch
}

// NewProcess gives the memory of the calling process.
func NewProcess() *Process {
	return &Process{pid: unix.Getpid(), local: make([]unix.Iovec, 0, iovMax), away: make([]unix.Iovec, 0, iovMax)}
}

// iovMax is the longest vector that the kernel takes (include/uapi/linux/uio.h
// UIO_MAXIOV).
const iovMax = 1024

// ErrFault reports an address that is not mapped, or not for this access.
var ErrFault = errors.New("address is not mapped")

// at is the place of an address. The memory is not Go's.
func at(addr uint64) unsafe.Pointer {
	p := uintptr(addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// bytesAt is n bytes of the process from addr on.
func bytesAt(addr uint64, n int) []byte { return unsafe.Slice((*byte)(at(addr)), n) }

// addressOf is where a slice of Go's is; the heap does not move.
func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// wordAt is the 32-bit word at addr.
func wordAt(addr uint64) *uint32 { return (*uint32)(at(addr)) }

// Read implements mlx5model.HostMemory.
func (m *Process) Read(addr uint64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if m.Unchecked {
		return guarded(func() { copy(p, bytesAt(addr, len(p))) }, addr, len(p))
	}
	return m.vector(unix.SYS_PROCESS_VM_READV, p, addr)
}

// Write implements mlx5model.HostMemory.
func (m *Process) Write(addr uint64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if m.Unchecked {
		return guarded(func() { copy(bytesAt(addr, len(p)), p) }, addr, len(p))
	}
	return m.vector(unix.SYS_PROCESS_VM_WRITEV, p, addr)
}

// guarded runs a copy and turns a fault into an error.
func guarded(move func(), addr uint64, n int) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if recover() != nil {
			err = fmt.Errorf("%#x+%d: %w", addr, n, ErrFault)
		}
	}()
	move()
	return nil
}

// vector moves p to or from addr by one of the two system calls.
func (m *Process) vector(trap uintptr, p []byte, addr uint64) error {
	for len(p) > 0 {
		local := unix.Iovec{Base: &p[0]}
		local.SetLen(len(p))
		away := unix.Iovec{Base: (*byte)(at(addr))}
		away.SetLen(len(p))
		n, errno := call(trap, m.pid, &local, 1, &away, 1)
		if errno != 0 || n <= 0 || n > len(p) {
			return fault(addr, len(p), errno)
		}
		p, addr = p[n:], addr+uint64(n)
	}
	return nil
}

func fault(addr uint64, n int, errno syscall.Errno) error {
	if errno != 0 && errno != unix.EFAULT {
		return fmt.Errorf("%#x+%d: %w", addr, n, errno)
	}
	return fmt.Errorf("%#x+%d: %w", addr, n, ErrFault)
}

// call does not tell the scheduler: the copies are short, and the call is most
// of what a small message costs.
func call(trap uintptr, pid int, local *unix.Iovec, nl int, away *unix.Iovec, na int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(trap, uintptr(pid), uintptr(unsafe.Pointer(local)), uintptr(nl),
		uintptr(unsafe.Pointer(away)), uintptr(na), 0)
	return int(n), errno
}

// CopyExtents implements mlx5model.Copier.
func (m *Process) CopyExtents(dst, src []sg.Extent) error {
	if m.Unchecked {
		return m.copyPlain(dst, src)
	}
	var doff, soff uint64
	for len(dst) > 0 && len(src) > 0 {
		want := m.fill(dst, src, doff, soff)
		if want == 0 {
			return nil
		}
		n, errno := call(unix.SYS_PROCESS_VM_READV, m.pid, &m.local[0], len(m.local), &m.away[0], len(m.away))
		if errno != 0 || n <= 0 || uint64(n) > want {
			return fault(src[0].Addr+soff, int(want), errno)
		}
		dst, doff = skip(dst, doff, uint64(n))
		src, soff = skip(src, soff, uint64(n))
	}
	return nil
}

// fill makes vectors of the extents' front parts, of one length, and gives it.
func (m *Process) fill(dst, src []sg.Extent, doff, soff uint64) uint64 {
	a, an := vectorOf(m.local[:0], dst, doff)
	b, bn := vectorOf(m.away[:0], src, soff)
	n := min(an, bn)
	m.local, m.away = cut(a, n), cut(b, n)
	return n
}

func vectorOf(v []unix.Iovec, x []sg.Extent, off uint64) ([]unix.Iovec, uint64) {
	var sum uint64
	for _, e := range x {
		if len(v) == iovMax {
			break
		}
		if e.Len == off {
			off = 0
			continue
		}
		io := unix.Iovec{Base: (*byte)(at(e.Addr + off))}
		io.SetLen(int(e.Len - off))
		sum += e.Len - off
		v, off = append(v, io), 0
	}
	return v, sum
}

// cut shortens a vector to n bytes.
func cut(v []unix.Iovec, n uint64) []unix.Iovec {
	for i := range v {
		if v[i].Len >= n {
			v[i].SetLen(int(n))
			return v[:i+1]
		}
		n -= v[i].Len
	}
	return v
}

// skip goes n bytes further in a list of extents.
func skip(x []sg.Extent, off, n uint64) ([]sg.Extent, uint64) {
	off += n
	for len(x) > 0 && off >= x[0].Len {
		off -= x[0].Len
		x = x[1:]
	}
	return x, off
}

// plainPiece keeps copies below the size from which the Go runtime writes past
// the caches (runtime/memmove_amd64.s): the program reads what arrives.
const plainPiece = 256 << 10

func (m *Process) copyPlain(dst, src []sg.Extent) error {
	var doff, soff uint64
	for len(dst) > 0 && len(src) > 0 {
		n := min(dst[0].Len-doff, src[0].Len-soff, plainPiece)
		to, from := dst[0].Addr+doff, src[0].Addr+soff
		if err := guarded(func() { copy(bytesAt(to, int(n)), bytesAt(from, int(n))) }, from, int(n)); err != nil {
			return err
		}
		dst, doff = skip(dst, doff, n)
		src, soff = skip(src, soff, n)
	}
	return nil
}

// Possible reports whether the kernel lets the process copy in this way; some
// sandboxes do not.
func (m *Process) Possible() bool {
	var from, to [8]byte
	from[3] = 7
	return m.vector(unix.SYS_PROCESS_VM_READV, to[:], uint64(uintptr(unsafe.Pointer(&from)))) == nil && to == from
}
