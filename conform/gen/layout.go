package gen

import (
	"math"
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/sg"
)

// capacities are the lengths that lists fall on and around: of keys, and of
// requests of every size.
var capacities = []int{4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48}

// sges draws a list of at most so many entries, with keys.
func (g *Generator) sges(most int) []sge {
	g.p = sg.Params{PageSize: 4096, Capacities: capacities, MaxEntries: most}
	g.list, _ = sg.Generate(&g.ch, &g.p, g.list[:0])
	l := make([]sge, 0, len(g.list))
	lkey, total := g.number(32), uint64(0)
	huge := g.ch.Uint(15) == 0 // else the sum seldom has 32 bits
	for i, e := range g.list[:min(len(g.list), most)] {
		if g.ch.Uint(3) == 0 {
			lkey = g.number(32)
		}
		n := uint64(e.Len)
		if huge && i < 4 {
			n = g.number(32)
		}
		l = append(l, sge{e.Addr, n, lkey})
		total += n
	}
	g.big = g.big || total > math.MaxInt32
	return l
}

// blocks draws the entries of an interleaved layout. Their 16-bit fields are
// given numbers of 32.
func (g *Generator) blocks() []block {
	n := g.ch.Uint(8)
	switch g.ch.Uint(3) {
	case 0:
		n = uint64(capacities[g.ch.Uint(uint64(len(capacities)-1))]) - g.ch.Uint(2)
	case 1:
		n = g.ch.Uint(maxEntries)
	}
	l := make([]block, n)
	for i := range l {
		l[i] = block{g.number(64), g.count(), g.count(), g.number(32)}
	}
	return l
}

// count draws bytes of a block or between blocks, mostly such as fit.
func (g *Generator) count() uint64 {
	if g.ch.Uint(7) == 0 {
		return g.number(32)
	}
	return g.number(16)
}

func (g *Generator) repeat() uint32 { return uint32(g.number(32)) }

// drawConfigure draws a configuration: mostly rights and a layout, a signature if
// the key has one, in any order; sometimes one too many, or fewer than announced.
func (g *Generator) drawConfigure(c call, key int) wr {
	ch := &g.ch
	w := &configure{call: c, Mkey: key, Setters: []setter{}}
	switch ch.Uint(15) {
	case 0, 1:
		w.ConfFlags = libmlx5.ResetSigAttr
	case 2:
		if ch.Uint(3) == 0 {
			w.ConfFlags = libmlx5.ConfFlags(2 << ch.Uint(4))
		}
	}
	if ch.Uint(7) != 0 {
		w.Setters = append(w.Setters, &setAccess{"access_flags", g.access()})
	}
	if ch.Uint(7) != 0 {
		w.Setters = append(w.Setters, g.layout())
	}
	if g.c.Mkeys[key].Sig != nil && ch.Uint(3) != 0 || ch.Uint(31) == 0 {
		w.Setters = append(w.Setters, g.sigBlock())
	}
	if crypto := g.c.Mkeys[key].Crypto; crypto && ch.Uint(3) != 0 || g.encrypts() && ch.Uint(31) == 0 {
		w.Setters = append(w.Setters, g.crypto())
		if ch.Uint(31) == 0 {
			w.Setters = append(w.Setters, g.crypto())
		}
	}
	if ch.Uint(31) == 0 {
		w.Setters = append(w.Setters, []setter{&setAccess{"access_flags", g.access()}, g.layout(), g.sigBlock()}[ch.Uint(2)])
	}
	for i := len(w.Setters) - 1; i > 0; i-- {
		k := ch.Uint(uint64(i))
		w.Setters[i], w.Setters[k] = w.Setters[k], w.Setters[i]
	}
	w.NumSetters = uint8(len(w.Setters))
	switch ch.Uint(63) {
	case 0:
		w.NumSetters++
	case 1:
		w.NumSetters = uint8(ch.Uint(uint64(w.NumSetters)))
	}
	return w
}

// encrypts says whether a key of the case does.
func (g *Generator) encrypts() bool {
	return slices.ContainsFunc(g.c.Mkeys, func(m mkey) bool { return m.Crypto })
}

func (g *Generator) crypto() setter {
	ch := &g.ch
	s := &setCrypto{
		Set: "crypto", EncryptOnTX: uint8(ch.Uint(1)), Order: libmlx5.CryptoOrder(ch.Uint(1)), DataUnit: g.blockSize(),
		DEK: uint32(g.number(32)), InitialTweak: make(hexBytes, 16), Keytag: make(hexBytes, 8),
	}
	if ch.Uint(63) == 0 {
		s.Order += 2
	}
	if ch.Uint(3) != 0 {
		for i := range s.InitialTweak {
			s.InitialTweak[i] = ch.Byte()
		}
	}
	if ch.Bool() {
		for i := range s.Keytag {
			s.Keytag[i] = ch.Byte()
		}
	}
	return s
}

func (g *Generator) layout() setter {
	if g.ch.Uint(2) == 0 {
		return &setInterleaved{"layout_interleaved", g.repeat(), g.blocks()}
	}
	return &setList{"layout_list", g.sges(maxEntries)}
}

// sigBlock draws signature attributes, mostly such as are allowed.
func (g *Generator) sigBlock() setter {
	ch := &g.ch
	s := &setSigBlock{Set: "sig_block", CheckMask: ch.Byte(), CopyMask: ch.Byte()}
	if ch.Uint(3) == 0 {
		s.Flags = copyMaskFlag
	}
	which := ch.Pick([]int{12, 60, 60, 124})
	if which&1 != 0 {
		s.Mem = g.domain()
	}
	if which&2 != 0 {
		s.Wire = g.domain()
	}
	if which == 3 && ch.Bool() { // alike but for one thing, or altogether
		twin := *s.Mem
		s.Wire = &twin
		if ch.Bool() {
			twin.BlockSize = g.blockSize()
		}
	}
	return s
}

func (g *Generator) blockSize() libmlx5.BlockSize {
	if g.ch.Uint(63) == 0 {
		return libmlx5.BlockSize(g.ch.Between(5, 9))
	}
	return libmlx5.BlockSize(g.ch.Uint(4))
}

func (g *Generator) domain() *domain {
	ch := &g.ch
	d := &domain{BlockSize: g.blockSize()}
	wrong := ch.Uint(63) == 0
	if ch.Bool() {
		d.Type = "crc"
		d.CRCType = new(libmlx5.CRCType(ch.Uint(2)))
		seed := uint64(0)
		if ch.Bool() {
			seed = math.MaxUint32
			if *d.CRCType == libmlx5.CRC64XP10 {
				seed = math.MaxUint64
			}
		}
		if wrong {
			seed = g.number(64)
		}
		d.Seed = &seed
		return d
	}
	d.Type = "t10dif"
	d.BGType = new(libmlx5.T10DIFType(ch.Uint(1)))
	d.BG = new(uint16(-int16(ch.Uint(1)))) // all zeros or all ones
	d.AppTag, d.RefTag = new(uint16(g.number(16))), new(uint32(g.number(32)))
	d.Flags = new(libmlx5.T10DIFFlags(ch.Uint(7)))
	switch {
	case wrong && ch.Bool():
		d.BG = new(uint16(g.number(16)))
	case wrong:
		d.Flags = new(libmlx5.T10DIFFlags(g.number(16)))
	}
	return d
}
