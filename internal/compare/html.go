package compare

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"

	"github.com/sgfuzz/sgfuzz/internal/chart"
	"github.com/sgfuzz/sgfuzz/internal/page"
)

//go:embed compare.html
var layout string

var document = template.Must(template.New("compare").Funcs(template.FuncMap{
	"short": chart.Short, "size": chart.Size, "percent": chart.Percent, "duration": chart.Duration, "reasons": ReasonText,
}).Parse(layout))

// figureStyle keeps charts legible in a narrow window, where they scroll.
const figureStyle = `figure { margin: 1rem 0; }
figure svg { display: block; min-width: 44rem; }
td.words { min-width: 15rem; }
figcaption { color: var(--muted); max-width: 46rem; }
@media print { figure svg, td.words { min-width: 0; } }
`

// WriteHTML writes the comparison as a self-contained page. Errors are w's.
func (r *Result) WriteHTML(w io.Writer) error {
	data := struct {
		*Result
		Charts     map[string]template.HTML
		Constants  []Constant
		Lines      []PoolLine
		TargetSide string
		UnevenText string
	}{r, map[string]template.HTML{}, ConstantList(), r.PoolLines(), TargetSide, UnevenText}
	for name, c := range map[string]interface{ SVG() (template.HTML, error) }{
		"answers": r.AnswerChart(), "descriptors": r.DescriptorChart(), "copied": r.CopyChart(), "regions": r.RegionChart(),
		"time": r.TimeChart(), "pools": r.PoolChart(),
	} {
		svg, err := c.SVG()
		if errors.Is(err, chart.ErrNoData) {
			continue // no way takes a list, or no pool is needed
		}
		if err != nil {
			return fmt.Errorf("chart of %s: %w", name, err)
		}
		data.Charts[name] = svg
	}
	var body bytes.Buffer
	if err := document.Execute(&body, data); err != nil {
		return err
	}
	return page.Write(w, page.Doc{Title: "sgfuzz: ways to register, compared", Style: figureStyle, Body: template.HTML(body.String())})
}
