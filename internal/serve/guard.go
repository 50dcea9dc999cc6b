package serve

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// policy is the page's Content-Security-Policy: scripts, styles and requests of
// this origin, nothing inline, nothing from elsewhere. A string becomes markup
// only where static/picture.js makes the policy "sgfuzz-picture" allow it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sgfuzz-picture"

// headers sets what every answer says to the browser.
func headers(next http.Handler) http.Handler {
	fixed := [][2]string{
		{"Content-Security-Policy", policy},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cache-Control", "no-store"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range fixed {
			w.Header().Set(h[0], h[1])
		}
		next.ServeHTTP(w, r)
	})
}

// guard refuses what another site's page may have caused: a Host that is not
// this server's, and requests that come from another origin.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hostAllowed(r) {
			(&Problem{status: http.StatusMisdirectedRequest, Message: "this server does not go by the name " + clip(r.Host)}).write(w)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); strings.HasPrefix(r.URL.Path, "/api/") && (site == "cross-site" || site == "same-site") {
			(&Problem{status: http.StatusForbidden, Message: "a request from another site"}).write(w)
			return
		}
		if err := cross.Check(r); err != nil {
			(&Problem{status: http.StatusForbidden, Message: err.Error()}).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostAllowed compares the Host with the address that the request arrived at.
// The port must be the same where one is known.
func (s *Server) hostAllowed(r *http.Request) bool {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), "80"
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local == nil {
		return false
	}
	if port != portOf(local) {
		return slices.Contains(s.Hosts, strings.ToLower(host)) && err != nil // behind a proxy that has the usual port
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.Equal(local.IP) || slices.Contains(s.Hosts, host)
	}
	return strings.EqualFold(host, "localhost") && local.IP.IsLoopback() || slices.Contains(s.Hosts, strings.ToLower(host))
}

// only lets one method through, and HEAD where that is GET.
func only(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", method)
		(&Problem{status: http.StatusMethodNotAllowed, Message: "only " + method + " is possible here"}).write(w)
	})
}
