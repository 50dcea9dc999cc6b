package serve

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const tiny = `{"text":"sg 0x1000+1\n"}`

// TestHost asks under names that are the server's, and under others, as a page
// does whose name was made to point here.
func TestHost(t *testing.T) {
	x := start(t, Config{Hosts: []string{"bench.lab"}})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(x.base, "http://"))
	for host, ok := range map[string]bool{
		"127.0.0.1:" + port: true, "localhost:" + port: true, "LocalHost:" + port: true, "bench.lab:" + port: true, "Bench.Lab:" + port: true,
		"bench.lab":            true, // behind a proxy
		"evil.example:" + port: false, "evil.example": false, "localhost": false, "localhost:1": false, "127.0.0.1": false, "127.0.0.2:" + port: false,
		"[::1]:" + port: false, "localhost.evil.example:" + port: false, "127.0.0.1.evil.example:" + port: false, "localhost:" + port + "x": false,
	} {
		for _, path := range []string{"/", "/api/options", "/nothing"} {
			resp, data := x.ask("GET", path, "", func(r *http.Request) { r.Host = host })
			switch {
			case ok && path != "/nothing" && resp.StatusCode != http.StatusOK, ok && resp.StatusCode == http.StatusMisdirectedRequest:
				t.Errorf("%q is refused for %s: %d", host, path, resp.StatusCode)
			case !ok:
				x.problem(resp, data, http.StatusMisdirectedRequest)
			}
		}
	}
}

// TestOrigin sends what a browser sends for a page of another origin.
func TestOrigin(t *testing.T) {
	x := start(t, Config{})
	for name, c := range map[string]struct {
		headers map[string]string
		get, ok bool // a GET; it is answered
	}{
		"no browser":             {nil, false, true},
		"own page":               {map[string]string{"Origin": x.base, "Sec-Fetch-Site": "same-origin"}, false, true},
		"own page, old browser":  {map[string]string{"Origin": x.base}, false, true},
		"typed in":               {map[string]string{"Sec-Fetch-Site": "none"}, true, true},
		"another origin":         {map[string]string{"Origin": "http://evil.example"}, false, false},
		"another port":           {map[string]string{"Origin": "http://127.0.0.1:1"}, false, false},
		"no origin":              {map[string]string{"Origin": "null"}, false, false},
		"another site":           {map[string]string{"Sec-Fetch-Site": "cross-site"}, false, false},
		"another site, GET":      {map[string]string{"Sec-Fetch-Site": "cross-site"}, true, false},
		"a site beside, GET":     {map[string]string{"Sec-Fetch-Site": "same-site"}, true, false},
		"another site with ours": {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": x.base}, false, false},
		"a form of another site": {map[string]string{"Origin": "http://evil.example", "Content-Type": "text/plain"}, false, false},
	} {
		set := func(r *http.Request) {
			for k, v := range c.headers {
				r.Header.Set(k, v)
			}
		}
		method, path := "POST", "/api/explain"
		if c.get {
			method, path = "GET", "/api/options"
		}
		resp, data := x.ask(method, path, tiny, set)
		switch {
		case c.ok && resp.StatusCode != http.StatusOK:
			t.Errorf("%s: status %d: %s", name, resp.StatusCode, data)
		case !c.ok:
			t.Log(name)
			x.problem(resp, data, http.StatusForbidden)
		}
		if h := resp.Header.Get("Access-Control-Allow-Origin"); h != "" {
			t.Errorf("%s: Access-Control-Allow-Origin: %s", name, h)
		}
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx"} {
		resp, data := x.ask("POST", "/api/explain", tiny, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		x.problem(resp, data, http.StatusUnsupportedMediaType)
	}
}

// TestHeaders looks at what every answer says to the browser, errors included.
func TestHeaders(t *testing.T) {
	x := start(t, Config{})
	for _, path := range []string{"/", "/main.js", "/page.css", "/picture.css", "/icon.svg", "/api/options", "/api/nothing", "/nothing"} {
		resp, _ := x.ask("GET", path, "", nil)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		csp := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s: %q", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy lets something in: %q", path, csp)
		}
		if tag := resp.Header.Get("Etag"); tag != "" {
			again, data := x.ask("GET", path, "", func(r *http.Request) { r.Header.Set("If-None-Match", tag) })
			if again.StatusCode != http.StatusNotModified || len(data) != 0 {
				t.Errorf("%s again: status %d, %d bytes", path, again.StatusCode, len(data))
			}
		}
	}
}

// TestPageIsAlone holds the embedded files to the policy: nothing from
// elsewhere, nothing inline.
func TestPageIsAlone(t *testing.T) {
	files, err := static.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	outside := regexp.MustCompile(`(?i:(https?:)?//[a-z0-9.-]+\.[a-z]{2,})|@import|\burl\(`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\son[a-z]+=|\sstyle=|javascript:|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
	for _, f := range files {
		data, err := static.ReadFile("static/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "")
		if m := outside.FindString(text); m != "" {
			t.Errorf("%s: something from elsewhere: %q", f.Name(), m)
		}
		if m := inline.FindString(text); m != "" {
			t.Errorf("%s: something inline: %q", f.Name(), m)
		}
		if n := strings.Count(text, "\n"); n > 330 {
			t.Errorf("%s has %d lines", f.Name(), n)
		}
	}
}
