package fuzz

import (
	"encoding/binary"
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// run draws a profile, then step after step.
func (r *deviceRun) run(data []byte) error {
	r.ch.Reset(data)
	p := r.profiles[int(r.ch.Byte())%len(r.profiles)]
	if err := r.start(p, uint32(r.ch.Uint(1<<16-1))); err != nil {
		return failure("device cannot be set up", "%s: %v", p.Name, err)
	}
	for range 64 {
		if err := r.step(); err != nil {
			return err
		}
		if r.mem.stray != "" {
			return failure("device touches memory that no key allows", "%s, profile %s\n% x", r.mem.stray, p.Name, data)
		}
		if !r.ch.MoreUnless(16) {
			break
		}
	}
	return nil
}

// step draws one thing to do: mostly a WQE, sometimes a batch, a wrong
// doorbell, a remote access or a recovery.
func (r *deviceRun) step() error {
	switch r.ch.Pick([]int{100, 60, 40, 12, 20, 12, 12}) {
	case 0:
		return r.execute(r.blob(), true)
	case 1:
		return r.execute(r.umr(), true)
	case 2:
		return r.execute(r.rdma(), true)
	case 3:
		return r.execute(r.blob(), false)
	case 4:
		return r.remote()
	case 5:
		return r.batch()
	}
	r.qp.Recover(r.pi)
	return nil
}

// blob draws the raw bytes of a WQE; its length is the DS that the bytes say.
func (r *deviceRun) blob() []byte {
	clear(r.wqe[:])
	for i := range mlx5model.CtrlSize {
		r.wqe[i] = r.ch.Byte()
	}
	n := int(mlx5model.ParseCtrl(r.wqe[:]).DS) * mlx5model.DSSize
	for i := mlx5model.CtrlSize; i < n; i++ {
		r.wqe[i] = r.ch.Byte()
	}
	return r.wqe[:max(n, mlx5model.CtrlSize)]
}

// key draws the name of a key: mostly one that exists.
func (r *deviceRun) key() uint32 {
	b := r.ch.Byte()
	if b == 255 {
		return uint32(r.ch.Uint(1<<32 - 1))
	}
	return (devPA+uint32(b)%devKeys)<<8 | uint32(b>>7)
}

// addr draws an address: in the memory that keys reach, near 0, or any.
func (r *deviceRun) addr() uint64 {
	switch r.ch.Pick([]int{8, 4, 2, 1}) {
	case 0:
		return devMemory + r.ch.Uint(devBytes+15)
	case 1:
		return devPages + r.ch.Uint(devBytes+15)
	case 2:
		return r.ch.Uint(1<<14-1) - 16
	}
	return r.ch.Uint(^uint64(0))
}

// umr draws a plausible UMR.
func (r *deviceRun) umr() []byte {
	clear(r.wqe[:])
	u := mlx5model.UMRCtrl{Flags: r.ch.Byte() &^ 7, XltOctowords: uint16(r.ch.Byte()%5) * 4, Mask: mlx5model.MaskKnown}
	switch r.ch.Pick([]int{4, 2, 1}) {
	case 0:
		u.Mask = mlx5model.MaskFree | mlx5model.MaskLen | mlx5model.MaskStartAddr | mlx5model.MaskAccess | mlx5model.MaskLR
	case 1:
		u.Mask = r.ch.Uint(mlx5model.MaskKnown)
	}
	if u.Flags&mlx5model.UMROffsetEn != 0 {
		u.XltOffset = r.ch.Uint(31)
	} else if r.ch.Byte() > 200 {
		u.BSFOctowords = 4
	}
	ctx := mlx5model.MkeyContext{
		Free: r.ch.Byte() > 220, Access: r.ch.Byte() & mlx5model.AccRights, QPN: mlx5model.QPNAny, PD: devPD,
		Tag: r.ch.Byte() & 1, Start: r.addr(), Len: r.ch.Uint(1<<14 - 1), LogPageSize: 9 + r.ch.Byte()%5, Length64: r.ch.Byte() > 240,
	}
	if r.ch.Byte() > 240 {
		ctx.PD, ctx.QPN = devOtherPD, devPeerQPN
	}
	ds := uint8(mlx5model.UMRFixedDS)
	target := (devKLM + uint32(r.ch.Byte())%5) << 8
	if u.Flags&mlx5model.UMRInline != 0 {
		for i := range int(u.XltOctowords) {
			r.descriptor(target, r.wqe[mlx5model.UMRDataOff+i*mlx5model.KLMSize:])
		}
		ds += uint8(u.XltOctowords) + uint8(u.BSFOctowords)
	} else {
		s := mlx5model.DataSeg{Lkey: r.key(), Addr: r.addr() &^ (mlx5model.UMRPointerAlign - 1)}
		s.Put(r.wqe[mlx5model.UMRDataOff:])
		ds++
	}
	c := mlx5model.Ctrl{Opcode: mlx5model.OpUMR, DS: ds, FmCeSe: r.ch.Byte(), Imm: target}
	c.Put(r.wqe[:])
	u.Put(r.wqe[mlx5model.CtrlSize:])
	ctx.Put(r.wqe[mlx5model.CtrlSize+mlx5model.UMRCtrlSize:])
	return r.wqe[:int(ds)*mlx5model.DSSize]
}

// descriptor draws 16 bytes of the target's list.
func (r *deviceRun) descriptor(target uint32, b []byte) {
	k := mlx5model.KLM{ByteCount: uint32(r.ch.Uint(4095)), Key: r.key(), VA: r.addr()}
	switch {
	case target == devMTT<<8:
		k.ByteCount, k.Key, k.VA = 0, uint32(r.addr()&^0x1ff|3), r.addr()&^0x1ff|3
	case r.ch.Byte() > 248:
		k.ByteCount, k.Key, k.VA = uint32(r.ch.Byte()), mlx5model.RepeatOp, uint64(r.ch.Byte())<<32|uint64(r.ch.Byte()&7)
	}
	k.Put(b)
}

// rdma draws a plausible RDMA request.
func (r *deviceRun) rdma() []byte {
	clear(r.wqe[:])
	n := int(r.ch.Byte() % 6)
	c := mlx5model.Ctrl{Opcode: mlx5model.OpRDMAWrite, DS: uint8(2 + n), FmCeSe: r.ch.Byte()}
	if r.ch.Bool() {
		c.Opcode = mlx5model.OpRDMARead
	}
	c.Put(r.wqe[:])
	binary.BigEndian.PutUint64(r.wqe[mlx5model.CtrlSize:], r.addr())
	binary.BigEndian.PutUint32(r.wqe[mlx5model.CtrlSize+8:], r.key())
	for i := range n {
		s := mlx5model.DataSeg{ByteCount: uint32(r.ch.Uint(2047)), Lkey: r.key(), Addr: r.addr()}
		s.Put(r.wqe[mlx5model.CtrlSize+mlx5model.RaddrSize+i*mlx5model.DataSegSize:])
	}
	return r.wqe[:(2+n)*mlx5model.DSSize]
}

// execute puts a WQE into the ring and rings for it alone. framed corrects the
// fields without which nothing is executed: index and QPN.
func (r *deviceRun) execute(wqe []byte, framed bool) error {
	if framed {
		c := mlx5model.ParseCtrl(wqe)
		c.Index, c.QPN, c.Opmod, c.DS = uint16(r.pi), devQPN, 0, max(c.DS, 1)
		c.Put(wqe)
	}
	c := mlx5model.ParseCtrl(wqe)
	r.ring.Write(r.pi, 0, wqe)
	return r.ringFor(&c, max(mlx5model.WQEBBs(c.DS), 1))
}

// ringFor executes the request at r.pi and judges what it left behind.
func (r *deviceRun) ringFor(c *mlx5model.Ctrl, wqebbs uint32) error {
	r.snapshot()
	wasError, accesses := r.qp.State() == mlx5model.QPError, r.mem.accesses
	r.qp.ClearCompletions()
	r.pi += wqebbs
	r.dev.Doorbell(r.qp, r.pi)
	if r.spoil != nil {
		r.spoil(r)
	}
	wrong := func(what string) error {
		return failure("device: "+what, "opcode %#x, key %#x, completions %+v, %v", uint8(c.Opcode), c.Imm, r.qp.Completions(), r.qp.Err())
	}
	done := r.qp.Completions()
	switch {
	case r.qp.Consumer() != r.pi:
		return wrong("consumer counter is not the producer's")
	case len(done) > 1:
		return wrong("more completions than requests")
	case len(done) == 1 && done[0].Index != uint16(r.pi-wqebbs):
		return wrong("completion of another request")
	}
	if r.qp.State() != mlx5model.QPError {
		return r.succeeded(c, wrong)
	}
	return r.failed(c, wasError, r.mem.accesses-accesses, wrong)
}

// succeeded: nothing but the key that a UMR names has changed.
func (r *deviceRun) succeeded(c *mlx5model.Ctrl, wrong func(string) error) error {
	except := uint32(0)
	if c.Opcode == mlx5model.OpUMR {
		except = mlx5model.KeyIndex(c.Imm)
		if except == devPA || except == devMTTFixed || except == devForeign {
			return wrong("UMR of a key that may not be changed")
		}
	}
	for _, e := range r.qp.Completions() {
		if e.Failed() {
			return wrong("failed completion, but the queue is ready")
		}
	}
	if r.qp.Err() != nil {
		return wrong("queue is ready, but has an error")
	}
	if r.changed(except) >= 0 {
		return wrong("request changed a key that it does not name")
	}
	return nil
}

// failed: the error is told, and no key has changed; a flushed request does
// not even look at memory.
func (r *deviceRun) failed(c *mlx5model.Ctrl, flushed bool, accesses int, wrong func(string) error) error {
	done := r.qp.Completions()
	e, ok := errors.AsType[*mlx5model.WQEError](r.qp.Err())
	switch {
	case !ok || e.Syndrome == mlx5model.SynOK || e.Reason == 0:
		return wrong("error without a reason")
	case flushed && accesses > 0:
		return wrong("flushed request reaches memory")
	case flushed && (len(done) > 1 || len(done) == 1 && done[0].Syndrome != mlx5model.SynFlush):
		return wrong("flushed request completes otherwise")
	case !flushed && (len(done) != 1 || !done[0].Failed() || done[0].Syndrome != e.Syndrome || done[0].Vendor != uint8(e.Reason)):
		return wrong("error is not in the completion")
	case r.changed(0) >= 0:
		return wrong("failed request changed a key")
	}
	return nil
}

// remote makes a remote access by the peer: it moves as many bytes as it says
// or none.
func (r *deviceRun) remote() error {
	a := mlx5model.Access{Op: mlx5model.RemoteRead, QPN: devPeerQPN, PD: devPD, Key: r.key(), VA: r.addr()}
	buf := r.wqe[:r.ch.Uint(1023)]
	r.snapshot()
	accesses := r.mem.accesses
	var err error
	if r.ch.Bool() {
		a.Op = mlx5model.RemoteWrite
		err = r.dev.WriteHost(a, buf)
	} else {
		err = r.dev.ReadHost(a, buf)
	}
	if err != nil {
		e, ok := errors.AsType[*mlx5model.AccessError](err)
		if !ok || e.Syndrome == mlx5model.SynOK || e.Reason == 0 {
			return failure("device: refused access without a reason", "%+v: %v", a, err)
		}
		if r.mem.accesses != accesses {
			return failure("device: refused access reaches memory", "%+v: %v", a, err)
		}
	}
	if r.changed(0) >= 0 {
		return failure("device: access changed a key", "%+v: %v", a, err)
	}
	return nil
}

// batch rings for more WQEBBs than were written: stale ones, a whole ring, or
// more than the ring has. The counter arrives, the completions are bounded.
func (r *deviceRun) batch() error {
	n := uint32(r.ch.Uint(devRing + 8))
	r.qp.ClearCompletions()
	r.pi += n
	r.dev.Doorbell(r.qp, r.pi)
	if r.qp.Consumer() != r.pi || len(r.qp.Completions()) > int(max(n, 1)) {
		return failure("device: batch leaves the counter behind", "%d WQEBBs, counter %d, want %d", n, r.qp.Consumer(), r.pi)
	}
	return nil
}

// deviceSeeds are the work requests that the dialects post, as raw WQEs.
func deviceSeeds() ([][]byte, error) {
	posted, err := seedRequests(16)
	if err != nil {
		return nil, err
	}
	var seeds [][]byte
	for i, p := range posted {
		b := []byte{byte(i), 0, 0, 0}
		wqe := append([]byte(nil), p.WQE...)
		if wqe[3] == byte(mlx5model.OpUMR) { // a key that exists
			wqe[12], wqe[13], wqe[14] = 0, 1, 2+byte(i%5)
		}
		seeds = append(seeds, append(b, wqe...))
	}
	for i := range 32 { // plausible programs of all steps
		c := sg.NewRandom(uint64(i))
		for range 400 {
			c.Byte()
		}
		seeds = append(seeds, append([]byte(nil), c.Recorded()...))
	}
	return seeds, nil
}
