// Package program makes random programs of verbs calls, says what each call
// must come to, and shrinks programs. It plays none: the suite's player in C
// does, through libibverbs and libmlx5, and answers with one line for each
// step, which must be the line that Predict gives.
//
// # Programs
//
// A program is a list of actions, one a line, '#' begins a comment:
//
//	pair 0 1 0 0xf 0x7        pair 0: domains of its ends, qp_access_flags of both
//	recover 0                 both ends through RESET to RTS
//	region 4 0 0x2000000100 600 0x2000000100 0x1f
//	                          object 4: domain, address, bytes, iova, rights
//	rereg 4 5 0 0x2000000200 64 0x17
//	                          flags, domain, address, bytes, rights
//	dereg 4
//	mkey 5 0 8 1              object 5: domain, entries, 1: a peer may invalidate it
//	destroy 5
//	window 6 0                object 6, a window of type 2: domain
//	free 6
//	fill 0x2000000000 100 7   the processor writes a pattern: address, bytes, seed
//	receive 1 4@0x2000000100:64
//	                          at end 1, into pieces KEY@ADDRESS:BYTES
//
// and the requests, first the end that posts them (ends 0 and 1 are pair 0's):
//
//	write 0 5 0x10 4@0x2000000100:64    remote key and address, pieces; also read
//	add 0 5 0x10 7 4@0x2000000100:8     fetch and add
//	swap 0 5 0x10 7 8 4@0x2000000100:8  compare and swap: to what, if it is what
//	send 0 4@0x2000000100:64
//	send_inv 0 5 4@0x2000000100:64      invalidates key 5 at the other end
//	local_inv 0 5
//	list 0 5 0xf 4@0x2000000100:64      key 5 becomes the pieces, with these rights
//	interleaved 0 5 0xf 3 4@0x2000000100:8/24
//	                                    three cycles; BYTES/SKIP
//	bind 0 6 4 0x2000000100 64 0x6      window 6 onto region 4: address, bytes, rights
//
// Lists and interleaved layouts are the even ends'. A request that ends in
// " &" is posted together with the next one, if that is of the same end.
//
// A KEY is an object's number: its key as it is now. 4~1 is the one before, 4+3
// the one whose tag is 3 higher. An action about what is not there does
// nothing, so that a program stays one whatever is dropped.
package program

import (
	"fmt"
	"strconv"
	"strings"
)

// Memory of a program: one piece, where every player puts it. It begins as
// Pattern of seed 7.
const (
	Base = 0x20_0000_0000 // in every 39-bit address space, and away from where Go begins its heap
	Size = 0x2000         // bytes
)

// Limits that the player knows too.
const (
	Ends        = 6
	MostPieces  = 12 // of a list
	MostSGEs    = 4  // of other requests and of receives
	MostBatch   = 8  // requests posted together
	MostObjects = 512
	receives    = 16 // outstanding at an end
	names       = 8  // of an object that are remembered
)

// Kind is what an action does.
type Kind uint8

// Kinds of actions; from Write on they are requests.
const (
	Pair Kind = iota
	Recover
	Region
	Rereg
	Dereg
	Mkey
	Destroy
	Window
	Free
	Fill
	Receive
	Write
	Read
	Add
	Swap
	Send
	SendInv
	LocalInv
	List
	Interleaved
	Bind
	kinds
)

var kindNames = [kinds]string{"pair", "recover", "region", "rereg", "dereg", "mkey", "destroy", "window", "free", "fill", "receive",
	"write", "read", "add", "swap", "send", "send_inv", "local_inv", "list", "interleaved", "bind"}

func (k Kind) String() string { return kindNames[k] }

// request reports whether the action is a work request of a send queue.
func (k Kind) request() bool { return k >= Write }

// pieces is how many pieces the action may have.
func (k Kind) pieces() int {
	switch k {
	case List, Interleaved:
		return MostPieces
	case Receive, Write, Read, Add, Swap, Send, SendInv:
		return MostSGEs
	}
	return 0
}

// Ref names a key.
type Ref struct {
	Object uint64
	Back   uint64 // how many keys ago
	Tag    uint64 // added to its tag, modulo 256
}

func (r Ref) String() string {
	s := strconv.FormatUint(r.Object, 10)
	if r.Back != 0 {
		s += "~" + strconv.FormatUint(r.Back, 10)
	}
	if r.Tag != 0 {
		s += "+" + strconv.FormatUint(r.Tag, 10)
	}
	return s
}

// Piece is bytes of a key.
type Piece struct {
	Key             Ref
	Addr, Len, Skip uint64
}

// Action is one line; which fields count depends on the kind.
type Action struct {
	Kind Kind
	Held bool // posted with the next request

	End       uint64 // or the pair
	Object    uint64
	PD, PD2   uint64
	Addr, Len uint64 // RAddr of requests
	IOVA      uint64
	Access    uint64 // IBV_ACCESS_*
	Access2   uint64
	Flags     uint64 // Rereg: IBV_REREG_MR_*; Mkey: 1 for remote invalidation
	Operand   uint64 // of atomics; Fill: the seed
	Compare   uint64
	Cycles    uint64
	Below     uint64 // Bind: the region
	Key       Ref
	Pieces    []Piece
}

// Program is a list of actions.
type Program []Action

// numbers are the fields of an action's line in their order, without the key,
// which stands second, and the pieces.
func (a *Action) numbers() (fields []*uint64, key bool) {
	switch a.Kind {
	case Pair:
		return []*uint64{&a.End, &a.PD, &a.PD2, &a.Access, &a.Access2}, false
	case Recover, Receive, Send:
		return []*uint64{&a.End}, false
	case Region:
		return []*uint64{&a.Object, &a.PD, &a.Addr, &a.Len, &a.IOVA, &a.Access}, false
	case Rereg:
		return []*uint64{&a.Object, &a.Flags, &a.PD, &a.Addr, &a.Len, &a.Access}, false
	case Dereg, Destroy, Free:
		return []*uint64{&a.Object}, false
	case Mkey:
		return []*uint64{&a.Object, &a.PD, &a.Len, &a.Flags}, false
	case Window:
		return []*uint64{&a.Object, &a.PD}, false
	case Fill:
		return []*uint64{&a.Addr, &a.Len, &a.Operand}, false
	case Write, Read:
		return []*uint64{&a.End, &a.Addr}, true
	case Add:
		return []*uint64{&a.End, &a.Addr, &a.Operand}, true
	case Swap:
		return []*uint64{&a.End, &a.Addr, &a.Operand, &a.Compare}, true
	case SendInv, LocalInv:
		return []*uint64{&a.End}, true
	case List:
		return []*uint64{&a.End, &a.Object, &a.Access}, false
	case Interleaved:
		return []*uint64{&a.End, &a.Object, &a.Access, &a.Cycles}, false
	}
	return []*uint64{&a.End, &a.Object, &a.Below, &a.Addr, &a.Len, &a.Access}, false
}

// String is the action's line, without its end.
func (a *Action) String() string {
	var b strings.Builder
	b.WriteString(a.Kind.String())
	fields, key := a.numbers()
	for i, f := range fields {
		if key && i == 1 {
			fmt.Fprintf(&b, " %v", a.Key)
			key = false
		}
		switch f {
		case &a.Addr, &a.IOVA, &a.Access, &a.Access2:
			fmt.Fprintf(&b, " %#x", *f)
		default:
			fmt.Fprintf(&b, " %d", *f)
		}
	}
	if key {
		fmt.Fprintf(&b, " %v", a.Key)
	}
	for _, p := range a.Pieces {
		fmt.Fprintf(&b, " %v@%#x:%d", p.Key, p.Addr, p.Len)
		if p.Skip != 0 {
			fmt.Fprintf(&b, "/%d", p.Skip)
		}
	}
	if a.Held {
		b.WriteString(" &")
	}
	return b.String()
}

// String is the program's text.
func (p Program) String() string {
	var b strings.Builder
	for i := range p {
		b.WriteString(p[i].String())
		b.WriteByte('\n')
	}
	return b.String()
}
