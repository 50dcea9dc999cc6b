package wqeview

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/page"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

//go:embed view.tmpl
var viewText string

//go:embed view.css
var viewStyle string

//go:embed view.js
var viewScript string

var viewTemplate = template.Must(template.New("view").Parse(viewText))

// Bounds of a page: what is beyond is counted.
const (
	htmlItems = 200
	htmlBytes = 8192 // of a buffer
)

// HTML gives the document as the body of a page; WritePage adds style and
// script.
func (d *Document) HTML() (template.HTML, error) {
	data := struct {
		Doc   *Document
		Items []htmlItem
		Left  int
	}{Doc: d, Left: max(0, len(d.Items)-htmlItems)}
	for i := range d.Items[:min(len(d.Items), htmlItems)] {
		data.Items = append(data.Items, d.htmlItem(i))
	}
	var b strings.Builder
	if err := viewTemplate.Execute(&b, data); err != nil {
		return "", fmt.Errorf("wqeview: page: %w", err)
	}
	return template.HTML(b.String()), nil
}

// WritePage writes the document as one HTML file that needs no other.
func (d *Document) WritePage(w io.Writer) error {
	body, err := d.HTML()
	if err != nil {
		return err
	}
	return page.Write(w, page.Doc{Title: "sgfuzz decode: " + d.Counts(), Style: viewStyle, Body: body, Script: viewScript})
}

type htmlItem struct {
	*Item
	N, MatchN        int
	Name, Where      string
	Source           string
	Errors, Warnings string // counts in words
	Fine             bool
	Findings         []htmlFinding
	Buffers          []htmlBuffer
	Parts            []htmlPart
}

type htmlFinding struct {
	*mlx5model.ViewFinding
	Anchor, Place string
}

type htmlBuffer struct {
	ID, Label, Caption string
	Rows               []htmlLine
	Left               int
}

type htmlLine struct {
	Offset string
	Bytes  []htmlByte
}

type htmlByte struct{ ID, Class, Fields, Title, Text string }

type htmlPart struct {
	*mlx5model.Part
	Class, Span string
	ID, Bytes   string // of a part without fields
	Marks       []int
	Fields      []htmlField
	Zeros       []htmlField // apart, as they are many and say little
	Head        []string
	Rows        []htmlRow
}

type htmlField struct {
	*mlx5model.ViewField
	ID, Class, Bytes string
	Text             string
	Marks            []int
}

type htmlRow struct {
	Omitted, Span            int
	ID, Class, Bytes, Remark string
	Marks                    []int
	Cells                    []htmlCell
}

type htmlCell struct{ ID, Bytes, Text string }

func (d *Document) htmlItem(i int) htmlItem {
	it := d.Items[i]
	h := htmlItem{Item: it, N: i + 1, Where: d.Format + ", " + d.Where(it), Source: d.Blocks[it.Block].Source}
	h.Name = fmt.Sprintf("#%d %s %s", h.N, strings.ToUpper(it.What), strings.TrimSpace(it.Opcode+" "+it.Kind))
	if it.Match != nil {
		h.MatchN = it.Match.Item + 1
	}
	if n := it.Count(mlx5model.Error); n > 0 {
		h.Errors = plural(n, "error")
	}
	if n := it.Count(mlx5model.Warn); n > 0 {
		h.Warnings = plural(n, "warning")
	}
	h.Fine = len(it.Findings) == 0 && it.Syndrome == nil && it.Error == ""
	b := pageBuilder{it: it, prefix: fmt.Sprintf("i%d", h.N), owners: map[string][]string{}, titles: map[string]string{}, class: map[string]string{}, anchors: map[int]string{}}
	for j := range it.Parts {
		h.Parts = append(h.Parts, b.part(j))
	}
	for j := range it.Findings {
		h.Findings = append(h.Findings, b.finding(&it.Findings[j]))
	}
	h.Buffers = append(h.Buffers, b.buffer(mlx5model.BufferWQE, it.Raw()))
	if list := it.RawList(); len(list) > 0 {
		h.Buffers = append(h.Buffers, b.buffer(mlx5model.BufferList, list))
	}
	return h
}
