package mlx5model

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The WQEs of this file are recordings of real producers: the Linux 6.1 mlx5
// driver, rdma-core and SPDK. "xx" are bytes that the producer does not write;
// each example runs with them as 00 and as CC.

const exampleRegMR1 = ` // kernel REG_MR, KLM, 1 entry; WQE index 5
00 00 05 25 00 12 34 0c 00 00 00 68 00 ab cd 5a
a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 be 00 ff ff ff 5a 00 00 00 00 01 00 00 00
00 00 00 02 00 00 10 00 00 00 00 00 00 00 02 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
00 00 02 00 00 00 18 00 00 00 00 02 00 00 10 00
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx`

const exampleRegMR5 = ` // kernel REG_MR, KLM, 5 entries by pointer; index 5
00 00 05 25 00 12 34 09 00 00 00 68 00 ab cd 5a
20 00 00 00 00 08 00 00 00 00 00 00 20 9e 21 43
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 be 00 ff ff ff 5a 00 00 00 00 01 00 00 00
00 00 00 02 00 00 10 00 00 00 00 00 00 00 14 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
00 00 00 80 00 00 18 00 00 00 00 03 00 00 08 00
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx`

const exampleRegMTT9 = ` // kernel REG_MR, MTT, 9 pages by pointer; index 5
00 00 05 25 00 12 34 09 00 00 00 68 00 ab cd 5a
20 00 00 00 00 08 00 00 00 00 00 00 20 9e 21 43
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 bd 00 ff ff ff 5a 00 00 00 00 01 00 00 00
00 00 00 02 00 00 00 40 00 00 00 00 00 00 8f b0
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 08 00 00 00 0c 00 00 00 00
00 00 00 80 00 00 18 00 00 00 00 03 00 00 08 00
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx`

const exampleMRList3 = ` // rdma-core mlx5dv_wr_mr_list, 3 SGEs; index 5
00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00
80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 38 00 ff ff ff 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 09 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 02 00 00 18 1a 00 00 00 7f 00 00 00 10 00
00 00 03 00 00 18 1a 01 00 00 7f 00 00 01 10 10
00 00 04 00 00 18 1a 02 00 00 7f 00 00 02 10 20
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`

const exampleInterleaved = ` // rdma-core mlx5dv_wr_mr_interleaved, 2 entries x 3; index 5
00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00
80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 38 00 ff ff ff 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 06 18
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 02 08 00 00 04 00 00 00 00 03 00 00 00 02
02 04 02 00 00 18 1a 00 00 00 7f 00 00 00 10 00
00 08 00 08 00 18 1b 00 00 00 7f 00 00 02 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`

const exampleLocalInv = ` // kernel LOCAL_INV; index 8 here
00 00 08 25 00 12 34 08 00 00 00 08 00 ab cd 5a
80 00 00 00 00 00 00 00 00 00 00 00 20 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`

const exampleLocalInvDV = ` // rdma-core local invalidate; index 8 here
00 00 08 25 00 12 34 08 00 00 00 08 00 ab cd 5a
98 00 00 00 00 00 00 00 00 00 00 00 20 00 60 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
40 xx xx xx ff ff ff 00 xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx`

const exampleBindMW2 = ` // rdma-core bind of a type 2 window; index 0
00 00 00 25 00 12 34 0c 00 00 00 08 00 55 66 00
b0 00 00 00 00 04 00 00 00 00 00 00 20 3c 60 41
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 xx 30 xx 00 12 34 01 xx xx xx xx xx xx xx xx
00 00 7f 00 00 00 10 40 00 00 00 00 00 00 08 00
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
00 00 08 00 00 18 1a 00 00 00 7f 00 00 00 10 40
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`

const exampleSPDK = ` // SPDK UMR, 3 SGEs; index 5
00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 42
80 00 00 00 00 04 00 00 00 00 00 00 20 00 00 01
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 09 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 02 00 00 18 1a 00 00 00 7f 00 00 00 10 00
00 00 03 00 00 18 1a 01 00 00 7f 00 00 01 10 10
00 00 04 00 00 18 1a 02 00 00 7f 00 00 02 10 20
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`

const examplePages9 = ` // kernel UMR queue, 9 pages, ENABLE; index 0
00 00 00 25 00 12 34 09 00 00 00 28 00 ab cd 5a
20 00 00 00 00 08 00 00 00 00 00 00 20 1e 20 c3
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 1c 00 ff ff ff 5a 00 00 00 00 00 00 00 42
00 00 7f 00 00 00 10 40 00 00 00 00 00 00 8f c0
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 0c 00 00 00 00
00 00 00 80 00 00 18 00 00 00 00 01 00 00 00 00
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx
xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx`

// replay puts a recorded WQE at its own index and executes it.
func (r *rig) replay(fill byte, dump string) {
	r.t.Helper()
	for dump[0] != '\n' { // the comment
		dump = dump[1:]
	}
	b := unhex(r.t, fill, dump)
	c := ParseCtrl(b)
	if r.pi > uint32(c.Index) {
		r.t.Fatalf("WQE %d posted at %d", c.Index, r.pi)
	}
	for r.pi < uint32(c.Index) {
		r.ok(r.post(Ctrl{Opcode: OpNop, FmCeSe: CtrlCEAlways}))
	}
	r.sq.Write(r.pi, 0, b)
	r.ok(r.ring(WQEBBs(c.DS)))
}

func eachFill(t *testing.T, test func(*rig, byte)) {
	for _, fill := range []byte{0x00, 0xcc} {
		test(newRig(t, nil), fill)
	}
}

// userMR registers an MTT key for the pages of [addr, addr+pages*4096) mapped
// to the same host addresses.
func (r *rig) userMR(key uint32, addr uint64, pages int) {
	var list []uint64
	for i := range pages {
		list = append(list, addr+uint64(i)<<12|MTTRead|MTTWrite)
	}
	r.mkey(key, MkeyContext{Mode: ModeMTT, Access: AccLR | AccLW, QPN: QPNAny, PD: testPD, Start: addr, Len: uint64(pages) << 12,
		LogPageSize: 12, XltOctowords: uint32(pages+1) / 2}, mtts(list...)...)
}

func TestExampleRegMRInlineAndLocalInv(t *testing.T) {
	for _, inv := range []string{exampleLocalInv, exampleLocalInvDV} {
		eachFill(t, func(r *rig, fill byte) {
			r.mkey(0xabcd00, klmContext(4))
			r.replay(fill, exampleRegMR1)
			r.extents(remote(RemoteWrite, 0xabcd5a, 0x200001000, 0x200), sg.Extent{Addr: 0x200001000, Len: 0x200})
			r.refused(remote(RemoteRead, 0xabcd5a, 0x200001000, 0x201), ReasonBounds)
			r.replay(fill, inv)
			reason := ReasonFree
			if inv == exampleLocalInvDV {
				reason = ReasonTag // it resets the variant to 0 as well
			}
			r.refused(remote(RemoteRead, 0xabcd5a, 0x200001000, 1), reason)
			r.refused(remote(RemoteRead, 0xabcd5a&^0xff, 0x200001000, 1), map[Reason]Reason{ReasonFree: ReasonTag, ReasonTag: ReasonFree}[reason])
		})
	}
}

func TestExampleRegMRPointer(t *testing.T) {
	eachFill(t, func(r *rig, fill byte) {
		r.mkey(0xabcd00, klmContext(8))
		var list []byte
		var want []sg.Extent
		for i := range uint32(5) {
			e := KLM{0x200 + 0x100*i, localKey, 0x200001000 + 0x10010*uint64(i)}
			list = append(list, klms(e)...)
			want = append(want, sg.Extent{Addr: e.VA, Len: uint64(e.ByteCount)})
		}
		r.mem.Write(0x300000800, list)
		r.replay(fill, exampleRegMR5)
		r.extents(remote(RemoteRead, 0xabcd5a, 0x200001000, 0x1400), want...)
	})
}

func TestExampleRegMRPages(t *testing.T) {
	eachFill(t, func(r *rig, fill byte) {
		r.mkey(0xabcd00, MkeyContext{Free: true, Mode: ModeMTT, Access: AccLR, UMREn: true, QPN: QPNAny, PD: testPD, XltOctowords: 12, LogPageSize: 12})
		var pages []uint64
		for i := range uint64(9) {
			pages = append(pages, 0x200000000+4096*i|3)
		}
		r.mem.Write(0x300000800, mtts(pages...))
		r.replay(fill, exampleRegMTT9)
		r.extents(remote(RemoteRead, 0xabcd5a, 0x200001040, 16), sg.Extent{Addr: 0x200001040, Len: 16})
		r.extents(remote(RemoteWrite, 0xabcd5a, 0x200000040, 0x8fb0), sg.Extent{Addr: 0x200000040, Len: 0x8fb0})
		r.refused(remote(RemoteWrite, 0xabcd5a, 0x20000003f, 1), ReasonBounds)
	})
}

func TestExampleMRListAndSPDK(t *testing.T) {
	for _, tt := range []struct {
		dump string
		tag  uint32
	}{{exampleMRList3, 0}, {exampleSPDK, 0x42}} {
		eachFill(t, func(r *rig, fill byte) {
			ctx := klmContext(4)
			ctx.Access |= AccLW | AccRR | AccRW // SPDK relies on rights given at creation
			r.mkey(0xabcd00+tt.tag, ctx)
			// One context per index: the three SGEs name variants of one key, so
			// only the first can be valid and the second must be refused.
			r.userMR(0x181a00, 0x7f0000001000, 64)
			r.replay(fill, tt.dump)
			r.extents(remote(RemoteRead, 0xabcd00+tt.tag, 0, 0x200), sg.Extent{Addr: 0x7f0000001000, Len: 0x200})
			if e := r.refused(remote(RemoteRead, 0xabcd00+tt.tag, 0, 0x201), ReasonTag); e.Entry != 1 || e.Depth != 1 || e.Key != 0x181a01 || e.Done != 0x200 {
				t.Errorf("refusal %+v", e)
			}
			r.refused(remote(RemoteRead, 0xabcd00+tt.tag, 0x900, 1), ReasonBounds)
		})
	}
}

func TestExampleInterleaved(t *testing.T) {
	eachFill(t, func(r *rig, fill byte) {
		r.mkey(0xabcd00, klmContext(4))
		r.userMR(0x181a00, 0x7f0000001000, 1)
		r.userMR(0x181b00, 0x7f0000020000, 1)
		r.replay(fill, exampleInterleaved)
		const a, b = 0x7f0000001000, 0x7f0000020000
		r.extents(remote(RemoteRead, 0xabcd00, 0x210, 1), sg.Extent{Addr: a + 0x204 + 8, Len: 1})
		r.extents(remote(RemoteWrite, 0xabcd00, 0, 0x618), sg.Extent{Addr: a, Len: 0x200}, sg.Extent{Addr: b, Len: 8},
			sg.Extent{Addr: a + 0x204, Len: 0x200}, sg.Extent{Addr: b + 8, Len: 8}, sg.Extent{Addr: a + 0x408, Len: 0x200}, sg.Extent{Addr: b + 16, Len: 8})
		r.refused(remote(RemoteRead, 0xabcd00, 0, 0x619), ReasonBounds)
	})
}

func TestExampleBindWindow(t *testing.T) {
	eachFill(t, func(r *rig, fill byte) {
		ctx := klmContext(4)
		ctx.EnRinval = true
		r.mkey(0x556600, ctx)
		r.userMR(0x181a00, 0x7f0000001000, 1)
		r.replay(fill, exampleBindMW2)
		a := remote(RemoteWrite, 0x556601, 0x7f0000001040, 0x800)
		r.extents(a, sg.Extent{Addr: 0x7f0000001040, Len: 0x800})
		a.QPN++
		r.refused(a, ReasonQPN)
		if err := r.dev.RemoteInvalidate(r.qp, 0x556601); err != nil {
			t.Fatal(err)
		}
		a.QPN--
		r.refused(a, ReasonFree)
	})
}

func TestExamplePageUpdate(t *testing.T) {
	eachFill(t, func(r *rig, fill byte) {
		// The kernel gives a key of 9 pages (9+1)/2 = 5 octowords and sends 8.
		r.mkey(0xabcd5a, MkeyContext{Free: true, Mode: ModeMTT, UMREn: true, QPN: QPNAny, PD: 1, XltOctowords: 5})
		var pages []uint64
		for i := range uint64(9) {
			pages = append(pages, 0x5000000+8192*i|3)
		}
		r.mem.Write(0x100000000, append(mtts(pages...), make([]byte, 56)...))
		r.replay(fill, examplePages9)
		r.extents(remote(RemoteRead, 0xabcd5a, 0x7f0000001ffe, 4), sg.Extent{Addr: 0x5000ffe, Len: 2}, sg.Extent{Addr: 0x5002000, Len: 2})
		r.refused(remote(RemoteWrite, 0xabcd5a, 0x7f0000001ffe, 4), ReasonRights)
	})
}
