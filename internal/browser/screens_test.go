package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// screens are the states of the page worth a look.
var screens = []struct {
	name, path string
	then       func(b *tab)
}{
	{"start", "", nil},
	{"aligned", serve.Fragment("# three pages in a row, one apart\nsg 0x10000000+8192\nsg 0x20000000+4096\nsg 0x30000000+4096\n") + "&strategy=fastreg", nil},
	{"node", "?case=captures/node-http-8", func(b *tab) { b.setText("stream-at", "2000") }},
	{"failing", "?case=bugs/b32-length-keeps-the-offset#bug=length-keeps-the-offset", nil},
	{"huge", serve.Fragment("# 2^33 bytes in four entries\nsg 0x100000000+4294963200\nsg 0x300000000+4294963200\nsg 0x500000010+8192\nsg 0x600000000+0\n"), nil},
	{"long", serve.Fragment(entries(10_000)), nil},
	{"mistake", "", func(b *tab) {
		b.setText("text", "sg 0x10000+1\nsg 0x10g0+1\n")
		b.settle()
	}},
	{"dump", "#dump", func(b *tab) {
		b.click("#dump-example")
		b.says("#dump-verdict", "2 items")
	}},
}

// TestScreens writes pictures of the page, to be looked at.
func TestScreens(t *testing.T) {
	dir := os.Getenv("SGFUZZ_SHOTS")
	if dir == "" {
		t.Skip("SGFUZZ_SHOTS names no directory for the pictures")
	}
	for _, s := range screens {
		b := blank(t)
		for _, look := range []struct {
			name   string
			width  int64
			scheme string
		}{{"light", 1500, "light"}, {"dark", 1500, "dark"}, {"narrow", 400, "light"}} {
			call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: look.width, Height: 1000, DeviceScaleFactor: 1})
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}})
			do(b, chromedp.Navigate("about:blank"))
			b.visit(s.path)
			if s.then != nil {
				s.then(b)
			}
			write(t, filepath.Join(dir, s.name+"-"+look.name+".png"), do(b, chromedp.FullScreenshot(100)))
		}
		b.mu.Lock()
		b.messages = nil // the console is judged elsewhere
		b.mu.Unlock()
		write(t, filepath.Join(dir, s.name+".pdf"), do(b, chromedp.PrintToPDF()))
	}
}

func write(t *testing.T, file string, data []byte) {
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
}
