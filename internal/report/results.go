package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sgfuzz/sgfuzz/fuzz"
)

// MaxResults bounds a file of results, in bytes.
const MaxResults = 64 << 20

// resultFile reads the file given, or the one of that name in the directory if
// it is there. Without either path is "".
func (r *Report) resultFile(given, name string) (path string, data []byte, err error) {
	path = given
	if given == "" {
		path = filepath.Join(r.Dir, name)
	}
	f, err := os.Open(path)
	if given == "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return path, nil, err
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, MaxResults+1))
	if err == nil && len(data) > MaxResults {
		err = fmt.Errorf("%s: longer than %d MiB", path, MaxResults>>20)
	}
	return path, data, err
}

// atLine names the line of an error that encoding/json reports.
func atLine(path string, data []byte, err error) error {
	offset := int64(len(data))
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	line := 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
	return fmt.Errorf("%s: line %d: %w", path, line, err)
}

// mutants reads what "sgfuzz mutants --json" wrote.
func (r *Report) mutants(given string) {
	m := &r.Mutants
	m.All = []fuzz.MutantResult{}
	path, data, err := r.resultFile(given, "mutants.json")
	if m.File = path; err == nil && path != "" {
		err = m.parse(data)
	}
	if err != nil {
		m.All, m.Found, m.Problem = []fuzz.MutantResult{}, 0, r.problem(err)
	}
}

func (m *Mutants) parse(data []byte) error {
	if err := json.Unmarshal(data, &m.All); err != nil {
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
			return fmt.Errorf("%s: line 1: not a list: not the result of sgfuzz mutants --json", m.File)
		}
		return atLine(m.File, data, err)
	}
	for i := range m.All {
		x := &m.All[i]
		if x.Name == "" || x.Cause == "" {
			return fmt.Errorf("%s: element %d has no name or no cause: not the result of sgfuzz mutants --json", m.File, i+1)
		}
		if x.Found {
			m.Found++
		}
	}
	return nil
}

// bench reads what "sgfuzz bench --json" wrote.
func (r *Report) bench(given string) {
	path, data, err := r.resultFile(given, "bench.json")
	if err == nil && path != "" {
		err = r.Bench.parse(path, data)
	}
	if err != nil {
		r.Bench = Bench{Problem: r.problem(err)}
	}
	r.Bench.File = path
}

// benchLine has the fields that tell the objects of the file apart.
type benchLine struct {
	Bench   string   `json:"bench"`
	Skipped string   `json:"skipped"`
	Growth  string   `json:"growth"`
	Loop    *float64 `json:"registrations_per_second"`
}

func (b *Bench) parse(path string, data []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, MaxResults)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := b.line(lines.Bytes()); err != nil {
			return fmt.Errorf("%s: line %d: %w", path, n, err)
		}
	}
	return lines.Err()
}

func (b *Bench) line(text []byte) error {
	var kind benchLine
	if err := json.Unmarshal(text, &kind); err != nil {
		return err
	}
	switch {
	case kind.Growth != "":
		return add(&b.Growth, text)
	case kind.Skipped != "":
		return add(&b.Skipped, text)
	case kind.Loop != nil:
		return add(&b.Loops, text)
	case kind.Bench != "":
		return add(&b.Rows, text)
	}
	return errors.New("not the result of sgfuzz bench --json")
}

// add decodes an object and appends it.
func add[T any](all *[]T, text []byte) error {
	var one T
	err := json.Unmarshal(text, &one)
	if err == nil {
		*all = append(*all, one)
	}
	return err
}
