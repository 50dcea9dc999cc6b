package main

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
)

func TestRun(t *testing.T) {
	var whole, part bytes.Buffer
	if err := run([]string{"--producer", "conf", "--seed", "4", "--cases", "30", "--version", "head"}, &whole); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"--producer", "conf", "--seed", "4", "--from", "10", "--cases", "20", "--version", "head"}, &part); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(whole.Bytes(), part.Bytes()) {
		t.Error("--from gives other cases")
	}
	rep, err := vectors.Check(&whole, "libmlx5-head-drawn.jsonl", vectors.Options{})
	if err != nil || rep.Passed != 30 {
		t.Errorf("%d of 30 passed: %v", rep.Passed, err)
	}
	for _, args := range [][]string{{"--producer", "spdk"}, {"--version", "43"}, {"--cases", "-1"}, {"more"}} {
		if err := run(args, &part); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
