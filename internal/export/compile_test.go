package export

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// warnings are the flags that everything must compile under.
var warnings = []string{"-Wall", "-Wextra", "-Werror"}

// stub is the KUnit of the tests.
const stub = "testdata/stub"

// compilers are those of the machine; the test is skipped if there is none.
func compilers(t *testing.T) (found []string) {
	t.Helper()
	for _, name := range []string{"gcc", "clang", "cc"} {
		if _, err := exec.LookPath(name); err == nil && (name != "cc" || len(found) == 0) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		t.Skip("SKIPPED: no C compiler (gcc, clang or cc): what is exported for C is not compiled")
	}
	return found
}

// output runs a command in a directory.
func output(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := output(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// headerOf exports the embedded cases and some odd ones.
func headerOf(t *testing.T) (dir string, stats Stats) {
	t.Helper()
	dir = t.TempDir()
	stats, err := CHeader(dir, append(embedded(t), oddCases()...), 0)
	if err != nil {
		t.Fatal(err)
	}
	return dir, stats
}

// edit replaces one text in a file, which must have it once.
func edit(t *testing.T, file, old, new string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte(old)); n != 1 {
		t.Fatalf("%s has %q %d times", file, old, n)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte(old), []byte(new), 1), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestExamplePasses compiles and runs the example for user space.
func TestExamplePasses(t *testing.T) {
	for _, cc := range compilers(t) {
		dir, stats := headerOf(t)
		for _, std := range []string{"-std=c11", "-std=c99"} {
			flags := append([]string{std, "-pedantic", "-o", "example", ExampleName}, warnings...)
			mustRun(t, dir, cc, flags...)
			got := mustRun(t, dir, "./example")
			want := fmt.Sprintf("sg_to_pages: %d cases, 0 differ\nsg_to_klms: %[1]d cases, 0 differ\n", stats.Cases)
			if got != want || stats.Cases < 200 {
				t.Errorf("%s %s: %s, want %s", cc, std, got, want)
			}
		}
	}
}

// TestExampleFails breaks the example's mappings one by one: the tables must
// show each, in the field that is wrong.
func TestExampleFails(t *testing.T) {
	cc := compilers(t)[0]
	for _, row := range []struct{ what, old, new, field string }{
		{"gap not seen", "if (behind != start)", "if (behind != start && !inside)", "ret"},
		{"offset left out", "r->iova = c->sg[0].addr + off;", "r->iova = c->sg[0].addr;", "iova"},
		{"length of 16 bits", "\t\tr->length += bytes;\n\t\tbehind", "\t\tr->length += bytes & 0xffff;\n\t\tbehind", "length"},
		{"page twice", "page += c->page_size;\t\t/*", "/*", "ndescs"},
		{"permissions", "page | 3", "page | 1", "descs"},
		{"last page counted", "r->length += last - start;", "r->length += last - start + c->page_size;", "length"},
		{"offset not given back", "r->sg_offset_out = off;\n}\n\nstatic void map_pages", "r->sg_offset_out = 0;\n}\n\nstatic void map_pages", "sg_offset_out"},
		{"full entry counted", "-12 : (int)i;", "-12 : (int)i + 1;", "ret"},
		{"EINVAL", "off > c->sg[0].len", "off > c->sg[0].len + 100000ull", "ret"},
		{"key", "<< 32 | c->lkey", "<< 32 | 0x1700", "descs"},
		{"room", "i < nents && i < c->max_descs", "i < nents", "ret"},
	} {
		t.Run(row.what, func(t *testing.T) {
			dir, _ := headerOf(t)
			edit(t, filepath.Join(dir, ExampleName), row.old, row.new)
			// A buffer of its own, as a broken mapping may write more than there is room for.
			edit(t, filepath.Join(dir, ExampleName), "descs[SGFUZZ_MOST_DESC_BYTES]", "descs[SGFUZZ_MOST_DESC_BYTES + 16 * SGFUZZ_MOST_ENTRIES]")
			mustRun(t, dir, cc, "-std=c11", "-o", "example", ExampleName)
			got, err := output(t, dir, "./example")
			if err == nil || !strings.Contains(got, ": "+row.field+" differs\n") {
				t.Errorf("%v, no %s differs in\n%s", err, row.field, got)
			}
		})
	}
}

// TestKUnitExample compiles the KUnit example against a stub. As exported every
// test is skipped; with hooks that are filled in every one passes, and with a
// wrong one some fail.
func TestKUnitExample(t *testing.T) {
	root, err := filepath.Abs(stub)
	if err != nil {
		t.Fatal(err)
	}
	kernel := []string{"-std=gnu11", "-D__KERNEL__", "-I" + root, "-c", KUnitName, filepath.Join(root, "run.c"), "-Wdeclaration-after-statement"}
	kernel = append(append(kernel, warnings...), "-Wno-unused-parameter") // hooks and the kernel have them
	for _, cc := range compilers(t) {
		dir, stats := headerOf(t)
		build := func() string {
			mustRun(t, dir, cc, kernel...)
			mustRun(t, dir, cc, append([]string{"-std=c11", "-I.", "-c", filepath.Join(root, "hooks.c")}, warnings...)...)
			mustRun(t, dir, cc, "-o", "suite", strings.TrimSuffix(KUnitName, ".c")+".o", "run.o", "hooks.o")
			return mustRun(t, dir, "./suite")
		}
		counts := func(what string, got string, pages, klms [3]int) {
			for name, n := range map[string][3]int{"pages": pages, "klms": klms} {
				want := fmt.Sprintf("sgfuzz.sgfuzz_%s_test: %d passed, %d failed, %d skipped\n", name, n[0], n[1], n[2])
				if !strings.Contains(got, want) {
					t.Errorf("%s, %s: %s, want %s", cc, what, got, want)
				}
			}
		}
		n := stats.Cases
		counts("as exported", build(), [3]int{0, 0, n}, [3]int{0, 0, n})

		file := filepath.Join(dir, KUnitName)
		for _, kind := range []string{"pages", "klms"} {
			fillHook(t, file, kind)
		}
		counts("filled in", build(), [3]int{n, 0, 0}, [3]int{n, 0, 0})

		edit(t, file, "sg_dma_len(&sg[i]) = c->sg[i].len;", "sg_dma_len(&sg[i]) = c->sg[i].len + (i == 1);")
		got := build()
		if !strings.Contains(got, ": ret differs\n") || strings.Contains(got, " 0 failed") {
			t.Errorf("%s: a wrong list: %s", cc, got)
		}
	}
}

// fillHook puts a call into a hook, which also looks at the scatterlist that the
// example made: where that is wrong, the hook's answer is.
func fillHook(t *testing.T, file, kind string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(data), "static int sgfuzz_map_"+kind+"(")
	head, tail, ok2 := strings.Cut(after, "\treturn -EOPNOTSUPP;\n")
	if !ok || !ok2 {
		t.Fatalf("%s: no hook sgfuzz_map_%s", file, kind)
	}
	text := before + "void stub_" + kind + "(const void *c, void *r, void *to);\nstatic int sgfuzz_map_" + kind + "(" + head + `	unsigned int i;

	stub_` + kind + `(c, r, descs);
	if (sg_offset)
		*sg_offset = r->sg_offset_out;
	r->descs = descs;
	for (i = 0; i < c->nents; i++)
		if (sg_dma_address(&sg[i]) != c->sg[i].addr || sg_dma_len(&sg[i]) != c->sg[i].len)
			r->ret = -1;
	return 0;
` + tail
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func embedded(t *testing.T) []*corpus.Case {
	t.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
