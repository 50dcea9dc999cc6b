package main

import (
	_ "embed"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sgfuzz/sgfuzz/internal/usage"
)

const about = `Finds scatter/gather lists that break memory registration.

Exit status: 0 fine, 1 findings, 2 wrong usage or unusable input, 3 output that cannot be written or a bug.`

// groups are the headings of the verbs; keys are those of the tags in cli.
var groups = []kong.Group{
	{Key: "find", Title: "Find lists that break something:"},
	{Key: "look", Title: "Look at cases and work requests:"},
	{Key: "outside", Title: "Other implementations:"},
	{Key: "measure", Title: "Measure:"},
	{Key: "files", Title: "Files:"},
	{Key: "about", Title: "This program:"},
}

// newParser makes the parser of the command line. It writes help to stdout, in
// lines of at most width columns if width is above 0, and panics with exited where it wants to end the process.
func newParser(stdout, stderr io.Writer, width int) *kong.Kong {
	k := kong.Must(new(cli), kong.Name("sgfuzz"), kong.Description(about), kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: width}), kong.ValueFormatter(usage.Formatter(namesOf)), kong.ExplicitGroups(groups),
		vars())
	for _, node := range k.Model.Leaves(false) {
		if node.Detail == "" {
			node.Detail = details[node.Path()]
		}
	}
	return k
}

// vars are what help texts can name: the version, and the members of sets of
// names.
func vars() kong.Vars {
	v := kong.Vars{"version": "sgfuzz " + buildVersion()}
	for _, set := range []string{"format", "kind", "operation", "benchmark", "constant", "rules"} {
		v[set] = strings.Join(namesOf(set), ", ")
	}
	return v
}

// program describes the command line.
func program() *usage.Program { return usage.Of(newParser(io.Discard, io.Discard, 0), namesOf) }

// verbOf is the verb that the arguments begin with and a blank, "" if there is
// none.
func verbOf(k *kong.Kong, args []string) string {
	node, path := k.Model.Node, ""
	for _, arg := range args {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg })
		if i < 0 {
			break
		}
		node, path = node.Children[i], path+arg+" "
	}
	return path
}

// explained adds to an error of the parser what the argument is that it misses,
// and where there is more about the verb.
func explained(err error, verb string) error {
	if c := program().Cmd(strings.TrimSpace(verb)); c != nil && strings.HasPrefix(err.Error(), "expected ") {
		for _, arg := range c.Arguments {
			if strings.Contains(err.Error(), "<"+arg.Name) {
				err = fmt.Errorf("%w: %s", err, strings.TrimSuffix(arg.Help, "."))
			}
		}
	}
	return fmt.Errorf("%w (see sgfuzz %s--help)", err, verb)
}

// complete answers the script of a shell: the words of a command line behind
// "--".
func (a *app) complete(args []string) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	reply := program().Complete(args)
	_, _ = reply.WriteTo(a.stdout) // the flush tells
}

// The package comment is the greater part of the manual page.
//
//go:embed doc.go
var packageComment string

// manualPage is the manual page. The verbs of the package comment stand there
// with their flags.
func manualPage() (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", packageComment, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	return program().Manual(f.Doc.Text(), "Verbs"), nil
}
