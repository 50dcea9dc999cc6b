// Package schemas holds the JSON Schemas (draft 2020-12) of what the verbs of
// sgfuzz give with --json: a file for each, called like the verb with hyphens
// for blanks. They are made of the result structs of cmd/sgfuzz; go generate
// ./cmd/sgfuzz writes them anew.
package schemas

import (
	"embed"
	"path"
	"strings"
)

//go:embed *.json
var files embed.FS

// Of is the schema of a verb such as "corpus list"; false says that there is
// none.
func Of(verb string) ([]byte, bool) {
	data, err := files.ReadFile(File(verb))
	return data, err == nil
}

// File is the name of a verb's file in this directory.
func File(verb string) string { return strings.ReplaceAll(verb, " ", "-") + ".json" }

// Files are the names of all files, in order.
func Files() []string {
	names, _ := files.ReadDir(".") // it is there
	var all []string
	for _, f := range names {
		all = append(all, path.Base(f.Name()))
	}
	return all
}
