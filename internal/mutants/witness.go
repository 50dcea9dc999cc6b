package mutants

import (
	"embed"
	"io/fs"
)

//go:embed cases/*.sgcase
var cases embed.FS

// Cases are the witness cases that are not in the corpus: those named
// "mutants/…".
func Cases() fs.FS {
	sub, err := fs.Sub(cases, "cases")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}
