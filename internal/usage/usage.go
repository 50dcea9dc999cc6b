// Package usage describes a command line that kong parses, so that help,
// completion, manual page and tests are made of one thing: the structs that
// kong fills. What it reads of their tags beside kong's own:
//
//	names:"strategy"  the value is one of the names of this set; without the
//	                  tag a set that is called like the flag or argument is
//	                  taken, and enum values go before
//
// What else a value is shows in its placeholder, or in the name of an
// argument: FILE, DIR, CASE (a file or a name), VERB, COMMAND.
package usage

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Takes is what a flag or argument takes.
type Takes string

// What there is to take.
const (
	Switch    Takes = "switch"    // nothing
	Text      Takes = "text"      // numbers, durations and whatever else has no names
	Name      Takes = "name"      // one of Value.Names
	Case      Takes = "case"      // a file, a directory, or one of Value.Names
	File      Takes = "file"      // a file or a directory
	Directory Takes = "directory" // a directory
	Verb      Takes = "verb"      // words of a command's name
	Command   Takes = "command"   // a program and its arguments
)

// Value is a flag or an argument.
type Value struct {
	Name        string   `json:"name"`                  // of a flag: without dashes
	Short       string   `json:"short,omitempty"`       // of a flag: its other name, one letter
	Help        string   `json:"help"`                  // what it is for
	Placeholder string   `json:"placeholder,omitempty"` // stands for the value in the usage; none for a switch
	Takes       Takes    `json:"takes"`                 // what the value is
	Names       []string `json:"names,omitempty"`       // the values there are
	Default     string   `json:"default,omitempty"`     // if it is left out
	Required    bool     `json:"required,omitempty"`    // it cannot be left out
	Several     bool     `json:"several,omitempty"`     // it can be given several times
	Commas      bool     `json:"commas,omitempty"`      // several values can be joined by commas
	Optional    bool     `json:"optional,omitempty"`    // of a flag: it can stand without a value, which '=' joins
	Negatable   bool     `json:"negatable,omitempty"`   // of a switch: there is --no-NAME, too
}

// Cmd is one command.
type Cmd struct {
	Name      string  `json:"name"`             // with its parent's: "corpus list"
	Group     string  `json:"group"`            // heading that it stands under
	Help      string  `json:"help"`             // what it does, one sentence
	Detail    string  `json:"detail,omitempty"` // more of that, and examples
	Usage     string  `json:"usage"`            // the command line in short
	Arguments []Value `json:"arguments"`
	Flags     []Value `json:"flags"`
}

// Program is a command line.
type Program struct {
	Name string `json:"name"`
	Help string `json:"help"`
	Cmds []Cmd  `json:"commands"`
}

// Of describes the command line of a parser. names gives the members of the
// sets of names. Hidden commands and flags are left out.
func Of(k *kong.Kong, names func(set string) []string) *Program {
	p := &Program{Name: k.Model.Name, Help: k.Model.Help, Cmds: []Cmd{}}
	for _, node := range k.Model.Leaves(true) {
		c := Cmd{
			Name: node.Path(), Help: node.Help, Detail: node.Detail, Usage: k.Model.Name + " " + node.Summary(),
			Arguments: []Value{}, Flags: []Value{},
		}
		if g := node.ClosestGroup(); g != nil {
			c.Group = g.Title
		}
		for _, arg := range node.Positional {
			c.Arguments = append(c.Arguments, argumentOf(arg, names))
		}
		for _, level := range node.AllFlags(true) {
			for _, f := range level {
				if f != k.Model.HelpFlag && !isVersion(f) {
					c.Flags = append(c.Flags, flagOf(f, names))
				}
			}
		}
		c.Flags = append(c.Flags, flagOf(k.Model.HelpFlag, names))
		p.Cmds = append(p.Cmds, c)
	}
	return p
}

func isVersion(f *kong.Flag) bool {
	_, ok := f.Target.Interface().(kong.VersionFlag)
	return ok
}

func flagOf(f *kong.Flag, names func(string) []string) Value {
	v := valueOf(f.Value, names)
	if f.Short != 0 {
		v.Short = string(f.Short)
	}
	v.Placeholder = f.PlaceHolder
	if v.Placeholder == "" && !f.IsBool() {
		v.Placeholder = strings.ToUpper(f.Name)
	}
	v.Commas = v.Several && f.Tag.Sep != -1
	v.Negatable, v.Optional = f.Tag.Negatable != "", f.IsBool() && f.PlaceHolder != ""
	v.Takes = takes(f.Value, &v)
	return v
}

func argumentOf(k *kong.Positional, names func(string) []string) Value {
	v := valueOf(k, names)
	v.Placeholder = strings.ToUpper(k.Name)
	v.Takes = takes(k, &v)
	return v
}

func valueOf(k *kong.Value, names func(string) []string) Value {
	v := Value{Name: k.Name, Help: k.Help, Required: k.Required, Several: k.IsCumulative()}
	if k.IsBool() {
		return v
	}
	v.Default = k.Default
	switch set := k.Tag.Get("names"); {
	case k.Enum != "":
		v.Names = slices.DeleteFunc(k.EnumSlice(), func(s string) bool { return s == "" })
	case set != "":
		v.Names = names(set)
	default:
		v.Names = names(k.Name)
	}
	return v
}

// takes reads what a value is off its placeholder.
func takes(k *kong.Value, v *Value) Takes {
	word, _, _ := strings.Cut(strings.TrimSuffix(v.Placeholder, "…"), ",")
	switch {
	case word == "":
		return Switch
	case k.PassthroughMode != kong.PassThroughModeNone:
		return Command
	case word == "VERB":
		return Verb
	case word == "CASE" || k.Tag.Get("names") == "case":
		return Case
	case len(v.Names) > 0:
		return Name
	case word == "FILE":
		return File
	case word == "DIR":
		return Directory
	}
	return Text
}

// Formatter gives kong the help of flags and arguments as FullHelp makes it.
func Formatter(names func(set string) []string) kong.HelpValueFormatter {
	return func(k *kong.Value) string {
		v := valueOf(k, names)
		v.Takes = takes(k, &v)
		return v.FullHelp()
	}
}

// mostNames is how many names a help text lists.
const mostNames = 12

// FullHelp is the help with the names that can be given, unless it has them or
// they are too many, and the default.
func (v *Value) FullHelp() string {
	help := strings.TrimSuffix(v.Help, ".")
	if v.Default != "" && v.Default != "-" && !strings.Contains(help, "default:") {
		help += " (default: " + v.Default + ")"
	}
	help += "."
	missing := func(name string) bool { return !strings.Contains(v.Help, name) }
	if n := len(v.Names); n > 0 && n <= mostNames && slices.ContainsFunc(v.Names, missing) {
		help += " One of " + strings.Join(v.Names, ", ") + "."
	}
	return help
}

// Cmd finds a command by its name, nil if there is none.
func (p *Program) Cmd(name string) *Cmd {
	for i := range p.Cmds {
		if p.Cmds[i].Name == name {
			return &p.Cmds[i]
		}
	}
	return nil
}

// Below are the commands whose names begin with the given words.
func (p *Program) Below(words ...string) []Cmd {
	prefix := strings.Join(words, " ")
	var all []Cmd
	for _, c := range p.Cmds {
		if prefix == "" || c.Name == prefix || strings.HasPrefix(c.Name, prefix+" ") {
			all = append(all, c)
		}
	}
	return all
}

// Groups are the headings of the commands, in order of appearance.
func (p *Program) Groups() []string {
	var all []string
	for _, c := range p.Cmds {
		if !slices.Contains(all, c.Group) {
			all = append(all, c.Group)
		}
	}
	return all
}
