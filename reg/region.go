package reg

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// DefaultPageSize is the page size in bytes of a Request that names none.
const DefaultPageSize = 4096

// maxLogPage is the largest page of a registration by UMR: MaskPageSize covers
// five bits of log_page_size, and no dialect here sets the sixth.
const maxLogPage = 31

// plan is one memory region before it is posted: how descriptors are made and
// what bounds it.
type plan struct {
	mode     mlx5model.AccessMode
	pageSize uint64 // bytes, for MTTs
	max      int    // descriptors
	maxKLM   uint64 // bytes of one KLM
	maxLen   uint64 // bytes of the region; 0 for no limit
	byWQE    bool   // max is what the longest WQE holds
}

func (p *plan) descSize() int {
	if p.mode == mlx5model.ModeMTT {
		return mlx5model.MTTSize
	}
	return mlx5model.KLMSize
}

// plan works out the bounds of a region from the request, the dialect, the
// device and the queue. It refuses what this device or dialect cannot do at
// all.
func (e *Env) plan(r *Registration, mode mlx5model.AccessMode) (plan, error) {
	size := r.Request.PageSize
	if size == 0 {
		size = DefaultPageSize
	}
	return e.planSize(r, mode, size)
}

// planSize is plan with another page size than the request's.
func (e *Env) planSize(r *Registration, mode mlx5model.AccessMode, size uint64) (plan, error) {
	req, caps := r.Request, e.Enc.Caps()
	p := plan{mode: mode, pageSize: size}
	if reason := e.lacks(mode, &caps, req.Access); reason != "" {
		return p, &Refusal{Strategy: r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: fmt.Errorf("%s: %w", reason, ErrUnsupported)}
	}
	if mode == mlx5model.ModeMTT && !e.pageAllowed(p.pageSize) {
		return p, &Refusal{Strategy: r.Strategy, Reason: ReasonPageSize, Entry: -1, Need: p.pageSize}
	}
	if wqe := e.maxWQE(); wqe < shortestUMR {
		return p, &Refusal{Strategy: r.Strategy, Reason: ReasonQueue, Entry: -1, Limit: uint64(wqe), Need: shortestUMR}
	}
	p.max, p.byWQE = e.descLimit(mode, &caps, &req.Limits)
	p.maxLen = caps.MaxTotal
	if log := e.Profile.LogMaxMRWSize; log < 64 && (p.maxLen == 0 || p.maxLen > 1<<log) {
		p.maxLen = 1 << log
	}
	p.maxKLM = e.Profile.MaxKLMBytes
	for _, bound := range [...]uint64{req.Limits.MaxEntryBytes, p.maxLen} {
		if bound != 0 {
			p.maxKLM = min(p.maxKLM, bound)
		}
	}
	return p, nil
}

// ErrUnsupported says that device or dialect lack what a region needs.
var ErrUnsupported = errors.New("not possible on this device with this dialect")

// lacks names what is missing for a registration of the mode, "" if nothing.
func (e *Env) lacks(mode mlx5model.AccessMode, caps *EncoderCaps, access uint8) string {
	p := &e.Profile
	mask := caps.Mask
	if access&mlx5model.AccA != 0 {
		mask |= mlx5model.MaskA
	}
	klm := mode == mlx5model.ModeKLM
	switch {
	case klm && !caps.KLM:
		return "dialect has no KLM registration"
	case !klm && !caps.MTT:
		return "dialect has no page-list registration"
	case klm && !p.IMAICL:
		return "imaicl"
	case klm && p.UMRIndirectMkeyDisabled:
		return "umr_indirect_mkey_disabled"
	case mask&mlx5model.MaskPageSize != 0 && p.UMRModifyEntitySizeDisabled:
		return "umr_modify_entity_size_disabled"
	case mask&mlx5model.MaskA != 0 && p.UMRModifyAtomicDisabled:
		return "umr_modify_atomic_disabled"
	case access&mlx5model.AccA != 0 && !p.Atomic:
		return "atomic"
	case caps.FixedAccess != 0 && caps.FixedAccess != access&mlx5model.AccRights|mlx5model.AccLR:
		return "dialect cannot restrict or extend the rights of its keys"
	}
	return ""
}

// pageAllowed reports whether a UMR can set this page size on this device.
func (e *Env) pageAllowed(size uint64) bool {
	log := uint8(bits.Len64(size) - 1)
	return bits.OnesCount64(size) == 1 && log >= e.Profile.LogPageMin && log <= min(e.Profile.LogPageMax, maxLogPage)
}

// shortestUMR is the room in bytes that the shortest registration of any
// dialect takes: the fixed segments and one WQEBB for the list or its pointer.
const shortestUMR = mlx5model.UMRDataOff + mlx5model.WQEBBSize

// maxWQE is the longest WQE in bytes that device and queue take.
func (e *Env) maxWQE() int { return min(e.Profile.MaxWQEBytes, len(e.Ring.Bytes())) }

// descLimit is the most descriptors one region can have: what a UMR counts,
// what a key of the device holds, what the dialect posts, what the longest WQE
// takes, and what the request allows. byWQE says that the WQE decides.
func (e *Env) descLimit(mode mlx5model.AccessMode, caps *EncoderCaps, lim *Limits) (n int, byWQE bool) {
	n = e.maxDescs(mode)
	if mode == mlx5model.ModeKLM {
		n = min(n, 1<<e.Profile.LogMaxKLMListSize-caps.ListSlack)
	}
	if caps.MaxList > 0 {
		n = min(n, caps.MaxList)
	}
	if lim.MaxEntries > 0 {
		n = min(n, lim.MaxEntries)
	}
	if caps.Pointer {
		return n, false
	}
	n = min(n, caps.MaxInline)
	room := (e.maxWQE() - mlx5model.UMRDataOff) &^ (mlx5model.UMRListAlign - 1) / mlx5model.KLMSize
	return min(n, room), room < n
}

// descsFor is an upper bound of the descriptors that the list from a position
// on can need, within the plan. It looks at every entry that might count.
func (p *plan) descsFor(l sg.List, from linux.Pos) int {
	var n uint64
	shift := bits.TrailingZeros64(p.pageSize) // a power of two, see plan: no division for each entry
	for i := from.Entry; i < len(l) && n < uint64(p.max); i++ {
		switch size := uint64(l[i].Len); {
		case p.mode == mlx5model.ModeMTT:
			n += size>>shift + 2
		case size < p.maxKLM:
			n++
		default:
			n += size/p.maxKLM + 1
		}
	}
	return int(min(n, uint64(p.max)))
}

// mapRegion maps l from a position on and leaves the descriptors in e.descs.
// short says that the longest region, not the list or the descriptors, is what
// ended it.
func (e *Env) mapRegion(r *Registration, p *plan, l sg.List, from linux.Pos) (m linux.Mapping, short bool, err error) {
	max := p.max
	if p.maxLen != 0 && p.mode == mlx5model.ModeMTT { // no more pages than a region can use
		max = int(min(uint64(max), p.maxLen/p.pageSize+2))
	}
	need := min(p.descsFor(l, from), max) * p.descSize()
	if cap(e.descs) < need {
		e.descs = make([]byte, need+cap(e.descs))
	}
	dst := e.descs[:need]
	m, err = e.mapWith(dst, p, l, from, max)
	if inside := m.N*p.descSize() <= len(dst); err == nil && inside && p.maxLen != 0 && m.Length > p.maxLen {
		n := p.within(dst, &m)
		if n == 0 {
			return m, true, &Refusal{Strategy: r.Strategy, Reason: ReasonTotal, Entry: from.Entry, Off: from.Off, Limit: p.maxLen}
		}
		short = true
		m, err = e.mapWith(dst, p, l, from, n)
	}
	if err != nil {
		return m, false, mapRefusal(r.Strategy, from, err)
	}
	if m.N <= 0 || m.N*p.descSize() > len(dst) || m.Length == 0 || m.Next == from {
		return m, false, fmt.Errorf("%s: %d descriptors of %d bytes at entry %d+%d: %w", r.Strategy, m.N, m.Length, from.Entry, from.Off, ErrMapping)
	}
	return m, short, nil
}

func (e *Env) mapWith(dst []byte, p *plan, l sg.List, from linux.Pos, max int) (linux.Mapping, error) {
	if p.mode == mlx5model.ModeMTT {
		return e.Map.Pages(dst, l, from, p.pageSize, max)
	}
	return e.Map.KLMs(dst, l, from, e.LocalKey, max, p.maxKLM)
}

// within is how many of the mapping's descriptors hold at most maxLen bytes.
func (p *plan) within(descs []byte, m *linux.Mapping) int {
	if p.mode == mlx5model.ModeMTT {
		return int((p.maxLen + m.IOVA&(p.pageSize-1)) / p.pageSize)
	}
	var sum uint64
	for n := range m.N {
		klm := mlx5model.ParseKLM(descs[n*mlx5model.KLMSize:])
		if sum += uint64(klm.ByteCount); sum > p.maxLen {
			return n
		}
	}
	return m.N
}

// mapRefusal translates a mapper's error.
func mapRefusal(name string, from linux.Pos, err error) error {
	f := &Refusal{Strategy: name, Entry: from.Entry, Off: from.Off, Err: err}
	var at *sg.EntryError
	switch {
	case errors.As(err, &at):
		f.Reason, f.Entry, f.Off = ReasonWrap, at.Index, 0
	case errors.Is(err, linux.ErrPageSize):
		f.Reason = ReasonPageSize
	case errors.Is(err, linux.ErrNothing):
		f.Reason = ReasonEmpty
	case errors.Is(err, linux.ErrPos):
		f.Reason = ReasonOffset
	case errors.Is(err, linux.ErrNoRoom):
		f.Reason = ReasonEntries
	default:
		return fmt.Errorf("%s: %w", name, err)
	}
	return f
}

// stopRefusal says why a mapping that must be whole is not.
func (p *plan) stopRefusal(r *Registration, m *linux.Mapping, short bool) error {
	f := &Refusal{Strategy: r.Strategy, Entry: m.Next.Entry, Off: m.Next.Off}
	switch {
	case m.Stop == linux.StopGap:
		f.Reason = ReasonGap
	case short:
		f.Reason, f.Limit, f.Need = ReasonTotal, p.maxLen, rest(r.Mapped, r.From)
	case m.Stop == linux.StopTop:
		f.Reason = ReasonWrap
	default:
		f.Reason, f.Limit = p.fullReason(), uint64(p.max)
		if p.mode == mlx5model.ModeKLM {
			f.Need = p.klmsNeeded(r.Mapped, r.From)
		}
	}
	return f
}

// fullReason is the reason of a region with too few descriptors.
func (p *plan) fullReason() Reason {
	if p.byWQE {
		return ReasonQueue
	}
	return ReasonEntries
}

// descsNeeded counts the descriptors that a list of aligned pages takes.
func (p *plan) descsNeeded(l sg.List) uint64 {
	if p.mode == mlx5model.ModeKLM {
		return p.klmsNeeded(l, linux.Pos{})
	}
	return uint64(len(l))
}

// klmsNeeded counts the KLMs that the list from a position on takes.
func (p *plan) klmsNeeded(l sg.List, from linux.Pos) (n uint64) {
	for i := from.Entry; i < len(l); i++ {
		n += (uint64(l[i].Len) - from.Off + p.maxKLM - 1) / p.maxKLM
		from.Off = 0
	}
	return n
}

// post registers the mapping in e.descs under a key of the pool: list memory,
// work request, cost. It returns what the peer would be told.
func (e *Env) post(r *Registration, p *plan, m *linux.Mapping, access uint8) (Tuple, error) {
	k, err := e.hold(r, p.mode, m.N)
	if err != nil {
		return Tuple{}, err
	}
	caps := e.Enc.Caps()
	if caps.Rekey {
		k.Key = mlx5model.BumpKey(k.Key)
	}
	w := &e.wr // in Env, because what goes through an interface escapes
	*w = RegWR{
		Key: k.Key, Mode: p.mode, List: e.descs[:m.N*p.descSize()], N: m.N,
		IOVA: m.IOVA, Length: m.Length, Access: access & mlx5model.AccRights,
	}
	if p.mode == mlx5model.ModeMTT {
		w.LogPage = uint8(bits.TrailingZeros64(p.pageSize))
	}
	if caps.Pointer && len(w.List) > caps.MaxInline*mlx5model.KLMSize {
		if err := e.listMemory(r, w); err != nil {
			return Tuple{}, err
		}
	}
	va, err := e.postWR(r, w)
	if err != nil {
		return Tuple{}, err
	}
	return Tuple{Rkey: k.Key, Addr: va, Len: m.Length}, nil
}

// advertise adds a region over the stream's next bytes to what the peer is
// told.
func (e *Env) advertise(r *Registration, p *plan, m *linux.Mapping) error {
	t, err := e.post(r, p, m, r.Request.Access)
	if err != nil {
		return err
	}
	r.cover(m)
	r.Keys = append(r.Keys, t.Rkey)
	r.Tuples = append(r.Tuples, t)
	return nil
}

// listMemory writes the list of w to driver memory for the device to fetch.
func (e *Env) listMemory(r *Registration, w *RegWR) error {
	addr, err := e.buffer(r, mlx5model.AlignUp(uint64(len(w.List)), mlx5model.UMRListAlign), uint64(e.Profile.UMRPointerAlignment))
	if err != nil {
		return err
	}
	w.ListAddr = addr
	r.Cost.Fetches++
	if err := e.Mem.Write(addr, w.List); err != nil {
		return fmt.Errorf("%s: descriptor list: %w", r.Strategy, err)
	}
	return nil
}

// postWR posts a registration and accounts for it.
func (e *Env) postWR(r *Registration, w *RegWR) (va uint64, err error) {
	size := e.Enc.Size(w.Mode, w.N)
	if size > int(e.Ring.WQEBBs()) {
		return 0, &Refusal{Strategy: r.Strategy, Reason: ReasonQueue, Entry: -1, Limit: uint64(e.Ring.WQEBBs()), Need: uint64(size)}
	}
	if err := e.makeRoom(size); err != nil {
		return 0, fmt.Errorf("%s: %w", r.Strategy, err)
	}
	r.held[len(r.held)-1].posted = true
	at := e.Enc.PI()
	va, err = e.Enc.Register(w)
	if err != nil {
		e.ringUse.soiled = true
		return 0, &Refusal{Strategy: r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: err}
	}
	r.Cost.Descriptors += w.N
	e.account(r, at)
	return va, nil
}

// account adds the WQE at a producer counter to r's cost.
func (e *Env) account(r *Registration, at uint32) {
	ctrl := mlx5model.ParseCtrl(e.Ring.At(at, 0))
	r.Cost.WQEs++
	r.Cost.WQEBytes += int(ctrl.DS) * mlx5model.DSSize
	r.Cost.Fetches++
}
