//go:build linux && (amd64 || arm64)

package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/vhca"
	"github.com/sgfuzz/sgfuzz/vhca/launch"
	"github.com/sgfuzz/sgfuzz/vhca/opinion"
)

var (
	mutants = flag.String("mutants", "", "run the suites on wrong engines: all, issue, or a part of a name")
	hunted  = flag.Int("hunt", 0, "TestHunt: look for the wrong engines of -mutants by so many random programs each")
)

// mutant is an engine with one defect: a replacement in one source file, made
// at build time (go build -overlay), so that no engine carries it.
type mutant struct {
	name, file, old, new string
	tests                []string // parts of the names of the tests that see it first
}

// keysOnly are the packages' files whose defects the second opinion must see by
// itself, whatever the tests look at.
var keysOnly = []string{"mlx5model/umr.go", "mlx5model/translate.go", "mlx5model/translate_list.go"}

// The first eight are the classic ones; the rest is what came to mind.
var engines = []mutant{
	{"drop a KLM entry", "mlx5model/umr.go", "	d.writeList(k, w.UMR.XltOffset, list)",
		"	if len(list) > 16 {\n		clear(list[16:32])\n	}\n	d.writeList(k, w.UMR.XltOffset, list)", []string{"key/"}},
	{"ignore the length mask", "mlx5model/umr.go", "	if set(MaskLen) {", "	if false {", []string{"key/"}},
	{"ignore free", "mlx5model/translate.go", "	case k.ctx.Free:\n", "	case false:\n", []string{"key/", "window/"}},
	{"ignore PD", "mlx5model/translate.go", "	case k.ctx.PD != w.pd:\n", "	case false:\n", []string{"key/", "error/"}},
	{"drop the stride per cycle", "mlx5model/translate_list.go", "e.va+cycle*e.stride+in", "e.va+in", []string{"key/"}},
	{"drop a bound", "mlx5model/translate.go", "	return off <= c.Len && n <= c.Len-off", "	return true", []string{"key/", "error/", "window/"}},
	{"never flip the owner bit", "vhca/cq.go", "uint8(c.pi>>log) & 1", "uint8(c.pi>>log) & 0", []string{"cq/"}},
	{"nested remote rights", "mlx5model/translate.go", "a.Op.local()\n", "a.Op.right()\n", []string{"key/"}},

	{"ignore the tag", "mlx5model/translate.go", "	case k.ctx.Tag != KeyTag(key):\n", "	case false:\n", []string{"error/", "window/"}},
	{"ignore the window's queue pair", "mlx5model/translate.go", "	case k.ctx.QPN != QPNAny && k.ctx.QPN != w.qpn:\n", "	case false:\n", []string{"window/"}},
	{"ignore rights", "mlx5model/translate.go", "	case k.ctx.Access&right == 0:\n", "	case false:\n", []string{"error/"}},
	{"ignore the offset in an entry", "mlx5model/translate_list.go", "w.access(e.Key, e.VA+off, take, w.local, depth+1)", "w.access(e.Key, e.VA, take, w.local, depth+1)", []string{"key/"}},
	{"ignore the nesting limit", "mlx5model/translate_list.go", "	if depth >= p.MaxIndirection {\n		return ReasonDepth\n	}\n	if k.isRepeat", "	if k.isRepeat", []string{"key/"}},
	{"ignore the offset of a repeat list", "mlx5model/translate_list.go", "	in := rest - k.sums[i]", "	in := rest * 0", []string{"key/"}},
	{"ignore qp_access_flags", "vhca/peer.go", "	if n > 0 && to.attr.Access&flag == 0 {", "	if n > 0 && to.attr.Access&flag == ^flag {", []string{"error/"}},
	{"forget to flush receives", "vhca/run.go", "	for q.rq.posted() > 0 && q.rq.posted() <= q.rq.count {", "	for false {", []string{"error/"}},
	{"invalidate without permission", "mlx5model/translate.go", "	if r == reasonNone && !k.ctx.EnRinval {", "	if false {", []string{"key/"}},
	{"do not invalidate remotely", "mlx5model/translate.go", "	k.ctx.Free = true\n	return nil", "	return nil", []string{"key/", "window/"}},
	{"swap without comparing", "vhca/peer.go", "before != compare", "before == compare && false", []string{"rc/"}},
	{"a receive takes any length", "vhca/recv.go", "		n := min(uint64(d.ByteCount), need)", "		n := need", []string{"error/", "rc/"}},
	{"shared receives in slot order", "vhca/recv.go", "	s.srq.head = next & (s.srq.spec.WRs - 1)", "	_ = next\n	s.srq.head = (s.srq.head + 1) % 3", []string{"srq/", "xrc/"}},
	{"every event is solicited", "vhca/cq.go", "	c.armed, c.solicitedOnly = true, word&(1<<24) != 0", "	c.armed, c.solicitedOnly = true, false", []string{"cq/"}},
	{"arming late is missed", "vhca/cq.go", "	if ahead := (last - seen) & index24; ahead != 0 &&", "	if ahead := (last - seen) & index24; false &&", []string{"cq/"}},
	{"re-registration keeps the tag", "vhca/keys.go", "mlx5model.KeyTag(mlx5model.BumpKey(old.rkey))", "mlx5model.KeyTag(old.rkey)", []string{"error/"}},
	{"other rights, another key", "vhca/keys.go", "	if flags&reregTranslation != 0 || (", "	if flags != 0 || (", []string{"error/"}},
	{"a resized queue starts at 0", "vhca/cq.go", "	c.buf = bytesAt(buf, int(entries*size))\n	return nil", "	c.buf = bytesAt(buf, int(entries*size))\n	c.pi = 0\n	return nil", []string{"cq/"}},
	{"XRC keys of domain 0", "vhca/peer.go", "	return s.spec.PD, s\n", "	return 0, s\n", []string{"xrc/"}},
	{"UD has no room for the header", "vhca/message.go", "	body := e.after(e.scatter, grhSize)", "	body := e.after(e.scatter, 0)", []string{"ud/"}},
	{"UC errors reach the sender", "vhca/peer.go", "	if !p.reliable() {\n		return mlx5model.SynOK\n	}\n	p.e.explain", "	p.e.explain", []string{"uc/"}},

	{"ignore the guard", "mlx5model/signature_tuple.go", "s.check&(0x80>>i) == 0 ||", "s.check&(0x80>>i) <= 0xff ||", []string{"signature/"}},
	{"never drain", "vhca/signature.go", "	if q.drain && q.state == RTS {", "	if q.drain && q.state == Reset {", []string{"signature/"}},
	{"a drained queue runs on", "vhca/run.go", "(q.state == RTS || q.state == Err) && e.step(q, pi)", "e.step(q, pi)", []string{"signature/"}},
	{"drain unasked", "vhca/signature.go", "	if q.drain && q.state", "	if q.state", []string{"signature/"}},
	{"a CRC without its inversion", "mlx5model/signature_tuple.go", "crc32.Update(^uint32(s.seed>>32), s.table, block)", "^crc32.Update(^uint32(s.seed>>32), s.table, block)", []string{"signature/"}},
	{"every seed is ones", "mlx5model/signature_tuple.go", "crc32.Update(^uint32(s.seed>>32), s.table, block)", "crc32.Update(0, s.table, block)", []string{"signature/"}},
	{"CRC32C is CRC32", "mlx5model/signature_tuple.go", "crc32.MakeTable(crc32.Castagnoli)", "crc32.IEEETable", []string{"signature/"}},
	{"CRC-64 is that of ECMA-182", "mlx5model/signature_tuple.go", "crc64.MakeTable(0x9a6c9329ac4bc9b5)", "crc64.MakeTable(crc64.ECMA)", []string{"signature/"}},
	{"a CRC-64 without its inversion", "mlx5model/signature_tuple.go", "crcWide(^s.seed, s.wide, block)", "^crcWide(^s.seed, s.wide, block)", []string{"signature/"}},
	{"every seed of a CRC-64 is ones", "mlx5model/signature_tuple.go", "crcWide(^s.seed, s.wide, block)", "crcWide(0, s.wide, block)", []string{"signature/"}},
	{"an error has half a CRC-64", "mlx5model/signature_tuple.go", "return uint32(crc >> 32), uint32(crc)", "return uint32(crc >> 32), 0", []string{"signature/"}},
	{"tuples are not made", "mlx5model/signature.go", "d.putTail(d.ext, want) == nil", "true", []string{"signature/"}},
	{"tuples need no room", "mlx5model/signature.go", "	if err == nil && in == 0 && n == s.sig.block {", "	if false {", []string{"signature/"}},
	{"tuples count in addresses", "mlx5model/signature.go", "k.ctx.Start+block*(s.sig.block+s.sig.tuple)+in, n", "k.ctx.Start+block*0+off, n", []string{"signature/"}},
	{"errors are told again", "mlx5model/signature.go", "			k.sigTold = true", "			k.sigTold = false", []string{"signature/"}},
	{"errors are told once for all", "mlx5model/umr.go", "		k.sigTold = false", "		k.sigTold = k.sigTold && true", []string{"signature/"}},
	{"both domains are nothing to compare", "mlx5model/signature.go", "	if s.sig.alike {\n		out, err", "	if s.sig.alike && d == nil {\n		out, err", []string{"signature/"}},
	{"what came over the wire is not compared", "mlx5model/signature.go", "	if s.a.Op.Writes() && !s.sig.alike {", "	if s.a.Op.Writes() {", []string{"signature/"}},
	{"domains alike have blocks as without the wire", "mlx5model/signature.go", "	if s.alike {\n		return s.block + s.tuple", "	if false {\n		return s.block + s.tuple", []string{"signature/"}},
	{"another process's accesses are not settled", "vhca/remote.go", "	e.settle(first, s == mlx5model.SynOK)", "	e.settle(first, false)", []string{"signature/two"}},
	{"another process's accesses settle one's own", "vhca/remote.go", "	e.settle(first, s == mlx5model.SynOK)", "	e.settle(0*first, s == mlx5model.SynOK)", []string{"signature/two"}},
	{"a long READ stays in the adapter", "vhca/remote.go", "	if op == mlx5model.OpRDMARead {", "	if op == mlx5model.OpRDMARead && n == 1 {", []string{"signature/two"}},
	{"signature errors go nowhere", "vhca/signature.go", "		q := e.qps[s.QPN]\n", "		q := e.qps[0]\n", []string{"signature/"}},
}

const classic = 8

// TestMutantsFit: each defect still has its place, built or not.
func TestMutantsFit(t *testing.T) {
	for i := range engines {
		engines[i].right(t)
	}
}

// TestMutants: every wrong engine makes the suites fail, without hanging them.
func TestMutants(t *testing.T) {
	if *mutants == "" {
		t.Skip("SKIPPED: asked for by -mutants=all")
	}
	_, suite := need(t)
	for i, m := range engines {
		if !m.chosen(i) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			lib := m.build(t)
			out, err := play(t, lib, vhca.Settings{}, []string{"SUITE_STOP=1"}, append([]string{suite}, m.tests...)...)
			if err == nil {
				t.Fatalf("nothing noticed\n%s", out)
			}
			by := "the program died"
			for line := range strings.Lines(out) {
				if name, ok := strings.CutPrefix(line, "FAIL "); ok {
					by = strings.TrimSpace(name)
				}
			}
			t.Logf("caught by %s", by)
			if slices.Contains(keysOnly, m.file) && !slices.Contains(m.tests, "signature/") {
				m.contradicted(t, lib, suite)
				noticed(t, lib, suite)
			}
		})
	}
}

// contradicted: the trace of a run tells that the engine is wrong, and a strict
// run stops there, where nothing else is strict about it.
func (m *mutant) contradicted(t *testing.T, lib launch.Library, suite string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	args := append([]string{suite}, m.tests...)
	_, _ = play(t, lib, vhca.Settings{Trace: file}, []string{"SUITE_STOP=1"}, args...)
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte("ORACLE DISAGREES: ")) {
		t.Errorf("the oracle noticed nothing in a trace of %d bytes, %v", len(text), err)
	}
	out, err := play(t, lib, vhca.Settings{Strict: true}, nil, args...)
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != vhca.ExitStrict || !strings.Contains(out, opinion.ErrDisagrees.Error()) {
		t.Errorf("strict: %v\n%s", err, out)
	}
}

// noticed: random programs see by themselves that keys are wrong.
func noticed(t *testing.T, lib launch.Library, suite string) {
	t.Helper()
	const most = 64
	p := newPlayer(t, lib, vhca.Settings{}, suite)
	if f, n := p.first(*programSeed, most); f == nil {
		t.Errorf("%d random programs see nothing", n)
	}
}

func (m *mutant) chosen(i int) bool {
	return *mutants == "all" || *mutants == "issue" && i < classic || strings.Contains(m.name, *mutants)
}

// TestHunt says how many random programs it takes to notice a wrong engine, and
// what is left of the one that does. They need not notice every one.
func TestHunt(t *testing.T) {
	if *hunted == 0 || *mutants == "" {
		t.Skip("SKIPPED: asked for by -mutants=all -hunt=200")
	}
	_, suite := need(t)
	for i, m := range engines {
		if !m.chosen(i) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			f, n := newPlayer(t, m.build(t), vhca.Settings{}, suite).hunt(*programSeed, *hunted)
			if f == nil {
				t.Logf("%d random programs see nothing", n)
				return
			}
			t.Logf("random program %d, shrunk to %d actions\n%s", n, len(f.Program), f.Explain())
		})
	}
}

// build makes the engine with the defect.
func (m *mutant) build(t *testing.T) launch.Library {
	t.Helper()
	file, text := m.right(t)
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: wrong}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{wrong: []byte(strings.Replace(text, m.old, m.new, 1)), filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lib, err := launch.BuildIn(context.Background(), dir, "-overlay", filepath.Join(dir, "overlay.json"))
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// right is the source file, with its text, that has what the defect replaces,
// once.
func (m *mutant) right(t *testing.T) (file, text string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(root, m.file)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		t.Fatalf("%q: %s has %d times %q", m.name, m.file, n, m.old)
	}
	return file, string(b)
}
