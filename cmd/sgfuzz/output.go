package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sgfuzz/sgfuzz/internal/files"
)

// sink takes the JSON object of an invocation. A nil sink takes nothing.
type sink struct {
	w    io.Writer
	file *files.File // nil for standard output
}

// openJSON prepares the place for the result before any work is done.
func (a *app) openJSON(f *jsonFlag) (*sink, error) {
	switch {
	case !f.on:
		return nil, nil
	case f.file == "":
		a.out = io.Discard
		return &sink{w: a.stdout}, nil
	}
	file, err := files.Create(f.file)
	if err != nil {
		return nil, err
	}
	return &sink{file, file}, nil
}

// put writes the result and closes the sink.
func (s *sink) put(result any) error {
	if s == nil {
		return nil
	}
	enc := json.NewEncoder(s.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(filled(result))
	if s.file == nil {
		return nil // the flush of stdout tells
	}
	if err != nil {
		s.file.Abandon()
		return err
	}
	return s.file.Commit()
}

// table prints rows of cells in columns, numbers to the right.
func (a *app) table(fill func(row func(cells ...any))) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fill(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w, "\t")
	})
	w.Flush()
}
