package fuzz

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// deviceTarget takes bytes as a device's profile and a send queue's content,
// and executes it.
func deviceTarget() Target {
	return Target{
		Name: "Device", Doc: "arbitrary WQE bytes, executed: memory only where keys allow, a consistent state after an error",
		Body: newDeviceRun().run, Seeds: deviceSeeds,
	}
}

// The device target's world: keys that no UMR may change and that reach fixed
// ranges of host memory, keys that UMRs change, and a key of another protection
// domain, whose memory nothing may reach.
const (
	devQPN, devPeerQPN = 0x1234, 0x1235
	devPD, devOtherPD  = 0x42, 0x43
	devRing            = 64 // WQEBBs

	devPA       = 0x100 // key indexes
	devMTTFixed = 0x101
	devKLM      = 0x102 // and the next two
	devKSM      = 0x105
	devMTT      = 0x106
	devForeign  = 0x107
	devKeys     = 8

	devMemory    = 0x10000 // reached through devPA
	devPages     = 0x20000 // reached through devMTTFixed
	devForbidden = 0x80000 // reached through devForeign
	devBytes     = 0x4000  // of each
)

// devMem is host memory that notes accesses outside what the keys allow. It
// holds two ranges; bytes elsewhere, which page lists written by UMRs may name,
// read as 0 and forget what is written.
type devMem struct {
	run      *deviceRun
	low      [devBytes]byte // devMemory
	high     [devBytes]byte // devPages
	accesses int
	stray    string // the first access that no key allows
}

// window is the part of [addr, addr+n) from its start on that lies in one of
// the two ranges.
func (m *devMem) window(addr, n uint64) []byte {
	for _, r := range [...]struct {
		base uint64
		buf  []byte
	}{{devMemory, m.low[:]}, {devPages, m.high[:]}} {
		if off := addr - r.base; off < devBytes {
			return r.buf[off:min(off+n, devBytes)]
		}
	}
	return nil
}

// each calls f for the pieces of an access: bytes of the host that p stands
// for, nil where there is no memory behind the address.
func (m *devMem) each(what string, addr uint64, p []byte, f func(p, host []byte)) {
	m.accesses++
	for len(p) > 0 {
		w := m.window(addr, uint64(len(p)))
		n := uint64(len(w))
		if n == 0 {
			n = min(m.run.listed(addr), uint64(len(p)))
		}
		if n == 0 {
			if m.stray == "" {
				m.stray = fmt.Sprintf("%s of %d bytes at %#x", what, len(p), addr)
			}
			n = uint64(len(p))
		}
		f(p[:n], w)
		p, addr = p[n:], addr+n
	}
}

func (m *devMem) Read(addr uint64, p []byte) error {
	m.each("read", addr, p, func(p, host []byte) { clear(p); copy(p, host) })
	return nil
}

func (m *devMem) Write(addr uint64, p []byte) error {
	m.each("write", addr, p, func(p, host []byte) { copy(host, p) })
	return nil
}

// deviceRun is the target's storage.
type deviceRun struct {
	ch       *sg.Choices
	mem      devMem
	dev      *mlx5model.Device
	ring     *mlx5model.Ring
	qp       *mlx5model.QP
	peer     mlx5model.Responder
	pi       uint32
	profiles []mlx5model.Profile
	before   [devKeys]keyState
	wqe      [16 * mlx5model.WQEBBSize]byte
	pages    [4 * mlx5model.MTTSize]byte
	spoil    func(*deviceRun) // for tests: after each request
}

// keyState is all of a key that a UMR can change.
type keyState struct {
	ctx  mlx5model.MkeyContext
	xlt  []byte
	bsf  []byte
	live bool
}

func newDeviceRun() *deviceRun {
	r := &deviceRun{ch: sg.NewChoices(nil)}
	r.mem.run = r
	for _, name := range []string{"default", "small", "strict", "cx4", "noumr"} {
		p, _ := mlx5model.ProfileByName(name)
		// bounds on the work of one request, as a fuzzer wants them
		p.MaxMsgBytes, p.MaxSteps, p.MaxXltOctowords = min(p.MaxMsgBytes, 1<<14), 1<<12, min(p.MaxXltOctowords, 1<<12)
		r.profiles = append(r.profiles, p)
	}
	p := r.profiles[0]
	p.ZeroKLM, p.KSMIndexByVA, p.MaxIndirection = mlx5model.ZeroKLM2GiB, true, 2
	r.profiles = append(r.profiles, p)
	var err error
	if r.ring, err = mlx5model.NewRing(devRing); err != nil {
		panic(err) // a constant size
	}
	if r.dev, err = mlx5model.NewDevice(r.profiles[0], &r.mem); err != nil {
		panic(err) // a profile of the module's own
	}
	for i := range 4 {
		binary.BigEndian.PutUint64(r.pages[i*mlx5model.MTTSize:], devPages+uint64(i)<<12|mlx5model.MTTRead|mlx5model.MTTWrite)
	}
	return r
}

// start makes the world anew.
func (r *deviceRun) start(p mlx5model.Profile, pi uint32) error {
	if err := r.dev.Reset(p, &r.mem); err != nil {
		return err
	}
	r.mem.accesses, r.mem.stray = 0, ""
	for i := range r.mem.low {
		r.mem.low[i], r.mem.high[i] = byte(i), byte(i>>4)
	}
	for i := range uint32(devKeys) {
		ctx, xlt := r.context(&p, devPA+i)
		if _, err := r.dev.CreateMkey(devPA+i, ctx, xlt); err != nil && i != devKSM-devPA && p.IMAICL {
			return err // KSM keys exist on some devices only, KLM keys for UMR too
		}
	}
	r.ring.Fill(0xcc)
	r.pi = pi
	r.peer = mlx5model.Responder{Dev: r.dev, QPN: devPeerQPN, PD: devPD}
	var err error
	r.qp, err = r.dev.CreateQP(mlx5model.QPConfig{QPN: devQPN, PD: devPD, SQ: r.ring, CI: pi, Peer: &r.peer, SigAll: pi&1 != 0})
	return err
}

// context is the initial state of a key.
func (r *deviceRun) context(p *mlx5model.Profile, index uint32) (mlx5model.MkeyContext, []byte) {
	ctx := mlx5model.MkeyContext{Access: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, QPN: mlx5model.QPNAny, PD: devPD, Len: devBytes}
	switch index {
	case devPA:
		ctx.Mode, ctx.Start = mlx5model.ModePA, devMemory
		return ctx, nil
	case devMTTFixed:
		ctx.Mode, ctx.Start, ctx.LogPageSize, ctx.XltOctowords = mlx5model.ModeMTT, devPages, 12, 2
		return ctx, r.pages[:]
	case devForeign:
		ctx.Mode, ctx.Start, ctx.PD = mlx5model.ModePA, devForbidden, devOtherPD
		return ctx, nil
	case devKSM:
		ctx.Mode, ctx.LogPageSize = mlx5model.ModeKSM, 12
	case devMTT:
		ctx.Mode, ctx.LogPageSize = mlx5model.ModeMTT, 12
	default:
		ctx.Mode = mlx5model.ModeKLM
	}
	ctx.Free, ctx.UMREn, ctx.XltOctowords, ctx.BSFOctowords, ctx.EnRinval = true, true, 16, 4, true
	return ctx, nil
}

// listed is how many bytes from an address on lie in one page of a list that a
// UMR wrote and that its key still has in use.
func (r *deviceRun) listed(addr uint64) uint64 {
	ctx, ok := r.dev.QueryMkey(devMTT << 8)
	if !ok || ctx.Free {
		return 0
	}
	size := uint64(1) << ctx.LogPageSize
	for xlt := r.dev.QueryXlt(devMTT << 8); len(xlt) >= mlx5model.MTTSize; xlt = xlt[mlx5model.MTTSize:] {
		page := binary.BigEndian.Uint64(xlt) &^ (size - 1)
		if addr-page < size {
			return size - (addr - page)
		}
	}
	return 0
}

// snapshot keeps what a failing request must not change.
func (r *deviceRun) snapshot() {
	for i := range r.before {
		s, key := &r.before[i], uint32(devPA+i)<<8
		s.ctx, s.live = r.dev.QueryMkey(key)
		s.xlt = append(s.xlt[:0], r.dev.QueryXlt(key)...)
		s.bsf = append(s.bsf[:0], r.dev.QueryBSF(key)...)
	}
}

// changed is the index of a key, other than except, that is not as it was; -1
// for none.
func (r *deviceRun) changed(except uint32) int {
	for i := range r.before {
		s, key := &r.before[i], uint32(devPA+i)<<8
		if mlx5model.KeyIndex(key) == except {
			continue
		}
		ctx, live := r.dev.QueryMkey(key)
		if ctx != s.ctx || live != s.live || !bytes.Equal(s.xlt, r.dev.QueryXlt(key)) || !bytes.Equal(s.bsf, r.dev.QueryBSF(key)) {
			return devPA + i
		}
	}
	return -1
}
