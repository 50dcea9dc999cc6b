package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// TestKeyboardBorders edits a list without a mouse.
func TestKeyboardBorders(t *testing.T) {
	b := open(t, serve.Fragment("sg 0x10000400+1024\nsg 0x20000000+4096\n"))
	b.tabTo("[data-index='0'] .handle.start")
	for _, step := range []struct {
		with chromedp.Modifier
		key  string
		want string
	}{
		{0, kb.ArrowRight, "sg 0x10000401+1023"}, {0, kb.ArrowLeft, "sg 0x10000400+1024"}, {chromedp.ModifierShift, kb.ArrowLeft, "sg 0x100003f0+1040"},
		{0, kb.PageUp, "sg 0xffff3f0+5136"}, {0, kb.PageDown, "sg 0x100003f0+1040"}, {0, kb.Home, "sg 0x10000000+2048"},
		{0, kb.Home, "sg 0xffff000+6144"}, {0, kb.End, "sg 0x10000000+2048"},
		{0, kb.End, "sg 0x10000800+0"}, // no further than the entry's end
	} {
		b.pressWith(step.with, step.key)
		if got, _, _ := strings.Cut(b.caseText(), "\n"); got != step.want {
			t.Fatalf("%s, want %s", got, step.want)
		}
	}
	b.press(kb.ArrowDown) // the same border of the next entry
	if got := b.focused(); got != "Entry 1, first byte" {
		t.Fatalf("the focus is on %s", got)
	}
	b.press(kb.Tab, kb.Tab) // place, end
	b.press(kb.PageDown)
	b.pressWith(chromedp.ModifierShift, kb.ArrowRight)
	b.settle()
	if got := b.caseText(); got != "sg 0x10000800+0\nsg 0x20000000+8208\n" {
		t.Errorf("%q", got)
	}
	b.pressWith(chromedp.ModifierShift, kb.Tab)
	b.press(kb.ArrowRight)
	if got := b.caseText(); !strings.Contains(got, "sg 0x20000001+8208") {
		t.Errorf("as a whole: %q", got)
	}
	if b.focused() != "Entry 1, place" || b.text("#borders-about") == "" {
		t.Errorf("the focus is on %s", b.focused())
	}
	b.pressWith(chromedp.ModifierCtrl, "z")
	b.settle()
	if got := b.caseText(); !strings.Contains(got, "sg 0x20000000+8208") {
		t.Errorf("undone: %q", got)
	}
	b.pressWith(chromedp.ModifierCtrl, "y")
	b.tabTo("[data-index='1'] [data-part=add]")
	b.press(" ")
	b.settle()
	if got := b.caseText(); strings.Count(got, "sg ") != 3 || b.focused() != "Entry 2, first byte" {
		t.Errorf("added: %q, focus on %s", got, b.focused())
	}
	b.tabTo("[data-index='2'] [data-part=remove]")
	b.press(" ")
	b.settle()
	if got := b.caseText(); strings.Count(got, "sg ") != 2 || b.focused() != "Remove entry 1" {
		t.Errorf("removed: %q, focus on %s", got, b.focused())
	}
}

// TestKeyboardLooks goes through everything else by keyboard: strategy, stream,
// bytes, fields, views.
func TestKeyboardLooks(t *testing.T) {
	b := open(t, serve.Fragment(three))
	b.tabTo("input[name=strategy]")
	b.press(kb.ArrowDown)
	b.settle()
	b.says("#verdict", "rdmarw moves the list")
	if got := eval[string](b, "document.activeElement.value"); got != "rdmarw" {
		t.Errorf("the focus is on %q", got)
	}
	b.press(kb.ArrowUp)
	b.settle()
	b.says("#verdict", "indirect takes")

	b.tabTo(".stream-slider")
	b.press(kb.ArrowRight)
	b.says("#told", "Byte 1 is byte 0 of entry 1")
	b.pressWith(chromedp.ModifierShift, kb.ArrowRight)
	b.says("#told", "Byte 17 ")
	b.press(kb.PageUp)
	b.says("#told", "in memory at 0x20001010")
	b.press(kb.End)
	b.says("#told", "byte 76 of entry 2")
	if got := eval[string](b, "document.activeElement.ariaValueText"); !strings.Contains(got, "byte 8269: entry 2 at offset 76, memory 0x3000016f") {
		t.Errorf("told to those who do not see: %q", got)
	}
	b.press(kb.Home)
	b.tabTo(".stream-line button:last-child")
	b.press(" ")
	b.says("#told", "Byte 1 is byte 0 of entry 1")

	b.tabTo(".hex")
	b.says(".byte-told", "ctrl.")
	b.press(kb.ArrowRight, kb.ArrowRight, kb.ArrowRight)
	b.says(".byte-told", "ctrl.opcode")
	b.press(kb.ArrowDown)
	b.says(".byte-told", "umr_ctrl.reserved")
	b.press(kb.End)
	b.says(".byte-told", "padding")
	b.tabTo(".field-rows tr")
	b.press(kb.ArrowDown, kb.ArrowDown)
	b.waitOr(litBytes+" === '3'", func() { t.Errorf("the third field lights %s", eval[string](b, litBytes)) })

	b.pressWith(chromedp.ModifierShift, kb.Tab)
	eval[chromedp.Void](b, "document.querySelector('.skip').focus()")
	b.press(kb.Enter)
	if got := eval[string](b, "document.activeElement.id"); got != "answer" {
		t.Errorf("the skip link leads to %q", got)
	}
	b.tabTo("#tab-case")
	b.press(kb.ArrowRight)
	b.wait("!document.getElementById('dump-view').hidden && document.getElementById('case-view').hidden")
	b.tabTo("#dump")
	b.insert("00 00 00 25 00 12 34 04 00 00 00 60 00 10 00 01\n")
	b.says("#dump-verdict", "1 item")
	b.tabTo("#dump-item .hex")
	b.says("#dump-item .byte-told", "ctrl")
	b.tabTo("#tab-dump")
	b.press(kb.ArrowLeft)
	b.wait("!document.getElementById('case-view').hidden")
}

// TestFocusShows goes through the page by Tab: the focus must move, in the order
// of the page, and be visible.
func TestFocusShows(t *testing.T) {
	b := open(t, serve.Fragment(three))
	var seen []string
	for range 70 {
		b.press(kb.Tab)
		state := eval[string](b, `(() => {
			const e = document.activeElement;
			if (e === document.body) return '';
			const s = getComputedStyle(e), box = getComputedStyle(e.closest('.code') ?? e), r = e.getBoundingClientRect();
			const outlined = [s, box].some((s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1);
			const inView = r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
			globalThis.order ??= [...document.querySelectorAll('*')];
			return [globalThis.order.indexOf(e), outlined, inView, e.id || e.className || e.localName, e.getAttribute('aria-label') ?? ''].join('|');
		})()`)
		if state == "" {
			break
		}
		seen = append(seen, state)
	}
	if len(seen) < 30 {
		t.Errorf("Tab stops at %d places only", len(seen))
	}
	last := ""
	for _, s := range seen {
		f := strings.Split(s, "|")
		if f[1] != "true" || f[2] != "true" {
			t.Errorf("the focus cannot be seen on %s", s)
		}
		if last != "" && len(f[0]) < len(last) || len(f[0]) == len(last) && f[0] < last {
			t.Errorf("the focus goes back at %s", s)
		}
		last = f[0]
	}
	t.Logf("%d stops", len(seen))
}
