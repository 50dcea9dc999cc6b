package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

func entries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "sg %#x+%d\n", 0x1_0000_0000+i*0x20000+i%7, 100+i%5000)
	}
	return b.String()
}

// TestLongList opens 10,000 entries. The page must stay small, edit as always,
// and drop the answers that nobody waits for.
func TestLongList(t *testing.T) {
	b := open(t, serve.Fragment(entries(10_000)))
	b.says("#verdict", "10\u202f000 entries")
	if n := eval[int](b, "document.querySelectorAll('.border-row').length"); n > 30 {
		t.Errorf("%d rows of entries exist", n)
	}
	many, few := eval[int](b, "document.querySelectorAll('*').length"), eval[int](open(t, serve.Fragment(entries(500))), "document.querySelectorAll('*').length")
	if many > few+few/4 {
		t.Errorf("%d elements exist for 10,000 entries, %d for 500", many, few)
	}
	t.Logf("%d elements for 10,000 entries, %d for 500", many, few)
	// To the end of the list and of the bytes.
	eval[chromedp.Void](b, "void (document.getElementById('borders').scrollTop = 1e9)")
	b.wait("document.querySelector(\".border-row[data-index='9999']:not([hidden])\")")
	eval[chromedp.Void](b, "void (document.querySelector('.hex[data-buffer=list]').scrollTop = 1e9)")
	b.wait("document.querySelector(\".hex[data-buffer=list] [data-row='9999']:not([hidden])\")")
	// The last border, by keyboard.
	eval[chromedp.Void](b, "document.querySelector(\".border-row[data-index='9999'] .end\").focus()")
	b.press(kb.ArrowRight)
	b.settle()
	if got := b.caseText(); !strings.HasSuffix(got, fmt.Sprintf("+%d\n", 100+9999%5000+1)) {
		t.Errorf("the last entry: %q", got[len(got)-40:])
	}
	b.setText("stream-at", "20000000")
	b.says("#told", "entry ")
	// Many edits at once: fewer requests, and the last one counts.
	eval[chromedp.Void](b, "performance.clearResourceTimings()")
	eval[chromedp.Void](b, "document.querySelector(\".border-row[data-index='9999'] .end\").focus()")
	for range 12 {
		b.press(kb.ArrowRight)
	}
	b.settle()
	if got := b.caseText(); !strings.HasSuffix(got, fmt.Sprintf("+%d\n", 100+9999%5000+13)) {
		t.Errorf("after more: %q", got[len(got)-40:])
	}
	if n := eval[int](b, "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/api/explain')).length"); n == 0 || n >= 12 {
		t.Errorf("12 edits made %d requests", n)
	} else {
		t.Logf("12 edits made %d requests", n)
	}
	// How long the page itself takes for a change; for reading, not judged.
	took := eval[float64](b, "(() => { const t = performance.now(); document.querySelector(\".border-row[data-index='9999'] .end\").dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })); return performance.now() - t; })()")
	t.Logf("a change takes %.1f ms in the page", took)
	b.settle()
}

// TestLongText edits a text of which the field holds a part.
func TestLongText(t *testing.T) {
	b := open(t, serve.Fragment(entries(3000)))
	b.says("#part-about", "Lines 1 to 500 of 3001")
	b.click("#part-after")
	b.says("#part-about", "Lines 501 to 1000")
	if got := b.text("#gutter"); !strings.HasPrefix(got, "501") {
		t.Errorf("line numbers: %.20q", got)
	}
	eval[chromedp.Void](b, "(() => { const e = document.getElementById('text'); e.focus(); e.setSelectionRange(0, 0); })()")
	b.insert("# here\n")
	b.settle()
	want := entries(500) + "# here\n" + strings.TrimPrefix(entries(3000), entries(500))
	if b.caseText() != want {
		t.Error("the text is not what it was, with a line more")
	}
	b.setText("f-page-size", "8192")
	b.settle()
	if b.caseText() != "page-size 8192\n"+want {
		t.Error("a field changes more than its line")
	}
	// A mistake elsewhere.
	eval[chromedp.Void](b, "(() => { const box = document.getElementById('borders'); box.scrollTop = 1e9; })()")
	b.wait("document.querySelector(\".border-row[data-index='2999']:not([hidden])\")")
	eval[chromedp.Void](b, "(() => { const e = document.querySelector(\".border-row[data-index='2999'] .len\"); e.value = '1x'; e.dispatchEvent(new Event('change', { bubbles: true })); })()")
	b.settle()
	b.says("#text-error", "Line 3002")
	b.click("#text-error button")
	if got := eval[string](b, "(() => { const e = document.getElementById('text'); return e.value.slice(e.selectionStart, e.selectionEnd); })()"); got != "x" {
		t.Errorf("'Go there' selects %q", got)
	}
	b.forgive("status of 422")
}

// TestTooLong is beyond what the server takes.
func TestTooLong(t *testing.T) {
	b := open(t, "")
	b.setText("text", entries(serve.DefaultMaxEntries+1))
	b.settle()
	b.says("#text-error", "this server takes 20000")
	b.forgive("status of 413")
}
