package main

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
)

// code is what a call returns to C when it fails.
type code int

// The codes of sgoracle.h, SGO_E….
const (
	errSession  code = -1
	errNull     code = -2
	errRange    code = -3
	errRequest  code = -4
	errState    code = -5
	errInternal code = -6
)

// finding is SGO_FINDING.
const finding = 1

// Bounds of one case: SGO_MAX_CALLS and SGO_MAX_BYTES.
const (
	maxCalls = 1 << 16
	maxBytes = 16 << 20
)

// callError is a failed call.
type callError struct {
	code code
	text string
}

func (e *callError) Error() string { return e.text }

func failf(c code, format string, args ...any) error {
	return &callError{c, fmt.Sprintf(format, args...)}
}

func codeOf(err error) code {
	if e, ok := errors.AsType[*callError](err); ok {
		return e.code
	}
	if errors.Is(err, runner.ErrRequest) {
		return errRequest
	}
	return errInternal
}

// stage says how far a session's case is.
type stage uint8

const (
	idle   stage = iota // there is none
	open                // begun
	gaveUp              // rejected
	judged
)

// session is a case on its way and who judges it. Storage is kept from case to
// case.
type session struct {
	mu      sync.Mutex
	referee *runner.Referee // nil after a panic, until it is needed
	q       conform.Register
	r       conform.RegisterReply
	bytes   []byte // of r.WQEs and r.Host
	stage   stage
	reason  string // of gaveUp
	failed  error  // the first call that failed since begin
	ruling  runner.Ruling
	last    string // what the last failed call was told
}

// note remembers a failure and gives its code.
func (s *session) note(err error) int {
	s.last = err.Error()
	return int(codeOf(err))
}

// spoil makes the failure of a call that adds to the case the case's own: C may
// leave it to sgo_judge to say so.
func (s *session) spoil(err error) error {
	if err != nil && s.failed == nil && (s.stage == open || s.stage == gaveUp) {
		s.failed = err
	}
	return err
}

func (s *session) judge() (int, error) {
	switch {
	case s.stage == idle:
		return 0, failf(errState, "sgo_judge: no case is begun")
	case s.failed != nil:
		return 0, s.failed
	case s.stage != judged:
		var err error
		if s.stage == gaveUp {
			s.ruling, err = s.referee.Rejected(&s.q, s.reason)
		} else {
			s.ruling, err = s.referee.Registered(&s.q, &s.r)
		}
		if err != nil {
			return 0, err
		}
		s.stage = judged
	}
	if s.ruling.Outcome == runner.Failed {
		return finding, nil
	}
	return 0, nil
}

// ready makes a referee if a panic took the last one.
func (s *session) ready() (err error) {
	if s.referee == nil {
		s.referee, err = runner.NewReferee()
	}
	return err
}

// begin empties the session for the request that fill makes.
func (s *session) begin(fill func(*conform.Register) error) error {
	s.stage, s.failed, s.bytes = idle, nil, s.bytes[:0]
	s.r = conform.RegisterReply{
		Regions: s.r.Regions[:0], WQEs: s.r.WQEs[:0], Host: s.r.Host[:0], CopyIn: s.r.CopyIn[:0], CopyOut: s.r.CopyOut[:0],
	}
	if err := s.ready(); err != nil {
		return err
	}
	if err := fill(&s.q); err != nil {
		return err
	}
	if err := runner.CheckRequest(&s.q); err != nil {
		return err
	}
	s.stage = open
	return nil
}

// more demands that a call may add to the case, one of n before.
func (s *session) more(call string, n int) error {
	switch {
	case s.stage == idle:
		return failf(errState, "%s: no case is begun", call)
	case s.stage != open:
		return failf(errState, "%s: the case is rejected or judged", call)
	case n >= maxCalls:
		return failf(errRange, "%s: called %d times for one case", call, n)
	}
	return nil
}

// keep copies bytes for as long as the case lasts.
func (s *session) keep(call string, b []byte) ([]byte, error) {
	if len(b) > maxBytes-len(s.bytes) {
		return nil, failf(errRange, "%s: %d bytes with %d before, want %d at most", call, len(b), len(s.bytes), maxBytes)
	}
	n := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[n:len(s.bytes):len(s.bytes)], nil
}

func (s *session) post(wqe []byte) error {
	if err := s.more("sgo_post", len(s.r.WQEs)); err != nil {
		return err
	}
	b, err := s.keep("sgo_post", wqe)
	if err == nil {
		s.r.WQEs = append(s.r.WQEs, b)
	}
	return err
}

func (s *session) writeHost(addr uint64, bytes []byte) error {
	if err := s.more("sgo_write_host", len(s.r.Host)); err != nil {
		return err
	}
	b, err := s.keep("sgo_write_host", bytes)
	if err == nil {
		s.r.Host = append(s.r.Host, conform.HostWrite{Addr: addr, Bytes: b})
	}
	return err
}

func (s *session) region(t reg.Tuple) error {
	if err := s.more("sgo_region", len(s.r.Regions)); err != nil {
		return err
	}
	s.r.Regions = append(s.r.Regions, t)
	return nil
}

func (s *session) copyBytes(call string, to *[]reg.Copy, c reg.Copy) error {
	if err := s.more(call, len(*to)); err != nil {
		return err
	}
	*to = append(*to, c)
	return nil
}

func (s *session) reject(errno int) error {
	if err := s.more("sgo_reject", 0); err != nil {
		return err
	}
	s.stage, s.reason = gaveUp, fmt.Sprintf("errno %d", errno)
	return nil
}

func (s *session) verdictText() (string, error) {
	if s.stage != judged {
		return "", failf(errState, "sgo_verdict_text: the case is not judged")
	}
	switch s.ruling.Outcome {
	case runner.Failed:
		return s.ruling.Text, nil
	case runner.Refused:
		return "refused", nil
	}
	return "accepted", nil
}

func (s *session) failureClass() (int, error) {
	if s.stage != judged {
		return 0, failf(errState, "sgo_failure_class: the case is not judged")
	}
	return int(s.ruling.Check), nil
}

func className(n int) (string, error) {
	if n < 1 || n > oracle.NumChecks {
		return "", failf(errRange, "sgo_class_name: %d is no class", n)
	}
	return oracle.Check(n).String(), nil
}

// caseText is the case as far as a case file has it.
func (s *session) caseText() (string, error) {
	if s.stage == idle {
		return "", failf(errState, "sgo_case_text: no case is begun")
	}
	q := &s.q
	c := corpus.Case{
		List: q.List, PageSize: q.PageSize, Access: corpus.Access(q.Access),
		Limits: corpus.Limits{
			MaxEntries: uint32(q.MaxEntries), MaxEntryBytes: q.MaxEntryBytes, MaxRegions: uint32(min(q.MaxRegions, math.MaxUint32)),
		},
	}
	switch q.Dir {
	case reg.DirRead:
		c.Dir = corpus.DirRead
	case reg.DirWrite:
		c.Dir = corpus.DirWrite
	}
	return corpus.Format(&c), nil
}
