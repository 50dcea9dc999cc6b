package mlx5model

import (
	"bytes"
	"testing"
)

func TestMkeyAppendTo(t *testing.T) {
	c := MkeyContext{Free: true, Mode: ModeKSM, Access: 0xff, QPN: 1<<24 | 5, Tag: 7, PD: 1<<24 | 9, LogPageSize: 0xff, CryptoEn: 7, MATranslation: 7}
	got := c.AppendTo([]byte{1, 2})
	if len(got) != 2+MkeySize || got[0] != 1 || got[1] != 2 {
		t.Fatalf("appended % x", got)
	}
	for i, m := range ReservedMask(SegMkc) {
		if got[2+i]&m != 0 {
			t.Errorf("values too wide reach the reserved bits %#02x of byte %#x", got[2+i]&m, i)
		}
	}
	if back := ParseMkeyContext(got[2:]); back.QPN != 5 || back.PD != 9 || back.LogPageSize != 0x3f || back.Access != AccRights || back.UMREn {
		t.Errorf("values too wide come back as %+v", back)
	}
	dst := make([]byte, 0, MkeySize)
	if n := testing.AllocsPerRun(50, func() { dst = c.AppendTo(dst[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMkeyPutClearsOldBytes(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, MkeySize+1)
	(&MkeyContext{}).Put(b)
	if !bytes.Equal(b[:MkeySize], make([]byte, MkeySize)) || b[MkeySize] != 0xff {
		t.Errorf("put % x", b)
	}
}

func TestAccessModes(t *testing.T) {
	for m := ModePA; m < 32; m++ {
		var b [MkeySize]byte
		(&MkeyContext{Mode: m}).Put(b[:])
		if b[0] != uint8(m>>2)<<2 || b[2] != uint8(m&3) || ParseMkeyContext(b[:]).Mode != m {
			t.Errorf("mode %d: bytes %#02x and %#02x", m, b[0], b[2])
		}
	}
}

func TestKeys(t *testing.T) {
	if KeyIndex(0xabcd5a) != 0xabcd || KeyTag(0xabcd5a) != 0x5a {
		t.Errorf("key abcd5a: index %#x, tag %#x", KeyIndex(0xabcd5a), KeyTag(0xabcd5a))
	}
	for _, tt := range []struct{ key, want uint32 }{{0, 1}, {0xabcd5a, 0xabcd5b}, {0xabcdff, 0xabcd00}, {0xffffffff, 0xffffff00}} {
		if got := BumpKey(tt.key); got != tt.want {
			t.Errorf("key after %#x: %#x, want %#x", tt.key, got, tt.want)
		}
	}
	key := uint32(0x12345600)
	for range 256 {
		key = BumpKey(key)
	}
	if key != 0x12345600 {
		t.Errorf("after 256 steps %#x", key)
	}
}
