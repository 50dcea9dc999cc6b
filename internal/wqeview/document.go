package wqeview

import (
	"fmt"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Document is a whole paste.
type Document struct {
	Format   string  `json:"format"`            // of the text, as wqetext.Format has it
	Errors   int     `json:"errors"`            // findings of severity error
	Warnings int     `json:"warnings"`          // findings of severity warning
	Broken   int     `json:"broken"`            // items that cannot be decoded
	Failed   int     `json:"failed"`            // completions with error
	Omitted  int     `json:"omitted,omitempty"` // items beyond MaxItems, left out
	Blocks   []Block `json:"blocks"`
	Items    []*Item `json:"items"`
}

// Block is a run of bytes of the paste, in which some of the items stand.
type Block struct {
	Source string `json:"source,omitempty"` // heading above the bytes
	Line   int    `json:"line,omitempty"`   // of the first byte, from 1; 0 for raw bytes
	Size   int    `json:"size"`             // bytes
}

// ListHeading begins the comment above a list by pointer that belongs to the
// WQE before it.
const ListHeading = "list of WQE"

// MaxItems bounds what Parse lays out; the rest of a longer paste is left out.
const MaxItems = 4096

// Parse lays out what text holds, in the order of the text. The error is a
// *wqetext.Error.
func Parse(text []byte, opt Options) (*Document, error) {
	blocks, format, err := wqetext.Parse(text)
	if err != nil {
		return nil, err
	}
	r := reader{opt: opt, doc: &Document{Format: format.String(), Blocks: []Block{}, Items: []*Item{}}}
	r.prefer = r.dialect(blocks)
	for len(blocks) > 0 {
		b := &blocks[0]
		blocks = blocks[1:]
		lists := leadingLists(blocks)
		blocks = blocks[len(lists):]
		r.doc.Blocks = append(r.doc.Blocks, Block{Source: b.Source, Line: b.Line, Size: len(b.Bytes)})
		if b.CQE {
			r.cqes(b)
		} else {
			r.wqes(b, lists)
		}
	}
	r.match()
	r.doc.count()
	return r.doc, nil
}

// leadingLists are the blocks from the front that are lists by pointer.
func leadingLists(blocks []wqetext.Block) []wqetext.Block {
	n := 0
	for n < len(blocks) && strings.HasPrefix(blocks[n].Source, ListHeading) {
		n++
	}
	return blocks[:n]
}

func (d *Document) count() {
	for _, it := range d.Items {
		if it.Error != "" {
			d.Broken++
		}
		if it.Syndrome != nil {
			d.Failed++
		}
		d.Errors += it.Count(mlx5model.Error)
		d.Warnings += it.Count(mlx5model.Warn)
	}
}

// reader is the state of one Parse.
type reader struct {
	opt    Options
	doc    *Document
	prefer string // dialect of most of the paste's UMRs
}

// dialect votes on the paste's dialect: each UMR of the first blocks has a
// vote, in its own guess.
func (r *reader) dialect(blocks []wqetext.Block) string {
	const voters = 64
	votes, heard := map[string]int{}, 0
	for i := range blocks {
		if blocks[i].CQE || strings.HasPrefix(blocks[i].Source, ListHeading) {
			continue
		}
		for _, raw := range wqetext.Split(blocks[i].Bytes) {
			if w, ok := mlx5model.Salvage(raw); heard < voters && ok && w.Opcode == mlx5model.OpUMR {
				g, _ := guess(raw, mlx5model.CheckContext{}, Auto, "")
				heard++
				for _, name := range g.Fits {
					votes[name]++
				}
			}
		}
	}
	best := ""
	for _, d := range dialects {
		if votes[d.name] > votes[best] {
			best = d.name
		}
	}
	return best
}

func (r *reader) cqes(b *wqetext.Block) {
	pieces := [][]byte{b.Bytes}
	if n := len(b.Bytes); n > 2*mlx5model.CQESize && n%mlx5model.CQESize == 0 {
		pieces = nil
		for off := 0; off < n; off += mlx5model.CQESize {
			pieces = append(pieces, b.Bytes[off:off+mlx5model.CQESize])
		}
	}
	off := 0
	for _, raw := range pieces {
		if r.room() {
			r.keep(OfCQE(raw), off)
		}
		off += len(raw)
	}
}

// room says whether another item may be laid out, and counts those that may
// not.
func (r *reader) room() bool {
	if len(r.doc.Items) < MaxItems {
		return true
	}
	r.doc.Omitted++
	return false
}

func (r *reader) keep(it *Item, off int) {
	it.Block, it.Offset = len(r.doc.Blocks)-1, off
	r.doc.Items = append(r.doc.Items, it)
}

// wqes lays out a block of WQEs, each held against the one in front of it.
func (r *reader) wqes(b *wqetext.Block, lists []wqetext.Block) {
	end := 0
	var ctx mlx5model.CheckContext
	for at, raw := range wqetext.Split(b.Bytes) {
		if !r.room() {
			continue
		}
		if at != end { // behind WQEBBs of zeros
			ctx = mlx5model.CheckContext{}
		}
		w, ok := mlx5model.Salvage(raw)
		if ok && w.HasPointer && len(lists) > 0 {
			ctx.List, lists = lists[0].Bytes, lists[1:]
		}
		it := of(raw, ctx, r.opt, r.prefer)
		if at == 0 {
			checkHeading(it, b)
		}
		if b.Gap > 0 && at+len(raw) == len(b.Bytes) {
			it.add(mlx5model.Warn, max(0, len(raw)-1), "log", authDump, fmt.Sprintf("line %d of the log does not go on where the row before it ends: rows are missing", b.Gap))
		}
		r.keep(it, at)
		end = at + len(raw)
		ctx = behind(&w, it.Error == "", queue(&ctx, &w))
	}
}

// queue is the queue pair that a run of WQEs belongs to: that of its first.
func queue(ctx *mlx5model.CheckContext, w *mlx5model.WQE) uint32 {
	if ctx.HavePosition {
		return ctx.QPN
	}
	return w.QPN
}

// behind is what is known about the WQE behind w in the same queue.
func behind(w *mlx5model.WQE, good bool, qpn uint32) (ctx mlx5model.CheckContext) {
	if !good {
		return ctx
	}
	return mlx5model.CheckContext{
		HavePosition: true, QPN: qpn, Index: w.Index + uint16(mlx5model.WQEBBs(w.DS)),
		PrevUMR: w.Opcode == mlx5model.OpUMR, PrevKey: w.Imm,
	}
}
