package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/reg"
)

// TestReplyGolden reads the lines of the contract, field by field.
func TestReplyGolden(t *testing.T) {
	for _, c := range []struct {
		op    Op
		line  string
		canon string // "" for the line itself
		want  Reply
	}{
		{OpHello, `{"id":0,"ok":{"name":"my driver 1.2","ops":["sg_to_pages","sg_to_klms","register"]}}`, "",
			Reply{Answer: OK, Hello: HelloReply{[]byte("my driver 1.2"), 1, [][]byte{[]byte("sg_to_pages"), []byte("sg_to_klms"), []byte("register")}}}},
		{OpSGToPages, `{"id":1,"ok":{"ret":1,"sg_offset_out":0,"iova":4294967296,"length":4096,"ndescs":1,"descs":"0000000100000003"}}`, "",
			Reply{ID: 1, Answer: OK, Map: MapReply{1, 0, 1 << 32, 4096, 1, []byte{0, 0, 0, 1, 0, 0, 0, 3}}}},
		{OpSGToKLMs, "\t" + `{ "ok" : {"descs":"ab", "ret":"-0x16","sg_offset_out":"0xffffffff","iova":"0xFFFFFFFFFFFFFFFF","length":18446744073709551615,"ndescs":"0x0"} , "id" : "0x2" }` + "\r",
			`{"id":2,"ok":{"ret":-22,"sg_offset_out":4294967295,"iova":18446744073709551615,"length":18446744073709551615,"ndescs":0,"descs":"ab"}}`,
			Reply{ID: 2, Answer: OK, Map: MapReply{-22, math.MaxUint32, math.MaxUint64, math.MaxUint64, 0, []byte{0xab}}}},
		{OpWQE, `{"id":3,"ok":{"ret":[0,-2147483648,2147483647],"wqes":["00","","ff10"],"descs":["01"]}}`, "",
			Reply{ID: 3, Answer: OK, WQE: WQEReply{[]int32{0, math.MinInt32, math.MaxInt32}, [][]byte{{0}, {}, {0xff, 0x10}}, [][]byte{{1}}}}},
		{OpRegister, `{"id":4,"ok":{"regions":[{"rkey":43981061,"addr":68719480831,"len":4097}],"wqes":["25"],` +
			`"host":[{"addr":1099511627776,"bytes":"0a"}],"copy_out":[[1,2,3],[4,5,6]]}}`, "",
			Reply{ID: 4, Answer: OK, Registration: RegisterReply{[]reg.Tuple{{Rkey: 43981061, Addr: 68719480831, Len: 4097}}, [][]byte{{0x25}},
				[]HostWrite{{1099511627776, []byte{10}}}, nil, []reg.Copy{{From: 1, To: 2, Len: 3}, {From: 4, To: 5, Len: 6}}}}},
		{OpRegister, `{"id":5,"ok":{"regions":[],"wqes":[],"host":[],"copy_in":[],"copy_out":[]}}`, `{"id":5,"ok":{"regions":[],"wqes":[]}}`, Reply{ID: 5, Answer: OK}},
		{OpRegister, `{"id":6,"reject":"EINVAL","why":"entry 1 wraps \u00e9\ud83d\ude00\n\"\\\/"}`, `{"id":6,"reject":"EINVAL","why":"entry 1 wraps é😀\u000a\"\\/"}`,
			Reply{ID: 6, Answer: Reject, Reason: []byte("EINVAL"), Why: []byte("entry 1 wraps é😀\n\"\\/")}},
		{OpSGToKLMs, `{"id":18446744073709551615,"skip":"not yet"}`, "", Reply{ID: math.MaxUint64, Answer: Skip, Reason: []byte("not yet")}},
	} {
		var p Parser
		var got Reply
		if err := p.ParseReply(c.op, []byte(c.line), &got); err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		canon := string(AppendReply(nil, c.op, &got))
		if c.canon == "" {
			c.canon = c.line
		}
		if canon != c.canon {
			t.Errorf("%s\ncanonical %s", c.line, canon)
		}
		if !sameReply(c.op, &got, &c.want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
}

// sameReply compares what an operation's reply has; nil and empty are the same.
func sameReply(op Op, a, b *Reply) bool {
	if a.ID != b.ID || a.Answer != b.Answer || !bytes.Equal(a.Reason, b.Reason) || !bytes.Equal(a.Why, b.Why) {
		return false
	}
	return bytes.Equal(AppendReply(nil, op, a), AppendReply(nil, op, b)) && (a.Answer != OK || op != OpSGToKLMs || reflect.DeepEqual(a.Map, b.Map))
}

// TestReplyErrors breaks one thing a line, and demands that the error names it.
func TestReplyErrors(t *testing.T) {
	deep := strings.Repeat("[", 1000)
	for _, c := range []struct {
		op    Op
		line  string
		err   error
		field string
		at    string // what the offset points at; "" for the end
	}{
		{OpHello, ``, ErrSyntax, "", ""},
		{OpHello, `[]`, ErrType, "", `[]`},
		{OpHello, `{`, ErrSyntax, "", ""},
		{OpHello, `{"id"`, ErrSyntax, "id", ""},
		{OpHello, `{"id":0,}`, ErrSyntax, "", `}`},
		{OpHello, `{"id":0 "ok":1}`, ErrSyntax, "id", `"ok"`},
		{OpHello, `{"id":0,"skip":"a"} x`, ErrTrailing, "", `x`},
		{OpHello, `{"id":0,"skip":"a"}{}`, ErrTrailing, "", `{}`},
		{OpHello, "{\"id\":0,\n\"skip\":\"a\"}", ErrSyntax, "", "\n"},
		{OpHello, `{"id":0}`, ErrAnswer, "", ""},
		{OpHello, `{"skip":"a"}`, ErrMissing, "id", `}`},
		{OpHello, `{"id":0,"skip":"a","reject":"EINVAL"}`, ErrAnswer, "reject", `"reject"`},
		{OpHello, `{"id":0,"skip":"a","why":"b"}`, ErrUnknown, "why", ""},
		{OpHello, `{"id":0,"skip":"a","id":0}`, ErrDuplicate, "id", `"id":0}`},
		{OpHello, `{"id":0,"skip":"a","i\u0064":0}`, ErrDuplicate, "id", `"i\u`},
		{OpHello, `{"id":0,"skip":"a","extra":0}`, ErrUnknown, "extra", `"extra"`},
		{OpHello, `{"ID":0,"skip":"a"}`, ErrUnknown, "ID", `"ID"`},
		{OpHello, `{"id":0,"skip":null}`, ErrType, "skip", `null`},
		{OpHello, `{"id":0,"skip":7}`, ErrType, "skip", `7`},
		{OpHello, `{"id":0,"skip":"a}`, ErrSyntax, "skip", ""},
		{OpHello, "{\"id\":0,\"skip\":\"a\tb\"}", ErrSyntax, "skip", "\tb"},
		{OpHello, "{\"id\":0,\"skip\":\"a\xff\"}", ErrUTF8, "skip", "a\xff"},
		{OpHello, `{"id":0,"skip":"a\q"}`, ErrSyntax, "skip", `\q`},
		{OpHello, `{"id":0,"skip":"a\ud800b"}`, ErrUTF8, "skip", `\ud`},
		{OpHello, `{"id":0,"skip":"a\u12g4"}`, ErrSyntax, "skip", `\u12g4`},
		{OpHello, `{"id":0,"reject":"invalid"}`, ErrErrno, "reject", `"invalid"`},
		{OpHello, `{"id":0,"reject":"E"}`, ErrErrno, "reject", `"E"`},
		{OpHello, `{"id":-1,"skip":""}`, ErrRange, "id", `-1`},
		{OpHello, `{"id":1.0,"skip":""}`, ErrNumber, "id", `1.0`},
		{OpHello, `{"id":1e3,"skip":""}`, ErrNumber, "id", `1e3`},
		{OpHello, `{"id":01,"skip":""}`, ErrSyntax, "id", `01`},
		{OpHello, `{"id":-,"skip":""}`, ErrSyntax, "id", `-,`},
		{OpHello, `{"id":18446744073709551616,"skip":""}`, ErrRange, "id", `18446744073709551616`},
		{OpHello, `{"id":"0x10000000000000000","skip":""}`, ErrRange, "id", `"0x1`},
		{OpHello, `{"id":"12","skip":""}`, ErrNumber, "id", `"12"`},
		{OpHello, `{"id":"0x","skip":""}`, ErrNumber, "id", `"0x"`},
		{OpHello, `{"id":"0xg","skip":""}`, ErrNumber, "id", `"0xg"`},
		{OpHello, `{"id":true,"skip":""}`, ErrType, "id", `true`},
		{OpHello, `{"id":0,"ok":{"name":"a","ops":[` + deep, ErrType, "ok.ops[0]", deep},
		{OpHello, `{"id":0,"ok":{"name":"a","ops":["a",]}}`, ErrSyntax, "ok.ops[1]", `]}}`},
		{OpHello, `{"id":0,"ok":{"ops":["a"]}}`, ErrMissing, "ok.name", `}}`},
		{OpSGToPages, `{"id":0,"ok":{"ret":2147483648`, ErrRange, "ok.ret", `2147483648`},
		{OpSGToPages, `{"id":0,"ok":{"ret":-2147483649`, ErrRange, "ok.ret", `-2147483649`},
		{OpSGToPages, `{"id":0,"ok":{"sg_offset_out":4294967296`, ErrRange, "ok.sg_offset_out", `4294967296`},
		{OpSGToPages, `{"id":0,"ok":{"sg_offset_out":null`, ErrType, "ok.sg_offset_out", `null`},
		{OpSGToPages, `{"id":0,"ok":{"descs":"0"`, ErrHex, "ok.descs", `0"`},
		{OpSGToPages, `{"id":0,"ok":{"descs":"00AA"`, ErrHex, "ok.descs", `AA"`},
		{OpSGToPages, `{"id":0,"ok":{"descs":"00\u0030\u0030"`, ErrHex, "ok.descs", `00\u`},
		{OpSGToPages, `{"id":0,"ok":{"ret":0,"sg_offset_out":0,"iova":0,"length":0,"ndescs":0}}`, ErrMissing, "ok.descs", `}}`},
		{OpWQE, `{"id":0,"ok":{"ret":[0,"x"]`, ErrNumber, "ok.ret[1]", `"x"`},
		{OpWQE, `{"id":0,"ok":{"ret":0`, ErrType, "ok.ret", `0`},
		{OpRegister, `{"id":0,"ok":{"regions":[{"rkey":1,"addr":2,"len":3},{"rkey":4294967296`, ErrRange, "ok.regions[1].rkey", `4294967296`},
		{OpRegister, `{"id":0,"ok":{"regions":[{"rkey":1,"addr":2}]`, ErrMissing, "ok.regions[0].len", `}]`},
		{OpRegister, `{"id":0,"ok":{"copy_out":[[1,2]]`, ErrType, "ok.copy_out[0]", `]`},
		{OpRegister, `{"id":0,"ok":{"copy_in":[[1,2,3,4]]`, ErrType, "ok.copy_in[0][3]", `4]]`},
		{OpRegister, `{"id":0,"ok":{"host":[[]]`, ErrType, "ok.host[0]", `[]]`},
		{OpRegister, strings.Repeat(" ", MaxLine+1), ErrLong, "", ""},
		{0, `{"id":0,"skip":"a"}`, ErrOp, "", `{`},
	} {
		var p Parser
		var r Reply
		err := p.ParseReply(c.op, []byte(c.line), &r)
		e, ok := errors.AsType[*LineError](err)
		short := c.line[:min(len(c.line), 80)]
		if !ok || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", short, err, c.err)
			continue
		}
		if e.Field != c.field {
			t.Errorf("%s: field %q, want %q (%v)", short, e.Field, c.field, err)
		}
		switch rest := c.line[min(e.Offset, len(c.line)):]; {
		case e.Offset > len(c.line):
			t.Errorf("%s: offset %d is behind the line", short, e.Offset)
		case c.err == ErrLong:
		case c.at == "" && rest != "", !strings.HasPrefix(rest, c.at):
			t.Errorf("%s: offset %d is at %q, want %q", short, e.Offset, rest, c.at)
		}
	}
}

// TestReplyTruncated cuts good lines: no part of one is a reply.
func TestReplyTruncated(t *testing.T) {
	var p Parser
	var r Reply
	for _, b := range benchReplies() {
		for n := range len(b.line) {
			err := p.ParseReply(b.op, b.line[:n], &r)
			e, ok := errors.AsType[*LineError](err)
			if !ok || e.Offset > n {
				t.Fatalf("%s: %v", b.line[:n], err)
			}
		}
		if err := p.ParseReply(b.op, b.line, &r); err != nil || !json.Valid(b.line) {
			t.Fatalf("%s: %v", b.line, err)
		}
	}
}

type opLine struct {
	op   Op
	line []byte
}

func benchReplies() []opLine {
	klms := MapReply{Ret: 8, IOVA: 0x1234567890ab, Length: 32768, NDescs: 8, Descs: bytes.Repeat([]byte{0, 0, 16, 0, 0, 0, 23, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab}, 8)}
	register := RegisterReply{
		Regions: []reg.Tuple{{Rkey: 43981061, Addr: 0x1234567890ab, Len: 32768}},
		WQEs:    [][]byte{bytes.Repeat([]byte{0x25}, 256)},
		Host:    []HostWrite{{1 << 40, bytes.Repeat([]byte{1}, 128)}},
		CopyOut: []reg.Copy{{From: 1 << 40, To: 1 << 41, Len: 77}},
	}
	ops := HelloReply{Name: []byte("a child"), Version: 1, Ops: [][]byte{[]byte("sg_to_klms")}}
	return []opLine{
		{OpHello, AppendReply(nil, OpHello, &Reply{Answer: OK, Hello: ops})},
		{OpSGToKLMs, AppendReply(nil, OpSGToKLMs, &Reply{ID: 77, Answer: OK, Map: klms})},
		{OpRegister, AppendReply(nil, OpRegister, &Reply{ID: 78, Answer: OK, Registration: register})},
		{OpWQE, AppendReply(nil, OpWQE, &Reply{ID: 79, Answer: OK, WQE: WQEReply{Ret: []int32{0, -12}, WQEs: register.WQEs, Descs: [][]byte{klms.Descs}}})},
		{OpRegister, []byte(`{"id":80,"reject":"EINVAL","why":"entry 3 wraps"}`)},
	}
}

func TestParseAllocates(t *testing.T) {
	var p Parser
	var r Reply
	var buf []byte
	lines := benchReplies()
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range lines {
			if err := p.ParseReply(b.op, b.line, &r); err != nil {
				t.Fatal(err)
			}
			buf = AppendReply(buf[:0], b.op, &r)
		}
	}); n != 0 {
		t.Errorf("replies: %v allocations", n)
	}
	var q Request
	requests := benchRequests()
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range requests {
			if err := p.ParseRequest(b.line, &q); err != nil {
				t.Fatal(err)
			}
			buf = AppendRequest(buf[:0], &q, true)
		}
	}); n != 0 {
		t.Errorf("requests: %v allocations", n)
	}
}

// BenchmarkParseReply compares with encoding/json on the same lines.
func BenchmarkParseReply(b *testing.B) {
	for _, l := range benchReplies()[1:3] {
		b.Run(l.op.String(), func(b *testing.B) {
			var p Parser
			var r Reply
			b.SetBytes(int64(len(l.line)))
			for b.Loop() {
				if err := p.ParseReply(l.op, l.line, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(l.op.String()+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(l.line)))
			for b.Loop() {
				var v struct {
					ID uint64
					OK json.RawMessage
				}
				if err := json.Unmarshal(l.line, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
