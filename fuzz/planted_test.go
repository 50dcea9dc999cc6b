//go:build planted

package fuzz

import "testing"

// plantedNative keeps the body between calls: libFuzzer's driver calls the
// native function anew for every input.
var plantedNative func([]byte) error

// FuzzPlanted has no seeds but those that its testdata directory or its corpus
// holds: the embedded cases are witnesses.
func FuzzPlanted(f *testing.F) {
	if plantedNative == nil {
		var err error
		if plantedNative, err = hunted(); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := plantedNative(data); err != nil {
			t.Fatal(err)
		}
	})
}
