package peers

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxEntries is the longest list that a child takes.
const MaxEntries = 1 << 16

// answerWithin is the longest wait for an answer; a slice of time is
// milliseconds.
const answerWithin = time.Minute

// Child is a contestant's process. It is not safe for concurrent use.
type Child struct {
	name  string
	about string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
	said  tail
	ctx   context.Context
	wait  time.Duration // for an answer
	dead  error         // why it answers no more
}

// Start builds the contestant of that name and starts it. The end of ctx kills
// it. If the error wraps ErrMissing, this machine lacks what it needs.
func Start(ctx context.Context, name string) (*Child, error) {
	i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no contestant %q: one of %s", name, strings.Join(Names(), ", "))
	}
	dir, err := os.MkdirTemp("", "sgfuzz-"+name+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // a running program needs its file no more
	p := &programs[i]
	bin, err := p.build(ctx, dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, bin)
	cmd.Env = append(os.Environ(), p.env...)
	c, err := Run(ctx, name, cmd)
	if p.libs != nil && errors.Is(err, errNotReady) {
		err = fmt.Errorf("%w: %w (Debian: %s)", err, ErrMissing, p.need)
	}
	return c, err
}

// errNotReady is a child's own word that it cannot work here.
var errNotReady = errors.New("not ready")

// Run starts a command that speaks the lines of c/child.h. ctx must be the one
// that cmd was made with.
func Run(ctx context.Context, name string, cmd *exec.Cmd) (*Child, error) {
	c := &Child{name: name, cmd: cmd, ctx: ctx, wait: answerWithin}
	cmd.Stderr = &c.said
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.stdin, c.lines = stdin, bufio.NewReader(stdout)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := c.read()
	if err != nil {
		return nil, err
	}
	about, ok := strings.CutPrefix(line, "ready ")
	if !ok {
		c.end(fmt.Errorf("%s: %w: %s", name, errNotReady, strings.TrimPrefix(line, "error ")))
		return nil, c.dead
	}
	c.about = about
	return c, nil
}

// Name is the contestant's.
func (c *Child) Name() string { return c.name }

// About is what the process says of itself: for libmlx5 the library's file.
func (c *Child) About() string { return c.about }

// Load gives the list that the following requests are about, 1 to MaxEntries
// entries.
func (c *Child) Load(list sg.List) error {
	b := make([]byte, 0, 16*len(list))
	for i := range list {
		b = binary.NativeEndian.AppendUint64(b, list[i].Addr)
		b = binary.NativeEndian.AppendUint32(b, list[i].Len)
		b = binary.NativeEndian.AppendUint32(b, list[i].Lkey)
	}
	_, err := c.ask("load " + hex.EncodeToString(b))
	return err
}

// Emit builds a benchmark's output once, in a fresh state, and returns it.
func (c *Child) Emit(bench string) ([]byte, error) {
	answer, err := c.ask("emit " + bench)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(answer)
	if err != nil {
		return nil, c.end(fmt.Errorf("%s: %w", c.name, err))
	}
	return b, nil
}

// Time lets the child build a benchmark's output rounds times and returns what
// it says that took.
func (c *Child) Time(bench string, rounds int) (time.Duration, error) {
	answer, err := c.ask("time " + bench + " " + strconv.Itoa(rounds))
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseInt(answer, 10, 64)
	if err != nil || ns < 0 {
		return 0, c.end(fmt.Errorf("%s: %q is no time", c.name, answer))
	}
	return time.Duration(ns), nil
}

// ask sends a request and returns what follows "ok" in the answer. A child that
// does not answer is ended.
func (c *Child) ask(request string) (answer string, err error) {
	if c.dead != nil {
		return "", c.dead
	}
	watch := time.AfterFunc(c.wait, func() { _ = c.cmd.Process.Kill() })
	defer func() {
		if !watch.Stop() && c.dead != nil && c.ctx.Err() == nil {
			c.dead = fmt.Errorf("%s: no answer within %v", c.name, c.wait)
			err = c.dead
		}
	}()
	// What keeps a write from succeeding shows in the read.
	_, _ = io.WriteString(c.stdin, request+"\n")
	line, err := c.read()
	if err != nil {
		return "", err
	}
	if why, bad := strings.CutPrefix(line, "error "); bad {
		return "", fmt.Errorf("%s: %s", c.name, why)
	}
	rest, ok := strings.CutPrefix(line, "ok")
	if !ok {
		return "", c.end(fmt.Errorf("%s: answers %.60q", c.name, line))
	}
	return strings.TrimPrefix(rest, " "), nil
}

// read takes a line, or reports the end of the child.
func (c *Child) read() (string, error) {
	line, err := c.lines.ReadString('\n')
	if err != nil {
		return "", c.end(nil)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// end kills the child and gives the reason that all later requests get: that
// of the context if it is over, else why, else what became of the process.
func (c *Child) end(why error) error {
	_ = c.stdin.Close()
	_ = c.cmd.Process.Kill()
	state := c.cmd.Wait()
	switch {
	case c.ctx.Err() != nil:
		why = c.ctx.Err()
	case why == nil:
		why = fmt.Errorf("%s: died: %v", c.name, state)
		if said := c.said.String(); said != "" {
			why = fmt.Errorf("%w: %s", why, said)
		}
	}
	c.dead = why
	return why
}

// Close ends the child, which has a second to do so by itself. A child that
// died before was reported then.
func (c *Child) Close() {
	if c.dead != nil {
		return
	}
	c.dead = fmt.Errorf("%s: closed", c.name)
	_ = c.stdin.Close()
	watch := time.AfterFunc(time.Second, func() { _ = c.cmd.Process.Kill() })
	_ = c.cmd.Wait()
	watch.Stop()
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

const tailBytes = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-tailBytes):]
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
