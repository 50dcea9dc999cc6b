// Package engines carries inputs between this module's cases and the fuzzing
// engines that run its targets (fuzz.Targets): the native one of "go test",
// dvyukov/go-fuzz, and libFuzzer with what is built on it, OSS-Fuzz and
// ClusterFuzzLite.
//
// # Inputs and files
//
// An input is the []byte that a target gets; each engine keeps it in files of
// its own kind:
//
//	Go         testdata/fuzz/FuzzNAME/HASH   "go test fuzz v1" and a Go literal
//	GoFuzz     corpus/SHA1                   the bytes
//	LibFuzzer  fuzz_NAME_seed_corpus.zip     a frame of four bytes, and the bytes
//
// The frame comes from go-118-fuzz-build, which hands a native target the bytes
// that go-fuzz-headers' ConsumeFuzzer.GetBytes takes out of libFuzzer's: a
// big-endian 32-bit length, and what follows. See Format.Marshal.
//
// # Cases
//
// Export writes inputs: the seeds of targets, or cases as inputs of the target
// "Strategies" (fuzz.CaseInput). Import goes the other way and makes a case of
// each input of that target (fuzz.InputCase); what the other targets take is no
// case. An input says too which strategies the target tries, a case made of it
// is for all of them. Case files are the stable form: the same input may
// mean another case once the generators have changed, so crashers should be
// imported by the version that found them.
//
// Both write everything or nothing.
package engines
