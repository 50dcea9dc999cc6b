package xlt

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

// implementation is one way to do what the package does; every test of bytes
// runs over all of them.
type implementation struct {
	name    string
	klms    func(dst []byte, list []sg.Entry, lkey uint32)
	keyed   func(dst []byte, list []sg.Entry)
	mtts    func(dst []byte, pages []uint64, bits uint64)
	run     func(dst []byte, page, step, bits uint64)
	entries func(dst []sg.Entry, list []byte)
	sums    func(dst []uint64, list []byte, from uint64, least, most uint32) int
}

// implementations are the exported functions, which are the assembly where
// there is one, and there the way from the assembly to portable Go as well.
func implementations() []implementation {
	return append([]implementation{
		{
			"exported",
			func(dst []byte, list []sg.Entry, lkey uint32) { KLMs(dst, list, lkey) },
			func(dst []byte, list []sg.Entry) { KeyedKLMs(dst, list) },
			func(dst []byte, pages []uint64, bits uint64) { MTTs(dst, pages, bits) },
			func(dst []byte, page, step, bits uint64) { MTTRun(dst, page, step, bits) },
			func(dst []sg.Entry, list []byte) { Entries(dst, list) },
			Sums,
		},
	}, withoutAVX2()...)
}

// op is one of the functions over plain bytes, so that one test can lay source
// and destination anywhere. in and out are bytes per element.
type op struct {
	name    string
	in, out int
	run     func(im *implementation, dst, src []byte, n int)
	want    func(src []byte, n int) []byte
}

const (
	testLkey = 0x8badf00d
	testBits = 0x8000000000000003
	testPage = 0xfedcba9876543000
	testStep = 0x0123456789ab1000
	testFrom = 0xfffffffffffff123 // the sums wrap
)

var ops = []op{
	{"KLMs", 16, 16,
		func(im *implementation, dst, src []byte, n int) { im.klms(dst, cast[sg.Entry](src, n), testLkey) },
		func(src []byte, n int) []byte { return refKLMs(aligned[sg.Entry](src, n), constant(testLkey)) }},
	{"KeyedKLMs", 16, 16,
		func(im *implementation, dst, src []byte, n int) { im.keyed(dst, cast[sg.Entry](src, n)) },
		func(src []byte, n int) []byte { return refKLMs(aligned[sg.Entry](src, n), own) }},
	{"MTTs", 8, 8,
		func(im *implementation, dst, src []byte, n int) { im.mtts(dst, cast[uint64](src, n), testBits) },
		func(src []byte, n int) []byte { return refMTTs(aligned[uint64](src, n), testBits) }},
	{"MTTRun", 0, 8,
		func(im *implementation, dst, _ []byte, n int) { im.run(dst, testPage, testStep, testBits) },
		func(_ []byte, n int) []byte { return refMTTs(refRun(testPage, testStep, n), testBits) }},
	{"Entries", 16, 16,
		func(im *implementation, dst, src []byte, n int) { im.entries(cast[sg.Entry](dst, n), src) },
		func(src []byte, n int) []byte { return raw(refEntries(src)) }},
	{"Sums", 16, 8,
		func(im *implementation, dst, src []byte, n int) {
			if got := im.sums(cast[uint64](dst, n), src, testFrom, 0, 1<<32-1); got != n {
				panic("Sums stopped in front of a legal entry")
			}
		},
		func(src []byte, n int) []byte { return raw(refSums(src, n, testFrom, 0, 1<<32-1)) }},
}

// cast reads b as n elements where they are, aligned or not.
func cast[T any](b []byte, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// aligned copies b to n elements.
func aligned[T any](b []byte, n int) []T {
	s := make([]T, n)
	copy(raw(s), b)
	return s
}

// raw is the memory of s.
func raw[T any](s []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}

// random draws the memory of a source of n elements.
func (o *op) random(n int) []byte {
	r := rand.New(rand.NewPCG(3, uint64(n)))
	b := make([]byte, n*o.in)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// each runs f for every implementation of every op.
func each(t *testing.T, f func(t *testing.T, o *op, im *implementation)) {
	for i := range ops {
		for _, im := range implementations() {
			t.Run(ops[i].name+"/"+im.name, func(t *testing.T) { f(t, &ops[i], &im) })
		}
	}
}
