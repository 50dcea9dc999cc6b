package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Intervals between two signs of life.
const (
	everyBar  = 100 * time.Millisecond
	everyLine = 5 * time.Second
)

// progress shows how far the work is: a bar on a terminal, else lines. It is
// not safe for concurrent use.
type progress struct {
	w    io.Writer
	bar  *progressbar.ProgressBar // nil if w is no terminal
	last time.Time
}

// newProgress starts showing work of total steps; -1 for unknown.
func (a *app) newProgress(total int64) *progress {
	p := &progress{w: a.stderr, last: time.Now()}
	if isTerminal(a.stderr) {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(everyBar), progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false))
	}
	return p
}

// isTerminal looks at a reader or a writer.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// every is the interval at which at is worth calling.
func (p *progress) every() time.Duration {
	if p.bar != nil {
		return everyBar
	}
	return everyLine
}

// at says that n steps are done. text makes the line; it is called only if the
// line is shown.
func (p *progress) at(n int64, text func() string) {
	if p.bar == nil {
		if time.Since(p.last) >= everyLine-everyBar {
			p.last = time.Now()
			fmt.Fprintf(p.w, "sgfuzz: %s\n", text())
		}
		return
	}
	if time.Since(p.last) >= everyBar {
		p.last = time.Now()
		p.bar.Describe(text())
		_ = p.bar.Set64(n) // a progress bar that cannot be drawn is no failure
	}
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
