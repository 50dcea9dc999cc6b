// Package page writes self-contained HTML documents: one file, no script, style,
// font or picture from outside, light and dark by the reader's preference,
// readable when printed. Everything that sgfuzz draws for people uses its
// colours, so that a failure has one colour everywhere.
//
// Write makes a document. CSS is the style sheet for pages that are served.
// SVGStyle makes a picture stand alone: put it in as the first child of <svg>.
// In a picture, shapes take their colours from classes: s0 to s7 fill with a
// series' colour and l0 to l7 stroke with it; paper, raised, bad-fill and
// bad-soft fill; rule, edge and bad-line stroke; text may be muted, mono or bad.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
)

// Series is the number of series colours.
const Series = 8

//go:embed page.css
var colours string

//go:embed document.css
var document string

// CSS is the style sheet of every page: colours, pictures, text.
func CSS() string { return colours + document }

// SVGStyle is the style element that gives a picture outside a page its colours.
func SVGStyle() template.HTML { return template.HTML("<style>\n" + colours + "</style>\n") }

// Doc is a document.
type Doc struct {
	Title  string        // plain text
	Style  string        // CSS behind that of every page; trusted
	Body   template.HTML // trusted: made by html/template
	Script string        // a classic script at the end, "" for none; trusted
}

var shell = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
{{.Style}}</style>
</head>
<body>
{{.Body}}
{{.Script}}</body>
</html>
`))

// Write writes d as one HTML file. The page's own policy forbids every load
// and every script but d's.
func Write(w io.Writer, d Doc) error {
	policy := "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
	var script template.HTML
	if d.Script != "" {
		sum := sha256.Sum256([]byte(d.Script))
		policy += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		script = template.HTML("<script>" + d.Script + "</script>\n")
	}
	return shell.Execute(w, struct {
		Title, Policy string
		Style         template.CSS
		Body, Script  template.HTML
	}{d.Title, policy, template.CSS(CSS() + d.Style), d.Body, script})
}
