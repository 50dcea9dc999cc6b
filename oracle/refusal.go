package oracle

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Facts are the limits that a refusal may appeal to, beside the request's own.
type Facts struct {
	Profile  *mlx5model.Profile
	Caps     reg.EncoderCaps
	PoolSize int    // keys in the pool
	WQEBBs   uint32 // size of the send queue
}

// sector is the finer border rule of the second pool, bytes.
const sector = 512

// JudgeRefusal is check 14 on a list that was not taken: the error is typed,
// and what it states is true of the list and not stricter than the limits.
func (o *Oracle) JudgeRefusal(req *reg.Request, refusal error, f Facts, v *Verdict) {
	o.v = v
	v.ran(LimitsKept)
	var r *reg.Refusal
	if !errors.As(refusal, &r) {
		v.failf(LimitsKept, "refused without a typed reason: %v", refusal)
		return
	}
	var err error
	if o.mapped, err = req.DMA.Map(o.mapped[:0], req.List); err != nil && r.Reason != reg.ReasonWrap {
		return // there is no mapped list to judge by
	}
	p := Place{}
	if r.Entry >= 0 {
		p = at(req.List, posOffset(o.mapped, linux.Pos{Entry: r.Entry, Off: r.Off}))
	}
	leaveOut(o.mapped, req.Offset)
	if why := o.wrongRefusal(req, r, f); why != "" {
		v.failAt(LimitsKept, p, "refused by %q: %s", r, why)
	}
}

// leaveOut takes the first off bytes of a list's stream away. Entries keep
// their places.
func leaveOut(l sg.List, off uint64) {
	for i := range l {
		n := min(off, uint64(l[i].Len))
		l[i].Addr, l[i].Len = l[i].Addr+n, l[i].Len-uint32(n)
		if off -= n; off == 0 {
			return
		}
	}
}

// wrongRefusal says what is wrong about a refusal, "" if it is right.
func (o *Oracle) wrongRefusal(req *reg.Request, r *reg.Refusal, f Facts) string {
	list, invalid := o.mapped, req.List.Validate()
	total := req.List.Total()
	switch r.Reason {
	case reg.ReasonWrap:
		region := total - min(total, req.Offset)
		iova := req.IOVA + req.Offset
		return unless(errors.Is(invalid, sg.ErrWraps) || req.IOVA != 0 && iova+region-1 < req.IOVA, "neither an entry nor the region wraps")
	case reg.ReasonEmpty:
		return unless(total <= req.Offset, "there are bytes to register")
	case reg.ReasonOffset:
		return unless(total < req.Offset || len(list) > 0 && uint64(list[0].Len) < req.Offset, "the offset lies inside the list")
	case reg.ReasonGap:
		return unless(isGap(list, r.Entry, req.PageSize), "there is no gap at that entry")
	case reg.ReasonSector:
		return unless(isGap(list, r.Entry, sector), "that border is a sector's")
	case reg.ReasonEntries:
		return wrongEntries(req, r, f, list)
	case reg.ReasonRegions, reg.ReasonPool:
		floor := smallest(req.Limits.MaxRegions, f.PoolSize, req.Limits.PoolSize)
		return unless(floor > 0 && r.Limit >= uint64(floor), "the limit is stricter than the request, the pool and the device")
	case reg.ReasonTotal:
		return unless(r.Limit > 0 && total-min(total, req.Offset) > r.Limit, "the total is within the limit")
	case reg.ReasonPageSize:
		return wrongPageSize(req, r, f, list)
	case reg.ReasonQueue:
		return unless(r.Need > r.Limit && r.Limit > 0, "it does not need more than the queue has")
	case reg.ReasonUnsupported:
		p := f.Profile
		return unless(!f.Caps.MTT || !f.Caps.KLM || !p.IMAICL || p.UMRModifyEntitySizeDisabled || p.UMRIndirectMkeyDisabled ||
			p.UMRModifyAtomicDisabled || !p.Atomic, "dialect and device support everything")
	}
	return "the reason is none of the known ones"
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// smallest is the least of the limits that are set, 0 if none is.
func smallest(limits ...int) int {
	least := 0
	for _, n := range limits {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// isGap says whether the border in front of mapped entry i, or the one behind
// it, breaks the rule that interior borders lie on multiples of page.
// Zero-length entries have no borders.
func isGap(l sg.List, i int, page uint64) bool {
	if i < 0 || i >= len(l) || page == 0 {
		return false
	}
	for k := i; k < len(l) && k <= i+1; k++ {
		prev := k - 1
		for prev >= 0 && l[prev].Len == 0 {
			prev--
		}
		if prev < 0 || l[k].Len == 0 {
			continue
		}
		a, b := l[prev].End(), l[k].Addr
		if a == b && b != 0 {
			continue
		}
		if a%page != 0 || b%page != 0 {
			return true
		}
	}
	return false
}

// wrongEntries recounts the descriptors a list needs: KLM pieces, or pages.
func wrongEntries(req *reg.Request, r *reg.Refusal, f Facts, list sg.List) string {
	floor := smallest(req.Limits.MaxEntries, req.Limits.InlineDescs, f.Caps.MaxList, inlineDescs(&f), f.Profile.MaxKLMs()-f.Caps.ListSlack)
	if r.Limit < uint64(floor) {
		return "the limit is stricter than the request, the dialect and the device"
	}
	piece := f.Profile.MaxKLMBytes
	if m := req.Limits.MaxEntryBytes; m > 0 {
		piece = min(piece, m)
	}
	need := countPieces(list, piece)
	switch r.Strategy {
	case "pool512":
		need = max(need, countPages(list, sector))
	case "umem":
		if page := umemPage(req, &f, list); page != 0 {
			need = ((startOf(req, list) % page) + list.Total() + page - 1) / page
		}
	default:
		need = max(need, countPages(list, req.PageSize))
	}
	if r.Strategy == "bounce" || r.Strategy == "auto" {
		need = max(need, bouncePieces(list.Total(), max(req.PageSize, 1), piece))
	}
	return unless(need > r.Limit, "neither KLMs nor pages exceed the limit")
}

// bouncePieces is the number of descriptors of at most piece bytes for a stream
// of n bytes in buffers of a page each.
func bouncePieces(n, page, piece uint64) uint64 {
	return n/page*((page+piece-1)/piece) + (n%page+piece-1)/piece
}

// inlineDescs is how many KLMs fit into a WQE of a dialect that takes lists
// inline only: what the device's longest WQE and the queue leave beside the
// fixed part, in steps of 64 bytes. 0 is no limit.
func inlineDescs(f *Facts) int {
	if f.Caps.Pointer {
		return 0
	}
	room := min(f.Profile.MaxWQEBytes, int(f.WQEBBs)*mlx5model.WQEBBSize) - mlx5model.UMRDataOff
	return smallest(f.Caps.MaxInline, room/mlx5model.UMRListAlign*mlx5model.UMRListAlign/mlx5model.KLMSize)
}

// countPieces is the number of descriptors of at most piece bytes for a list
// whose neighbours are not merged.
func countPieces(l sg.List, piece uint64) uint64 {
	var n uint64
	for i := range l {
		n += (uint64(l[i].Len) + piece - 1) / piece
	}
	return n
}

// countPages is the number of pages that the entries touch, entry by entry.
func countPages(l sg.List, page uint64) uint64 {
	var n uint64
	for i := range l {
		if l[i].Len > 0 {
			n += (l[i].Addr%page + uint64(l[i].Len) + page - 1) / page
		}
	}
	return n
}

// maxUMRPage is the largest page that a UMR of any dialect sets: five bits of
// log_page_size.
const maxUMRPage = 1 << 31

// wrongPageSize looks for a page size that would have done. A bitmap of page
// sizes is for user memory registration; other strategies have but one.
func wrongPageSize(req *reg.Request, r *reg.Refusal, f Facts, list sg.List) string {
	low, high := uint64(1)<<f.Profile.LogPageMin, uint64(1)<<f.Profile.LogPageMax
	if r.Strategy != "umem" {
		page := req.PageSize
		if r.Strategy == "pool512" {
			page = min(page, sector)
		}
		return unless(page < low || page > min(high, maxUMRPage) || page&(page-1) != 0, "the device has that page size")
	}
	if page := umemPage(req, &f, list); page != 0 {
		return fmt.Sprintf("pages of %d fit", page)
	}
	return ""
}

// startOf is the address that a user memory key begins at.
func startOf(req *reg.Request, list sg.List) uint64 {
	if req.IOVA != 0 {
		return req.IOVA + req.Offset
	}
	for i := range list {
		if list[i].Len != 0 {
			return list[i].Addr
		}
	}
	return 0
}

// umemPage is the largest page size of the request and the device that a user
// memory key can have, 0 if there is none.
func umemPage(req *reg.Request, f *Facts, list sg.List) (best uint64) {
	for log := f.Profile.LogPageMin; log <= f.Profile.LogPageMax; log++ {
		page := uint64(1) << log
		if (req.PageSizes == 0 || req.PageSizes&page != 0) && fitsPages(list, startOf(req, list), page) {
			best = page
		}
	}
	return best
}

// fitsPages says whether a key at iova with the given page size can describe
// the list: every byte keeps its place inside the page.
func fitsPages(l sg.List, iova, page uint64) bool {
	var end uint64
	first := true
	for i := range l {
		if l[i].Len == 0 {
			continue
		}
		if first && (l[i].Addr^iova)%page != 0 {
			return false
		}
		contiguous := !first && l[i].Addr == end && end != 0
		if !first && !contiguous && (end%page != 0 || l[i].Addr%page != 0) {
			return false
		}
		first, end = false, l[i].End()
	}
	return true
}
