package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExhaust(t *testing.T) {
	out := filepath.Join(t.TempDir(), "found")
	small := []string{"exhaust", "--out=" + out, "--entries=2", "--pages=1"}
	for _, row := range []struct {
		name  string
		args  []string
		code  int
		texts []string
	}{
		{"whole", nil, exitFine, []string{"211 lists enumerated of 211", "1477 checks", "pool512: not tried on 211 lists", "no findings", "all 211 lists of 0 to 2 entries"}},
		{"part", []string{"--first=10", "--to=20", "--strategy=umem,auto"}, exitFine, []string{"10 lists enumerated of 211, indices 10 to 20", "20 checks", "lists 10 to 20, end excluded"}},
		{"sectors", []string{"--page-size=512", "--base=top"}, exitFine, []string{"1688 checks", "from 0xfffffffffffffe00 on", "a unit is 128 bytes"}},
		{"edges", []string{"--windows=edges"}, exitFine, []string{"sub-ranges inside were not tried"}},
		{"defect", []string{"--mutant=gap-only-at-unaligned-start", "--strategy=fastreg"}, exitFindings, []string{
			"findings of 1 classes", "list    0x100000000+1 0x100000000+1", "accepted; byte for byte it must be refused by \"gap\" at entry 1+0",
			"--mutant=gap-only", "sg 0x100000000+128"}},
		{"size", []string{"--page-size=3"}, exitUsage, []string{"pages of 3 bytes"}},
		{"base", []string{"--base=here"}, exitUsage, []string{"--base here"}},
		{"base 0", []string{"--base=0"}, exitUsage, []string{"--base 0"}},
		{"range", []string{"--first=5", "--to=4"}, exitUsage, []string{"lists 5 to 4"}},
		{"strategy", []string{"--strategy=nosuch"}, exitUsage, []string{"nosuch"}},
		{"mutant", []string{"--mutant=nosuch"}, exitUsage, []string{"nosuch"}},
		{"windows", []string{"--windows=some"}, exitUsage, []string{"some"}},
		{"time", []string{"--for=-1s"}, exitUsage, []string{"--for -1s"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sgfuzz("", append(small[:len(small):len(small)], row.args...)...).want(t, row.code, row.texts...)
		})
	}
	files, err := filepath.Glob(filepath.Join(out, "exhaust-resume-fastreg-*.sgcase"))
	if err != nil || len(files) != 1 {
		t.Errorf("saved cases %v, %v", files, err)
	}
}

// TestExhaustResume: an enumeration that ends early says how to go on, and the
// two together are the whole.
func TestExhaustResume(t *testing.T) {
	r := sgfuzz("", "exhaust", "--out="+filepath.Join(t.TempDir(), "none"), "--for=50ms", "--json", "--jobs=2")
	r.want(t, exitFine)
	got := decodeJSON[exhaustResult](t, r.out)
	if got.Complete || got.Covered == 0 || got.Lists != got.Covered || got.Checks != 7*got.Lists || len(got.Proved) == 0 || got.Interrupted {
		t.Fatalf("%+v", got)
	}
	args := append(strings.Fields(got.Resume)[1:], "--json", "--for=10ms")
	next := decodeJSON[exhaustResult](t, sgfuzz("", args...).out)
	if next.From != got.Covered || next.Total != got.Total || next.Base != got.Base || next.Unit != got.Unit {
		t.Errorf("%v\n%+v\n%+v", args, got, next)
	}
	if _, err := os.Stat("findings"); err == nil {
		t.Error("a directory for findings was made without any")
	}
}
