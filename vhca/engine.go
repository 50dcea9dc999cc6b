//go:build linux && (amd64 || arm64)

package vhca

import (
	"fmt"
	"io"
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
	"github.com/sgfuzz/sgfuzz/vhca/opinion"
)

// Limits of the adapter beside those of its profile, as the device query
// tells them.
const (
	maxCQEs = 1 << 22
	portLID = 1
)

// Config says how an adapter behaves.
type Config struct {
	Profile mlx5model.Profile
	Memory  *Process
	// Post writes an event record to a file descriptor of the program.
	Post func(fd int32, record []byte)
	// Trace, if not nil, gets every WQE decoded as it executes.
	Trace io.Writer
	// Strict stops the program at a WQE that no sound producer writes, and where
	// the adapter itself is found to be wrong. Stop gets the explanation and does
	// not return.
	Strict bool
	Stop   func(why string)
	Faults Faults
	Record *Recorder
	Remote *Remote // the adapters of other processes, or nil
	Slot   uint32  // upper 8 bits of the queue pair numbers given, 0 to 254
}

// Engine is an adapter that executes what the mlx5 library writes into the
// memory of this process. It is for one thread at a time.
type Engine struct {
	c    Config
	dev  *mlx5model.Device
	post func(int32, []byte)

	pds   map[uint32]*pd
	mrs   map[uint32]*mr // by key index; windows too
	cqs   map[uint32]*cq
	srqs  map[uint32]*srq
	qps   map[uint32]*qp
	xrcds map[uint32]bool

	nextPD, nextKey, nextCQ, nextSRQ, nextQP, nextXRCD, nextPSV uint32
	variant                                                     uint8 // tag of the next key

	restless map[*qp]struct{} // queue pairs that Tick must look after
	scatter  []sg.Extent
	tail     []sg.Extent
	buf      []byte // for copies out of inline data
	sigErrs  []mlx5model.SigError
	stats    counters
	inspect  bool            // WQEs are looked at before they execute
	second   *opinion.Oracle // or nil
	judged   []byte          // for it: the WQE under way
	here     bool            // for it: that has its peer in this process
	findings []mlx5model.Finding
	raw      [mlx5model.MaxDS * mlx5model.DSSize]byte
}

// New makes an adapter without objects.
func New(c Config) (*Engine, error) {
	dev, err := mlx5model.NewDevice(c.Profile, c.Memory)
	if err != nil {
		return nil, err
	}
	if c.Slot > 254 {
		return nil, fmt.Errorf("slot %d: at most 254", c.Slot)
	}
	dev.SetSignatures(true)
	e := &Engine{
		c: c, dev: dev, post: c.Post,
		pds: map[uint32]*pd{}, mrs: map[uint32]*mr{}, cqs: map[uint32]*cq{}, srqs: map[uint32]*srq{},
		qps: map[uint32]*qp{}, xrcds: map[uint32]bool{}, restless: map[*qp]struct{}{},
		nextPD: 1, nextKey: 0x100, nextCQ: 1, nextSRQ: 1, nextQP: 0x40, nextXRCD: 1, nextPSV: 1,
		buf:     make([]byte, mlx5model.MaxDS*mlx5model.DSSize),
		inspect: c.Trace != nil || c.Strict || c.Record != nil || c.Faults.any(),
	}
	if c.Trace != nil || c.Strict {
		e.second = opinion.New(c.Profile)
		dev.Watch(e.second.Access)
		dev.OnLand(e.landing)
	}
	if c.Remote != nil {
		c.Remote.engine = e
	}
	return e, nil
}

// number gives the next free number from *next on, 1 to most.
func (e *Engine) number(next *uint32, most uint32, used func(uint32) bool) uint32 {
	for {
		n := *next
		if *next++; *next > most {
			*next = 1
		}
		if n != 0 && !used(n) {
			return n
		}
	}
}

func wordOf(b []byte) *uint32 { return (*uint32)(unsafe.Pointer(&b[0])) }

// started is a time as package time has it, startedAt the same by the kernel's
// clock, or a little less: never more, so that nothing completes in the future.
var started, startedAt = start()

// start reads both clocks some times and keeps the closest pair, in case the
// thread was put off between two readings.
func start() (t time.Time, at int64) {
	least := int64(math.MaxInt64)
	for range 8 {
		before, now := monotonic(), time.Now()
		if gap := monotonic() - before; gap < least {
			t, at, least = now, before, gap
		}
	}
	return t, at
}

// monotonic is CLOCK_MONOTONIC in nanoseconds.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail: clock_getres(2)
	return t.Nano()
}

// clock is the adapter's time in nanoseconds, CLOCK_MONOTONIC: one for the
// adapters of all processes, and the shim's clock page counts on it.
func clock() int64 { return startedAt + int64(time.Since(started)) }

// counters are what Stats prints.
type counters struct {
	wqes, umrs, moved, completions, events, errors, overruns, waits, faults, signatures uint64
}

// Stats writes what happened so far, a line each.
func (e *Engine) Stats(w io.Writer) {
	s := &e.stats
	for _, l := range []struct {
		n    uint64
		what string
	}{
		{s.wqes, "work requests executed"},
		{s.umrs, "memory keys changed by UMR"},
		{s.moved, "bytes moved"},
		{s.completions, "completions written"},
		{s.events, "queue pairs taken to the error state"},
		{s.errors, "error completions"},
		{s.signatures, "signature errors"},
		{s.waits, "waits for a receive"},
		{s.overruns, "completion queues overrun"},
		{s.faults, "faults injected"},
		{uint64(e.dev.MkeyCount()), "memory keys alive"},
		{uint64(len(e.qps)), "queue pairs alive"},
	} {
		fmt.Fprintf(w, "vhca: %12d %s\n", l.n, l.what)
	}
}
