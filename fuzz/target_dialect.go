package fuzz

import (
	"bytes"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// dialectsTarget takes bytes as a program of work requests in one dialect, and
// holds what is posted against what was asked for.
func dialectsTarget() Target {
	return Target{
		Name: "Dialects", Doc: "work requests of each dialect: decode(encode(x)) = x, encode(decode(b)) = b where b is written",
		Body: newDialectTarget().run, Seeds: dialectSeeds,
	}
}

// Every program runs twice, over rings that differ in each byte: what is equal
// afterwards was written.
const (
	dialectRing = 128 // WQEBBs
	dialectOps  = 7   // requests of at most 16 WQEBBs
	dialectQPN  = 0x1234
)

// wantWQE is what a request says, to be found again in the decoded WQE. A
// field is compared if its has flag is set.
type wantWQE struct {
	op        mlx5model.Opcode
	hasKey    bool
	key       uint32 // in the control segment
	raddr     uint64 // of RDMA
	rkey      uint32 // of RDMA
	hasLength bool
	length    uint64
	hasStart  bool
	start     uint64
	hasAccess bool
	access    uint8
	entries   sg.List // of an inline KLM list, or data segments
	inline    bool    // entries are an inline list
	// loose says that the request contradicts itself in a way that the driver
	// does not look at: the bytes are compared, but not with the rules, nor
	// list entries behind the region's end.
	loose bool
}

// dialect posts drawn requests as one producer does.
type dialect struct {
	name  string
	rules *mlx5model.Rules
	// open makes a queue at a producer counter; post draws one request, posts
	// it and adds it to p.wants if it was taken. pi is the producer counter.
	open func(p *dialectTarget, ring *mlx5model.Ring, start uint32)
	post func(p *dialectTarget)
	pi   func(p *dialectTarget) uint32
}

type dialectTarget struct {
	ch      *sg.Choices
	rings   [2]*mlx5model.Ring
	wants   []wantWQE
	queues  dialectQueues
	wqSig   bool // WQE signatures are on
	entries sg.List

	raw, other, canon []byte
	wqe               mlx5model.WQE
	findings          []mlx5model.Finding
}

func newDialectTarget() *dialectTarget {
	t := &dialectTarget{ch: sg.NewChoices(nil)}
	for i := range t.rings {
		ring, err := mlx5model.NewRing(dialectRing)
		if err != nil {
			panic(err) // a constant size
		}
		t.rings[i] = ring
	}
	return t
}

func (t *dialectTarget) run(data []byte) error {
	var d *dialect
	var start, end uint32
	for i, ring := range t.rings {
		t.ch.Reset(data)
		d = &dialects[t.ch.Byte()%byte(len(dialects))]
		start = uint32(t.ch.Uint(1<<16 - 1))
		fill := t.ch.Byte()
		ring.Fill(fill ^ byte(-i))
		t.wants, t.entries = t.wants[:0], t.entries[:0]
		t.wqSig = false
		d.open(t, ring, start)
		for n := 0; n < dialectOps && (n == 0 || t.ch.More()); n++ {
			d.post(t)
		}
		end = d.pi(t)
	}
	return t.compare(d, start, uint16(end))
}

// compare walks the work requests of both rings and the list of what they
// should say.
func (t *dialectTarget) compare(d *dialect, start uint32, end uint16) error {
	pi := start
	for i := range t.wants {
		ds := t.rings[0].At(pi, 0)[7] & mlx5model.MaxDS
		size := int(mlx5model.WQEBBs(ds)) * mlx5model.WQEBBSize
		t.raw, t.other = sized(t.raw, size), sized(t.other, size)
		t.rings[0].Read(pi, 0, t.raw)
		t.rings[1].Read(pi, 0, t.other)
		if err := t.one(d, &t.wants[i], uint16(pi)); err != nil {
			return err
		}
		pi += mlx5model.WQEBBs(ds)
	}
	if uint16(pi) != end {
		return failure("producer counter is not behind the last request", "%s: %d of %d requests, counter %d, want %d", d.name, len(t.wants), dialectOps, end, uint16(pi))
	}
	return nil
}

func sized(b []byte, n int) []byte {
	if cap(b) < n {
		b = make([]byte, n)
	}
	return b[:n]
}

// one compares the WQE in t.raw with its request.
func (t *dialectTarget) one(d *dialect, want *wantWQE, index uint16) error {
	wrong := func(what string) error {
		return failure("work request: "+what, "%s, WQE %d: %+v\ndecoded %+v\n% x", d.name, index, *want, t.wqe, t.raw)
	}
	if err := mlx5model.Decode(t.raw, &t.wqe); err != nil {
		return wrong("cannot be decoded")
	}
	if what := t.values(want, index); what != "" {
		return wrong(what)
	}
	if what := t.written(want); what != "" {
		return wrong(what)
	}
	if want.loose {
		return nil
	}
	return t.rules(d, want, index)
}

// rules demands that a sound request keeps the rules of its dialect.
func (t *dialectTarget) rules(d *dialect, want *wantWQE, index uint16) error {
	wraps := uint32(index)%dialectRing+uint32(len(t.raw)/mlx5model.WQEBBSize) > dialectRing
	ctx := mlx5model.CheckContext{
		Rules: d.rules, RingWQEBBs: dialectRing, HavePosition: true, QPN: dialectQPN, Index: index,
		WQSig: t.wqSig,
	}
	t.findings = mlx5model.Check(t.findings[:0], t.raw, &ctx)
	for _, f := range t.findings {
		if f.Severity == mlx5model.Error && !(wraps && t.wqSig && f.Field == "ctrl.signature") {
			return failure("work request breaks the rules of its dialect", "%s, WQE %d: %v\n%+v\n% x", d.name, index, f, *want, t.raw)
		}
	}
	return nil
}

// values holds the decoded WQE against the request: decode(encode(x)) = x.
func (t *dialectTarget) values(want *wantWQE, index uint16) string {
	w := &t.wqe
	switch {
	case w.Opcode != want.op || w.Opmod != 0 || w.QPN != dialectQPN || w.Index != index:
		return "control segment differs"
	case want.hasKey && w.Imm != want.key:
		return "key differs"
	case w.RAddr != want.raddr || w.RKey != want.rkey:
		return "remote address differs"
	case want.hasLength && w.Mkey.Len != want.length:
		return "length differs"
	case want.hasStart && w.Mkey.Start != want.start:
		return "start address differs"
	case want.hasAccess && w.Mkey.Access&^mlx5model.AccLR != want.access&^mlx5model.AccLR:
		return "access differs"
	}
	if want.inline {
		return sameEntries(w.List, want.entries, "list differs")
	}
	return sameEntries(w.Data, want.entries, "data segments differ")
}

// sameEntries compares entries with descriptors {length, key, address}.
func sameEntries(raw []byte, l sg.List, what string) string {
	if len(raw) < len(l)*mlx5model.KLMSize {
		return what
	}
	for i, e := range l {
		k := mlx5model.ParseKLM(raw[i*mlx5model.KLMSize:])
		if k.ByteCount != e.Len || k.Key != e.Lkey || k.VA != e.Addr {
			return what
		}
	}
	return ""
}

// written holds the canonical form against the bytes that were written:
// encode(decode(b)) = b. Bits of a written byte that the table calls reserved
// must be 0 for that.
func (t *dialectTarget) written(want *wantWQE) string {
	t.canon = t.wqe.AppendTo(t.canon[:0])
	size := int(t.wqe.DS) * mlx5model.DSSize
	if len(t.canon) != size {
		return "canonical form has another size"
	}
	end := size
	if want.loose && want.inline {
		end = min(size, mlx5model.UMRDataOff)
	}
	for i := range end {
		if t.raw[i] == t.other[i] && t.raw[i] != t.canon[i] {
			return "written byte changes when decoded and encoded"
		}
	}
	if bytes.Equal(t.raw[:mlx5model.CtrlSize/2], t.other[:mlx5model.CtrlSize/2]) {
		return ""
	}
	return "control segment is not written"
}

// list draws up to most entries, which stay valid for the run.
func (t *dialectTarget) list(most int) sg.List {
	from := len(t.entries)
	for len(t.entries)-from < most && t.ch.MoreUnless(24) {
		e := sg.Entry{Addr: t.ch.Uint(^uint64(0)), Len: uint32(t.ch.Uint(1<<16 - 1)), Lkey: t.key()}
		if t.ch.Byte() >= 240 {
			e.Len = uint32(t.ch.Uint(1<<32 - 1))
		}
		t.entries = append(t.entries, e)
	}
	return t.entries[from:len(t.entries):len(t.entries)]
}

// nonEmpty keeps the entries that a data segment is written for.
func (t *dialectTarget) nonEmpty(l sg.List) sg.List {
	from := len(t.entries)
	for _, e := range l {
		if e.Len != 0 {
			t.entries = append(t.entries, e)
		}
	}
	return t.entries[from:len(t.entries):len(t.entries)]
}

func (t *dialectTarget) key() uint32 { return uint32(t.ch.Uint(1<<32 - 1)) }

// odd says whether a list is one that a sound consumer never registers: the
// dialects post it as it is, the strict decoder has something to say.
func odd(l sg.List) bool {
	for i := range l {
		if l[i].Len == 0 || l[i].Len > 1<<31 || l[i].Wraps() || i == 0 && l[i].Lkey == mlx5model.RepeatOp {
			return true
		}
	}
	return len(l) == 0 || l.Total() >= 1<<31
}

// dialectSeeds are short programs of every kind of request in each dialect.
func dialectSeeds() ([][]byte, error) {
	var seeds [][]byte
	for d := range dialects {
		for op := range 12 {
			c := sg.NewRandom(uint64(d*16 + op))
			for range 96 {
				c.Byte()
			}
			b := bytes.Clone(c.Recorded())
			b[0], b[4] = byte(d), byte(op)
			seeds = append(seeds, b)
		}
	}
	return seeds, nil
}
