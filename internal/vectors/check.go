package vectors

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/exp/mmap"
)

// Versions of libmlx5 whose output is recorded.
const (
	LibMLX5v44  = "44"   // libmlx5 1.24.44.0 of rdma-core 44
	LibMLX5Head = "head" // rdma-core after the 64-bit length sum (e23cb0a72)
)

// Options are the settings of a check. The zero value is ready to use.
type Options struct {
	// LibMLX5 is the libmlx5 version to compare with; "" means: head for
	// files whose base name starts with libmlx5-head, else 44.
	LibMLX5 string
	// MaxDiffs bounds the differences kept per failed case; 0 means 8.
	MaxDiffs int
	// MaxFailures bounds the failed cases kept per file; 0 means 20. All are
	// counted.
	MaxFailures int
	// Workers is the number of cases checked at once; 0 means one per core.
	Workers int
}

// Env is what a checker knows besides its line.
type Env struct {
	Version  string // libmlx5 version
	MaxDiffs int    // 0 means 8
}

// Checker replays one case and compares. It keeps nothing of line.
type Checker func(line []byte, env *Env) Outcome

// checkers by id prefix, the text before the first '-'.
var checkers = map[string]Checker{
	"integ": func([]byte, *Env) Outcome { return skip("needs signature") },
}

// Failure is a case that failed.
type Failure struct {
	ID   string // "" if the line has none
	Line int    // from 1
	Outcome
}

// FileReport is the result of one file.
type FileReport struct {
	Name                    string // base name without .jsonl and .gz
	Passed, Failed, Skipped int
	SkipReasons             map[string]int
	Failures                []Failure // the first ones, in file order
}

// Errors of Check and CheckFile, wrapped with the file's name and, but for
// ErrNoCases, the line.
var (
	ErrNoCases = errors.New("no cases")
	ErrLine    = errors.New("line is longer than 64 MiB")
	ErrVersion = errors.New(`libmlx5 version is neither "44" nor "head"`)
)

// maxLine bounds a line in bytes.
const maxLine = 64 << 20

// CheckFile checks a .jsonl file, gzip-compressed or not. A case that cannot
// be decoded or differs is a Failure; the error is about the file: it cannot be
// read, its compression is damaged, or it has no cases. The report holds what
// was checked before the error.
func CheckFile(path string, opt Options) (FileReport, error) {
	m, err := mmap.Open(path)
	if err != nil {
		return FileReport{Name: baseName(path)}, err
	}
	defer m.Close()
	return Check(io.NewSectionReader(m, 0, int64(m.Len())), path, opt)
}

// Check is CheckFile on a reader; name stands for the file's path.
func Check(r io.Reader, name string, opt Options) (FileReport, error) {
	rep := FileReport{Name: baseName(name), SkipReasons: map[string]int{}}
	env, err := newEnv(name, opt)
	if err != nil {
		return rep, fmt.Errorf("%s: %w", name, err)
	}
	lines, err := newLineReader(r)
	if err != nil {
		return rep, fmt.Errorf("%s: line 1: %w", name, err)
	}
	if opt.MaxFailures <= 0 {
		opt.MaxFailures = 20
	}
	err = runAll(lines, env, opt.Workers, func(j *job, out Outcome) { rep.count(j, out, opt.MaxFailures) })
	if err != nil {
		return rep, fmt.Errorf("%s: line %d: %w", name, lines.n+1, err)
	}
	if rep.Passed+rep.Failed+rep.Skipped == 0 {
		return rep, fmt.Errorf("%s: %w", name, ErrNoCases)
	}
	return rep, nil
}

func newEnv(name string, opt Options) (*Env, error) {
	env := &Env{Version: opt.LibMLX5, MaxDiffs: opt.MaxDiffs}
	switch env.Version {
	case LibMLX5v44, LibMLX5Head:
	case "":
		env.Version = LibMLX5v44
		if strings.HasPrefix(filepath.Base(name), "libmlx5-head") {
			env.Version = LibMLX5Head
		}
	default:
		return nil, fmt.Errorf("%q: %w", env.Version, ErrVersion)
	}
	return env, nil
}

func baseName(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".gz"), ".jsonl")
}

func (rep *FileReport) count(j *job, out Outcome, maxFailures int) {
	switch out.Status {
	case Pass:
		rep.Passed++
	case Skip:
		rep.Skipped++
		rep.SkipReasons[out.Reason]++
	default:
		rep.Failed++
		if len(rep.Failures) < maxFailures {
			rep.Failures = append(rep.Failures, Failure{ID: j.id, Line: j.line, Outcome: out})
		}
	}
}

// lineReader gives a file's non-empty lines and counts all of them.
type lineReader struct {
	r   *bufio.Reader
	n   int // lines read
	max int // bytes of the longest line
}

func newLineReader(r io.Reader) (*lineReader, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := br.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952, ID1 ID2
		return &lineReader{r: br, max: maxLine}, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, err
	}
	return &lineReader{r: bufio.NewReaderSize(z, 1<<16), max: maxLine}, nil
}

// next returns a fresh copy of the next line that is not blank; io.EOF ends.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.read()
		if len(bytes.TrimSpace(line)) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			l.n++
			return line, nil
		}
		if err != nil {
			return nil, err
		}
		l.n++
	}
}

func (l *lineReader) read() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > l.max {
			return nil, ErrLine
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// job is one line on its way through the workers.
type job struct {
	line int
	id   string
	raw  []byte
	done chan Outcome
}

// runAll checks all lines concurrently and hands over the outcomes in file
// order. At most a few lines per worker are in memory.
func runAll(lines *lineReader, env *Env, workers int, emit func(*job, Outcome)) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	todo, ordered := make(chan *job), make(chan *job, 2*workers)
	for range workers {
		go func() {
			for j := range todo {
				out := checkLine(j, env)
				j.raw = nil
				j.done <- out
			}
		}()
	}
	var err error
	go func() {
		defer close(ordered)
		defer close(todo)
		for {
			var raw []byte
			if raw, err = lines.next(); err != nil {
				return
			}
			j := &job{line: lines.n, raw: raw, done: make(chan Outcome, 1)}
			ordered <- j
			todo <- j
		}
	}()
	for j := range ordered {
		emit(j, <-j.done)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// checkLine never panics: what a checker trips over fails the case.
func checkLine(j *job, env *Env) (out Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = failf("checker panicked: %v", p)
		}
	}()
	var head struct {
		ID *string `json:"id"`
	}
	if err := json.Unmarshal(j.raw, &head); err != nil {
		return failf("not a JSON object: %v", err)
	}
	if head.ID == nil {
		return failf("no id")
	}
	j.id = *head.ID
	prefix, _, _ := strings.Cut(j.id, "-")
	check, ok := checkers[prefix]
	if !ok {
		return failf("unknown producer %q", prefix)
	}
	return check(j.raw, env)
}
