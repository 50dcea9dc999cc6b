package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Oracle judges registrations. It holds the reference memory of one case and
// working storage that is reused from case to case; it is not safe for
// concurrent use.
type Oracle struct {
	// Full moves every byte of the stream instead of borders and samples, as
	// long as the stream is no longer than FullLimit bytes.
	Full      bool
	FullLimit uint64 // default 256 MiB
	// Intervals compares streams as intervals only and moves no byte at all,
	// unless Full says otherwise: what a device does with right translations is
	// then not looked at.
	Intervals bool
	// Peer is the remote side of registrations that initiate transfers; it must
	// have been the peer of their QP while they were made.
	Peer *Peer

	mem *sg.Memory // the case's host memory
	ref *sg.Memory // what it must look like

	fresh      bool // no list has been indexed since Begin
	exact      bool // the whole stream was found to reach the list's bytes
	r          *reg.Registration
	v          *Verdict
	orig       stream // the list before DMA mapping: what the stream is
	base       uint64 // stream offset of the registration's first byte
	ends       []uint64
	own        []sg.Extent // host memory that registrations of this case wrote by right
	ownSet     cover       // of own, as of the last compareMemory
	ownKnown   int         // len(own) then
	listSet    cover       // of whole, once a difference made one ask for it
	whole      []sg.Extent // the list's memory in stream order
	scratchSet cover

	want, got, exposed []sg.Extent
	reached            []sg.Extent       // what checkMapping compared last, until got or exposed change
	seen               []sg.Extent       // the whole stream, as checkRead found it
	seenOf             *reg.Registration // of this registration, nil for none
	seenAt             uint32            // its PostedTo
	in, out            copies
	windows            []window
	a, b               []byte
	rng                uint64
	wqe, canon, canon2 []byte
	decoded, again     mlx5model.WQE
	posted             posted
	findings           []mlx5model.Finding
	ctx                mlx5model.CheckContext
	mapped             sg.List
	tuples             []reg.Tuple
}

// New makes an oracle.
func New() *Oracle {
	return &Oracle{FullLimit: 256 << 20, ref: sg.NewMemory(0)}
}

// Begin starts a case in mem, which nobody has written yet. Every registration
// judged until the next Begin lives in the same memory, and a list that they
// share must not change.
func (o *Oracle) Begin(mem *sg.Memory) {
	o.mem = mem
	o.ref.Reset(mem.Seed())
	o.own, o.ownKnown, o.fresh, o.seenOf = o.own[:0], -1, true, nil
}

// Judge applies to r every check that concerns one live registration. It moves
// real data: afterwards the list's bytes in the case's memory differ, as a
// peer's writes would leave them.
func (o *Oracle) Judge(r *reg.Registration, v *Verdict) {
	o.load(r, v)
	if r.Initiator && !o.initiate() {
		return
	}
	o.checkDMA()
	o.checkConservation()
	o.checkPrefix()
	o.checkTermination()
	o.checkSRP()
	o.checkWQEs()
	o.checkLimits()
	o.checkCost()
	if r.Initiator {
		o.checkInitiated()
		return
	}
	if !o.tuplesUsable() {
		return
	}
	o.checkRead()
	o.checkSubRanges()
	o.checkWrite()
	if !o.exact {
		o.checkMultiplicity()
	}
	o.checkEdges()
	o.checkRights()
}

// JudgeAgain is Judge for a registration of a list that was judged before, with
// the same request: it demands that the stream is the list again and leaves out
// what follows from the first time.
func (o *Oracle) JudgeAgain(r *reg.Registration, v *Verdict) {
	o.load(r, v)
	if r.Initiator && !o.initiate() {
		return
	}
	if r.Initiator {
		o.checkInitiated()
	} else if o.tuplesUsable() {
		o.checkRead()
	}
}

// load makes r the registration under judgement.
func (o *Oracle) load(r *reg.Registration, v *Verdict) {
	o.r, o.v, o.exact, o.seenOf = r, v, false, nil
	o.setList(r.Request.List)
	o.base = posOffset(r.Mapped, r.From)
	o.own = append(o.own, r.Own...)
	o.ends = o.ends[:0]
	var sum uint64
	for _, t := range r.Tuples {
		sum += t.Len
		o.ends = append(o.ends, sum)
	}
	o.in.setIn(r.CopyIn)
	o.out.setOut(r.CopyOut)
	o.rng = o.seed()
}

// seed depends on the registration alone.
func (o *Oracle) seed() uint64 { return o.base ^ o.r.Covered ^ uint64(len(o.r.Request.List))<<32 }

// setList indexes the list, unless it is the one of the registration before: a
// list in parts is judged part by part.
func (o *Oracle) setList(l sg.List) {
	if !o.fresh && len(l) == len(o.orig.list) && (len(l) == 0 || &l[0] == &o.orig.list[0]) {
		return
	}
	o.fresh = false
	o.orig.set(l)
	o.whole = o.orig.extents(o.whole[:0], 0, ^uint64(0))
}

// posOffset is the stream offset of a position in l.
func posOffset(l sg.List, p linux.Pos) uint64 {
	var sum uint64
	for i := 0; i < p.Entry && i < len(l); i++ {
		sum += uint64(l[i].Len)
	}
	return sum + p.Off
}

// random draws from a fixed sequence that depends on the registration alone
// (splitmix64), so that a verdict repeats.
func (o *Oracle) random(n uint64) uint64 {
	o.rng += 0x9e3779b97f4a7c15
	x := o.rng
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	if n == 0 {
		return 0
	}
	return x % n
}

// readOp and writeOp are the operations that the granted rights and the
// direction leave to the peer; ok is false if there is none.
func (o *Oracle) readOp() (mlx5model.Op, bool) {
	if o.r.Request.Dir&reg.DirRead == 0 {
		return 0, false
	}
	if o.r.Access&mlx5model.AccRR != 0 {
		return mlx5model.RemoteRead, true
	}
	return mlx5model.LocalRead, o.r.Access&mlx5model.AccLR != 0
}

func (o *Oracle) writeOp() (mlx5model.Op, bool) {
	if o.r.Request.Dir&reg.DirWrite == 0 {
		return 0, false
	}
	if o.r.Access&mlx5model.AccRW != 0 {
		return mlx5model.RemoteWrite, true
	}
	return mlx5model.LocalWrite, o.r.Access&mlx5model.AccLW != 0
}

// access is an access by the connected peer.
func (o *Oracle) access(op mlx5model.Op, key uint32, va, n uint64) mlx5model.Access {
	return mlx5model.Access{Op: op, QPN: o.r.QPN, PD: o.r.PD, Key: key, VA: va, Len: n}
}
