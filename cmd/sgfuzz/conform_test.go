package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// conformChild makes the test binary a child that maps KLMs. "wrong" gives each
// a length of one more, "skips" does nothing.
const conformChild = "SGFUZZ_TEST_CONFORM"

func init() {
	if mode := os.Getenv(conformChild); mode != "" {
		serveConform(mode)
		os.Exit(0)
	}
}

func serveConform(mode string) {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	var p conform.Parser
	var q conform.Request
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if err := p.ParseRequest(bytes.TrimSuffix(line, []byte("\n")), &q); err != nil {
			panic(err)
		}
		r := conform.Reply{ID: q.ID, Answer: conform.OK}
		switch {
		case q.Op == conform.OpHello:
			r.Hello = conform.HelloReply{Name: []byte("cmd test\x1b[2J"), Version: 1, Ops: [][]byte{[]byte("sg_to_klms"), []byte("wqe")}}
		case mode == "skips" || q.Op != conform.OpSGToKLMs:
			r.Answer, r.Reason = conform.Skip, []byte("not today")
		default:
			mapKLMs(&q.Map, &r.Map, mode == "wrong")
		}
		fmt.Printf("%s\n", conform.AppendReply(nil, q.Op, &r))
	}
}

// mapKLMs is mlx5_ib_sg_to_klms in a few lines.
func mapKLMs(q *conform.Map, r *conform.MapReply, wrong bool) {
	off := q.Offset
	r.IOVA = uint64(off)
	if len(q.SG) > 0 {
		r.IOVA += q.SG[0].Addr
	}
	for i, e := range q.SG {
		if i == int(q.MaxDescs) {
			break
		}
		n := e.Len - off
		r.Descs = binary.BigEndian.AppendUint32(r.Descs, n)
		r.Descs = binary.BigEndian.AppendUint32(r.Descs, q.LocalLkey)
		r.Descs = binary.BigEndian.AppendUint64(r.Descs, e.Addr+uint64(off))
		r.Ret, r.NDescs, r.Length, off = r.Ret+1, r.NDescs+1, r.Length+uint64(n), 0
	}
	if q.HasOffset {
		r.SGOffsetOut = off
	}
	if wrong {
		r.Length++
	}
}

// conformArgs runs the verb on the test binary.
func conformArgs(t *testing.T, mode string, args ...string) result {
	t.Helper()
	t.Setenv(conformChild, mode)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sgfuzz("", append(append([]string{"conform"}, args...), "--", self, "-x", "--cases", "nothing of ours")...)
}

func TestConform(t *testing.T) {
	conformArgs(t, "right", "--cases", "500").want(t, exitFine, `child "cmd test\x1b[2J", offers sg_to_klms, wqe; seed 1`, "sg_to_klms", "no findings", "wqe: no cases")
	conformArgs(t, "skips", "--cases", "50", "--ops", "sg_to_klms").want(t, exitFine, "skipped 50: not today")
	conformArgs(t, "right", "--for", "300ms", "--ops", "sg_to_klms").want(t, exitFine, "no findings")

	dir := t.TempDir()
	report := filepath.Join(dir, "report.xml")
	r := conformArgs(t, "wrong", "--cases", "500", "--out", dir, "--json", "--junit", report, "--ops", "sg_to_klms")
	r.want(t, exitFindings)
	v := decodeJSON[conformResult](t, r.out)
	if len(v.Findings) != 1 || v.Findings[0].Check != "length" || v.Findings[0].Class != "exact" || v.Findings[0].Entries > 1 || v.Classes["sg_to_klms/length"] == 0 {
		t.Fatalf("%+v", v)
	}
	if c, err := corpus.Load(v.Findings[0].File); err != nil || corpus.Format(c) != v.Findings[0].Case {
		t.Errorf("%v: %+v", err, c)
	}
	checkJUnit(t, report)
	conformArgs(t, "wrong", "--cases", "5", "--replay", v.Findings[0].File).want(t, exitFindings, "length is", "request", "reply")
}

func checkJUnit(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var x junitSuites
	if err := xml.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	if x.Failures != 1 || len(x.Suites) != 1 || x.Suites[0].Tests != 6 || x.Tests != 6 || !strings.Contains(string(b), `<testcase classname="sg_to_klms" name="length">`) {
		t.Errorf("%s", b)
	}
}

func TestConformDeviations(t *testing.T) {
	all := write(t, "all", "# known\nlength sg_to_klms/* counts the terminator\n")
	conformArgs(t, "wrong", "--cases", "100", "--deviations", all).want(t, exitFine, "100 failed as declared", "happened 100 times", "no findings")
	conformArgs(t, "right", "--cases", "100", "--deviations", all).want(t, exitFindings, "NO LONGER HAPPENS")
	other := write(t, "other", "1 register/* not offered here\n")
	conformArgs(t, "right", "--cases", "100", "--deviations", other).want(t, exitFine, "was not tried")
	some := write(t, "some", "length sg_to_klms/n1+* one entry\n")
	conformArgs(t, "wrong", "--cases", "500", "--deviations", some).want(t, exitFindings, "sg_to_klms/length")
	for text, want := range map[string]string{"length sg_to_klms/*\n": "line 1", "\n99 a b\n": "line 2", "size a b\n": "line 1", "length [ b\n": "pattern"} {
		conformArgs(t, "right", "--deviations", write(t, "bad", text)).want(t, exitUsage, want, "not a deviation")
	}
}

// TestConformVectors asks for recorded mappings and work requests.
func TestConformVectors(t *testing.T) {
	dir := "../../internal/vectors/testdata/"
	conformArgs(t, "right", "--vectors", dir+"kernel-sg2klm.jsonl.gz", "--vectors", dir+"spdk-umr.jsonl.gz", "--vectors", dir+"kernel-createmkey.jsonl.gz").
		want(t, exitFine, "skipped 406: not today", "100 not used: no operation for CREATE_MKEY", "no findings")
	r := conformArgs(t, "wrong", "--cases", "1059", "--json", "--vectors", dir+"kernel-sg2klm.jsonl.gz", "--hex")
	r.want(t, exitFindings)
	if v := decodeJSON[conformResult](t, r.out); v.Classes["sg_to_klms/length"] != 1059 {
		t.Errorf("%v", v.Classes)
	}
}

func TestConformUsage(t *testing.T) {
	for _, c := range []struct{ args, text string }{
		{"conform", "command"},
		{"conform --", "command"},
		{"conform -- /no/such/program", "cannot start"},
		{"conform --ops fly -- x", `unknown operation "fly"`},
		{"conform --ops hello -- x", `unknown operation "hello"`},
		{"conform --judge fair -- x", "unknown judge"},
		{"conform --batch 0 -- x", "--batch 0"},
		{"conform --timeout 0s -- x", "--timeout"},
		{"conform --vectors /no/such -- x", "/no/such"},
		{"conform --replay /no/such -- x", "/no/such"},
		{"conform --deviations /no/such -- x", "/no/such"},
	} {
		sgfuzz("", strings.Fields(c.args)...).want(t, exitUsage, c.text)
	}
	conformArgs(t, "right", "--vectors", write(t, "x.jsonl", "{}\n")).want(t, exitUsage, "line 1", "no id")
	conformArgs(t, "right", "--ops", "register").want(t, exitUsage, "none of the operations")
}

func TestConformInterrupted(t *testing.T) {
	t.Setenv(conformChild, "right")
	self, _ := os.Executable()
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	sgfuzzCtx(ctx, "", "conform", "--for", "1h", "--ops", "sg_to_klms", "--", self).want(t, exitFine, "interrupted", "no findings")
}
