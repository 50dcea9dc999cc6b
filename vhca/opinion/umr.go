package opinion

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// change is what a UMR did to a key.
type change struct {
	index  uint32
	mask   uint64
	listed bool // a list was written
}

// judgedHere are the reasons for which a UMR is refused that the Oracle knows by
// itself.
var judgedHere = map[mlx5model.Reason]bool{
	mlx5model.ReasonNoKey: true, mlx5model.ReasonUMREn: true, mlx5model.ReasonCheckFree: true,
	mlx5model.ReasonCheckNotFree: true, mlx5model.ReasonXltSize: true,
}

// UMR judges a UMR that has executed, and applies it. The queue pair qpn of
// domain pd posted it, memory is where a list is that the WQE points to, err what
// it failed with. now and xlt are the adapter's key afterwards: context and list.
func (o *Oracle) UMR(w *mlx5model.WQE, qpn, pd uint32, memory mlx5model.HostMemory, err error, now mlx5model.MkeyContext, xlt []byte) {
	index := mlx5model.KeyIndex(w.Imm)
	k := o.keys[index]
	why := k.refuses(&w.UMR)
	if err != nil {
		if f, ok := errors.AsType[*mlx5model.WQEError](err); ok && why == 0 && judgedHere[f.Reason] {
			o.disagree("the UMR of key %#x is allowed, the adapter refuses it: %v", w.Imm, err)
		} else if why != 0 {
			o.say("key %#x: to be refused: %v", w.Imm, why)
		}
		return
	}
	if why != 0 {
		o.disagree("the UMR of key %#x must be refused: %v; the adapter carries it out", w.Imm, why)
		return
	}
	list := w.List
	if w.HasPointer {
		if list = o.fetch(w, keymodel.User{QPN: qpn, PD: pd}, memory); list == nil {
			k.opaque = "its list could not be fetched again"
			return
		}
	}
	k.merge(&w.Mkey, w.UMR.Mask)
	k.write(w.UMR.XltOffset, list)
	o.read(index)
	o.changed = &change{index, w.UMR.Mask, len(list) > 0}
	o.compare(w.Imm, k, now, xlt)
}

// refuses is why a UMR cannot be carried out, or 0.
func (k *key) refuses(u *mlx5model.UMRCtrl) mlx5model.Reason {
	switch {
	case k == nil:
		return mlx5model.ReasonNoKey
	case !k.ctx.UMREn:
		return mlx5model.ReasonUMREn
	case u.Flags&mlx5model.UMRCheckNotFree != 0 && !k.ctx.Free:
		return mlx5model.ReasonCheckNotFree
	case u.Flags&mlx5model.UMRCheckFree != 0 && k.ctx.Free:
		return mlx5model.ReasonCheckFree
	case u.XltOctowords != 0 && 16*(u.XltOffset+uint64(u.XltOctowords)) > mlx5model.AlignUp(16*uint64(k.ctx.XltOctowords), 64):
		return mlx5model.ReasonXltSize
	}
	return 0
}

// fetch reads the list that a WQE points to.
func (o *Oracle) fetch(w *mlx5model.WQE, queue keymodel.User, memory mlx5model.HostMemory) []byte {
	list := make([]byte, 16*int(w.UMR.XltOctowords))
	at, why := o.model.Access(nil, mlx5model.LocalRead, w.Pointer.Lkey, queue, w.Pointer.Addr, uint64(len(list)))
	if why != 0 {
		o.disagree("the list at %#x of key %#x must not be read: %v; the adapter does", w.Pointer.Addr, w.Pointer.Lkey, why)
		return nil
	}
	done := uint64(0)
	for _, e := range at {
		if memory.Read(e.Addr, list[done:done+e.Len]) != nil {
			return nil
		}
		done += e.Len
	}
	return list
}

// merge takes the fields that a mkey_mask selects (include/linux/mlx5/device.h
// MLX5_MKEY_MASK_*). Bits 17 to 21 are the rights, in the order of the access
// byte's bits 2 to 6.
func (k *key) merge(from *mlx5model.MkeyContext, mask uint64) {
	c := &k.ctx
	for bit, take := range map[uint64]func(){
		mlx5model.MaskLen:        func() { c.Len, c.Length64 = from.Len, from.Length64 },
		mlx5model.MaskPageSize:   func() { c.LogPageSize = c.LogPageSize&^0x1f | from.LogPageSize&0x1f },
		mlx5model.MaskPageSize5:  func() { c.LogPageSize = c.LogPageSize&0x1f | from.LogPageSize&0x20 },
		mlx5model.MaskStartAddr:  func() { c.Start = from.Start },
		mlx5model.MaskPD:         func() { c.PD = from.PD },
		mlx5model.MaskKey:        func() { c.Tag = from.Tag },
		mlx5model.MaskQPN:        func() { c.QPN = from.QPN },
		mlx5model.MaskFree:       func() { c.Free = from.Free },
		mlx5model.MaskEnRinval:   func() { c.EnRinval = from.EnRinval },
		mlx5model.MaskSigErr:     func() { c.SigErr = from.SigErr },
		mlx5model.MaskBSFEn:      func() { c.BSFEn = from.BSFEn },
		mlx5model.MaskSmallFence: func() { c.SmallFence = from.SmallFence },
		mlx5model.MaskROWrite:    func() { c.ROWrite = from.ROWrite },
		mlx5model.MaskRORead:     func() { c.RORead = from.RORead },
	} {
		if mask&bit != 0 {
			take()
		}
	}
	for i := range uint(5) {
		if right := uint8(4) << i; mask>>17>>i&1 != 0 {
			c.Access = c.Access&^right | from.Access&right
		}
	}
}

// compare holds the adapter's key against the Oracle's.
func (o *Oracle) compare(name uint32, k *key, now mlx5model.MkeyContext, xlt []byte) {
	a, b := reflect.ValueOf(k.ctx), reflect.ValueOf(now)
	for i := range a.NumField() {
		if want, got := a.Field(i).Interface(), b.Field(i).Interface(); want != got {
			o.disagree("key %#x: its %s is %v, for the adapter it is %v", name, a.Type().Field(i).Name, want, got)
		}
	}
	want, got := bytes.TrimRight(k.list, "\x00"), bytes.TrimRight(xlt, "\x00")
	if bytes.Equal(want, got) {
		return
	}
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	at := i / 16 * 16
	o.disagree("key %#x: entry %d of its list is %x, for the adapter it is %x", name, i/16, entry(k.list, at), entry(xlt, at))
}

func entry(list []byte, at int) []byte {
	if at+16 > len(list) {
		return nil
	}
	return list[at : at+16]
}

var rightNames = []string{"local read", "local write", "remote read", "remote write", "atomic"}

func rightsText(access uint8) string {
	var names []string
	for i, name := range rightNames {
		if access>>(2+i)&1 != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no right"
	}
	return strings.Join(names, ", ")
}

// describeKey says what a key maps after a UMR.
func (o *Oracle) describeKey(c *change) {
	k, m := o.keys[c.index], o.model.Keys[c.index]
	name := c.index<<8 | uint32(k.ctx.Tag)
	if k.ctx.Free {
		o.say("key %#x is free now: nobody can use it", name)
		return
	}
	o.say("key %#x is in use: %s; domain %d", name, rightsText(k.ctx.Access), k.ctx.PD)
	if k.opaque != "" {
		o.say("what it maps is not followed: %s", k.opaque)
		return
	}
	if m.List == nil || k.ctx.Length64 {
		o.say("it maps all memory, or all that its list has")
		return
	}
	o.describeMap(name, m)
	o.describeList(k, m)
	o.describeNested(m, k)
}

// describeMap resolves the key's whole range.
func (o *Oracle) describeMap(name uint32, m *keymodel.Key) {
	all := *m
	all.Rights = mlx5model.AccLR // what its user may do is not the question
	index := mlx5model.KeyIndex(name)
	o.model.Keys[index] = &all
	got, why := o.model.Access(o.scratch[:0], mlx5model.LocalRead, name, keymodel.User{QPN: m.QPN, PD: m.PD}, m.Start, m.Size)
	o.model.Keys[index], o.scratch = m, got
	var n uint64
	for _, e := range got {
		n += e.Len
	}
	o.say("it maps %d bytes from %#x on to %s of memory%s", n, m.Start, counted(len(got)), ends(got))
	if why != 0 {
		o.say("its length is %d bytes: an access to the byte at %#x is refused: %v", m.Size, m.Start+n, why)
	}
}

func counted(extents int) string {
	if extents == 1 {
		return "1 extent"
	}
	return fmt.Sprintf("%d extents", extents)
}

// ends names the first extent and the last.
func ends(x []sg.Extent) string {
	switch len(x) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(": %#x+%d", x[0].Addr, x[0].Len)
	}
	last := x[len(x)-1]
	return fmt.Sprintf(": first %#x+%d, last %#x+%d", x[0].Addr, x[0].Len, last.Addr, last.Len)
}

// describeList says whether list and length agree, and what is never reached.
func (o *Oracle) describeList(k *key, m *keymodel.Key) {
	if m.Pages {
		return
	}
	switch {
	case k.held == m.Size:
		o.say("its list holds %d bytes, as its length says", k.held)
		return
	case k.held < m.Size:
		o.say("its list holds %d bytes, its length says %d: the last %d lead nowhere", k.held, m.Size, m.Size-k.held)
		return
	}
	at, off := 0, m.Size
	for at < len(m.List) && off >= m.List[at].Size {
		off -= m.List[at].Size
		at++
	}
	o.say("its list holds %d bytes, its length says %d: what lies behind byte %d of entry %d is never reached", k.held, m.Size, off, at)
}

// describeNested looks for entries whose keys do not allow what this one does.
func (o *Oracle) describeNested(m *keymodel.Key, k *key) {
	if m.Pages {
		return
	}
	said, last := 0, uint64(1)<<32
	left := m.Size
	for i := 0; i < len(m.List) && left > 0 && said < maxExtents; i++ {
		e := &m.List[i]
		left -= min(left, e.Size)
		if e.Size == 0 || uint64(e.Key) == last {
			continue
		}
		last = uint64(e.Key)
		by := keymodel.User{QPN: m.QPN, PD: k.ctx.PD}
		reads, writes := k.ctx.Access&(mlx5model.AccLR|mlx5model.AccRR) != 0, k.ctx.Access&(mlx5model.AccLW|mlx5model.AccRW|mlx5model.AccA) != 0
		_, noRead := o.model.Usable(e.Key, by, mlx5model.AccLR)
		_, noWrite := o.model.Usable(e.Key, by, mlx5model.AccLW)
		switch {
		case reads && noRead != 0:
			o.say("entry %d names key %#x, which refuses all: %v", i, e.Key, noRead)
			said++
		case writes && noWrite != 0:
			o.say("entry %d names key %#x, which refuses writes: %v", i, e.Key, noWrite)
			said++
		}
	}
}
