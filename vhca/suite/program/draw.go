package program

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Draw makes a program from a stream of choices: of every one, at most steps
// actions and what they need to begin with. It knows from the model what is
// there, so that most actions have something to do and about half of the
// requests succeed. All requests have a defined result. A careful program
// posts no layout that the key has no room for, which the library lets pass.
func Draw(ch *sg.Choices, steps int, careful bool) Program {
	d := &drawer{ch: ch, w: newWorld(), careful: careful}
	d.begin()
	for range steps {
		d.next()
		if ch.Exhausted() {
			break
		}
	}
	return Settled(d.p)
}

type drawer struct {
	ch   *sg.Choices
	w    *world
	p    Program
	made uint64

	careful bool
	kept    []*object // of all kinds, in order
}

// add appends an action and executes it. Requests are executed one by one
// here; those held are the same to the model.
func (d *drawer) add(a Action) {
	d.p = append(d.p, a)
	s := Step{First: len(d.p) - 1, After: len(d.p)}
	d.w.do(d.p, &s)
}

func (d *drawer) object(a Action) {
	if d.made == MostObjects {
		return
	}
	a.Object = d.made
	d.made++
	d.add(a)
	d.kept = append(d.kept, d.w.objects[a.Object])
}

// begin makes two pairs, one of them across domains, and a region of all
// memory in each domain: objects 0 and 1.
func (d *drawer) begin() {
	for pd := range uint64(2) {
		d.object(Action{Kind: Region, PD: pd, Addr: Base, Len: Size, IOVA: Base, Access: accessAll | accessBind})
	}
	for i := range uint64(2) {
		d.add(Action{Kind: Pair, End: i, PD2: i & d.ch.Uint(1), Access: accessAll, Access2: accessAll})
	}
	for range 3 {
		d.mkey()
	}
	d.list(List, 0)
	d.list(List, 2)
}

var weights = [kinds]int{
	Pair: 3, Recover: 4, Region: 8, Rereg: 8, Dereg: 3, Mkey: 6, Destroy: 2, Window: 6, Free: 2, Fill: 8, Receive: 6,
	Write: 36, Read: 32, Add: 10, Swap: 10, Send: 16, SendInv: 14, LocalInv: 14, List: 30, Interleaved: 20, Bind: 18,
}

func (d *drawer) next() {
	k := Kind(d.ch.Pick(weights[:]))
	if d.waits() && d.ch.Byte() < 224 {
		k = Write + Kind(d.ch.Pick(weights[Write:]))
	}
	switch k {
	case Pair:
		d.add(Action{Kind: k, End: d.ch.Uint(2), PD: d.pd(), PD2: d.pd(), Access: d.access(accessAll), Access2: d.access(accessAll)})
	case Recover:
		d.add(Action{Kind: k, End: d.ch.Uint(2)})
	case Region:
		d.region()
	case Mkey:
		d.mkey()
	case Window:
		d.object(Action{Kind: k, PD: d.pd()})
	case Rereg:
		addr, n := d.place()
		d.add(Action{Kind: k, Object: d.pickOther(Region), Flags: 1 + d.ch.Uint(6), PD: d.pd(), Addr: addr, Len: n, Access: d.regionAccess()})
	case Dereg, Destroy, Free:
		d.add(Action{Kind: k, Object: d.pickOther(made[k])})
	case Fill:
		addr, n := d.place()
		d.add(Action{Kind: k, Addr: addr, Len: n, Operand: d.ch.Uint(255)})
	case Receive:
		d.receive(d.end(), 40)
	default:
		d.request(k)
	}
}

func (d *drawer) request(k Kind) {
	e := d.end()
	switch k {
	case List, Interleaved:
		d.list(k, e&^1)
	case Bind:
		d.bind(e)
	case LocalInv:
		d.add(Action{Kind: k, Held: d.held(), End: e, Key: d.ref(d.keyOf(d.w.ends[e].pd))})
	case Add, Swap:
		a := Action{Kind: k, Held: d.held(), End: e, Operand: d.ch.Uint(1 << 16), Pieces: d.local(e, 8, 1)}
		a.Key, a.Addr = d.remote(mlx5model.RemoteAtomic, e^1, 8)
		if d.ch.Byte() < 208 {
			a.Addr &^= 7
		}
		if theirs, why := d.w.model.Access(nil, mlx5model.RemoteAtomic, d.w.key(a.Key), d.w.user(e^1), a.Addr, 8); why == 0 && d.ch.Bool() {
			a.Compare = d.w.number(theirs) // so that it is swapped
		}
		d.add(a)
	case Send, SendInv:
		d.send(k, e)
	default:
		a := Action{Kind: k, Held: d.held(), End: e}
		n, op := d.size(), mlx5model.RemoteRead
		if k == Write {
			op = mlx5model.RemoteWrite
		}
		a.Key, a.Addr = d.remote(op, e^1, n)
		a.Pieces = d.local(e, n, MostSGEs)
		d.add(a)
	}
}

// send draws a message, mostly with a receive for it.
func (d *drawer) send(k Kind, e uint64) {
	n := d.size()
	if len(d.w.ends[e^1].receives) == 0 && d.ch.Byte() < 240 {
		d.receive(e^1, n)
	}
	a := Action{Kind: k, Held: d.held(), End: e, Pieces: d.local(e, n, MostSGEs)}
	if k == SendInv {
		a.Key = d.ref(d.keyOf(d.w.ends[e^1].pd))
	}
	d.add(a)
}

// receive draws a receive, mostly for n bytes and more.
func (d *drawer) receive(e, n uint64) {
	if d.ch.Byte() < 224 {
		n += d.ch.Uint(31)
	} else {
		n = d.ch.Uint(n)
	}
	d.add(Action{Kind: Receive, End: e, Pieces: d.local(e, n, MostSGEs)})
}

func (d *drawer) region() {
	addr, n := d.place()
	a := Action{Kind: Region, PD: d.pd(), Addr: addr, Len: n, IOVA: addr, Access: d.regionAccess()}
	switch b := d.ch.Byte(); {
	case b < 64: // the same place in a page of some size
		a.IOVA += d.ch.Uint(1<<20) << (9 + b%8)
	case b < 112:
		a.IOVA = d.ch.Uint(1 << 40)
	}
	d.object(a)
}

func (d *drawer) mkey() {
	d.object(Action{Kind: Mkey, PD: d.pd(), Len: 1 + d.ch.Uint(MostPieces-1), Flags: d.ch.Uint(1)})
}

// list draws what an indirect key becomes.
func (d *drawer) list(k Kind, e uint64) {
	a := Action{Kind: k, Held: d.held(), End: e, Object: d.pick(Mkey), Access: d.access(accessAll)}
	o := d.w.live(a.Object, Mkey)
	if o == nil {
		return
	}
	most, pd := d.w.modelKey(o).Capacity, o.pd
	if k == Interleaved {
		a.Cycles = 1 + d.ch.Uint(3)
		if d.ch.Byte() < 240 || d.careful { // one is for the header
			most--
		}
	}
	for len(a.Pieces) < max(most, 1) && (len(a.Pieces) == 0 || d.ch.MoreUnless(64)) {
		key := d.dataKey(pd)
		p := Piece{Key: key, Len: 1 + d.ch.Uint(127)}
		p.Addr = d.va(key, p.Len)
		if k == Interleaved {
			p.Skip = d.ch.Uint(63)
		}
		a.Pieces = append(a.Pieces, p)
	}
	d.add(a)
}

func (d *drawer) bind(e uint64) {
	a := Action{Kind: Bind, Held: d.held(), End: e, Object: d.pick(Window), Access: d.access(accessAll) &^ accessLocalWrite}
	window := d.w.live(a.Object, Window)
	if window == nil {
		return
	}
	if k := d.w.modelKey(window); !k.Free && d.ch.Byte() < 192 { // as its owner does
		d.add(Action{Kind: LocalInv, End: e, Key: Ref{Object: a.Object}})
	}
	a.Below = d.pickIn(Region, window.pd)
	r := d.w.live(a.Below, Region)
	if r == nil || r.access&accessBind == 0 {
		return
	}
	a.Len = 1 + d.ch.Uint(min(r.len, 256)-1)
	a.Addr = r.iova + d.ch.Uint(r.len-a.Len)
	d.add(a)
}

// remote draws a key and an address for n bytes at an end: mostly such that
// the access is allowed, if there is one.
func (d *drawer) remote(op mlx5model.Op, e, n uint64) (r Ref, va uint64) {
	for range 4 {
		object := d.keyOf(d.w.ends[e].pd)
		if d.ch.Byte() < 24 {
			object = d.deepest(d.w.ends[e].pd)
		}
		r = d.ref(object)
		va = d.va(r, n)
		if d.allowed(op, e, r, va, n) || d.ch.Byte() < 56 {
			break
		}
	}
	return r, va
}

func (d *drawer) allowed(op mlx5model.Op, e uint64, r Ref, va, n uint64) bool {
	_, why := d.w.model.Access(nil, op, d.w.key(r), d.w.user(e), va, n)
	return why == 0
}

// local draws pieces of n bytes in all for an end's own side.
func (d *drawer) local(e, n uint64, most int) []Piece {
	var pieces []Piece
	for n > 0 {
		p := Piece{Key: d.dataKey(d.w.ends[e].pd), Len: n}
		if len(pieces)+1 < most && n > 1 && d.ch.Byte() < 96 {
			p.Len = 1 + d.ch.Uint(n-2)
		}
		p.Addr = d.va(p.Key, p.Len)
		if !d.allowed(mlx5model.LocalWrite, e, p.Key, p.Addr, p.Len) && d.ch.Byte() < 232 {
			p.Key = Ref{Object: d.w.ends[e].pd}
			p.Addr = d.va(p.Key, p.Len)
		}
		pieces, n = append(pieces, p), n-p.Len
	}
	return pieces
}
