package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// contrasts gives the text on the page whose contrast with what is behind it is
// too small: 4.5, or 3 for large text. Left out are what is disabled, text in
// pictures, whose colours the tests of internal/page measure, and the fading of
// an answer that is out of date.
const contrasts = `(() => {
	const parse = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
	const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
	const over = (a, b) => { const k = a[3] ?? 1; return [0, 1, 2].map((i) => a[i] * k + b[i] * (1 - k)); };
	const behind = (e) => {
		const layers = [];
		for (let n = e; n; n = n.parentElement) {
			const c = parse(getComputedStyle(n).backgroundColor);
			if (c.length && (c[3] ?? 1) > 0) layers.push(c);
			if (c.length && (c[3] ?? 1) === 1) break;
		}
		return layers.reduceRight((under, c) => over(c, under), [255, 255, 255]);
	};
	const bad = [], seen = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!n.data.trim() || !e.checkVisibility({ visibilityProperty: true }) || e.closest('option, datalist, svg, .unseen, .bar, :disabled')) continue;
		const s = getComputedStyle(e);
		const fg = parse(s.color), bg = behind(e);
		const [a, b] = [luminance(over(fg, bg)), luminance(bg)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		const size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
		seen.add(s.color + bg);
		if (ratio < (large ? 3 : 4.5)) bad.push(ratio.toFixed(2) + ' ' + e.localName + '.' + e.className + ': ' + n.data.trim().slice(0, 30));
	}
	return [seen.size + ' pairs', ...new Set(bad)];
})()`

// TestContrast measures all text that is there, in both schemes and in the
// states that have colours of their own.
func TestContrast(t *testing.T) {
	b := blank(t)
	for _, scheme := range []string{"light", "dark"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		for name, state := range map[string]func(){
			"fine":    func() { b.visit(serve.Fragment(three)) },
			"failing": func() { b.visit(serve.Fragment(three) + "&bug=klm-neighbours-swapped") },
			"refused": func() { b.visit(serve.Fragment(three) + "&strategy=umem") },
			"pointed": func() { b.hover(b.at(byteCell(0x18), 0.5, 0.5)) },
			"mistake": func() {
				b.setText("text", "sg 0x10g0+1\n")
				b.settle()
			},
			"dump": func() {
				b.visit("")
				b.click("#tab-dump")
				b.click("#dump-example")
				b.says("#dump-verdict", "2 items")
			},
		} {
			if name == "pointed" || name == "mistake" {
				b.visit(serve.Fragment(three))
			}
			state()
			got := eval[[]string](b, contrasts)
			if len(got) > 1 {
				t.Errorf("%s, %s:\n%s", scheme, name, strings.Join(got[1:], "\n"))
			}
			if got[0] == "0 pairs" || got[0] == "1 pairs" {
				t.Errorf("%s, %s: only %s of colours were looked at", scheme, name, got[0])
			}
			do(b, chromedp.Navigate("about:blank"))
		}
	}
	b.forgive("status of 422")
}

// TestNames looks at the tree that a screen reader gets: whatever can be
// operated has a name, and no two of one kind have the same.
func TestNames(t *testing.T) {
	b := open(t, serve.Fragment(three))
	check := func() {
		names := map[string]int{}
		operable := map[string]bool{"button": true, "textbox": true, "combobox": true, "checkbox": true, "radio": true, "slider": true, "tab": true, "link": true, "image": true, "tabpanel": true, "group": true, "DisclosureTriangle": false}
		n := 0
		for _, node := range call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
			if node.Ignored || node.Role == nil || !operable[unquoted(node.Role)] {
				continue
			}
			n++
			role, name := unquoted(node.Role), unquoted(node.Name)
			if name == "" && role != "group" {
				t.Errorf("a %s has no name", role)
			}
			if names[role+name]++; names[role+name] == 2 && role != "group" {
				t.Errorf("two of %s %q", role, name)
			}
		}
		t.Logf("%d that can be operated", n)
		if n < 8 {
			t.Errorf("only %d things can be operated", n)
		}
	}
	check()
	if bad := eval[string](b, `[...document.querySelectorAll('[aria-describedby], [aria-labelledby], [aria-controls], label[for]')].flatMap((e) =>
		['aria-describedby', 'aria-labelledby', 'aria-controls', 'for'].flatMap((a) => (e.getAttribute(a) ?? '').split(' ').filter((id) => id && !document.getElementById(id)))).join()`); bad != "" {
		t.Errorf("nothing has the id %s", bad)
	}
	if bad := eval[string](b, "[...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()"); bad != "" {
		t.Errorf("two have the id %s", bad)
	}
	if bad := eval[int](b, "[...document.querySelectorAll('[tabindex]')].filter((e) => e.tabIndex > 0).length"); bad != 0 {
		t.Errorf("%d elements change the order of Tab", bad)
	}
	b.click("#tab-dump")
	b.click("#dump-example")
	b.says("#dump-verdict", "2 items")
	check()
}

func unquoted(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// TestPolicy tries what the page's policy must stop.
func TestPolicy(t *testing.T) {
	b := open(t, "")
	if got := eval[string](b, `(() => { try { document.createElement('div').innerHTML = '<b>x</b>'; return 'markup'; } catch (e) { return e.name; } })()`); got != "TypeError" {
		t.Errorf("a string as markup: %s", got)
	}
	eval[chromedp.Void](b, `(() => { const e = document.createElement('div'); e.setAttribute('style', 'color: red'); document.body.append(e); })()`)
	if got := do(b, chromedp.Evaluate[string](`fetch('https://example.com/').then(() => 'fetched', (e) => e.name)`, chromedp.EvalAwaitPromise)); got != "TypeError" {
		t.Errorf("a request elsewhere: %s", got)
	}
	b.forgive("Content Security Policy")
	b.forgive("TrustedHTML")
}
