package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/sgfuzz/sgfuzz/internal/usage"
)

// placeholders are what can stand for a value, and what is meant.
var placeholders = map[string]string{
	"N": "a number", "P": "an exponent", "BYTES": "a size", "ADDR": "an address", "TIME": "a duration such as 90s", "SHARE": "0 to 1",
	"NAME": "one of some names", "NAME=NUMBER": "a name and its value", "SPEC": "several of these",
	"FILE": "a file", "DIR": "a directory", "CASE": "case files or names of embedded cases", "HOW": "a manner", "WHICH": "a manner",
}

// meanings are how the help of a flag that several verbs have begins. A second
// meaning of a name needs a reason.
var meanings = map[string][]string{
	"benchmark": {"Only these benchmarks"},
	"cases":     {"Cases to make at most"},
	"dialect":   {"Only these dialects", "Dialect of the WQEs", "Dialect to judge by"}, // of one case there is one
	"entries":   {"Entries of a list"},
	"first":     {"Number to begin with"},
	"for":       {"Time to work at most"},
	"format":    {"What the files are", "What to write"}, // in and out
	"full":      {"Move every byte"},
	"html":      {"Page to write"},
	"jobs":      {"Cases worked on at once"},
	"json":      {"Result as JSON"},
	"mutant":    {"Work with a re-created defect"},
	"out":       {"Directory for findings", "Directory to write to", "File to write to", "Page to write"}, // as its placeholder says
	"profile":   {"Only these device profiles", "Device profile"},                                         // of one case there is one
	"rows":      {"Entries "},
	"seed":      {"Seed of what is drawn"},
	"steps":     {"Cases tried at most to shrink one"},
	"strategy":  {"Only these strategies", "Strategy that registers"}, // of one case there is one
	"strict":    {"Exit status 1 if", "Stop the program at"},          // what a broken rule does, for bytes and for a program
	"timeout":   {"Longest wait"},
	"unit":      {"Addresses and lengths are multiples"},
	"variants":  {"Check the metamorphic relations"},
	"verbose":   {"Print every case"},
}

// TestFlagsAreConsistent demands that a flag of one name is written and
// explained in one way in all verbs, that each letter stands for one name, and
// that placeholders are of one kind.
func TestFlagsAreConsistent(t *testing.T) {
	type use struct{ verb, short, help string }
	first, short := map[string]use{}, map[string]string{}
	for _, c := range program().Cmds {
		for _, f := range c.Flags {
			at := fmt.Sprintf("%s --%s", c.Name, f.Name)
			if f.Help == "" || !strings.HasSuffix(f.Help, ".") || !unicode.IsUpper(rune(f.Help[0])) {
				t.Errorf("%s: help %q: sentences, please", at, f.Help)
			}
			if f.Takes != usage.Switch && placeholders[f.Placeholder] == "" {
				t.Errorf("%s: placeholder %q: none of those that are in use", at, f.Placeholder)
			}
			if f.Default != "" && strings.Contains(f.Help, "default: "+f.Default) {
				t.Errorf("%s: %q: the default is added by itself", at, f.Help)
			}
			if f.Short != "" && cmp.Or(short[f.Short], f.Name) != f.Name {
				t.Errorf("%s: -%s stands for --%s, too", at, f.Short, short[f.Short])
			}
			short[f.Short] = f.Name
			other, again := first[f.Name]
			first[f.Name] = use{c.Name, f.Short, f.Help}
			if !again {
				continue
			}
			if other.short != f.Short {
				t.Errorf("%s: -%s, but -%s for %s", at, f.Short, other.short, other.verb)
			}
			if other.help != f.Help && !slices.ContainsFunc(meanings[f.Name], func(m string) bool { return strings.HasPrefix(f.Help, m) }) {
				t.Errorf("%s: %q: as for %s, please: %q", at, f.Help, other.verb, meanings[f.Name])
			}
		}
	}
}

// TestTyposAreAnswered gives each flag and argument that takes names one that
// is mistyped.
func TestTyposAreAnswered(t *testing.T) {
	good := goodInvocations(t)
	tried := 0
	for _, c := range program().Cmds {
		for _, f := range c.Flags {
			if f.Takes != usage.Name || good[c.Name] == nil {
				continue
			}
			value := ""
			if strings.Contains(f.Placeholder, "=") {
				value = "=1"
			}
			name := f.Names[slices.IndexFunc(f.Names, func(s string) bool { return len(s) > 3 })]
			args := append(slices.Clone(good[c.Name]), "--"+f.Name+"="+name[:2]+"x"+name[2:]+value)
			r := sgfuzz("", args...)
			if r.code != exitUsage || !strings.Contains(r.err, fmt.Sprintf("did you mean %q", name)) {
				t.Errorf("%s: %d: %s", strings.Join(args, " "), r.code, clip(r.err))
			}
			tried++
		}
	}
	if tried < 20 {
		t.Errorf("%d flags tried", tried)
	}
}
