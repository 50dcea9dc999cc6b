package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client talks to a server on a loopback port of its own.
type client struct {
	testing.TB
	base string
	stop context.CancelFunc
	done chan error
}

func start(t testing.TB, c Config) *client {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute // the machine may be busy, and the race detector slow
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &client{t, "http://" + l.Addr().String(), cancel, make(chan error, 1)}
	go func() { x.done <- New(c).Serve(ctx, l) }()
	t.Cleanup(x.end)
	return x
}

// end stops the server; it must end without an error.
func (x *client) end() {
	if x.stop == nil {
		return
	}
	x.stop()
	x.stop = nil
	select {
	case err := <-x.done:
		if err != nil {
			x.Errorf("the server ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		x.Error("the server does not end")
	}
}

// ask sends a request that change has had its way with.
func (x *client) ask(method, path, body string, change func(*http.Request)) (*http.Response, []byte) {
	x.Helper()
	r, err := http.NewRequest(method, x.base+path, strings.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		x.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		x.Fatal(err)
	}
	return resp, data
}

// problem is the body of an answer that is no success.
func (x *client) problem(resp *http.Response, data []byte, status int) Problem {
	x.Helper()
	var e struct{ Error *Problem }
	if err := json.Unmarshal(data, &e); err != nil || e.Error == nil || e.Error.Message == "" {
		x.Fatalf("status %d, %v: no problem in %.200s", resp.StatusCode, err, data)
	}
	if resp.StatusCode != status {
		x.Errorf("status %d, want %d: %s", resp.StatusCode, status, e.Error.Message)
	}
	return *e.Error
}

// post sends a JSON object and reads the answer into out.
func (x *client) post(path string, body, out any) {
	x.Helper()
	resp, data := x.ask("POST", path, object(x, body), nil)
	if resp.StatusCode != http.StatusOK {
		x.Fatalf("%s: status %d: %.300s", path, resp.StatusCode, data)
	}
	if err := json.Unmarshal(data, out); err != nil {
		x.Fatal(err)
	}
}

func object(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
