package fuzz

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/leanovate/gopter"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// propSeed is the seed of all properties, unless SGFUZZ_SEED names another; a
// run repeats by its seed because there is one worker.
const propSeed = 20150

// propParameters are gopter's parameters for runs of a property; SGFUZZ_RUNS
// asks for more runs.
func propParameters(t testing.TB, runs int) *gopter.TestParameters {
	seed := int64(propSeed)
	if s := os.Getenv("SGFUZZ_SEED"); s != "" {
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			t.Fatalf("SGFUZZ_SEED: %v", err)
		}
		seed = n
	}
	if s := os.Getenv("SGFUZZ_RUNS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("SGFUZZ_RUNS: %v", err)
		}
		runs = n
	} else if testing.Short() {
		runs = max(runs/4, 10)
	}
	p := gopter.DefaultTestParametersWithSeed(seed)
	p.MinSuccessfulTests, p.Workers, p.MinSize, p.MaxSize = runs, 1, 8, 40
	return p
}

// checkProp runs a property and reports a failure with the shrunk case.
func checkProp(t *testing.T, prop gopter.Prop, p *gopter.TestParameters) {
	t.Helper()
	if r := prop.Check(p); !r.Passed() {
		t.Error(report(t.Name(), t.ArtifactDir(), p.Seed(), r))
	} else {
		t.Logf("%d runs, seed %d", r.Succeeded, p.Seed())
	}
}

// report says what failed, in the corpus' text form, and how to run it again.
func report(name, dir string, seed int64, r *gopter.TestResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v after %d runs: %s\n", r.Status, r.Succeeded, strings.Join(r.Labels, "; "))
	if r.Error != nil {
		fmt.Fprintf(&b, "%v\n%s\n", r.Error, r.ErrorStack)
	}
	for _, arg := range r.Args {
		c, ok := arg.Arg.(*propCase)
		if !ok {
			fmt.Fprintf(&b, "shrunk %d times: %v\n", arg.Shrinks, arg.Arg)
			continue
		}
		fmt.Fprintf(&b, "shrunk %d times, from %v\n", arg.Shrinks, arg.OrigArg)
		reportCase(&b, dir, c)
	}
	fmt.Fprintf(&b, "again: SGFUZZ_SEED=%d go test ./fuzz -run '^%s$'", seed, name)
	return b.String()
}

func reportCase(b *strings.Builder, dir string, c *propCase) {
	text := corpus.Format(&c.Case)
	if named, ok := mlx5model.ProfileByName(profileOf(&c.Case)); !ok || named != c.profile {
		fmt.Fprintf(b, "on a device that case files cannot name: %s\n", profileDiff(named, c.profile))
	}
	file := filepath.Join(dir, "shrunk.sgcase")
	saved := c.Case.Clone()
	if err := corpus.Save(file, saved); err != nil {
		fmt.Fprintf(b, "%v\n", err)
	}
	fmt.Fprintf(b, "%s\nreplay: sgfuzz replay %s   (kept with go test -artifacts; or the lines above to sgfuzz replay -)\n", text, file)
}

// profileDiff lists the fields in which a profile differs.
func profileDiff(a, b mlx5model.Profile) string {
	var all []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if f := x.Type().Field(i); f.Name != "Doc" && x.Field(i).Interface() != y.Field(i).Interface() {
			all = append(all, fmt.Sprintf("%s %v", f.Name, y.Field(i)))
		}
	}
	return strings.Join(all, ", ")
}

// notApplicable is the result for a case that a property says nothing about. It
// is not gopter.PropUndecided: shrinking takes that for a failure, moves on to
// cases that the property says nothing about, and the failure is lost.
func notApplicable() *gopter.PropResult { return gopter.NewPropResult(true, "") }
