package main

import (
	"strings"
	"testing"
)

// TestFlagTable holds docs/flags.md to the command line.
func TestFlagTable(t *testing.T) {
	const head = `# The flags of all verbs

Made by ` + "`go generate ./cmd/sgfuzz`" + ` from what the command line is parsed with. One name means one thing; where a verb works on one case and
another on many, the words differ, and the table shows both. ` + "`sgfuzz VERB --help`" + ` lists a verb's flags, ` + "`sgfuzz man`" + ` all of them.

`
	table := program().FlagTable()
	sameAsFile(t, "../../docs/flags.md", []byte(head+table))
	for _, row := range []string{
		"| `-j, --jobs=N` | Cases worked on at once (default: one a core). | `run`, `replay`, ",
		"| `--json[=FILE]` | Result as JSON; --json=FILE to write it to a file beside the text. | all ",
	} {
		if !strings.Contains(table, row) {
			t.Errorf("%s is missing", row)
		}
	}
}
