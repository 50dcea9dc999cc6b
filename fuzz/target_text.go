package fuzz

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// textTarget takes bytes as a case file and as an iovec log.
func textTarget() Target {
	return Target{
		Name: "Text", Doc: "arbitrary bytes as a case file, an iovec log, entries and a DMA mapping",
		Body: runText, Seeds: textSeeds,
	}
}

func runText(data []byte) error {
	if err := caseText(data); err != nil {
		return err
	}
	if err := iovecText(data); err != nil {
		return err
	}
	return listText(string(data))
}

// caseText demands that what Parse takes is kept by Format, that Format's text
// is stable and means the same case, and that what Draw can make is encoded.
func caseText(data []byte) error {
	c, err := corpus.Parse(data)
	if err != nil {
		return parseFailure("case parser", err, c == nil)
	}
	text := corpus.Format(c)
	again, err := corpus.Parse([]byte(text))
	if err != nil {
		return failure("formatted case cannot be parsed", "%v\n%q\n%s", err, data, text)
	}
	if second := corpus.Format(again); second != text {
		return failure("formatted case is not stable", "%q\n%s\n%s", data, text, second)
	}
	if corpus.Hash(c) != corpus.Hash(again) || !slices.Equal(c.List, again.List) {
		return failure("formatted case means another case", "%q\n%s", data, text)
	}
	return caseChoices(c)
}

// caseChoices demands that a choice stream made from a case gives that case.
func caseChoices(c *corpus.Case) error {
	b, err := EncodeCase(nil, c)
	if err != nil || len(c.List) > sg.DefaultMaxEntries {
		return nil // one that is never drawn
	}
	var got corpus.Case
	Draw(sg.NewChoices(b), &got, new(sg.Params))
	want := *c
	want.Name, want.Comments, want.Wants = "", nil, nil
	normalise(&want)
	if corpus.Format(&got) != corpus.Format(&want) {
		return failure("case and choice stream differ", "%s\n%s", corpus.Format(&want), corpus.Format(&got))
	}
	return nil
}

// parseFailure demands that a parser's error says where, and that there is no
// value beside it.
func parseFailure(who string, err error, empty bool) error {
	p, ok := errors.AsType[*corpus.ParseError](err)
	if !ok || p.Line < 1 || p.Column < 1 || p.Msg == "" {
		return failure(who+": error does not say where", "%#v", err)
	}
	if !empty {
		return failure(who+": a value beside an error", "%v", err)
	}
	return nil
}

func iovecText(data []byte) error {
	lists := 0
	var bad error
	err := corpus.ReadIovecs(bytes.NewReader(data), "log", func(line int, name string, l sg.List) error {
		lists++
		if line < 1 || name == "" || len(l) == 0 {
			bad = failure("iovec log: list without a place", "line %d, name %q, %d entries\n%q", line, name, len(l), data)
		}
		for i := range l {
			if l[i].Wraps() {
				bad = failure("iovec log: range past 2^64", "line %d: %v\n%q", line, l[i], data)
			}
		}
		return bad
	})
	if bad != nil {
		return bad
	}
	if err != nil {
		return parseFailure("iovec log", err, true)
	}
	if most := strings.Count(string(data), "\n") + 1; lists > most {
		return failure("iovec log: more lists than lines", "%d\n%q", lists, data)
	}
	return nil
}

// listText demands that entries, lists and DMA mappings survive their own text.
func listText(s string) error {
	if e, err := sg.ParseEntry(s); err == nil {
		if again, err := sg.ParseEntry(e.String()); err != nil || again != e {
			return failure("entry does not survive its text", "%q: %v, %v, %v", s, e, again, err)
		}
	}
	if l, err := sg.ParseList(s); err == nil {
		var b []byte
		for _, e := range l {
			b = append(sg.AppendEntry(b, e), '\n')
		}
		if again, err := sg.ParseList(string(b)); err != nil || !slices.Equal(again, l) {
			return failure("list does not survive its text", "%q: %v, %v, %v", s, l, again, err)
		}
	}
	if d, err := sg.ParseDMA(s); err == nil {
		if again, err := sg.ParseDMA(d.String()); err != nil || again != d {
			return failure("DMA mapping does not survive its text", "%q: %v, %v, %v", s, d, again, err)
		}
	}
	return nil
}

func textSeeds() ([][]byte, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, err
	}
	seeds := [][]byte{
		[]byte("0x10000fff+1 lkey=0x42\n4096+4294967295\n"),
		[]byte("split 4096"),
		[]byte("# program\nwritev 0x7f0000001000+512 0x7f0000003000+0\nreadv 4096+1\n"),
	}
	for _, c := range cases {
		if text := corpus.Format(c); len(text) < 4096 {
			seeds = append(seeds, []byte(text))
		}
	}
	return seeds, nil
}

// wqeTextTarget takes bytes as a dump of WQEs in any of the forms known, and as
// a line of a file of recorded outputs.
func wqeTextTarget() Target {
	return Target{
		Name: "WQEText", Doc: "arbitrary bytes as a dump of WQEs and as a recorded output",
		Body: runWQEText, Seeds: wqeTextSeeds,
	}
}

func runWQEText(data []byte) error {
	blocks, form, err := wqetext.Parse(data)
	if err != nil {
		if _, ok := errors.AsType[*wqetext.Error](err); !ok || blocks != nil {
			return failure("WQE text: error does not say where", "%v, %d blocks\n%q", err, len(blocks), data)
		}
	}
	total := 0
	for _, b := range blocks {
		total += len(b.Bytes)
		if len(b.Bytes) == 0 || b.Line < 0 || form == wqetext.Unknown {
			return failure("WQE text: block without bytes or place", "%v, %+v\n%q", form, b, data)
		}
		pieces := 0
		for _, w := range wqetext.Split(b.Bytes) {
			pieces += len(w)
		}
		if pieces > len(b.Bytes) {
			return failure("WQE text: pieces are longer than the block", "%d of %d\n%q", pieces, len(b.Bytes), data)
		}
		if err := completionText(b); err != nil {
			return err
		}
	}
	if total > wqetext.MaxBytes {
		return failure("WQE text: more bytes than the bound", "%d\n%q", total, data)
	}
	return recordedText(data)
}

// completionText demands of a block of completions that its view covers it, or
// says that it is none.
func completionText(b wqetext.Block) error {
	if !b.CQE {
		return nil
	}
	v := mlx5model.AnnotateCQE(b.Bytes)
	covered := 0
	for _, p := range v.Parts {
		covered += p.Size
	}
	if whole := len(b.Bytes)%mlx5model.CQESize == 0 && len(b.Bytes) <= 2*mlx5model.CQESize; covered != len(b.Bytes) || whole != (v.Error == "") {
		return failure("CQE: view does not cover it", "%d of %d bytes, error %q\n% x", covered, len(b.Bytes), v.Error, b.Bytes)
	}
	return nil
}

// recordedText demands of a file of recorded outputs that it is judged or
// refused.
func recordedText(data []byte) error {
	rep, err := vectors.Check(io.LimitReader(bytes.NewReader(data), 1<<16), "log", vectors.Options{Workers: 1, MaxFailures: 1})
	if err == nil && rep.Passed+rep.Failed+rep.Skipped == 0 {
		return failure("recorded outputs: nothing judged and no error", "%+v\n%q", rep, data)
	}
	return nil
}

func wqeTextSeeds() ([][]byte, error) {
	posted, err := seedRequests(2)
	if err != nil {
		return nil, err
	}
	seeds := [][]byte{
		[]byte("mlx5_core: WQE DUMP: WQ size 4 WQ cur size 0, WQE index 0x0, len: 16\n00000000: 00 00 00 25 00 12 34 02 00 00 00 08 00 ab cd 5a\n"),
		[]byte("00000025 00123402 00000008 00abcd5a\n"),
		[]byte("[Sat Nov 21 16:45:01 2026] cqe_dump: 00000030: 00 00 00 00 0f 00 78 06 25 00 12 34 00 05 ac d3\n"),
		[]byte("mlx5: node17: got completion with error:\n" + strings.Repeat("00000000 00007806 25001234 0005acd3\n", 4)),
		[]byte("kern  :warn  : infiniband mlx5_0: dump_cqe:272:(pid 0): dump error cqe\nkern  :warn  : 00000000: 00 00\n"),
		[]byte("000000 00 00 05 25 00 12 34 0c >...%..4.<\n*\n000040\n"),
		[]byte(`{"id":"sg2klm-1","in":{},"out":{}}`),
	}
	for _, p := range posted {
		seeds = append(seeds, []byte(hex.Dump(p.WQE)), []byte(hex.EncodeToString(p.WQE)), p.WQE)
	}
	return seeds, nil
}
