package mlx5model

import (
	"errors"
	"fmt"
)

// Errors of the memory-key commands, wrapped in a *MkeyError.
var (
	ErrKeyInUse   = errors.New("key index is in use")
	ErrNoKey      = errors.New("no such key")
	ErrMkeyLimit  = errors.New("key exceeds a limit of the device")
	ErrMkeyCap    = errors.New("device lacks the capability")
	ErrMkeyFields = errors.New("key context contradicts itself")
)

// MkeyError says which key command failed and over which field.
type MkeyError struct {
	Index uint32 // key index
	Field string // mkey context field or limit, as the PRM names it
	Err   error  // one of the Err values above
}

func (e *MkeyError) Error() string {
	return fmt.Sprintf("mkey index %#x, %s: %v", e.Index, e.Field, e.Err)
}

func (e *MkeyError) Unwrap() error { return e.Err }

// mkey is one memory key: its context, its translation list, its BSF area and
// what the device has worked out about the list.
type mkey struct {
	index uint32
	slot  int // position in Device.live
	ctx   MkeyContext
	xlt   []byte // the list as far as ever written; zeros follow up to the capacity
	bsf   []byte

	sigTold bool // an error of its signature was told, and no UMR has asked for more

	// sums holds, for the first len(sums)-1 entries of a KLM or repeat list,
	// how many bytes lie before each, and the total; see key_list.go.
	sums []uint64
	hint int    // entry found last
	bad  Reason // why sums cannot grow past its last entry, or reasonNone
}

func (k *mkey) indirect() bool { return k.ctx.Mode == ModeKLM || k.ctx.Mode == ModeKSM }

// CreateMkey executes CREATE_MKEY: a key with this index and context, and the
// first octowords of its translation list. The key is index<<8 | ctx.Tag. xlt
// may be nil and is copied; it must not exceed ctx.XltOctowords octowords.
// Errors are *MkeyError and leave the device unchanged.
//
// Authority: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_create_mkey_in_bits.
func (d *Device) CreateMkey(index uint32, ctx MkeyContext, xlt []byte) (key uint32, err error) {
	if err := d.checkCreate(index, &ctx, xlt); err != nil {
		return 0, err
	}
	var k *mkey
	if n := len(d.pool); n > 0 {
		k, d.pool = d.pool[n-1], d.pool[:n-1]
	} else {
		k = new(mkey)
	}
	k.index, k.ctx, k.slot = index, ctx, len(d.live)
	d.live = append(d.live, k)
	d.keys[index] = k
	d.xltUsed += ctx.capacity()
	d.writeList(k, 0, xlt)
	return index<<8 | uint32(ctx.Tag), nil
}

func (d *Device) checkCreate(index uint32, ctx *MkeyContext, xlt []byte) error {
	fail := func(field string, err error) error { return &MkeyError{Index: index, Field: field, Err: err} }
	p := &d.p
	switch {
	case index >= 1<<24:
		return fail("mkey_index", ErrMkeyLimit)
	case d.keys[index] != nil:
		return fail("mkey_index", ErrKeyInUse)
	case p.NullMkey != 0 && index == KeyIndex(p.NullMkey):
		return fail("mkey_index (null_mkey)", ErrKeyInUse)
	case len(d.live) >= p.MaxMkeys:
		return fail("log_max_mkey", ErrMkeyLimit)
	case ctx.QPN > QPNAny || ctx.PD > PDMask || ctx.LogPageSize > 63 || ctx.Access&^AccRights != 0:
		return fail("qpn, pd, log_page_size or access out of range", ErrMkeyFields)
	case ctx.Mode > ModeKSM:
		return fail("access_mode", ErrMkeyCap)
	case ctx.Mode == ModeKSM && !p.FixedBufferSize:
		return fail("access_mode (fixed_buffer_size)", ErrMkeyCap)
	case ctx.Mode == ModeKLM && ctx.UMREn && !p.IMAICL:
		return fail("umr_en (imaicl)", ErrMkeyCap)
	case ctx.Access&AccA != 0 && !p.Atomic:
		return fail("a (atomic)", ErrMkeyCap)
	case ctx.ROWrite && !p.ROWrite:
		return fail("relaxed_ordering_write", ErrMkeyCap)
	case ctx.RORead && !p.RORead:
		return fail("relaxed_ordering_read", ErrMkeyCap)
	case (ctx.Mode == ModeKLM || ctx.Mode == ModeKSM) && ctx.XltOctowords > 1<<p.LogMaxKLMListSize:
		return fail("translations_octword_size (log_max_klm_list_size)", ErrMkeyLimit)
	case ctx.BSFOctowords > 1<<p.LogMaxBSFListSize:
		return fail("bsf_octword_size (log_max_bsf_list_size)", ErrMkeyLimit)
	case ctx.capacity()+d.xltUsed > uint64(p.MaxXltOctowords):
		return fail("translations_octword_size (memory)", ErrMkeyLimit)
	case uint64(len(xlt)) > uint64(ctx.XltOctowords)*OctowordSize:
		return fail("translations_octword_actual_size", ErrMkeyFields)
	}
	if field := p.checkLive(ctx); field != "" {
		return fail(field, ErrMkeyLimit)
	}
	return nil
}

// checkLive names the field that keeps a context from being used, or "". A
// free key may hold anything. No public text says what a region is whose start
// plus length passes 2^64; no driver makes one, and this device takes none.
func (p *Profile) checkLive(ctx *MkeyContext) string {
	switch {
	case ctx.Free:
		return ""
	case ctx.Mode == ModeMTT || ctx.Mode == ModeKSM:
		if ctx.LogPageSize < p.LogPageMin || ctx.LogPageSize > p.LogPageMax {
			return "log_page_size"
		}
	}
	if !ctx.Length64 && p.LogMaxMRWSize < 64 && ctx.Len > 1<<p.LogMaxMRWSize {
		return "len (log_max_mrw_sz)"
	}
	if !ctx.Length64 && ctx.Len != 0 && ctx.Start+ctx.Len-1 < ctx.Start {
		return "start_addr and len (past 2^64)"
	}
	return ""
}

// DestroyMkey executes DESTROY_MKEY. Only the key's index counts.
func (d *Device) DestroyMkey(key uint32) error {
	k := d.find(KeyIndex(key))
	if k == nil {
		return &MkeyError{Index: KeyIndex(key), Field: "mkey_index", Err: ErrNoKey}
	}
	d.retire(k)
	return nil
}

// QueryMkey gives the context of a key. Only the key's index counts.
func (d *Device) QueryMkey(key uint32) (MkeyContext, bool) {
	if k := d.find(KeyIndex(key)); k != nil {
		return k.ctx, true
	}
	return MkeyContext{}, false
}

// QueryXlt is the key's translation list as far as it was ever written, in
// whole octowords; it may reach beyond the entries in use. Only the key's index
// counts. The slice is the device's own and valid until the key changes.
func (d *Device) QueryXlt(key uint32) []byte {
	if k := d.find(KeyIndex(key)); k != nil {
		return k.xlt
	}
	return nil
}

// QueryBSF is the key's byte-stream-format area as last written, whole and
// as it came. The slice is the device's own.
func (d *Device) QueryBSF(key uint32) []byte {
	if k := d.find(KeyIndex(key)); k != nil {
		return k.bsf
	}
	return nil
}

// MkeyCount is the number of keys that exist, free ones included.
func (d *Device) MkeyCount() int { return len(d.live) }

// find looks a key up by index, through a small direct-mapped cache: a list
// names the same few keys over and over.
func (d *Device) find(index uint32) *mkey {
	slot := &d.cache[index%cacheSlots]
	if k := *slot; k != nil && k.index == index {
		return k
	}
	k := d.keys[index]
	if k != nil {
		*slot = k
	}
	return k
}

// retire removes a key and keeps its storage while the pool stays within the
// profile's memory.
func (d *Device) retire(k *mkey) {
	delete(d.keys, k.index)
	if slot := &d.cache[k.index%cacheSlots]; *slot == k {
		*slot = nil
	}
	last := len(d.live) - 1
	d.live[k.slot] = d.live[last]
	d.live[k.slot].slot = k.slot
	d.live = d.live[:last]
	d.xltUsed -= k.ctx.capacity()
	d.store(k)
}

// retireAll removes every key, at less cost than one by one.
func (d *Device) retireAll() {
	if len(d.live) == 0 {
		return
	}
	for i := len(d.live) - 1; i >= 0; i-- {
		k := d.live[i]
		d.cache[k.index%cacheSlots] = nil
		d.store(k)
	}
	clear(d.keys)
	d.live, d.xltUsed = d.live[:0], 0
}

// store keeps the storage of a key that was removed.
func (d *Device) store(k *mkey) {
	*k = mkey{xlt: k.xlt[:0], bsf: k.bsf[:0], sums: k.sums[:0]}
	if d.heldTooMuch() {
		d.drop(k)
	}
	d.pool = append(d.pool, k)
}

// heldTooMuch reports whether retired storage must be given up. Lists grow in
// steps larger than asked for, hence twice the bound.
func (d *Device) heldTooMuch() bool {
	return d.xltHeld > 2*uint64(d.p.MaxXltOctowords)
}

func (d *Device) drop(k *mkey) {
	d.xltHeld -= uint64(cap(k.xlt) / OctowordSize)
	k.xlt, k.sums = nil, nil
}

func (d *Device) trimPool() {
	for _, k := range d.pool {
		d.drop(k)
	}
}
