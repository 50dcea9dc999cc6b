package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// luminance is the relative luminance of WCAG 2 of a colour in sRGB.
func luminance(rgb [3]float64) (sum float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := rgb[i] / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestHeatCanBeRead demands a contrast of 4.5 between the text of the heat map
// and every colour behind it, and that colours grow step by step.
func TestHeatCanBeRead(t *testing.T) {
	token := regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6})`)
	mix := regexp.MustCompile(`\.([he])(\d+) \{ background: color-mix\(in srgb, var\(--([a-z0-9]+)\) (\d+)%, var\(--paper\)\)`)
	light, dark, ok := strings.Cut(page.CSS(), "@media")
	if !ok {
		t.Fatal("no dark scheme")
	}
	cells := mix.FindAllStringSubmatch(style, -1)
	if len(cells) != 11+5 {
		t.Fatalf("%d colours of cells", len(cells))
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := map[string][3]float64{}
		for _, m := range token.FindAllStringSubmatch(css, -1) {
			v, _ := strconv.ParseUint(m[2], 16, 32)
			if _, again := colour[m[1]]; !again {
				colour[m[1]] = [3]float64{float64(v >> 16), float64(v >> 8 & 255), float64(v & 255)}
			}
		}
		last, steps := 0.0, map[string]int{}
		for _, m := range cells {
			if m[2] != fmt.Sprint(steps[m[1]]) {
				t.Errorf("%s%s stands where %s%d should", m[1], m[2], m[1], steps[m[1]])
			}
			if steps[m[1]]++; m[2] == "0" {
				last = 0
			}
			part, _ := strconv.ParseFloat(m[4], 64)
			if part <= last {
				t.Errorf("%s%s is no stronger than the one before", m[1], m[2])
			}
			last = part
			var back [3]float64
			for i := range back {
				back[i] = (colour[m[3]][i]*part + colour["paper"][i]*(100-part)) / 100
			}
			a, b := luminance(colour["ink"]), luminance(back)
			if c := (max(a, b) + 0.05) / (min(a, b) + 0.05); c < 4.5 {
				t.Errorf("%s: text on %s%s has a contrast of %.2f", scheme, m[1], m[2], c)
			}
		}
	}
}
