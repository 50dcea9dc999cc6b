package fuzz

import (
	"reflect"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestParseFinding reads back what findings are saved with.
func TestParseFinding(t *testing.T) {
	for _, f := range []Finding{
		{Class: "rights/auto", Number: 7, Text: "check 7 rights: one\ncheck 7 rights: two"},
		{Class: "read-stream/indirect", Text: "check 1", Shrunk: true, Trigger: Trigger{
			Strategies: []string{"indirect", "auto"}, Dialects: []string{"ofed"}, Profiles: []string{"default", "small"},
			Options: []string{"dir", "offset"}, List: []string{"n2", "interior:odd"},
		}},
		{Class: "x/y", Number: 1 << 60, Text: "t", Shrunk: true},
	} {
		f.Case = &corpus.Case{List: sg.List{{Addr: 1, Len: 1}}}
		f.describe(99)
		c, err := corpus.Parse([]byte(corpus.Format(f.Case)))
		if err != nil {
			t.Fatal(err)
		}
		got, seed, ok := ParseFinding(c)
		got.Case = f.Case
		if !ok || seed != 99 || !reflect.DeepEqual(got, f) {
			t.Errorf("seed %d, %v\n%+v\nwant\n%+v", seed, ok, got, f)
		}
	}
	for _, text := range []string{"", "# a comment", "# x/y, found as case 3", "# x, y"} {
		c, err := corpus.Parse([]byte(text + "\nsg 0x1+1\n"))
		if err != nil {
			t.Fatal(err)
		}
		if f, _, ok := ParseFinding(c); ok {
			t.Errorf("%q is read as %+v", text, f)
		}
	}
}
