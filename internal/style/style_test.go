package style

import (
	"bytes"
	"os"
	"testing"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestForWhatIsNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, row := range []struct {
		columns string
		width   int
	}{{"", 80}, {"132", 132}, {"0", 80}, {"x", 80}, {"-4", 80}} {
		for _, s := range []Style{For(new(bytes.Buffer), env("COLUMNS", row.columns)), For(null, env("COLUMNS", row.columns))} {
			if s.Colour() || s.Width() != row.width || s.Bad("x") != "x" {
				t.Errorf("COLUMNS=%s: %+v", row.columns, s)
			}
		}
	}
	if (Style{}).Width() != DefaultWidth {
		t.Error("the zero Style has no width")
	}
}

func TestColours(t *testing.T) {
	s := Forced(40)
	if got := s.Bad("x"); got != "\x1b[31;1mx\x1b[0;22m" {
		t.Errorf("%q", got)
	}
	if s.Bad("") != "" || s.Width() != 40 || s.Series(0, "a") != s.Series(len(series), "a") {
		t.Error("empty text, width or series")
	}
}

func TestColumns(t *testing.T) {
	red := Forced(9).Bad("日本")
	for text, want := range map[string]int{"": 0, "abc": 3, "é": 1, "日本": 4, red: 4, "│─": 2} {
		if got := Columns(text); got != want {
			t.Errorf("%q has %d columns, not %d", text, got, want)
		}
	}
	if got := Pad(red, 6); got != red+"  " {
		t.Errorf("%q", got)
	}
	if got := PadLeft("ab", 4); got != "  ab" {
		t.Errorf("%q", got)
	}
	for _, row := range []struct {
		text string
		n    int
		want string
	}{{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"日本語", 4, "日…"}, {red, 3, "日…"}, {"ab", 1, "…"}} {
		if got := Cut(row.text, row.n); got != row.want {
			t.Errorf("Cut(%q, %d) = %q, not %q", row.text, row.n, got, row.want)
		}
	}
}
