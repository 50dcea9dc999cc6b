package mlx5model

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Errors of the device's queue-pair commands, wrapped with the number at fault.
var (
	ErrQPInUse = errors.New("queue pair number is in use")
	ErrNoQP    = errors.New("no such queue pair")
	ErrQPLimit = errors.New("queue pair does not fit the device's limits")
)

// Device is a software HCA: memory keys, send queues and what executes them.
// It reads requests out of rings as bytes and reaches host memory only through
// HostMemory and only where a key allows it. It is not safe for use by several
// goroutines at a time: even Translate fills caches.
type Device struct {
	p   Profile
	mem HostMemory

	keys    map[uint32]*mkey     // by index
	cache   [cacheSlots]*mkey    // keys found last, by low index bits
	live    []*mkey              // every key, in no order
	pool    []*mkey              // retired keys, kept for their storage
	xltUsed uint64               // octowords that live keys may hold
	xltHeld uint64               // octowords allocated, pool included
	qps     map[uint32]*QP       // by number
	qpPool  []*QP                // destroyed queues, kept for their storage
	psvs    map[uint32]uint64    // transient signatures that SET_PSV wrote
	walk    walker               // state of the access under way
	ext     []sg.Extent          // scratch of ReadHost, WriteHost and list fetches
	gather  []sg.Extent          // scratch: local side of the RDMA under way
	wqe     WQE                  // scratch: the WQE under way
	raw     [MaxDS * DSSize]byte // scratch: its bytes, ring wrap removed
	inline  inlineMemory         // scratch: inline data of a WQE
	list    []byte               // scratch: a list fetched by pointer

	dest []byte // scratch: address of the WQE under way, of UD and XRC

	watch  func(Access, []sg.Extent, error)          // is told of translations
	onLand func(*QP, uint16, []byte) func(err error) // is told of late effects

	signs    bool     // signatures are computed
	signed   []signed // accesses whose signatures are still to do
	blockBuf []byte   // scratch: a block and its tuple

	unknownMask uint64 // UMRs that carried mask bits outside MaskKnown
}

const cacheSlots = 64

// NewDevice makes a device without keys and queues. It fails when the profile
// is not valid.
func NewDevice(p Profile, mem HostMemory) (*Device, error) {
	d := &Device{keys: map[uint32]*mkey{}, qps: map[uint32]*QP{}, psvs: map[uint32]uint64{}}
	if err := d.Reset(p, mem); err != nil {
		return nil, err
	}
	return d, nil
}

// Reset makes the device new under another profile and memory. Keys and queues
// are gone, every *QP handed out is void; their storage is kept for reuse. On
// error nothing changes.
func (d *Device) Reset(p Profile, mem HostMemory) error {
	if d.mem == nil || p != d.p { // the one in use was valid
		if err := p.Validate(); err != nil {
			return err
		}
	}
	d.retireAll()
	for _, qp := range d.qps {
		d.retireQP(qp)
	}
	clear(d.qps)
	clear(d.psvs)
	d.p, d.mem, d.unknownMask = p, mem, 0
	d.SetSignatures(false)
	d.watch, d.onLand = nil, nil
	if d.heldTooMuch() {
		d.trimPool()
	}
	return nil
}

// Profile is the device's own profile; it must not be changed.
func (d *Device) Profile() *Profile { return &d.p }

// UnknownMaskUMRs counts the UMRs since Reset whose mkey_mask had bits outside
// MaskKnown and that were executed nevertheless.
func (d *Device) UnknownMaskUMRs() uint64 { return d.unknownMask }

// PSV is the transient signature that SET_PSV last gave a PSV index. The model
// remembers it; signatures start from it (SetSignatures).
func (d *Device) PSV(index uint32) (transient uint64, ok bool) {
	transient, ok = d.psvs[index]
	return transient, ok
}

// QPConfig describes a queue pair at creation.
type QPConfig struct {
	QPN    uint32 // 24 bits, not 0xffffff
	PD     uint32 // 24 bits
	SQ     *Ring  // its send queue
	CI     uint32 // consumer counter to start with, in WQEBBs; normally 0
	Peer   Peer   // the other end; nil when RDMA shall fail with SynTransportRetry
	SigAll bool   // every WQE gets a completion
	UIDX   uint32 // user index that completions carry, 24 bits

	Transport Transport // what precedes the segments of its WQEs; RC and UC the same
}

// QPState is a queue pair's state as far as sending goes.
type QPState uint8

// Queue pair states.
const (
	QPReady QPState = iota
	QPError         // WQEs are flushed
	QPGone          // destroyed
)

// QP is a queue pair of a Device. Only its send side is modelled.
type QP struct {
	cfg      QPConfig
	ci       uint32
	state    QPState
	cqes     []CQE
	err      error
	unfenced [16]uint32 // indexes of keys that UMRs changed since the last fence
	pending  int        // how many of unfenced count
	ordering uint64
	lastNote OrderingNote
	late     *late // the WQE that has still to take effect, or nil
	putOff   bool  // the WQE under way may be put off
}

// CreateQP adds a queue pair in state QPReady.
func (d *Device) CreateQP(c QPConfig) (*QP, error) {
	switch {
	case c.SQ == nil || c.QPN >= QPNAny || c.PD > PDMask:
		return nil, fmt.Errorf("qpn %#x, pd %#x, ring %v: %w", c.QPN, c.PD, c.SQ != nil, ErrQPLimit)
	case c.SQ.WQEBBs() > uint32(d.p.MaxSendWQEBBs):
		return nil, fmt.Errorf("qpn %#x, %d WQEBBs of %d: %w", c.QPN, c.SQ.WQEBBs(), d.p.MaxSendWQEBBs, ErrQPLimit)
	case d.qps[c.QPN] != nil:
		return nil, fmt.Errorf("qpn %#x: %w", c.QPN, ErrQPInUse)
	case len(d.qps) >= d.p.MaxQPs:
		return nil, fmt.Errorf("qpn %#x, %d queue pairs exist: %w", c.QPN, len(d.qps), ErrQPLimit)
	}
	var qp *QP
	if n := len(d.qpPool); n > 0 {
		qp, d.qpPool = d.qpPool[n-1], d.qpPool[:n-1]
	} else {
		qp = new(QP)
	}
	*qp = QP{cfg: c, ci: c.CI, cqes: qp.cqes[:0]}
	d.qps[c.QPN] = qp
	return qp, nil
}

// DestroyQP removes a queue pair; WQEs not executed are dropped.
func (d *Device) DestroyQP(qpn uint32) error {
	qp := d.qps[qpn]
	if qp == nil {
		return fmt.Errorf("qpn %#x: %w", qpn, ErrNoQP)
	}
	delete(d.qps, qpn)
	d.retireQP(qp)
	return nil
}

func (d *Device) retireQP(qp *QP) {
	*qp = QP{state: QPGone, cqes: qp.cqes[:0]}
	if len(d.qpPool) < poolQPs {
		d.qpPool = append(d.qpPool, qp)
	}
}

const poolQPs = 64

// State is the queue pair's state.
func (q *QP) State() QPState { return q.state }

// QPN is the queue pair's number.
func (q *QP) QPN() uint32 { return q.cfg.QPN }

// PD is the queue pair's protection domain.
func (q *QP) PD() uint32 { return q.cfg.PD }

// Consumer is the running counter, in WQEBBs, of the next WQE to execute. Its
// low 16 bits are those of the producer counter when the queue is empty.
func (q *QP) Consumer() uint32 { return q.ci }

// Completions are the completions since the last ClearCompletions, oldest
// first. The slice is the queue's own and valid until the next call on it.
func (q *QP) Completions() []CQE { return q.cqes }

// ClearCompletions forgets all completions.
func (q *QP) ClearCompletions() { q.cqes = q.cqes[:0] }

// TakeCompletions appends the completions to dst and forgets them.
func (q *QP) TakeCompletions(dst []CQE) []CQE {
	dst = append(dst, q.cqes...)
	q.cqes = q.cqes[:0]
	return dst
}

// Err says why the queue pair is in QPError: a *WQEError. It is nil otherwise.
func (q *QP) Err() error { return q.err }

// Recover takes the queue pair through reset back to QPReady with the consumer
// counter ci, as drivers/infiniband/hw/mlx5/umr.c mlx5r_umr_recover does. The
// kernel restarts its queues at 0.
func (q *QP) Recover(ci uint32) {
	if q.state == QPGone {
		return
	}
	q.state, q.err, q.ci, q.pending, q.late = QPReady, nil, ci, 0, nil
}

// OrderingNote is a WQE that used a key which an earlier UMR of the same queue
// had changed, with no fence on any WQE in between nor on itself. The model
// executes in order; a device may not.
type OrderingNote struct {
	WQE uint16 // index of the WQE that used the key
	Key uint32 // the key as that WQE named it
}

// Ordering counts such WQEs since the queue pair was created and gives the
// last one.
func (q *QP) Ordering() (count uint64, last OrderingNote) { return q.ordering, q.lastNote }
