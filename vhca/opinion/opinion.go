// Package opinion is a second opinion on what an adapter does with memory keys.
// An Oracle is told what the adapter is told: keys that are created, destroyed
// and invalidated, and the bytes of the work requests. It keeps its own table of
// keys, in the terms of package keymodel, applies UMRs to it by itself, and works
// out where an access leads by walking lists from their start. Nothing of it
// asks the adapter's tables or translation, so that it can say when these are
// wrong, and in plain words what a work request should have done.
//
//	o := opinion.New(profile)
//	o.Created(index, context, list)    // as the adapter does it
//	o.Begin()                          // a WQE, or a request of another adapter
//	o.Access(access, extents, err)     // each translation that the adapter makes
//	o.UMR(w, memory, err, now, xlt)    // or o.Data(…): what should have come of it
//	o.Comment(w); o.Disagreement()
//
// # What it does not judge
//
// Bytes, and the order of execution. Limits that a profile invents: steps of one
// access, entity sizes, permission bits of pages. Keys that it does not follow,
// which the comment says: KSM lists whose region does not begin at an entity,
// lists with holes, and layouts of more than MaxPieces pieces.
package opinion

import (
	"errors"
	"fmt"
	"io"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxPieces bounds the pieces of one key that are followed.
const MaxPieces = 1 << 20

// Oracle follows one adapter.
type Oracle struct {
	p     mlx5model.Profile
	model keymodel.Model
	keys  map[uint32]*key // by index

	accesses []access // of the WQE under way
	changed  *change  // what a UMR did, if that is it
	scratch  []sg.Extent
	lines    []string
	wrong    []string // disagreements of the WQE under way
}

// key is what the Oracle was told of a key: its context, and its list in bytes.
type key struct {
	ctx    mlx5model.MkeyContext
	list   []byte // as far as ever written
	held   uint64 // bytes of the entries that have a place in the list
	opaque string // why accesses are not followed, or ""
}

// New makes an Oracle that knows no key.
func New(p mlx5model.Profile) *Oracle {
	return &Oracle{p: p, keys: map[uint32]*key{}, model: keymodel.Model{Keys: map[uint32]*keymodel.Key{}, Depth: p.MaxIndirection}}
}

// Created tells of a new key and the first octowords of its list.
func (o *Oracle) Created(index uint32, ctx mlx5model.MkeyContext, list []byte) {
	k := &key{ctx: ctx}
	k.write(0, list)
	o.keys[index] = k
	o.read(index)
}

// Destroyed tells that a key is gone.
func (o *Oracle) Destroyed(index uint32) {
	delete(o.keys, index)
	delete(o.model.Keys, index)
}

// Invalidated tells that a SEND_INVAL to the queue pair qpn of domain pd freed a
// key, and judges whether it may.
func (o *Oracle) Invalidated(rkey, qpn, pd uint32) {
	_, why := o.model.Usable(rkey, keymodel.User{QPN: qpn, PD: pd}, ^uint8(0))
	k := o.keys[mlx5model.KeyIndex(rkey)]
	if why == mlx5model.ReasonRights || why == 0 && !k.ctx.EnRinval {
		// To have no right is no reason; not to be invalidated by others is.
		if why = 0; !k.ctx.EnRinval {
			why = mlx5model.ReasonRights
		}
	}
	if why != 0 {
		o.disagree("SEND_INVAL of key %#x must be refused: %v; the adapter allows it", rkey, why)
		return
	}
	o.say("SEND_INVAL: key %#x is free now", rkey)
	k.ctx.Free = true
	o.read(mlx5model.KeyIndex(rkey))
}

// write copies a list to octoword off.
func (k *key) write(off uint64, list []byte) {
	if len(list) == 0 {
		return
	}
	from := off * mlx5model.OctowordSize
	end := mlx5model.AlignUp(from+uint64(len(list)), mlx5model.OctowordSize)
	if n := uint64(len(k.list)); n < end {
		k.list = append(k.list, make([]byte, end-n)...)
	}
	clear(k.list[from+uint64(copy(k.list[from:], list)) : end])
}

// read makes the model's key of a context and a list.
func (o *Oracle) read(index uint32) {
	k := o.keys[index]
	c := &k.ctx
	m := &keymodel.Key{Exists: true, Free: c.Free, Tag: c.Tag, PD: c.PD, Rights: c.Access, RemoteInval: c.EnRinval,
		Start: c.Start, Size: c.Len, List: []keymodel.Entry{}}
	if c.Length64 {
		m.Size = ^uint64(0)
	}
	if c.QPN != mlx5model.QPNAny {
		m.QPN = c.QPN
	}
	k.held, k.opaque = 0, ""
	var err error
	switch c.Mode {
	case mlx5model.ModePA:
		m.List = nil
	case mlx5model.ModeMTT:
		err = o.pages(k, m)
	case mlx5model.ModeKSM:
		err = o.equal(k, m)
	default:
		if repeats(k.list) {
			err = o.layout(k, m)
		} else {
			err = o.klms(k, m)
		}
	}
	if err != nil {
		k.opaque = err.Error()
	}
	o.model.Keys[index] = m
}

// Begin forgets what was noted of the WQE before.
func (o *Oracle) Begin() {
	o.accesses, o.changed, o.lines, o.wrong = o.accesses[:0], nil, o.lines[:0], o.wrong[:0]
}

// State is what Begin clears, for one who is interrupted.
type State struct {
	accesses     []access
	changed      *change
	lines, wrong []string
}

// Interrupt puts the WQE under way aside for another one, and Resume takes it
// up again.
func (o *Oracle) Interrupt() State {
	s := State{o.accesses, o.changed, o.lines, o.wrong}
	o.accesses, o.changed, o.lines, o.wrong = nil, nil, nil, nil
	return s
}

// Resume takes up what Interrupt put aside.
func (o *Oracle) Resume(s State) {
	o.accesses, o.changed, o.lines, o.wrong = s.accesses, s.changed, s.lines, s.wrong
}

// ErrDisagrees is wrapped by what Disagreement gives.
var ErrDisagrees = errors.New("the adapter and the oracle disagree")

// Disagreement is nil, or what the adapter did that it should not have.
func (o *Oracle) Disagreement() error {
	if len(o.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrDisagrees, o.wrong[0])
}

// Comment writes what was noted, a line each, and any disagreement loudly.
func (o *Oracle) Comment(w io.Writer) {
	if o.changed != nil {
		o.describeKey(o.changed)
	}
	o.describeAccesses()
	for _, l := range o.lines {
		fmt.Fprintf(w, "  oracle: %s\n", l)
	}
	if len(o.lines) > 0 && len(o.wrong) == 0 {
		fmt.Fprintln(w, "  oracle: the adapter agrees")
	}
	for _, l := range o.wrong {
		fmt.Fprintf(w, "  ORACLE DISAGREES: %s\n", l)
	}
}

func (o *Oracle) say(format string, args ...any) {
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

func (o *Oracle) disagree(format string, args ...any) {
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}
