package main

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/serve"
)

// serveCmd shows cases and dumps in a browser until it is interrupted.
type serveCmd struct {
	common
	Listen     string        `default:"127.0.0.1:8470" placeholder:"ADDR" help:"Address and port to listen at, port 0 for any; the default is for this machine only."`
	Host       []string      `placeholder:"NAME" help:"Name that a request may ask for beside the address itself; can be repeated."`
	MaxEntries int           `default:"20000" placeholder:"N" help:"Entries of a list, at most."`
	Timeout    time.Duration `default:"10s" placeholder:"TIME" help:"Longest wait for what a request asks."`
	File       string        `arg:"" optional:"" name:"case" help:"Case file, or name of an embedded case, that the printed link opens; - for standard input."`
}

// serveResult is its JSON object.
type serveResult struct {
	URL string `json:"url"`
}

func (v *serveCmd) run(a *app) (any, error) {
	fragment, err := v.fragment(a)
	if err != nil {
		return nil, err
	}
	if v.MaxEntries < 1 || v.Timeout <= 0 {
		return nil, badInputf("--max-entries and --timeout must be above 0")
	}
	l, err := v.listen(a)
	if err != nil {
		return nil, err
	}
	r := serveResult{URL: "http://" + l.Addr().String() + "/" + fragment}
	a.printf("%s\n", r.URL)
	if err := a.stdout.Flush(); err != nil {
		return r, errors.Join(err, l.Close())
	}
	fmt.Fprintf(a.stderr, "sgfuzz serve: listening at %s; ctrl-C ends\n", l.Addr())
	return r, serve.New(serve.Config{Hosts: v.Host, MaxEntries: v.MaxEntries, Timeout: v.Timeout}).Serve(a.ctx, l)
}

func (v *serveCmd) fragment(a *app) (string, error) {
	if v.File == "" {
		return "", nil
	}
	c, err := a.loadCase(v.File)
	if err != nil {
		return "", err
	}
	return serve.Fragment(corpus.Format(c)), nil
}

// listen binds the address, and warns of one that others can reach.
func (v *serveCmd) listen(a *app) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(a.ctx, "tcp", v.Listen)
	if err != nil {
		return nil, badInputf("--listen %s: %w (port 0 takes any free one)", v.Listen, err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() {
		fmt.Fprintf(a.stderr, "sgfuzz serve: %s can be reached from other machines, and anybody there may compute on this one\n", l.Addr())
	}
	return l, nil
}
