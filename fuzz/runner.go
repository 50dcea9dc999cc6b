package fuzz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Answer is what became of one strategy's attempt.
type Answer uint8

// Answers. A partial registration is a refusal of the whole list by a strategy
// that took it in parts all the same.
const (
	Accepted Answer = 1 + iota
	Partial
	Refused
	Broken // it failed in a way that is no refusal
)

var answerNames = [...]string{"none", "accepted", "partial", "refused", "broken"}

func (a Answer) String() string { return answerNames[a] }

// Outcome is what one strategy made of a case.
type Outcome struct {
	Strategy string
	Answer   Answer
	Reason   reg.Reason // of the refusal
	Refusal  *reg.Refusal
	Err      error
	Cost     reg.Cost
	Parts    int // registrations it took
	Verdict  oracle.Verdict

	trail trail // how it was registered, for features
}

// reset forgets everything but the storage of the verdict.
func (o *Outcome) reset(strategy string) {
	o.Strategy, o.Answer, o.Reason, o.Refusal, o.Err, o.Parts = strategy, 0, 0, nil, nil, 0
	o.Cost, o.trail = reg.Cost{}, trail{}
	o.Verdict.Reset()
}

// Failed says that a check found something.
func (o *Outcome) Failed() bool { return !o.Verdict.OK() }

// Class names the cause of a failure: the first check that fires, and the
// strategy. Findings of one class are taken for one bug.
func (o *Outcome) Class() string {
	if c := o.Verdict.First(); c != 0 {
		return c.String() + "/" + o.Strategy
	}
	return ""
}

// Options say how thoroughly a Runner works.
type Options struct {
	Full      bool   // move every byte of every stream, see oracle.Oracle
	FullLimit uint64 // streams longer than this are sampled all the same; 0 for the oracle's limit
	// Quick compares streams as intervals and moves no bytes (see
	// oracle.Oracle). One list in four, chosen by its length in bytes, is
	// registered a second time, and then only what the first cannot show is
	// looked at: whether it reaches the list, and that the keys of the first
	// are dead. Quick is for looking through many cases; what it finds, the
	// other modes find too.
	Quick      bool
	Variants   bool     // check the metamorphic relations too
	Strategies []string // only these; empty for what the case says

	// Parts of the registering side that stand in for the correct ones, for
	// mutants; nil for the correct ones.
	Mapper  reg.Mapper
	Encoder func(reg.Encoder) reg.Encoder
	Wrap    func(reg.Strategy) reg.Strategy
	Host    func(mlx5model.HostMemory) mlx5model.HostMemory

	// Watch is called with every registration of a Run before it is judged;
	// nil for none.
	Watch func(*Sight)

	// Stop, when it is closed, ends a Run between two registrations with
	// ErrStopped.
	Stop <-chan struct{}
}

// ErrStopped is a Run's answer to Options.Stop.
var ErrStopped = errors.New("stopped")

// Runner runs cases. It holds one worker's memory, connection and oracle, and
// reuses them; it is not safe for concurrent use.
type Runner struct {
	Options

	mem         *sg.Memory
	env         *reg.Env
	judge       *oracle.Oracle
	peer        *oracle.Peer
	req         reg.Request
	first       reg.Registration
	second      reg.Registration
	tuples      []reg.Tuple
	parts       []oracle.ChainPart
	stream      [2]oracle.Stream
	agreed      int // index in outs of the strategy whose stream is in stream[0], -1 for none
	varied      sg.List
	base, other oracle.Stream // of the variants
	outs        []Outcome
	spare       oracle.Verdict
	strategies  []reg.Strategy
	host        mlx5model.HostMemory   // of Options.Host
	encoders    map[string]reg.Encoder // by dialect, with Options.Encoder
}

const (
	memorySeed = 0x5e9f                // of the host memory's pattern
	peerRkey   = 0x7e5700              // the peer's buffer, for initiators
	peerAddr   = 0x0000_1000_0000_0000 // its address; the buffer is as long as any list
	prefill    = 0xcc                  // stale bytes of the ring
	maxParts   = 64                    // registrations of one list in parts
	partsWork  = 1 << 15               // descriptors after which a list in parts is let go
	spread     = 0x9e3779b97f4a7c15    // 2^64 divided by the golden ratio: its products differ in the high bits
	reuseUpTo  = 4096                  // entries up to which a list is registered twice
	// variantsUpTo is the descriptors up to which a list is registered twice and
	// compared with other strategies and with its variants.
	variantsUpTo = 4096
)

// NewRunner makes a Runner.
func NewRunner(o Options) *Runner {
	mem := sg.NewMemory(memorySeed)
	r := &Runner{Options: o, mem: mem, env: reg.NewEnv(mem), judge: oracle.New(), peer: oracle.NewPeer(reg.Remote{})}
	r.judge.Full, r.judge.Intervals, r.judge.Peer = o.Full, o.Quick, r.peer
	r.peer.MoveNothing(o.Quick && !o.Full)
	if o.FullLimit > 0 {
		r.judge.FullLimit = o.FullLimit
	}
	if o.Host != nil {
		r.host = o.Host(mem)
	}
	r.strategies = reg.Strategies()
	for i := range r.strategies {
		if o.Wrap != nil {
			r.strategies[i] = o.Wrap(r.strategies[i])
		}
	}
	return r
}

// encoder gives the encoder that stands in for a dialect's own, nil for none.
// An unknown dialect is reported by reg.Env.
func (r *Runner) encoder(dialect string) reg.Encoder {
	if r.Encoder == nil {
		return nil
	}
	if e, ok := r.encoders[dialect]; ok {
		return e
	}
	own, err := reg.NewEncoder(dialect)
	if err != nil {
		return nil
	}
	if r.encoders == nil {
		r.encoders = map[string]reg.Encoder{}
	}
	e := r.Encoder(own)
	r.encoders[dialect] = e
	return e
}

// Run tries the case's strategy, or every one, and gives one outcome for each.
// The result is overwritten by the next Run. The error says that the case
// cannot be run at all: an unknown name or an impossible queue.
func (r *Runner) Run(c *corpus.Case) ([]Outcome, error) {
	r.outs = r.outs[:0]
	r.agreed = -1
	for _, s := range r.strategies {
		if c.Strategy != "" && c.Strategy != s.Name() {
			continue
		}
		if len(r.Strategies) > 0 && !slices.Contains(r.Strategies, s.Name()) {
			continue
		}
		if len(r.outs) < cap(r.outs) {
			r.outs = r.outs[:len(r.outs)+1]
		} else {
			r.outs = append(r.outs, Outcome{})
		}
		out := &r.outs[len(r.outs)-1]
		out.reset(s.Name())
		if err := r.try(s, c, out); err != nil {
			return nil, err
		}
		r.want(c, out)
	}
	return r.outs, nil
}

// reset makes a fresh connection and memory for the case.
func (r *Runner) reset(c *corpus.Case) error {
	profile := c.Profile
	if profile == "" {
		profile = "default"
	}
	p, ok := mlx5model.ProfileByName(profile)
	if !ok {
		return fmt.Errorf("case %s: unknown profile %q", c.Name, c.Profile)
	}
	select {
	case <-r.Stop:
		return ErrStopped
	default:
	}
	if err := c.Validate(); err != nil && !onlyList(err) {
		return fmt.Errorf("case %s: %w", c.Name, err)
	}
	dialect := c.Dialect
	if dialect == "" {
		dialect = dialectNames[1]
	}
	r.mem.Reset(memorySeed)
	r.judge.Begin(r.mem)
	r.peer.Reset(reg.Remote{Rkey: peerRkey, Addr: peerAddr})
	r.fill(c)
	cfg := reg.EnvConfig{
		Profile: p, Dialect: dialect, WQEBBs: min(int(c.Limits.Queue), p.MaxSendWQEBBs), Start: c.Limits.RingStart,
		Prefill: prefill, PoolSize: int(c.Limits.Pool), Peer: r.peer, Mapper: r.Mapper, Encoder: r.encoder(dialect), Host: r.host,
	}
	if err := r.env.Reset(cfg, c.List); err != nil {
		return fmt.Errorf("case %s: %w", c.Name, err)
	}
	return nil
}

// onlyList says whether everything wrong with a case is its list, which a
// strategy is to refuse.
func onlyList(err error) bool {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if !onlyList(e) {
				return false
			}
		}
		return true
	}
	return errors.Is(err, sg.ErrWraps) || errors.Is(err, sg.ErrEmpty)
}

// fill makes the request that a case stands for.
func (r *Runner) fill(c *corpus.Case) {
	r.req = reg.Request{
		List: c.List, DMA: c.DMA, Offset: c.Offset, PageSize: c.EffectivePageSize(),
		Access: uint8(c.EffectiveAccess()), Dir: direction(c.Dir),
		Limits: reg.Limits{
			MaxEntries: int(c.Limits.MaxEntries), MaxRegions: int(c.Limits.MaxRegions),
			MaxEntryBytes: c.Limits.MaxEntryBytes, PoolSize: int(c.Limits.Pool),
		},
		IOVA: c.IOVA, PageSizes: c.PgszBitmap, Remote: r.peer.Remote(),
	}
	if r.req.PageSizes == 0 {
		r.req.PageSizes = ^uint64(4095) // every page size from 4 KiB up
	}
}

func direction(s string) reg.Dir {
	switch s {
	case corpus.DirRead:
		return reg.DirRead
	case corpus.DirWrite:
		return reg.DirWrite
	}
	return reg.DirBoth
}

// try runs one strategy through its life: register, use, release, register
// again, and in parts if it does not take the list as a whole.
func (r *Runner) try(s reg.Strategy, c *corpus.Case, out *Outcome) error {
	if err := r.reset(c); err != nil {
		return err
	}
	err := s.Register(r.env, &r.req, &r.first)
	if err != nil {
		return r.refused(s, c, out, err)
	}
	out.Answer, out.Parts, out.Cost, out.trail = Accepted, 1, r.first.Cost, trailOf(&r.first)
	r.watched(&r.first, 0, false, nil)
	r.judge.Judge(&r.first, &out.Verdict)
	r.agree(s, out)
	r.lifeCycle(s, c, out)
	if r.Variants && out.Verdict.OK() && out.Cost.Descriptors <= variantsUpTo {
		return r.variants(s, c, out)
	}
	return nil
}

// lifeCycle releases a live registration, demands that its keys are dead, and
// registers the list once more with the next variant of the keys.
func (r *Runner) lifeCycle(s reg.Strategy, c *corpus.Case, out *Outcome) {
	r.tuples = append(r.tuples[:0], r.first.Tuples...)
	if err := s.Release(r.env, &r.first); err != nil {
		out.broken(err)
		return
	}
	r.judge.JudgeReleased(r.env, r.tuples, &out.Verdict)
	r.leaks(out)
	if len(c.List) > reuseUpTo || out.Cost.Descriptors > variantsUpTo || !out.Verdict.OK() {
		return
	}
	if r.Quick && r.first.Covered*spread>>62 != 0 {
		return
	}
	r.peer.Reset(r.peer.Remote())
	err := s.Register(r.env, &r.req, &r.second)
	r.watched(&r.second, 0, true, err)
	if err != nil {
		out.broken(fmt.Errorf("accepted once, not again: %w", err))
		return
	}
	if r.Quick {
		r.judge.JudgeAgain(&r.second, &out.Verdict)
	} else {
		r.judge.Judge(&r.second, &out.Verdict)
	}
	r.judge.JudgeReleased(r.env, r.tuples, &out.Verdict)
	if err := s.Release(r.env, &r.second); err != nil {
		out.broken(err)
	}
	r.leaks(out)
}

// leaks demands that nothing is held after a release or a refusal.
func (r *Runner) leaks(out *Outcome) {
	if k, b, m := r.env.KeysInUse(), r.env.BuffersInUse(), r.env.MappingsInUse(); k != 0 || b != 0 || m != 0 {
		out.fail(oracle.LimitsKept, fmt.Sprintf("%d keys, %d buffers and %d DMA mappings are still held", k, b, m))
	}
}

// fail records a finding that no oracle function makes.
func (o *Outcome) fail(c oracle.Check, text string) {
	o.Verdict.Ran[c]++
	o.Verdict.Failed[c]++
	o.Verdict.Failures = append(o.Verdict.Failures, oracle.Failure{Check: c, Text: text})
}

// broken records an error that is no refusal: a work request that the device
// did not take, or something that should not happen.
func (o *Outcome) broken(err error) {
	o.Answer, o.Err = Broken, err
	c := oracle.LimitsKept
	if _, ok := errors.AsType[*reg.CompletionError](err); ok {
		c = oracle.Structure
	}
	o.fail(c, err.Error())
}

// refused judges a refusal and then, if a prefix may be registered, the list in
// parts.
func (r *Runner) refused(s reg.Strategy, c *corpus.Case, out *Outcome, err error) error {
	refusal, ok := errors.AsType[*reg.Refusal](err)
	if !ok {
		r.watched(nil, 0, false, err)
		out.broken(err)
		r.leaks(out)
		return nil
	}
	out.Answer, out.Reason, out.Refusal, out.Err = Refused, refusal.Reason, refusal, err
	r.judge.JudgeRefusal(&r.req, err, r.facts(), &out.Verdict)
	r.leaks(out)
	if refusal.Reason == reg.ReasonGap || refusal.Reason == reg.ReasonEntries || refusal.Reason == reg.ReasonSector {
		return r.inParts(s, c, out)
	}
	return nil
}

func (r *Runner) facts() oracle.Facts {
	return oracle.Facts{
		Profile: r.env.Dev.Profile(), Caps: r.env.Enc.Caps(), PoolSize: r.env.PoolSize(), WQEBBs: r.env.Ring.WQEBBs(),
	}
}

// inParts registers prefix after prefix.
func (r *Runner) inParts(s reg.Strategy, c *corpus.Case, out *Outcome) error {
	if err := r.reset(c); err != nil {
		return err
	}
	r.req.Partial = true
	r.parts = r.parts[:0]
	var covered uint64
	work, ended := 0, false
	for len(r.parts) < maxParts && work < partsWork && !ended {
		if err := s.Register(r.env, &r.req, &r.first); err != nil {
			if _, refused := errors.AsType[*reg.Refusal](err); len(r.parts) > 0 || !refused {
				out.broken(fmt.Errorf("part %d: %w", len(r.parts), err))
			}
			return nil
		}
		if len(r.parts) == 0 {
			out.trail = trailOf(&r.first)
		}
		out.Answer, out.Parts = Partial, len(r.parts)+1
		r.watched(&r.first, len(r.parts), false, nil)
		r.judge.Judge(&r.first, &out.Verdict)
		part := oracle.Part(&r.first)
		r.parts = append(r.parts, part)
		covered += part.Covered
		work += r.first.Cost.Descriptors + len(c.List)/maxParts // judging a part takes time for the whole list too
		ended = r.first.Whole || part.Covered == 0
		r.tuples = append(r.tuples[:0], r.first.Tuples...)
		if err := s.Release(r.env, &r.first); err != nil {
			out.broken(err)
			return nil
		}
		r.judge.JudgeReleased(r.env, r.tuples, &out.Verdict)
		if !out.Verdict.OK() {
			return nil
		}
		r.req.From = part.Next
	}
	if ended { // else let go before the end: what is there must fit together
		covered = c.List.Total() - c.Offset
	}
	r.judge.JudgeChain(r.parts, c.Offset, covered, &out.Verdict)
	r.leaks(out)
	return nil
}

// agree compares the strategy's stream with that of the first one that
// accepted the list.
func (r *Runner) agree(s reg.Strategy, out *Outcome) {
	if !out.Verdict.OK() || out.Cost.Descriptors > variantsUpTo {
		return // each was found equal to the list, which says the same
	}
	i := 0
	if r.agreed >= 0 {
		i = 1
	}
	if !r.judge.StreamOf(&r.first, &r.stream[i], &r.spare) {
		return
	}
	r.stream[i].Name = s.Name()
	if i == 0 {
		r.agreed = 0
		return
	}
	r.judge.JudgeAgreement(&r.stream[0], &r.stream[1], 0, &out.Verdict)
}

// want compares the answer with what the case says it should be.
func (r *Runner) want(c *corpus.Case, out *Outcome) {
	w, ok := c.Want(out.Strategy)
	if !ok {
		return
	}
	var got string
	switch out.Answer {
	case Accepted:
		got = corpus.WantOK
	case Refused, Partial:
		got = corpus.WantReject
	}
	if w.Verdict == corpus.WantFail {
		if out.Verdict.OK() {
			out.fail(oracle.LimitsKept, "the case says that a check fails, none did")
		}
		return
	}
	if got != w.Verdict {
		out.fail(oracle.LimitsKept, fmt.Sprintf("%v (%v), the case wants %s", out.Answer, out.Err, w.Verdict))
	} else if w.Reason != "" && out.Refusal != nil && !out.Refusal.At(w.Reason) {
		out.fail(oracle.LimitsKept, fmt.Sprintf("refused at %s, the case wants %s", out.Refusal.Where(), w.Reason))
	}
}
