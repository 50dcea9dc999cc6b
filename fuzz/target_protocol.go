package fuzz

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// protocolTarget takes bytes as a line of the conformance protocol.
func protocolTarget() Target {
	return Target{
		Name: "Protocol", Doc: "arbitrary bytes as a reply to every operation and as a request",
		Body: new(protocol).run, Seeds: protocolSeeds,
	}
}

// protocol holds the storage of one target: two parsers, so that what one
// filled stays while the other reads.
type protocol struct {
	first, second   conform.Parser
	reply, again    conform.Reply
	request, asked  conform.Request
	line, line2     []byte
	parseReply      func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error // nil for the parser's own
	appendedRequest func([]byte, *conform.Request, bool) []byte                                 // nil for AppendRequest
}

func (p *protocol) run(data []byte) error {
	for op := conform.OpHello; int(op) <= conform.NumOps; op++ {
		if err := p.asReply(op, data); err != nil {
			return err
		}
	}
	return p.asRequest(data)
}

func (p *protocol) parse(q *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error {
	if p.parseReply != nil {
		return p.parseReply(q, op, line, r)
	}
	return q.ParseReply(op, line, r)
}

// asReply demands that a reply that is taken is JSON with one answer, means
// what encoding/json reads in it, and survives its canonical form.
func (p *protocol) asReply(op conform.Op, data []byte) error {
	if err := p.parse(&p.first, op, data, &p.reply); err != nil {
		return lineFailure("reply", err, data)
	}
	if !json.Valid(data) {
		return failure("reply that is not JSON is taken", "%s: %q", op, data)
	}
	if err := p.oneAnswer(op, data); err != nil {
		return err
	}
	p.line = conform.AppendReply(p.line[:0], op, &p.reply)
	if err := p.parse(&p.second, op, p.line, &p.again); err != nil {
		return failure("canonical reply is refused", "%s: %v\n%q\n%q", op, err, data, p.line)
	}
	p.line2 = conform.AppendReply(p.line2[:0], op, &p.again)
	if !bytes.Equal(p.line, p.line2) {
		return failure("canonical reply is not stable", "%s: %q\n%q\n%q", op, data, p.line, p.line2)
	}
	return sameJSON("reply", data, p.line)
}

// oneAnswer looks for the answers with encoding/json.
func (p *protocol) oneAnswer(op conform.Op, data []byte) error {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return failure("reply that is no object is taken", "%s: %v: %q", op, err, data)
	}
	n, there := 0, conform.Answer(0)
	for _, name := range []conform.Answer{conform.OK, conform.Reject, conform.Skip} {
		if _, ok := top[name.String()]; ok {
			n++
			there = name
		}
	}
	if n != 1 {
		return failure("reply without exactly one answer is taken", "%s: %d: %q", op, n, data)
	}
	if there != p.reply.Answer {
		return failure("reply's answer is misread", "%s: %v: %q", op, p.reply.Answer, data)
	}
	return nil
}

// asRequest demands that a request that is taken survives both written forms.
func (p *protocol) asRequest(data []byte) error {
	if err := p.first.ParseRequest(data, &p.request); err != nil {
		return lineFailure("request", err, data)
	}
	if !json.Valid(data) {
		return failure("request that is not JSON is taken", "%q", data)
	}
	write := conform.AppendRequest
	if p.appendedRequest != nil {
		write = p.appendedRequest
	}
	for _, hex := range []bool{false, true} {
		p.line = write(p.line[:0], &p.request, hex)
		if err := p.second.ParseRequest(p.line, &p.asked); err != nil {
			return failure("written request is refused", "hex %v: %v\n%q\n%q", hex, err, data, p.line)
		}
		p.line2 = write(p.line2[:0], &p.asked, hex)
		if !bytes.Equal(p.line, p.line2) {
			return failure("written request is not stable", "hex %v: %q\n%q\n%q", hex, data, p.line, p.line2)
		}
	}
	return nil
}

// lineFailure demands that a refusal says where and why.
func lineFailure(what string, err error, data []byte) error {
	e, ok := errors.AsType[*conform.LineError](err)
	if !ok || e.Err == nil || e.Offset < 0 || e.Offset > len(data) {
		return failure(what+": error does not say where", "%#v\n%q", err, data)
	}
	return nil
}

// sameJSON demands that two lines hold the same values, as encoding/json reads
// them: a second opinion on numbers, texts and fields. Optional empty lists may
// be missing from the second.
func sameJSON(what string, data, canon []byte) error {
	a, b := normalJSON(data), normalJSON(canon)
	if a != b {
		return failure(what+" and its canonical form hold different values", "%q\n%q\n%s\n%s", data, canon, a, b)
	}
	return nil
}

// normalJSON is a line's JSON with sorted fields, numbers in one form and
// without empty lists; hello's version may be missing as well.
func normalJSON(line []byte) string {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	b, err := json.Marshal(normalValue(v))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func normalValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if l, ok := x.([]any); ok && len(l) == 0 || name == "version" && normalValue(x) == "#1" {
				delete(v, name)
				continue
			}
			v[name] = normalValue(x)
		}
	case []any:
		for i := range v {
			v[i] = normalValue(v[i])
		}
	case json.Number:
		return normalNumber(v.String(), 10)
	case string:
		digits, hex := strings.CutPrefix(v, "0x")
		if negative, ok := strings.CutPrefix(v, "-0x"); ok {
			digits, hex = "-"+negative, true
		}
		if hex {
			return normalNumber(digits, 16)
		}
	}
	return v
}

// normalNumber is a number in decimal behind a '#', or the text that is none.
func normalNumber(digits string, base int) string {
	if u, err := strconv.ParseUint(digits, base, 64); err == nil {
		return "#" + strconv.FormatUint(u, 10)
	}
	if i, err := strconv.ParseInt(digits, base, 64); err == nil {
		return "#" + strconv.FormatInt(i, 10)
	}
	return digits
}

// protocolExamples are the replies of the contract, and one of each kind that
// it has no example of.
var protocolExamples = []string{
	`{"id":0,"ok":{"name":"my driver 1.2","ops":["sg_to_pages","sg_to_klms","register"]}}`,
	`{"id":0,"ok":{"name":"","version":2,"ops":[]}}`,
	`{"id":1,"ok":{"ret":1,"sg_offset_out":0,"iova":4294967296,"length":4096,"ndescs":1,"descs":"0000000100000003"}}`,
	`{"id":2,"ok":{"ret":1,"sg_offset_out":0,"iova":4294967297,"length":4095,"ndescs":1,"descs":"00000fff000017000000000100000001"}}`,
	`{"id":2,"ok":{"ret":-22,"sg_offset_out":"0x5","iova":"0x0","length":0,"ndescs":0,"descs":""}}`,
	`{"id":3,"ok":{"ret":[0,-12],"wqes":["00000025","ff"],"descs":["00"]}}`,
	`{"id":4,"ok":{"regions":[{"rkey":43981061,"addr":68719480831,"len":4097}],"wqes":["25"],"host":[{"addr":1099511627776,"bytes":"0a"}],"copy_in":[],"copy_out":[[1,2,"0xffffffffffffffff"]]}}`,
	`{"id":5,"reject":"EINVAL","why":"entry 1 wraps \u00e9\ud83d\ude00\n"}`,
	`{"id":18446744073709551615,"skip":"not implemented"}`,
	`{"id":3,"op":"wqe","producer":"regmr","version":"6.1","prefill":165,"qp":{"qpn":4660},"mrs":[{"sg":[[18446744073709551615,1]]}],"wrs":[null,true,-1.5e3]}`,
	`{"id":0,"op":"hello","version":1}`,
}

// protocolSeeds are examples, and requests made of the embedded corpus' lists.
func protocolSeeds() ([][]byte, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, err
	}
	seeds := make([][]byte, 0, len(protocolExamples)+len(cases))
	for _, text := range protocolExamples {
		seeds = append(seeds, []byte(text))
	}
	for i, c := range cases {
		if len(c.List) > seedEntries {
			continue
		}
		q := seedRequest(i, c)
		seeds = append(seeds, conform.AppendRequest(nil, &q, i%2 == 1))
	}
	return seeds, nil
}

func seedRequest(i int, c *corpus.Case) conform.Request {
	size := uint32(min(c.EffectivePageSize(), 1<<31))
	return conform.Request{
		ID: uint64(i), Op: []conform.Op{conform.OpSGToPages, conform.OpSGToKLMs, conform.OpRegister}[i%3],
		Map: conform.Map{PageSize: size, MaxDescs: 64, LocalLkey: 0x1700, SG: c.List, HasOffset: i%4 == 0, Offset: uint32(i)},
		Register: conform.Register{
			List: c.List, Lkey: 0x1800, PageSize: uint64(size), MaxEntries: 256, MaxEntryBytes: 1 << 31, MaxRegions: 16,
			Keys: []conform.Key{{Key: 43981056, Mode: mlx5model.ModeKLM, Max: 256}, {Key: 43981312, Mode: mlx5model.ModeMTT, Max: 256}},
			QPN:  4660, PD: 66, Access: uint8(c.Access) | mlx5model.AccRR, Scratch: sg.Extent{Addr: 1 << 40, Len: 1 << 20}, Dir: reg.DirRead,
		},
	}
}
