package fuzz

import (
	"fmt"
	"strings"
)

// ReplayCommand is the sgfuzz command line that runs a saved finding again the
// way the campaign did. What a mutant did it shows beside the list.
func (c *Config) ReplayCommand(file string) string {
	if c.Mutant != "" {
		return "sgfuzz explain --mutant=" + c.Mutant + " " + ShellWord(file)
	}
	return "sgfuzz replay" + c.thorough() + " " + ShellWord(file)
}

// RedrawCommand is the sgfuzz command line that makes case n of the campaign
// again, before it was shrunk. A mutated one takes all the cases before it.
func (c *Config) RedrawCommand(n uint64, mutated bool) string {
	s := fmt.Sprintf("sgfuzz run --no-corpus --no-guide --seed=%d --first=%d --cases=1", c.Seed, n)
	if mutated {
		s = fmt.Sprintf("sgfuzz run --no-corpus --seed=%d --first=%d --cases=%d", c.Seed, c.First, n-c.First+1)
		if c.Screen != 0 && c.Screen != c.defaultScreen() {
			s += fmt.Sprintf(" --screen=%d", c.Screen)
		}
	}
	return s + c.filters() + c.thorough()
}

// ResumeCommand is the sgfuzz command line that goes on with the campaign of
// the state directory.
func (c *Config) ResumeCommand() string {
	s := "sgfuzz run --state=" + ShellWord(c.State) + c.filters()
	for _, f := range []struct {
		name     string
		n, plain uint64
	}{{"first", c.First, 0}, {"keep", uint64(c.Keep), 1}, {"screen", c.Screen, c.defaultScreen()}} {
		if f.n != 0 && f.n != f.plain {
			s += fmt.Sprintf(" --%s=%d", f.name, f.n)
		}
	}
	if c.NoGuide && len(c.Generators) == 0 {
		s += " --no-guide"
	}
	return s + c.thorough()
}

// filters are the flags that say what is fuzzed.
func (c *Config) filters() (flags string) {
	for _, f := range []struct {
		flag  string
		names []string
	}{{"strategy", c.Strategies}, {"dialect", c.Dialects}, {"profile", c.Profiles}, {"generator", c.Generators}} {
		if len(f.names) > 0 {
			flags += " --" + f.flag + "=" + strings.Join(f.names, ",")
		}
	}
	if c.Mutant != "" {
		flags += " --mutant=" + c.Mutant
	}
	return flags
}

func (c *Config) thorough() (flags string) {
	if c.Full {
		flags += " --full"
	}
	if !c.Variants {
		flags += " --no-variants"
	}
	return flags
}

// ShellWord quotes a word for a POSIX shell if it needs that. What begins with
// "-" is taken for the name of a file.
func ShellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && s[0] != '-' {
		return s
	}
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
