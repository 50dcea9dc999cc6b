package corpus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Import turns iovec logs into case files. The zero value writes every list.
type Import struct {
	// Dedupe writes a list that occurs several times in one log once, under
	// its first line; the comment tells how often it occurs.
	Dedupe bool
}

// ImportStats counts what an import did.
type ImportStats struct {
	Files   int // logs read
	Lists   int // lists in them
	Entries int // entries in those lists
	Written int // case files written
}

// ImportIovecs writes one case file into outDir for each list of the logs,
// named after the log and the line: "<log>-<line>.sgcase". See Import.Run.
func ImportIovecs(outDir string, files ...string) (ImportStats, error) {
	return Import{}.Run(outDir, files...)
}

// Run imports the logs into outDir, which is made if it is not there. All logs
// are read, and all cases written to a directory inside outDir, before the
// first file comes into its place: on an error outDir holds what it held, but
// for files of an earlier import, which are replaced, if a later move fails.
// Case files are not forced to the disk, as an import can be run again.
func (im Import) Run(outDir string, logs ...string) (ImportStats, error) {
	var stats ImportStats
	err := files.Together(outDir, func(b *files.Batch) (err error) {
		stats, err = im.all(b, logs)
		return err
	})
	if err != nil {
		return ImportStats{}, err
	}
	return stats, nil
}

// all writes the cases of all logs.
func (im Import) all(out *files.Batch, logs []string) (ImportStats, error) {
	var stats ImportStats
	bases := make(map[string]string)
	for _, file := range logs {
		base := logName(file)
		if other, dup := bases[base]; dup {
			return stats, fmt.Errorf("%s and %s would make the same case names", other, file)
		}
		bases[base] = file
		if err := im.file(out, file, base, &stats); err != nil {
			return stats, err
		}
	}
	return stats, nil
}

// logName is a log's name without directory and ending.
func logName(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func (im Import) file(out *files.Batch, file, base string, stats *ImportStats) error {
	counts, err := im.count(file)
	if err != nil {
		return err
	}
	stats.Files++
	return readLog(file, func(line int, name string, l sg.List) error {
		stats.Lists++
		stats.Entries += len(l)
		lines := []int{line}
		if im.Dedupe {
			lines = counts.at[counts.key(name, l)]
			if lines[0] != line {
				return nil
			}
		}
		stats.Written++
		c := Case{Comments: origin(name, filepath.Base(file), lines), List: l}
		return out.Write(fmt.Sprintf("%s-%d%s", base, line, Ext), AppendCase(nil, &c))
	})
}

func readLog(file string, fn func(int, string, sg.List) error) (err error) {
	f, err := openLarge(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return ReadIovecs(f, file, fn)
}

// count notes the lines on which each list of a log stands.
func (im Import) count(file string) (*occurrences, error) {
	o := &occurrences{seed: maphash.MakeSeed(), at: make(map[[2]uint64][]int)}
	if !im.Dedupe {
		return o, nil
	}
	err := readLog(file, func(line int, name string, l sg.List) error {
		k := o.key(name, l)
		o.at[k] = append(o.at[k], line)
		return nil
	})
	return o, err
}

type occurrences struct {
	seed maphash.Seed
	at   map[[2]uint64][]int
	buf  []byte
}

// key is a hash of 128 bits: two lists with the same one are taken to be the
// same.
func (o *occurrences) key(name string, l sg.List) [2]uint64 {
	b := append(o.buf[:0], name...)
	for _, e := range l {
		b = binary.LittleEndian.AppendUint64(b, e.Addr)
		b = binary.LittleEndian.AppendUint32(b, e.Len)
		b = binary.LittleEndian.AppendUint32(b, e.Lkey)
	}
	o.buf = b
	return [2]uint64{maphash.Bytes(o.seed, b), maphash.Bytes(o.seed, append(b, 1))}
}

// origin is the comment that says where a case comes from.
func origin(name, file string, lines []int) []Comment {
	text := fmt.Sprintf("# %s, line %d of %s", name, lines[0], file)
	list := []Comment{{Text: text}}
	if n := len(lines); n > 1 {
		list = append(list, Comment{Text: fmt.Sprintf("# the same list occurs %d times there, last on line %d", n, slices.Max(lines))})
	}
	return list
}
