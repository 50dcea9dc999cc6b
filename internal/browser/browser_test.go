package browser

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

var (
	base    string          // address of the server, with its slash
	browser context.Context // of the one browser; each test has a tab
)

func TestMain(m *testing.M) {
	code, err := withBrowser(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withBrowser runs the tests beside a server and a browser.
func withBrowser(run func() int) (int, error) {
	exe := chromium()
	if exe == "" {
		if os.Getenv("CI") != "" || os.Getenv("SGFUZZ_BROWSER") == "require" {
			return 1, fmt.Errorf("no Chromium on this machine, and one is required")
		}
		fmt.Println("SKIPPED: every browser test: no Chromium on this machine")
		return 0, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	base = "http://" + l.Addr().String() + "/"
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- serve.New(serve.Config{}).Serve(ctx, l) }()

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(exe), chromedp.WindowSize(1400, 1000), chromedp.WSURLReadTimeout(60*time.Second),
		chromedp.Flag("no-sandbox", os.Geteuid() == 0), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-dev-shm-usage", true))
	alloc, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(alloc)
	defer end()
	if err := chromedp.Do(browser); err != nil {
		return 1, fmt.Errorf("starting %s: %w", exe, err)
	}
	code := run()
	end()
	cancel()
	if err := <-served; err != nil {
		return 1, fmt.Errorf("the server ended with %w", err)
	}
	return code, nil
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// tab is a page in the browser, and what it complained about.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string
}

// patience bounds each step of a test.
const patience = 15 * time.Second

// open opens a page of the server in a tab of its own and waits until it has
// its first answer. The test fails at its end if the console had anything to
// say.
func open(t *testing.T, path string) *tab {
	t.Helper()
	b := blank(t)
	b.visit(path)
	return b
}

func blank(t *testing.T) *tab {
	ctx, cancel := chromedp.NewContext(browser)
	b := &tab{T: t, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, m := range b.messages {
			t.Errorf("console: %s", m)
		}
	})
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

func (b *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		text = string(e.Type)
		for _, a := range e.Args {
			text += " " + string(a.Value) + a.Description
		}
	case *log.EventEntryAdded:
		text = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	b.mu.Lock()
	b.messages = append(b.messages, text)
	b.mu.Unlock()
}

// forgive takes console messages that hold a text out: they are what the test
// provoked. At least one must be there.
func (b *tab) forgive(text string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.messages)
	kept := b.messages[:0]
	for _, m := range b.messages {
		if !strings.Contains(m, text) {
			kept = append(kept, m)
		}
	}
	if b.messages = kept; len(kept) == n {
		b.Errorf("no console message with %q", text)
	}
}

// do runs one action and gives its value.
func do[T any](b *tab, action chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// call sends one command of the protocol.
func call[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, c, params)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *tab) visit(path string) {
	b.Helper()
	do(b, chromedp.Navigate(base+path))
	b.settle()
}

// settle waits until the page has an answer to all that was done.
func (b *tab) settle() {
	b.Helper()
	b.wait(`document.body && document.body.dataset.settled === 'true'`)
}

// wait waits until an expression is true.
func (b *tab) wait(js string) {
	b.Helper()
	b.waitOr(js, func() { b.Fatalf("never true: %s", js) })
}

func (b *tab) waitOr(js string, never func()) {
	b.Helper()
	end := time.Now().Add(patience)
	for !eval[bool](b, "Boolean("+js+")") {
		if time.Now().After(end) {
			never()
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// eval is the value of an expression in the page.
func eval[T any](b *tab, js string) T {
	b.Helper()
	return do(b, chromedp.Evaluate[T](js))
}

// text is what is written in an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? 'there is no '+%[1]q", selector))
}

// says waits until an element holds a text.
func (b *tab) says(selector, text string) {
	b.Helper()
	b.waitOr(fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, text), func() {
		b.Fatalf("%s never says %q, but %q", selector, text, b.text(selector))
	})
}

// caseText is the text of the case; the text field must hold it too, as far as
// it is not too long.
func (b *tab) caseText() string {
	b.Helper()
	text := do(b, chromedp.Evaluate[string]("import('/store.js').then((m) => m.state.text)", chromedp.EvalAwaitPromise))
	if field := eval[string](b, "document.getElementById('text').value"); strings.Count(text, "\n") < 1000 && field != text {
		b.Errorf("the field has %q, the case is %q", field, text)
	}
	return text
}

// setText replaces a text field's value as typing does.
func (b *tab) setText(id, text string) {
	b.Helper()
	eval[chromedp.Void](b, fmt.Sprintf("(() => { const e = document.getElementById(%q); e.focus(); e.value = %q; e.dispatchEvent(new Event('input', { bubbles: true })); })()", id, text))
}
