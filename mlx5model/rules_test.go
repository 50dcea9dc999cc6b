package mlx5model_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// recorded is a WQE of testdata/wqes.txt.
type recorded struct {
	rules *mlx5model.Rules
	id    string
	raw   []byte
	stale []bool
}

func recordedWQEs(t testing.TB) []recorded {
	t.Helper()
	f, err := os.Open("testdata/wqes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []recorded
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), "#") {
			continue
		}
		cols := strings.Fields(sc.Text())
		raw, err := hex.DecodeString(cols[3])
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(allRules, func(r *mlx5model.Rules) bool { return r.Name == cols[0] })
		rec := recorded{rules: allRules[i], id: cols[1], raw: raw, stale: make([]bool, len(raw))}
		for _, s := range strings.Split(strings.TrimPrefix(cols[2], "-"), ",") {
			var off, n int
			if _, err := fmt.Sscanf(s, "%x+%x", &off, &n); err == nil {
				for j := off; j < off+n; j++ {
					rec.stale[j] = true
				}
			}
		}
		all = append(all, rec)
	}
	return all
}

// Whatever a real driver wrote passes its own rules, whatever its stale bytes
// hold, and comes back from the canonical encoding.
func TestRecordedPassStrict(t *testing.T) {
	kinds := map[string]bool{}
	for _, rec := range recordedWQEs(t) {
		for _, fill := range []byte{0, 0x5a, 0xff} {
			raw := slices.Clone(rec.raw)
			for i, s := range rec.stale {
				if s {
					raw[i] = fill
				}
			}
			var w mlx5model.WQE
			if err := mlx5model.DecodeStrict(raw, rec.rules, &w); err != nil {
				t.Errorf("%s %s, stale %#02x: %v", rec.rules.Name, rec.id, fill, err)
				continue
			}
			for i, b := range w.AppendTo(nil) {
				if !rec.stale[i] && b != raw[i] {
					t.Errorf("%s %s: byte %03x %s is %02x, want %02x", rec.rules.Name, rec.id, i, mlx5model.FieldAt(&w, i), b, raw[i])
				}
			}
			if k := rec.rules.Kind(&w); k != nil {
				kinds[rec.rules.Name+" "+k.Name] = true
			}
		}
	}
	for _, k := range []string{"linux REG_MR", "linux LOCAL_INV", "linux signature UMR", "libmlx5-v44 configure", "libmlx5-v44 LOCAL_INV", "libmlx5-v44 bind type 2", "spdk configure"} {
		if !kinds[k] {
			t.Errorf("no recorded WQE of kind %q", k)
		}
	}
}

// A changed bit in a byte that the producer writes is noticed, unless it makes
// another valid WQE: a number, an address, a key, a right.
func TestRulesNoticeBits(t *testing.T) {
	for _, rec := range recordedWQEs(t) {
		var w mlx5model.WQE
		if err := mlx5model.Decode(rec.raw, &w); err != nil {
			t.Fatal(err)
		}
		if w.Opcode != mlx5model.OpUMR {
			continue
		}
		missed := 0
		for i := 0x10; i < 0x80; i++ {
			if rec.stale[i] || freeChoice(i) {
				continue
			}
			for bit := range 8 {
				raw := slices.Clone(rec.raw)
				raw[i] ^= 1 << bit
				if mlx5model.DecodeStrict(raw, rec.rules, &w) == nil && !freeBit(rec.rules, i, 1<<bit) {
					missed++
					t.Errorf("%s %s: bit %d of byte %03x %s may change", rec.rules.Name, rec.id, bit, i, mlx5model.FieldAt(&w, i))
				}
			}
		}
		if missed > 0 {
			break
		}
	}
}

// freeChoice are the bytes of a UMR whose values the producer's caller
// chooses: rights, tag of a window, PD, start and length, page size.
func freeChoice(i int) bool {
	return i == 0x42 || i == 0x47 || i >= 0x4d && i < 0x60 || i == 0x7b
}

// freeBit are single bits that make another WQE of the same producer.
func freeBit(r *mlx5model.Rules, i int, bit byte) bool {
	switch {
	case i == 0x10: // with or without check, inline or not, where the list's place allows it
		return true
	case i >= 0x18 && i < 0x20: // optional mask bits
		return true
	case i == 0x4c: // sigerr, bsf_en, length64
		return bit == 0x04 || bit == 0x40 || bit == 0x80
	case i == 0x41: // relaxed ordering
		return true
	case i == 0x17 || i == 0x15: // BSF and list lengths that DS still covers
		return false
	}
	return false
}

func TestMkcBits(t *testing.T) {
	m := mlx5model.MkcFields("pd", "en_rinval")
	if want := (mlx5model.MkcBits{0x0c: 0x01, 0x0d: 0xff, 0x0e: 0xff, 0x0f: 0xff}); m != want {
		t.Errorf("MkcFields: % x", m)
	}
	if want := (mlx5model.MkcBits{1: 0xff, 2: 0xff, 63: 0xff}); mlx5model.MkcBytes(1, 3, 63, 64) != want {
		t.Errorf("MkcBytes: % x", mlx5model.MkcBytes(1, 3, 63, 64))
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown field is no panic")
		}
	}()
	mlx5model.MkcFields("pdn")
}

// The dialects' tables are consistent in themselves.
func TestRulesTables(t *testing.T) {
	for _, r := range allRules {
		if r.Name == "" || r.Authority == "" || len(r.Kinds) == 0 {
			t.Errorf("%q lacks name, authority or kinds", r.Name)
		}
		for _, k := range r.Kinds {
			if k.Name == "" || k.Authority == "" || len(k.Flags) == 0 {
				t.Errorf("%s %q lacks name, authority or flags", r.Name, k.Name)
			}
			if k.Mask&k.MaskMay != 0 || (k.Mask|k.MaskMay)&^mlx5model.MaskKnown != 0 {
				t.Errorf("%s %s: masks %#x and %#x", r.Name, k.Name, k.Mask, k.MaskMay)
			}
			for i := range k.Writes {
				if k.Always[i]&^k.Writes[i] != 0 {
					t.Errorf("%s %s: byte %#x has %#02x always, and writes %#02x", r.Name, k.Name, i, k.Always[i], k.Writes[i])
				}
				if k.Writes[i]&k.Stale[i] != 0 || k.Writes[i]&mlx5model.ReservedMask(mlx5model.SegMkc)[i] != 0 {
					t.Errorf("%s %s: byte %#x is written %#02x, stale %#02x", r.Name, k.Name, i, k.Writes[i], k.Stale[i])
				}
			}
		}
	}
}
