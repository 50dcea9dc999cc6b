package export

import (
	"compress/gzip"
	"errors"
	"io"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Files of JSONL, without their endings.
var producers = [...]string{"kernel-sg2pages", "kernel-sg2klm", "kernel-regmr"}

// JSONL writes vectors of the cases below the directory out, which is made if
// it is not there: .jsonl files, or with compress .jsonl.gz. Cases that are
// left out are counted in Stats.Skipped; ErrNothing if all are, and for no
// cases.
func JSONL(out string, cases []*corpus.Case, compress bool) (Stats, error) {
	return together(out, func(b *files.Batch) (Stats, error) {
		var lines [len(producers)]io.WriteCloser
		for i, name := range producers {
			f, err := createLines(b, name, compress)
			if err != nil {
				return Stats{}, err
			}
			lines[i] = f
		}
		stats, err := writeVectors(lines, cases)
		for _, f := range lines {
			err = errors.Join(err, f.Close())
		}
		return stats, err
	})
}

// together makes the files of an export and counts them; on an error none is
// there.
func together(out string, write func(*files.Batch) (Stats, error)) (stats Stats, err error) {
	err = files.Together(out, func(b *files.Batch) error {
		stats, err = write(b)
		stats.Files, stats.Bytes = b.Files(), b.Bytes()
		return err
	})
	if err != nil {
		return Stats{}, err
	}
	return stats, nil
}

// createLines opens the file of a producer.
func createLines(b *files.Batch, name string, compress bool) (io.WriteCloser, error) {
	if !compress {
		return b.Create(name + ".jsonl")
	}
	f, err := b.Create(name + ".jsonl.gz")
	if err != nil {
		return nil, err
	}
	return &gzipFile{gzip.NewWriter(f), f}, nil
}

// gzipFile closes both ends.
type gzipFile struct {
	*gzip.Writer
	under io.Closer
}

func (g *gzipFile) Close() error { return errors.Join(g.Writer.Close(), g.under.Close()) }

// writeVectors writes each case's vectors into the files of the producers.
func writeVectors(files [len(producers)]io.WriteCloser, cases []*corpus.Case) (Stats, error) {
	stats := Stats{Skipped: map[string]int{}}
	used := names{}
	var lines []byte
	for _, c := range cases {
		in, reason := newInput(c)
		if reason != "" {
			stats.skip(reason)
			continue
		}
		in.name = used.unique(c.Name)
		stats.Cases++
		var err error
		for i, add := range [...]func([]byte) ([]byte, int, error){
			func(dst []byte) ([]byte, int, error) {
				dst, err := vectors.AppendMapping(dst, in.mapping("sg2pages", "", mlx5model.ModeMTT))
				return dst, 1, err
			},
			func(dst []byte) ([]byte, int, error) {
				dst, err := vectors.AppendMapping(dst, in.mapping("sg2klm", "", mlx5model.ModeKLM))
				return dst, 1, err
			},
			func(dst []byte) ([]byte, int, error) { return appendPostings(dst, in, c, &stats) },
		} {
			var n int
			if lines, n, err = add(lines[:0]); err != nil {
				return stats, err
			}
			stats.Vectors += n
			if _, err := files[i].Write(lines); err != nil {
				return stats, err
			}
		}
	}
	return stats, stats.nothing()
}

// appendPostings appends the REG_MR of both kinds of key, n lines, or counts
// why there is none.
func appendPostings(dst []byte, in *input, c *corpus.Case, stats *Stats) (lines []byte, n int, err error) {
	p := vectors.Posting{WQECnt: defaultQueue, CurPost: uint16(c.Limits.RingStart), Access: access(c.EffectiveAccess())}
	if q := c.Limits.Queue; q != 0 {
		if q&(q-1) != 0 || q > mlx5model.MaxRingWQEBBs {
			stats.skip("no REG_MR: the queue is not a power of two that a ring may have")
			return dst, 0, nil
		}
		if q < minQueue {
			stats.skip("no REG_MR: the queue is too short for it and a LOCAL_INV")
			return dst, 0, nil
		}
		p.WQECnt = int(q)
	}
	for _, m := range []*vectors.Mapping{in.mapping("regmr", "-mtt", mlx5model.ModeMTT), in.mapping("regmr", "-klm", mlx5model.ModeKLM)} {
		if dst, err = vectors.AppendPosting(dst, m, &p); err != nil {
			return dst, n, err
		}
		n++
	}
	return dst, n, nil
}
