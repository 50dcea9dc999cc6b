package fuzz

import (
	"hash/maphash"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// provedKeys remembers keys whose sub-ranges were walked, so that a key in the
// same state need not be: many lists share regions, and strategies share many
// more. The state is the context but for the tag, the address that the peer
// uses, and the entries of the translation list that serve the region. The
// device's answer to an access inside of the region depends on nothing else,
// as the local key below never changes.
//
// The whole region is translated all the same, and compared with the list. So a
// state that was proved is known to stand for the addresses at hand: the two
// translations of the whole are equal, and each was equal to its list.
type provedKeys struct {
	slots [provedSlots]provedKey
	now   provedKey // the key that was asked for last
	slot  *provedKey
}

// provedSlots is how many keys are remembered: enough for the regions that a
// few million neighbouring lists have in common.
const provedSlots = 1 << 12

type provedKey struct {
	addr uint64 // of the tuple
	ctx  mlx5model.MkeyContext
	xlt  []byte // entries that serve the region
}

var provedSeed = maphash.MakeSeed()

// known reports whether the key behind a tuple is in a state that was proved.
func (p *provedKeys) known(d *mlx5model.Device, t *reg.Tuple) bool {
	p.now.addr = t.Addr
	p.now.ctx, _ = d.QueryMkey(t.Rkey)
	p.now.ctx.Tag = 0
	p.now.xlt = append(p.now.xlt[:0], usedEntries(&p.now.ctx, d.QueryXlt(t.Rkey))...)
	hash := maphash.Bytes(provedSeed, p.now.xlt) ^ p.now.ctx.Len*0x9e3779b97f4a7c15
	p.slot = &p.slots[hash%provedSlots]
	s := p.slot
	return s.addr == p.now.addr && s.ctx == p.now.ctx && string(s.xlt) == string(p.now.xlt)
}

// add remembers the key that was asked for last.
func (p *provedKeys) add() {
	p.slot.addr, p.slot.ctx = p.now.addr, p.now.ctx
	p.slot.xlt = append(p.slot.xlt[:0], p.now.xlt...)
}

// usedEntries are the entries of a list that the region's bytes lie in: those
// of its pages, or KLMs until their byte counts reach the length. It is the
// whole list for other modes, and if the list is too short.
func usedEntries(ctx *mlx5model.MkeyContext, xlt []byte) []byte {
	switch ctx.Mode {
	case mlx5model.ModeMTT:
		page := uint64(1) << ctx.LogPageSize
		n := (ctx.Start&(page-1) + ctx.Len + page - 1) / page * mlx5model.MTTSize
		return xlt[:min(n, uint64(len(xlt)))]
	case mlx5model.ModeKLM:
		var sum uint64
		for n := 0; n+mlx5model.KLMSize <= len(xlt); n += mlx5model.KLMSize {
			if sum >= ctx.Len {
				return xlt[:n]
			}
			klm := mlx5model.ParseKLM(xlt[n:])
			sum += uint64(klm.ByteCount)
		}
	}
	return xlt
}
