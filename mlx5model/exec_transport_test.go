package mlx5model

import (
	"encoding/binary"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// askedPeer records what it is asked and waits as often as told.
type askedPeer struct {
	waits    int
	messages []Message
	atomics  []uint64
	before   uint64
	dest     []byte
}

func (p *askedPeer) Transfer(bool, uint32, uint64, []sg.Extent, HostMemory) Syndrome { return SynOK }

func (p *askedPeer) Message(m Message) Syndrome {
	if p.waits > 0 {
		p.waits--
		return SynWait
	}
	p.dest = append(p.dest[:0], m.Dest...)
	p.messages = append(p.messages, m)
	return SynOK
}

func (p *askedPeer) Atomic(op Opcode, rkey uint32, raddr, swapAdd, compare uint64) (uint64, Syndrome) {
	p.atomics = append(p.atomics, uint64(op), uint64(rkey), raddr, swapAdd, compare)
	return p.before, SynOK
}

// addressed makes a device with a key of all memory and a queue of a transport.
func addressed(t *testing.T, tr Transport, peer Peer) (*Device, *QP, *sg.Memory) {
	t.Helper()
	mem := sg.NewMemory(1)
	p, _ := ProfileByName("default")
	d, err := NewDevice(p, mem)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.CreateMkey(1, MkeyContext{Mode: ModePA, Length64: true, Access: AccLR | AccLW, QPN: QPNAny, PD: 7}, nil); err != nil {
		t.Fatal(err)
	}
	ring, err := NewRing(16)
	if err != nil {
		t.Fatal(err)
	}
	qp, err := d.CreateQP(QPConfig{QPN: 5, PD: 7, SQ: ring, Peer: peer, Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	return d, qp, mem
}

// post writes a WQE of segments behind a control segment that asks for a
// completion.
func postSegments(qp *QP, at uint32, op Opcode, segs ...[]byte) uint32 {
	n := CtrlSize
	for _, s := range segs {
		qp.cfg.SQ.Write(at, n, s)
		n += len(s)
	}
	c := Ctrl{Index: uint16(at), Opcode: op, QPN: 5, DS: uint8(n / DSSize), FmCeSe: CtrlCEAlways}
	var b [CtrlSize]byte
	c.Put(b[:])
	qp.cfg.SQ.Write(at, 0, b[:])
	return at + WQEBBs(c.DS)
}

func dataSeg(addr uint64, n uint32) []byte {
	b := make([]byte, DataSegSize)
	(&DataSeg{ByteCount: n, Lkey: 0x100, Addr: addr}).Put(b)
	return b
}

func TestAddressSegments(t *testing.T) {
	for _, tc := range []struct {
		tr   Transport
		size int
	}{{UD, AVSize}, {XRC, XRCSize}, {RC, 0}, {UC, 0}} {
		peer := new(askedPeer)
		d, qp, _ := addressed(t, tc.tr, peer)
		dest := make([]byte, tc.size)
		for i := range dest {
			dest[i] = byte(i + 1)
		}
		d.Doorbell(qp, postSegments(qp, 0, OpSend, dest, dataSeg(0x5000, 24)))
		if qp.Err() != nil || len(peer.messages) != 1 {
			t.Fatalf("%v: %d messages, %v", tc.tr, len(peer.messages), qp.Err())
		}
		if string(peer.dest) != string(dest) {
			t.Errorf("%v: address %x, posted %x", tc.tr, peer.dest, dest)
		}
		if c := qp.Completions(); len(c) != 1 || c[0].Failed() {
			t.Errorf("%v: completions %+v", tc.tr, c)
		}
	}
}

func TestAddressSegmentMissing(t *testing.T) {
	d, qp, _ := addressed(t, UD, new(askedPeer))
	d.Doorbell(qp, postSegments(qp, 0, OpSend, dataSeg(0x5000, 24)))
	if c := qp.Completions(); len(c) != 1 || c[0].Syndrome != SynLocalQPOp {
		t.Errorf("completions %+v", c)
	}
}

func TestParseAV(t *testing.T) {
	b := make([]byte, AVSize)
	binary.BigEndian.PutUint32(b, 0x11111111)
	binary.BigEndian.PutUint32(b[8:], 1<<31|0xabcdef)
	binary.BigEndian.PutUint16(b[0xe:], 0x77)
	b[0x1c], b[0x20], b[0x2f] = 0x40, 0xfe, 0x01
	if a := ParseAV(b); a.QKey != 0x11111111 || a.QPN != 0xabcdef || a.LID != 0x77 || !a.GRH || a.GID[0] != 0xfe || a.GID[15] != 1 {
		t.Errorf("%+v", a)
	}
}

// TestStepWaits lets the peer refuse twice: nothing completes, nothing behind
// the WQE executes, and the third try goes on.
func TestStepWaits(t *testing.T) {
	peer := &askedPeer{waits: 2}
	d, qp, _ := addressed(t, RC, peer)
	pi := postSegments(qp, 0, OpSend, dataSeg(0x5000, 8))
	pi = postSegments(qp, pi, OpNop)
	if n := d.Step(qp, pi); n != 0 || qp.Consumer() != 0 {
		t.Fatalf("first step consumed %d, consumer %d", n, qp.Consumer())
	}
	if d.Doorbell(qp, pi); qp.Consumer() != 0 || len(qp.Completions()) != 0 {
		t.Fatalf("doorbell: consumer %d, %+v", qp.Consumer(), qp.Completions())
	}
	if n := d.Step(qp, pi); n != 1 {
		t.Fatalf("third step consumed %d", n)
	}
	if len(qp.Completions()) != 1 || len(peer.messages) != 1 {
		t.Fatalf("%+v, %d messages", qp.Completions(), len(peer.messages))
	}
	if n := d.Step(qp, pi); n != 1 || d.Step(qp, pi) != 0 {
		t.Errorf("the NOP, then nothing: %d, consumer %d of %d", n, qp.Consumer(), pi)
	}
}

func TestFailFlushes(t *testing.T) {
	d, qp, _ := addressed(t, RC, new(askedPeer))
	qp.Fail(ErrNoKey)
	d.Doorbell(qp, postSegments(qp, 0, OpSend, dataSeg(0x5000, 8)))
	if c := qp.Completions(); len(c) != 1 || c[0].Syndrome != SynFlush {
		t.Errorf("%+v", c)
	}
}

func TestAtomic(t *testing.T) {
	peer := &askedPeer{before: 0x1122334455667788}
	d, qp, mem := addressed(t, RC, peer)
	raddr := make([]byte, RaddrSize)
	binary.BigEndian.PutUint64(raddr, 0x9000)
	binary.BigEndian.PutUint32(raddr[8:], 0x345)
	operands := make([]byte, 16)
	binary.BigEndian.PutUint64(operands, 3)
	binary.BigEndian.PutUint64(operands[8:], 4)
	pi := postSegments(qp, 0, OpAtomicCS, raddr, operands, dataSeg(0x5000, 3), dataSeg(0x6000, 5))
	d.Doorbell(qp, pi)
	if c := qp.Completions(); len(c) != 1 || c[0].Failed() || c[0].ByteCount != AtomicSize {
		t.Fatalf("%+v, %v", c, qp.Err())
	}
	want := []uint64{uint64(OpAtomicCS), 0x345, 0x9000, 3, 4}
	for i := range want {
		if peer.atomics[i] != want[i] {
			t.Errorf("asked %x, want %x", peer.atomics, want)
		}
	}
	got := make([]byte, 8)
	if err := mem.Read(0x5000, got[:3]); err != nil {
		t.Fatal(err)
	}
	if err := mem.Read(0x6000, got[3:]); err != nil {
		t.Fatal(err)
	}
	if v := binary.NativeEndian.Uint64(got); v != peer.before {
		t.Errorf("stored %#x, was %#x", v, peer.before)
	}
	qp.ClearCompletions()
	d.Doorbell(qp, postSegments(qp, pi, OpAtomicFA, raddr, operands, dataSeg(0x5000, 4)))
	if c := qp.Completions(); len(c) != 1 || c[0].Syndrome != SynLocalLength {
		t.Errorf("four bytes for an atomic: %+v", c)
	}
}
