package xlt

import (
	"math/rand/v2"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The references take one byte at a time, by shifts: nothing of them is shared
// with what they judge, neither encoding/binary nor the loops' shape.

func refBE(dst []byte, v uint64) {
	for i := range dst {
		dst[i] = byte(v >> (8 * (len(dst) - 1 - i)))
	}
}

func refUint(b []byte) (v uint64) {
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

func own(e sg.Entry) uint32 { return e.Lkey }

func constant(lkey uint32) func(sg.Entry) uint32 { return func(sg.Entry) uint32 { return lkey } }

func refKLMs(list []sg.Entry, key func(sg.Entry) uint32) []byte {
	b := make([]byte, 16*len(list))
	for i, e := range list {
		refBE(b[16*i:16*i+4], uint64(e.Len))
		refBE(b[16*i+4:16*i+8], uint64(key(e)))
		refBE(b[16*i+8:16*i+16], e.Addr)
	}
	return b
}

func refMTTs(pages []uint64, bits uint64) []byte {
	b := make([]byte, 8*len(pages))
	for i, p := range pages {
		refBE(b[8*i:8*i+8], p|bits)
	}
	return b
}

func refRun(page, step uint64, n int) []uint64 {
	pages := make([]uint64, n)
	for i := range pages {
		pages[i] = page + uint64(i)*step
	}
	return pages
}

func refEntries(list []byte) (out []sg.Entry) {
	for i := 0; i+16 <= len(list); i += 16 {
		out = append(out, sg.Entry{
			Len: uint32(refUint(list[i : i+4])), Lkey: uint32(refUint(list[i+4 : i+8])), Addr: refUint(list[i+8 : i+16]),
		})
	}
	return out
}

func refSums(list []byte, room int, from uint64, least, most uint32) (out []uint64) {
	for _, e := range refEntries(list) {
		if len(out) == room || e.Len < least || e.Len > most {
			break
		}
		from += uint64(e.Len)
		out = append(out, from)
	}
	return out
}

// entries draws n entries whose sixteen bytes are all random.
func entries(n int) []sg.Entry {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	list := make([]sg.Entry, n)
	for i := range list {
		list[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32(), Lkey: r.Uint32()}
	}
	return list
}
