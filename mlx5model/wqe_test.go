package mlx5model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// umrBytes is a UMR with the given flags and counts in ds units.
func umrBytes(flags uint8, xlt, bsf uint16, ds uint8) []byte {
	raw := make([]byte, int(ds)*DSSize)
	c := Ctrl{Opcode: OpUMR, DS: ds}
	c.Put(raw)
	raw[0x10] = flags
	binary.BigEndian.PutUint16(raw[0x14:], xlt)
	binary.BigEndian.PutUint16(raw[0x16:], bsf)
	return raw
}

func TestDecodeLengths(t *testing.T) {
	ctrl := func(op Opcode, ds uint8, size int) []byte {
		raw := make([]byte, size)
		c := Ctrl{Opcode: op, DS: ds}
		c.Put(raw)
		return raw
	}
	for _, tt := range []struct {
		name string
		raw  []byte
		err  error
	}{
		{"nothing", nil, ErrTruncated},
		{"15 bytes", make([]byte, 15), ErrTruncated},
		{"DS 0", ctrl(OpNop, 0, 64), ErrDS},
		{"DS 1", ctrl(OpNop, 1, 16), nil},
		{"DS beyond the bytes", ctrl(OpSend, 5, 64), ErrTruncated},
		{"bytes beyond DS", ctrl(OpSend, 2, 64), nil},
		{"RDMA without address", ctrl(OpRDMAWrite, 1, 64), ErrDS},
		{"RDMA of 0 bytes", ctrl(OpRDMARead, 2, 64), nil},
		{"UMR cut short", ctrl(OpUMR, 7, 128), ErrDS},
		{"UMR without list", umrBytes(UMRInline, 0, 0, 8), nil},
		{"pointer form without list", umrBytes(0, 0, 0, 8), nil},
		{"pointer missing", umrBytes(0, 4, 0, 8), ErrDS},
		{"pointer", umrBytes(0, 0xffff, 0, 9), nil},
		{"list fits", umrBytes(UMRInline, 4, 0, 12), nil},
		{"list does not fit", umrBytes(UMRInline, 5, 0, 12), ErrDS},
		{"list and BSF fit", umrBytes(UMRInline, 4, 4, 16), nil},
		{"BSF does not fit", umrBytes(UMRInline, 4, 5, 16), ErrDS},
		{"an offset is no BSF", umrBytes(UMRInline|UMROffsetEn, 4, 0xffff, 12), nil},
		{"longest list", umrBytes(UMRInline, 55, 0, 63), nil},
		{"65535 octowords inline", umrBytes(UMRInline, 0xffff, 0xffff, 63), ErrDS},
	} {
		var w WQE
		if err := Decode(tt.raw, &w); !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
}

// The slices of a decoded WQE point into the bytes, and only to its own.
func TestDecodeAliases(t *testing.T) {
	raw := append(umrBytes(UMRInline, 4, 4, 17), 0xee)
	var w WQE
	if err := Decode(raw, &w); err != nil {
		t.Fatal(err)
	}
	if &w.List[0] != &raw[0x80] || len(w.List) != 64 || &w.BSF[0] != &raw[0xc0] || len(w.BSF) != 64 {
		t.Errorf("list of %d, BSF of %d", len(w.List), len(w.BSF))
	}
	w.List[5] = 1
	if raw[0x85] != 1 {
		t.Error("the list is a copy")
	}
}

func TestUMROffset(t *testing.T) {
	u := UMRCtrl{Flags: UMROffsetEn, XltOffset: 0x123456789abc, BSFOctowords: 4}
	var b [UMRCtrlSize]byte
	u.Put(b[:])
	if binary.BigEndian.Uint16(b[6:]) != 0x9abc || binary.BigEndian.Uint32(b[0x10:]) != 0x12345678 {
		t.Errorf("offset in % x", b[:0x14])
	}
	if got := ParseUMRCtrl(b[:]); got.XltOffset != u.XltOffset || got.BSFOctowords != 0 {
		t.Errorf("parsed %+v", got)
	}
	u.Flags = 0
	u.Put(b[:])
	if got := ParseUMRCtrl(b[:]); got.XltOffset != 0 || got.BSFOctowords != 4 || b[0x13] != 0 {
		t.Errorf("without the flag %+v", got)
	}
}

func TestAppendToCanonical(t *testing.T) {
	// A KLM list of which one entry is live: mode in the WQE, len masked.
	raw := umrBytes(UMRInline, 4, 0, 13)
	raw[0x1f], raw[0x42], raw[0x5f] = 1, 2, 10
	raw[0x83] = 10
	for i := 0x90; i < len(raw); i++ {
		raw[i] = 0xcc // padding, and a 16-byte unit too many
	}
	raw[9], raw[0xb], raw[0x3f], raw[0x7f] = 0xff, 0xff, 0xff, 0xff
	var w WQE
	if err := Decode(raw, &w); err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(raw)
	clear(want[0x90:])
	want[9], want[0xb], want[0x3f], want[0x7f] = 0, 0xee, 0, 0
	if got := w.AppendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("canonical\n% x, want\n% x", got, want)
	}
	// Content beyond DS: the DS grows.
	w.DS, w.List = 8, make([]byte, 128)
	if got := w.AppendTo(nil); len(got) != 256 || got[7] != 16 {
		t.Errorf("%d bytes with DS %d", len(got), got[7])
	}
	for _, w := range []WQE{
		{Ctrl: Ctrl{Opcode: OpRDMAWrite}, Data: make([]byte, 32)}, {Ctrl: Ctrl{Opcode: OpSend}, Data: make([]byte, 48)},
		{Ctrl: Ctrl{Opcode: OpUMR}, HasPointer: true, UMR: UMRCtrl{XltOctowords: 4}},
	} {
		var back WQE
		if err := Decode(w.AppendTo(nil), &back); err != nil || len(back.Data) != len(w.Data) || back.HasPointer != w.HasPointer {
			t.Errorf("%v built without DS: %v, %d data bytes", w.Opcode, err, len(back.Data))
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	raw := umrBytes(UMRInline, 4, 4, 16)
	var w WQE
	dst := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		if Decode(raw, &w) != nil {
			panic("decode")
		}
		dst = w.AppendTo(dst[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
