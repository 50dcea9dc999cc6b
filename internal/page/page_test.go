package page

import (
	"errors"
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"
	"testing"
)

// luminance is the relative luminance of WCAG 2 of #rrggbb.
func luminance(t *testing.T, hex string) float64 {
	var rgb [3]int
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("%q: %v", hex, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrast(t *testing.T) {
	token := regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6})`)
	light, dark, ok := strings.Cut(colours, "@media")
	if !ok {
		t.Fatal("no dark scheme")
	}
	var sizes []int
	for name, text := range map[string]string{"light": light, "dark": dark} {
		c := map[string]string{}
		for _, m := range token.FindAllStringSubmatch(text, -1) {
			c[m[1]] = m[2]
		}
		sizes = append(sizes, len(c))
		need := func(front, back string, least float64) {
			if got := contrast(t, c[front], c[back]); got < least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", name, front, back, got, least)
			}
		}
		for _, text := range []string{"ink", "muted", "accent", "good", "warn", "bad"} {
			need(text, "paper", 4.5)
			need(text, "raised", 4.5)
		}
		for _, soft := range []string{"accent", "good", "warn", "bad"} {
			need("ink", soft+"-soft", 4.5)
			need(soft, soft+"-soft", 4.5)
		}
		need("edge", "paper", 3)
		for i := range Series {
			need(fmt.Sprintf("s%d", i), "paper", 3)
			need(fmt.Sprintf("s%d", i), "raised", 3)
		}
	}
	if sizes[0] != sizes[1] {
		t.Errorf("the schemes have %d colours", sizes)
	}
}

func TestWrite(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, Doc{Title: "</title><b>", Style: ".x > .y { color: red; }\n", Body: "<p>body</p>", Script: "let a = 1 < 2;"}); err != nil {
		t.Fatal(err)
	}
	text := html.UnescapeString(b.String())
	if strings.Contains(b.String(), "<b>") {
		t.Error("the title is not escaped")
	}
	for _, want := range []string{
		"<title></title><b></title>", ".x > .y { color: red; }\n</style>", "<p>body</p>", "<script>let a = 1 < 2;</script>",
		// printf 'let a = 1 < 2;' | openssl dgst -sha256 -binary | base64
		"script-src 'sha256-Xd/xFl+DmsVqHczJvGQWMh7nLH7H7r5iGmQKRm0JimU='",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	b.Reset()
	if err := Write(&b, Doc{}); err != nil || strings.Contains(b.String(), "script") {
		t.Errorf("%v: a page without a script has one:\n%s", err, b.String())
	}
	if outside := regexp.MustCompile(`https?:|src=|href=|url\(|@import`).FindString(b.String()); outside != "" {
		t.Errorf("the page loads something: %q", outside)
	}
	if err := Write(full{}, Doc{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestSVGStyle demands that a picture alone needs no variables, and has every
// shape in both schemes.
func TestSVGStyle(t *testing.T) {
	text := string(SVGStyle())
	if strings.Contains(text, "--") || strings.Contains(text, "fill: ;") || strings.Contains(text, "stroke: ;") {
		t.Errorf("a variable, or nothing for one:\n%s", text)
	}
	for _, shape := range []string{".s0 { fill: #2563b0; }", ".s0 { fill: #7fb2f0; }", ".bad-line { stroke: #b3202e; }", ".bad-line { stroke: #ff97a0; }"} {
		if strings.Count(text, shape) != 1 {
			t.Errorf("%q stands %d times in\n%s", shape, strings.Count(text, shape), text)
		}
	}
}
