//go:build planted && gofuzz && !libfuzzer

package fuzz

import "os"

var plantedEntry func([]byte) error

// FuzzEntryPlanted is target Planted.
func FuzzEntryPlanted(data []byte) int {
	if plantedEntry == nil {
		var err error
		if plantedEntry, err = hunted(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
	if err := plantedEntry(data); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		panic(Class(err))
	}
	return 0
}
