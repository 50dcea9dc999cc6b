package fuzz

import (
	"testing"
)

// prepared keeps each target with its storage: libFuzzer's driver calls the
// native function anew for every input.
var prepared = map[string]Target{}

// libFuzzer is what f.Name is under go-118-fuzz-build, which takes its seeds
// from an archive.
const libFuzzer = "libFuzzer"

// fuzzTarget makes a native fuzz target of one of Targets.
func fuzzTarget(f *testing.F, name string) {
	f.Helper()
	native := f.Name() != libFuzzer
	target, ok := prepared[name]
	if !ok {
		if target, ok = TargetByName(name); !ok {
			f.Fatalf("no target %s", name)
		}
		prepared[name] = target
	}
	if native {
		seeds, err := target.Seeds()
		if err != nil {
			f.Fatal(err)
		}
		for _, b := range seeds {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := target.Body(data); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzStrategies(f *testing.F) { fuzzTarget(f, "Strategies") }
func FuzzMapping(f *testing.F)    { fuzzTarget(f, "Mapping") }
func FuzzDialects(f *testing.F)   { fuzzTarget(f, "Dialects") }
func FuzzDecode(f *testing.F)     { fuzzTarget(f, "Decode") }
func FuzzDevice(f *testing.F)     { fuzzTarget(f, "Device") }
func FuzzStateful(f *testing.F)   { fuzzTarget(f, "Stateful") }
func FuzzText(f *testing.F)       { fuzzTarget(f, "Text") }
func FuzzWQEText(f *testing.F)    { fuzzTarget(f, "WQEText") }
func FuzzProtocol(f *testing.F)   { fuzzTarget(f, "Protocol") }
