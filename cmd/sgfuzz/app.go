package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sgfuzz/sgfuzz/internal/style"
	"github.com/sgfuzz/sgfuzz/internal/usage"
)

// Exit statuses.
const (
	exitFine     = 0
	exitFindings = 1
	exitUsage    = 2 // wrong usage or unusable input
	exitInternal = 3 // output cannot be written, or a bug
)

// exitError is an error that decides the exit status. err is nil if everything
// was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// badInput marks an error that the user's input causes; nil stays nil.
func badInput(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

func badInputf(format string, args ...any) error { return badInput(fmt.Errorf(format, args...)) }

// status is an exit status whose reason was printed; 0 gives nil.
func status(code int) error {
	if code == exitFine {
		return nil
	}
	return &exitError{code: code}
}

// errorResult is the JSON object of a verb that could not do its work.
type errorResult struct {
	Error string `json:"error"` // what stood in the way
	Exit  int    `json:"exit"`  // the exit status
}

// codeOf is the exit status for an error: one that says nothing else is on the
// side of the output.
func codeOf(err error) int {
	if err == nil {
		return exitFine
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitInternal
}

// verb is a parsed command line. run prints its result as text and returns it
// for JSON. leaves says that it has files to write too.
type verb interface {
	run(a *app) (result any, err error)
	output() *jsonFlag
	leaves() bool
}

// common are the flags of every verb.
type common struct {
	JSON jsonFlag `name:"json" placeholder:"FILE" help:"Result as JSON; --json=FILE to write it to a file beside the text."`
}

func (c *common) output() *jsonFlag { return &c.JSON }

// jsonFlag is a flag with an optional value: --json or --json=FILE.
type jsonFlag struct {
	on   bool
	file string // "" for standard output
}

// IsBool lets the flag stand without a value.
func (*jsonFlag) IsBool() bool { return true }

// Decode takes the value behind '=', if there is one.
func (f *jsonFlag) Decode(ctx *kong.DecodeContext) error {
	f.on = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	f.file = fmt.Sprint(ctx.Scan.Pop().Value)
	if f.file == "" {
		return errors.New("--json= needs the name of a file")
	}
	if f.file == "-" {
		f.file = ""
	}
	return nil
}

// app is one invocation.
type app struct {
	ctx    context.Context
	stdin  io.Reader
	stdout *bufio.Writer
	stderr io.Writer
	out    io.Writer // for text: stdout, or nothing if JSON is there
	style  style.Style
}

// printf writes text of the result. Its errors show when stdout is flushed.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// complain writes an error line.
func (a *app) complain(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(a.stderr, "sgfuzz: %s\n", line)
	}
}

// cli is the command line. Verbs stand in the order of the help, each in its
// group.
type cli struct {
	Build kong.VersionFlag `name:"version" help:"Print the version and exit."`

	Run     runCmd     `cmd:"" group:"find" help:"Replay the embedded cases, then fuzz."`
	Replay  replayCmd  `cmd:"" group:"find" help:"Run case files through every strategy and the oracle."`
	Shrink  shrinkCmd  `cmd:"" group:"find" help:"Find the smallest case with the same failure class."`
	Exhaust exhaustCmd `cmd:"" group:"find" help:"Check every list of a small universe with every strategy."`
	Encode  encodeCmd  `cmd:"" group:"look" help:"Print the WQE bytes that a strategy posts for a case."`
	Decode  decodeCmd  `cmd:"" group:"look" help:"Decode WQE bytes: hex, raw, kernel log or dump_wqe words."`
	Explain explainCmd `cmd:"" group:"look" help:"Show a case as a picture: list, keys, stream, and what is wrong."`
	Serve   serveCmd   `cmd:"" group:"look" help:"Show cases and dumps live in a browser, from this machine only."`
	Report  reportCmd  `cmd:"" group:"look" help:"Make a page of a campaign: figures, findings with pictures, charts."`
	Conform conformCmd `cmd:"" group:"outside" help:"Test an implementation written elsewhere, a child process."`
	Vectors vectorsCmd `cmd:"" group:"outside" help:"Check recorded outputs of real drivers against the encoders."`
	Mutants mutantsCmd `cmd:"" group:"measure" help:"Measure which re-created defects are found, and how fast."`
	Bench   benchCmd   `cmd:"" group:"measure" help:"Measure the encoders beside the peers that this machine has."`
	Vhca    vhcaCmd    `cmd:"" group:"measure" help:"Run an RDMA program on a virtual adapter, without hardware."`
	Compare compareCmd `cmd:"" group:"measure" help:"Put the ways of registering a workload side by side."`
	Import  importCmd  `cmd:"" group:"files" help:"Turn iovec logs and inputs of fuzzing engines into case files."`
	Export  exportCmd  `cmd:"" group:"files" help:"Write cases and seeds as inputs of fuzzing engines."`
	Fmt     fmtCmd     `cmd:"" group:"files" help:"Bring case files into their canonical form."`
	Corpus  corpusCmd  `cmd:"" group:"files" help:"List, minimise or format directories of case files."`

	Help       helpCmd       `cmd:"" group:"about" help:"Tell what a verb does and what it takes."`
	Completion completionCmd `cmd:"" group:"about" help:"Print what makes a shell complete this command line."`
	Man        manCmd        `cmd:"" group:"about" help:"Print the manual page."`
	Schema     schemaCmd     `cmd:"" group:"about" help:"Print the JSON Schema of what a verb gives with --json."`
	Version    versionCmd    `cmd:"" group:"about" help:"Print version and build."`
}

// run is the program. It never exits and never panics.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	a := &app{ctx: ctx, stdin: stdin, stdout: bufio.NewWriter(stdout), stderr: stderr, style: style.For(stdout, os.Getenv)}
	a.out = text{a.stdout}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "sgfuzz: bug: %v\n%s", p, debug.Stack())
			code = exitInternal
		}
	}()
	if len(args) > 0 && args[0] == usage.CompleteWord {
		a.complete(args[1:])
	} else {
		code = a.main(args)
	}
	if err := a.stdout.Flush(); err != nil && !readerGone(err) {
		a.complain(fmt.Errorf("writing the result: %w", err))
		return exitInternal
	}
	return code
}

func (a *app) main(args []string) int {
	v, code := a.parse(args)
	if v == nil {
		return code
	}
	if v.leaves() {
		outlivePipe()
	}
	sink, err := a.openJSON(v.output())
	if err != nil {
		a.complain(err)
		return exitInternal
	}
	result, err := v.run(a)
	if a.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	if e, ok := errors.AsType[*exitError](err); err != nil && (!ok || e.err != nil) {
		a.complain(err)
	}
	code = codeOf(err)
	if result == nil && err != nil {
		result = errorResult{err.Error(), code}
	}
	if err := sink.put(result); err != nil {
		a.complain(err)
		return exitInternal
	}
	return code
}

// errInterrupted is for work that shows nothing unless it is done.
var errInterrupted = errors.New("interrupted before there was a result; nothing was written")

// exited carries the status with which kong wants to end the process.
type exited int

// parse makes a verb of the arguments. If v is nil, everything was said and
// code is the exit status.
func (a *app) parse(args []string) (v verb, code int) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exited:
			v, code = nil, int(p)
		default:
			panic(p)
		}
	}()
	k := newParser(a.stdout, a.stderr, a.style.Width())
	ctx, err := k.Parse(args)
	if err == nil {
		return ctx.Selected().Target.Addr().Interface().(verb), 0
	}
	if len(args) == 0 {
		if bad, ok := errors.AsType[*kong.ParseError](err); ok {
			k.Stdout = a.stderr
			_ = bad.Context.PrintUsage(false)
			return nil, exitUsage
		}
	}
	a.complain(explained(err, verbOf(k, args)))
	return nil, exitUsage
}
