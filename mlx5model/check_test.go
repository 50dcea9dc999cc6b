package mlx5model_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

func goldenByName(t testing.TB, name string) golden {
	t.Helper()
	for _, g := range goldens {
		if g.name == name {
			return g
		}
	}
	t.Fatalf("no golden %s", name)
	return golden{}
}

// edit is a change to a golden WQE: bytes at an offset.
type edit struct {
	off   int
	bytes string
}

func apply(raw []byte, edits []edit) {
	for _, e := range edits {
		copy(raw[e.off:], hexBytes(e.bytes))
	}
}

// Each row breaks one rule of a golden WQE, which has no findings by itself.
func TestCheckFindsEachRule(t *testing.T) {
	type ctx = mlx5model.CheckContext
	for _, tt := range []struct {
		name, golden string
		edits        []edit
		ctx          ctx // beside the golden's rules, mode and list
		noRules      bool
		rule         mlx5model.Rule
		sev          mlx5model.Severity
		off          int
	}{
		{"opmod", "RegKLM1", []edit{{0, "01"}}, ctx{}, false, mlx5model.RuleFrame, mlx5model.Error, 0},
		{"undefined fence mode", "List3", []edit{{0xb, "a8"}}, ctx{}, true, mlx5model.RuleFrame, mlx5model.Error, 0xb},
		{"larger than the ring", "List5", nil, ctx{RingWQEBBs: 2}, false, mlx5model.RuleFrame, mlx5model.Error, 7},
		{"another queue's number", "List5", nil, ctx{HavePosition: true, QPN: 0x1235}, false, mlx5model.RuleFrame, mlx5model.Error, 4},
		{"another place", "List5", nil, ctx{HavePosition: true, QPN: 0x1234, Index: 1}, false, mlx5model.RuleFrame, mlx5model.Error, 1},
		{"DS with seven bits", "List5", []edit{{7, "50"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 7},
		{"reserved bit of byte 0Bh", "List5", []edit{{0xb, "18"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 0xb},
		{"reserved byte of the UMR segment", "SPDK3", []edit{{0x3f, "01"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 0x3f},
		{"reserved byte of the context", "RegKLM1", []edit{{0x48, "80"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 0x48},
		{"stale context of an unknown producer", "LibInv", []edit{{0x48, "80"}}, ctx{}, true, mlx5model.RuleReserved, mlx5model.Warn, 0x48},
		{"flags bit 0", "List3", []edit{{0x10, "81"}}, ctx{}, true, mlx5model.RuleFlags, mlx5model.Error, 0x10},
		{"both checks", "List3", []edit{{0x10, "e0"}}, ctx{}, true, mlx5model.RuleFlags, mlx5model.Error, 0x10},
		{"octowords not rounded", "List3", []edit{{0x14, "0003"}}, ctx{}, false, mlx5model.RuleForm, mlx5model.Error, 0x14},
		{"DS beyond the list", "List3", []edit{{0x14, "0000"}}, ctx{}, true, mlx5model.RuleForm, mlx5model.Warn, 7},
		{"DS beyond the pointer", "RegKLM5", []edit{{7, "0a"}}, ctx{}, false, mlx5model.RuleForm, mlx5model.Error, 7},
		{"pointer to an odd place", "RegKLM5", []edit{{0x8e, "0840"}}, ctx{}, true, mlx5model.RuleForm, mlx5model.Warn, 0x88},
		{"pointer's byte count", "RegKLM5", []edit{{0x80, "00000050"}}, ctx{}, false, mlx5model.RuleForm, mlx5model.Error, 0x80},
		{"list beyond the key", "List5", nil, ctx{Key: &mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, XltOctowords: 4}}, false, mlx5model.RuleForm, mlx5model.Error, 0x14},
		{"inline beyond the threshold", "List5", []edit{{0x10, "a0"}, {0x18, "00000000209e2143"}, {0x40, "0000be00ffffff00"}, {0x74, "00000008"}}, ctx{Rules: &linux.Rules}, true, mlx5model.RuleForm, mlx5model.Error, 0x10},
		{"BSF of 5 octowords", "SigUMR", []edit{{0x16, "0005"}, {7, "11"}}, ctx{}, true, mlx5model.RuleForm, mlx5model.Error, 0x16},
		{"offset without the flag", "List3", []edit{{0x23, "01"}}, ctx{}, true, mlx5model.RuleOffset, mlx5model.Error, 0x23},
		{"odd offset", "Update9", []edit{{0x10, "30"}, {0x16, "0001"}}, ctx{}, false, mlx5model.RuleOffset, mlx5model.Warn, 0x16},
		{"unknown mask bit", "List3", []edit{{0x18, "8000"}}, ctx{}, true, mlx5model.RuleMask, mlx5model.Warn, 0x18},
		{"cycle is not the entries' sum", "Interleaved", []edit{{0x80, "00000209"}, {0x5c, "0000061b"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Error, 0x80},
		{"16 bits of a cycle", "Interleaved", []edit{{0x80, "00010208"}, {0x5c, "00030618"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Note, 0x80},
		{"region is not whole cycles", "Interleaved", []edit{{0x5f, "19"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Error, 0x58},
		{"too many repeat entries", "Interleaved", []edit{{0x8e, "0004"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Error, 0x8e},
		{"reserved be16", "Interleaved", []edit{{0x8c, "0001"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Error, 0x8c},
		{"reserved be16, unknown producer", "Interleaved", []edit{{0x8c, "0001"}}, ctx{Mode: mlx5model.ModeKLM}, true, mlx5model.RuleRepeat, mlx5model.Warn, 0x8c},
		{"padding of a repeat list", "Interleaved", []edit{{0xbf, "01"}}, ctx{}, false, mlx5model.RuleRepeat, mlx5model.Error, 0xbf},
		{"list shorter than the region", "List3", []edit{{0x58, "01"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Error, 0x58},
		{"list shorter, by pointer", "RegKLM5", []edit{{0x5f, "01"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Error, 0x58},
		{"list shorter, length from the caller", "SPDK3", []edit{{0x5c, "01"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Warn, 0x58},
		{"region ends inside an entry", "List3", []edit{{0x5f, "ff"}, {0x5e, "08"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Error, 0x58},
		{"entry of 0 bytes", "List3", []edit{{0x82, "00"}, {0x5e, "07"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Note, 0x80},
		{"entry beyond the device", "List3", nil, ctx{MaxKLMBytes: 0x3ff}, false, mlx5model.RuleKLM, mlx5model.Error, 0xa0},
		{"entry behind the region", "List3", []edit{{0xb3, "01"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Error, 0xb0},
		{"padding entry", "List3", []edit{{0xbf, "01"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Error, 0xb0},
		{"page off its border", "RegMTT9", nil, ctx{List: badMTTs(2, 0x200003203)}, false, mlx5model.RuleMTT, mlx5model.Error, 0x90},
		{"page without rights", "RegMTT9", nil, ctx{List: badMTTs(2, 0x200002000)}, false, mlx5model.RuleMTT, mlx5model.Note, 0x80},
		{"too few pages", "RegMTT9", []edit{{0x5e, "ffff"}}, ctx{}, false, mlx5model.RuleMTT, mlx5model.Error, 0x58},
		{"list buffer cut short", "RegMTT9", nil, ctx{List: linuxMTTs(8)}, false, mlx5model.RuleForm, mlx5model.Error, 0x14},
		{"key of another mode", "RegMTT9", nil, ctx{Mode: mlx5model.ModeKLM}, false, mlx5model.RuleMode, mlx5model.Error, 0x42},
		{"stale mode of an unknown producer", "LibInv", []edit{{0x42, "01"}}, ctx{Mode: mlx5model.ModeKLM}, true, mlx5model.RuleMode, mlx5model.Warn, 0x42},
		{"undefined mode", "RegMTT9", []edit{{0x40, "1c"}}, ctx{}, true, mlx5model.RuleMode, mlx5model.Error, 0x42},
		{"what an invalidation leaves, unknown producer", "LibInv", []edit{{0x42, "03"}}, ctx{Mode: mlx5model.ModeKLM}, true, mlx5model.RuleMode, mlx5model.Warn, 0x42},
		{"KSM start", "RegMTT9", []edit{{0x42, "bf"}}, ctx{List: make([]byte, 128)}, true, mlx5model.RuleKSM, mlx5model.Warn, 0x50},
		{"too few KSMs", "RegMTT9", []edit{{0x42, "bf"}, {0x50, "0000000000000000"}}, ctx{List: make([]byte, 128)}, true, mlx5model.RuleKSM, mlx5model.Error, 0x58},
		{"size field of REG_MR", "RegKLM1", []edit{{0x77, "04"}}, ctx{}, false, mlx5model.RuleRegister, mlx5model.Error, 0x74},
		{"size field of libmlx5", "List3", []edit{{0x77, "04"}}, ctx{}, false, mlx5model.RuleRegister, mlx5model.Error, 0x74},
		{"page below the device's", "RegMTT9", []edit{{0x7b, "09"}}, ctx{MinLogPage: 12}, false, mlx5model.RuleRegister, mlx5model.Error, 0x7b},
		{"page size of a KLM key", "RegKLM1", []edit{{0x7b, "0c"}}, ctx{}, false, mlx5model.RuleRegister, mlx5model.Error, 0x7b},
		{"BSF size field", "SigUMR", []edit{{0x63, "08"}}, ctx{}, false, mlx5model.RuleRegister, mlx5model.Error, 0x60},
		{"offset where there is none", "LibInv", []edit{{0x17, "04"}}, ctx{}, false, mlx5model.RuleOffset, mlx5model.Error, 0x16},
		{"BSF of a plain registration", "RegKLM1", []edit{{0x16, "0004"}, {7, "10"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x16},
		{"list of an invalidation", "LinuxInv", []edit{{0x14, "0004"}, {7, "0c"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x14},
		{"region without list, libmlx5", "LibInv", []edit{{0x10, "80"}, {0x18, "00000000203c2001"}, {0x40, "00003800ffffff00"}, {0x58, "0000000000000010"}}, ctx{}, false, mlx5model.RuleForm, mlx5model.Error, 0x14},
		{"reserved bytes of a BSF", "T10UMR", []edit{{0xea, "01"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Warn, 0xea},
		{"reserved bytes of an encryption BSF", "T10UMR", []edit{{0xc0, "81"}, {0xc2, "01"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Warn, 0xc2},
		{"key in use by the list", "List3", nil, ctx{PrevUMR: true, PrevKey: 0x181a42}, false, mlx5model.RuleFence, mlx5model.Warn, 0x80},
		{"no such UMR", "List3", []edit{{0x18, "3f0000000f"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x10},
		{"mask bit too many", "List3", []edit{{0x1e, "21"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x18},
		{"mask bit too few", "RegKLM1", []edit{{0x1f, "42"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x18},
		{"field without its mask bit", "List3", []edit{{0x1f, "00"}}, ctx{}, false, mlx5model.RuleMask, mlx5model.Warn, 0x58},
		{"len 0 above a list", "RegKLM1", []edit{{0x5e, "0000"}}, ctx{}, false, mlx5model.RuleKLM, mlx5model.Warn, 0x58},
		{"inline octowords beyond DS", "List3", []edit{{0x14, "0008"}}, ctx{}, false, mlx5model.RuleForm, mlx5model.Error, 0x14},
		{"reserved bit, undecodable", "List3", []edit{{0x14, "0008"}, {0x3f, "01"}}, ctx{}, true, mlx5model.RuleReserved, mlx5model.Error, 0x3f},
		{"no such check", "List3", []edit{{0x10, "a0"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x10},
		{"PD in REG_MR", "RegKLM1", []edit{{0x4f, "42"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x4f},
		{"no local read", "RegKLM1", []edit{{0x42, "ba"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x42},
		{"one QP only", "RegKLM1", []edit{{0x44, "001234"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x44},
		{"window for any QP", "Bind2", []edit{{0x44, "ffffff"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x44},
		{"old tag", "RegKLM1", []edit{{0x47, "59"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0x47},
		{"fence of another producer", "RegKLM1", []edit{{0xb, "88"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 0xb},
		{"DS of an invalidation", "LinuxInv", []edit{{7, "09"}}, ctx{}, false, mlx5model.RuleKind, mlx5model.Error, 7},
		{"signature where there is none", "List3", []edit{{8, "01"}}, ctx{}, false, mlx5model.RuleSignature, mlx5model.Error, 8},
		{"signature missing", "List3", nil, ctx{WQSig: true}, false, mlx5model.RuleSignature, mlx5model.Error, 8},
		{"signature unasked for", "List5", []edit{{8, "cf"}}, ctx{}, false, mlx5model.RuleSignature, mlx5model.Warn, 8},
		{"PSV with a reserved byte", "SigPSVMem", []edit{{0x16, "01"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 0x16},
		{"PSV of DS 3", "SigPSVMem", []edit{{7, "03"}}, ctx{}, false, mlx5model.RuleData, mlx5model.Error, 7},
		{"PSV with an immediate", "SigPSVMem", []edit{{0xf, "01"}}, ctx{}, false, mlx5model.RuleReserved, mlx5model.Error, 0xc},
		{"PSV tail", "SigPSVMem", []edit{{0x3f, "01"}}, ctx{Rules: &spdk.Rules}, true, mlx5model.RuleData, mlx5model.Error, 0x3f},
		{"region without list", "RegMTT9", []edit{{0x10, "a0"}, {7, "08"}, {0x14, "0000"}}, ctx{}, true, mlx5model.RuleForm, mlx5model.Warn, 0x14},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := goldenByName(t, tt.golden)
			raw, _ := goldenBytes(g.text, 0)
			raw = append(raw, make([]byte, 128)...)
			apply(raw, tt.edits)
			c := tt.ctx
			if !tt.noRules {
				c.Rules = g.rules
			}
			if c.Mode == 0 {
				c.Mode = g.mode
			}
			if c.List == nil {
				c.List = g.list
			}
			found := mlx5model.Check(nil, raw, &c)
			for _, f := range found {
				if f.Rule == tt.rule && f.Severity == tt.sev && f.Offset == tt.off && f.Text != "" && f.Authority != "" && f.Field != "" {
					return
				}
			}
			t.Errorf("no %v of rule %d at %#x in %v", tt.sev, tt.rule, tt.off, found)
		})
	}
}

func badMTTs(i int, entry uint64) []byte {
	b := linuxMTTs(9)
	binary.BigEndian.PutUint64(b[i*8:], entry)
	return b
}

// A libmlx5 signature over a golden WQE: recorded from a queue with signatures.
func TestWQESignature(t *testing.T) {
	raw, _ := goldenBytes(goldenList5, 0)
	if got := mlx5model.WQESignature(raw); got != 0xcf {
		t.Errorf("signature %#02x, want 0xcf", got)
	}
	raw[8] = 0xcf
	if got := mlx5model.WQESignature(raw); got != 0xcf {
		t.Errorf("signature %#02x of a WQE that has one, want 0xcf", got)
	}
	for _, tt := range []struct {
		rules *mlx5model.Rules
		value uint8
		want  int
	}{{&libmlx5.RulesHead, 0xcf, 0}, {nil, 0xcf, 0}, {&libmlx5.RulesHead, 0xff, 1}, {nil, 0xff, 1}} {
		raw[8] = tt.value
		if got := mlx5model.Check(nil, raw, &mlx5model.CheckContext{Rules: tt.rules, WQSig: true}); len(got) != tt.want {
			t.Errorf("signature %#02x: %v, want %d findings", tt.value, got, tt.want)
		}
	}
}

// libmlx5 44 sums lengths in an int. Recorded: one entry of 2 GiB gives the
// length ffffffff80000000; head writes 80000000.
func TestSignExtendedLength(t *testing.T) {
	g := goldenByName(t, "List3")
	raw, _ := goldenBytes(g.text, 0)
	copy(raw[0x80:], hexBytes("80000000 00001000 0000000100000000"))
	clear(raw[0x90:])
	for _, tt := range []struct {
		length uint64
		rules  *mlx5model.Rules
		ok     bool
	}{
		{0xffffffff80000000, &libmlx5.RulesV44, true}, {0xffffffff80000000, &libmlx5.RulesHead, false}, {0xffffffff80000000, nil, true},
		{0x80000000, &libmlx5.RulesHead, true}, {0xffffffff80000001, &libmlx5.RulesV44, false}, {0x80000001, &libmlx5.RulesHead, false},
	} {
		binary.BigEndian.PutUint64(raw[0x58:], tt.length)
		var w mlx5model.WQE
		if err := mlx5model.DecodeStrict(raw, tt.rules, &w); (err == nil) != tt.ok {
			t.Errorf("length %#x under %v: %v", tt.length, ruleName(tt.rules), err)
		}
	}
}

func ruleName(r *mlx5model.Rules) string {
	if r == nil {
		return "no rules"
	}
	return r.Name
}

var allRules = []*mlx5model.Rules{&linux.Rules, &libmlx5.RulesV44, &libmlx5.RulesHead, &spdk.Rules, &ofed.Rules}

// No producer's registration passes for another's.
func TestDialectsDiffer(t *testing.T) {
	for _, g := range goldens {
		if g.want.Opcode != mlx5model.OpUMR || g.name == "LinuxInv" {
			continue // ofed invalidates as Linux does
		}
		for _, rules := range allRules {
			raw, _ := goldenBytes(g.text, 0)
			var w mlx5model.WQE
			err := mlx5model.DecodeStrict(raw, rules, &w)
			var se *mlx5model.StrictError
			own := strings.HasPrefix(rules.Name, strings.TrimSuffix(g.rules.Name, "-v44"))
			if own != (err == nil) || err != nil && (!errors.As(err, &se) || se.Finding.Severity != mlx5model.Error) {
				t.Errorf("%s under the rules of %s: %v", g.name, rules.Name, err)
			}
		}
	}
}

// mutated gives a golden WQE with a few bytes changed, or random bytes with the
// head of a WQE.
func mutated(r *rand.Rand) ([]byte, *golden) {
	g := &goldens[r.IntN(len(goldens))]
	raw, _ := goldenBytes(g.text, uint8(r.Uint32()))
	if r.IntN(8) == 0 {
		for i := range raw {
			raw[i] = uint8(r.Uint32())
		}
		raw[3] = []uint8{0x25, 0x08, 0x0a, 0x20, 0x10}[r.IntN(5)]
		raw[7] &= 0x1f
	}
	for n := r.IntN(4); n > 0; n-- {
		at := r.IntN(len(raw))
		if r.IntN(2) == 0 {
			raw[at] ^= 1 << r.IntN(8)
		} else {
			raw[at] = []uint8{0, 1, 4, 0x7f, 0x80, 0xff, uint8(r.Uint32())}[r.IntN(7)]
		}
	}
	if r.IntN(16) == 0 {
		raw = raw[:r.IntN(len(raw)+1)]
	}
	return raw, g
}

// mutations is how many mutated WQEs a test goes through.
func mutations() int {
	if testing.Short() {
		return 20_000
	}
	return 200_000
}

// The relations between the decoders, on mutated and random WQEs:
//
//  1. Whatever the strict decoder accepts, the lenient one accepts, with equal
//     values.
//  2. The canonical encoding decodes, and encodes to itself.
//  3. It keeps every byte that is neither reserved, nor padding, nor behind
//     the content.
func TestDecoderRelations(t *testing.T) {
	const seed = 20
	rounds := mutations()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	accepted := map[string]int{}
	var buf []mlx5model.Finding
	for range rounds {
		raw, g := mutated(r)
		rules := allRules[r.IntN(len(allRules))]
		if r.IntN(2) == 0 {
			rules = g.rules
		}
		var strict, lenient mlx5model.WQE
		errStrict, errLenient := mlx5model.DecodeStrict(raw, rules, &strict), mlx5model.Decode(raw, &lenient)
		if errStrict == nil {
			accepted[rules.Name]++
			if errLenient != nil || !reflect.DeepEqual(strict, lenient) {
				t.Fatalf("% x\nstrict %+v\nlenient %+v, %v", raw, strict, lenient, errLenient)
			}
		}
		if errLenient == nil {
			stableEncoding(t, raw, &lenient)
		}
		ctx := mlx5model.CheckContext{Rules: rules, List: g.list, Mode: g.mode, Key: &mlx5model.MkeyContext{Mode: mlx5model.AccessMode(r.IntN(4)), LogPageSize: uint8(r.IntN(64)), XltOctowords: 64},
			PrevUMR: true, PrevKey: 0x181a00, MaxKLMBytes: 1 << 31, RingWQEBBs: 8, HavePosition: r.IntN(2) == 0, WQSig: r.IntN(8) == 0}
		buf = mlx5model.Check(buf[:0], raw, &ctx)
		if len(buf) > 64 {
			t.Fatalf("% x: %d findings", raw, len(buf))
		}
		for _, f := range buf {
			if f.Rule < mlx5model.RuleFrame || f.Rule > mlx5model.RuleData || f.Text == "" || f.Field == "" || f.Authority == "" {
				t.Fatalf("% x: %+v", raw, f)
			}
		}
	}
	for _, rules := range allRules {
		if accepted[rules.Name] < rounds/4000 {
			t.Errorf("%s accepted %d of %d: the mutations prove nothing", rules.Name, accepted[rules.Name], rounds)
		}
	}
	t.Log(accepted)
}

func stableEncoding(t *testing.T, raw []byte, w *mlx5model.WQE) {
	t.Helper()
	once := w.AppendTo(nil)
	var again mlx5model.WQE
	if err := mlx5model.Decode(once, &again); err != nil {
		t.Fatalf("% x\ncanonical % x: %v", raw, once, err)
	}
	if twice := again.AppendTo(nil); string(twice) != string(once) {
		t.Fatalf("% x\ncanonical % x\nthen      % x", raw, once, twice)
	}
	for i := range once {
		if once[i] != raw[i] && once[i]&^raw[i] != 0 {
			t.Fatalf("% x\ncanonical % x: byte %#x gains bits", raw, once, i)
		}
		if once[i] != raw[i] && !mayVanish(w, i, raw[i]&^once[i]) {
			t.Fatalf("% x\ncanonical % x: byte %#x of %s loses bits", raw, once, i, mlx5model.FieldAt(w, i))
		}
	}
}

// mayVanish says whether the canonical encoding may drop the bits of byte i.
func mayVanish(w *mlx5model.WQE, i int, bits byte) bool {
	if i >= mlx5model.CtrlSize && (w.Opcode == mlx5model.OpRDMAWrite || w.Opcode == mlx5model.OpRDMAWriteImm || w.Opcode == mlx5model.OpRDMARead) {
		return i >= 0x1c && i < 0x20
	}
	if i < mlx5model.CtrlSize {
		return bits&^mlx5model.ReservedMask(mlx5model.SegCtrl)[i] == 0
	}
	if w.Opcode != mlx5model.OpUMR {
		return false
	}
	switch {
	case i < 0x20 || i >= 0x24 && i < 0x40:
		return bits&^mlx5model.ReservedMask(mlx5model.SegUMRCtrl)[i-0x10] == 0
	case i < 0x24:
		return w.UMR.Flags&mlx5model.UMROffsetEn == 0
	case i < 0x80:
		return bits&^mlx5model.ReservedMask(mlx5model.SegMkc)[i-0x40] == 0
	case w.HasPointer:
		return i >= 0x90
	}
	return i >= 0x80+len(w.List)+len(w.BSF) || i < 0x80+len(w.List) && w.Mkey.Mode != mlx5model.ModePA
}

func TestDecodeStrictErrors(t *testing.T) {
	var w mlx5model.WQE
	if err := mlx5model.DecodeStrict(make([]byte, 8), nil, &w); !errors.Is(err, mlx5model.ErrTruncated) {
		t.Errorf("8 bytes: %v", err)
	}
	if found := mlx5model.Check(nil, make([]byte, 8), nil); len(found) != 1 || found[0].Rule != mlx5model.RuleFrame || found[0].Severity != mlx5model.Error {
		t.Errorf("8 bytes: %v", found)
	}
	raw, _ := goldenBytes(goldenList3, 0)
	raw[7] = 7
	if err := mlx5model.DecodeStrict(raw, nil, &w); !errors.Is(err, mlx5model.ErrDS) {
		t.Errorf("DS 7: %v", err)
	}
	raw[7], raw[0x10] = 12, 0x81
	err := mlx5model.DecodeStrict(raw, nil, &w)
	var se *mlx5model.StrictError
	if !errors.As(err, &se) || se.Finding.Rule != mlx5model.RuleFlags || !strings.Contains(err.Error(), "rule 3 at 0x010") {
		t.Errorf("flags 81h: %v", err)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	for _, g := range goldens {
		raw, _ := goldenBytes(g.text, 0)
		ctx := mlx5model.CheckContext{Rules: g.rules, Mode: g.mode, List: g.list}
		var buf []mlx5model.Finding
		if n := testing.AllocsPerRun(100, func() { buf = mlx5model.Check(buf[:0], raw, &ctx) }); n != 0 {
			t.Errorf("%s: %v allocations", g.name, n)
		}
		var w mlx5model.WQE
		dst := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(100, func() {
			if mlx5model.DecodeStrict(raw, g.rules, &w) != nil {
				panic(g.name)
			}
			dst = w.AppendTo(dst[:0])
		}); n != 0 {
			t.Errorf("%s: DecodeStrict and AppendTo: %v allocations", g.name, n)
		}
	}
}

func TestDataSegmentRules(t *testing.T) {
	// RDMA WRITE of two segments: 100h bytes of 181a00, 80h inline bytes.
	raw := hexBytes("00000508 00123404 00000008 00000000" + "00007f0000002000 00abcd00 00000000" +
		"00000100 00181a00 00007f0000001000" + "80000004 deadbeef 00000000 00000000")
	check := func(name string, ctx mlx5model.CheckContext, want ...string) {
		t.Helper()
		var got []string
		for _, f := range mlx5model.Check(nil, raw, &ctx) {
			got = append(got, fmt.Sprintf("%v %d %#x", f.Severity, f.Rule, f.Offset))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	check("clean", mlx5model.CheckContext{Rules: &linux.Rules})
	check("after its key's UMR", mlx5model.CheckContext{Rules: &linux.Rules, PrevUMR: true, PrevKey: 0x181a07}, "warning 13 0x24")
	raw[0xb] = 0x28
	check("fenced", mlx5model.CheckContext{Rules: &linux.Rules, PrevUMR: true, PrevKey: 0x181a07})
	raw[0xb] = 0x68
	check("fence of a UMR", mlx5model.CheckContext{Rules: &linux.Rules}, "error 14 0xb")
	raw[0xb], raw[0x1f] = 0x08, 1
	check("reserved word", mlx5model.CheckContext{}, "error 2 0x1f")
	raw[0x1f], raw[0x32] = 0, 1
	check("inline bytes", mlx5model.CheckContext{}, "error 16 0x30")
	raw[0x30], raw[0x32], raw[0x33] = 0, 0, 0
	check("0 bytes", mlx5model.CheckContext{}, "note 16 0x30")
	raw[3] = 0x77
	check("unknown opcode", mlx5model.CheckContext{}, "warning 1 0x3")
	raw[3], raw[7] = 0x11, 3
	check("atomic", mlx5model.CheckContext{}, "error 16 0x7")
}
