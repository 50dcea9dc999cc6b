package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/files"
)

// SeriesExt is the usual ending of the name of a file with several cases.
const SeriesExt = ".sgcases"

// Lines of a file with several cases: the first one of all, and what stands
// around the text of each case.
const (
	seriesHead = "sgfuzz-cases-1"
	caseLine   = "case "
	endLine    = "end "
)

// SeriesHead is what a file with several cases begins with; AppendBlock makes
// what follows it.
func SeriesHead() string { return seriesHead + "\n" }

// AppendBlock adds a case with its name to dst, as it stands in a file with
// several cases. The name becomes a word.
func AppendBlock(dst []byte, c *Case) []byte {
	dst = append(dst, caseLine...)
	dst = append(append(dst, mendWord(c.Name)...), '\n')
	dst = AppendCase(dst, c)
	dst = append(dst, endLine...)
	return append(append(dst, Hash(c)...), '\n')
}

// WholeSeries is the length of the part of data, the content of a file with
// several cases, behind which a case may be appended: what was not written whole
// comes behind it.
func WholeSeries(data []byte) int {
	if i := bytes.LastIndex(data, []byte("\n"+endLine)); i >= 0 {
		if n := bytes.IndexByte(data[i+1:], '\n'); n >= 0 {
			return i + 1 + n + 1
		}
		return WholeSeries(data[:i+1])
	}
	if bytes.HasPrefix(data, []byte(SeriesHead())) {
		return len(SeriesHead())
	}
	return 0
}

// IsSeries reports whether a file holds several cases.
func IsSeries(file string) (bool, error) {
	r, err := openLarge(file)
	if err != nil {
		return false, err
	}
	defer r.Close()
	head, err := bufio.NewReader(io.LimitReader(r, int64(len(seriesHead)+2))).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	return strings.TrimRight(head, "\r\n") == seriesHead, nil
}

// LoadSeries reads a file with several cases. They are named as in the file,
// behind the file's own name and a colon. torn reports that the last case was
// not written whole, as its writer died, and is left out. Whatever else is wrong
// is a *ParseError; what could be read comes with it.
func LoadSeries(file string) (cases []*Case, torn bool, err error) {
	r, err := openLarge(file)
	if err != nil {
		return nil, false, err
	}
	torn, err = readSeries(r, file, func(c *Case) {
		c.Name = filepath.Base(file) + ":" + c.Name
		cases = append(cases, c)
	})
	return cases, torn, errors.Join(err, r.Close())
}

// readSeries hands out the cases under the names that stand in the file.
func readSeries(r io.Reader, file string, fn func(*Case)) (torn bool, err error) {
	in := newLines(r, MaxLine)
	if head, ok := in.next(); !ok || strings.TrimSuffix(head, "\r") != seriesHead {
		return false, located(file, 1, valueErrorf(0, "a file with several cases begins with %q", seriesHead))
	}
	for {
		c, err := nextBlock(in, file)
		switch {
		case err == errTorn:
			return true, nil
		case err != nil || c == nil:
			return false, err
		}
		fn(c)
	}
}

// errTorn says that the input ends inside a case.
var errTorn = errors.New("not written whole")

// nextBlock reads one case, or gives nil at the end of the input.
func nextBlock(in *lines, file string) (*Case, error) {
	line, ok := in.next()
	for ok && strings.TrimSuffix(line, "\r") == "" {
		line, ok = in.next()
	}
	if !ok {
		return nil, seriesEnd(in, file, nil)
	}
	name, isCase := strings.CutPrefix(strings.TrimSuffix(line, "\r"), caseLine)
	if !isCase {
		return nil, unlessLast(in, located(file, in.num, valueErrorf(0, "%q where a case begins", clip(line))))
	}
	name, from := strings.Clone(name), in.num
	var text strings.Builder
	for {
		line, ok := in.next()
		if !ok {
			return nil, seriesEnd(in, file, errTorn)
		}
		hash, isEnd := strings.CutPrefix(strings.TrimSuffix(line, "\r"), endLine)
		if !isEnd {
			text.WriteString(line)
			text.WriteByte('\n')
			continue
		}
		hash = strings.Clone(hash)
		c, err := Read(strings.NewReader(text.String()), file)
		if e, ok := errors.AsType[*ParseError](err); ok {
			e.Line += from
		}
		if err == nil && Hash(c) != hash {
			err = unlessLast(in, located(file, in.num, valueErrorf(len(endLine), "the case above is %s, not %q", Hash(c), clip(hash))))
		}
		if err != nil {
			return nil, err
		}
		c.Name = name
		return c, nil
	}
}

// unlessLast is err, or errTorn if nothing follows the line handed out last.
func unlessLast(in *lines, err error) error {
	if _, more := in.next(); !more && in.err == io.EOF {
		return errTorn
	}
	return err
}

// seriesEnd judges why there are no more lines.
func seriesEnd(in *lines, file string, end error) error {
	switch {
	case in.tooLong():
		return located(file, in.num+1, valueErrorf(MaxLine, "line is longer than %d bytes", MaxLine))
	case in.err != io.EOF:
		return fmt.Errorf("%s: %w", file, in.err)
	}
	return end
}

// Split writes each case of files with several of them into outDir, which is
// made if it is not there, as a case file of its name. As with Import.Run, all
// come together.
func Split(outDir string, series ...string) (ImportStats, error) {
	var stats ImportStats
	err := files.Together(outDir, func(b *files.Batch) error {
		taken := map[string]bool{}
		for _, file := range series {
			stats.Files++
			cases, _, err := LoadSeries(file)
			if err != nil {
				return err
			}
			for _, c := range cases {
				_, name, _ := strings.Cut(c.Name, ":")
				if err := splitName(file, name, taken); err != nil {
					return err
				}
				stats.Lists, stats.Entries, stats.Written = stats.Lists+1, stats.Entries+len(c.List), stats.Written+1
				if err := b.Write(name+Ext, AppendCase(nil, c)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return ImportStats{}, err
	}
	return stats, nil
}

// splitName refuses what cannot name one more file of a directory.
func splitName(file, name string, taken map[string]bool) error {
	switch {
	case name == "" || name[0] == '.' || strings.ContainsAny(name, `/\:`):
		return located(file, 1, valueErrorf(0, "%q cannot name a file", clip(name)))
	case taken[name]:
		return located(file, 1, valueErrorf(0, "two cases are called %q", clip(name)))
	}
	taken[name] = true
	return nil
}
