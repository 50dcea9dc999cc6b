package reg

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func clearOf(a *arena, l sg.List) bool {
	for _, e := range l {
		if e.Len != 0 && (e.Addr-a.base < arenaSize || a.base-e.Addr < uint64(e.Len)) {
			return false
		}
	}
	return true
}

func TestArenaAvoidsTheList(t *testing.T) {
	tests := []struct {
		name   string
		list   sg.List
		window uint64
	}{
		{"empty", nil, 0},
		{"elsewhere", sg.List{{Addr: 0x1000, Len: 5}}, 0},
		{"inside", sg.List{{Addr: arenaBase + 5, Len: 1}}, 1},
		{"last byte of window", sg.List{{Addr: arenaBase + arenaSize - 1, Len: 1}}, 1},
		{"reaches in from below", sg.List{{Addr: arenaBase - 5, Len: 6}}, 1},
		{"ends at the border", sg.List{{Addr: arenaBase - 5, Len: 5}}, 0},
		{"in the gap", sg.List{{Addr: arenaBase + arenaSize, Len: 1}}, 0},
		{"over the border", sg.List{{Addr: arenaBase, Len: 1}, {Addr: arenaBase + arenaStride - 1, Len: 2}}, 2},
		{"every early window", sg.List{{Addr: arenaBase, Len: 1}, {Addr: arenaBase + 2*arenaStride, Len: 1}, {Addr: arenaBase + arenaStride, Len: 1}}, 3},
		{"wraps", sg.List{{Addr: ^uint64(0), Len: 1 << 31}, {Addr: arenaBase, Len: 9}}, 1},
	}
	var a arena
	for _, tt := range tests {
		a.place(tt.list)
		if want := uint64(arenaBase + tt.window*arenaStride); a.base != want || !clearOf(&a, tt.list) {
			t.Errorf("%s: base %#x, want %#x", tt.name, a.base, want)
		}
	}
}

// TestArenaAdversary spoils one window per entry, 200,000 times.
func TestArenaAdversary(t *testing.T) {
	l := make(sg.List, 200_000)
	for i := range l {
		l[i] = sg.Entry{Addr: arenaBase + uint64(i)*arenaStride - 1, Len: 2}
	}
	var a arena
	a.place(l)
	if want := arenaBase + uint64(len(l))*arenaStride; a.base != want {
		t.Fatalf("base %#x, want %#x", a.base, want)
	}
	if !clearOf(&a, l) {
		t.Fatal("overlap")
	}
}

func TestArenaAlloc(t *testing.T) {
	var a arena
	a.place(nil)
	type block struct{ addr, n, align uint64 }
	var got []block
	for _, b := range []block{{n: 1}, {n: 2048}, {n: 2049}, {n: 5, align: 1 << 20}, {n: 1 << 31, align: 1 << 31}, {n: 0}} {
		addr, err := a.alloc(b.n, b.align)
		if err != nil {
			t.Fatal(err)
		}
		if addr%2048 != 0 || b.align != 0 && addr%b.align != 0 {
			t.Errorf("%+v at %#x is not aligned", b, addr)
		}
		for _, o := range got {
			if addr < o.addr+max(o.n, 1) && o.addr < addr+max(b.n, 1) {
				t.Errorf("%+v at %#x overlaps %+v", b, addr, o)
			}
		}
		got = append(got, block{addr, b.n, b.align})
	}
	for _, b := range got {
		a.release(b.addr, b.n, b.align)
	}
	if a.live != 0 {
		t.Errorf("%d blocks live", a.live)
	}
	before := a.next
	for _, b := range got {
		if _, err := a.alloc(b.n, b.align); err != nil {
			t.Fatal(err)
		}
	}
	if a.next != before {
		t.Error("blocks given back were not used again")
	}
	if _, err := a.alloc(1, 3); !errors.Is(err, ErrArenaAlign) {
		t.Error(err)
	}
	if _, err := a.alloc(arenaSize, 1); !errors.Is(err, ErrArenaFull) {
		t.Error(err)
	}
}
