package main

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
)

func TestRun(t *testing.T) {
	var whole, part, other bytes.Buffer
	for _, r := range []struct {
		args []string
		out  *bytes.Buffer
	}{{[]string{"--cases", "300"}, &whole}, {[]string{"--from", "100", "--cases", "200"}, &part}, {[]string{"--seed", "2", "--cases", "300"}, &other}} {
		if err := run(r.args, r.out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasSuffix(whole.Bytes(), part.Bytes()) {
		t.Error("--from gives other cases")
	}
	if bytes.Equal(whole.Bytes(), other.Bytes()) {
		t.Error("the seed changes nothing")
	}
	// inline and by pointer, of both kinds
	for _, s := range []string{`"ds":12,`, `"ds":9,`, `"type":"klm"`, `"type":"mtt"`} {
		if !bytes.Contains(whole.Bytes(), []byte(s)) {
			t.Errorf("no case has %s", s)
		}
	}
	rep, err := vectors.Check(&whole, "kernel-regmr-drawn.jsonl", vectors.Options{})
	if err != nil || rep.Passed != 300 {
		t.Errorf("%d of 300 passed: %v", rep.Passed, err)
	}
	for _, args := range [][]string{{"--cases", "-1"}, {"more"}} {
		if err := run(args, &part); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
