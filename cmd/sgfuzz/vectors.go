package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
)

// vectorsCmd checks recorded outputs of real drivers.
type vectorsCmd struct {
	common
	jobsFlag
	Libmlx5Version string   `name:"libmlx5-version" placeholder:"NAME" names:"libmlx5" help:"Version of rdma-core that libmlx5 files are compared with: 44 or head (default: head for files named libmlx5-head*, else 44)."`
	Diffs          int      `default:"8" placeholder:"N" help:"Differences shown of one case."`
	Failures       int      `default:"5" placeholder:"N" help:"Failed cases shown of one file."`
	Files          []string `arg:"" name:"file" help:"Recorded outputs, .jsonl or .jsonl.gz."`
}

// vectorsResult is its JSON object.
type vectorsResult struct {
	Files       []vectorsFile `json:"files"`
	Interrupted bool          `json:"interrupted"`
}

type vectorsFile struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	Passed      int             `json:"passed"`
	Failed      int             `json:"failed"`
	Skipped     int             `json:"skipped"`
	SkipReasons map[string]int  `json:"skip_reasons"`
	Failures    []vectorsFailed `json:"failures"` // the first ones
	Error       string          `json:"error,omitempty"`
}

type vectorsFailed struct {
	ID     string        `json:"id"`
	Line   int           `json:"line"`
	Reason string        `json:"reason"`
	Diffs  []vectorsDiff `json:"diffs"`
}

type vectorsDiff struct {
	Path  string `json:"path"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	Field string `json:"field,omitempty"` // of the wire, if path leads to wire bytes
}

func (v *vectorsCmd) run(a *app) (any, error) {
	if err := v.jobsFlag.check(); err != nil {
		return nil, err
	}
	if v.Libmlx5Version != "" {
		if err := known("libmlx5 version", []string{v.Libmlx5Version}, namesOf("libmlx5")); err != nil {
			return nil, err
		}
	}
	r, code := vectorsResult{Files: []vectorsFile{}}, exitFine
	for _, path := range v.Files {
		if a.ctx.Err() != nil {
			break
		}
		f := v.file(a, path)
		a.printVectors(&f)
		r.Files = append(r.Files, f)
		switch {
		case f.Error != "":
			code = exitUsage
		case f.Failed > 0:
			code = max(code, exitFindings)
		}
	}
	r.Interrupted = a.ctx.Err() != nil
	return r, status(code)
}

func (v *vectorsCmd) file(a *app, path string) vectorsFile {
	opt := vectors.Options{LibMLX5: v.Libmlx5Version, MaxDiffs: v.Diffs, MaxFailures: v.Failures, Workers: v.Jobs}
	var rep vectors.FileReport
	f, err := os.Open(path)
	if err == nil {
		rep, err = vectors.Check(&interruptible{a.ctx, f}, path, opt)
		f.Close()
	}
	out := vectorsFile{
		Name: rep.Name, Path: path, Passed: rep.Passed, Failed: rep.Failed, Skipped: rep.Skipped,
		SkipReasons: rep.SkipReasons, Failures: []vectorsFailed{},
	}
	for _, x := range rep.Failures {
		failed := vectorsFailed{x.ID, x.Line, x.Reason, []vectorsDiff{}}
		for _, d := range x.Diffs {
			failed.Diffs = append(failed.Diffs, vectorsDiff{d.Path, d.Want, d.Got, d.Note})
		}
		out.Failures = append(out.Failures, failed)
	}
	if err != nil && a.ctx.Err() == nil {
		a.complain(err)
		out.Error = err.Error()
	}
	return out
}

// interruptible is a reader that ends with the context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func (a *app) printVectors(f *vectorsFile) {
	if f.Passed+f.Failed+f.Skipped == 0 {
		return // the error was printed
	}
	a.printf("%s: %d passed, %d failed, %d skipped\n", f.Name, f.Passed, f.Failed, f.Skipped)
	for i := range f.Failures {
		x := &f.Failures[i]
		a.printf("  line %d, %s: %s\n", x.Line, x.ID, x.Reason)
		for _, d := range x.Diffs {
			a.printf("    %v\n", vectors.Diff{Path: d.Path, Want: d.Want, Got: d.Got, Note: d.Field})
		}
	}
	if n := f.Failed - len(f.Failures); n > 0 && len(f.Failures) > 0 {
		a.printf("  … %d more failed\n", n)
	}
	reasons := make([]string, 0, len(f.SkipReasons))
	for reason := range f.SkipReasons {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, strings.Compare)
	for _, reason := range reasons {
		a.printf("  skipped %d: %s\n", f.SkipReasons[reason], reason)
	}
	a.stdout.Flush() // the next file may take long; a failure shows at the end
}
