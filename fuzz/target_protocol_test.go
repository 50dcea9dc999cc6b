package fuzz

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
)

// TestBrokenProtocol puts a broken parser and a broken writer into the target.
func TestBrokenProtocol(t *testing.T) {
	type parse = func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error
	any := func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error { return nil }
	for _, c := range []struct {
		name, class string
		input       string // "" for the seeds
		parse       parse
		write       func([]byte, *conform.Request, bool) []byte
	}{
		{"takes anything", "reply that is not JSON is taken", `{"id":1,"skip":""`, any, nil},
		{"takes any JSON", "reply that is no object is taken", `[]`, any, nil},
		{"takes two answers", "reply without exactly one answer is taken", `{"id":1,"skip":"","reject":"EINVAL"}`, any, nil},
		{"takes no answer", "reply without exactly one answer is taken", `{"id":1}`, any, nil},
		{"an offset behind the line", "reply: error does not say where", "",
			func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error {
				return &conform.LineError{Offset: len(line) + 1, Err: conform.ErrSyntax}
			}, nil},
		{"reads any answer as ok", "reply's answer is misread", "",
			func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error {
				err := p.ParseReply(op, line, r)
				r.Answer = conform.OK
				return err
			}, nil},
		{"loses a bit", "reply and its canonical form hold different values", "",
			func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error {
				err := p.ParseReply(op, line, r)
				r.Map.IOVA &^= 1
				return err
			}, nil},
		{"loses a region", "reply and its canonical form hold different values", "",
			func(p *conform.Parser, op conform.Op, line []byte, r *conform.Reply) error {
				err := p.ParseReply(op, line, r)
				r.Registration.Regions = r.Registration.Regions[:0]
				return err
			}, nil},
		{"writes no request", "written request is refused", "", nil,
			func(b []byte, q *conform.Request, hex bool) []byte { return append(b, '{') }},
		{"counts what it writes", "written request is not stable", "", nil,
			func(b []byte, q *conform.Request, hex bool) []byte {
				q.ID++
				return conform.AppendRequest(b, q, hex)
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := protocol{parseReply: c.parse, appendedRequest: c.write}
			inputs := [][]byte{[]byte(c.input)}
			if c.input == "" {
				inputs = seedsOf(t, protocolSeeds)
			}
			var err error
			for _, b := range inputs {
				if err = p.run(b); err != nil {
					break
				}
			}
			expectClass(t, err, c.class)
		})
	}
}

// TestProtocolSeeds demands that every example is taken by one operation at
// least, so that an engine starts from the inside of the grammar.
func TestProtocolSeeds(t *testing.T) {
	var p conform.Parser
	for _, b := range seedsOf(t, protocolSeeds) {
		taken := p.ParseRequest(b, new(conform.Request)) == nil
		for op := conform.OpHello; int(op) <= conform.NumOps; op++ {
			taken = taken || p.ParseReply(op, b, new(conform.Reply)) == nil
		}
		if !taken {
			t.Errorf("nothing takes %s", b)
		}
	}
}
