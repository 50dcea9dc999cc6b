package oracle

import (
	"encoding/binary"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestSmallPagesFire makes a user memory key again with pages smaller than need
// be. All bytes are right, only the pages are too many.
func TestSmallPagesFire(t *testing.T) {
	const start, size, small = 0x40000000, 2 << 20, 4096
	g := newRig(t, sg.List{{Addr: start, Len: size}})
	g.req.PageSize, g.req.PageSizes = small, small|size
	g.register(reg.UMem{})
	g.judge()
	g.expect()

	g = newRig(t, sg.List{{Addr: start, Len: size}})
	g.req.PageSize, g.req.PageSizes = small, small|size
	g.register(reg.UMem{})
	ctx, _ := g.env.Dev.QueryMkey(g.r.Keys[0])
	must(g, g.env.Dev.DestroyMkey(g.r.Keys[0]))
	var mtts []byte
	for page := uint64(start); page < start+size; page += small {
		mtts = binary.BigEndian.AppendUint64(mtts, page|mlx5model.MTTRead|mlx5model.MTTWrite)
	}
	ctx.LogPageSize, ctx.XltOctowords = 12, uint32(len(mtts)/mlx5model.OctowordSize)
	_, err := g.env.Dev.CreateMkey(mlx5model.KeyIndex(g.r.Keys[0]), ctx, mtts)
	must(g, err)
	g.r.Cost.Descriptors = size / small
	g.judge()
	g.expect(CostClaims)
}

// TestTupleFires tells the peer of a range that passes the top of the address
// space.
func TestTupleFires(t *testing.T) {
	g := newRig(t, odd).register(reg.Indirect{})
	g.r.Tuples[0].Addr = -(g.r.Tuples[0].Len / 2)
	g.judge()
	if g.v.Failed[LimitsKept] == 0 {
		t.Error("a tuple that runs past 2^64 is accepted")
	}
}

// TestStartFires registers another part than was asked for.
func TestStartFires(t *testing.T) {
	g := newRig(t, odd).register(reg.Indirect{})
	g.req.Offset = 1
	g.judge()
	g.expect(Conservation)
}
