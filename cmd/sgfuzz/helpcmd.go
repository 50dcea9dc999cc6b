package main

import (
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/suggest"
	"github.com/sgfuzz/sgfuzz/internal/usage"
)

// helpCmd prints the help of a verb, as --help does.
type helpCmd struct {
	common
	Verb []string `arg:"" optional:"" help:"The verb, such as run or corpus list; all verbs if left out."`
}

func (v *helpCmd) run(a *app) (any, error) {
	p := program()
	verbs := p.Below(v.Verb...)
	if len(verbs) == 0 {
		return nil, unknownVerb(p, v.Verb)
	}
	if err := a.printHelp(v.Verb); err != nil {
		return nil, err
	}
	p.Cmds = verbs
	return p, nil
}

// printHelp prints what --help prints.
func (a *app) printHelp(verb []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(exited); !ok {
				panic(p)
			}
		}
	}()
	_, err = newParser(a.out, a.stderr, a.style.Width()).Parse(append(verb, "--help"))
	return err
}

func unknownVerb(p *usage.Program, words []string) error {
	var all []string
	for _, c := range p.Cmds {
		all = append(all, c.Name)
	}
	name := strings.Join(words, " ")
	return badInputf("unknown verb %q%s (see sgfuzz --help)", name, suggest.Question(name, all))
}

// completionCmd prints the script that makes a shell complete command lines.
type completionCmd struct {
	common
	Shell string `arg:"" help:"bash (4 or later), zsh or fish."`
}

// textResult is the JSON object of a verb that prints a text.
type textResult struct {
	Text string `json:"text"`
}

func (v *completionCmd) run(a *app) (any, error) {
	if err := knownIn("shell", v.Shell); err != nil {
		return nil, err
	}
	script, err := usage.Completion(v.Shell)
	if err != nil {
		return nil, err
	}
	a.printf("%s", script)
	return textResult{script}, nil
}

// manCmd prints the manual page.
type manCmd struct{ common }

func (v *manCmd) run(a *app) (any, error) {
	page, err := manualPage()
	if err != nil {
		return nil, err
	}
	a.printf("%s", page)
	return textResult{page}, nil
}
