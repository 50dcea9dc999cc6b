package serve

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultMaxBody    = 4 << 20
	DefaultMaxEntries = 20_000
	DefaultWorkers    = 2
	DefaultTimeout    = 10 * time.Second
)

// Config bounds a Server. Zero fields stand for the defaults.
type Config struct {
	Hosts      []string      // names beside the own address that a request's Host may have, without port
	MaxBody    int64         // bytes of a request's body
	MaxEntries int           // entries of a list
	Workers    int           // computations at a time
	Timeout    time.Duration // of one computation, from the request's arrival
	Log        *log.Logger   // for bugs and broken connections; nil for the standard one
}

// Server is the page and what computes for it. It is safe for concurrent use.
type Server struct {
	Config
	handler http.Handler
	slots   chan struct{} // one for each computation under way
}

// New makes a Server.
func New(c Config) *Server {
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxEntries <= 0 {
		c.MaxEntries = DefaultMaxEntries
	}
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Log == nil {
		c.Log = log.Default()
	}
	hosts := make([]string, len(c.Hosts))
	for i, h := range c.Hosts {
		hosts[i] = strings.ToLower(h)
	}
	c.Hosts = hosts
	s := &Server{Config: c, slots: make(chan struct{}, c.Workers)}
	mux := http.NewServeMux()
	mux.Handle("/", newFiles())
	mux.Handle("/api/", answer(func(*http.Request) (any, error) {
		return nil, &Problem{status: http.StatusNotFound, Message: "no such request"}
	}))
	mux.Handle("/api/options", only(http.MethodGet, answer(s.options)))
	mux.Handle("/api/case", only(http.MethodGet, answer(s.namedCase)))
	mux.Handle("/api/explain", only(http.MethodPost, answer(s.explain)))
	mux.Handle("/api/decode", only(http.MethodPost, answer(s.decode)))
	mux.Handle("/api/import", only(http.MethodPost, answer(s.importLists)))
	s.handler = headers(s.guard(mux))
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Times that a connection may take.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	graceTimeout  = 3 * time.Second // for requests under way when the server ends
	maxHeader     = 16 << 10        // bytes
)

// Serve answers on l until ctx ends; requests under way may then finish within
// a grace time. It closes l. The error is nil after an end by ctx.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: readTimeout + s.Timeout + 5*time.Second, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: s.Log,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTimeout)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	return err
}
