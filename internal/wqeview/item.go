package wqeview

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Options govern Of and Parse. The zero value guesses the dialect and shows 8
// entries from each end of a long list.
type Options struct {
	// Dialect is one of Dialects: whose rules to judge by; "" is Auto.
	Dialect string
	// Entries is how many entries of a long list are shown from each end; 0
	// stands for 8, negative for all.
	Entries int
}

// Item is one WQE or completion.
type Item struct {
	*mlx5model.View
	Block    int          `json:"block"`              // of the document, from 0
	Offset   int          `json:"offset"`             // in the block, bytes
	Dialect  *Guess       `json:"dialect,omitempty"`  // of a WQE
	Syndrome *Explanation `json:"syndrome,omitempty"` // of a completion with error
	Match    *Match       `json:"match,omitempty"`    // the completion of this WQE, or the WQE of this completion
}

// Match names the item that belongs to another.
type Match struct {
	Item int    `json:"item"` // index in Document.Items, -1 for none
	Text string `json:"text"`
}

// Of lays out one linear WQE. ctx is what is known beside its bytes; its Rules
// are taken from opt. It never fails: a WQE that cannot be decoded has an
// Error and what could be read.
func Of(raw []byte, ctx mlx5model.CheckContext, opt Options) *Item {
	return of(raw, ctx, opt, "")
}

// of is Of with the dialect of the WQEs around this one, "" for unknown.
func of(raw []byte, ctx mlx5model.CheckContext, opt Options, prefer string) *Item {
	var g Guess
	g, ctx.Rules = guess(raw, ctx, opt.Dialect, prefer)
	view := mlx5model.Annotate(raw, mlx5model.DumpOptions{Check: &ctx, Entries: opt.Entries})
	return &Item{View: view, Dialect: &g}
}

// OfCQE lays out a completion of 64 or 128 bytes.
func OfCQE(raw []byte) *Item {
	it := &Item{View: mlx5model.AnnotateCQE(raw)}
	if it.Error == "" {
		it.Syndrome = explain(raw[len(raw)-mlx5model.CQESize:])
	}
	return it
}

// add appends a finding of the document's own.
func (it *Item) add(sev mlx5model.Severity, off int, field, authority, text string) {
	it.Findings = append(it.Findings, mlx5model.ViewFinding{
		Finding: mlx5model.Finding{Rule: mlx5model.RuleFrame, Severity: sev, Offset: off, Field: field, Text: text, Authority: authority},
		Number:  len(it.Findings) + 1, Buffer: mlx5model.BufferWQE,
	})
}
