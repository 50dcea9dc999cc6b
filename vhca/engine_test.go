//go:build linux && (amd64 || arm64)

package vhca

import (
	"bytes"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// rig is an engine with a connected pair whose queues lie in memory of the
// test, as a library would have made them.
type rig struct {
	t      *testing.T
	e      *Engine
	mem    []byte // all of it
	used   int
	events map[int32][][]byte
	pd     uint32
	qp     [2]uint32
	cq     [2]uint32
	sq, rq [2][]byte
	db     [2][]byte // counters of the queue pairs: receive, send
	cqes   [2][]byte
	cqdb   [2][]byte
	pi, ri [2]uint16
	ci     [2]uint32
	fence  uint8 // of the next WQEs
}

const (
	rigWQEBBs = 8
	rigCQEs   = 4
	rigSlot   = 64
)

func newRig(t *testing.T, options ...func(*Config)) *rig {
	t.Helper()
	mem, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	r := &rig{t: t, mem: mem, events: map[int32][][]byte{}}
	profile, _ := mlx5model.ProfileByName("default")
	c := Config{Profile: profile, Memory: NewProcess(), Post: func(fd int32, rec []byte) {
		r.events[fd] = append(r.events[fd], bytes.Clone(rec))
	}}
	for _, set := range options {
		set(&c)
	}
	if r.e, err = New(c); err != nil {
		t.Fatal(err)
	}
	r.pd = r.e.AllocPD()
	for i := range 2 {
		r.cqes[i], r.cqdb[i] = r.take(rigCQEs*64), r.take(64)
		for s := range rigCQEs {
			r.cqes[i][s*64+63] = 0xf0 // as the library does
		}
		r.cq[i] = must(r.e.CreateCQ(CQSpec{Buf: addressOf(r.cqes[i]), DB: addressOf(r.cqdb[i]), Entries: rigCQEs, Size: 64,
			Handle: uint64(100 + i), Channel: 10, Async: 11}))(t)
		r.rq[i], r.sq[i], r.db[i] = r.take(8*rigSlot), r.take(rigWQEBBs*64), r.take(64)
		r.qp[i] = must(r.e.CreateQP(QPSpec{Type: RC, PD: r.pd, SendCQ: r.cq[i], RecvCQ: r.cq[i], SQ: addressOf(r.sq[i]), SQWQEBBs: rigWQEBBs,
			RQ: addressOf(r.rq[i]), RQCount: 8, RQShift: 6, DB: addressOf(r.db[i]), UIDX: uint32(7 + i), Handle: uint64(200 + i), Async: 11}))(t)
	}
	for i := range 2 {
		r.connect(i)
	}
	return r
}

func (r *rig) connect(i int) {
	r.t.Helper()
	for _, a := range []Attr{
		{Mask: attrState | attrPKey | attrPort | attrAccess, State: Init, Access: 0xf},
		{Mask: attrState | attrAV | attrMTU | attrDest | attrRQPSN | attrDestRd | attrMinRNR, State: RTR, DestQPN: r.qp[1-i]},
		{Mask: attrState | attrSQPSN | attrTimeout | attrRetries | attrRNR | attrRdAtomic, State: RTS, RNR: 7},
	} {
		if err := r.e.ModifyQP(r.qp[i], a); err != nil {
			r.t.Fatal(err)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// take gives memory of whole lines.
func (r *rig) take(n int) []byte {
	b := r.mem[r.used:][:n:n]
	r.used += (n + 63) &^ 63
	return b
}

func (r *rig) reg(b []byte) uint32 {
	r.t.Helper()
	return must(r.e.RegMR(r.pd, addressOf(b), uint64(len(b)), addressOf(b), 0xf))(r.t)
}

// send posts a WQE of segments and rings.
func (r *rig) send(end int, op mlx5model.Opcode, segs ...[]byte) {
	body := bytes.Join(segs, nil)
	c := mlx5model.Ctrl{Index: r.pi[end], Opcode: op, QPN: r.qp[end], DS: uint8(1 + len(body)/16), FmCeSe: mlx5model.CtrlCEAlways | r.fence}
	raw := make([]byte, 16, 128)
	c.Put(raw)
	raw = append(raw, body...)
	for i := range raw {
		r.sq[end][(int(r.pi[end])*64+i)%len(r.sq[end])] = raw[i]
	}
	r.pi[end] += uint16(mlx5model.WQEBBs(c.DS))
	binary.BigEndian.PutUint32(r.db[end][4:], uint32(r.pi[end]))
	r.e.Ring(r.qp[end])
}

func seg(key uint32, b []byte) []byte {
	s := make([]byte, 16)
	(&mlx5model.DataSeg{ByteCount: uint32(len(b)), Lkey: key, Addr: addressOf(b)}).Put(s)
	return s
}

func raddr(key uint32, at uint64) []byte {
	s := make([]byte, 16)
	binary.BigEndian.PutUint64(s, at)
	binary.BigEndian.PutUint32(s[8:], key)
	return s
}

func (r *rig) recv(end int, key uint32, b []byte) {
	slot := r.rq[end][int(r.ri[end]%8)*rigSlot:]
	copy(slot, seg(key, b))
	(&mlx5model.DataSeg{Lkey: mlx5model.InvalidLkey}).Put(slot[16:])
	r.ri[end]++
	binary.BigEndian.PutUint32(r.db[end], uint32(r.ri[end]))
}

// poll takes a completion as the library would, by the owner bit.
func (r *rig) poll(end int) (mlx5model.CQE, bool) {
	b := r.cqes[end][r.ci[end]%rigCQEs*64:][:64]
	if b[63]>>4 == 0xf || uint32(b[63]&1) != r.ci[end]/rigCQEs&1 {
		return mlx5model.CQE{}, false
	}
	r.ci[end]++
	binary.BigEndian.PutUint32(r.cqdb[end], r.ci[end]&index24)
	return mlx5model.ParseCQE(b), true
}

func (r *rig) want(end int, op mlx5model.CQEOpcode, syn mlx5model.Syndrome) mlx5model.CQE {
	r.t.Helper()
	c, ok := r.poll(end)
	if !ok || c.Opcode != op || c.Syndrome != syn {
		r.t.Fatalf("end %d: %+v, %v; want opcode %#x syndrome %#x", end, c, ok, op, syn)
	}
	return c
}

func TestWriteReadSend(t *testing.T) {
	r := newRig(t)
	a, b := r.take(5000), r.take(5000)
	ka, kb := r.reg(a), r.reg(b)
	for lap := range 50 { // many laps of queues of 8 WQEBBs and 4 CQEs
		for i := range a {
			a[i] = byte(i*3 + lap)
		}
		r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)+uint64(lap)), seg(ka, a[:4000]))
		if c := r.want(0, mlx5model.CQERequester, 0); c.UIDX != 7 || c.Index != uint16(lap*3) {
			t.Fatalf("lap %d: %+v", lap, c)
		}
		if !bytes.Equal(b[lap:lap+4000], a[:4000]) {
			t.Fatal("write")
		}
		clear(a)
		r.send(0, mlx5model.OpRDMARead, raddr(kb, addressOf(b)+uint64(lap)), seg(ka, a[:4000]))
		if c := r.want(0, mlx5model.CQERequester, 0); c.ByteCount != 4000 || !bytes.Equal(b[lap:lap+4000], a[:4000]) {
			t.Fatalf("read: %+v", c)
		}
		clear(b)
		r.recv(1, kb, b[:100])
		r.send(0, mlx5model.OpSend, seg(ka, a[:99]))
		if c := r.want(1, mlx5model.CQERecvSend, 0); c.ByteCount != 99 || c.UIDX != 8 || !bytes.Equal(b[:99], a[:99]) || b[99] != 0 {
			t.Fatalf("send: %+v", c)
		}
		r.want(0, mlx5model.CQERequester, 0)
	}
}

func TestErrorsFlushBothEnds(t *testing.T) {
	r := newRig(t)
	a, b := r.take(100), r.take(100)
	ka, kb := r.reg(a), r.reg(b)
	r.recv(1, kb, b)
	r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)+1), seg(ka, a))
	r.want(0, mlx5model.CQEReqErr, mlx5model.SynRemoteAccess)
	r.want(1, mlx5model.CQERespErr, mlx5model.SynFlush)
	r.send(0, mlx5model.OpSend, seg(ka, a))
	r.want(0, mlx5model.CQEReqErr, mlx5model.SynFlush)
	for _, n := range r.qp {
		if s, err := r.e.QPState(n); s != Err || err != nil {
			t.Errorf("qp %#x: state %d, %v", n, s, err)
		}
	}
	if ev := r.events[11]; len(ev) != 1 || ev[0][8] != eventAccess || binary.NativeEndian.Uint64(ev[0]) != 201 {
		t.Errorf("events %x", ev)
	}
	if r.e.Tick() {
		t.Error("broken queue pairs keep the adapter awake")
	}
	r.recv(1, kb, b)
	r.e.Ring(r.qp[1])
	r.want(1, mlx5model.CQERespErr, mlx5model.SynFlush)
	if sent, err := r.e.DestroyQP(r.qp[1]); sent != 1 || err != nil {
		t.Errorf("destroying gives %d events, %v", sent, err)
	}
}

// TestWaitsForReceive: no completion, no time limit at 7 retries, and Tick goes
// on when there is a receive.
func TestWaitsForReceive(t *testing.T) {
	r := newRig(t)
	a, b := r.take(100), r.take(100)
	ka, kb := r.reg(a), r.reg(b)
	r.send(0, mlx5model.OpSend, seg(ka, a))
	for range 3 {
		if !r.e.Tick() {
			t.Fatal("nothing waits")
		}
	}
	if c, ok := r.poll(0); ok {
		t.Fatalf("%+v", c)
	}
	r.recv(1, kb, b)
	if r.e.Tick() {
		t.Error("something still waits")
	}
	r.want(0, mlx5model.CQERequester, 0)
	r.want(1, mlx5model.CQERecvSend, 0)
}

func TestOverrun(t *testing.T) {
	r := newRig(t)
	a := r.take(64)
	ka := r.reg(a)
	for range rigCQEs + 1 {
		r.send(0, mlx5model.OpRDMAWrite, raddr(ka, addressOf(a)), seg(ka, a[:8]))
	}
	if ev := r.events[11]; len(ev) != 1 || ev[0][8] != eventCQErr || binary.NativeEndian.Uint64(ev[0]) != 100 {
		t.Fatalf("events %x", ev)
	}
	for range rigCQEs {
		r.want(0, mlx5model.CQERequester, 0)
	}
	if _, ok := r.poll(0); ok {
		t.Error("a completion more than the queue holds")
	}
}

func TestArm(t *testing.T) {
	r := newRig(t)
	a := r.take(64)
	ka := r.reg(a)
	write := func() { r.send(0, mlx5model.OpRDMAWrite, raddr(ka, addressOf(a)), seg(ka, a[:8])) }
	write()
	if len(r.events[10]) != 0 {
		t.Fatal("an event though nobody armed")
	}
	r.e.Arm(r.cq[0], 0) // seen nothing yet, but there is one
	if len(r.events[10]) != 1 {
		t.Fatal("armed late: no event")
	}
	r.e.Arm(r.cq[0], 1)
	if len(r.events[10]) != 1 {
		t.Fatal("armed in time: an event without a completion")
	}
	write()
	write()
	if ev := r.events[10]; len(ev) != 2 || binary.NativeEndian.Uint64(ev[1]) != 100 {
		t.Fatalf("events %x", ev)
	}
}

// TestCommands refuses what the kernel would, and changes nothing.
func TestCommands(t *testing.T) {
	r := newRig(t)
	b := r.take(4096)
	key := r.reg(b)
	for what, err := range map[string]error{
		"a region of no domain":         second(r.e.RegMR(99, addressOf(b), 1, 0, 0)),
		"remote write without local":    second(r.e.RegMR(r.pd, addressOf(b), 1, 0, accessRemoteWrite)),
		"an empty region":               second(r.e.RegMR(r.pd, addressOf(b), 0, 0, 0)),
		"a region that is not mapped":   second(r.e.RegMR(r.pd, 8, 100, 8, 0)),
		"a region round the end":        second(r.e.RegMR(r.pd, ^uint64(0)-10, 100, 0, 0)),
		"a domain in use":               r.e.FreePD(r.pd),
		"a window as region":            r.e.FreeMW(key >> 8),
		"a region that is not there":    r.e.DeregMR(12345),
		"re-registration of nothing":    second(r.e.ReregMR(key>>8, 0, 0, 0, 0, 0, 0)),
		"re-registration, bad address":  second(r.e.ReregMR(key>>8, reregTranslation, 0, 8, 100, 8, 0)),
		"a CQ of 3 entries":             second(r.e.CreateCQ(CQSpec{Buf: 1, DB: 1, Entries: 3, Size: 64})),
		"a queue pair of no type":       second(r.e.CreateQP(QPSpec{Type: 99})),
		"a CQ in use":                   third(r.e.DestroyCQ(r.cq[0])),
		"from RTS to INIT":              r.e.ModifyQP(r.qp[0], Attr{Mask: attrState, State: Init}),
		"from another state than it is": r.e.ModifyQP(r.qp[0], Attr{Mask: attrState | attrCurState, State: RTS, CurState: SQD}),
	} {
		if errno, ok := errors.AsType[syscall.Errno](err); !ok || errno == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	if q, err := r.e.QueryMR(key >> 8); q.Key != key || q.Length != 4096 || q.IOVA != addressOf(b) || err != nil {
		t.Errorf("the region is now %+v, %v", q, err)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

func TestProcessMemory(t *testing.T) {
	r := newRig(t)
	for _, unchecked := range []bool{false, true} {
		m := NewProcess()
		m.Unchecked = unchecked
		if !m.Possible() {
			t.Skip("SKIPPED: process_vm_readv is not allowed")
		}
		b := r.take(4 * 4096)
		for i := range b {
			b[i] = byte(i ^ i>>8)
		}
		p := make([]byte, 5000)
		if err := m.Read(addressOf(b)+7, p); err != nil || !bytes.Equal(p, b[7:5007]) {
			t.Errorf("read: %v", err)
		}
		if err := m.Read(4096, p[:10]); !errors.Is(err, ErrFault) {
			t.Errorf("unchecked %v: reading page 1: %v", unchecked, err)
		}
		if err := m.Write(4096, p[:10]); !errors.Is(err, ErrFault) {
			t.Errorf("unchecked %v: writing page 1: %v", unchecked, err)
		}
		at := addressOf(b)
		var src, dst []sg.Extent
		for i := range uint64(1500) { // more than one vector holds
			src = append(src, sg.Extent{Addr: at + i*3, Len: 3})
		}
		for i := range uint64(900) {
			dst = append(dst, sg.Extent{Addr: at + 8000 + (899-i)*5, Len: 5})
		}
		want := bytes.Clone(b[:4500])
		if err := m.CopyExtents(dst, src); err != nil {
			t.Fatal(err)
		}
		for i := range 900 {
			if !bytes.Equal(b[8000+(899-i)*5:][:5], want[i*5:][:5]) {
				t.Fatalf("unchecked %v: piece %d", unchecked, i)
			}
		}
		if err := m.CopyExtents([]sg.Extent{{Addr: 4096, Len: 3}}, src[:1]); !errors.Is(err, ErrFault) {
			t.Errorf("copying to page 1: %v", err)
		}
	}
}

func TestTransitions(t *testing.T) {
	all := ^uint32(0)
	for _, typ := range []QPType{RC, UC, UD, XRCIni, XRCTgt} {
		for from := Reset; from <= Err; from++ {
			for to := Reset; to <= Err; to++ {
				fine := to == Reset || to == Err || from == Reset && to == Init || from == Init && (to == Init || to == RTR) ||
					from == RTR && to == RTS || from == RTS && (to == RTS || to == SQD) || from == SQD && (to == SQD || to == RTS) || from == SQE && to == RTS
				if allowed(typ, from, to, all) != fine {
					t.Errorf("type %d, %d to %d: %v", typ, from, to, !fine)
				}
			}
		}
	}
	if allowed(RC, Init, RTR, all&^attrMinRNR) || !allowed(UC, Init, RTR, all&^attrMinRNR) || allowed(UD, Reset, Init, all&^attrQKey) {
		t.Error("needed attributes")
	}
}
