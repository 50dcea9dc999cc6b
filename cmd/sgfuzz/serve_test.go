package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// locked is a buffer that is written by one goroutine and read by another.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// served runs the verb until stop, which gives the exit status as after ctrl-C.
func served(t *testing.T, args ...string) (url string, complaints *locked, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	var out locked
	complaints = new(locked)
	code := make(chan int)
	go func() { code <- run(ctx, append([]string{"serve"}, args...), strings.NewReader(""), &out, complaints) }()
	for !strings.HasSuffix(out.String(), "\n") && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return strings.TrimSpace(out.String()), complaints, func() int {
		cancel()
		return <-code
	}
}

// TestServe starts the verb, gets the page at the printed address, and ends it.
func TestServe(t *testing.T) {
	address, complaints, stop := served(t, "--listen", "127.0.0.1:0", "features/single-entry")
	url, fragment, _ := strings.Cut(address, "#")
	if !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasPrefix(fragment, "case=") || !strings.Contains(fragment, "sg+0x") {
		t.Fatalf("the address is %q; %s", address, complaints)
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(page), "<title>sgfuzz") {
		t.Errorf("%d, %v: %.100s", resp.StatusCode, err, page)
	}
	if got := stop(); got != exitFine {
		t.Errorf("exit status %d after an interrupt: %s", got, complaints)
	}
	if s := complaints.String(); !strings.Contains(s, "ctrl-C") || strings.Contains(s, "other machines") {
		t.Errorf("%s", s)
	}
}

// TestServeWarns listens where others can reach it.
func TestServeWarns(t *testing.T) {
	_, complaints, stop := served(t, "--listen", "0.0.0.0:0")
	if got := stop(); got != exitFine || !strings.Contains(complaints.String(), "other machines") {
		t.Errorf("exit status %d: %s", got, complaints)
	}
}

func TestServeRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sgfuzz("", "serve", "--listen", l.Addr().String()).want(t, exitUsage, "in use", "port 0")
	sgfuzz("", "serve", "--listen", "nonsense").want(t, exitUsage, "nonsense")
	sgfuzz("", "serve", "no-such-case").want(t, exitUsage, "no-such-case")
	sgfuzz("", "serve", "--max-entries", "0").want(t, exitUsage, "--max-entries")
	sgfuzz("", "serve", "--timeout", "0s").want(t, exitUsage, "--timeout")
	sgfuzz("sg zero\n", "serve", "-").want(t, exitUsage, "stdin:1")
}
