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
	"regexp"
	"strings"
	"sync"
)

// Series is the number of series colours.
const Series = 8

//go:embed page.css
var colours string

//go:embed document.css
var document string

// CSS is the style sheet of every page: colours, pictures, text.
func CSS() string { return colours + document }

// SVGStyle is the style element that gives a picture outside a page its
// colours. They stand in it as literals: not every program that shows SVG knows
// variables or schemes, and one that does not shows the light one.
func SVGStyle() template.HTML { return svgStyle() }

var svgStyle = sync.OnceValue(func() template.HTML {
	light, rest, _ := strings.Cut(colours, "@media")
	dark, shapes, _ := strings.Cut(rest, "}\n}\n")
	return template.HTML("<style>\n" + literal(shapes, light) + "@media (prefers-color-scheme: dark) {\n" + literal(shapes, dark) + "}\n</style>\n")
})

var (
	definition = regexp.MustCompile(`(--[a-z0-9-]+): (#[0-9a-f]{6})`)
	use        = regexp.MustCompile(`var\((--[a-z0-9-]+)\)`)
)

// literal is css with the variables that scheme defines put in.
func literal(css, scheme string) string {
	colour := map[string]string{}
	for _, m := range definition.FindAllStringSubmatch(scheme, -1) {
		colour[m[1]] = m[2]
	}
	return use.ReplaceAllStringFunc(css, func(v string) string { return colour[use.FindStringSubmatch(v)[1]] })
}

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
