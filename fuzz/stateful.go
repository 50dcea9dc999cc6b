package fuzz

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// statefulTarget takes bytes as a program: keys made and destroyed, lists
// registered on several queues and executed later, invalidations, transfers,
// failures and recoveries. A small model says what each must do.
func statefulTarget() Target {
	return Target{
		Name: "Stateful", Doc: "a program of key and queue operations, against a simple model",
		Body: newStateful().run, Seeds: statefulSeeds,
	}
}

const (
	statefulBase   = 0x10000 // host memory: data, then descriptor lists
	statefulData   = 0x2000  // bytes
	statefulLists  = statefulBase + statefulData
	statefulAreas  = 8    // descriptor lists of one queue
	statefulArea   = 2048 // bytes of one
	statefulRing   = 32   // WQEBBs
	statefulSteps  = 200  // operations of one program
	statefulPeerPD = 0x40 // the responders' domain: that of the first queue
	statefulSlots  = 8    // keys: the upper half have page lists
	firstSlot      = 0x100
	dataKeys       = 0x10 // key of all data, one for each domain
	listKeys       = 0x20 // key of all lists
)

// statefulQP is one queue, its producer and what the model knows of it.
type statefulQP struct {
	dialect string
	pd, qpn uint32
	enc     reg.Encoder
	ring    *mlx5model.Ring
	qp      *mlx5model.QP
	peer    mlx5model.Responder

	rung    uint32 // counter of the last doorbell
	pending []request
	failed  bool
	posted  int
	want    []completion
}

// request is a work request that was posted and not executed.
type request struct {
	keymodel.Request
	counter  uint32 // of its first WQEBB
	signaled bool
}

type completion struct {
	index    uint16
	syndrome mlx5model.Syndrome
}

// stateful is the target's storage.
type stateful struct {
	ch    *sg.Choices
	dev   *mlx5model.Device
	host  hostBytes
	model keymodel.Model
	qps   []*statefulQP
	buf   [256]byte
	ext   []sg.Extent
	trace []string
	note  bool            // keep a trace
	spoil func(*stateful) // for tests: before each step
}

// hostBytes is host memory from statefulBase on.
type hostBytes []byte

var errHole = errors.New("no memory there")

func (h hostBytes) Read(addr uint64, p []byte) error {
	off := addr - statefulBase
	if off > uint64(len(h)) || uint64(len(p)) > uint64(len(h))-off {
		return errHole
	}
	copy(p, h[off:])
	return nil
}

func (h hostBytes) Write(addr uint64, p []byte) error {
	off := addr - statefulBase
	if off > uint64(len(h)) || uint64(len(p)) > uint64(len(h))-off {
		return errHole
	}
	copy(h[off:], p)
	return nil
}

var statefulPattern = func() (p [statefulData]byte) {
	sg.FillPattern(0x57a7e, statefulBase, p[:])
	return p
}()

func newStateful() *stateful {
	s := &stateful{ch: sg.NewChoices(nil)}
	for i, q := range []statefulQP{
		{dialect: "linux", pd: 0x40}, {dialect: "linux", pd: 0x41}, {dialect: "libmlx5", pd: 0x40},
	} {
		q.qpn = 0x700 + uint32(i)
		enc, err := reg.NewEncoder(q.dialect)
		if err != nil {
			panic(err) // a name of the module's own
		}
		ring, err := mlx5model.NewRing(statefulRing)
		if err != nil {
			panic(err) // a constant size
		}
		q.enc, q.ring = enc, ring
		s.qps = append(s.qps, &q)
	}
	s.host = make(hostBytes, statefulData+len(s.qps)*statefulAreas*statefulArea)
	s.model.Base, s.model.Memory = statefulBase, make([]byte, statefulData)
	p, _ := mlx5model.ProfileByName("default")
	p.MaxIndirection = 2
	var err error
	if s.dev, err = mlx5model.NewDevice(p, s.host); err != nil {
		panic(err) // a profile of the module's own
	}
	return s
}

// start makes device, queues and model anew.
func (s *stateful) start() error {
	p := *s.dev.Profile()
	p.MaxIndirection = 2 - int(s.ch.Byte()&1)
	if err := s.dev.Reset(p, s.host); err != nil {
		return err
	}
	copy(s.host, statefulPattern[:])
	copy(s.model.Memory, statefulPattern[:])
	s.model.Keys, s.model.Depth = map[uint32]*keymodel.Key{}, p.MaxIndirection
	for i := range uint32(2) {
		for _, k := range []struct {
			index       uint32
			start, size uint64
		}{{dataKeys + i, statefulBase, statefulData}, {listKeys + i, statefulLists, uint64(len(s.host) - statefulData)}} {
			ctx := mlx5model.MkeyContext{Mode: mlx5model.ModePA, Access: mlx5model.AccLR | mlx5model.AccLW, QPN: mlx5model.QPNAny, PD: 0x40 + i, Start: k.start, Len: k.size}
			if _, err := s.dev.CreateMkey(k.index, ctx, nil); err != nil {
				return err
			}
			s.model.Keys[k.index] = &keymodel.Key{Exists: true, PD: 0x40 + i, Rights: mlx5model.AccLR | mlx5model.AccLW, Start: k.start, Size: k.size}
		}
	}
	for _, q := range s.qps {
		q.ring.Fill(0xcc)
		if err := s.open(q, uint32(s.ch.Uint(1<<16-1))); err != nil {
			return err
		}
	}
	for _, n := range []uint32{0, 1, 4} {
		if err := s.createAt(firstSlot+n, n >= statefulSlots/2, s.qps[0]); err != nil {
			return err
		}
	}
	return nil
}

func (q *statefulQP) user() keymodel.User { return keymodel.User{QPN: q.qpn, PD: q.pd} }

// open makes a queue, which must not exist.
func (s *stateful) open(q *statefulQP, counter uint32) error {
	q.peer = mlx5model.Responder{Dev: s.dev, QPN: q.qpn + 0x100, PD: statefulPeerPD}
	qp, err := s.dev.CreateQP(mlx5model.QPConfig{QPN: q.qpn, PD: q.pd, SQ: q.ring, CI: counter, Peer: &q.peer})
	if err != nil {
		return err
	}
	q.qp, q.rung, q.pending, q.failed, q.want = qp, counter, q.pending[:0], false, q.want[:0]
	q.enc.Attach(q.ring, q.qpn, q.pd, (listKeys+q.pd-0x40)<<8, counter)
	return nil
}

func (s *stateful) run(data []byte) error {
	s.ch.Reset(data)
	s.trace = s.trace[:0]
	if err := s.start(); err != nil {
		return failure("stateful: cannot be set up", "%v", err)
	}
	for range statefulSteps {
		if err := s.step(); err != nil {
			return err
		}
		if s.ch.Exhausted() {
			break
		}
	}
	for _, q := range s.qps {
		if err := s.doorbell(q); err != nil {
			return err
		}
	}
	return s.settle()
}

func (s *stateful) step() error {
	op := s.ch.Byte() % 16
	if s.spoil != nil {
		s.spoil(s)
	}
	switch op {
	case 0:
		return s.create()
	case 1, 2, 3, 4, 5:
		return s.register()
	case 6:
		return s.invalidate()
	case 7:
		return s.doorbell(s.queue())
	case 8, 9, 10, 11:
		return s.remote()
	case 12:
		return s.rdma()
	case 13:
		return s.destroy()
	case 14:
		return s.remoteInvalidate()
	}
	return s.recover()
}

func (s *stateful) notef(format string, args ...any) {
	if s.note {
		s.trace = append(s.trace, fmt.Sprintf(format, args...))
	}
}

func (s *stateful) wrong(class, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	for _, t := range s.trace {
		text += "\n" + t
	}
	return &TargetError{Class: "stateful: " + class, Detail: text}
}

func (s *stateful) create() error {
	n := uint32(s.ch.Byte()) % statefulSlots
	return s.createAt(firstSlot+n, n >= statefulSlots/2, s.queue())
}

func (s *stateful) createAt(index uint32, pages bool, q *statefulQP) error {
	mode := mlx5model.ModeKLM
	if pages {
		mode, q = mlx5model.ModeMTT, s.qps[int(q.pd-0x40)] // only the kernel has them
	}
	ctx := q.enc.Context(mode, 1+int(s.ch.Byte()%12), q.pd, s.ch.Byte(), 9)
	old := s.model.Keys[index]
	key, err := s.dev.CreateMkey(index, ctx, nil)
	s.notef("create %#x, %s, %d octowords: %v", index, q.dialect, ctx.XltOctowords, err)
	if exists := old != nil && old.Exists; exists || err != nil {
		if !exists || !errors.Is(err, mlx5model.ErrKeyInUse) {
			return s.wrong("key made twice, or not at all", "index %#x: exists %v, %v", index, exists, err)
		}
		return nil
	}
	if key != index<<8|uint32(ctx.Tag) {
		return s.wrong("new key has another name", "%#x of index %#x, tag %#x", key, index, ctx.Tag)
	}
	s.model.Keys[index] = &keymodel.Key{
		Exists: true, Free: ctx.Free, Pages: pages, Tag: ctx.Tag, PD: ctx.PD, Rights: ctx.Access, RemoteInval: ctx.EnRinval,
		Capacity: int(ctx.XltOctowords+3) &^ 3, Start: ctx.Start, Size: ctx.Len, List: []keymodel.Entry{},
	}
	return nil
}

func (s *stateful) destroy() error {
	index, _ := s.slot()
	k := s.model.Keys[index]
	exists := k != nil && k.Exists
	err := s.dev.DestroyMkey(index << 8)
	s.notef("destroy %#x: %v", index, err)
	if exists != (err == nil) || err != nil && !errors.Is(err, mlx5model.ErrNoKey) {
		return s.wrong("key destroyed twice, or not at all", "index %#x: exists %v, %v", index, exists, err)
	}
	if exists {
		k.Exists = false
	}
	return nil
}

// room makes room in a queue for a request of at most 8 WQEBBs.
func (s *stateful) room(q *statefulQP) error {
	if len(q.pending) < statefulAreas && q.enc.PI()-q.rung+8 <= statefulRing {
		return nil
	}
	return s.doorbell(q)
}

// posted adds a request to the queue that the encoder just wrote.
func (s *stateful) posted(q *statefulQP, r request, before uint32, err error) error {
	s.notef("%s %#x: post %+v: %v", q.dialect, q.qpn, r, err)
	if err != nil || q.enc.PI() == before || q.enc.PI()-before > 8 {
		return s.wrong("request cannot be posted", "%s: %+v: %v, %d WQEBBs", q.dialect, r, err, q.enc.PI()-before)
	}
	r.counter = before
	q.pending = append(q.pending, r)
	q.posted++
	if s.ch.Byte() < 160 {
		return s.doorbell(q)
	}
	return nil
}

// register draws a list for a key and posts its registration.
func (s *stateful) register() error {
	index, pages := s.slot()
	q := s.queueOf(index << 8)
	caps := q.enc.Caps()
	if pages && !caps.MTT {
		q, caps = s.qps[0], s.qps[0].enc.Caps()
	}
	if k := s.model.Keys[index]; k != nil && k.Exists && !k.Free && s.ch.Byte() < 208 { // as a consumer does
		if err := s.invalidateKey(q, index<<8|uint32(k.Tag)); err != nil {
			return err
		}
	}
	if err := s.room(q); err != nil {
		return err
	}
	w := reg.RegWR{Key: s.tagged(index, 1), Mode: mlx5model.ModeKLM, Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, Signaled: s.ch.Bool()}
	if b := s.ch.Byte(); b >= 160 {
		w.Access &= b
	}
	r := request{Request: keymodel.Request{Kind: keymodel.Register, Key: w.Key, WantsFree: caps.MTT}, signaled: w.Signaled}
	if pages {
		s.drawPages(&w, &r)
	} else {
		s.drawKLMs(q, &w, &r)
	}
	r.Register.Rights, r.Register.Start, r.Register.Size = w.Access, w.IOVA, w.Length
	r.Register.Capacity = int(mlx5model.AlignUp(uint64(len(w.List)), mlx5model.UMRListAlign) / mlx5model.OctowordSize)
	if len(w.List) > caps.MaxInline*mlx5model.KLMSize {
		area := statefulLists + (int(q.qpn-0x700)*statefulAreas+q.posted%statefulAreas)*statefulArea
		w.ListAddr = uint64(area)
		if err := s.host.Write(w.ListAddr, w.List); err != nil {
			return s.wrong("list memory is missing", "%#x: %v", area, err)
		}
	}
	before := q.enc.PI()
	_, err := q.enc.Register(&w)
	return s.posted(q, r, before, err)
}

func (s *stateful) invalidate() error {
	index, _ := s.slot()
	return s.invalidateKey(s.queue(), s.tagged(index, 0))
}

func (s *stateful) invalidateKey(q *statefulQP, key uint32) error {
	if err := s.room(q); err != nil {
		return err
	}
	before := q.enc.PI()
	err := q.enc.Invalidate(key)
	return s.posted(q, request{Request: keymodel.Request{Kind: keymodel.Invalidate, Key: key, ClearTag: !q.enc.Caps().MTT}}, before, err)
}

func (s *stateful) rdma() error {
	q := s.queue()
	if err := s.room(q); err != nil {
		return err
	}
	r := request{Request: keymodel.Request{Kind: keymodel.RDMA, Write: s.ch.Bool()}}
	index, _ := s.slot()
	r.Key = s.tagged(index, 0)
	r.RAddr = s.va(r.Key)
	for len(r.SGEs) < 4 && s.ch.More() {
		key := s.anyKey(q)
		r.SGEs = append(r.SGEs, sg.Entry{Lkey: key, Addr: s.va(key), Len: uint32(1 + s.ch.Uint(255))})
	}
	before := q.enc.PI()
	err := q.enc.RDMA(r.Write, r.RAddr, r.Key, r.SGEs)
	return s.posted(q, r, before, err)
}
