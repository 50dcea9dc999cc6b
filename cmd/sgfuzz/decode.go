package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

// decodeCmd prints WQEs with their fields.
type decodeCmd struct {
	common
	Dialect string `default:"auto" placeholder:"NAME" help:"Rules to judge by: linux, libmlx5, libmlx5-44, spdk, ofed, none, or auto for the one that fits (default: auto)."`
	Strict  bool   `help:"Exit status 1 if a WQE breaks a rule (a finding of severity error)."`
	Entries int    `default:"8" help:"Entries shown from each end of a long list."`
	File    string `arg:"" optional:"" default:"-" help:"Hex, raw bytes, kernel log or dump_wqe words; standard input if left out."`
}

// decodeResult is its JSON object.
type decodeResult struct {
	Format string        `json:"format"`
	Errors int           `json:"errors"` // findings of severity error
	Blocks []decodeBlock `json:"blocks"`
}

type decodeBlock struct {
	Source string      `json:"source,omitempty"` // heading above the bytes
	Line   int         `json:"line,omitempty"`
	WQEs   []decodeWQE `json:"wqes"`
}

type decodeWQE struct {
	Offset   int             `json:"offset"` // in the block, bytes
	Opcode   string          `json:"opcode,omitempty"`
	Index    int             `json:"index"`
	QPN      uint32          `json:"qpn"`
	DS       int             `json:"ds"`
	Hex      string          `json:"hex"`
	List     string          `json:"list,omitempty"`  // of a UMR by pointer
	Error    string          `json:"error,omitempty"` // why it cannot be decoded
	Rules    string          `json:"rules,omitempty"` // judged by
	Fits     []string        `json:"fits"`            // dialects whose rules it keeps
	Findings []decodeFinding `json:"findings"`
	Text     []string        `json:"text"`
}

type decodeFinding struct {
	Rule      int    `json:"rule"`
	Severity  string `json:"severity"`
	Offset    int    `json:"offset"`
	Field     string `json:"field"`
	Text      string `json:"text"`
	Authority string `json:"authority"`
}

// dialect is one producer's rules by the name of the command line.
type dialect struct {
	name  string
	rules *mlx5model.Rules
}

var dialects = []dialect{
	{"linux", &linux.Rules},
	{"libmlx5", &libmlx5.RulesHead},
	{"libmlx5-44", &libmlx5.RulesV44},
	{"spdk", &spdk.Rules},
	{"ofed", &ofed.Rules},
}

// Names of --dialect besides those of dialects.
const (
	dialectAuto = "auto"
	dialectNone = "none"
)

func dialectNames() []string {
	names := []string{dialectAuto, dialectNone}
	for _, d := range dialects {
		names = append(names, d.name)
	}
	return names
}

func (v *decodeCmd) run(a *app) (any, error) {
	if err := known("dialect", []string{v.Dialect}, dialectNames()); err != nil {
		return nil, err
	}
	data, err := a.readAll(v.File)
	if err != nil {
		return nil, err
	}
	blocks, format, err := wqetext.Parse(data)
	if err != nil {
		return nil, badInputf("%s: %w", nameOf(v.File), err)
	}
	r := decodeResult{Format: format.String(), Blocks: []decodeBlock{}}
	broken := 0
	for i := 0; i < len(blocks); i++ {
		b, lists := &blocks[i], wqeLists(blocks[i+1:])
		i += len(lists)
		out, bad := v.block(b, lists, &r)
		broken += bad
		a.printBlock(&out, format, len(r.Blocks) > 0)
		r.Blocks = append(r.Blocks, out)
	}
	switch {
	case broken > 0:
		return r, badInputf("%s: %d WQEs cannot be decoded", nameOf(v.File), broken)
	case v.Strict && r.Errors > 0:
		return r, status(exitFindings)
	}
	return r, nil
}

func nameOf(file string) string {
	if file == stdinName {
		return "stdin"
	}
	return file
}

// wqeLists are the blocks from the front that encode wrote as lists by
// pointer.
func wqeLists(blocks []wqetext.Block) []wqetext.Block {
	n := 0
	for n < len(blocks) && strings.HasPrefix(blocks[n].Source, listHeading) {
		n++
	}
	return blocks[:n]
}

// block decodes one block. bad counts the pieces that are no WQE.
func (v *decodeCmd) block(b *wqetext.Block, lists []wqetext.Block, r *decodeResult) (out decodeBlock, bad int) {
	out = decodeBlock{Source: b.Source, Line: b.Line, WQEs: []decodeWQE{}}
	at := 0
	for _, raw := range wqetext.Split(b.Bytes) {
		at += bytes.Index(b.Bytes[at:], raw) // behind blocks of zeros
		var list []byte
		if len(lists) > 0 {
			list = lists[0].Bytes
		}
		w := v.wqe(raw, list)
		w.Offset = at
		at += len(raw)
		if w.List != "" {
			lists = lists[1:]
		}
		if w.Error != "" {
			bad++
		}
		for _, f := range w.Findings {
			if f.Severity == mlx5model.Error.String() {
				r.Errors++
			}
		}
		out.WQEs = append(out.WQEs, w)
	}
	return out, bad
}

// wqe decodes one WQE; list is what stands behind it as its list by pointer,
// nil for nothing.
func (v *decodeCmd) wqe(raw, list []byte) decodeWQE {
	out := decodeWQE{Hex: hex.EncodeToString(raw), Fits: []string{}, Findings: []decodeFinding{}}
	var ctx mlx5model.CheckContext
	var w mlx5model.WQE
	if err := mlx5model.Decode(raw, &w); err != nil {
		out.Error = err.Error()
	} else {
		out.Opcode, out.Index, out.QPN, out.DS = w.Opcode.String(), int(w.Index), w.QPN, int(w.DS)
		if w.HasPointer && list != nil {
			ctx.List, out.List = list, hex.EncodeToString(list)
		}
		ctx.Rules = v.rules(raw, ctx, &out)
	}
	for _, f := range mlx5model.Check(nil, raw, &ctx) {
		out.Findings = append(out.Findings, decodeFinding{int(f.Rule), f.Severity.String(), f.Offset, f.Field, f.Text, f.Authority})
	}
	var text strings.Builder
	_ = mlx5model.Dump(&text, raw, mlx5model.DumpOptions{Check: &ctx, Entries: v.Entries}) // a Builder takes everything
	out.Text = strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	return out
}

// rules picks the rules to judge by and notes the dialects that fit.
func (v *decodeCmd) rules(raw []byte, ctx mlx5model.CheckContext, out *decodeWQE) (chosen *mlx5model.Rules) {
	for _, d := range dialects {
		ctx.Rules = d.rules
		if fits(raw, &ctx) {
			out.Fits = append(out.Fits, d.name)
		}
		if d.name == v.Dialect || v.Dialect == dialectAuto && len(out.Fits) == 1 && out.Fits[0] == d.name {
			chosen, out.Rules = d.rules, d.name
		}
	}
	return chosen
}

func fits(raw []byte, ctx *mlx5model.CheckContext) bool {
	for _, f := range mlx5model.Check(nil, raw, ctx) {
		if f.Severity == mlx5model.Error {
			return false
		}
	}
	return true
}

func (a *app) printBlock(b *decodeBlock, format wqetext.Format, more bool) {
	if more {
		a.printf("\n")
	}
	where := format.String()
	if b.Line > 0 {
		where += fmt.Sprintf(", line %d", b.Line)
	}
	if b.Source != "" {
		where += ": " + b.Source
	}
	a.printf("== %s\n", where)
	for i := range b.WQEs {
		w := &b.WQEs[i]
		if i > 0 {
			a.printf("\n-- at byte %#x of the block\n", w.Offset)
		}
		a.printf("%s\n", strings.Join(w.Text, "\n"))
		if w.Error == "" {
			a.printf("%s\n", fitsLine(w))
		}
	}
}

func fitsLine(w *decodeWQE) string {
	if len(w.Fits) == 0 {
		return "fits the rules of no known dialect"
	}
	return "fits the rules of " + strings.Join(w.Fits, ", ")
}
