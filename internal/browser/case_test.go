package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

const three = "sg 0x10000fff+1\nsg 0x20000000+8192\nsg 0x30000123+77\n"

func TestLoad(t *testing.T) {
	b := open(t, "")
	b.says("#verdict", "indirect takes the list (3 entries")
	b.says("#verdict", "Every check passed")
	if n := eval[int](b, "document.querySelectorAll('#answers tbody tr').length"); n != 8 {
		t.Errorf("%d strategies", n)
	}
	if n := eval[int](b, "document.querySelectorAll('.border-row:not([hidden])').length"); n != 3 {
		t.Errorf("%d entries", n)
	}
	if n := eval[int](b, "document.querySelectorAll('#picture svg [data-from]').length"); n != 6 { // 3 KLMs, 3 entries
		t.Errorf("%d shapes with stream bytes in the picture", n)
	}
	if eval[int](b, "document.querySelectorAll('.hex i:not(:empty)').length") != 192 {
		t.Error("the work request has not 192 bytes")
	}
	if err := eval[string](b, "[...document.styleSheets].map((s) => s.href + s.cssRules.length).join()"); strings.Contains(err, "css0") {
		t.Errorf("a style sheet is empty: %s", err)
	}
}

func TestEditText(t *testing.T) {
	b := open(t, "")
	b.setText("text", "sg 0x1000+4096\nsg 0x9000+4096\n")
	b.settle()
	b.says("#verdict", "2 entries, 8 KiB")
	b.says("#borders-about", "2 entries")
	b.click("input[value=fastreg]")
	b.settle()
	b.says("#verdict", "fastreg takes the list")
	b.says("#answers tr.shown", "fastreg")
	// Typed in the middle of the text: the cursor stays where it is.
	eval[chromedp.Void](b, "(() => { const e = document.getElementById('text'); e.focus(); e.setSelectionRange(9, 9); })()")
	b.insert("12")
	b.settle()
	if got := b.caseText(); got != "sg 0x1000+12"+"4096\nsg 0x9000+4096\n" && !strings.HasPrefix(got, "sg 0x1000") {
		t.Errorf("%q", got)
	}
	if at := eval[int](b, "document.getElementById('text').selectionStart"); at != 11 {
		t.Errorf("the cursor is at %d", at)
	}
}

func TestEditFields(t *testing.T) {
	b := open(t, serve.Fragment("# the head\n"+three))
	b.setText("f-page-size", "65536")
	b.settle()
	if got := b.caseText(); got != "# the head\npage-size 65536\n"+three {
		t.Errorf("with a page size: %q", got)
	}
	b.says("#borders-about", "pages of 64 KiB")
	b.click("#f-access-rw")
	b.settle()
	if got := b.caseText(); !strings.Contains(got, "access lw|rr\n") {
		t.Errorf("without remote write: %q", got)
	}
	b.click("#f-access-rw")
	b.setText("f-page-size", "")
	b.settle()
	if got := b.caseText(); got != "# the head\n"+three {
		t.Errorf("as before: %q", got)
	}
	eval[chromedp.Void](b, "(() => { const e = document.getElementById('f-dialect'); e.value = 'libmlx5'; e.dispatchEvent(new Event('change')); })()")
	b.settle()
	b.says("#requests-about", "libmlx5")
	// And the other way: text to fields.
	b.setText("text", "page-size 512\nqueue 64 @ 3\naccess rr\nsg 0x1000+1\n")
	b.settle()
	if got := eval[string](b, "['f-page-size', 'f-queue', 'f-dialect'].map((id) => document.getElementById(id).value).join() + document.getElementById('limits').open + document.getElementById('f-access-rr').checked + document.getElementById('f-access-lw').checked"); got != "512,64 @ 3,truetruefalse" {
		t.Errorf("fields: %s", got)
	}
}

func TestEditEntries(t *testing.T) {
	b := open(t, serve.Fragment("sg 0x1000+10 lkey=0x42 # note\nsg 0x2000+20\n"))
	b.click(".border-row[data-index='0'] [data-part=add]")
	b.settle()
	if got := b.caseText(); got != "sg 0x1000+10 lkey=0x42 # note\nsg 0x2000+4096\nsg 0x2000+20\n" {
		t.Errorf("added: %q", got)
	}
	b.click(".border-row[data-index='2'] [data-part=remove]")
	b.settle()
	eval[chromedp.Void](b, "(() => { const e = document.querySelector('.border-row input.len'); e.value = '11'; e.dispatchEvent(new Event('change', { bubbles: true })); })()")
	b.settle()
	if got := b.caseText(); got != "sg 0x1000+11 lkey=0x42 # note\nsg 0x2000+4096\n" {
		t.Errorf("removed and changed: %q", got)
	}
	eval[chromedp.Void](b, "document.querySelector(\".border-row[data-index='0'] .end\").focus()")
	b.press(kb.ArrowRight)
	if got := b.caseText(); got != "sg 0x1000+12 lkey=0x42 # note\nsg 0x2000+4096\n" {
		t.Errorf("moved: %q", got)
	}
	b.click(".border-row[data-index='0'] [data-part=remove]")
	b.click(".border-row[data-index='0'] [data-part=remove]")
	b.settle()
	if got := b.caseText(); got != "sg none\n" {
		t.Errorf("all removed: %q", got)
	}
	b.says("#verdict", "0 entries")
	b.click("#first-entry")
	b.settle()
	if got := b.caseText(); got != "sg 0x10000+4096\n" {
		t.Errorf("a first one: %q", got)
	}
}

// TestDrag drags borders with the mouse: to a page border, which it snaps to,
// and past it with Shift, which turns that off.
func TestDrag(t *testing.T) {
	b := open(t, serve.Fragment("sg 0x10000400+1024\n"))
	width := eval[float64](b, "document.querySelector('.bar').clientWidth")
	b.drag(b.at(".handle.end", 0.5, 0.5), width/2-3) // 4096 bytes are the bar's width; the border was at its middle
	if got := b.caseText(); got != "sg 0x10000400+3072\n" {
		t.Errorf("to the page's end: %q", got)
	}
	b.drag(b.at(".handle.start", 0.5, 0.5), -width/4+3)
	if got := b.caseText(); got != "sg 0x10000000+4096\n" {
		t.Errorf("to the page's start: %q", got)
	}
	b.click("input[value=fastreg]")
	b.settle()
	b.drag(b.at(".handle.start", 0.5, 0.5), 4, chromedp.ModifierShift) // near enough to snap back
	var addr, n int
	if _, err := fmt.Sscanf(b.caseText(), "sg 0x%x+%d", &addr, &n); err != nil || addr+n != 0x10001000 || addr <= 0x10000000 || addr > 0x10000080 {
		t.Errorf("with Shift: %q", b.caseText())
	}
	b.drag(b.at(".handle.whole", 0.5, 0.5), -width/16, chromedp.ModifierShift)
	var addr2, n2 int
	if _, err := fmt.Sscanf(b.caseText(), "sg 0x%x+%d", &addr2, &n2); err != nil || n2 != n || addr2 >= addr {
		t.Errorf("as a whole: %q after %#x+%d", b.caseText(), addr, n)
	}
	// One drag is one step back.
	b.click("#undo")
	b.settle()
	if got := b.caseText(); got != fmt.Sprintf("sg %#x+%d\n", addr, n) {
		t.Errorf("undone: %q", got)
	}
}

// TestDragAnswers holds a border and moves it on and on: answers must come
// before it is let go.
func TestDragAnswers(t *testing.T) {
	b := open(t, serve.Fragment("sg 0x10000400+1024\n"))
	p := b.at(".handle.end", 0.5, 0.5)
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, p.X, p.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	answers := 0
	before := b.text("#verdict")
	for i := range 60 {
		do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, p.X+float64(i), p.Y, chromedp.ButtonLeft))
		if now := b.text("#verdict"); now != before {
			before = now
			answers++
		}
	}
	if answers == 0 {
		t.Error("no answer while the border moves")
	}
	t.Logf("%d answers to 60 moves", answers)
	do(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, p.X+60, p.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.settle()
}

func TestUndo(t *testing.T) {
	b := open(t, serve.Fragment(three))
	b.setText("text", "sg 0x1000+1\n")
	b.settle()
	b.click("input[value=bounce]")
	b.settle()
	b.says("#verdict", "bounce takes")
	b.click("#undo")
	b.settle()
	b.says("#verdict", "indirect takes the list (1 entry")
	b.click("#undo")
	b.settle()
	if b.caseText() != three {
		t.Errorf("undone: %q", b.caseText())
	}
	b.click("#redo")
	b.settle()
	if b.caseText() != "sg 0x1000+1\n" {
		t.Errorf("done again: %q", b.caseText())
	}
}

// TestErrors makes mistakes: each is told beside the field that is at fault,
// and everything is well again when it is mended. The browser notes each refused
// request on the console.
func TestErrors(t *testing.T) {
	b := open(t, "")
	b.setText("text", "sg 0x1000+1\nsg 0x10g0+1\n")
	b.settle()
	b.says("#text-error", "Line 2, column 8 (entry 1)")
	b.says("#verdict", "no case that can be run")
	if eval[string](b, "document.querySelector('#gutter b')?.textContent") != "2" || eval[string](b, "document.getElementById('text').ariaInvalid") != "true" {
		t.Error("the line is not marked")
	}
	if !eval[bool](b, "document.querySelector(\".border-row[data-index='1']\").classList.contains('wrong')") {
		t.Error("the entry's row is not marked")
	}
	b.click("#text-error button")
	if got := eval[string](b, "(() => { const e = document.getElementById('text'); return e.value.slice(e.selectionStart, e.selectionEnd); })()"); got != "g0+1" {
		t.Errorf("'Go there' selects %q", got)
	}
	b.setText("text", three)
	b.settle()
	b.says("#verdict", "Every check passed")
	if b.text("#text-error") != "" || eval[bool](b, "!!document.querySelector('#gutter b, .border-row.wrong, .stale')") {
		t.Error("the mark stays")
	}
	b.setText("f-page-size", "3000")
	b.settle()
	b.says("#f-page-size-error", "power of two")
	if eval[string](b, "document.getElementById('f-page-size').ariaInvalid") != "true" || b.text("#text-error") != "" {
		t.Error("the field is not marked, or the text is")
	}
	b.setText("f-page-size", "")
	b.setText("f-queue", "3")
	b.settle()
	b.says("#f-queue-error", "power of two")
	b.setText("f-queue", "")
	b.settle()
	b.says("#verdict", "Every check passed")
	b.forgive("status of 422")
}

func TestBug(t *testing.T) {
	b := open(t, "")
	pick := func(id, value string) {
		eval[chromedp.Void](b, fmt.Sprintf("(() => { const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event('change')); })()", id, value))
		b.settle()
	}
	pick("bug", "length-keeps-the-offset")
	b.says("#bug-about", "sg_offset")
	b.click("#bug-about button")
	b.says("#verdict", "A check failed")
	b.settle()
	b.says("#verdict", "KLM 2")
	b.says("#answers", "read-stream/indirect")
	if !strings.Contains(b.caseText(), "offset 512") || eval[string](b, "document.getElementById('bug').value") != "length-keeps-the-offset" {
		t.Errorf("the witness: %q", b.caseText())
	}
	pick("bug", "")
	b.says("#verdict", "Every check passed")
	pick("example", "captures/node-http-8")
	b.says("#verdict", "165 entries")
}

// TestPasteIovecs pastes a log of two lists into the text.
func TestPasteIovecs(t *testing.T) {
	b := open(t, "")
	b.paste("text", "# strace\nwritev 0x1000+5 0x2000+7\nreadv 4096+1\n")
	b.says("#verdict", "2 entries, 12 bytes")
	if b.caseText() != "sg 0x1000+5\nsg 0x2000+7\n" {
		t.Errorf("%q", b.caseText())
	}
	eval[chromedp.Void](b, "(() => { const e = document.getElementById('imported-list'); e.value = '1'; e.dispatchEvent(new Event('change')); })()")
	b.settle()
	if b.caseText() != "sg 0x1000+1\n" {
		t.Errorf("the second list: %q", b.caseText())
	}
	b.setText("text", "")
	b.settle()
	b.forgive("status of 422")
	b.paste("text", three) // a case is pasted by the browser
	b.settle()
	if b.caseText() != three {
		t.Errorf("%q", b.caseText())
	}
}
