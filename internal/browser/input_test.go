package browser

import (
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// point is a place in the window, in CSS pixels.
type point struct{ X, Y float64 }

// at is where an element is: part x, y of the way into it, after it was
// scrolled into sight.
func (b *tab) at(selector string, x, y float64) point {
	b.Helper()
	b.wait(fmt.Sprintf("document.querySelector(%q)", selector))
	r := eval[[]float64](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({ block: 'center' });
		const r = e.getBoundingClientRect();
		return [r.left, r.top, r.width, r.height];
	})()`, selector))
	return point{r[0] + x*r[2], r[1] + y*r[3]}
}

// hover moves the mouse to a place.
func (b *tab) hover(p point) {
	b.Helper()
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, p.X, p.Y))
}

func (b *tab) click(selector string) {
	b.Helper()
	p := b.at(selector, 0.5, 0.5)
	do(b, chromedp.MouseClickXY(p.X, p.Y))
}

// drag presses the mouse at a place and lets go dx pixels to the right.
func (b *tab) drag(from point, dx float64, modifiers ...chromedp.Modifier) {
	b.Helper()
	m := []chromedp.MouseOption{chromedp.ButtonLeft, chromedp.ClickCount(1)}
	if len(modifiers) > 0 {
		m = append(m, chromedp.ButtonModifiers(modifiers...))
	}
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, from.X, from.Y, m...))
	const steps = 6
	for i := 1; i <= steps; i++ {
		do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, from.X+dx*float64(i)/steps, from.Y, m...))
	}
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, from.X+dx, from.Y, m...))
	b.settle()
}

// press presses keys one after the other, by their names in kb.
func (b *tab) press(keys ...string) {
	b.Helper()
	do(b, chromedp.KeyEvent(strings.Join(keys, "")))
}

func (b *tab) pressWith(m chromedp.Modifier, keys ...string) {
	b.Helper()
	do(b, chromedp.KeyEvent(strings.Join(keys, ""), chromedp.KeyModifiers(m)))
}

// tabTo presses Tab until the focus is on an element that matches.
func (b *tab) tabTo(selector string) {
	b.Helper()
	for range 80 {
		if eval[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		b.press(kb.Tab)
		if eval[bool](b, "document.activeElement === document.body") {
			b.press(kb.Tab) // past the end of the page
		}
	}
	b.Fatalf("Tab does not lead to %s", selector)
}

func (b *tab) focused() string {
	b.Helper()
	return eval[string](b, "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id ?? document.activeElement.localName")
}

// insert writes text at the cursor, as the keyboard or an input method does.
func (b *tab) insert(text string) {
	b.Helper()
	call(b, input.InsertText, input.InsertTextParams{Text: text})
}

// paste pastes text into an element; the page may take it or leave it to the
// browser.
func (b *tab) paste(id, text string) {
	b.Helper()
	left := eval[bool](b, fmt.Sprintf(`(() => {
		const e = document.getElementById(%q);
		e.focus();
		const data = new DataTransfer();
		data.setData('text/plain', %q);
		return e.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
	})()`, id, text))
	if left {
		b.insert(text)
	}
}
