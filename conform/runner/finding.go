package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// Classes of findings.
const (
	ClassProtocol = "protocol" // the child broke the protocol
	ClassExact    = "exact"    // not what the driver does
	ClassSemantic = "semantic" // a check of the oracle failed
)

// Finding is one thing that is wrong with the child, in its smallest form.
type Finding struct {
	Op    conform.Op
	Class string // ClassProtocol, ClassExact or ClassSemantic
	// Check is the oracle's check, the field that differs, or how the protocol
	// was broken: silent, exit, line, id, extra, long, reject; with "end-" in
	// front if it was broken at the end of input.
	Check  string
	Number int    // of the oracle's check; 0 for none
	Text   string // what is wrong, one failure a line

	Case      *corpus.Case // what the request was made of; nil for hello and for work requests
	Vector    string       // id of the recorded vector; "" for none
	Signature string       // what deviations are matched with
	Request   []byte       // lines without line feeds; nil if there is none
	Reply     []byte
	Stderr    string // the child's last words
	Shrunk    bool
	Path      string // case file, or request file if there is no case; "" if not saved
}

// Key names the finding's cause: operation, and check, field or breach.
func (f *Finding) Key() string { return f.Op.String() + "/" + f.Check }

// candidate is a failing request on its way to be a finding.
type candidate struct {
	Finding
	failure failure
	class   string // replaces the check in Key, "" for failure.check
	noLine  bool   // no request provoked it
	slow    bool   // it costs a timeout
	slot    slot
}

// signature is what deviations match a request by.
func (x *slot) signature() string {
	words := ""
	if x.vec != nil {
		words = x.vec.id
	}
	if x.req.Op != conform.OpWQE && x.req.Op != conform.OpHello {
		features := strings.Join(x.c.List.Features(x.c.PageSize).Names(), "+")
		if words != "" {
			features = words + "+" + features
		}
		words = features
	}
	return x.req.Op.String() + "/" + words
}

// clone copies what a slot's request is made of.
func (x *slot) clone() slot {
	y := slot{req: x.req, vec: x.vec, c: *x.c.Clone()}
	y.req.Map.SG, y.req.Register.List = slices.Clone(x.req.Map.SG), slices.Clone(x.req.Register.List)
	y.req.Register.Keys = slices.Clone(x.req.Register.Keys)
	return y
}

// candidate makes a candidate of a request that a breach is blamed on.
func (e *engine) candidate(x *slot, b *breach) *candidate {
	return &candidate{
		Finding: Finding{Class: ClassProtocol, Reply: b.reply, Stderr: b.stderr},
		failure: failure{b.kind, b.text}, slot: x.clone(), slow: b.slow,
	}
}

// failing makes a candidate of a request whose reply e.v condemns.
func (e *engine) failing(x *slot, undeclared []failure) *candidate {
	c := &candidate{failure: undeclared[0], slot: x.clone()}
	c.Class, c.Reply = e.classOf(x, undeclared[0]), bytes.Clone(e.line)
	c.Text, c.Stderr = texts(undeclared), e.child.errs.String()
	return c
}

func (e *engine) classOf(x *slot, f failure) string {
	switch {
	case f.check == kindReject:
		return ClassProtocol
	case x.req.Op == conform.OpRegister, x.req.Op != conform.OpWQE && e.Judge == Semantic:
		return ClassSemantic
	}
	return ClassExact
}

func texts(all []failure) string {
	var b strings.Builder
	for i, f := range all {
		if i == 4 {
			fmt.Fprintf(&b, "\n… %d more", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s", f.check, f.text)
	}
	return b.String()
}

// key is the candidate's Finding.Key.
func (c *candidate) key() string {
	if c.class != "" {
		return c.slot.req.Op.String() + "/" + c.class
	}
	return c.slot.req.Op.String() + "/" + c.failure.check
}

// found counts a candidate, and keeps the first ones of its kind to be shrunk.
func (e *engine) found(c *candidate) {
	key := c.key()
	e.sum.Classes[key]++
	if e.seen[key] >= e.Keep {
		return
	}
	e.seen[key]++
	e.pending = append(e.pending, c)
}

// complete fills in the finding of a candidate.
func (e *engine) complete(c *candidate) {
	f, x := &c.Finding, &c.slot
	f.Op = x.req.Op
	_, f.Check, _ = strings.Cut(c.key(), "/")
	for n := 1; n <= oracle.NumChecks; n++ {
		if f.Class == ClassSemantic && oracle.Check(n).String() == f.Check {
			f.Number = n
		}
	}
	if f.Text == "" {
		f.Text = c.failure.check + ": " + c.failure.text
	}
	if x.vec != nil {
		f.Vector = x.vec.id
	}
	f.Signature = x.signature()
	if !c.noLine {
		f.Request = conform.AppendRequest(nil, &x.req, e.Hex)
	}
	if x.req.Op != conform.OpHello && x.req.Op != conform.OpWQE && !c.noLine {
		f.Case = x.c.Clone()
		f.Case.Name = ""
	}
}

// keep adds a finding, unless it is one that is there, and saves it.
func (e *engine) keep(c *candidate) error {
	e.complete(c)
	f := &c.Finding
	if f.Case != nil {
		if slices.ContainsFunc(e.sum.Findings, func(o Finding) bool { return o.like(f) }) {
			return nil
		}
	}
	e.describe(f)
	err := e.save(f)
	e.sum.Findings = append(e.sum.Findings, *f)
	return err
}

// like says whether two findings say the same: as many entries, and the same
// words but for numbers.
func (f *Finding) like(o *Finding) bool {
	return f.Key() == o.Key() && f.Case != nil && o.Case != nil && len(f.Case.List) == len(o.Case.List) &&
		numbers.ReplaceAllString(f.Text, "") == numbers.ReplaceAllString(o.Text, "")
}

var numbers = regexp.MustCompile(`(0x)?[0-9a-f]*[0-9][0-9a-f]*`)

// describe puts the finding's story above its case.
func (e *engine) describe(f *Finding) {
	if f.Case == nil {
		return
	}
	f.Case.Comments = nil
	say := func(line string) {
		f.Case.Comments = append(f.Case.Comments, corpus.Comment{Text: strings.TrimSpace("# " + line)})
	}
	say(fmt.Sprintf("%s, %s finding in %s", f.Key(), f.Class, oneLine(e.sum.Child)))
	for line := range strings.SplitSeq(f.Text, "\n") {
		say(oneLine(line))
	}
	if f.Vector != "" {
		say("made of vector " + oneLine(f.Vector))
	}
	mode := ""
	if e.Judge == Semantic {
		mode = " --judge semantic"
	}
	say(fmt.Sprintf("rerun: sgfuzz conform --ops %s%s --cases 1 --replay FILE -- COMMAND", f.Op, mode))
}

// oneLine keeps a text from the child out of the next line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// save writes the case, and beside it the request and reply lines.
func (e *engine) save(f *Finding) error {
	if e.Out == "" {
		return nil
	}
	if err := os.MkdirAll(e.Out, 0o777); err != nil {
		return err
	}
	prefix := strings.ReplaceAll(f.Key(), "/", "-")
	base := filepath.Join(e.Out, prefix+"-"+strings.Map(fileRune, f.Vector))
	if f.Case != nil {
		path, err := corpus.SaveUnique(e.Out, prefix, f.Case)
		if err != nil {
			return err
		}
		f.Path, base = path, strings.TrimSuffix(path, corpus.Ext)
	}
	base = strings.TrimSuffix(base, "-")
	for _, part := range []struct {
		ext  string
		line []byte
	}{{".request", f.Request}, {".reply", f.Reply}, {".stderr", []byte(f.Stderr)}} {
		if len(part.line) == 0 {
			continue
		}
		if f.Path == "" {
			f.Path = base + part.ext
		}
		if err := files.WriteBytes(base+part.ext, append(bytes.Clone(part.line), '\n')); err != nil {
			return err
		}
	}
	return nil
}

func fileRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
		return r
	}
	return '_'
}
