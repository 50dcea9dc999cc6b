package usage

import (
	"slices"
	"strings"
)

// Reply is how a command line may go on.
type Reply struct {
	// Takes tells what else may stand there than the candidates: for File,
	// Directory, Command and Case what the shell knows, else nothing.
	Takes Takes
	// Prefix is how much of the last word stays: "--strategy=fastreg,".
	Prefix     string
	Candidates []Candidate
}

// Candidate goes on behind the prefix of a Reply.
type Candidate struct {
	Text string // ends in '=' or '/' if more of the same word may follow
	Help string // one line
}

// Complete says how the last of the words, which may be empty, can be
// completed. The words are those behind the program's name.
func (p *Program) Complete(words []string) Reply {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	at := p.walk(words[:len(words)-1])
	switch {
	case at.pending != nil:
		return at.pending.complete("", last)
	case !at.raw && strings.HasPrefix(last, "--") && strings.Contains(last, "="):
		name, value, _ := strings.Cut(last, "=")
		if f := at.flag(name); f != nil && f.Takes != Switch {
			return f.complete(name+"=", value)
		}
		return Reply{}
	case !at.raw && strings.HasPrefix(last, "-") && at.cmd != nil:
		return at.flags(last)
	case at.cmd == nil:
		return p.words(at.path, last)
	}
	return at.argument(p, last)
}

// place is where a command line stands.
type place struct {
	path    []string // words of the command's name
	cmd     *Cmd     // nil before they are complete
	given   []string // arguments
	used    []string // flags, without dashes
	pending *Value   // the flag that the next word is the value of
	raw     bool     // behind --
}

func (p *Program) walk(words []string) *place {
	at := &place{}
	for _, w := range words {
		switch {
		case at.pending != nil:
			at.pending = nil
		case at.cmd == nil:
			at.path = append(at.path, w)
			at.cmd = p.Cmd(strings.Join(at.path, " "))
		case at.raw || w == "-" || !strings.HasPrefix(w, "-"):
			at.given = append(at.given, w)
			at.raw = at.raw || at.cmd.passes(len(at.given)-1)
		case w == "--":
			at.raw = true
		default:
			at.take(w)
		}
	}
	return at
}

// passes tells that an argument is a program's name, behind which nothing is a
// flag.
func (c *Cmd) passes(i int) bool { return i < len(c.Arguments) && c.Arguments[i].Takes == Command }

// take takes a flag.
func (at *place) take(w string) {
	name, _, joined := strings.Cut(w, "=")
	f := at.flag(name)
	if f == nil {
		return
	}
	at.used = append(at.used, f.Name)
	if !joined && f.Takes != Switch && !f.Optional {
		at.pending = f
	}
}

// flag finds a flag by what stands on the command line.
func (at *place) flag(word string) *Value {
	if at.cmd == nil {
		return nil
	}
	for i := range at.cmd.Flags {
		f := &at.cmd.Flags[i]
		if word == "--"+f.Name || word == "-"+f.Short || f.Negatable && word == "--no-"+f.Name {
			return f
		}
	}
	return nil
}

// flags are those that can still be given.
func (at *place) flags(last string) (r Reply) {
	add := func(text, help string) {
		if strings.HasPrefix(text, last) {
			r.Candidates = append(r.Candidates, Candidate{text, line(help)})
		}
	}
	for _, f := range at.cmd.Flags {
		switch {
		case slices.Contains(at.used, f.Name) && !f.Several:
		case f.Takes == Switch || f.Optional:
			add("--"+f.Name, f.Help)
			if f.Negatable {
				add("--no-"+f.Name, "Not: "+f.Help)
			}
		default:
			add("--"+f.Name+"=", f.Help)
		}
	}
	return r
}

// words are the next words of the names of commands.
func (p *Program) words(path []string, last string) (r Reply) {
	for _, c := range p.Below(path...) {
		rest := strings.Fields(c.Name)[len(path):]
		if len(rest) == 0 || !strings.HasPrefix(rest[0], last) {
			continue
		}
		help := c.Help
		if len(rest) > 1 {
			help = c.Group
		}
		if n := len(r.Candidates); n == 0 || r.Candidates[n-1].Text != rest[0] {
			r.Candidates = append(r.Candidates, Candidate{rest[0], line(help)})
		}
	}
	return r
}

// argument completes what is no flag.
func (at *place) argument(p *Program, last string) Reply {
	args := at.cmd.Arguments
	i := len(at.given)
	if n := len(args); i >= n && n > 0 && (args[n-1].Several || args[n-1].Takes == Command) {
		if args[n-1].Takes == Command {
			return Reply{Takes: File}
		}
		i = n - 1
	}
	if i >= len(args) {
		return Reply{}
	}
	if args[i].Takes == Verb {
		return p.words(at.given, last)
	}
	return args[i].complete("", last)
}

// complete completes a value behind a prefix.
func (v *Value) complete(prefix, last string) Reply {
	r := Reply{Prefix: prefix}
	switch v.Takes {
	case File, Directory, Command, Case:
		r.Takes = v.Takes
	}
	var given []string
	if i := strings.LastIndexByte(last, ','); v.Commas && i >= 0 {
		given = strings.Split(last[:i], ",")
		r.Prefix, last = prefix+last[:i+1], last[i+1:]
	}
	for _, name := range v.Names {
		if !strings.HasPrefix(name, last) || slices.Contains(given, name) {
			continue
		}
		if i := strings.IndexByte(name[len(last):], '/'); v.Takes == Case && i >= 0 {
			name = name[:len(last)+i+1] // a directory at a time
		}
		if n := len(r.Candidates); n == 0 || r.Candidates[n-1].Text != name {
			r.Candidates = append(r.Candidates, Candidate{Text: name})
		}
	}
	return r
}

// line is the first sentence of a help text, without its full stop.
func line(help string) string {
	help, _, _ = strings.Cut(strings.Join(strings.Fields(help), " "), ". ")
	return strings.TrimSuffix(help, ".")
}
