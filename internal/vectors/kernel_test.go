package vectors

import (
	"strings"
	"testing"
)

func TestKernelVectors(t *testing.T) {
	for name, want := range map[string]int{
		"kernel-sg2pages":   1054,
		"kernel-sg2klm":     1059,
		"kernel-regmr":      561,
		"kernel-createmkey": 100,
	} {
		t.Run(name, func(t *testing.T) { checkTestdata(t, name, want) })
	}
}

func TestIntegrityIsSkipped(t *testing.T) {
	rep, err := CheckFile("testdata/kernel-integrity.jsonl.gz", Options{})
	if err != nil || rep.Skipped != 3 || rep.SkipReasons["needs signature"] != 3 || rep.Passed+rep.Failed != 0 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// kernelOutputs are the keys of what the kernel produced, wherever they stand.
var kernelOutputs = map[string]bool{
	"out": true, "map": true, "descs": true, "max_descs": true, "desc_size": true, "ret": true, "sg_offset_out": true,
	"iova": true, "length": true, "ndescs": true, "lkey": true, "create_mkey_in": true,
}

// A change of any output fails, and the failure names that output.
func TestKernelMutations(t *testing.T) {
	env := &Env{Version: LibMLX5v44}
	for name, step := range map[string]int{"kernel-sg2pages": 29, "kernel-sg2klm": 29, "kernel-regmr": 17, "kernel-createmkey": 4} {
		tried := 0
		for _, line := range testLines(t, name, step) {
			mutations(t, line, func(k string) bool { return kernelOutputs[k] }, func(what string, line []byte) {
				if what == "without .out.ring" {
					return // it is in some cases only
				}
				tried++
				j := job{raw: line}
				if out := checkLine(&j, env); out.Status != Fail || !names(out, what) {
					t.Errorf("%s: %s: %+v", j.id, what, out)
				}
			})
		}
		if tried < 100 {
			t.Errorf("%s: only %d mutations", name, tried)
		}
		t.Logf("%s: %d mutations", name, tried)
	}
}

// names reports whether a failure speaks of the changed value.
func names(out Outcome, what string) bool {
	path := strings.TrimPrefix(strings.TrimPrefix(what, "without "), ".")
	for _, part := range []string{"ring_segs", "stale"} { // compared as a whole
		if i := strings.Index(path, part); i >= 0 {
			path = path[:i+len(part)]
		}
	}
	for _, d := range out.Diffs {
		if strings.HasPrefix(d.Path, path) {
			return true
		}
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	return len(out.Diffs) == 0 && strings.Contains(out.Reason, last)
}

// A difference in a WQE names the wire field.
func TestDiffNamesField(t *testing.T) {
	line := string(testLines(t, "kernel-regmr", 1)[0])
	for old, note := range map[string]string{
		`"hex":"000000250012340c`: "ctrl.opcode",
		`209e2143`:                "umr_ctrl.mkey_mask",
		`bd00ffffff07`:            "mkc.",
	} {
		at := strings.Index(line[strings.Index(line, `"wqes"`):], old) + strings.Index(line, `"wqes"`)
		b := []byte(line)
		pos := at + len(old) - 1
		if strings.HasPrefix(old, `"hex"`) {
			pos = at + len(`"hex":"0000002`)
		}
		b[pos] ^= 1
		out := checkRegMR(b, nil)
		if len(out.Diffs) != 1 || !strings.Contains(out.Diffs[0].Note, note) {
			t.Errorf("changed %s: %+v, want a note of %s", old, out, note)
		}
	}
}

// Cases that no recording may have still get an answer.
func TestKernelBadCases(t *testing.T) {
	reg, pages := string(testLines(t, "kernel-regmr", 1)[0]), string(testLines(t, "kernel-sg2pages", 1)[0])
	create := string(testLines(t, "kernel-createmkey", 1)[0])
	for _, tt := range []struct{ name, line, old, new, reason string }{
		{"unknown field", reg, `"kind":`, `"extra":0,"kind":`, "extra: unknown"},
		{"unknown op", reg, `"op":"reg_mr"`, `"op":"reg"`, "unknown op"},
		{"unknown type", pages, `"type":"mtt"`, `"type":"ksm"`, "neither mtt nor klm"},
		{"unknown type of key", create, `"type":"klm"`, `"type":"ksm"`, "neither mtt nor klm"},
		{"no such region", reg, `"mr":0`, `"mr":1`, "mr 1 of 1"},
		{"negative region", reg, `"mr":0`, `"mr":-1`, "mr -1 of 1"},
		{"field of another op", reg, `"mr":0`, `"mr":0,"rkey":1`, "too few or too many"},
		{"field of the op missing", reg, `"mr":0,`, ``, "too few or too many"},
		{"ring size", reg, `"wqe_cnt":16`, `"wqe_cnt":15`, "wqe_cnt"},
		{"length beyond 32 bits", pages, `[4294967296,4096]`, `[4294967296,4294967296]`, "more than 32 bits"},
		{"huge region", pages, `"max_num_sg":3`, `"max_num_sg":4294967280`, "beyond"},
		{"huge region to post", reg, `"max_num_sg":2`, `"max_num_sg":4294967280`, "beyond"},
		{"entry of three", pages, `[4294967296,4096]`, `[4294967296,4096,0]`, "3 elements"},
		{"fraction", pages, `"page_size":4096`, `"page_size":4096.5`, "page_size"},
		{"null", pages, `"page_size":4096`, `"page_size":null`, "page_size"},
		{"wrong case", pages, `"page_size":4096`, `"Page_size":4096`, "Page_size: unknown"},
		{"ring segment outside", reg, `"ring_segs":[[0,`, `"ring_segs":[[1024,`, "differences"},
		{"negative ring segment", reg, `"ring_segs":[[0,`, `"ring_segs":[[-1,`, "differences"},
		{"ring segment without text", reg, `"ring_segs":[[0,`, `"ring_segs":[[0],[0,`, "ring_segs"},
		{"text that is not hex", pages, `"descs":"00`, `"descs":"zz`, "differences"},
	} {
		line := strings.Replace(tt.line, tt.old, tt.new, 1)
		if line == tt.line {
			t.Fatalf("%s: %s is not in the line", tt.name, tt.old)
		}
		if out := checkLine(&job{raw: []byte(line)}, &Env{}); out.Status != Fail || !strings.Contains(out.Reason, tt.reason) {
			t.Errorf("%s: %+v, want a failure that says %q", tt.name, out, tt.reason)
		}
	}
}
