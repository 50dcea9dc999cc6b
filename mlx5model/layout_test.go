package mlx5model

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestLayoutTable(t *testing.T) {
	for _, seg := range Segments() {
		size := SegmentSize(seg)
		covered := make([]string, size*8)
		names := map[string]bool{}
		last := uint32(0)
		for _, f := range Fields(seg) {
			if f.Segment != seg || f.Name == "" || names[f.Name] {
				t.Errorf("%s: field %+v is misnamed or named twice", seg, f)
			}
			names[f.Name] = true
			if !strings.ContainsAny(f.Authority, ".") || !strings.Contains(f.Authority, " ") {
				t.Errorf("%s.%s: authority %q names no header and symbol", seg, f.Name, f.Authority)
			}
			if f.Width < 1 || f.Width > 64 || int(f.Bit)+int(f.Width) > size*8 {
				t.Errorf("%s.%s: bits %d+%d of %d", seg, f.Name, f.Bit, f.Width, size*8)
				continue
			}
			if f.Bit < last {
				t.Errorf("%s.%s: out of order", seg, f.Name)
			}
			last = f.Bit
			for b := f.Bit; b < f.Bit+uint32(f.Width); b++ {
				if covered[b] != "" {
					t.Errorf("%s.%s overlaps %s at bit %d", seg, f.Name, covered[b], b)
				}
				covered[b] = f.Name
			}
		}
		for b, name := range covered {
			if reserved := ReservedMask(seg)[b/8]>>(7-b%8)&1 == 1; reserved != (name == "") {
				t.Errorf("%s bit %d: field %q, reserved %v", seg, b, name, reserved)
			}
		}
	}
	if Fields("nothing") != nil || SegmentSize("nothing") != 0 || ReservedMask("nothing") != nil {
		t.Error("an unknown segment has a layout")
	}
}

func TestFieldGetPut(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := 0; i < 20_000; i++ {
		f := Field{Bit: r.Uint32N(70), Width: uint8(1 + r.IntN(64))}
		b := make([]byte, 24)
		for j := range b {
			b[j] = uint8(r.Uint32())
		}
		before := bytes.Clone(b)
		v := r.Uint64()
		f.Put(b, v)
		// Bit by bit, as the definition reads.
		for bit := uint32(0); bit < 24*8; bit++ {
			got := b[bit/8] >> (7 - bit%8) & 1
			want := before[bit/8] >> (7 - bit%8) & 1
			if bit >= f.Bit && bit < f.Bit+uint32(f.Width) {
				want = uint8(v >> (f.Bit + uint32(f.Width) - 1 - bit) & 1)
			}
			if got != want {
				t.Fatalf("Put %#x at %d+%d: bit %d is %d", v, f.Bit, f.Width, bit, got)
			}
		}
		if want := v << (64 - f.Width) >> (64 - f.Width); f.Get(b) != want {
			t.Fatalf("Get at %d+%d: %#x, want %#x", f.Bit, f.Width, f.Get(b), want)
		}
	}
}

// distinct is a value that no other field of a segment has in its low bits.
func distinct(i int) uint64 { return 0xa5a5_5a5a_c3c3_3c00 + uint64(i)*0x0101_0101_0101_0107 }

// tableBytes encodes a segment by the table: a distinct value in every field.
func tableBytes(seg string, round int) []byte {
	b := make([]byte, SegmentSize(seg))
	for i, f := range Fields(seg) {
		f.Put(b, distinct(i+100*round))
	}
	return b
}

func get(t *testing.T, b []byte, seg, name string) uint64 {
	t.Helper()
	f, ok := FindField(seg, name)
	if !ok {
		t.Fatalf("no field %s.%s", seg, name)
	}
	return f.Get(b)
}

// mkeyByTable reads a context field by field from the table.
func mkeyByTable(t *testing.T, b []byte) MkeyContext {
	t.Helper()
	v := func(name string) uint64 { return get(t, b, SegMkc, name) }
	return MkeyContext{
		Free: v("free") == 1, Mode: AccessMode(v("access_mode_4_2")<<2 | v("access_mode_1_0")),
		Access: uint8(v("a")<<6 | v("rw")<<5 | v("rr")<<4 | v("lw")<<3 | v("lr")<<2),
		UMREn:  v("umr_en") == 1, SmallFence: v("small_fence_on_rdma_read_response") == 1,
		ROWrite: v("relaxed_ordering_write") == 1, RORead: v("relaxed_ordering_read") == 1,
		MATranslation: uint8(v("ma_translation_mode")), QPN: uint32(v("qpn")), Tag: uint8(v("mkey_7_0")),
		Length64: v("length64") == 1, BSFEn: v("bsf_en") == 1, SyncUMR: v("sync_umr") == 1,
		SigErr: v("expected_sigerr_count") == 1, EnRinval: v("en_rinval") == 1, PD: uint32(v("pd")),
		Start: v("start_addr"), Len: v("len"), BSFOctowords: uint32(v("bsf_octword_size")),
		XltOctowords: uint32(v("translations_octword_size")), LogPageSize: uint8(v("log_page_size")), CryptoEn: uint8(v("crypto_en")),
	}
}

func ctrlByTable(t *testing.T, b []byte) Ctrl {
	t.Helper()
	v := func(name string) uint64 { return get(t, b, SegCtrl, name) }
	return Ctrl{Opmod: uint8(v("opmod")), Index: uint16(v("wqe_index")), Opcode: Opcode(v("opcode")), QPN: uint32(v("qpn")), DS: uint8(v("ds")),
		Signature: uint8(v("signature")), FmCeSe: uint8(v("fm")<<5 | v("ce")<<2 | v("se")<<1), Imm: uint32(v("imm"))}
}

func umrByTable(t *testing.T, b []byte) UMRCtrl {
	t.Helper()
	v := func(name string) uint64 { return get(t, b, SegUMRCtrl, name) }
	u := UMRCtrl{Flags: uint8(v("inline")<<7 | v("check_free")<<6 | v("check_not_free")<<5 | v("translation_offset_en")<<4 | v("check_qpn")<<3),
		XltOctowords: uint16(v("xlt_octowords")), Mask: v("mkey_mask")}
	if low := v("xlt_offset_15_0/bsf_octowords"); v("translation_offset_en") == 1 {
		u.XltOffset = v("xlt_offset_47_16")<<16 | low
	} else {
		u.BSFOctowords = uint16(low)
	}
	return u
}

// segmentCodec is how mkey.go and wqe.go encode a segment.
type segmentCodec struct {
	seg     string
	parse   func(b []byte) any
	byTable func(t *testing.T, b []byte) any
	put     func(v any, b []byte)
}

var segmentCodecs = []segmentCodec{
	{SegCtrl, func(b []byte) any { return ParseCtrl(b) }, func(t *testing.T, b []byte) any { return ctrlByTable(t, b) },
		func(v any, b []byte) { c := v.(Ctrl); c.Put(b) }},
	{SegUMRCtrl, func(b []byte) any { return ParseUMRCtrl(b) }, func(t *testing.T, b []byte) any { return umrByTable(t, b) },
		func(v any, b []byte) { c := v.(UMRCtrl); c.Put(b) }},
	{SegMkc, func(b []byte) any { return ParseMkeyContext(b) }, func(t *testing.T, b []byte) any { return mkeyByTable(t, b) },
		func(v any, b []byte) { c := v.(MkeyContext); c.Put(b) }},
	{SegData, func(b []byte) any { return ParseDataSeg(b) }, func(t *testing.T, b []byte) any {
		return DataSeg{uint32(get(t, b, SegData, "byte_count")), uint32(get(t, b, SegData, "lkey")), get(t, b, SegData, "addr")}
	}, func(v any, b []byte) { c := v.(DataSeg); c.Put(b) }},
	{SegKLM, func(b []byte) any { return ParseKLM(b) }, func(t *testing.T, b []byte) any {
		return KLM{uint32(get(t, b, SegKLM, "byte_count")), uint32(get(t, b, SegKLM, "key")), get(t, b, SegKLM, "va")}
	}, func(v any, b []byte) { c := v.(KLM); c.Put(b) }},
}

func TestSegmentsAgreeWithLayout(t *testing.T) {
	for _, c := range segmentCodecs {
		for round := range 40 {
			b := tableBytes(c.seg, round)
			if c.seg == SegUMRCtrl && b[0]&UMROffsetEn == 0 {
				clear(b[0x10:0x14]) // not part of the value without the flag
			}
			got, want := c.parse(b), c.byTable(t, b)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: parsed\n%+v, the table has\n%+v", c.seg, got, want)
			}
			back := bytes.Repeat([]byte{0xee}, len(b))
			c.put(got, back)
			if !bytes.Equal(back, b) {
				t.Errorf("%s: put\n% x, the table has\n% x", c.seg, back, b)
			}
		}
		if c.seg == SegCtrl || c.seg == SegUMRCtrl {
			continue // FmCeSe and Flags are whole bytes, reserved bits included
		}
		// Reserved bits do not reach the value.
		b := tableBytes(c.seg, 1)
		noisy := bytes.Clone(b)
		for i, m := range ReservedMask(c.seg) {
			noisy[i] |= m
		}
		if !reflect.DeepEqual(c.parse(b), c.parse(noisy)) {
			t.Errorf("%s: reserved bits change the value", c.seg)
		}
	}
}

func TestRepeatHeaderAgreesWithLayout(t *testing.T) {
	for round := range 10 {
		b := tableBytes(SegRepeat, round)
		v := func(name string) uint64 { return get(t, b, SegRepeat, name) }
		want := blockHeader{uint32(v("bytes_per_cycle")), uint32(v("op")), uint32(v("repeat_count")), uint16(v("num_entries"))}
		if got := parseBlockHeader(b); got != want {
			t.Errorf("header %+v, the table has %+v", got, want)
		}
	}
}

func TestRaddrAgreesWithLayout(t *testing.T) {
	raw := make([]byte, CtrlSize+RaddrSize)
	c := Ctrl{Opcode: OpRDMARead, DS: 2}
	c.Put(raw)
	copy(raw[CtrlSize:], tableBytes(SegRaddr, 3))
	var w WQE
	if err := Decode(raw, &w); err != nil {
		t.Fatal(err)
	}
	if seg := raw[CtrlSize:]; w.RAddr != get(t, seg, SegRaddr, "raddr") || w.RKey != uint32(get(t, seg, SegRaddr, "rkey")) {
		t.Errorf("remote address %#x key %#x from % x", w.RAddr, w.RKey, seg)
	}
}

func TestFieldAt(t *testing.T) {
	list := make([]byte, 64)
	repeat := make([]byte, 64)
	repeat[6], repeat[15] = 4, 1
	umr := func(flags, mode uint8, list []byte) *WQE {
		return &WQE{Ctrl: Ctrl{Opcode: OpUMR, DS: 16}, UMR: UMRCtrl{Flags: flags}, Mkey: MkeyContext{Mode: AccessMode(mode)}, List: list, BSF: make([]byte, 64), HasPointer: flags == 0}
	}
	for _, tt := range []struct {
		w    *WQE
		off  int
		want string
	}{
		{umr(UMRInline, 2, list), 0x00, "ctrl.opmod"},
		{umr(UMRInline, 2, list), 0x07, "ctrl.ds"},
		{umr(UMRInline, 2, list), 0x09, "ctrl.reserved"},
		{umr(UMRInline, 2, list), 0x0b, "ctrl.fm,ce,se"},
		{umr(UMRInline, 2, list), 0x10, "umr_ctrl.inline,check_free,check_not_free,translation_offset_en,check_qpn"},
		{umr(UMRInline, 2, list), 0x1f, "umr_ctrl.mkey_mask"},
		{umr(UMRInline, 2, list), 0x42, "mkc.umr_en,a,rw,rr,lw,lr,access_mode_1_0"},
		{umr(UMRInline, 2, list), 0x5f, "mkc.len"},
		{umr(UMRInline, 2, list), 0x98, "klm[1].va"},
		{umr(UMRInline, 1, list), 0x98, "mtt[3].address_63_2"},
		{umr(UMRInline, 3, list), 0x94, "ksm[1].key"},
		{umr(UMRInline, 2, repeat), 0x88, "repeat.repeat_count"},
		{umr(UMRInline, 2, repeat), 0x92, "repeat_entry[0].byte_count"},
		{umr(UMRInline, 2, list), 0xc1, "bsf.check_byte_mask"},
		{umr(0, 2, nil), 0x88, "data_seg.addr"},
		{umr(0, 2, nil), 0xd0, "padding"},
		{umr(UMRInline, 2, list), 0x100, "behind the WQE"},
		{umr(UMRInline, 2, list), -1, "behind the WQE"},
		{&WQE{Ctrl: Ctrl{Opcode: OpRDMAWrite, DS: 4}}, 0x18, "raddr.rkey"},
		{&WQE{Ctrl: Ctrl{Opcode: OpRDMAWrite, DS: 4}}, 0x34, "data_seg[1].lkey"},
		{&WQE{Ctrl: Ctrl{Opcode: OpSend, DS: 4}}, 0x24, "data_seg[1].lkey"},
		{&WQE{Ctrl: Ctrl{Opcode: OpSetPSV, DS: 2}}, 0x18, "psv.transient_signature"},
	} {
		if got := FieldAt(tt.w, tt.off); got != tt.want {
			t.Errorf("%v mode %v, offset %#x: %s, want %s", tt.w.Opcode, tt.w.Mkey.Mode, tt.off, got, tt.want)
		}
	}
}
