package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// screens are the states of the page worth a look.
var screens = []struct{ name, path string }{
	{"start", ""},
	{"aligned", serve.Fragment("# three pages in a row, one apart\nsg 0x10000000+8192\nsg 0x20000000+4096\nsg 0x30000000+4096\n") + "&strategy=fastreg"},
	{"node", "?case=captures/node-http-8"},
	{"failing", ""},
	{"huge", serve.Fragment("# 2^33 bytes in four entries\nsg 0x100000000+4294963200\nsg 0x300000000+4294963200\nsg 0x500000010+8192\nsg 0x600000000+0\n")},
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
			b.visit(path(t, s.name, s.path))
			write(t, filepath.Join(dir, s.name+"-"+look.name+".png"), do(b, chromedp.FullScreenshot(100)))
		}
		write(t, filepath.Join(dir, s.name+".pdf"), do(b, chromedp.PrintToPDF()))
	}
}

// path fills in what a screen needs of the embedded cases.
func path(t *testing.T, name, path string) string {
	if name != "failing" {
		return path
	}
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Name == "bugs/b32-length-keeps-the-offset" {
			return serve.Fragment(corpus.Format(c)) + "&bug=length-keeps-the-offset"
		}
	}
	t.Fatal("no such case")
	return ""
}

func write(t *testing.T, file string, data []byte) {
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
}
