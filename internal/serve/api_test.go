package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/internal/picture"
)

const three = "sg 0x10000fff+1\nsg 0x20000000+8192\nsg 0x30000123+77\n"

func TestExplain(t *testing.T) {
	x := start(t, Config{})
	var e Explained
	x.post("/api/explain", map[string]any{"text": three}, &e)
	p := e.Picture
	if p.Entries != 3 || p.Bytes != 8270 || len(p.Strategies) != len(corpus.Strategies()) {
		t.Fatalf("%d entries, %d bytes, %d strategies", p.Entries, p.Bytes, len(p.Strategies))
	}
	for i, s := range p.Strategies {
		if i != e.Shown && len(s.Regions)+len(s.Requests)+len(s.Tuples) != 0 {
			t.Errorf("%s is not shown, but its details are there", s.Name)
		}
		if s.Failed() {
			t.Errorf("%s: %v", s.Name, s.Failures)
		}
	}
	s := p.Strategies[e.Shown]
	if s.Name != defaultStrategy || s.Answer != "accepted" || len(s.Regions) != 1 || len(s.Regions[0].Pieces) != 3 {
		t.Fatalf("%s: %s, %+v", s.Name, s.Answer, s.Regions)
	}
	if e.View == nil || e.View.Opcode != "UMR" || len(e.View.Hex) != 2*192 || len(e.View.Findings) != 0 {
		t.Errorf("the work request: %+v", e.View)
	}
	if !strings.HasPrefix(e.SVG, "<svg") || strings.Contains(e.SVG, "<style") || strings.Contains(e.SVG, "style=") {
		t.Errorf("the picture: %.80s", e.SVG)
	}
}

// TestExplainShows asks for a strategy, a work request and a bug.
func TestExplainShows(t *testing.T) {
	x := start(t, Config{})
	shown := func(body map[string]any) (*picture.Strategy, *Explained) {
		t.Helper()
		var e Explained
		x.post("/api/explain", body, &e)
		return &e.Picture.Strategies[e.Shown], &e
	}
	if s, e := shown(map[string]any{"text": three, "strategy": "multimr", "request": 1}); s.Name != "multimr" || e.Request != 1 || e.View.QPN == 0 {
		t.Errorf("%s, request %d", s.Name, e.Request)
	}
	if s, _ := shown(map[string]any{"text": "strategy umem\n" + three}); s.Name != "umem" || s.Refusal == nil {
		t.Errorf("the case's own strategy: %s, %v", s.Name, s.Refusal)
	}
	if s, e := shown(map[string]any{"text": "sg 0x1000+8192\n", "strategy": "umem"}); e.Request != -1 || e.View != nil || s.RequestCount != 0 {
		t.Errorf("umem posts nothing, but request %d is shown", e.Request)
	}
	if s, _ := shown(map[string]any{"text": "sg 0x1000+4096\nwant fastreg reject\n"}); s.Name != "fastreg" || !s.Failed() {
		t.Errorf("not the one that fails, but %s", s.Name)
	}
	if _, e := shown(map[string]any{"text": three, "request": 4711}); e.Request != 0 {
		t.Errorf("a work request that is not there gives %d", e.Request)
	}
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if m, _ := mutants.ByName("length-keeps-the-offset"); c.Name == m.Witness {
			if s, _ := shown(map[string]any{"text": corpus.Format(c), "bug": m.Name}); s.Name != "indirect" || !s.Failed() || s.Blame == nil {
				t.Errorf("with a bug: %s, %v, %v", s.Name, s.Failures, s.Blame)
			}
			return
		}
	}
	t.Fatal("no witness")
}

// TestRefusedInput is input at fault: status, field, place.
func TestRefusedInput(t *testing.T) {
	x := start(t, Config{MaxEntries: 3})
	entry := func(n int) *int { return &n }
	for _, c := range []struct {
		name, path, body string
		status           int
		want             Problem // without message; "" and 0 for what is not looked at
		says             string
	}{
		{"no JSON", "explain", "sg 0x1000+1", 400, Problem{}, "JSON"},
		{"nothing", "explain", "", 400, Problem{}, "JSON"},
		{"an array", "explain", "[]", 400, Problem{}, "JSON"},
		{"unknown member", "explain", `{"texts":""}`, 400, Problem{}, "texts"},
		{"two objects", "explain", tiny + tiny, 400, Problem{}, "follows"},
		{"deep", "explain", strings.Repeat("[", 20000), 400, Problem{}, "JSON"},
		{"no entry", "explain", `{"text":""}`, 422, Problem{Field: "text", Line: 1}, "sg"},
		{"a bad address", "explain", `{"text":"sg 0x1000+1\npage-size 4096\nsg 0x1g00+1\n"}`, 422, Problem{Field: "sg", Line: 3, Column: 7, Entry: entry(1), Offset: 33}, "0x1g00"},
		{"a long entry", "explain", `{"text":"sg 0x1000+4294967296\n"}`, 422, Problem{Field: "sg", Line: 1, Column: 11, Entry: entry(0), Offset: 10}, "2^32"},
		{"a bad key", "explain", `{"text":"page-sise 1\nsg 1+1\n"}`, 422, Problem{Field: "page-sise", Line: 1, Column: 1}, "page-size"},
		{"a bad dialect", "explain", `{"text":"dialect foo\nsg 1+1\n"}`, 422, Problem{Field: "dialect", Line: 1, Column: 9, Offset: 8}, "foo"},
		{"a bad profile", "explain", `{"text":"profile foo\nsg 1+1\n"}`, 422, Problem{Field: "profile"}, "foo"},
		{"a bad page size", "explain", `{"text":"page-size 3000\nsg 1+1\n"}`, 422, Problem{Field: "page-size"}, "power of two"},
		{"a bad queue", "explain", `{"text":"queue 3\nsg 1+1\n"}`, 422, Problem{Field: "queue"}, "power of two"},
		{"bad rights", "explain", `{"text":"access rw\nsg 1+1\n"}`, 422, Problem{Field: "access"}, "lw"},
		{"no such strategy", "explain", `{"text":"sg 1+1\n","strategy":"fast"}`, 422, Problem{Field: "strategy"}, "fast"},
		{"no such bug", "explain", `{"text":"sg 1+1\n","bug":"none"}`, 422, Problem{Field: "bug"}, "none"},
		{"too many entries", "explain", `{"text":"sg 1+1\nsg 1+1\nsg 1+1\nsg 1+1\n"}`, 413, Problem{Field: "sg"}, "4 entries"},
		{"no dump", "decode", `{"text":"hello"}`, 422, Problem{Field: "text", Line: 1}, ""},
		{"half a byte", "decode", `{"text":"00 00 0\n"}`, 422, Problem{Field: "text", Line: 1}, "odd"},
		{"no such rules", "decode", `{"text":"00","dialect":"bsd"}`, 422, Problem{Field: "dialect"}, "bsd"},
		{"no log", "import", `{"text":"writev 12"}`, 422, Problem{Line: 1}, ""},
		{"an empty log", "import", `{"text":"# nothing\n"}`, 422, Problem{Field: "text"}, "no list"},
		{"a long log line", "import", `{"text":"writev 1+1 2+1 3+1 4+1"}`, 413, Problem{Field: "sg"}, "4 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, data := x.ask("POST", "/api/"+c.path, c.body, nil)
			p := x.problem(resp, data, c.status)
			if c.want.Field != "" && p.Field != c.want.Field || c.want.Line != 0 && p.Line != c.want.Line || c.want.Column != 0 && p.Column != c.want.Column ||
				c.want.Offset != 0 && p.Offset != c.want.Offset || (p.Entry == nil) != (c.want.Entry == nil) || p.Entry != nil && *p.Entry != *c.want.Entry {
				t.Errorf("%s", data)
			}
			if !strings.Contains(p.Message, c.says) {
				t.Errorf("%q does not say %q", p.Message, c.says)
			}
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	x := start(t, Config{})
	for path, method := range map[string]string{"/": "GET", "/main.js": "GET", "/api/options": "GET", "/api/case": "GET", "/api/explain": "POST", "/api/decode": "POST", "/api/import": "POST"} {
		for _, m := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} {
			if m == method {
				continue
			}
			resp, data := x.ask(m, path, "{}", nil)
			x.problem(resp, data, http.StatusMethodNotAllowed)
			if resp.Header.Get("Allow") != method {
				t.Errorf("%s %s: Allow is %q", m, path, resp.Header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/nothing", "/static/main.js", "/../server.go", "/static/", "/api/", "/api/nothing", "/main.js/", "/api/case?name=nothing", "/api/case"} {
		resp, data := x.ask("GET", path, "", nil)
		x.problem(resp, data, http.StatusNotFound)
	}
	if resp, data := x.ask("HEAD", "/", "", nil); resp.StatusCode != 200 || len(data) != 0 {
		t.Errorf("HEAD: %d, %d bytes", resp.StatusCode, len(data))
	}
}

func TestBodyLimit(t *testing.T) {
	x := start(t, Config{MaxBody: 1000})
	for n, status := range map[int]int{900: 200, 1100: 413, 4 << 20: 413} {
		body := fmt.Sprintf(`{"text":"sg 0x1000+1\n#%s"}`, strings.Repeat("x", n-30))
		resp, data := x.ask("POST", "/api/explain", body, nil)
		if status != 200 {
			x.problem(resp, data, status)
		} else if resp.StatusCode != 200 {
			t.Errorf("%d bytes: %d %s", n, resp.StatusCode, data)
		}
	}
}

func TestNames(t *testing.T) {
	x := start(t, Config{})
	resp, data := x.ask("GET", "/api/options", "", nil)
	var o Options
	if err := json.Unmarshal(data, &o); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode, err)
	}
	if len(o.Bugs) != len(mutants.All()) || len(o.Strategies) != 8 || len(o.Dialects) != 4 || o.MaxEntries != DefaultMaxEntries {
		t.Errorf("%d bugs, %v, %v", len(o.Bugs), o.Strategies, o.Dialects)
	}
	for _, c := range o.Cases {
		_, data := x.ask("GET", "/api/case?name="+url.QueryEscape(c.Name), "", nil)
		var n NamedCase
		if err := json.Unmarshal(data, &n); err != nil || n.Name != c.Name {
			t.Fatalf("%s: %v, %s", c.Name, err, data)
		}
		if parsed, err := corpus.Parse([]byte(n.Text)); err != nil || len(parsed.List) != c.Entries {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if _, data := x.ask("GET", "/api/case?name=single-entry", "", nil); !strings.Contains(string(data), `"features/single-entry"`) {
		t.Errorf("by its last word: %s", data)
	}
}

func TestImport(t *testing.T) {
	x := start(t, Config{})
	var im Imported
	x.post("/api/import", map[string]any{"text": "# log\nwritev 0x1000+5 0x2000+7\n\nreadv 4096+1\n"}, &im)
	if len(im.Lists) != 2 || im.Lists[0].Line != 2 || im.Lists[0].Text != "sg 0x1000+5\nsg 0x2000+7\n" || im.Lists[1].Name != "readv" || im.Lists[1].Entries != 1 {
		t.Errorf("%+v", im)
	}
	x.post("/api/import", map[string]any{"text": strings.Repeat("writev 0x1000+5\n", maxImported+3)}, &im)
	if len(im.Lists) != maxImported || im.More != 3 {
		t.Errorf("%d lists and %d more", len(im.Lists), im.More)
	}
}

func TestDecode(t *testing.T) {
	x := start(t, Config{})
	var e Explained
	x.post("/api/explain", map[string]any{"text": three}, &e)
	var d Decoded
	x.post("/api/decode", map[string]any{"text": e.View.Hex}, &d)
	if len(d.Items) != 1 || d.Items[0].Opcode != "UMR" || d.Errors != 0 || d.Items[0].Dialect.Rules != "linux" {
		t.Errorf("what explain made is decoded as %+v", d.Document)
	}
	x.post("/api/decode", map[string]any{"text": strings.Repeat("# WQE\n"+e.View.Hex+"\n", mostItems+4)}, &d)
	if len(d.Items) != mostItems || d.More != 4 {
		t.Errorf("%d items and %d more", len(d.Items), d.More)
	}
}

// TestCancelled goes away while the only slot is taken: the slot must be free
// again afterwards, and others must not wait for the one that left.
func TestCancelled(t *testing.T) {
	var logged bytes.Buffer
	s := New(Config{Workers: 1, Timeout: 300 * time.Millisecond, Log: log.New(&logged, "", 0)})
	hold, held := make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://x/", nil)
		_, err := compute(s, r, func(stop <-chan struct{}) (int, error) {
			close(held)
			<-stop // closed when the reader leaves
			<-hold
			return 1, nil
		})
		first <- err
	}()
	<-held
	leave()
	if err := <-first; err != context.Canceled {
		t.Errorf("the one that left got %v", err)
	}
	r, _ := http.NewRequest("GET", "http://x/", nil)
	if _, err := compute(s, r, func(<-chan struct{}) (int, error) { return 2, nil }); problem(err).status != http.StatusServiceUnavailable {
		t.Errorf("while the slot is taken: %v", err)
	}
	close(hold)
	if v, err := compute(s, r, func(<-chan struct{}) (int, error) { return 3, nil }); v != 3 || err != nil {
		t.Errorf("when it is free again: %d, %v", v, err)
	}
	if _, err := compute(s, r, func(<-chan struct{}) (int, error) { panic("oops") }); problem(err).status != http.StatusInternalServerError {
		t.Errorf("a bug gives %v", err)
	}
	if !strings.Contains(logged.String(), "oops") || !strings.Contains(logged.String(), "TestCancelled") {
		t.Errorf("the log does not say where: %s", logged.String())
	}
	if v, err := compute(s, r, func(<-chan struct{}) (int, error) { return 4, nil }); v != 4 || err != nil {
		t.Errorf("after a bug: %d, %v", v, err)
	}
}

// TestStops lets the time of an explanation run out, and looks at the
// computation itself: it must end when it is told to.
func TestStops(t *testing.T) {
	x := start(t, Config{Timeout: time.Millisecond})
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "sg %#x+4294967295\n", uint64(i)<<33+1)
	}
	resp, data := x.ask("POST", "/api/explain", object(t, map[string]any{"text": b.String()}), nil)
	x.problem(resp, data, http.StatusServiceUnavailable)

	c, err := corpus.Parse([]byte(three))
	if err != nil {
		t.Fatal(err)
	}
	fn, err := new(explainQuery).plan(c)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	if e, err := fn(stop); err != nil || e.Picture == nil {
		t.Errorf("%v, %v", e, err)
	}
	close(stop)
	if e, err := fn(stop); e != nil || problem(err).status != http.StatusServiceUnavailable {
		t.Errorf("told to stop: %v, %v", e, err)
	}
}

// TestConcurrent asks different things at once; each must get its own answer.
func TestConcurrent(t *testing.T) {
	x := start(t, Config{})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for k := range 6 {
				want := 1 + 7*n + k
				resp, data := x.ask("POST", "/api/explain", object(t, map[string]any{"text": strings.Repeat("sg 0x1000+1\n", want)}), nil)
				var e Explained
				if err := json.Unmarshal(data, &e); err != nil || resp.StatusCode != 200 || e.Picture.Entries != want {
					t.Errorf("%d entries: %d %v", want, resp.StatusCode, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestEnds interrupts a server that has an idle connection and one that is slow
// to send its headers.
func TestEnds(t *testing.T) {
	x := start(t, Config{})
	x.ask("GET", "/", "", nil)
	slow, err := net.Dial("tcp", strings.TrimPrefix(x.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET / HTTP/1.1\r\n")
	began := time.Now()
	x.end()
	if took := time.Since(began); took > graceTimeout+2*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := http.Get(x.base); err == nil {
		t.Error("it answers still")
	}
}

func TestFragment(t *testing.T) {
	if got := Fragment("sg 0x1+2\n"); got != "#case=sg+0x1%2B2%0A" {
		t.Errorf("a short one: %s", got)
	}
	long := strings.Repeat("sg 0x1000+1\n", 10_000)
	if got := Fragment(long); !strings.HasPrefix(got, "#z=") || len(got) > len(long)/50 {
		t.Errorf("a long one: %d bytes: %.40s", len(got), got)
	}
}
