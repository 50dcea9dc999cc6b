package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// byteCell is the selector of a byte of the work request.
func byteCell(off int) string {
	return fmt.Sprintf(".hex[data-buffer=wqe] [data-row='%d'] [data-col='%d']", off/16, off%16)
}

const litBytes = "[...document.querySelectorAll('.hex i.lit')].map((e) => (16 * e.parentElement.dataset.row + +e.dataset.col).toString(16)).join(' ')"

// TestHoverByte points at bytes: their fields must light up, and in words.
func TestHoverByte(t *testing.T) {
	b := open(t, serve.Fragment(three))
	for off, want := range map[int][2]string{
		0x03: {"opcode", "0x25"}, 0x18: {"mkey_mask", "LEN|"}, 0x57: {"start_addr", "0x0000000010000fff"}, 0x5f: {"mkc.len", "8270 bytes"},
		0x80: {"entry 0 of the list", "byte_count"}, 0xa8: {"entry 2 of the list", "0x0000000030000123"},
	} {
		b.hover(b.at(byteCell(off), 0.5, 0.5))
		for _, w := range want {
			b.says(".byte-told", w)
		}
		b.wait("document.querySelector('.field-rows tr.lit')")
		row := eval[bool](b, "(() => { const r = document.querySelector('.field-rows tr.lit').getBoundingClientRect(), b = document.querySelector('.field-rows').getBoundingClientRect(); return r.top >= b.top && r.bottom <= b.bottom + 1; })()")
		if !row {
			t.Errorf("the field of byte %#x is not in sight", off)
		}
		if lit := eval[string](b, litBytes); !strings.Contains(lit, fmt.Sprintf("%x", off)) {
			t.Errorf("byte %#x is not lit, but %s", off, lit)
		}
	}
}

// TestHoverField points at fields: exactly their bytes must light up.
func TestHoverField(t *testing.T) {
	b := open(t, serve.Fragment(three))
	for field, want := range map[string]string{
		"opcode": "3", "ds": "7", "qpn": "4 5 6", "mkey_mask": "18 19 1a 1b 1c 1d 1e 1f", "start_addr": "50 51 52 53 54 55 56 57", "entry 1": "90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f",
	} {
		mark := eval[bool](b, fmt.Sprintf("(() => { const r = [...document.querySelectorAll('.field-rows tr')].find((r) => r.cells[1].firstChild?.textContent === %q); if (r) r.id = 'wanted'; return !!r; })()", field))
		if !mark {
			t.Fatalf("no field %s", field)
		}
		b.hover(b.at("#wanted", 0.3, 0.5))
		b.waitOr(litBytes+fmt.Sprintf(" === %q", want), func() { t.Errorf("%s lights %s, want %s", field, eval[string](b, litBytes), want) })
		eval[chromedp.Void](b, "document.getElementById('wanted').removeAttribute('id')")
	}
}

// TestHoverStream points at stream positions: memory, descriptor and bytes of
// the work request must be shown.
func TestHoverStream(t *testing.T) {
	b := open(t, serve.Fragment(three))
	b.hover(b.at(".strip", 0.5, 0.5))
	b.says("#told", "entry 1")
	b.says("#told", "KLM 1")
	b.says("#told", "0x2000") // in memory
	b.wait("document.querySelector(\".border-row[data-index='1']\").classList.contains('pointed')")
	if got := eval[string](b, "[...document.querySelectorAll('#picture .here > title')].map((e) => e.textContent).join('; ')"); !strings.Contains(got, "KLM 1: 0x20000000") || !strings.Contains(got, "entry 1: 0x20000000") {
		t.Errorf("lit in the picture: %s", got)
	}
	if lit := eval[string](b, litBytes); !strings.HasPrefix(lit, "90 ") {
		t.Errorf("bytes lit: %s", lit)
	}
	// The exact arithmetic, by number.
	b.setText("stream-at", "8193")
	b.says("#told", "byte 0 of entry 2, in memory at 0x30000123")
	b.says("#told", "peer address 0x10003000")
	b.setText("stream-at", "100")
	b.says("#told", "byte 99 of entry 1, in memory at 0x20000063, 99 bytes into its page")
	b.says("#told", "peer address 0x10001063")
	// From the picture.
	eval[chromedp.Void](b, "document.querySelector('#picture [data-from]').id = 'shape'") // the first one: entry 0 or KLM 0
	b.hover(b.at("#shape", 0.5, 0.9))
	b.says("#told", "Byte 0 is byte 0 of entry 0")
}

// TestStreamOfPages follows bytes through a page list and a bounce buffer.
func TestStreamOfPages(t *testing.T) {
	b := open(t, serve.Fragment("sg 0x10000800+2048\nsg 0x20000000+4096\n")+"&strategy=fastreg")
	b.setText("stream-at", "2048")
	b.says("#told", "in memory at 0x20000000, 0 bytes into its page")
	b.says("#told", "MTT 1, peer address 0x10001000")
	b.click("input[value=bounce]")
	b.settle()
	b.setText("stream-at", "2048")
	b.says("#told", "by way of bounce memory at 0x")
	b.click("input[value=umem]")
	b.setText("text", three)
	b.settle()
	b.says("#told", "refused the list")
}

// TestLinks opens cases by links of every kind, and what the page writes into
// its own.
func TestLinks(t *testing.T) {
	b := open(t, serve.Fragment(three)+"&strategy=multimr&bug=tuples-swapped")
	b.says("#verdict", "multimr")
	b.says("#verdict", "A check failed")
	long := strings.Repeat("sg 0x1000+1\nsg 0x20000003+77\n", 2000)
	for name, link := range map[string]string{"long": serve.Fragment(long), "named": "?case=captures/node-http-8", "named by its last word": "?case=node-http-8.sgcase"} {
		c := open(t, link)
		want := long
		if strings.HasPrefix(name, "named") {
			want = embedded(t, "captures/node-http-8")
		}
		if c.caseText() != want {
			t.Errorf("%s: %.80q", name, c.caseText())
		}
	}
	// What the page writes is what Go writes, for a short one, and opens the same.
	b.setText("text", "sg 0x1000+7\n# § note\n")
	b.settle()
	b.wait("location.hash.includes('1000%2B7')")
	hash := eval[string](b, "location.hash")
	values, err := url.ParseQuery(strings.TrimPrefix(hash, "#"))
	if err != nil || values.Get("case") != "sg 0x1000+7\n# § note\n" || values.Get("strategy") != "multimr" || values.Get("bug") != "tuples-swapped" {
		t.Errorf("%s: %v", hash, values)
	}
	b.setText("text", long)
	b.settle()
	b.wait("location.hash.includes('z=')")
	if c := open(t, eval[string](b, "location.hash")); c.caseText() != long {
		t.Errorf("%.60q", c.caseText())
	}
	// A link followed on the open page.
	eval[chromedp.Void](b, "void (location.hash = '#case=sg+0x7000%2B3')")
	b.says("#verdict", "1 entry, 3 bytes")
}

func embedded(t *testing.T, name string) string {
	t.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Name == name {
			return corpus.Format(c)
		}
	}
	t.Fatalf("no case %s", name)
	return ""
}

func TestDamagedLinks(t *testing.T) {
	for _, link := range []string{"#z=AAAA", "#z=***", "#z=" + strings.Repeat("A", 5000), "#z=" + serve.Fragment(strings.Repeat("sg 0x1000+1\n", 5000))[3:60]} {
		b := blank(t)
		do(b, chromedp.Navigate("about:blank"))
		do(b, chromedp.Navigate(base+link))
		b.says("#verdict", "the link is damaged")
		b.settle() // and the page works
		b.setText("text", "sg 0x1000+1\n")
		b.settle()
		b.says("#verdict", "1 entry")
	}
	b := blank(t)
	do(b, chromedp.Navigate(base+"?case=no/such"))
	b.says("#verdict", "no embedded case")
	b.settle()
	b.forgive("status of 404")
}
