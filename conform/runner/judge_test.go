//go:build unix

package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

func newTestBench(t testing.TB) *bench {
	t.Helper()
	b, err := newBench()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checksIn lists the checks of a verdict's failures, each once.
func checksIn(v *verdict) string {
	var names []string
	for _, f := range v.failures {
		if !slices.Contains(names, f.check) {
			names = append(names, f.check)
		}
	}
	return strings.Join(names, " ")
}

// TestExactSpoilt changes one field of a right reply; on -EINVAL only ret counts.
func TestExactSpoilt(t *testing.T) {
	q := conform.Map{PageSize: 4096, MaxDescs: 4, LocalLkey: 5, HasOffset: true, Offset: 3, SG: sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x8000, Len: 9}}}
	for name, spoil := range map[string]func(*conform.MapReply){
		"":              func(*conform.MapReply) {},
		"ret":           func(r *conform.MapReply) { r.Ret++ },
		"sg_offset_out": func(r *conform.MapReply) { r.SGOffsetOut++ },
		"iova":          func(r *conform.MapReply) { r.IOVA++ },
		"length":        func(r *conform.MapReply) { r.Length++ },
		"ndescs":        func(r *conform.MapReply) { r.NDescs++ },
		"descs":         func(r *conform.MapReply) { r.Descs[9] ^= 1 },
	} {
		for _, op := range []conform.Op{conform.OpSGToPages, conform.OpSGToKLMs} {
			for _, offset := range []uint32{3, 4097} {
				q.Offset = offset
				var model mapModel
				var v verdict
				want := model.reply(op, &q)
				got := want
				got.Descs = append(slices.Clone(want.Descs), make([]byte, 10)...)[:max(len(want.Descs), 10)]
				if want.Ret != errInval {
					got.Descs = got.Descs[:len(want.Descs)]
				}
				spoil(&got)
				judgeMap(op, &got, &want, &v)
				expect := name
				if want.Ret == errInval && name != "ret" {
					expect = ""
				}
				if checksIn(&v) != expect {
					t.Errorf("%s of %s at offset %d: %v", name, op, offset, v.failures)
				}
			}
		}
	}
}

// TestSemanticMapping lets the oracle judge what the kernel's own functions
// give: right where they are, and wrong where their faults are known.
func TestSemanticMapping(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		name   string
		op     conform.Op
		list   sg.List
		offset int64
		max    uint32
		status status
		want   string // first check that fails
	}{
		{"two pages", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x9000, Len: 100}}, none, 8, passed, ""},
		{"a gap ends it", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 4095}, {Addr: 0x9000, Len: 100}}, none, 8, passed, ""},
		{"an offset", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x9000, Len: 100}}, 77, 8, passed, ""},
		{"full in the middle", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x4000, Len: 3 * 4096}}, 0, 3, passed, ""},
		{"an empty entry takes a page", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x9000}, {Addr: 0x3000, Len: 4096}}, none, 8, failed, "read-stream"},
		{"the length wraps", conform.OpSGToPages, sg.List{{Addr: 0x1100, Len: 0x1000}}, none, 1, failed, "conservation"},
		{"an offset behind the entry", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 16}}, 17, 8, rejected, ""},
		{"no room", conform.OpSGToPages, sg.List{{Addr: 0x1000, Len: 16}}, none, 0, rejected, ""},
		{"any entries", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 7}, {Addr: 0x5003, Len: 3}, {Addr: 0x9000, Len: 1}}, 2, 8, passed, ""},
		{"more entries than room", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 7}, {Addr: 0x5003, Len: 3}, {Addr: 0x9000, Len: 1}}, 0, 2, passed, ""},
		{"aliases", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 7}, {Addr: 0x1003, Len: 3}}, none, 8, passed, ""},
		{"an empty entry", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 7}, {Addr: 5}, {Addr: 0x1003, Len: 3}}, none, 8, passed, ""},
		{"a KLM too long", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 1<<31 + 1}}, none, 8, failed, "limits"},
		{"the offset underflows", conform.OpSGToKLMs, sg.List{{Addr: 0x1001, Len: 7}}, 9, 8, failed, "conservation"},
		{"a list that wraps", conform.OpSGToKLMs, sg.List{{Addr: ^uint64(0), Len: 7}}, none, 8, failed, "limits"},
	} {
		q := conform.Map{PageSize: 4096, MaxDescs: c.max, LocalLkey: 0x1700, SG: c.list}
		if c.offset != none {
			q.HasOffset, q.Offset = true, uint32(c.offset)
		}
		var model mapModel
		var v verdict
		r := model.reply(c.op, &q)
		if err := newTestBench(t).judgeMapping(c.op, &q, &r, &v); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if v.status != c.status || v.status == failed && !strings.Contains(" "+checksIn(&v)+" ", " "+c.want+" ") {
			t.Errorf("%s: %+v: status %d, %v", c.name, r, v.status, v.failures)
		}
	}
}

// TestSemanticMappingSpoilt changes one field of a right reply.
func TestSemanticMappingSpoilt(t *testing.T) {
	q := conform.Map{MaxDescs: 8, LocalLkey: 0x1700, HasOffset: true, SG: sg.List{{Addr: 0x1001, Len: 7}, {Addr: 0x5003, Len: 300}, {Addr: 0x9000, Len: 1}}}
	for name, c := range map[string]struct {
		spoil func(*conform.MapReply)
		want  string
	}{
		"nothing":           {func(*conform.MapReply) {}, ""},
		"the address":       {func(r *conform.MapReply) { r.Descs[31] ^= 1 }, "read-stream"},
		"the count":         {func(r *conform.MapReply) { r.Descs[3]++ }, "read-stream"},
		"the key":           {func(r *conform.MapReply) { r.Descs[6] ^= 1 }, "read-stream"},
		"length":            {func(r *conform.MapReply) { r.Length-- }, "resume"},
		"ret":               {func(r *conform.MapReply) { r.Ret-- }, "resume"},
		"ret of the list":   {func(r *conform.MapReply) { r.Ret += 2 }, "conservation"},
		"ndescs":            {func(r *conform.MapReply) { r.NDescs++ }, "limits"},
		"half a descriptor": {func(r *conform.MapReply) { r.Descs = r.Descs[:40] }, "limits"},
		"no descriptors":    {func(r *conform.MapReply) { r.Descs, r.NDescs = nil, 0 }, "read-stream"},
		"refusal":           {func(r *conform.MapReply) { r.Ret = -22 }, "limits"},
		"nothing mapped":    {func(r *conform.MapReply) { *r = conform.MapReply{} }, "termination"},
	} {
		var model mapModel
		var v verdict
		r := model.reply(conform.OpSGToKLMs, &q)
		c.spoil(&r)
		if err := newTestBench(t).judgeMapping(conform.OpSGToKLMs, &q, &r, &v); err != nil {
			t.Fatal(err)
		}
		if (c.want == "") != (v.status == passed) || c.want != "" && !strings.Contains(" "+checksIn(&v)+" ", " "+c.want+" ") {
			t.Errorf("%s: %v", name, v.failures)
		}
	}
}

// testRequest is a registration of two entries with one key of each mode.
func testRequest() conform.Register {
	var q conform.Request
	build(&q, conform.OpRegister, &corpus.Case{List: sg.List{{Addr: 0x10ffd, Len: 77}, {Addr: 0x20000, Len: 8192}}, Dir: corpus.DirWrite})
	q.Register.Keys = []conform.Key{{Key: 0xabc00, Mode: mlx5model.ModeKLM, Max: 256}, {Key: 0xabd00, Mode: mlx5model.ModeMTT, Max: 256}}
	return q.Register
}

// partlyBounced makes the first entry of testRequest go through the scratch
// memory: the first KLM of the list points there.
func partlyBounced(q *conform.Register, r *conform.RegisterReply) {
	klm := mlx5model.KLM{ByteCount: q.List[0].Len, Key: q.Lkey, VA: q.Scratch.Addr + 5}
	klm.Put(r.WQEs[0][mlx5model.UMRDataOff:])
	r.CopyOut = []reg.Copy{{From: q.Scratch.Addr + 5, To: q.List[0].Addr, Len: uint64(q.List[0].Len)}}
}

// TestRegisterSpoilt changes one thing of a right registration, on both sides
// of the line that the contract draws.
func TestRegisterSpoilt(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*conform.Register, *conform.RegisterReply)
		want  string // a check, "" for right
	}{
		{"nothing", func(q *conform.Register, r *conform.RegisterReply) {}, ""},
		{"index, signature, fence, completion", func(q *conform.Register, r *conform.RegisterReply) {
			w := r.WQEs[0]
			w[1], w[2], w[8], w[11] = 0x12, 0x34, 0x56, 0xe7
		}, ""},
		{"padded to whole WQEBBs", func(q *conform.Register, r *conform.RegisterReply) {
			for len(r.WQEs[0])%64 != 0 {
				r.WQEs[0] = append(r.WQEs[0], 0)
			}
		}, ""},
		{"two tuples of one region", func(q *conform.Register, r *conform.RegisterReply) {
			t := r.Regions[0]
			r.Regions = []reg.Tuple{{Rkey: t.Rkey, Addr: t.Addr, Len: 5}, {Rkey: t.Rkey, Addr: t.Addr + 5, Len: t.Len - 5}}
		}, ""},
		{"unused host bytes", func(q *conform.Register, r *conform.RegisterReply) {
			r.Host = append(r.Host, conform.HostWrite{Addr: q.Scratch.Addr + q.Scratch.Len - 1, Bytes: []byte{1}})
		}, ""},
		{"a host byte behind the scratch memory", func(q *conform.Register, r *conform.RegisterReply) {
			r.Host = append(r.Host, conform.HostWrite{Addr: q.Scratch.Addr + q.Scratch.Len - 1, Bytes: []byte{1, 2}})
		}, "confinement"},
		{"a host byte in the list", func(q *conform.Register, r *conform.RegisterReply) {
			r.Host = append(r.Host, conform.HostWrite{Addr: q.List[0].Addr, Bytes: []byte{1}})
		}, "confinement"},
		{"no work request", func(q *conform.Register, r *conform.RegisterReply) { r.WQEs = nil }, "write-stream"},
		{"half a work request", func(q *conform.Register, r *conform.RegisterReply) { r.WQEs[0] = r.WQEs[0][:64] }, "structure"},
		{"another queue", func(q *conform.Register, r *conform.RegisterReply) { r.WQEs[0][5] ^= 1 }, "structure"},
		{"another opcode", func(q *conform.Register, r *conform.RegisterReply) { r.WQEs[0][3] = 0x26 }, "structure"},
		{"posted twice", func(q *conform.Register, r *conform.RegisterReply) { r.WQEs = append(r.WQEs, r.WQEs[0]) }, "structure"},
		{"no region", func(q *conform.Register, r *conform.RegisterReply) { r.Regions = nil }, "conservation"},
		{"regions of 2^64 bytes and the list's", func(q *conform.Register, r *conform.RegisterReply) {
			r.Regions = append(r.Regions, reg.Tuple{Rkey: 1, Len: ^uint64(0)}, reg.Tuple{Rkey: 2, Len: 1})
		}, "conservation"},
		{"a region too many", func(q *conform.Register, r *conform.RegisterReply) {
			q.MaxRegions = 1
			r.Regions = append(r.Regions, reg.Tuple{Rkey: q.Lkey, Addr: 0, Len: 0})
		}, "limits"},
		{"the old variant", func(q *conform.Register, r *conform.RegisterReply) { r.Regions[0].Rkey-- }, "write-stream"},
		{"the local key", func(q *conform.Register, r *conform.RegisterReply) { r.Regions[0].Rkey = q.Lkey }, "write-stream"},
		{"less than asked for", func(q *conform.Register, r *conform.RegisterReply) { q.Access |= mlx5model.AccA }, "rights"},
		{"more than asked for", func(q *conform.Register, r *conform.RegisterReply) { q.Access &^= mlx5model.AccRR }, "rights"},
		{"a key too small", func(q *conform.Register, r *conform.RegisterReply) { q.Keys[0].Max = 1 }, "limits"},
		{"too many entries", func(q *conform.Register, r *conform.RegisterReply) { q.MaxEntries = 1 }, "limits"},
		{"entries too long", func(q *conform.Register, r *conform.RegisterReply) { q.MaxEntryBytes = 100 }, "limits"},
		{"a copy from the list", func(q *conform.Register, r *conform.RegisterReply) {
			r.CopyOut = []reg.Copy{{From: q.List[0].Addr, To: q.Scratch.Addr, Len: 1}}
		}, "confinement"},
		{"a copy from entry to entry", func(q *conform.Register, r *conform.RegisterReply) {
			r.CopyOut = []reg.Copy{{From: q.List[0].Addr, To: q.List[1].Addr, Len: 1}}
		}, "confinement"},
		{"a copy past an entry's end", func(q *conform.Register, r *conform.RegisterReply) {
			r.CopyOut = []reg.Copy{{From: q.Scratch.Addr, To: q.List[0].Addr + 70, Len: 8}}
		}, "confinement"},
		{"too many copies", func(q *conform.Register, r *conform.RegisterReply) {
			c := reg.Copy{From: q.Scratch.Addr, To: q.List[1].Addr, Len: 8192}
			r.CopyOut = []reg.Copy{c, c}
		}, "conservation"},
		{"copies beside a direct region", func(q *conform.Register, r *conform.RegisterReply) {
			r.CopyOut = []reg.Copy{{From: q.Scratch.Addr, To: q.List[1].Addr, Len: 8192}}
		}, "confinement"},
		{"one entry direct, one bounced", partlyBounced, ""},
		{"one entry direct, one bounced, a copy to the wrong entry", func(q *conform.Register, r *conform.RegisterReply) {
			partlyBounced(q, r)
			r.CopyOut[0].To = q.List[1].Addr
		}, "write-stream"},
		{"one entry direct, one bounced, a byte not copied", func(q *conform.Register, r *conform.RegisterReply) {
			partlyBounced(q, r)
			r.CopyOut[0].Len--
		}, "write-stream"},
	} {
		q := testRequest()
		var child correctChild
		child.register(&q)
		r := child.r.Registration
		c.spoil(&q, &r)
		var v verdict
		if err := newTestBench(t).judgeRegister(&q, &r, &v); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if (c.want == "") != (v.status == passed) || c.want != "" && !strings.Contains(" "+checksIn(&v)+" ", " "+c.want+" ") {
			t.Errorf("%s: want %q: %v", c.name, c.want, v.failures)
		}
	}
}

// TestRejects is what may be refused, and what must not be accepted.
func TestRejects(t *testing.T) {
	page := sg.Entry{Addr: 0x1000, Len: 4096}
	for _, c := range []struct {
		name    string
		list    sg.List
		reject  status // of a rejection
		accept  bool   // whether the reference child's acceptance is right
		entries uint64 // max_entries, 0 for 256
		bytes   uint64
	}{
		{"a plain list", sg.List{page, page}, failed, true, 0, 0},
		{"ends at 2^64", sg.List{{Addr: ^uint64(4095), Len: 4096}}, failed, true, 0, 0},
		{"wraps", sg.List{{Addr: ^uint64(4095), Len: 4097}}, rejected, false, 0, 0},
		{"empty", sg.List{}, rejected, false, 0, 0},
		{"no bytes", sg.List{{Addr: 5}}, rejected, false, 0, 0},
		{"an empty entry", sg.List{page, {Addr: 5}}, rejected, true, 0, 0},
		{"fits", sg.List{page, page, page}, failed, true, 3, 0},
		{"too many", sg.List{page, page, page}, rejected, true, 2, 0},
		{"pieces fit", sg.List{page}, failed, true, 4, 1024},
		{"too many pieces", sg.List{page}, rejected, true, 4, 1023},
	} {
		q := testRequest()
		q.List = c.list
		q.MaxEntryBytes = orDefault(c.bytes, q.MaxEntryBytes)
		q.MaxEntries = orDefault(c.entries, q.MaxEntries)
		var v verdict
		judgeReject(&q, "EINVAL", &v)
		if v.status != c.reject {
			t.Errorf("%s: rejection: status %d, %v", c.name, v.status, v.failures)
		}
		var accepted verdict
		var r conform.RegisterReply
		if !c.accept {
			if err := newTestBench(t).judgeRegister(&q, &r, &accepted); err != nil || accepted.status != failed || checksIn(&accepted) != "limits" {
				t.Errorf("%s: acceptance: %v, %v", c.name, err, accepted.failures)
			}
		}
	}
}

// TestJudgeAllocates holds the judges to no allocation for right replies.
func TestJudgeAllocates(t *testing.T) {
	b := newTestBench(t)
	q := testRequest()
	var child correctChild
	child.register(&q)
	var v verdict
	var model mapModel
	m := conform.Map{MaxDescs: 8, LocalLkey: 5, SG: q.List}
	reply := model.reply(conform.OpSGToKLMs, &m)
	reply.Descs = slices.Clone(reply.Descs)
	if n := testing.AllocsPerRun(50, func() {
		v.reset()
		if err := b.judgeRegister(&q, &child.r.Registration, &v); err != nil || v.status != passed {
			t.Fatal(err, v.failures)
		}
	}); n != 0 {
		t.Errorf("register: %v allocations", n)
	}
	if n := testing.AllocsPerRun(50, func() {
		v.reset()
		want := model.reply(conform.OpSGToKLMs, &m)
		judgeMap(conform.OpSGToKLMs, &reply, &want, &v)
		if err := b.judgeMapping(conform.OpSGToKLMs, &m, &reply, &v); err != nil || v.status != passed {
			t.Fatal(err, v.failures)
		}
	}); n != 0 {
		t.Errorf("mapping: %v allocations", n)
	}
}

// BenchmarkJudge is the cost of a verdict, beside that of drawing its request,
// writing it and reading the reply.
func BenchmarkJudge(b *testing.B) {
	q := testRequest()
	var child correctChild
	child.register(&q)
	bench := newTestBench(b)
	var v verdict
	b.Run("register", func(b *testing.B) {
		for b.Loop() {
			v.reset()
			if err := bench.judgeRegister(&q, &child.r.Registration, &v); err != nil || v.status != passed {
				b.Fatal(err, v.failures)
			}
		}
	})
	b.Run("lines", func(b *testing.B) {
		var p conform.Parser
		var r conform.Reply
		child.r.Answer = conform.OK
		line := conform.AppendReply(nil, conform.OpRegister, &child.r)
		request := conform.Request{Op: conform.OpRegister, Register: q}
		var buf []byte
		for b.Loop() {
			buf = conform.AppendRequest(buf[:0], &request, false)
			if err := p.ParseReply(conform.OpRegister, line, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("draw", func(b *testing.B) {
		d := drawer{seed: 1}
		var c corpus.Case
		var request conform.Request
		for n := uint64(0); b.Loop(); n++ {
			d.draw(&c, conform.OpRegister, n)
			build(&request, conform.OpRegister, &c)
		}
	})
}
