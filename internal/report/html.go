package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/page"
	"github.com/sgfuzz/sgfuzz/internal/picture"
)

//go:embed report.html
var body string

//go:embed report.css
var style string

var bodyTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"num": number[uint64], "int": number[int], "dur": duration, "rate": rate, "heat": heatClass, "share": share, "list": list, "ms": millis,
	"time": moment, "ratio": ratio, "word": fuzz.ShellWord, "last": lastSessions,
}).Parse(body))

// WriteHTML writes r as a page.
func (r *Report) WriteHTML(w io.Writer) error {
	v := view{Report: r}
	if err := v.draw(); err != nil {
		return err
	}
	var b strings.Builder
	if err := bodyTemplate.Execute(&b, &v); err != nil {
		return err
	}
	return page.Write(w, page.Doc{Title: "sgfuzz: " + r.Dir, Style: picture.CSS + style, Body: template.HTML(b.String())})
}

// Title is what the page is of.
func (v *view) Title() string {
	switch c := v.Campaign; {
	case c == nil:
		return "No campaign yet"
	case v.Findings.Total == 0:
		return "Nothing found"
	case v.Findings.Total == 1:
		return "1 finding"
	default:
		return fmt.Sprintf("%s findings of %d classes", number(v.Findings.Total), len(v.Findings.Classes))
	}
}

// number groups digits by narrow blanks that do not break.
func number[T int | uint64](n T) string {
	s := strconv.FormatUint(uint64(n), 10)
	if len(s) <= 4 {
		return s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// duration names seconds.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", seconds)
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

func millis(seconds float64) string { return strconv.FormatFloat(seconds*1e3, 'f', 1, 64) }

func rate(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return number(uint64(math.Round(v)))
}

// ratio is three digits.
func ratio(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func list(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// share is the part of lists that were taken, whole or in parts, in per cent.
// What is not all or nothing is neither 0 nor 100.
func share(c Cell) int {
	taken, tried := c.Accepted+c.Partial, c.Tried()
	if tried == 0 {
		return 0
	}
	p := int(math.Round(100 * float64(taken) / float64(tried)))
	if taken > 0 && taken < tried {
		p = min(max(p, 1), 99)
	}
	return p
}

// heatClass is the class of a cell's colour: h0 to h10 by share, e0 to e4 by the
// part of lists that failed, none without lists.
func heatClass(c Cell) string {
	switch {
	case c.Tried() == 0:
		return "none"
	case c.Failed > 0:
		return fmt.Sprintf("fail e%d", min(10*c.Failed/c.Tried(), 4))
	}
	return fmt.Sprintf("h%d", (share(c)+5)/10)
}

// maxSessions bounds the sessions that the page lists.
const maxSessions = 20

func lastSessions(all []Session) []Session { return all[max(len(all)-maxSessions, 0):] }
