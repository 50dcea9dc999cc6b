package fuzz

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// recordedLines are lines of a file of recorded outputs, every step-th one.
func recordedLines(t *testing.T, file string, step int) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<22)
	for n := 0; s.Scan(); n++ {
		if n%step == 0 {
			lines = append(lines, bytes.Clone(s.Bytes()))
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// digits are the places of digits in what the driver returned and wrote.
func digits(line []byte) (places []int) {
	from := max(bytes.Index(line, []byte(`"out":`)), bytes.Index(line, []byte(`,"ret":`)))
	for i := from; i >= 0 && i < len(line); i++ {
		if '1' <= line[i] && line[i] <= '8' {
			places = append(places, i)
		}
	}
	return places
}

// TestPropertyVectors is check 12: recorded outputs pass, and none passes with
// one digit of the output changed.
func TestPropertyVectors(t *testing.T) {
	for _, name := range []string{"kernel-sg2pages", "kernel-sg2klm", "kernel-regmr", "spdk-umr"} {
		t.Run(name, func(t *testing.T) {
			lines := recordedLines(t, "../internal/vectors/testdata/"+name+".jsonl.gz", 7)
			judge := func(line []byte) bool {
				rep, err := vectors.Check(bytes.NewReader(line), name+".jsonl", vectors.Options{Workers: 1, MaxFailures: 1})
				if err != nil {
					return false
				}
				var v oracle.Verdict
				oracle.JudgeVectors(&rep, &v)
				return v.Failed[oracle.Vector] == 0
			}
			p, changes := propParameters(t, 200), 0
			checkProp(t, prop.ForAll(func(at, place int) *gopter.PropResult {
				line := lines[at%len(lines)]
				if !judge(line) {
					return gopter.NewPropResult(false, fmt.Sprintf("recorded output fails: %s", line))
				}
				all := digits(line)
				if len(all) == 0 {
					return notApplicable()
				}
				changes++
				changed := bytes.Clone(line)
				changed[all[place%len(all)]]++
				return gopter.NewPropResult(!judge(changed), fmt.Sprintf("changed output passes: %s", changed))
			}, gen.IntRange(0, 1<<20), gen.IntRange(0, 1<<20)), p)
			if changes == 0 {
				t.Error("nothing was changed")
			}
		})
	}
}
