package fuzz

import "testing"

func TestFindingCommands(t *testing.T) {
	c := Config{Seed: 5, First: 2, Full: true, Strategies: []string{"indirect", "auto"}, Generators: []string{"literal"}, Screen: 1}
	for got, want := range map[string]string{
		c.ReplayCommand("my findings/it's.sgcase"): `sgfuzz replay --full --no-variants 'my findings/it'\''s.sgcase'`,
		c.RedrawCommand(9, false):                  "sgfuzz run --no-corpus --no-guide --seed=5 --first=9 --cases=1 --strategy=indirect,auto --generator=literal --full --no-variants",
		c.RedrawCommand(9, true):                   "sgfuzz run --no-corpus --seed=5 --first=2 --cases=8 --strategy=indirect,auto --generator=literal --full --no-variants",
		ShellWord("-x"):                            "'./-x'",
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	c = Config{Seed: 5, Variants: true, Mutant: "klm-byte-order"}
	if got := c.ReplayCommand("x"); got != "sgfuzz explain --mutant=klm-byte-order x" {
		t.Error(got)
	}
	if got := c.RedrawCommand(1, false); got != "sgfuzz run --no-corpus --no-guide --seed=5 --first=1 --cases=1 --mutant=klm-byte-order" {
		t.Error(got)
	}
	c = Config{Seed: 5, Variants: true, Screen: 3}
	if got := c.RedrawCommand(0, true); got != "sgfuzz run --no-corpus --seed=5 --first=0 --cases=1 --screen=3" {
		t.Error(got)
	}
	c = Config{State: "my state", Full: true, Variants: true, Keep: 3, Screen: 1, NoGuide: true, First: 7, Dialects: []string{"ofed"}, Mutant: "x"}
	if got := c.ResumeCommand(); got != "sgfuzz run --state='my state' --dialect=ofed --mutant=x --first=7 --keep=3 --no-guide --full" {
		t.Error(got)
	}
}
