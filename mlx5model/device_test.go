package mlx5model

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// byteMemory is host memory for tests: bytes in a map, an address pattern where
// nothing was written, and optionally the only ranges that may be touched.
type byteMemory struct {
	t       testing.TB
	bytes   map[uint64]byte
	allowed []sg.Extent // nil allows everything
	stray   int         // accesses outside allowed
	fault   uint64      // an access that includes this address fails, if not 0
}

func newByteMemory(t testing.TB) *byteMemory {
	return &byteMemory{t: t, bytes: map[uint64]byte{}}
}

var errFault = errors.New("fault")

func patternByte(addr uint64) byte { return byte(addr*131>>3 ^ addr>>12*7 ^ addr>>32*13 ^ addr) }

func (m *byteMemory) guard(addr uint64, n int) error {
	if n > 0 && addr+uint64(n)-1 < addr {
		return errFault
	}
	if m.fault != 0 && m.fault-addr < uint64(n) {
		return errFault
	}
	if m.allowed == nil {
		return nil
	}
	for _, e := range m.allowed {
		if addr-e.Addr <= e.Len && uint64(n) <= e.Len-(addr-e.Addr) {
			return nil
		}
	}
	m.stray++
	m.t.Errorf("host memory touched at %#x+%d, outside every key", addr, n)
	return errFault
}

func (m *byteMemory) Read(addr uint64, p []byte) error {
	if err := m.guard(addr, len(p)); err != nil {
		return err
	}
	for i := range p {
		p[i] = m.at(addr + uint64(i))
	}
	return nil
}

func (m *byteMemory) at(addr uint64) byte {
	if b, ok := m.bytes[addr]; ok {
		return b
	}
	return patternByte(addr)
}

func (m *byteMemory) Write(addr uint64, p []byte) error {
	if err := m.guard(addr, len(p)); err != nil {
		return err
	}
	for i := range p {
		m.bytes[addr+uint64(i)] = p[i]
	}
	return nil
}

const (
	testQPN  = 0x1234
	testPD   = 0x42
	localKey = 0x1800 // the local DMA key of the worked examples
)

// rig is a device with the local DMA key, one queue pair and a way to post.
type rig struct {
	t   testing.TB
	dev *Device
	mem *byteMemory
	qp  *QP
	sq  *Ring
	pi  uint32

	late bool // the next WQE takes effect late, if it can
}

func newRig(t testing.TB, edit func(*Profile)) *rig {
	t.Helper()
	p, ok := ProfileByName("default")
	if !ok {
		t.Fatal("no default profile")
	}
	if edit != nil {
		edit(&p)
	}
	mem := newByteMemory(t)
	d, err := NewDevice(p, mem)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dev: d, mem: mem}
	r.mkey(localKey, physicalContext())
	if r.sq, err = NewRing(64); err != nil {
		t.Fatal(err)
	}
	if r.qp, err = d.CreateQP(QPConfig{QPN: testQPN, PD: testPD, SQ: r.sq, Peer: &Responder{Dev: d, QPN: testQPN, PD: testPD}}); err != nil {
		t.Fatal(err)
	}
	return r
}

func physicalContext() MkeyContext {
	return MkeyContext{Mode: ModePA, Access: AccLR | AccLW, QPN: QPNAny, PD: testPD, Length64: true}
}

// klmContext is a key that a UMR will give a list of up to n octowords.
func klmContext(n uint32) MkeyContext {
	return MkeyContext{Free: true, Mode: ModeKLM, Access: AccLR, UMREn: true, QPN: QPNAny, PD: testPD, XltOctowords: n}
}

func (r *rig) mkey(key uint32, ctx MkeyContext, xlt ...byte) uint32 {
	r.t.Helper()
	ctx.Tag = KeyTag(key)
	got, err := r.dev.CreateMkey(KeyIndex(key), ctx, xlt)
	if err != nil || got != key {
		r.t.Fatalf("CreateMkey(%#x) = %#x, %v", key, got, err)
	}
	return key
}

// post puts a WQE into the ring with the right index, QPN and DS and rings the
// doorbell. It gives the completions.
func (r *rig) post(c Ctrl, parts ...[]byte) []CQE {
	r.t.Helper()
	off := CtrlSize
	for _, p := range parts {
		r.sq.Write(r.pi, off, p)
		off += len(p)
	}
	c.Index, c.QPN, c.DS = uint16(r.pi), testQPN, uint8(off/DSSize)
	var b [CtrlSize]byte
	c.Put(b[:])
	r.sq.Write(r.pi, 0, b[:])
	return r.ring(WQEBBs(c.DS))
}

func (r *rig) ring(n uint32) []CQE {
	r.qp.ClearCompletions()
	r.pi += n
	if r.late {
		r.late = false
		r.dev.StepLate(r.qp, r.pi)
	} else {
		r.dev.Doorbell(r.qp, r.pi)
	}
	if got := r.qp.Consumer(); got != r.pi {
		r.t.Errorf("consumer counter %d after doorbell %d", got, r.pi)
	}
	return r.qp.Completions()
}

// umr posts a UMR with an inline list.
func (r *rig) umr(key uint32, u UMRCtrl, ctx MkeyContext, list []byte) []CQE {
	r.t.Helper()
	for len(list)%UMRListAlign != 0 {
		list = append(list, 0)
	}
	u.Flags |= UMRInline
	u.XltOctowords = uint16(len(list) / OctowordSize)
	return r.umrRaw(key, u, ctx, list)
}

// umrRaw posts a UMR as given, with data behind the fixed part.
func (r *rig) umrRaw(key uint32, u UMRCtrl, ctx MkeyContext, data []byte) []CQE {
	r.t.Helper()
	var b [UMRCtrlSize + MkeySize]byte
	u.Put(b[:])
	ctx.Put(b[UMRCtrlSize:])
	return r.post(Ctrl{Opcode: OpUMR, FmCeSe: CtrlCEAlways, Imm: key}, b[:], data)
}

func (r *rig) ok(cqes []CQE) {
	r.t.Helper()
	if len(cqes) != 1 || cqes[0].Opcode != CQERequester || r.qp.State() != QPReady {
		r.t.Fatalf("completions %+v, queue pair: %v", cqes, r.qp.Err())
	}
}

// failed checks that the WQE failed for the reason and recovers the queue.
func (r *rig) failed(cqes []CQE, s Syndrome, reason Reason) {
	r.t.Helper()
	want := CQE{Opcode: CQEReqErr, Syndrome: s, Vendor: uint8(reason)}
	if len(cqes) != 1 || cqes[0].Opcode != want.Opcode || cqes[0].Syndrome != s || cqes[0].Vendor != want.Vendor {
		r.t.Fatalf("completions %+v, want syndrome %#x and reason %v; queue pair: %v", cqes, s, reason, r.qp.Err())
	}
	if r.qp.State() != QPError {
		r.t.Errorf("queue pair is not in error after %+v", cqes)
	}
	r.qp.Recover(r.pi)
}

func klms(e ...KLM) []byte {
	b := make([]byte, len(e)*KLMSize)
	for i := range e {
		e[i].Put(b[i*KLMSize:])
	}
	return b
}

func mtts(pages ...uint64) []byte {
	b := make([]byte, len(pages)*MTTSize)
	for i, p := range pages {
		binary.BigEndian.PutUint64(b[i*MTTSize:], p)
	}
	return b
}

// remote is a remote access by the test's queue pair.
func remote(op Op, key uint32, va, n uint64) Access {
	return Access{Op: op, QPN: testQPN, PD: testPD, Key: key, VA: va, Len: n}
}

func (r *rig) extents(a Access, want ...sg.Extent) {
	r.t.Helper()
	got, err := r.dev.Translate(nil, a)
	if err != nil {
		r.t.Fatalf("Translate(%+v): %v", a, err)
	}
	if len(got) != len(want) {
		r.t.Fatalf("Translate(%+v) = %#x, want %#x", a, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			r.t.Fatalf("Translate(%+v) = %#x, want %#x", a, got, want)
		}
	}
}

func (r *rig) refused(a Access, reason Reason) *AccessError {
	r.t.Helper()
	dst := []sg.Extent{{Addr: 0x1000, Len: 0x200}}
	got, err := r.dev.Translate(dst, a)
	var e *AccessError
	if !errors.As(err, &e) || e.Reason != reason {
		r.t.Fatalf("Translate(%+v) = %#x, %v; want refusal: %v", a, got, err, reason)
	}
	if len(got) != 1 || got[0] != (sg.Extent{Addr: 0x1000, Len: 0x200}) {
		r.t.Errorf("refused Translate changed dst to %#x", got)
	}
	return e
}

// unhex reads the rows of a dump; xx becomes fill.
func unhex(t testing.TB, fill byte, dump string) []byte {
	t.Helper()
	s := strings.ReplaceAll(strings.Join(strings.Fields(dump), ""), "xx", hex.EncodeToString([]byte{fill}))
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
