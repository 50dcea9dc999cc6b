package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// opRights pairs each operation with the right that grants it.
var opRights = [...]struct {
	op    mlx5model.Op
	right uint8
	name  string
}{
	{mlx5model.RemoteRead, mlx5model.AccRR, "remote read"},
	{mlx5model.RemoteWrite, mlx5model.AccRW, "remote write"},
	{mlx5model.RemoteAtomic, mlx5model.AccA, "remote atomic"},
	{mlx5model.LocalWrite, mlx5model.AccLW, "local write"},
}

// atomicSize is the operand of an atomic in bytes; shorter tuples cannot be
// probed with one.
const atomicSize = 8

// checkRights is check 7 on a live registration: exactly the rights asked for
// are granted, and neither another protection domain nor another variant of
// the key gets through. Local read may always be granted, and more if the
// dialect cannot change what its keys were created with.
func (o *Oracle) checkRights() {
	o.v.ran(Rights)
	asked := o.r.Request.Access & mlx5model.AccRights
	if more := o.r.Access &^ asked &^ mlx5model.AccLR; asked&^o.r.Access != 0 || more != 0 && !o.r.FixedAccess {
		o.v.failf(Rights, "rights %#02x granted, %#02x asked for", o.r.Access, asked)
	}
	o.probed(func(i int, t reg.Tuple) {
		if t.Len == 0 {
			return
		}
		var some mlx5model.Access
		for _, p := range opRights {
			a := o.access(p.op, t.Rkey, t.Addr, 1)
			if p.right == mlx5model.AccA {
				if t.Len < atomicSize {
					continue
				}
				a.Len = atomicSize
			}
			if o.r.Access&p.right == 0 {
				o.refused(Rights, a, p.name, " without the right to, tuple", i)
				continue
			}
			o.granted(Rights, a, p.name, i)
			some = a
		}
		if some.Len == 0 {
			return
		}
		other := some
		other.PD = some.PD ^ 1
		o.refused(Rights, other, some.Op.String(), " through another protection domain, tuple", i)
		other = some
		other.Key ^= 0x80
		o.refused(Rights, other, some.Op.String(), " with another variant of the key, tuple", i)
	})
}

// JudgeReleased is check 7 on tuples whose keys were invalidated, or registered
// again with another variant: none of them reaches data.
func (o *Oracle) JudgeReleased(env *reg.Env, tuples []reg.Tuple, v *Verdict) {
	v.ran(Rights)
	for i, t := range tuples {
		if i >= maxProbed && i != len(tuples)-1 {
			continue
		}
		for _, p := range opRights {
			a := mlx5model.Access{Op: p.op, QPN: env.QPN, PD: env.PD, Key: t.Rkey, VA: t.Addr, Len: min(t.Len, 1)}
			if t.Len == 0 {
				continue
			}
			var ok bool
			if o.exposed, ok = env.Dev.TryTranslate(o.exposed[:0], a); ok {
				v.failAt(Rights, namingLast(nil, o.exposed), "%s with the released key %#x, tuple %d, reaches data", p.name, t.Rkey, i)
			}
		}
	}
}
