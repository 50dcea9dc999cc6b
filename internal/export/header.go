package export

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Files of CHeader.
const (
	HeaderName  = "sgfuzz_vectors.h"
	ExampleName = "sgfuzz_example.c"
	KUnitName   = "sgfuzz_kunit_example.c"
)

// DefaultMostEntries is a bound on the entries of a case in a header that keeps
// the embedded set at some hundred kilobytes of source.
const DefaultMostEntries = 64

// ErrBound says that a bound on entries is not positive.
var ErrBound = errors.New("the most entries must be at least 1")

// maxTableDescs bounds a case's room for descriptors: a test has a buffer of
// that size.
const maxTableDescs = 4096

//go:embed c/head.h c/sgfuzz_example.c c/sgfuzz_kunit_example.c
var sources embed.FS

// CHeader writes HeaderName, ExampleName and KUnitName into the directory out,
// which is made if it is not there. Cases of more than most entries (behind the
// DMA-mapping stage; 0 is DefaultMostEntries), or with room for more than 4096
// descriptors, are left out and counted in Stats.Skipped. ErrBound for a
// negative bound; ErrNothing if all cases are left out, and for no cases.
func CHeader(out string, cases []*corpus.Case, most int) (Stats, error) {
	if most == 0 {
		most = DefaultMostEntries
	}
	if most < 0 {
		return Stats{}, fmt.Errorf("%d: %w", most, ErrBound)
	}
	return together(out, func(b *files.Batch) (Stats, error) {
		f, err := b.Create(HeaderName)
		if err != nil {
			return Stats{}, err
		}
		t := tables{w: f, most: most, stats: Stats{Skipped: map[string]int{}}}
		err = errors.Join(t.write(cases), f.Close())
		for _, name := range []string{ExampleName, KUnitName} {
			if err == nil {
				err = b.Write(name, source(name))
			}
		}
		return t.stats, err
	})
}

// source is an embedded file.
func source(name string) []byte {
	data, err := sources.ReadFile("c/" + name)
	if err != nil { // the name is one of the directive's
		panic(err)
	}
	return data
}

// tables writes the header: arrays of entries and descriptors as the cases come,
// then the tables of cases, which are kept until then.
type tables struct {
	w           io.Writer
	err         error // of w
	most        int
	stats       Stats
	pages, klms bytes.Buffer // initialisers of the cases
	entries     int          // the most of a case
	descs       int          // the most room of a case, in descriptors
}

func (t *tables) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *tables) write(cases []*corpus.Case) error {
	t.printf("%s", source("head.h"))
	used := names{}
	for _, c := range cases {
		in, reason := newInput(c)
		switch {
		case reason != "":
		case len(in.list) > t.most:
			reason = fmt.Sprintf("the list has more than %d entries", t.most)
		case in.maxNumSG > maxTableDescs:
			reason = fmt.Sprintf("max-entries is more than %d", maxTableDescs)
		}
		if reason != "" {
			t.stats.skip(reason)
			continue
		}
		in.name = used.unique(c.Name)
		t.add(in, t.stats.Cases)
		t.stats.Cases++
		t.stats.Vectors += 2
	}
	t.table("sgfuzz_sg_to_pages", "ib_map_mr_sg on a page-list key: one word a descriptor", &t.pages)
	t.table("sgfuzz_sg_to_klms", "ib_map_mr_sg on an SG_GAPS key: two words a descriptor", &t.klms)
	t.printf("\n#define SGFUZZ_CASES %d\n", t.stats.Cases)
	t.printf("#define SGFUZZ_MOST_ENTRIES %d /* of a case */\n", max(t.entries, 1))
	t.printf("#define SGFUZZ_MOST_DESC_BYTES %d /* max_descs of a case, as KLMs */\n", t.descs*mlx5model.KLMSize)
	t.printf("\n#endif /* SGFUZZ_VECTORS_H */\n")
	return errors.Join(t.err, t.stats.nothing())
}

// add writes the arrays of case i and keeps its initialisers.
func (t *tables) add(in *input, i int) {
	list := "NULL"
	if len(in.list) > 0 {
		list = fmt.Sprintf("sgfuzz_sg_%d", i)
		t.printf("\nstatic const struct sgfuzz_entry %s[] = {\n", list)
		for _, e := range in.list {
			t.printf("\t{ %#xull, %#xu },\n", e.Addr, e.Len)
		}
		t.printf("};\n")
	}
	t.entries = max(t.entries, len(in.list))
	t.initialiser(&t.pages, in, i, list, "pages", mlx5model.ModeMTT)
	t.initialiser(&t.klms, in, i, list, "klms", mlx5model.ModeKLM)
}

func (t *tables) initialiser(dst *bytes.Buffer, in *input, i int, list, kind string, mode mlx5model.AccessMode) {
	r, maxDescs, descs := in.call(mode)
	t.descs = max(t.descs, maxDescs)
	words := "NULL"
	if len(descs) > 0 {
		words = fmt.Sprintf("sgfuzz_%s_%d", kind, i)
		t.words(words, descs)
	}
	given, offset := 0, uint32(0)
	if in.offset != nil {
		given, offset = 1, *in.offset
	}
	fmt.Fprintf(dst, "\t{\n\t\t.name = %s,\n", cString(in.name))
	fmt.Fprintf(dst, "\t\t.sg = %s, .nents = %d, .page_size = %du, .max_descs = %d, .lkey = %#xu,\n", list, len(in.list), in.pageSize, maxDescs, in.lkey)
	fmt.Fprintf(dst, "\t\t.has_sg_offset = %d, .sg_offset = %du,\n", given, offset)
	fmt.Fprintf(dst, "\t\t.ret = %d, .sg_offset_out = %du, .iova = %#xull, .length = %#xull,\n", r.Ret, r.SGOffset, r.IOVA, r.Length)
	fmt.Fprintf(dst, "\t\t.ndescs = %d, .words = %s,\n\t},\n", r.NDescs, words)
}

func (t *tables) words(name string, descs []byte) {
	const inLine = 4
	t.printf("\nstatic const sgfuzz_u64 %s[] = {", name)
	for k := 0; k*8 < len(descs); k++ {
		if k%inLine == 0 {
			t.printf("\n\t")
		} else {
			t.printf(" ")
		}
		t.printf("%#xull,", binary.BigEndian.Uint64(descs[k*8:]))
	}
	t.printf("\n};\n")
}

func (t *tables) table(name, what string, cases *bytes.Buffer) {
	t.printf("\n/* %s */\nstatic const struct sgfuzz_case %s[] = {\n", what, name)
	if t.err == nil {
		_, t.err = cases.WriteTo(t.w)
	}
	t.printf("};\n")
}

// cString is a string as a C literal. What is not plain ASCII stands as octal
// digits, and so do question marks, two of which begin a trigraph.
func cString(s string) string {
	b := []byte{'"'}
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~' || c == '?':
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
