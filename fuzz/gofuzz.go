//go:build gofuzz && !libfuzzer

package fuzz

import (
	"os"

	_ "github.com/dvyukov/go-fuzz/go-fuzz-dep" // go-fuzz-build wants it in the module graph
)

// The entry points of dvyukov/go-fuzz, one for each of Targets: go-fuzz-build
// -func FuzzEntryNAME. Their names do not contain "Fuzz" + NAME, because the
// OSS-Fuzz tools look for the native functions by text.

// FuzzEntryStrategies is target Strategies.
func FuzzEntryStrategies(data []byte) int { return strategiesEntry(data) }

// FuzzEntryMapping is target Mapping.
func FuzzEntryMapping(data []byte) int { return mappingEntry(data) }

// FuzzEntryDialects is target Dialects.
func FuzzEntryDialects(data []byte) int { return dialectsEntry(data) }

// FuzzEntryDecode is target Decode.
func FuzzEntryDecode(data []byte) int { return decodeEntry(data) }

// FuzzEntryDevice is target Device.
func FuzzEntryDevice(data []byte) int { return deviceEntry(data) }

// FuzzEntryStateful is target Stateful.
func FuzzEntryStateful(data []byte) int { return statefulEntry(data) }

// FuzzEntryText is target Text.
func FuzzEntryText(data []byte) int { return textEntry(data) }

// FuzzEntryWQEText is target WQEText.
func FuzzEntryWQEText(data []byte) int { return wqeTextEntry(data) }

// FuzzEntryProtocol is target Protocol.
func FuzzEntryProtocol(data []byte) int { return protocolEntry(data) }

var (
	strategiesEntry = entry("Strategies")
	mappingEntry    = entry("Mapping")
	dialectsEntry   = entry("Dialects")
	decodeEntry     = entry("Decode")
	deviceEntry     = entry("Device")
	statefulEntry   = entry("Stateful")
	textEntry       = entry("Text")
	wqeTextEntry    = entry("WQEText")
	protocolEntry   = entry("Protocol")
)

// entry makes the body of an entry point, and its target at the first input, so
// that a fuzzing process has the storage of one target. go-fuzz runs one input
// at a time. All inputs are worth the same to it: the result is 0.
func entry(name string) func([]byte) int {
	var body func([]byte) error
	return func(data []byte) int {
		if body == nil {
			t, ok := TargetByName(name)
			if !ok {
				panic("no target " + name)
			}
			body = t.Body
		}
		if err := body(data); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			panic(Class(err)) // go-fuzz takes crashes with one text and stack for one bug
		}
		return 0
	}
}
