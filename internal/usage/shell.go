package usage

import (
	"embed"
	"fmt"
	"io"
	"strings"
)

// CompleteWord is the first argument with which the scripts of Completion call
// the program: "PROGRAM __complete -- WORDS…" writes a Reply.
const CompleteWord = "__complete"

// Shells are those that there is a script for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// The scripts ask the program itself, so that they never are behind it.
//
//go:embed shell/completion.*
var scripts embed.FS

// Completion is the script that makes a shell complete the command line of
// sgfuzz. The error says that there is none for the shell.
func Completion(shell string) (string, error) {
	b, err := scripts.ReadFile("shell/completion." + shell)
	if err != nil {
		return "", fmt.Errorf("no completion for shell %q", shell)
	}
	return string(b), nil
}

// WriteTo writes the reply as the scripts read it: a line "TAKES:PREFIX", then
// a line for each candidate, with a tab and its help.
func (r *Reply) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%s\n", r.Takes, r.Prefix)
	for _, c := range r.Candidates {
		fmt.Fprintf(&b, "%s\t%s\n", c.Text, c.Help)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
