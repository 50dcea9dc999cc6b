package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	klmSize    = 16 // bytes of a KLM and of an entry
	lenOff     = 8  // of an entry's len
	vectorSize = 32
	unroll     = 4 // vectors that the loop takes at a time
)

// vectors loads what the list is made with.
func (r *registration) vectors() {
	r.list = r.Argument("list", r.GP64())
	key := r.Argument("lkey", r.GP32())
	r.key, r.shuffle = r.YMM(), r.YMM()
	r.VMOVD(key, r.key.AsX())
	r.VPBROADCASTD(r.key.AsX(), r.key)
	r.VBROADCASTI128(emit.Symbol("toKLM"), r.shuffle)
	r.form, r.umr, r.total = r.GP64(), r.GP64(), r.GP64()
}

// entry loads one entry or two, under the key.
func (r *registration) entry(from Mem, to VecVirtual) {
	const keys = 0b1000_1000
	if to.Size() == vectorSize {
		r.VPBLENDD(U8(0xff&^keys), from, r.key, to)
	} else {
		r.VPBLENDD(U8(0xf&^keys), from, r.key.AsX(), to)
	}
}

// inline writes a list of up to four entries to the region's buffer and to the
// WQE. No more is written there.
func (r *registration) inline() {
	descs := r.GP64()
	r.MOVQ(emit.Field(r.mr, "MR_Descs", 0), descs)
	put := func(i int, v VecVirtual) {
		r.entry(Mem{Base: r.list, Disp: i * klmSize}, v)
		if v.Size() == vectorSize {
			r.VPSHUFB(r.shuffle, v, v)
		} else {
			r.VPSHUFB(r.shuffle.AsX(), v, v)
		}
		r.VMOVDQU(v, Mem{Base: descs, Disp: i * klmSize})
		r.VMOVDQU(v, Mem{Base: r.wqe, Disp: 2*emit.WQEBBSize + i*klmSize})
	}
	count := func(i int) {
		n := r.GP64()
		r.MOVL(Mem{Base: r.list, Disp: i*klmSize + lenOff}, n.As32())
		r.ADDQ(n, r.total)
	}
	done := LabelRef("inlined")
	r.Move("MOVQ", "headInline", r.form)
	r.MOVQ(emit.Symbol("umrInline"), r.umr)
	r.MOVL(Mem{Base: r.list, Disp: lenOff}, r.total.As32())
	r.CMPQ(r.n, I8(2))
	r.JAE(LabelRef("two"))
	put(0, r.XMM())
	r.JMP(done)
	r.Label("two")
	count(1)
	put(0, r.YMM())
	r.CMPQ(r.n, I8(3))
	r.JB(done)
	count(2)
	r.CMPQ(r.n, I8(inlineKLMs))
	r.JE(LabelRef("four"))
	put(2, r.XMM())
	r.JMP(done)
	r.Label("four")
	count(3)
	put(2, r.YMM())
	r.Label("inlined")
}

// pointer writes the list to the region's buffer and a pointer to it to the
// WQE.
func (r *registration) pointer() {
	left, descs, list := r.GP64(), r.GP64(), r.GP64()
	r.MOVQ(emit.Field(r.mr, "MR_Descs", 0), descs)
	r.MOVQ(r.list, list)
	sums := [2]VecVirtual{r.YMM(), r.YMM()}
	for _, s := range sums {
		r.VPXOR(s, s, s)
	}
	v := make([]VecVirtual, unroll)
	for i := range v {
		v[i] = r.YMM()
	}
	// put takes vectors and adds up their upper words, len and the key above it:
	// modulo 2^64 the total is that less n times the key.
	put := func(v []VecVirtual, size int) {
		step := len(v) * size
		for i := range v {
			r.entry(Mem{Base: list, Disp: i * size}, v[i])
		}
		for i := range v {
			if size == vectorSize {
				r.VPADDQ(v[i], sums[i%2], sums[i%2])
				r.VPSHUFB(r.shuffle, v[i], v[i])
			} else {
				r.VPADDQ(v[i].AsY(), sums[i%2], sums[i%2])
				r.VPSHUFB(r.shuffle.AsX(), v[i], v[i])
			}
			r.VMOVDQU(v[i], Mem{Base: descs, Disp: i * size})
		}
		r.ADDQ(I32(step), list)
		r.ADDQ(I32(step), descs)
	}
	r.MOVQ(r.n, left)
	r.SUBQ(I8(2*unroll), left)
	r.JB(LabelRef("rest"))
	r.Label("loop")
	put(v, vectorSize)
	r.SUBQ(I8(2*unroll), left)
	r.JAE(LabelRef("loop"))
	r.Label("rest")
	r.ADDQ(I8(2*unroll), left)
	r.JE(LabelRef("added"))
	r.SUBQ(I8(2), left)
	r.JB(LabelRef("odd"))
	r.Label("pair")
	put(v[:1], vectorSize)
	r.SUBQ(I8(2), left)
	r.JAE(LabelRef("pair"))
	r.Label("odd")
	r.ADDQ(I8(2), left)
	r.JE(LabelRef("added"))
	put([]VecVirtual{r.XMM()}, klmSize)
	r.Label("added")
	r.VPADDQ(sums[1], sums[0], sums[0])
	half := r.XMM()
	r.VEXTRACTI128(U8(1), sums[0], half)
	r.VPADDQ(half, sums[0].AsX(), half)
	r.VPEXTRQ(U8(1), half, r.total)
	keys := r.GP64()
	r.Load(r.Param("lkey"), keys.As32())
	r.IMULQ(r.n, keys)
	r.SHLQ(U8(32), keys)
	r.SUBQ(keys, r.total)

	octowords, word := r.octowords(), r.GP64()
	r.MOVQ(octowords, word)
	r.SHLQ(U8(32+4), word)
	local := r.GP64()
	r.MOVL(emit.Field(r.qp, "QP_LocalDMALkey", 0), local.As32())
	r.ORQ(local, word)
	r.BSWAPQ(word)
	r.MOVQ(word, Mem{Base: r.wqe, Disp: 2 * emit.WQEBBSize})
	r.MOVQ(emit.Field(r.mr, "MR_DescMap", 0), word)
	r.BSWAPQ(word)
	r.MOVQ(word, Mem{Base: r.wqe, Disp: 2*emit.WQEBBSize + 8})

	r.MOVL(octowords.As32(), r.umr.As32()) // of which 16 bits stay
	r.SHLL(U8(16), r.umr.As32())
	r.BSWAPQ(r.umr)
	r.ORQ(emit.Symbol("umrPointer"), r.umr)
	r.Move("MOVQ", "headPointer", r.form)
}

// octowords gives the list's size, in groups of four.
func (r *registration) octowords() GPVirtual {
	o := r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: 3}, o)
	r.ANDQ(I8(^3), o)
	return o
}
