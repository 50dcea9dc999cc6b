package oracle

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Known says which parts of a Place its check knows.
type Known uint8

// The parts of a Place.
const (
	KnowsStream Known = 1 << iota // Place.Stream
	KnowsEntry                    // Place.Entry and Place.Off
	KnowsAddr                     // Place.Addr
)

// Place is where something is wrong, as far as the check that found it knows. A
// part that is not in Knows is 0 and means nothing.
type Place struct {
	Knows Known
	// Stream is the first byte concerned, counted in bytes from the first byte of
	// the list (not of the registration, which may begin inside). It may lie
	// behind the list's last byte: then no entry is known.
	Stream uint64
	// Entry is the index of the list entry that holds the byte, in the list as it
	// was before DMA mapping, and Off the byte in it, from 0.
	Entry int
	Off   uint64
	// Addr is the host address that was reached or changed there, and ought not
	// to have been: a bus address of a list that was mapped.
	Addr uint64
}

// at is the place of a stream byte of l. It walks the list: a place is asked for
// when something is wrong.
func at(l sg.List, stream uint64) Place {
	p := Place{Knows: KnowsStream, Stream: stream}
	for i, off := 0, stream; i < len(l); i++ {
		if n := uint64(l[i].Len); off >= n {
			off -= n
			continue
		}
		p.Knows, p.Entry, p.Off = p.Knows|KnowsEntry, i, off
		break
	}
	return p
}

// naming is the place of a host byte in l: of entries that share it, in the first.
func naming(l sg.List, addr uint64) Place {
	var stream uint64
	for i := range l {
		if off := addr - l[i].Addr; off < uint64(l[i].Len) {
			return Place{KnowsStream | KnowsEntry | KnowsAddr, stream + off, i, off, addr}
		}
		stream += uint64(l[i].Len)
	}
	return Place{}.reaching(addr)
}

// namingLast is naming for the last byte of an access that reached es.
func namingLast(l sg.List, es []sg.Extent) Place {
	if len(es) == 0 {
		return Place{}
	}
	e := es[len(es)-1]
	return naming(l, e.Addr+e.Len-1)
}

// reaching adds the address that was reached.
func (p Place) reaching(addr uint64) Place {
	p.Knows, p.Addr = p.Knows|KnowsAddr, addr
	return p
}

// reachingFirst adds where e begins, if it has bytes.
func (p Place) reachingFirst(e sg.Extent) Place {
	if e.Len == 0 {
		return p
	}
	return p.reaching(e.Addr)
}

// entry names the entry in a failure's text.
func (p Place) entry() string {
	if p.Knows&KnowsEntry == 0 {
		return "behind the list"
	}
	return fmt.Sprintf("entry %d+%d", p.Entry, p.Off)
}

// at is the place of a byte of the registration, counted from its first.
func (o *Oracle) at(off uint64) Place { return at(o.r.Request.List, o.base+off) }

// atTuple is the place of a tuple's first byte.
func (o *Oracle) atTuple(i int) Place { return o.at(o.ends[i] - o.r.Tuples[i].Len) }
