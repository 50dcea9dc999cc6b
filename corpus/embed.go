package corpus

import (
	"embed"
	"io/fs"
)

//go:embed cases
var embedded embed.FS

// Embedded is the set of cases that comes with the module: features/, bugs/,
// mutants/, captures/ and found/, with a README.md in each.
func Embedded() fs.FS {
	sub, err := fs.Sub(embedded, "cases")
	if err != nil { // only for an invalid path
		panic(err)
	}
	return sub
}

// EmbeddedCases reads the embedded set. Names are paths such as
// "features/single-entry".
func EmbeddedCases() ([]*Case, error) { return LoadFS(Embedded()) }
