//go:build unix

package runner

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
)

// recordings are all recorded vectors of the module.
func recordings(t *testing.T) (all []*vector, unused map[string]uint64) {
	t.Helper()
	files, err := filepath.Glob("../../internal/vectors/testdata/*.jsonl.gz")
	if err != nil || len(files) < 10 {
		t.Fatalf("%v, %v", files, err)
	}
	unused = map[string]uint64{}
	for _, file := range files {
		vs, err := loadVectors(file, unused)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vs...)
	}
	return all, unused
}

// wantReply is the reply that a vector stands for, through its line.
func wantReply(t *testing.T, v *vector) conform.Reply {
	t.Helper()
	r := conform.Reply{Answer: conform.OK, Map: v.want}
	if v.wqe != nil {
		r.WQE = conform.WQEReply{Ret: v.wqe.ret, WQEs: v.wqe.wqes, Descs: v.wqe.descs}
	}
	var p conform.Parser
	var back conform.Reply
	if err := p.ParseReply(v.req.Op, conform.AppendReply(nil, v.req.Op, &r), &back); err != nil {
		t.Fatalf("%s: %v", v.id, err)
	}
	return back
}

// TestVectors makes a request and a reply of every recording. The reply must be
// right, and wrong once a byte that the driver wrote is changed.
func TestVectors(t *testing.T) {
	all, unused := recordings(t)
	if unused["no operation for CREATE_MKEY mailboxes"] != 100 {
		t.Errorf("unused: %v", unused)
	}
	producers := map[string]int{}
	var model mapModel
	for _, vec := range all {
		line := conform.AppendRequest(nil, &vec.req, true)
		var p conform.Parser
		var q conform.Request
		if err := p.ParseRequest(line, &q); err != nil {
			t.Fatalf("%s: %v", vec.id, err)
		}
		var v verdict
		r := wantReply(t, vec)
		if vec.req.Op == conform.OpWQE {
			producers[vec.req.WQE.Producer+" "+vec.req.WQE.Version]++
			checkStripped(t, vec, q.WQE.Inputs)
			judgeWQE(&r.WQE, vec.wqe, &v)
			checkSpoilt(t, vec, &r.WQE)
		} else {
			producers[vec.req.Op.String()]++
			want := model.reply(vec.req.Op, &vec.req.Map)
			judgeMap(vec.req.Op, &r.Map, &want, &v)
		}
		if v.status != passed {
			t.Errorf("%s: %v", vec.id, v.failures)
		}
	}
	want := []string{"conf 44", "conf head", "ilv 44", "integ 6.1", "mrlist 44", "mrlist head", "regmr 6.1", "sg_to_klms", "sg_to_pages", "spdk head"}
	if got := slices.Sorted(maps.Keys(producers)); !slices.Equal(got, want) {
		t.Errorf("%v", producers)
	}
}

// checkStripped looks for outputs among a request's inputs.
func checkStripped(t *testing.T, vec *vector, inputs []byte) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(inputs, &c); err != nil {
		t.Fatalf("%s: %v", vec.id, err)
	}
	for _, name := range []string{"id", "out", "map"} {
		if _, ok := c[name]; ok {
			t.Errorf("%s: %s is an input", vec.id, name)
		}
	}
	for _, output := range []string{`"out":`, `"ret":`, `"map":`, `"descs":`, `"ndescs":`, `"wqes":`} {
		if bytes.Contains(inputs, []byte(output)) {
			t.Errorf("%s: %s is among the inputs", vec.id, output)
		}
	}
	if !bytes.Contains(inputs, []byte(`"prefill":`)) {
		t.Errorf("%s: no prefill", vec.id)
	}
}

// checkSpoilt changes the last work request byte by byte, and the return value.
func checkSpoilt(t *testing.T, vec *vector, r *conform.WQEReply) {
	t.Helper()
	if n := len(r.WQEs); n > 0 {
		for i := range r.WQEs[n-1] {
			r.WQEs[n-1][i] ^= 0x10
			var v verdict
			judgeWQE(r, vec.wqe, &v)
			unwritten := slices.ContainsFunc(vec.wqe.unwritten[n-1], func(s [2]int) bool { return i >= s[0] && i < s[0]+s[1] })
			if (v.status == failed) == unwritten {
				t.Fatalf("%s: byte %#x of the last work request changed, written %v: %v", vec.id, i, !unwritten, v.failures)
			}
			r.WQEs[n-1][i] ^= 0x10
		}
	}
	var v verdict
	r.Ret[0]++
	judgeWQE(r, vec.wqe, &v)
	r.Ret[0]--
	r.WQEs = append(r.WQEs, []byte{0})
	judgeWQE(r, vec.wqe, &v)
	r.WQEs = r.WQEs[:len(r.WQEs)-1]
	if len(v.failures) != 2 || v.failures[0].check != "ret" || v.failures[1].check != "wqes" {
		t.Errorf("%s: %v", vec.id, v.failures)
	}
}

func TestBadVectors(t *testing.T) {
	for line, want := range map[string]string{
		`[]`: "not a recorded vector", `{}`: "no id", `{"id":"what-1"}`: "unknown producer",
		`{"id":"sg2klm-1","sg":[[1,4294967296]]}`: "32 bits", `{"id":"sg2klm-1","ndescs":1,"descs":""}`: "16 bytes of descriptors, 0 recorded",
		`{"id":"regmr-1","out":{"wqes":[{"ds":2,"hex":"00"}]}}`: "32 bytes", `{"id":"regmr-1","out":{"wqes":[{"ds":2,"hex":"0"}]}}`: "not a recorded vector",
	} {
		if _, _, err := parseVector([]byte(line), "44"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	if _, reason, err := parseVector([]byte(`{"id":"integ-1","out":null}`), "44"); err != nil || reason == "" {
		t.Errorf("%q, %v", reason, err)
	}
}
