package gen

import (
	"math"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

const (
	maxInline     = 764 // the most that the library gives a queue for these operations
	maxEntries    = 56  // of a drawn list, a little more than a request takes
	fillerKey     = 0xffffff
	fixedBytes    = 192 // of a request, before what is inline: control, UMR, context
	mostWQEBBs    = 512
	mostBatches   = 3
	mostErrors    = 4
	perConfigured = 3 // a configuration and a SET_PSV for each domain
)

// draw makes a case without outputs.
func (g *Generator) draw(p Producer) {
	room := g.drawQueue()
	g.drawKeys(p)
	batches := uint64(1)
	if p == Configure && room >= perConfigured {
		batches = g.ch.Between(1, mostBatches)
	}
	for range batches {
		b := batch{}
		if p == Configure && g.c.Mkeys[len(g.c.Mkeys)-1].Sig != nil && len(g.c.Mkeys) > 1 && g.ch.Uint(3) == 0 {
			b.SigErr = len(g.c.Mkeys) - 1
		}
		g.drawBatch(p, &b, room)
		g.c.Batches = append(g.c.Batches, b)
	}
}

// drawQueue draws a queue as the library makes them and returns how many
// requests it takes at once.
func (g *Generator) drawQueue() (room uint64) {
	ch, q := &g.ch, &g.c.QP
	q.MaxInline = maxInline
	if ch.Uint(3) == 0 {
		q.MaxInline = uint32(60 + 64*ch.Uint(11))
	}
	request := uint64(q.MaxInline+4+fixedBytes) / mlx5model.WQEBBSize
	one := uint64(1) << bits.Len64(request-1)
	q.WQECnt = int(min(one<<ch.Pick([]int{12, 52, 64, 64, 32, 32}), mostWQEBBs))
	q.QPN = uint32(ch.Uint(1<<24 - 1))
	q.Prefill = byte(ch.Uint(255))
	if ch.Uint(5) == 0 {
		q.SigAll = 1
	}
	if ch.Uint(7) == 0 {
		q.WQSig = 1
	}
	if ch.Bool() {
		q.FMCache = mlx5model.FenceSmall
	}
	n := uint64(q.WQECnt)
	q.CurPost = uint32([...]func() uint64{
		func() uint64 { return 0 },
		func() uint64 { return ch.Uint(2 * n) },
		func() uint64 { return n*ch.Between(1, 8) - ch.Uint(min(n, 15)) }, // wraps
		func() uint64 { return 1<<16 - ch.Uint(20) },
		func() uint64 { return ch.Uint(math.MaxUint16) },
		func() uint64 { return ch.Uint(math.MaxUint32) },
	}[ch.Pick([]int{70, 70, 70, 16, 20, 10})]())
	return n / request
}

// drawKeys draws one key, or two or three of which the last one signs. Signature
// errors are of that one. Keys that are configured may encrypt.
func (g *Generator) drawKeys(p Producer) {
	n := 1 + g.ch.Uint(1)
	if p == Configure {
		n = 1 + uint64(g.ch.Pick([]int{64, 128, 64}))
	}
	for i := range n {
		m := mkey{Lkey: g.lkey(uint32(i)), NumDesc: uint16(4 * g.ch.Between(1, 16))}
		if g.ch.Uint(3) == 0 {
			m.NumDesc = 64
		}
		if i == n-1 && (p == Configure || g.ch.Uint(3) == 0) {
			m.Sig = &mkeySig{
				MemPSV: uint32(g.ch.Uint(1<<24 - 1)), WirePSV: uint32(g.ch.Uint(1<<24 - 1)),
				ErrCount: uint32(g.ch.Between(1, mostErrors)), ErrUpdated: uint8(g.ch.Uint(1)),
			}
		}
		m.Crypto = p == Configure && g.ch.Uint(2) == 0
		g.c.Mkeys = append(g.c.Mkeys, m)
	}
}

// lkey draws a key that no other number i gives.
func (g *Generator) lkey(i uint32) uint32 {
	index := uint32(g.ch.Between(1, fillerKey-5))&^3 + i
	if g.ch.Bool() {
		return index << 8
	}
	return index<<8 | uint32(g.ch.Byte())
}

// drawBatch draws requests for at most room slots of the queue.
func (g *Generator) drawBatch(p Producer, b *batch, room uint64) {
	for left := min(room, 6); left > 0 && (len(b.WRs) == 0 || g.ch.Uint(2) == 0); {
		op := p
		if g.ch.Uint(15) == 0 {
			op = Producers[g.ch.Uint(uint64(len(Producers)-1))]
		}
		w, slots := g.drawOther(), uint64(1)
		if left == 1 && op == Configure { // there may be no room for its SET_PSVs
			op = MRList
		}
		if g.ch.Uint(3) != 0 || len(b.WRs) == 0 {
			w, slots = g.drawUMR(op)
		}
		if slots > left {
			break
		}
		left -= slots
		b.WRs = append(b.WRs, w)
	}
	if len(b.WRs) == 0 {
		b.WRs = []wr{g.drawOther()}
	}
}

func (g *Generator) drawUMR(op Producer) (w wr, slots uint64) {
	key := int(g.ch.Uint(uint64(len(g.c.Mkeys) - 1)))
	slots = 1
	if g.c.Mkeys[key].Sig != nil { // an earlier configuration may make it load its signatures again
		slots = perConfigured
	}
	c := call{Flags: g.flags()}
	switch op {
	case MRList:
		c.Op = "mr_list"
		return &mrList{c, key, g.access(), g.sges(maxEntries)}, slots
	case Interleav:
		c.Op = "mr_interleaved"
		return &mrInterleaved{c, key, g.access(), g.repeat(), g.blocks()}, slots
	}
	c.Op = "mkey_configure"
	return g.drawConfigure(c, key), slots
}

// drawOther draws a request that changes no key of the case.
func (g *Generator) drawOther() wr {
	ch := &g.ch
	c := call{Flags: g.flags()}
	switch ch.Uint(2) {
	case 0:
		c.Op = "local_inv"
		return &localInv{c, uint32(ch.Uint(math.MaxUint32))}
	case 1:
		c.Op = "bind_mw"
		return &bindMW{
			c, uint32(ch.Uint(math.MaxUint32)), uint32(ch.Uint(math.MaxUint32)), g.number(64), g.number(32), g.bindAccess(), uint32(ch.Uint(math.MaxUint32)),
		}
	}
	c.Op = "rdma_write"
	return &rdmaWrite{c, uint32(ch.Uint(math.MaxUint32)), g.number(64), g.sges(int(g.c.QP.MaxInline+4) / mlx5model.DSSize)}
}

// flags draws wr_flags, mostly with the one without which no key is configured.
func (g *Generator) flags() libmlx5.SendFlags {
	f := libmlx5.SendFlags(g.ch.Uint(7))
	if g.ch.Uint(63) != 0 {
		f |= libmlx5.Inline
	}
	return f
}

// access draws rights that a key may have, seldom others.
func (g *Generator) access() libmlx5.Access {
	a := libmlx5.Access(g.ch.Uint(15))
	switch g.ch.Uint(63) {
	case 0:
		a |= libmlx5.MWBind << g.ch.Uint(5)
	case 1:
		a |= libmlx5.RelaxedOrdering
	}
	return a
}

func (g *Generator) bindAccess() libmlx5.Access {
	a := libmlx5.Access(g.ch.Uint(15))
	if g.ch.Bool() {
		a |= libmlx5.ZeroBased
	}
	return a
}

// number draws a number of n bits, often on a border.
func (g *Generator) number(n int) uint64 {
	ones := uint64(1)<<(n-1)<<1 - 1
	switch g.ch.Uint(3) {
	case 0:
		return (uint64(1)<<g.ch.Uint(uint64(n-1)) - g.ch.Uint(2)) & ones
	case 1:
		return g.ch.Uint(0xffff)
	}
	return g.ch.Uint(ones)
}
