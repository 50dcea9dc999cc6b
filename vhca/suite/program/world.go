package program

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Rights of regions, keys and windows. Authority: infiniband/verbs.h enum
// ibv_access_flags.
const (
	accessLocalWrite   = 1 << 0
	accessRemoteWrite  = 1 << 1
	accessRemoteRead   = 1 << 2
	accessRemoteAtomic = 1 << 3
	accessBind         = 1 << 4
	accessAll          = 0xf
)

// rights are a key's for access flags; local reads are always allowed.
func rights(access uint64) uint8 {
	r := uint8(mlx5model.AccLR)
	for i, bit := range [...]uint8{mlx5model.AccLW, mlx5model.AccRW, mlx5model.AccRR, mlx5model.AccA} {
		if access>>i&1 != 0 {
			r |= bit
		}
	}
	return r
}

// world is the model of all that a program has made.
type world struct {
	model   keymodel.Model
	objects map[uint64]*object
	ends    [Ends]end
	qpns    uint32
	logPage uint8  // smallest page of a region's key
	before  []byte // memory, before a step
	renamed bool   // by the re-registration under way
}

// object is a region, a key or a window. Its names are the keys that it has
// had: the last is the one of now.
type object struct {
	kind  Kind
	live  bool
	pd    uint64
	names []uint32

	addr, len, iova, access uint64 // of regions
}

// end is a queue pair.
type end struct {
	made, broken bool
	qpn          uint32
	pd           uint64
	access       uint64 // qp_access_flags
	receives     []receive
}

type receive struct {
	line   int
	pieces []Piece
}

const (
	firstIndex = 16       // of the model's keys: below are the domains' keys of all memory
	nowhere    = 0xf00000 // index of a key that never was
)

func newWorld() *world {
	w := &world{objects: map[uint64]*object{}, before: make([]byte, Size)}
	p, _ := mlx5model.ProfileByName("default") // the suite's
	w.logPage = p.LogPageMin
	w.model = keymodel.Model{Keys: map[uint32]*keymodel.Key{}, Depth: p.MaxIndirection, Base: Base, Memory: make([]byte, Size)}
	for pd := range uint32(2) {
		w.model.Keys[pd] = &keymodel.Key{Exists: true, PD: pd, Rights: mlx5model.AccLR | mlx5model.AccLW, Start: Base, Size: Size}
	}
	pattern(w.model.Memory, 7)
	return w
}

// pattern fills memory so that bytes tell their place; the player's harness
// has the same.
func pattern(p []byte, seed uint64) {
	for i := range uint64(len(p)) {
		p[i] = byte(i*2654435761>>13 ^ i ^ i>>8 ^ seed*101)
	}
}

func (w *world) live(object uint64, k Kind) *object {
	if o := w.objects[object]; o != nil && o.live && o.kind == k {
		return o
	}
	return nil
}

// key is what a reference stands for.
func (w *world) key(r Ref) uint32 {
	name := uint32(nowhere << 8)
	if o := w.objects[r.Object]; o != nil {
		name = o.names[len(o.names)-1-min(int(r.Back), len(o.names)-1)]
	}
	return name&^0xff | uint32(uint8(name)+uint8(r.Tag))
}

// rename gives an object its next key, with the next tag.
func (o *object) rename() {
	name := o.names[len(o.names)-1]
	o.names = append(o.names, name&^0xff|uint32(uint8(name)+1))
	if len(o.names) > names {
		o.names = o.names[1:]
	}
}

func (w *world) modelKey(o *object) *keymodel.Key { return w.model.Keys[o.names[0]>>8] }

func (w *world) user(e uint64) keymodel.User {
	return keymodel.User{QPN: w.ends[e].qpn, PD: uint32(w.ends[e].pd)}
}

// control does an action that is no request, and reports whether there was
// anything to do.
func (w *world) control(a *Action, line int) bool {
	switch a.Kind {
	case Pair:
		for i := range uint64(2) {
			w.qpns++
			w.ends[2*a.End+i] = end{made: true, qpn: w.qpns, pd: a.PD, access: a.Access}
		}
		w.ends[2*a.End+1].pd, w.ends[2*a.End+1].access = a.PD2, a.Access2
	case Recover:
		for i := range uint64(2) {
			e := &w.ends[2*a.End+i]
			e.broken, e.receives = false, nil
			if !e.made {
				return false
			}
		}
	case Region, Mkey, Window:
		w.make(a)
	case Rereg:
		return w.rereg(a)
	case Dereg, Destroy, Free:
		o := w.live(a.Object, made[a.Kind])
		if o == nil {
			return false
		}
		o.live, w.modelKey(o).Exists = false, false
	case Fill:
		pattern(w.model.At(a.Addr, a.Len), a.Operand)
	case Receive:
		e := &w.ends[a.End]
		if !e.made || len(e.receives) == receives {
			return false
		}
		e.receives = append(e.receives, receive{line, a.Pieces})
	}
	return true
}

// made is what the actions that remove something remove.
var made = map[Kind]Kind{Dereg: Region, Destroy: Mkey, Free: Window}

func (w *world) make(a *Action) {
	index := uint32(a.Object) + firstIndex
	o := &object{kind: a.Kind, live: true, pd: a.PD, names: []uint32{index << 8}, addr: a.Addr, len: a.Len, iova: a.IOVA, access: a.Access}
	k := &keymodel.Key{Exists: true, Free: a.Kind != Region, PD: uint32(a.PD), Rights: mlx5model.AccLR, List: []keymodel.Entry{}}
	w.objects[a.Object], w.model.Keys[index] = o, k
	switch a.Kind {
	case Region:
		w.register(o)
	case Mkey:
		k.Capacity, k.RemoteInval = int(a.Len+3)&^3, a.Flags != 0
	case Window:
		k.RemoteInval = true
	}
}

// register makes the key of a region: one page, or, where address and iova
// differ within every page that there can be, a piece of the domain's key of
// all memory (docs/vhca.md).
func (w *world) register(o *object) {
	k := w.modelKey(o)
	*k = keymodel.Key{
		Exists: true, Pages: true, PD: uint32(o.pd), Tag: uint8(o.names[len(o.names)-1]), Rights: rights(o.access), Start: o.iova, Size: o.len,
		List: []keymodel.Entry{{Key: uint32(o.pd) << 8, Addr: o.addr, Size: o.len}}, PageSize: 1,
	}
	if bits.TrailingZeros64(o.addr^o.iova) < int(w.logPage) {
		k.Pages = false
	}
}

// Flags of a re-registration. Authority: infiniband/verbs.h enum
// ibv_rereg_mr_flags.
const (
	reregTranslation = 1 << 0
	reregPD          = 1 << 1
	reregAccess      = 1 << 2
)

// rereg changes a region: with other bytes behind it, it gets its next key. A
// domain and rights for accesses change in place. Authority: Linux
// drivers/infiniband/hw/mlx5/mr.c mlx5_ib_rereg_user_mr.
func (w *world) rereg(a *Action) bool {
	o := w.live(a.Object, Region)
	if o == nil {
		return false
	}
	if a.Flags&reregTranslation != 0 {
		o.addr, o.len, o.iova = a.Addr, a.Len, a.Addr
	}
	if a.Flags&reregPD != 0 {
		o.pd = a.PD
	}
	inPlace := a.Flags&reregTranslation == 0
	if a.Flags&reregAccess != 0 {
		inPlace = inPlace && (a.Access^o.access)&^accessAll == 0
		o.access = a.Access
	}
	if !inPlace {
		o.rename()
	}
	w.renamed = !inPlace
	w.register(o)
	return true
}
