package suggest

import (
	"slices"
	"strings"
	"testing"
)

var strategies = []string{"fastreg", "multimr", "bounce", "pool512", "indirect", "rdmarw", "umem", "auto"}

func TestNames(t *testing.T) {
	for _, row := range []struct {
		given string
		all   []string
		want  string
	}{
		{"indrect", strategies, "indirect"},   // a letter too few
		{"indirrect", strategies, "indirect"}, // too many
		{"indixect", strategies, "indirect"},  // another
		{"idnirect", strategies, "indirect"},  // swapped
		{"INDIRECT", strategies, "indirect"},
		{"ind", strategies, "indirect"}, // the beginning
		{"uemm", strategies, "umem"},    // a swap is one slip, not two
		{"frobnicate", strategies, ""},
		{"x", strategies, ""},
		{"", strategies, ""},
		{"b9", []string{"bugs/b09-deep", "bugs/b10-none"}, ""},
		{"b09", []string{"bugs/b09-deep", "bugs/b10-none"}, "bugs/b09-deep"},
		{"bugs/b10-nnoe", []string{"bugs/b09-deep", "bugs/b10-none"}, "bugs/b10-none"},
		{"b10-nnoe", []string{"bugs/b09-deep", "bugs/b10-none"}, "bugs/b10-none"},
		{"aa", []string{"aad", "aac", "aab", "aae", "ab"}, "aab aac aad"}, // three, in order
		{"auot", []string{"autp", "auto"}, "auto"},
	} {
		if got := strings.Join(Names(row.given, row.all), " "); got != row.want {
			t.Errorf("%q: %q, want %q", row.given, got, row.want)
		}
	}
}

func TestQuestion(t *testing.T) {
	for given, want := range map[string]string{
		"bounec": ` (did you mean "bounce"?)`,
		"nosuch": "",
	} {
		if got := Question(given, strategies); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	if got, want := Question("x", []string{"xa", "xb", "xc"}), ` (did you mean "xa", "xb" or "xc"?)`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzDistance holds the distance to the rules of one: symmetric, nought for
// equal names alone, no more than the longer name.
func FuzzDistance(f *testing.F) {
	for _, s := range []string{"", "a", "indirect", "idnirect", "\xff\x00"} {
		f.Add(s, "indirect")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Errorf("%q, %q: %d", a, b, d)
		}
		if !slices.Contains(Names(a, []string{a}), a) && a != "" {
			t.Errorf("%q is not near itself", a)
		}
	})
}
