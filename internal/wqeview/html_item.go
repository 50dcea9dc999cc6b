package wqeview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// pageBuilder makes the HTML of one item: fields and bytes that name each
// other by id.
type pageBuilder struct {
	it      *Item
	prefix  string
	fields  int                 // ids given
	owners  map[string][]string // field ids by byte id
	titles  map[string]string   // field names by byte id
	class   map[string]string   // by byte id
	anchors map[int]string      // field id by number of a finding
}

// byteID names a byte; htmlByte ids and data-b are made of it.
func (b *pageBuilder) byteID(buffer string) string { return b.prefix + buffer[:1] }

// span is data-b of a run of bytes.
func (b *pageBuilder) span(buffer string, off, size int) string {
	return fmt.Sprintf("%s:%d-%d", b.byteID(buffer), off, off+size-1)
}

// own makes a new field the owner of a run of bytes and gives its id.
func (b *pageBuilder) own(buffer string, off, size int, title string) string {
	b.fields++
	id := fmt.Sprintf("%sf%d", b.prefix, b.fields)
	for i := off; i < off+size && i < htmlBytes; i++ {
		at := fmt.Sprintf("%s%d", b.byteID(buffer), i)
		b.owners[at] = append(b.owners[at], id)
		if b.titles[at] != "" {
			b.titles[at] += ", "
		}
		b.titles[at] += title
	}
	return id
}

// mark colours a run of bytes.
func (b *pageBuilder) mark(buffer string, off, size int, class string) {
	for i := off; i < off+size && i < htmlBytes; i++ {
		at := fmt.Sprintf("%s%d", b.byteID(buffer), i)
		b.class[at] += " " + class
	}
}

func (b *pageBuilder) part(j int) htmlPart {
	p := &b.it.Parts[j]
	h := htmlPart{Part: p, Class: fmt.Sprintf("k%d", j%8), Span: fmt.Sprintf("bytes %03x to %03x", p.Offset, p.Offset+p.Size-1)}
	if p.Buffer == mlx5model.BufferList {
		h.Span += " of the list"
	}
	b.mark(p.Buffer, p.Offset, p.Size, h.Class)
	switch p.State {
	case mlx5model.StateStale:
		b.mark(p.Buffer, p.Offset, p.Size, "stale")
	case mlx5model.StateZero:
		b.mark(p.Buffer, p.Offset, p.Size, "still")
	}
	for i := range p.Fields {
		if f := b.field(p, &p.Fields[i]); f.Zero() && len(f.Marks) == 0 {
			h.Zeros = append(h.Zeros, f)
		} else {
			h.Fields = append(h.Fields, f)
		}
	}
	if len(p.Rows) > 0 {
		h.Head = p.Columns()
	}
	for i := range p.Rows {
		h.Rows = append(h.Rows, b.row(p, &p.Rows[i], len(h.Head)))
	}
	if len(p.Fields)+len(p.Rows) == 0 {
		h.ID, h.Bytes = b.own(p.Buffer, p.Offset, p.Size, p.Name), b.span(p.Buffer, p.Offset, p.Size)
		h.Marks = b.marks(h.ID, func(f *mlx5model.ViewFinding) bool { return within(f, p.Buffer, p.Offset, p.Size) })
	}
	return h
}

func within(f *mlx5model.ViewFinding, buffer string, off, size int) bool {
	return f.Buffer == buffer && f.Offset >= off && f.Offset < off+size
}

// marks are the numbers of the findings that is accepts; the first element to
// bear a finding is its anchor.
func (b *pageBuilder) marks(id string, is func(*mlx5model.ViewFinding) bool) (numbers []int) {
	for i := range b.it.Findings {
		if f := &b.it.Findings[i]; is(f) {
			numbers = append(numbers, f.Number)
			if b.anchors[f.Number] == "" {
				b.anchors[f.Number] = id
			}
		}
	}
	return numbers
}

func (b *pageBuilder) field(p *mlx5model.Part, f *mlx5model.ViewField) htmlField {
	h := htmlField{
		ViewField: f, Bytes: b.span(p.Buffer, f.Offset, f.Size), ID: b.own(p.Buffer, f.Offset, f.Size, p.Name+"."+f.Name),
		Text: strings.ReplaceAll(f.Text, "|", "|\u200b"), // a line may break between the names of bits
	}
	h.Marks = b.marks(h.ID, func(x *mlx5model.ViewFinding) bool { return x.About(p, f) })
	switch {
	case len(h.Marks) > 0 || f.State == mlx5model.StateReserved:
		h.Class = "wrong"
		b.mark(p.Buffer, f.Offset, f.Size, "wrong")
	case f.State == mlx5model.StateStale:
		h.Class = "zero"
		b.mark(p.Buffer, f.Offset, f.Size, "stale")
	case f.Zero() || f.State == mlx5model.StateIgnored:
		h.Class = "zero"
	}
	return h
}

func (b *pageBuilder) row(p *mlx5model.Part, r *mlx5model.Row, columns int) htmlRow {
	h := htmlRow{Omitted: r.Omitted, Span: columns + 1, Bytes: b.span(p.Buffer, r.Offset, r.Size), Remark: r.Remark}
	if r.Omitted > 0 {
		h.ID = b.own(p.Buffer, r.Offset, r.Size, "entries left out")
		return h
	}
	b.fields++
	h.ID = fmt.Sprintf("%sf%d", b.prefix, b.fields)
	h.Marks = b.marks(h.ID, func(f *mlx5model.ViewFinding) bool { return within(f, p.Buffer, r.Offset, r.Size) })
	if len(h.Marks) > 0 {
		h.Class = "wrong"
		b.mark(p.Buffer, r.Offset, r.Size, "wrong")
	}
	cells := r.Cells()
	plain := len(cells) - len(r.Fields)
	for i, text := range cells {
		c := htmlCell{Text: text}
		if i >= plain {
			f := &r.Fields[i-plain]
			c.Bytes, c.ID = b.span(p.Buffer, f.Offset, f.Size), b.own(p.Buffer, f.Offset, f.Size, fmt.Sprintf("entry %d %s", r.Index, f.Name))
		}
		h.Cells = append(h.Cells, c)
	}
	return h
}

func (b *pageBuilder) finding(f *mlx5model.ViewFinding) htmlFinding {
	h := htmlFinding{ViewFinding: f, Place: f.Where(), Anchor: b.anchors[f.Number]}
	if h.Anchor == "" {
		h.Anchor = fmt.Sprintf("%s%d", b.byteID(f.Buffer), f.Offset)
	}
	return h
}

func (b *pageBuilder) buffer(name string, raw []byte) htmlBuffer {
	id := b.byteID(name)
	h := htmlBuffer{ID: id, Label: "bytes", Left: max(0, len(raw)-htmlBytes)}
	if name == mlx5model.BufferList {
		h.Label, h.Caption = "bytes of the list", "list that the pointer leads to"
	}
	off := 0
	for row := range slices.Chunk(raw[:len(raw)-h.Left], 16) {
		r := htmlLine{Offset: fmt.Sprintf("%03x", off)}
		for i, v := range row {
			at := fmt.Sprintf("%s%d", id, off+i)
			r.Bytes = append(r.Bytes, htmlByte{
				ID: at, Class: strings.TrimSpace(b.class[at]), Fields: strings.Join(b.owners[at], " "),
				Title: fmt.Sprintf("%03x %s", off+i, b.titles[at]), Text: fmt.Sprintf("%02x", v),
			})
		}
		h.Rows = append(h.Rows, r)
		off += len(row)
	}
	return h
}
