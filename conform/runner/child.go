package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
)

// ErrStart reports a command that cannot be executed.
var ErrStart = errors.New("cannot start the child")

// errSilent, errGone and errLong are how a child stops answering.
var (
	errSilent = errors.New("no reply")
	errGone   = errors.New("the child ended")
	errLong   = conform.ErrLong
)

const (
	readSize   = 64 << 10
	stderrKept = 4 << 10 // bytes of the child's last complaints
	lastWords  = 200 * time.Millisecond
)

// chunk is what was read from the child: whole lines, or, with err, what is
// left when there will be no more.
type chunk struct {
	data []byte
	err  error
}

// child is a running implementation. Three goroutines serve its pipes; they end
// with close.
type child struct {
	cmd     *exec.Cmd
	stdout  *os.File
	in      chan []byte   // lines to write
	spareIn chan []byte   // buffers of lines to reuse
	out     chan chunk    // lines read
	spare   chan []byte   // buffers of chunks to reuse
	quit    chan struct{} // closed by close
	exited  chan struct{} // closed when the process was waited for
	state   error         // of cmd.Wait, after exited
	pumps   sync.WaitGroup
	errs    tail

	buf   []byte // the chunk that is being taken apart
	rest  []byte // what is left of it
	ended error  // set once there are no more lines
	timer *time.Timer
}

// start executes a command. A failure wraps ErrStart.
func start(args []string, room int) (*child, error) {
	c := &child{
		cmd: exec.Command(args[0], args[1:]...), in: make(chan []byte, room), spareIn: make(chan []byte, 4), out: make(chan chunk, 4),
		spare: make(chan []byte, 8), quit: make(chan struct{}), exited: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	ownGroup(c.cmd)
	var pipes [3][2]*os.File // reading and writing end
	for i := range pipes {
		r, w, err := os.Pipe()
		if err != nil {
			closePipes(pipes[:i])
			return nil, fmt.Errorf("%w: %v", ErrStart, err)
		}
		pipes[i] = [2]*os.File{r, w}
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = pipes[0][0], pipes[1][1], pipes[2][1]
	if err := c.cmd.Start(); err != nil {
		closePipes(pipes[:])
		return nil, fmt.Errorf("%w: %v", ErrStart, err)
	}
	pipes[0][0].Close()
	pipes[1][1].Close()
	pipes[2][1].Close()
	c.stdout = pipes[1][0]
	c.pumps.Add(3)
	go c.write(pipes[0][1], c.in)
	go c.read()
	go c.complaints(pipes[2][0])
	go func() {
		c.state = c.cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

func closePipes(pipes [][2]*os.File) {
	for _, p := range pipes {
		p[0].Close()
		p[1].Close()
	}
}

// write feeds the child until there are no more lines. A child that is gone takes nothing;
// the reader notices.
func (c *child) write(stdin *os.File, lines <-chan []byte) {
	defer c.pumps.Done()
	defer stdin.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a write that blocks ends with close
		select {
		case <-c.quit:
			stdin.Close()
		case <-stop:
		}
	}()
	for b := range lines {
		_, _ = stdin.Write(b)
		select {
		case c.spareIn <- b:
		default:
		}
	}
}

// read cuts what the child writes into chunks of whole lines.
func (c *child) read() {
	defer c.pumps.Done()
	buf, have := make([]byte, readSize), 0
	for {
		n, err := c.stdout.Read(buf[have:])
		scanned := have
		have += n
		if i := bytes.LastIndexByte(buf[scanned:have], '\n'); i >= 0 {
			end := scanned + i + 1
			next := c.buffer(have - end)
			left := copy(next[:cap(next)], buf[end:have])
			if !c.pass(chunk{data: buf[:end]}) {
				return
			}
			buf, have = next[:cap(next)], left
		}
		switch {
		case err != nil:
			c.pass(chunk{buf[:have], errGone})
			return
		case have > conform.MaxLine+1:
			c.pass(chunk{buf[:64], errLong})
			return
		case have == len(buf):
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// buffer gives a buffer with room for more than n bytes.
func (c *child) buffer(n int) []byte {
	select {
	case b := <-c.spare:
		if cap(b) > 2*n {
			return b
		}
	default:
	}
	return make([]byte, max(readSize, 2*n))
}

func (c *child) pass(k chunk) bool {
	select {
	case c.out <- k:
		return true
	case <-c.quit:
		return false
	}
}

// complaints drains the child's standard error and keeps the end of it.
func (c *child) complaints(stderr *os.File) {
	defer c.pumps.Done()
	defer stderr.Close()
	go func() {
		<-c.quit
		_ = stderr.SetReadDeadline(time.Now().Add(lastWords)) // what a killed child's children hold open
	}()
	buf := make([]byte, readSize)
	for {
		n, err := stderr.Read(buf)
		c.errs.add(buf[:n])
		if err != nil {
			return
		}
	}
}

// send hands over lines, which then belong to the child.
func (c *child) send(lines []byte) { c.in <- lines }

// buffered says whether a line is there that was read already.
func (c *child) buffered() bool { return len(c.rest) > 0 }

// line gives the next line without its line feed, valid until the next call. It
// waits no longer than timeout: errSilent. Other errors are errGone, errLong
// and ctx's; part is then an unfinished line, if there is one.
func (c *child) line(ctx context.Context, timeout time.Duration) (line, part []byte, err error) {
	for len(c.rest) == 0 {
		if c.ended != nil {
			return nil, nil, c.ended
		}
		c.recycle()
		k, err := c.receive(ctx, timeout)
		if err != nil {
			return nil, nil, err
		}
		if k.err != nil {
			c.ended = k.err
			return nil, k.data, k.err
		}
		c.buf, c.rest = k.data, k.data
	}
	i := bytes.IndexByte(c.rest, '\n')
	line, c.rest = c.rest[:i], c.rest[i+1:]
	return line, nil, nil
}

func (c *child) recycle() {
	if c.buf != nil {
		select {
		case c.spare <- c.buf:
		default:
		}
		c.buf = nil
	}
}

// receive waits in slices, of which each counts as what it should have taken:
// a machine that stood still, runner included, is not the child's fault.
func (c *child) receive(ctx context.Context, timeout time.Duration) (chunk, error) {
	const slices = 8
	for i := 0; i <= slices; i++ {
		select {
		case k := <-c.out:
			return k, nil
		default:
		}
		if i == slices {
			break
		}
		c.timer.Reset(timeout/slices + 1)
		select {
		case k := <-c.out:
			c.timer.Stop()
			return k, nil
		case <-c.timer.C:
		case <-c.exited:
			c.timer.Stop()
			return c.leftOver()
		case <-ctx.Done():
			c.timer.Stop()
			return chunk{}, ctx.Err()
		}
	}
	return chunk{}, errSilent
}

// leftOver gives what a child that has ended wrote before. What it started may
// hold its output open: that is not waited for.
func (c *child) leftOver() (chunk, error) {
	c.timer.Reset(lastWords)
	defer c.timer.Stop()
	select {
	case k := <-c.out:
		return k, nil
	case <-c.timer.C:
		return chunk{err: errGone}, nil
	}
}

// finish closes the child's input and waits for its end.
func (c *child) finish() { close(c.in); c.in = nil }

// exit waits for the process and says how it ended; false if it has not.
func (c *child) exit(timeout time.Duration) (error, bool) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-c.exited:
		return c.state, true
	case <-t.C:
		return nil, false
	}
}

// close ends the child and everything that serves it, and gives its last words.
func (c *child) close() string {
	killGroup(c.cmd)
	<-c.exited
	killGroup(c.cmd) // what it started in between
	close(c.quit)
	if c.in != nil {
		c.finish()
	}
	c.stdout.Close()
	c.pumps.Wait()
	return c.errs.String()
}

// tail keeps the end of a text.
type tail struct {
	mu  sync.Mutex
	b   []byte
	cut bool
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - stderrKept; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
		t.cut = true
	}
}

// String is the text in whole lines, as far as it is printable UTF-8.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.ToValidUTF8(string(t.b), "?")
	if t.cut {
		if _, after, ok := strings.Cut(s, "\n"); ok && after != "" {
			s = after
		}
		s = "…\n" + s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, s))
}
