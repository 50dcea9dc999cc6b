package picture

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

//go:embed explain.html
var explainHTML string

//go:embed explain.css
var explainCSS string

var document = template.Must(template.New("explain").Funcs(template.FuncMap{
	"commas":   func(n int) string { return commas(n) },
	"commas64": func(n uint64) string { return commas(n) },
	"size":     size,
	"bytesin":  bytesIn,
	"entries":  entries,
	"wqe":      wqeRows,
	"reason":   (*Picture).reason,
	"headline": (*Picture).headline,
	"costs":    func(s *Strategy) string { return s.Cost.costs() },
	"name":     (*Picture).name,
	"tone":     (*Strategy).tone,
	"hex":      hexText,
	"blamed":   func(s *Strategy) bool { return s.Blame != nil && s.Blame.Request >= 0 },
}).Parse(explainHTML))

// HTML writes a page with the pictures of all strategies of p, those in first
// before the others. It loads nothing from elsewhere.
func (p *Picture) HTML(w io.Writer, first []*Strategy) error {
	type part struct {
		*Strategy
		SVG  template.HTML
		More int // work requests that are not listed
	}
	var parts []part
	seen := map[*Strategy]bool{}
	add := func(s *Strategy) {
		if !seen[s] {
			seen[s] = true
			svg := p.SVG(s, SVGOptions{ID: "p-" + s.Name, NoTitle: true})
			parts = append(parts, part{s, template.HTML(svg), s.RequestCount - len(s.Requests)})
		}
	}
	for _, s := range first {
		add(s)
	}
	for i := range p.Strategies {
		add(&p.Strategies[i])
	}
	var body strings.Builder
	if err := document.Execute(&body, map[string]any{"P": p, "Parts": parts}); err != nil {
		return err
	}
	return page.Write(w, page.Doc{Title: "sgfuzz explain " + p.name(), Style: explainCSS, Body: template.HTML(body.String())})
}

// tone is the class of a strategy's answer.
func (s *Strategy) tone() string {
	switch {
	case s.Failed():
		return "bad"
	case s.Answer == "accepted":
		return "good"
	}
	return "warn"
}

// wqeRows is a work request as lines of 16 bytes, each under its offset.
func wqeRows(b Bytes) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&out, "%03x  % x\n", at, []byte(b[at:min(at+16, len(b))]))
	}
	return out.String()
}
