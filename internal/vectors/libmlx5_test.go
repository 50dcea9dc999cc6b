package vectors

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// checkTestdata checks a file of testdata: all cases pass, and there are as
// many as there ought to be.
func checkTestdata(t *testing.T, name string, cases int) {
	t.Helper()
	rep, err := CheckFile("testdata/"+name+".jsonl.gz", Options{MaxDiffs: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rep.Failures {
		t.Errorf("%s line %d, %s: %s %v", name, f.Line, f.ID, f.Reason, f.Diffs)
	}
	if rep.Passed != cases || rep.Failed != 0 || rep.Skipped != 0 {
		t.Errorf("%s: %d passed, %d failed, %d skipped, want %d to pass", name, rep.Passed, rep.Failed, rep.Skipped, cases)
	}
}

func TestLibMLX5Vectors(t *testing.T) {
	for name, cases := range map[string]int{
		"libmlx5-mrlist": 395, "libmlx5-interleaved": 380, "libmlx5-mkeyconf": 384, "libmlx5-head-diff": 142,
	} {
		t.Run(name, func(t *testing.T) { checkTestdata(t, name, cases) })
	}
}

// The versions differ in the length of plain lists only: no case recorded as
// different passes as version 44, and interleaved layouts pass as either.
func TestLibMLX5VersionsDiffer(t *testing.T) {
	for _, tt := range []struct {
		name, version  string
		passed, failed int
	}{
		{"libmlx5-head-diff", LibMLX5v44, 0, 142},
		{"libmlx5-interleaved", LibMLX5Head, 380, 0},
	} {
		rep, err := CheckFile("testdata/"+tt.name+".jsonl.gz", Options{LibMLX5: tt.version})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Passed != tt.passed || rep.Failed != tt.failed {
			t.Errorf("%s as version %s: %d passed, %d failed, want %d, %d", tt.name, tt.version, rep.Passed, rep.Failed, tt.passed, tt.failed)
		}
	}
}

// testLines reads a file of testdata and keeps every step-th line.
func testLines(t *testing.T, name string, step int) [][]byte {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if _, err := all.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for i, l := range bytes.Split(bytes.TrimSpace(all.Bytes()), []byte("\n")) {
		if i%step == 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

// mutations calls try with the line after each change of one output leaf, and
// after each removal of one. isOutput says which object keys hold outputs.
func mutations(t *testing.T, line []byte, isOutput func(key string) bool, try func(what string, line []byte)) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		t.Fatal(err)
	}
	emit := func(what string) {
		out, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		try(what, out)
	}
	var walk func(v any, path string, output bool, set func(any))
	walk = func(v any, path string, output bool, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				out := output || isOutput(k)
				if out {
					delete(v, k)
					emit("without " + path + "." + k)
					v[k] = e
				}
				walk(e, path+"."+k, out, func(n any) { v[k] = n })
			}
			return
		case []any:
			for i, e := range v {
				walk(e, fmt.Sprintf("%s[%d]", path, i), output, func(n any) { v[i] = n })
			}
		}
		if output {
			set(mutant(v))
			emit(path)
			set(v)
		}
	}
	walk(root, "", false, nil)
}

// mutant is v with a small change.
func mutant(v any) any {
	switch v := v.(type) {
	case json.Number:
		if strings.HasSuffix(v.String(), "7") {
			return json.Number(strings.TrimSuffix(v.String(), "7") + "8")
		}
		return json.Number(v.String()[:len(v.String())-1] + "7")
	case string:
		if v == "" {
			return "00"
		}
		last := "0"
		if strings.HasSuffix(v, "0") {
			last = "1"
		}
		return v[:len(v)-1] + last
	case []any:
		if len(v) > 0 {
			return v[1:]
		}
		return []any{[]any{json.Number("0"), json.Number("1")}}
	}
	return nil
}

// testMutations demands that every line passes as it is and fails with any of
// its outputs changed or missing; a ring dump may be missing.
func testMutations(t *testing.T, name string, step, wantTried int, isOutput func(string) bool) {
	t.Helper()
	tried := 0
	env, err := newEnv(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range testLines(t, name, step) {
		if out := checkLine(&job{raw: line}, env); out.Status != Pass {
			continue // the file's own test reports these
		}
		mutations(t, line, isOutput, func(what string, line []byte) {
			if strings.HasPrefix(what, "without ") && strings.HasSuffix(what, ".out.ring") {
				return
			}
			tried++
			j := job{raw: line}
			if out := checkLine(&j, env); out.Status != Fail {
				t.Errorf("%s %s: %s: %v, want fail", name, j.id, what, out.Status)
			}
		})
	}
	if tried < wantTried {
		t.Errorf("%s: %d mutations tried, want at least %d", name, tried, wantTried)
	}
	t.Logf("%s: %d mutations tried", name, tried)
}

func TestLibMLX5Mutations(t *testing.T) {
	for name, step := range map[string]int{"libmlx5-mrlist": 23, "libmlx5-interleaved": 23, "libmlx5-mkeyconf": 23, "libmlx5-head-diff": 17} {
		testMutations(t, name, step, 150, func(k string) bool { return k == "out" })
	}
}

// What is not understood fails: fields too many, too few, misspelt, of the
// wrong kind or width.
func TestLibMLX5Strict(t *testing.T) {
	line := string(testLines(t, "libmlx5-mrlist", 1)[1])
	env := &Env{Version: LibMLX5v44}
	if out := checkLine(&job{raw: []byte(line)}, env); out.Status != Pass {
		t.Fatalf("unchanged line: %v", out)
	}
	for _, tt := range []struct{ name, old, new string }{
		{"unknown field of the case", `"kind":`, `"extra":1,"kind":`},
		{"unknown field of a WR", `"access":`, `"extra":1,"access":`},
		{"unknown field of the QP", `"wq_sig":`, `"extra":1,"wq_sig":`},
		{"field given twice", `"wq_sig":`, `"wq_sig":0,"wq_sig":`},
		{"misspelt", `"fm_cache":`, `"FM_cache":`},
		{"missing", `"crypto_multi_block":1,`, ``},
		{"unknown op", `"op":"mr_list"`, `"op":"mr_lists"`},
		{"entry cut short", `"sge":[[`, `"sge":[[1,2],[`},
		{"entry with null", `"sge":[[`, `"sge":[[1,2,null],[`},
		{"too wide", `"max_inline_data":764`, `"max_inline_data":4294967296`},
		{"no such mkey", `"mkey":0`, `"mkey":6`},
		{"ring size", `"wqe_cnt":32`, `"wqe_cnt":33`},
		{"ring too small for the lists", `"wqe_cnt":32`, `"wqe_cnt":8`},
	} {
		if !strings.Contains(line, tt.old) {
			t.Fatalf("%s: %s is not in the line", tt.name, tt.old)
		}
		bad := strings.Replace(line, tt.old, tt.new, 1)
		if out := checkLine(&job{raw: []byte(bad)}, env); out.Status != Fail {
			t.Errorf("%s: %v, want fail", tt.name, out.Status)
		}
	}
}
