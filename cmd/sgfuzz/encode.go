package main

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// encodeCmd prints the WQE bytes of a case.
type encodeCmd struct {
	common
	Strategy string `placeholder:"NAME" help:"Strategy that registers (default: the case's strategy, else indirect)."`
	Dialect  string `placeholder:"NAME" help:"Dialect of the WQEs (default: the case's dialect, else linux)."`
	Profile  string `placeholder:"NAME" help:"Device profile (default: the case's)."`
	Raw      bool   `help:"Write the WQEs as bytes, each padded to whole 64-byte blocks; lists by pointer are left out."`
	Out      string `short:"o" placeholder:"FILE" help:"File to write to (default: standard output)."`
	File     string `arg:"" name:"case" help:"A case: a file, the name of an embedded case, or - for standard input."`
}

// encodeResult is its JSON object.
type encodeResult struct {
	Case     string      `json:"case"`
	Strategy string      `json:"strategy" names:"strategy"`
	Dialect  string      `json:"dialect" names:"dialect"`
	WQEs     []encodeWQE `json:"wqes"`
}

type encodeWQE struct {
	Counter  uint32 `json:"counter"` // producer counter, in WQEBBs
	Opcode   string `json:"opcode"`
	DS       int    `json:"ds"`
	Hex      string `json:"hex"`
	ListAddr string `json:"list_addr,omitempty"` // of a UMR by pointer
	List     string `json:"list,omitempty"`
}

// defaultStrategy is what encode takes for a case that names no strategy.
const defaultStrategy = "indirect"

func (v *encodeCmd) run(a *app) (any, error) {
	c, err := v.load(a)
	if err != nil {
		return nil, err
	}
	posted, err := fuzz.NewRunner(fuzz.Options{}).Encode(c, c.Strategy)
	if err != nil {
		return nil, badInputf("%s: %w", c.Name, err)
	}
	if len(posted) == 0 {
		return nil, badInputf("%s: %s posts no work request for this list", c.Name, c.Strategy)
	}
	r := encodeResult{Case: c.Name, Strategy: c.Strategy, Dialect: posted[0].Dialect}
	for i := range posted {
		r.WQEs = append(r.WQEs, encoded(&posted[i]))
	}
	return r, v.write(a, &r, posted)
}

// load reads the case and applies the flags.
func (v *encodeCmd) load(a *app) (*corpus.Case, error) {
	if err := cmp.Or(knownName("strategy", v.Strategy), knownName("dialect", v.Dialect), knownName("profile", v.Profile)); err != nil {
		return nil, err
	}
	c, err := a.loadCase(v.File)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		to    *string
		given string
	}{{&c.Strategy, v.Strategy}, {&c.Dialect, v.Dialect}, {&c.Profile, v.Profile}} {
		if f.given != "" {
			*f.to = f.given
		}
	}
	if c.Strategy == "" {
		c.Strategy = defaultStrategy
	}
	return c, nil
}

func encoded(p *fuzz.Posted) encodeWQE {
	ctrl := mlx5model.ParseCtrl(p.WQE)
	e := encodeWQE{Counter: p.Counter, Opcode: ctrl.Opcode.String(), DS: int(ctrl.DS), Hex: hex.EncodeToString(p.WQE)}
	if p.List != nil {
		e.ListAddr, e.List = fmt.Sprintf("%#x", p.ListAddr), hex.EncodeToString(p.List)
	}
	return e
}

func (v *encodeCmd) write(a *app, r *encodeResult, posted []fuzz.Posted) error {
	var b bytes.Buffer
	if v.Raw {
		writeRaw(&b, posted)
	} else {
		fmt.Fprintf(&b, "# case %s, strategy %s\n", r.Case, r.Strategy)
		writeHex(&b, r, posted)
	}
	if v.Out != "" {
		return files.WriteBytes(v.Out, b.Bytes())
	}
	_, _ = a.out.Write(b.Bytes()) // an error shows when stdout is flushed
	return nil
}

// writeHex writes each WQE under its comment, 16 bytes a row, and behind a UMR
// by pointer its list.
func writeHex(w io.Writer, r *encodeResult, posted []fuzz.Posted) {
	for i := range posted {
		p, e := &posted[i], &r.WQEs[i]
		fmt.Fprintf(w, "\n# WQE %d: %s, DS %d, dialect %s\n", i, e.Opcode, e.DS, p.Dialect)
		hexRows(w, p.WQE)
		if p.List != nil {
			fmt.Fprintf(w, "# %s %d, %d bytes at %s\n", wqeview.ListHeading, i, len(p.List), e.ListAddr)
			hexRows(w, p.List)
		}
	}
}

func hexRows(w io.Writer, b []byte) {
	for ; len(b) > 0; b = b[min(16, len(b)):] {
		fmt.Fprintf(w, "% x\n", b[:min(16, len(b))])
	}
}

// writeRaw writes the WQEs as a send queue holds them.
func writeRaw(w *bytes.Buffer, posted []fuzz.Posted) {
	for i := range posted {
		w.Write(posted[i].WQE)
		if n := w.Len() % mlx5model.WQEBBSize; n != 0 {
			w.Write(make([]byte, mlx5model.WQEBBSize-n))
		}
	}
}
