package conform

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// requestGolden has the contract's requests.
var requestGolden = []struct {
	q          Request
	plain, hex string // hex "" for the same
}{
	{Request{Op: OpHello, Version: 1}, `{"id":0,"op":"hello","version":1}`, ""},
	{Request{ID: 1, Op: OpSGToPages, Map: Map{PageSize: 4096, MaxDescs: 4, SG: sg.List{{Addr: 1 << 32, Len: 4096}}}},
		`{"id":1,"op":"sg_to_pages","page_size":4096,"max_descs":4,"sg":[[4294967296,4096]],"sg_offset":null}`, ""},
	{Request{ID: 2, Op: OpSGToKLMs, Map: Map{MaxDescs: 4, LocalLkey: 5888, SG: sg.List{{Addr: 1<<32 + 1, Len: 4095}}}},
		`{"id":2,"op":"sg_to_klms","max_descs":4,"local_dma_lkey":5888,"sg":[[4294967297,4095]],"sg_offset":null}`, ""},
	{Request{ID: 1 << 60, Op: OpSGToKLMs, Map: Map{MaxDescs: 4, LocalLkey: 1, HasOffset: true, Offset: 7,
		SG: sg.List{{Addr: math.MaxUint64, Len: math.MaxUint32, Lkey: 9}, {Addr: 1 << 53}}}},
		`{"id":1152921504606846976,"op":"sg_to_klms","max_descs":4,"local_dma_lkey":1,"sg":[[18446744073709551615,4294967295,9],[9007199254740992,0]],"sg_offset":7}`,
		`{"id":"0x1000000000000000","op":"sg_to_klms","max_descs":4,"local_dma_lkey":1,"sg":[["0xffffffffffffffff",4294967295,9],[9007199254740992,0]],"sg_offset":7}`},
	{Request{ID: 3, Op: OpWQE, WQE: WQE{"regmr", "6.1", []byte(`{"prefill":165,"mrs":[{"sg":[[9007199254740993,1]],"note":"99999999999999999"}],"x":-1.5e-3,"y":123456789012345678901}`)}},
		`{"id":3,"op":"wqe","producer":"regmr","version":"6.1","prefill":165,"mrs":[{"sg":[[9007199254740993,1]],"note":"99999999999999999"}],"x":-1.5e-3,"y":123456789012345678901}`,
		`{"id":3,"op":"wqe","producer":"regmr","version":"6.1","prefill":165,"mrs":[{"sg":[["0x20000000000001",1]],"note":"99999999999999999"}],"x":-1.5e-3,"y":123456789012345678901}`},
	{Request{ID: 4, Op: OpRegister, Register: Register{List: sg.List{{Addr: 68719480831, Len: 1}, {Addr: 4294967296, Len: 4096}}, Lkey: 6144, PageSize: 4096,
		MaxEntries: 256, MaxEntryBytes: 1 << 31, MaxRegions: 16, Keys: []Key{{43981056, mlx5model.ModeKLM, 256}, {43981312, mlx5model.ModeMTT, 256}},
		QPN: 4660, PD: 66, Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, Scratch: sg.Extent{Addr: 1099511627776, Len: 1048576}, Dir: reg.DirBoth}},
		`{"id":4,"op":"register","list":[[68719480831,1],[4294967296,4096]],"lkey":6144,"page_size":4096,"max_entries":256,"max_entry_bytes":2147483648,"max_regions":16,` +
			`"keys":[{"key":43981056,"mode":"klm","max":256},{"key":43981312,"mode":"mtt","max":256}],"qpn":4660,"pd":66,"access":"lw|rr|rw",` +
			`"scratch":{"addr":1099511627776,"len":1048576},"dir":"read|write"}`, ""},
}

func benchRequests() (lines []opLine) {
	for i := range requestGolden {
		lines = append(lines, opLine{requestGolden[i].q.Op, []byte(requestGolden[i].plain)})
	}
	return lines
}

// TestRequestGolden writes the contract's requests in both forms, and reads
// them back.
func TestRequestGolden(t *testing.T) {
	for _, c := range requestGolden {
		if c.hex == "" {
			c.hex = c.plain
		}
		for hex, want := range map[bool]string{false: c.plain, true: c.hex} {
			got := string(AppendRequest(nil, &c.q, hex))
			if got != want || !json.Valid([]byte(got)) {
				t.Errorf("hex %v:\ngot  %s\nwant %s", hex, got, want)
			}
			var p Parser
			var back Request
			if err := p.ParseRequest([]byte(got), &back); err != nil {
				t.Errorf("%s: %v", got, err)
				continue
			}
			if hex && c.q.Op == OpWQE {
				continue // the numbers of its inputs stay strings
			}
			if !reflect.DeepEqual(back, c.q) {
				t.Errorf("%s:\n%+v\n%+v", got, back, c.q)
			}
		}
	}
}

// TestRequestOrder reads fields in another order, among unknown ones.
func TestRequestOrder(t *testing.T) {
	line := `{"sg":[[1,2]],"new":{"a":[1,{"b":null}],"id":7,"c":[],"d":{}},"max_descs":"0x4","op":"sg_to_klms","x":"\u00e9","local_dma_lkey":1,"y":-1e5,"id":9,"z":[true,false]}`
	var p Parser
	q := Request{Map: Map{HasOffset: true, Offset: 5, SG: sg.List{{Addr: 3}, {Addr: 4}}}} // of an older request
	if err := p.ParseRequest([]byte(line), &q); err != nil {
		t.Fatal(err)
	}
	if want := (Request{ID: 9, Op: OpSGToKLMs, Map: Map{MaxDescs: 4, LocalLkey: 1, SG: sg.List{{Addr: 1, Len: 2}}}}); !reflect.DeepEqual(q, want) {
		t.Errorf("%+v", q)
	}
	line = `{"id":1,"mrs": [1, 2] ,"producer":"regmr","qp":{ },"op":"wqe","version":"6.1"}`
	if err := p.ParseRequest([]byte(line), &q); err != nil || string(q.WQE.Inputs) != `{"mrs": [1, 2],"qp":{ }}` {
		t.Errorf("%s, %v", q.WQE.Inputs, err)
	}
	if err := p.ParseRequest([]byte(`{"id":1,"op":"wqe","producer":"spdk","version":"head"}`), &q); err != nil || string(q.WQE.Inputs) != `{}` {
		t.Errorf("%s, %v", q.WQE.Inputs, err)
	}
	if got := string(AppendRequest(nil, &q, false)); got != `{"id":1,"op":"wqe","producer":"spdk","version":"head"}` {
		t.Error(got)
	}
}

func TestRequestErrors(t *testing.T) {
	register := requestGolden[5].plain
	for _, c := range []struct {
		line  string
		err   error
		field string
	}{
		{`{"id":1}`, ErrMissing, "op"},
		{`{"id":1,"op":"fly"}`, ErrOp, "op"},
		{`{"id":1,"op":"hello"}`, ErrMissing, "version"},
		{`{"id":1,"op":"hello","version":1,"op":"hello"}`, ErrDuplicate, "op"},
		{`{"id":1,"op":"sg_to_klms","max_descs":4,"local_dma_lkey":1,"sg":[[1]]}`, ErrType, "sg[0]"},
		{`{"id":1,"op":"sg_to_klms","max_descs":4,"local_dma_lkey":1,"sg":[[1,2],[1,4294967296]]}`, ErrRange, "sg[1]"},
		{`{"id":1,"op":"hello","version":1,"x":` + strings.Repeat("[", 40), ErrDepth, "x"},
		{`{"id":1,"op":"hello","version":1,"x":[1,]}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1,"x":{"a" 1}}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1,"x":{1:1}}`, ErrType, "x"},
		{`{"id":1,"op":"hello","version":1,"x":{"a":1]}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1,"x":1.}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1,"x":"\x"}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1,"x":tru}`, ErrSyntax, "x"},
		{`{"id":1,"op":"hello","version":1} {}`, ErrTrailing, ""},
		{strings.Replace(register, `"klm"`, `"ksm"`, 1), ErrName, "keys[0].mode"},
		{strings.Replace(register, `"lw|rr|rw"`, `"lw|xx"`, 1), ErrName, "access"},
		{strings.Replace(register, `"read|write"`, `""`, 1), ErrName, "dir"},
		{strings.Replace(register, `"len":1048576`, `"n":1048576`, 1), ErrMissing, "scratch.len"},
	} {
		var p Parser
		var q Request
		err := p.ParseRequest([]byte(c.line), &q)
		e, ok := errors.AsType[*LineError](err)
		if !ok || !errors.Is(err, c.err) || e.Field != c.field || e.Offset > len(c.line) {
			t.Errorf("%s: %v, want %v at %s", c.line, err, c.err, c.field)
		}
	}
}
