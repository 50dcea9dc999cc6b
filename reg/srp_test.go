package reg

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// unhex reads rows of hexadecimal bytes; what follows a # is a comment.
func unhex(t *testing.T, rows string) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(rows) {
		line, _, _ = strings.Cut(line, "#")
		b, err := hex.DecodeString(strings.Join(strings.Fields(line), ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

var testHeader = SRPHeader{Tag: 0x1122334455667788, LUN: 0x0001 << 48, TaskAttr: 2, CDB: []byte{0x2a, 0, 0, 0, 0x10, 0, 0, 0, 8, 0}}

var testTuples = []Tuple{
	{Rkey: 0x100001, Addr: 0x7f00_0000_1000, Len: 0x2000},
	{Rkey: 0x100101, Addr: 0xffff_ffff_ffff_f001, Len: 0xfff},
	{Rkey: 0x100201, Addr: 0x200, Len: 1},
}

// TestSRPGolden has the units of include/scsi/srp.h spelt out.
func TestSRPGolden(t *testing.T) {
	tests := []struct {
		name string
		dir  Dir
		make func(c *SRPCommand)
		want string
	}{
		{"direct, data-out", DirRead, func(c *SRPCommand) { c.direct(testTuples[0]) }, `
			02 00 00 00 00 10 00 00  # SRP_CMD; data-out direct, no counts
			11 22 33 44 55 66 77 88  # tag
			00 00 00 00 00 01 00 00 00 00 00 00  # reserved, lun
			00 02 00 00              # task_attr, no additional CDB
			2a 00 00 00 10 00 00 00 08 00 00 00 00 00 00 00
			00 00 7f 00 00 00 10 00 00 10 00 01 00 00 20 00 # va, key, len`},
		{"indirect, data-in, two of three in the unit", DirWrite, func(c *SRPCommand) {
			c.indirect(Tuple{Rkey: 0x100301, Addr: 0x5a5a_0000_0800, Len: 48}, 0x3000, testTuples, 2)
		}, `
			02 00 00 00 00 02 00 02  # data-in indirect, two descriptors
			11 22 33 44 55 66 77 88
			00 00 00 00 00 01 00 00 00 00 00 00
			00 02 00 00
			2a 00 00 00 10 00 00 00 08 00 00 00 00 00 00 00
			00 00 5a 5a 00 00 08 00 00 10 03 01 00 00 00 30 # table: va, key, bytes
			00 00 30 00                                     # total
			00 00 7f 00 00 00 10 00 00 10 00 01 00 00 20 00
			ff ff ff ff ff ff f0 01 00 10 01 01 00 00 0f ff`},
		{"both ways", DirBoth, func(c *SRPCommand) { c.direct(testTuples[2]) }, `
			02 00 00 00 00 11 00 00
			11 22 33 44 55 66 77 88
			00 00 00 00 00 01 00 00 00 00 00 00
			00 02 00 00
			2a 00 00 00 10 00 00 00 08 00 00 00 00 00 00 00
			00 00 00 00 00 00 02 00 00 10 02 01 00 00 00 01 # data-out
			00 00 00 00 00 00 02 00 00 10 02 01 00 00 00 01 # data-in`},
		{"immediate", DirRead, func(c *SRPCommand) { c.immediate(0x1234, nil) }, `
			02 00 00 00 00 30 00 00
			11 22 33 44 55 66 77 88
			00 00 00 00 00 01 00 00 00 00 00 00
			00 02 00 00
			2a 00 00 00 10 00 00 00 08 00 00 00 00 00 00 00
			00 00 12 34                                     # length
			00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 # up to byte 68`},
	}
	for _, tt := range tests {
		var c SRPCommand
		if err := c.reset(&testHeader, tt.dir); err != nil {
			t.Fatal(err)
		}
		tt.make(&c)
		if want := unhex(t, tt.want); string(c.IU) != string(want) {
			t.Errorf("%s:\n% x\nwant\n% x", tt.name, c.IU, want)
		}
	}
}

func TestSRPLongCDB(t *testing.T) {
	h := testHeader
	h.CDB = make([]byte, 19)
	h.CDB[18] = 0xee
	var c SRPCommand
	if err := c.reset(&h, DirWrite); err != nil {
		t.Fatal(err)
	}
	c.direct(testTuples[0])
	if len(c.IU) != 48+4+16 || c.IU[0x1f] != 4 || c.IU[0x32] != 0xee {
		t.Fatalf("% x", c.IU)
	}
	got, f, total, err := ParseSRP(c.IU, DirWrite, nil, nil)
	if err != nil || f != SRPDirect || total != 0x2000 || len(got) != 1 || got[0] != testTuples[0] {
		t.Fatalf("%v %v %v %v", got, f, total, err)
	}
	h.CDB = make([]byte, 16+253)
	if err := c.reset(&h, DirWrite); !errors.Is(err, ErrSRPCDB) {
		t.Fatal(err)
	}
}

func TestParseSRPFetchesTheTable(t *testing.T) {
	var c SRPCommand
	if err := c.reset(&testHeader, DirBoth); err != nil {
		t.Fatal(err)
	}
	table := Tuple{Rkey: 7, Addr: 0x800, Len: 48}
	c.indirect(table, 0x3000, testTuples, 1)
	var memory []byte
	for _, x := range testTuples {
		memory = appendDirect(memory, x)
	}
	fetches := 0
	fetch := func(x Tuple, p []byte) error {
		fetches++
		if x != table || len(p) != 48 {
			t.Errorf("fetches %+v, %d bytes", x, len(p))
		}
		copy(p, memory)
		return nil
	}
	keep := []Tuple{{Rkey: 99}}
	for _, dir := range []Dir{DirRead, DirWrite} {
		got, f, total, err := ParseSRP(c.IU, dir, keep, fetch)
		if err != nil || f != SRPIndirect || total != 0x3000 || len(got) != 4 || got[0] != keep[0] || got[3] != testTuples[2] {
			t.Errorf("%v %v %v %v", got, f, total, err)
		}
	}
	if fetches != 2 {
		t.Errorf("%d fetches", fetches)
	}
	memory[3] ^= 1
	if _, _, _, err := ParseSRP(c.IU, DirRead, nil, fetch); !errors.Is(err, ErrSRPTable) {
		t.Errorf("table that differs from the unit: %v", err)
	}
	memory[3] ^= 1
	memory[47] ^= 1
	if _, _, _, err := ParseSRP(c.IU, DirRead, nil, fetch); !errors.Is(err, ErrSRPTotal) {
		t.Errorf("wrong total: %v", err)
	}
	if _, _, _, err := ParseSRP(c.IU, DirRead, nil, nil); !errors.Is(err, ErrSRPTable) {
		t.Errorf("no fetch: %v", err)
	}
}

func TestParseSRPRefuses(t *testing.T) {
	var c SRPCommand
	if err := c.reset(&testHeader, DirRead); err != nil {
		t.Fatal(err)
	}
	c.indirect(Tuple{Rkey: 7, Addr: 0x800, Len: 48}, 0x3000, testTuples, 3)
	tests := []struct {
		name  string
		cut   int
		patch map[int]byte
		dir   Dir
		want  error
	}{
		{"whole", 0, nil, DirRead, nil},
		{"no data-in", 0, nil, DirWrite, nil},
		{"short", 1, nil, DirRead, ErrSRPShort},
		{"very short", 80, nil, DirRead, ErrSRPShort},
		{"opcode", 0, map[int]byte{0: 1}, DirRead, ErrSRPOpcode},
		{"format", 0, map[int]byte{5: 0x40}, DirRead, ErrSRPFormat},
		{"direction", 0, nil, DirBoth, ErrSRPFormat},
		{"ragged table", 0, map[int]byte{63: 47}, DirRead, ErrSRPTable},
		{"empty table", 0, map[int]byte{63: 0}, DirRead, ErrSRPTable},
		{"more in the unit than in the table", 0, map[int]byte{63: 32}, DirRead, ErrSRPTable},
		{"giant table", 0, map[int]byte{60: 0xff}, DirRead, ErrSRPTable},
		{"total", 0, map[int]byte{67: 1}, DirRead, ErrSRPTotal},
	}
	for _, tt := range tests {
		iu := append([]byte(nil), c.IU[:len(c.IU)-tt.cut]...)
		for at, b := range tt.patch {
			iu[at] = b
		}
		got, _, _, err := ParseSRP(iu, tt.dir, nil, func(Tuple, []byte) error { return nil })
		if !errors.Is(err, tt.want) || tt.want != nil && len(got) != 0 {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func FuzzParseSRP(f *testing.F) {
	var c SRPCommand
	if err := c.reset(&testHeader, DirBoth); err != nil {
		f.Fatal(err)
	}
	c.indirect(Tuple{Rkey: 7, Addr: 0x800, Len: 48}, 0x3000, testTuples, 2)
	f.Add(c.IU, byte(1))
	f.Fuzz(func(t *testing.T, iu []byte, dir byte) {
		got, _, total, err := ParseSRP(iu, Dir(dir), nil, func(Tuple, []byte) error { return nil })
		var sum uint64
		for _, x := range got {
			sum += x.Len
		}
		if err != nil && len(got) != 0 || err == nil && len(got) != 0 && sum != total {
			t.Fatalf("%d descriptors, %d of %d bytes, %v", len(got), sum, total, err)
		}
	})
}
