package engines

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// ErrTarget says that a target is not there, takes no cases, or cannot share a
// place with another.
var ErrTarget = errors.New("wrong target")

// Export writes inputs for an engine. The same inputs give the same files, in
// every byte, whatever their order.
type Export struct {
	Format  Format
	Targets []string // empty for CaseTarget
}

// ExportStats counts what an export did.
type ExportStats struct {
	Inputs int // different inputs, over all targets
	Files  int // written
	Bytes  int // in them
}

// Seeds writes the seeds of the targets below the directory out, which is made
// if it is not there. It has room for one target of GoFuzz.
func (x Export) Seeds(out string) (ExportStats, error) {
	return x.run(out, func(target string) ([][]byte, error) {
		t, ok := fuzz.TargetByName(target)
		if !ok {
			return nil, fmt.Errorf("%q: %w", target, ErrTarget)
		}
		return t.Seeds()
	})
}

// Cases writes cases as Seeds writes seeds. CaseTarget is the only target that
// takes them (ErrTarget); errors of cases that no input stands for are joined.
func (x Export) Cases(out string, cases []*corpus.Case) (ExportStats, error) {
	return x.run(out, func(target string) (inputs [][]byte, err error) {
		if target != CaseTarget {
			return nil, fmt.Errorf("%q takes no cases, only %q does: %w", target, CaseTarget, ErrTarget)
		}
		var errs []error
		for _, c := range cases {
			data, err := Input(c)
			errs = append(errs, err)
			inputs = append(inputs, data)
		}
		return inputs, errors.Join(errs...)
	})
}

func (x Export) run(out string, inputs func(target string) ([][]byte, error)) (ExportStats, error) {
	targets := slices.Compact(slices.Sorted(slices.Values(x.Targets)))
	if len(targets) == 0 {
		targets = []string{CaseTarget}
	}
	if x.Format == GoFuzz && len(targets) > 1 {
		return ExportStats{}, fmt.Errorf("%v: a working directory of go-fuzz belongs to one: %w", targets, ErrTarget)
	}
	var stats ExportStats
	var all []file
	for _, target := range targets {
		in, err := inputs(target)
		if err != nil {
			return ExportStats{}, err
		}
		files := x.files(target, in)
		stats.Inputs += len(files)
		if x.Format == LibFuzzer {
			packed, err := pack(BinaryName(target)+"_seed_corpus.zip", files)
			if err != nil {
				return ExportStats{}, err
			}
			files = []file{packed}
		}
		all = append(all, files...)
	}
	for _, f := range all {
		stats.Files++
		stats.Bytes += len(f.data)
	}
	return stats, writeAll(out, all)
}

// files are the inputs as the engine's files, each once, sorted by name.
func (x Export) files(target string, inputs [][]byte) []file {
	var files []file
	for _, data := range inputs {
		f := file{data: x.Format.Marshal(data)}
		f.name = x.Format.fileName(target, f.data)
		files = append(files, f)
	}
	return unique(files)
}

func unique(files []file) []file {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(files, func(a, b file) bool { return a.name == b.name })
}

// pack makes an archive without times.
func pack(name string, files []file) (file, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return file{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	err := z.Close()
	return file{name, b.Bytes()}, err
}
