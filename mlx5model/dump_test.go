package mlx5model_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
)

var update = flag.Bool("update", false, "rewrite the golden dumps in testdata/dump")

func dump(t testing.TB, raw []byte, opt mlx5model.DumpOptions) string {
	t.Helper()
	var b strings.Builder
	if err := mlx5model.Dump(&b, raw, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// longList is a Linux registration of n KLMs by pointer, with its list.
func longList(n int) (raw, list []byte) {
	raw, _ = goldenBytes(goldenRegKLM5, 0)
	octowords := mlx5model.ListOctowords(uint64(n) * 16)
	binary.BigEndian.PutUint16(raw[0x14:], uint16(octowords))
	binary.BigEndian.PutUint32(raw[0x74:], uint32(octowords+7)&^7)
	binary.BigEndian.PutUint32(raw[0x80:], uint32(octowords*16))
	binary.BigEndian.PutUint64(raw[0x58:], uint64(n)*0x1001)
	list = make([]byte, octowords*16)
	for i := range n {
		k := mlx5model.KLM{ByteCount: 0x1001, Key: 0x1800, VA: uint64(i) << 16}
		k.Put(list[i*16:])
	}
	return raw, list
}

func TestDumpGolden(t *testing.T) {
	type options = mlx5model.DumpOptions
	longRaw, long := longList(1000)
	broken, _ := goldenBytes(goldenInterleaved, 0)
	apply(broken, []edit{{0x08, "01"}, {0x0b, "b8"}, {0x3f, "ee"}, {0x83, "09"}, {0x8c, "beef"}, {0xb4, "01"}})
	write := hexBytes("00000508 00123404 00000008 00000000" + "00007f0000002000 00abcd00 00000000" +
		"00000100 00181a00 00007f0000001000" + "80000004 deadbeef 00000000 00000000")
	files := map[string]string{}
	for _, g := range goldens {
		raw, _ := goldenBytes(g.text, 0xcc)
		files[g.name] = dump(t, raw, options{Check: &mlx5model.CheckContext{Rules: g.rules, Mode: g.mode, List: g.list}})
	}
	files["long"] = dump(t, longRaw, options{Check: &mlx5model.CheckContext{Rules: &linux.Rules, List: long}, Entries: 3})
	files["broken"] = dump(t, broken, options{Check: &mlx5model.CheckContext{Rules: &libmlx5.RulesHead}})
	files["write"] = dump(t, write, options{})
	files["undecodable"] = dump(t, broken[:0x90], options{})
	for name, got := range files {
		path := "testdata/dump/" + name + ".txt"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the dump is\n%s", path, got)
		}
	}
}

// What a reader looks for is there, independent of the golden files.
func TestDumpSays(t *testing.T) {
	longRaw, long := longList(1000)
	for _, tt := range []struct {
		golden string
		raw    []byte
		ctx    mlx5model.CheckContext
		want   []string
	}{
		{"RegKLM1", nil, mlx5model.CheckContext{Rules: &linux.Rules}, []string{
			"linux REG_MR", "fence STRONG_ORDERING", "CQE always", "LEN|PAGE_SIZE|START_ADDR|EN_RINVAL|KEY|LR|LW|RR|RW|SMALL_FENCE|FREE",
			"KLM: 4 entries, 1 live, for len 512", "padding of the list to 64 bytes, 48 bytes (stale)", "0x00001800  0x0000000200001000", "strict check: no findings"}},
		{"LibInv", nil, mlx5model.CheckContext{Rules: &libmlx5.RulesHead}, []string{"59 bytes stale", "fails unless the key's qpn is this queue's", "KEY|QPN|FREE", "no valid translation"}},
		{"Interleaved", nil, mlx5model.CheckContext{}, []string{"access mode unknown"}},
		{"Interleaved", nil, mlx5model.CheckContext{Mode: mlx5model.ModeKLM}, []string{"repeat: 3 cycles of 520 bytes, 2 entries", "1  0a0     512       8           8  0x00181b00"}},
		{"", longRaw, mlx5model.CheckContext{Rules: &linux.Rules, List: long}, []string{"1000 live", "… 984 entries left out"}},
	} {
		raw := tt.raw
		if raw == nil {
			raw, _ = goldenBytes(goldenByName(t, tt.golden).text, 0xcc)
		}
		got := dump(t, raw, mlx5model.DumpOptions{Check: &tt.ctx})
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tt.golden, want, got)
			}
		}
	}
	// The offset of the last of 1000 entries of 1001h bytes.
	if got := dump(t, longRaw, mlx5model.DumpOptions{Check: &mlx5model.CheckContext{Rules: &linux.Rules, List: long}}); !strings.Contains(got, "    999  3e70  4092903  0x2003e83e7        4097  0x00001800  0x0000000003e70000\n") {
		t.Errorf("last entry:\n%s", got)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestDumpReportsWriteErrors(t *testing.T) {
	raw, _ := goldenBytes(goldenList3, 0)
	want := errors.New("disk full")
	if err := mlx5model.Dump(failingWriter{want}, raw, mlx5model.DumpOptions{}); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestDumpIsBounded(t *testing.T) {
	raw, list := longList(60_000)
	for i := range list {
		list[i] |= 1 // findings, and padding that is not zero
	}
	raw = append(raw, bytes.Repeat([]byte{0xee}, 1<<20)...)
	for _, rules := range []*mlx5model.Rules{nil, &linux.Rules} {
		for _, mode := range []mlx5model.AccessMode{mlx5model.ModePA, mlx5model.ModeMTT, mlx5model.ModeKSM} {
			raw[0x42] = raw[0x42]&^3 | byte(mode)
			if got := dump(t, raw, mlx5model.DumpOptions{Check: &mlx5model.CheckContext{Rules: rules, List: list}}); len(got) > 20_000 {
				t.Errorf("%v: %d bytes of text", mode, len(got))
			}
		}
	}
	if got := dump(t, bytes.Repeat([]byte{0xff}, 1<<20)[:500], mlx5model.DumpOptions{}); len(got) > 20_000 {
		t.Errorf("undecodable: %d bytes of text", len(got))
	}
}

func TestDumpMutated(t *testing.T) {
	const seed = 22
	rounds := mutations()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		raw, g := mutated(r)
		ctx := mlx5model.CheckContext{Rules: g.rules, List: g.list, Mode: mlx5model.AccessMode(r.IntN(4)), Key: &mlx5model.MkeyContext{Start: r.Uint64(), Len: r.Uint64(), LogPageSize: uint8(r.IntN(64))}}
		if r.IntN(2) == 0 {
			ctx.Rules = nil
		}
		if err := mlx5model.Dump(io.Discard, raw, mlx5model.DumpOptions{Check: &ctx, Entries: r.IntN(4)}); err != nil {
			t.Fatal(err)
		}
	}
}
