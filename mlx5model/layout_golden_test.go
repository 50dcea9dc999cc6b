package mlx5model_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

// goldenBytes reads rows of hex; xx becomes fill, and is false in written.
func goldenBytes(text string, fill byte) (raw []byte, written []bool) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		_, row, _ := strings.Cut(line, ": ")
		for _, word := range strings.Fields(row) {
			if word == "xx" {
				raw, written = append(raw, fill), append(written, false)
				continue
			}
			b, err := strconv.ParseUint(word, 16, 8)
			if err != nil {
				panic(err)
			}
			raw, written = append(raw, byte(b)), append(written, true)
		}
	}
	return raw, written
}

func putKLMs(size int, klms ...mlx5model.KLM) []byte {
	b := make([]byte, size)
	for i, k := range klms {
		k.Put(b[i*mlx5model.KLMSize:])
	}
	return b
}

// userKLMs are the lists of the user-space examples.
func userKLMs(n int) []mlx5model.KLM {
	var l []mlx5model.KLM
	for i := range n {
		l = append(l, mlx5model.KLM{ByteCount: uint32(0x200 + 0x100*i), Key: uint32(0x181a00 + i), VA: 0x7f0000001000 + uint64(0x10010*i)})
	}
	return l
}

const (
	lwrrrw  = mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW
	regMask = 0x209e2143
)

// regContext is the context of a Linux registration in the examples.
func regContext(mode mlx5model.AccessMode, start, length uint64, logPage uint8) mlx5model.MkeyContext {
	return mlx5model.MkeyContext{Mode: mode, UMREn: true, Access: mlx5model.AccLR | lwrrrw, QPN: mlx5model.QPNAny, Tag: 0x5a, EnRinval: true,
		Start: start, Len: length, XltOctowords: 8, LogPageSize: logPage}
}

func ctrl(op mlx5model.Opcode, index uint16, ds, fmCeSe uint8, imm uint32) mlx5model.Ctrl {
	return mlx5model.Ctrl{Opcode: op, Index: index, QPN: 0x1234, DS: ds, FmCeSe: fmCeSe, Imm: imm}
}

func psv(index uint32, transient uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, index)
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 0), transient)
}

type golden struct {
	name, text string
	rules      *mlx5model.Rules
	mode       mlx5model.AccessMode // of the key, where the WQE does not say
	list       []byte               // of a list by pointer
	want       mlx5model.WQE        // with stale bytes 0
}

var goldens = []golden{
	{name: "RegKLM1", text: goldenRegKLM1, rules: &linux.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 12, 0x68, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMRCheckNotFree, XltOctowords: 4, Mask: regMask},
		Mkey: regContext(mlx5model.ModeKLM, 0x200001000, 0x200, 0),
		List: putKLMs(64, mlx5model.KLM{ByteCount: 0x200, Key: 0x1800, VA: 0x200001000}),
	}},
	{name: "RegKLM5", text: goldenRegKLM5, rules: &linux.Rules, list: linuxKLMs(5), want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 9, 0x68, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRCheckNotFree, XltOctowords: 8, Mask: regMask},
		Mkey: regContext(mlx5model.ModeKLM, 0x200001000, 0x1400, 0), HasPointer: true,
		Pointer: mlx5model.DataSeg{ByteCount: 0x80, Lkey: 0x1800, Addr: 0x300000800},
	}},
	{name: "List5", text: goldenList5, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 16, 0x08, 0xabcd00),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 8, Mask: 0x203c2001},
		Mkey: mlx5model.MkeyContext{Access: lwrrrw, QPN: mlx5model.QPNAny, Len: 0x1400},
		List: putKLMs(128, userKLMs(5)...),
	}},
	{name: "RegMTT9", text: goldenRegMTT9, rules: &linux.Rules, list: linuxMTTs(9), want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 9, 0x68, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRCheckNotFree, XltOctowords: 8, Mask: regMask},
		Mkey: regContext(mlx5model.ModeMTT, 0x200000040, 0x8fb0, 12), HasPointer: true,
		Pointer: mlx5model.DataSeg{ByteCount: 0x80, Lkey: 0x1800, Addr: 0x300000800},
	}},
	{name: "List3", text: goldenList3, rules: &libmlx5.RulesV44, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 12, 0x08, 0xabcd00),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 4, Mask: 0x203c2001},
		Mkey: mlx5model.MkeyContext{Access: lwrrrw, QPN: mlx5model.QPNAny, Len: 0x900},
		List: putKLMs(64, userKLMs(3)...),
	}},
	{name: "Interleaved", text: goldenInterleaved, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 12, 0x08, 0xabcd00),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 4, Mask: 0x203c2001},
		Mkey: mlx5model.MkeyContext{Access: lwrrrw, QPN: mlx5model.QPNAny, Len: 0x618},
		// The header and entries in the shape of KLMs: cycle 208h, 3 cycles
		// of 2 entries; stride 204h with 200h bytes, stride 8 with 8.
		List: putKLMs(64, mlx5model.KLM{ByteCount: 0x208, Key: mlx5model.RepeatOp, VA: 3<<32 | 2},
			mlx5model.KLM{ByteCount: 0x0204_0200, Key: 0x181a00, VA: 0x7f0000001000}, mlx5model.KLM{ByteCount: 0x0008_0008, Key: 0x181b00, VA: 0x7f0000020000}),
	}},
	{name: "LinuxInv", text: goldenLinuxInv, rules: &linux.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 8, 0x08, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, Mask: mlx5model.MaskFree},
		Mkey: mlx5model.MkeyContext{Free: true}, List: []byte{},
	}},
	{name: "LibInv", text: goldenLibInv, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 8, 0x08, 0xabcd5a),
		UMR: mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMROffsetEn | mlx5model.UMRCheckQPN,
			Mask: mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskQPN},
		Mkey: mlx5model.MkeyContext{Free: true, QPN: mlx5model.QPNAny}, List: []byte{},
	}},
	{name: "SigUMR", text: goldenSigUMR, rules: &linux.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 16, 0x68, 0x555500),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMRCheckNotFree, XltOctowords: 4, BSFOctowords: 4, Mask: 0x209e3343},
		Mkey: mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, UMREn: true, Access: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR, QPN: mlx5model.QPNAny,
			BSFEn: true, SigErr: true, EnRinval: true, PD: 0x42, Len: 0x1040, BSFOctowords: 4, XltOctowords: 4},
		List: putKLMs(64, mlx5model.KLM{ByteCount: 0x208, Key: mlx5model.RepeatOp, VA: 8<<32 | 2},
			mlx5model.KLM{ByteCount: 0x0200_0200, Key: 0x1800, VA: 0x200001000}, mlx5model.KLM{ByteCount: 0x0008_0008, Key: 0x1800, VA: 0x200009000}),
		// Basic: same block structure, masks ff, block 512, both PSVs; then
		// wire and memory alike: refresh, tags, repeat, increment and escape.
		BSF: hexBytes("90ffff01 00001000 00070002 00070001 00000000000000000000000000000000" +
			"c000abcd 01234567 01800000 0041ffff c000abcd 01234567 01800000 0041ffff"),
	}},
	{name: "SigPSVMem", text: goldenSigPSVMem, rules: &linux.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpSetPSV, 4, 2, 0x22, 0), Data: psv(0x70001, 0xffffabcd01234567)}},
	{name: "SigPSVWire", text: goldenSigPSVWire, rules: &linux.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpSetPSV, 5, 2, 0x22, 0), Data: psv(0x70002, 0xffffabcd01234567)}},
	{name: "T10UMR", text: goldenT10UMR, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 16, 0, 0xabcd00),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 4, BSFOctowords: 4, Mask: 0x203c3201},
		Mkey: mlx5model.MkeyContext{Access: mlx5model.AccLW, QPN: mlx5model.QPNAny, BSFEn: true, SigErr: true, Len: 0x200},
		List: putKLMs(64, userKLMs(1)...),
		BSF: hexBytes("80ff0100 ffffffff 00070002 00000000 00000000000000000000000000000000" +
			"c000abcd 01234567 01880000 0040ffff 00000000 00000000 00000000 00000000"),
	}},
	{name: "T10PSV", text: goldenT10PSV, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpSetPSV, 4, 2, 0x28, 0), Data: psv(0x70002, 0xffffabcd01234567)}},
	{name: "Bind2", text: goldenBind2, rules: &libmlx5.RulesHead, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 12, 0x08, 0x556600),
		UMR: mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMRCheckNotFree | mlx5model.UMROffsetEn, XltOctowords: 4,
			Mask: 0x203c6041},
		Mkey: mlx5model.MkeyContext{Access: mlx5model.AccRR | mlx5model.AccRW, QPN: 0x1234, Tag: 1, Start: 0x7f0000001040, Len: 0x800},
		List: putKLMs(64, mlx5model.KLM{ByteCount: 0x800, Key: 0x181a00, VA: 0x7f0000001040}),
	}},
	{name: "SPDK3", text: goldenSPDK3, rules: &spdk.Rules, want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 12, 0x08, 0xabcd42),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 4, Mask: mlx5model.MaskFree | mlx5model.MaskLen},
		Mkey: mlx5model.MkeyContext{Len: 0x900},
		List: putKLMs(64, userKLMs(3)...),
	}},
	{name: "Update9", text: goldenUpdate9, rules: &linux.Rules, mode: mlx5model.ModeMTT, list: linuxMTTs(9), want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 0, 9, 0x28, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRCheckNotFree, XltOctowords: 8, Mask: 0x201e20c3},
		Mkey: mlx5model.MkeyContext{Access: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR, QPN: mlx5model.QPNAny, Tag: 0x5a, PD: 0x42,
			Start: 0x7f0000001040, Len: 0x8fc0, LogPageSize: 12}, HasPointer: true,
		Pointer: mlx5model.DataSeg{ByteCount: 0x80, Lkey: 0x1800, Addr: 0x100000000},
	}},
	{name: "Indirect", text: goldenIndirect, rules: &ofed.Rules, list: putKLMs(64, userKLMs(3)...), want: mlx5model.WQE{
		Ctrl: ctrl(mlx5model.OpUMR, 5, 9, 0x08, 0xabcd5a),
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRCheckNotFree, XltOctowords: 4, Mask: 0x203e2143},
		Mkey: mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, UMREn: true, Access: mlx5model.AccLR | lwrrrw, QPN: mlx5model.QPNAny, Tag: 0x5a,
			EnRinval: true, PD: 0x42, Start: 0x10000, Len: 0x900, XltOctowords: 4}, HasPointer: true,
		Pointer: mlx5model.DataSeg{ByteCount: 0x40, Lkey: 0x1800, Addr: 0x300000800},
	}},
}

func linuxKLMs(n int) []byte {
	var l []mlx5model.KLM
	for i := range n {
		l = append(l, mlx5model.KLM{ByteCount: uint32(0x200 + 0x100*i), Key: 0x1800, VA: 0x200001000 + uint64(0x10010*i)})
	}
	return putKLMs(int(mlx5model.ListOctowords(uint64(n)*16))*16, l...)
}

func linuxMTTs(n int) []byte {
	b := make([]byte, mlx5model.ListOctowords(uint64(n)*8)*16)
	for i := range n {
		binary.BigEndian.PutUint64(b[i*8:], 0x200000000+uint64(i)<<12|3)
	}
	return b
}

func hexBytes(s string) []byte {
	raw, _ := goldenBytes("0: "+strings.Join(pairs(strings.ReplaceAll(s, " ", "")), " "), 0)
	return raw
}

func pairs(s string) (out []string) {
	for i := 0; i+2 <= len(s); i += 2 {
		out = append(out, s[i:i+2])
	}
	return out
}

func TestGoldenDecode(t *testing.T) {
	for _, g := range goldens {
		raw, _ := goldenBytes(g.text, 0)
		var w mlx5model.WQE
		if err := mlx5model.Decode(raw, &w); err != nil {
			t.Errorf("%s: %v", g.name, err)
			continue
		}
		if len(w.BSF) == 0 {
			w.BSF = nil
		}
		if !reflect.DeepEqual(w, g.want) {
			t.Errorf("%s: decoded\n%+v, want\n%+v", g.name, w, g.want)
		}
	}
}

func TestGoldenEncode(t *testing.T) {
	for _, g := range goldens {
		raw, written := goldenBytes(g.text, 0xcc)
		got := g.want.AppendTo([]byte("head"))
		if !bytes.HasPrefix(got, []byte("head")) || len(got)-4 != int(g.want.DS)*16 {
			t.Errorf("%s: %d bytes appended for DS %d", g.name, len(got)-4, g.want.DS)
			continue
		}
		for i, b := range got[4:] {
			if written[i] && b != raw[i] {
				t.Errorf("%s: byte %03x %s is %02x, want %02x", g.name, i, mlx5model.FieldAt(&g.want, i), b, raw[i])
			}
			if !written[i] && b != 0 {
				t.Errorf("%s: byte %03x is %02x, nobody writes it", g.name, i, b)
			}
		}
	}
}

// Stale bytes do not matter to the decoder of the dialect, and the canonical
// encoding keeps what was written.
func TestGoldenStaleBytes(t *testing.T) {
	for _, g := range goldens {
		for _, fill := range []byte{0x00, 0xcc, 0x5a, 0xff} {
			raw, written := goldenBytes(g.text, fill)
			ctx := mlx5model.CheckContext{Rules: g.rules, Mode: g.mode, List: g.list, RingWQEBBs: 16, HavePosition: true, QPN: 0x1234, Index: g.want.Index, MinLogPage: 12, MaxKLMBytes: 1 << 31}
			for _, f := range mlx5model.Check(nil, raw, &ctx) {
				t.Errorf("%s, stale bytes %#02x: %v", g.name, fill, f)
			}
			var w mlx5model.WQE
			if err := mlx5model.DecodeStrict(raw, g.rules, &w); err != nil {
				t.Errorf("%s, stale bytes %#02x: %v", g.name, fill, err)
				continue
			}
			for i, b := range w.AppendTo(nil) {
				if written[i] && b != raw[i] {
					t.Errorf("%s, stale bytes %#02x: byte %03x re-encoded as %02x, want %02x", g.name, fill, i, b, raw[i])
				}
			}
		}
	}
}
