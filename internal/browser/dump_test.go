package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// TestPasteDump pastes a kernel log: it must be decoded, its faults named, and
// the bytes linked with the fields as elsewhere.
func TestPasteDump(t *testing.T) {
	b := open(t, "")
	b.click("#tab-dump")
	b.click("#dump-example")
	b.says("#dump-verdict", "2 items")
	b.says("#dump-item", "MLX5_CQE_SYNDROME_")
	b.says("#dump-item", "the WQE at index 0x0000 of QPN 0x001234 is here")
	log := eval[string](b, "document.getElementById('dump').value")
	b.setText("dump", "")
	// The second WQEBB's first octowords field says 8 for 4.
	faulty := strings.Replace(log, "a0 00 00 00 00 04 00 00", "a0 00 00 00 00 08 00 00", 1)
	if faulty == log {
		t.Fatal("the example has changed")
	}
	b.paste("dump", faulty)
	b.says("#dump-verdict", "error")
	eval[chromedp.Void](b, "(() => { const e = document.getElementById('dump-choice'); e.value = '1'; e.dispatchEvent(new Event('change')); })()")
	b.says("#dump-item", "UMR")
	b.says("#dump-item .found", "octoword")
	b.hover(b.at("#dump-item .hex [data-row='1'] [data-col='5']", 0.5, 0.5))
	b.says("#dump-item .byte-told", "xlt_octowords")
	b.setText("dump", "hello\n")
	b.says("#dump-error", "Line 1")
	b.setText("dump", "")
	b.wait("document.getElementById('dump-error').textContent === ''")
	b.forgive("status of 422")
}

// TestDumpOfCase decodes what the first view shows, pasted as plain hex.
func TestDumpOfCase(t *testing.T) {
	b := open(t, serve.Fragment(three))
	hex := eval[string](b, "[...document.querySelectorAll('.hex [data-row]')].map((r) => [...r.querySelectorAll('i')].map((e) => e.textContent).join(' ')).join('\\n')")
	b.click("#tab-dump")
	b.paste("dump", hex)
	b.says("#dump-verdict", "1 item")
	b.says("#dump-item", "UMR")
	b.says("#dump-item", "linux")
	b.says("#dump-item", "has nothing to say")
}
