package xlt

import (
	"bytes"
	"os/exec"
	"testing"
)

// TestNoBoundsChecks asks the compiler: the loops of portable.go have no checks
// left. That xlt.go has some, where arguments are cut, shows that the compiler
// was asked.
func TestNoBoundsChecks(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	out, err := exec.Command(tool, "build", "-tags", "purego", "-gcflags=-d=ssa/check_bce", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("xlt.go:")) {
		t.Fatalf("the compiler did not report the checks that there are:\n%s", out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("portable.go:")) {
			t.Errorf("%s", line)
		}
	}
}
