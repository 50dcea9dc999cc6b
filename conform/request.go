package conform

import (
	"bytes"
	"strconv"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// AppendRequest adds to dst the line of a request, without a line feed. With
// hex, numbers above 2^53 take the string form.
func AppendRequest(dst []byte, q *Request, hex bool) []byte {
	l := line{b: dst, hex: hex}
	l.uint(`{"id":`, q.ID)
	l.raw(`,"op":"`)
	l.raw(q.Op.String())
	l.raw(`"`)
	switch q.Op {
	case OpHello:
		l.uint(`,"version":`, q.Version)
	case OpSGToPages, OpSGToKLMs:
		l.mapRequest(q.Op, &q.Map)
	case OpWQE:
		l.text(`,"producer":`, []byte(q.WQE.Producer))
		l.text(`,"version":`, []byte(q.WQE.Version))
		l.inputs(q.WQE.Inputs)
	case OpRegister:
		l.register(&q.Register)
	}
	l.raw("}")
	return l.b
}

func (l *line) mapRequest(op Op, m *Map) {
	if op == OpSGToPages {
		l.uint(`,"page_size":`, uint64(m.PageSize))
	}
	l.uint(`,"max_descs":`, uint64(m.MaxDescs))
	if op == OpSGToKLMs {
		l.uint(`,"local_dma_lkey":`, uint64(m.LocalLkey))
	}
	l.entries(`,"sg":[`, m.SG)
	if m.HasOffset {
		l.uint(`,"sg_offset":`, uint64(m.Offset))
	} else {
		l.raw(`,"sg_offset":null`)
	}
}

// inputs adds the fields of a JSON object.
func (l *line) inputs(object []byte) {
	object = bytes.TrimSpace(object)
	if len(object) < 2 {
		return
	}
	object = bytes.TrimSpace(object[1 : len(object)-1])
	if len(object) == 0 {
		return
	}
	l.raw(",")
	if l.hex {
		l.b = appendHexNumbers(l.b, object)
		return
	}
	l.b = append(l.b, object...)
}

// appendHexNumbers adds JSON text to dst with its large numbers as strings.
func appendHexNumbers(dst, text []byte) []byte {
	s := scanner{b: text}
	for s.i < len(text) {
		i := s.i
		switch c := text[i]; {
		case c == '"':
			s.quoted()
		case c == '-' || c >= '0' && c <= '9':
			s.skipNumber()
		default:
			s.i++
		}
		s.err = nil // text that is no JSON stays as it is
		s.i = max(s.i, i+1)
		token := text[i:s.i]
		if v, ok := largeNumber(token); ok {
			dst = append(strconv.AppendUint(append(dst, `"0x`...), v, 16), '"')
		} else {
			dst = append(dst, token...)
		}
	}
	return dst
}

// largeNumber reads an integer between exactFloat and 2^64.
func largeNumber(token []byte) (uint64, bool) {
	const fewest, most = 16, 20 // digits
	if len(token) < fewest || len(token) > most || token[0] < '0' || token[0] > '9' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(token), 10, 64)
	return v, err == nil && v > exactFloat
}

func (l *line) register(r *Register) {
	l.entries(`,"list":[`, r.List)
	l.uint(`,"lkey":`, uint64(r.Lkey))
	l.uint(`,"page_size":`, r.PageSize)
	l.uint(`,"max_entries":`, r.MaxEntries)
	l.uint(`,"max_entry_bytes":`, r.MaxEntryBytes)
	l.uint(`,"max_regions":`, r.MaxRegions)
	l.raw(`,"keys":[`)
	for i := range r.Keys {
		l.next(i)
		l.key(&r.Keys[i])
	}
	l.uint(`],"qpn":`, uint64(r.QPN))
	l.uint(`,"pd":`, uint64(r.PD))
	l.raw(`,"access":"`)
	l.raw(accessText[r.Access&mlx5model.AccRights])
	l.uint(`","scratch":{"addr":`, r.Scratch.Addr)
	l.uint(`,"len":`, r.Scratch.Len)
	l.raw(`},"dir":"`)
	l.raw(dirNames[r.Dir&reg.DirBoth])
	l.raw(`"`)
}

func (l *line) key(k *Key) {
	l.uint(`{"key":`, uint64(k.Key))
	l.raw(`,"mode":"`)
	l.raw(modeNames[k.Mode])
	l.uint(`","max":`, uint64(k.Max))
	l.raw("}")
}
