package linux

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// minPageSize is the smallest page that a list can name: the two low bits of
// an entry are permissions, not address. Devices have their own, larger
// minimum, usually 4096; see mlx5model.Profile.LogPageMin.
const minPageSize = 4

// MapPages describes the longest prefix of l, from a position on, that a page
// list can hold: the first byte may lie anywhere in its page, every border
// between two entries must be a page border or join two contiguous entries,
// and the last byte may lie anywhere. It writes big-endian MTT entries (page
// address with the read and write bits) to dst, at most maxPages and no more
// than fit. pageSize is in bytes, a power of two from 4 on.
//
// The mapping's IOVA is the address of its first byte, so its low bits are the
// offset in the first page. When the list is full, the mapping ends at the end
// of the last page, or before if the entries do.
//
// Differences from SGToPages, the kernel's function:
//
//   - entries without bytes are skipped; the kernel gives them a page;
//   - an entry may end at 2^64; the kernel sees an end of 0 and maps one page
//     of it. An entry beyond 2^64 is refused; the kernel maps it;
//   - a region never passes 2^64: it stops with StopTop (MapPagesAt moves it);
//   - a full list counts every byte of its pages, the last page included, and
//     stops in an entry that continues the last page as well; the kernel leaves
//     them out, wraps below zero when the first entry starts mid-page, and
//     refuses the list when one page is all there is;
//   - any position in any entry can be the start, with 64 bits of offset;
//   - failures are typed errors; the page size is checked.
//
// Cost is linear in entries visited and pages written; nothing is allocated
// unless it fails.
func MapPages(dst []byte, l sg.List, from Pos, pageSize uint64, maxPages int) (m Mapping, err error) {
	if err = m.pages(dst, l, from, pageSize, maxPages, nil); err != nil {
		m = Mapping{}
	}
	return m, err
}

// MapPagesAt is MapPages for a region that starts at iova instead of at its
// first byte's address. It lets a list that passes the top of the address
// space be one region, at an iova of the address modulo the page size. The low
// bits of iova must equal those of the first byte's address.
func MapPagesAt(dst []byte, l sg.List, from Pos, pageSize uint64, maxPages int, iova uint64) (m Mapping, err error) {
	if err = m.pages(dst, l, from, pageSize, maxPages, &iova); err != nil {
		m = Mapping{}
	}
	return m, err
}

// pages is MapPages and MapPagesAt.
func (m *Mapping) pages(dst []byte, l sg.List, from Pos, pageSize uint64, maxPages int, iova *uint64) error {
	if pageSize < minPageSize || pageSize&(pageSize-1) != 0 {
		return ErrPageSize
	}
	var c cursor
	if err := c.start(l, from); err != nil {
		return err
	}
	var p pages
	p.dst, p.max = dst, min(len(dst)/mlx5model.MTTSize, maxPages)
	p.mask, p.shift = pageSize-1, uint8(bits.TrailingZeros64(pageSize))
	for {
		if run := c.plain(p.max-p.n, 1<<32-1); len(run.list) > 0 && m.begin(run.list[0].Addr, iova).belowTop(run.total) == run.total {
			if (m.IOVA^run.list[0].Addr)&p.mask != 0 && p.n == 0 {
				return ErrIOVA
			}
			taken, bytes := p.addPlain(run.list)
			m.N = p.n
			m.Length += bytes
			c.pos.Entry += taken
		}
		addr, n, err := c.run()
		switch {
		case err != nil:
			return err
		case n == 0:
			return m.finish(&c, StopEnd)
		case p.max <= 0:
			return m.finish(&c, StopFull)
		case m.Length == 0:
			if m.begin(addr, iova); (m.IOVA^addr)&p.mask != 0 {
				return ErrIOVA
			}
		case !p.follows(addr):
			return m.finish(&c, StopGap)
		}
		below := m.belowTop(n)
		if below == 0 {
			return m.finish(&c, StopTop)
		}
		take := p.add(addr, below)
		m.Length += take
		m.N = p.n
		c.pos.Off += take
		if take < below {
			return m.finish(&c, StopFull)
		}
		if take < n {
			return m.finish(&c, StopTop)
		}
	}
}

// pages is a page list under construction.
type pages struct {
	dst   []byte
	n     int    // pages written
	max   int    // capacity
	mask  uint64 // page size - 1
	shift uint8  // log2 of the page size
	end   uint64 // address behind the last byte; 0 for 2^64, and at first
}

// follows reports whether a run at addr may come behind the last byte.
func (p *pages) follows(addr uint64) bool {
	return (p.end|addr)&p.mask == 0 || p.end == addr
}

// addPlain appends the entries of a plainRun from its front on, as far as each
// follows the one before and fits whole. It returns how many, and their bytes.
func (p *pages) addPlain(l sg.List) (taken int, bytes uint64) {
	for i := range l {
		addr, n := l[i].Addr, uint64(l[i].Len)
		first, last := addr>>p.shift, (addr+n-1)>>p.shift
		switch {
		case p.n == 0:
		case p.end == addr && addr&p.mask != 0:
			first++ // the first page is in the list already
		case (p.end|addr)&p.mask != 0:
			return i, bytes
		}
		if count := last + 1 - first; count == 1 && p.n < p.max {
			p.put(first << p.shift)
		} else if count > uint64(p.max-p.n) {
			return i, bytes
		} else {
			p.run(first<<p.shift, count)
		}
		p.end = addr + n
		bytes += n
	}
	return len(l), bytes
}

// put appends a page, for which there must be room.
func (p *pages) put(page uint64) {
	binary.BigEndian.PutUint64(p.dst[p.n*mlx5model.MTTSize:], page|mttBits)
	p.n++
}

// run appends count pages, for which there must be room.
func (p *pages) run(page, count uint64) {
	dst := p.dst[p.n*mlx5model.MTTSize:][:count*mlx5model.MTTSize]
	xlt.MTTRun(dst, page, p.mask+1, mttBits)
	p.n += int(count)
}

// add appends the pages of n bytes at addr, n > 0, which follow the last byte,
// and returns how many of the bytes lie in pages that the list holds. The range
// ends at 2^64 at the latest.
func (p *pages) add(addr, n uint64) uint64 {
	size := p.mask + 1
	page, last := addr&^p.mask, (addr+n-1)&^p.mask
	if p.end&p.mask != 0 { // the first page is in the list already
		if page == last {
			p.end = addr + n
			return n
		}
		page += size
	}
	count := (last-page)>>p.shift + 1
	if room := uint64(p.max - p.n); count > room {
		count = room
		if n = page + count*size - addr; n == 0 {
			return 0
		}
	}
	p.run(page, count)
	p.end = addr + n
	return n
}
