package runner

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// ErrVector reports a recorded vector that no request can be made of.
var ErrVector = errors.New("not a recorded vector")

const longestVector = 64 << 20 // bytes of a line

// vector is a recorded case as a request, and what the driver answered.
type vector struct {
	id   string
	req  conform.Request
	want conform.MapReply // OpSGToPages, OpSGToKLMs
	wqe  *wqeWant         // OpWQE
}

// producers are the ids' prefixes and the operation and version they stand for.
// The version "" is libmlx5's, which follows from the file's name.
var producers = map[string]struct {
	op      conform.Op
	version string
}{
	"sg2pages": {conform.OpSGToPages, "6.1"}, "sg2klm": {conform.OpSGToKLMs, "6.1"},
	"regmr": {conform.OpWQE, "6.1"}, "integ": {conform.OpWQE, "6.1"},
	"mrlist": {conform.OpWQE, ""}, "ilv": {conform.OpWQE, ""}, "conf": {conform.OpWQE, ""},
	"spdk": {conform.OpWQE, vectors.LibMLX5Head},
}

// loadVectors reads a file of recorded vectors, gzip-compressed or not. unused
// counts those that no operation is for, by reason.
func loadVectors(path string, unused map[string]uint64) ([]*vector, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if magic, _ := r.(*bufio.Reader).Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952, ID1 ID2
		if r, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	libmlx5 := vectors.LibMLX5v44
	if strings.HasPrefix(filepath.Base(path), "libmlx5-head") {
		libmlx5 = vectors.LibMLX5Head
	}
	var all []*vector
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestVector)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		v, reason, err := parseVector(lines.Bytes(), libmlx5)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		case reason != "":
			unused[reason]++
		default:
			all = append(all, v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", path, n+1, err)
	}
	if len(all)+len(unused) == 0 {
		return nil, fmt.Errorf("%s: %w: no lines", path, ErrVector)
	}
	return all, nil
}

// object is a JSON object with its numbers as they stand in the text.
type object = map[string]any

// parseVector makes a request of a line. reason says why there is none.
func parseVector(line []byte, libmlx5 string) (v *vector, reason string, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var c object
	if err := d.Decode(&c); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrVector, err)
	}
	id, _ := c["id"].(string)
	prefix, _, _ := strings.Cut(id, "-")
	p, ok := producers[prefix]
	switch {
	case id == "":
		return nil, "", fmt.Errorf("%w: no id", ErrVector)
	case prefix == "createmkey":
		return nil, "no operation for CREATE_MKEY mailboxes", nil
	case !ok:
		return nil, "", fmt.Errorf("%w: unknown producer %q", ErrVector, prefix)
	case prefix == "integ" && c["out"] == nil:
		return nil, "integrity mapping failed, nothing was posted", nil
	}
	v = &vector{id: id}
	v.req.Op = p.op
	if p.op != conform.OpWQE {
		return v, "", v.mapping(line)
	}
	if p.version == "" {
		p.version = libmlx5
	}
	if v.wqe, err = recorded(prefix, line); err != nil {
		return nil, "", fmt.Errorf("%s: %w", id, err)
	}
	strip(c)
	inputs, err := json.Marshal(c)
	v.req.WQE = conform.WQE{Producer: prefix, Version: p.version, Inputs: inputs}
	return v, "", err
}

// strip removes what the code produced, wherever it stands in the object.
func strip(c object) {
	for _, name := range []string{"id", "out", "map", "descs", "ret", "sg_offset_out", "iova", "length", "ndescs"} {
		delete(c, name)
	}
	for list, outputs := range map[string][]string{"mrs": {"map", "descs"}, "batches": {"out"}, "ops": {"ret"}} {
		elements, _ := c[list].([]any)
		for _, e := range elements {
			if e, ok := e.(object); ok {
				for _, name := range outputs {
					delete(e, name)
				}
			}
		}
	}
}

// mapping reads a recorded mapping: request and reply.
func (v *vector) mapping(line []byte) error {
	var c struct {
		MaxDescs    uint32      `json:"max_descs"`
		PageSize    uint32      `json:"page_size"`
		Lkey        uint32      `json:"local_dma_lkey"`
		SG          [][2]uint64 `json:"sg"`
		SGOffset    *uint32     `json:"sg_offset"`
		Ret         int32       `json:"ret"`
		SGOffsetOut uint32      `json:"sg_offset_out"`
		IOVA        uint64      `json:"iova"`
		Length      uint64      `json:"length"`
		NDescs      uint64      `json:"ndescs"`
		Descs       string      `json:"descs"`
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return fmt.Errorf("%s: %w: %w", v.id, ErrVector, err)
	}
	m := conform.Map{MaxDescs: c.MaxDescs, PageSize: c.PageSize, LocalLkey: c.Lkey, HasOffset: c.SGOffset != nil}
	if m.HasOffset {
		m.Offset = *c.SGOffset
	}
	for i, e := range c.SG {
		if e[1] > math.MaxUint32 {
			return fmt.Errorf("%s: %w: sg[%d] has more than 32 bits of length", v.id, ErrVector, i)
		}
		m.SG = append(m.SG, sg.Entry{Addr: e[0], Len: uint32(e[1])})
	}
	v.req.Map = m
	descs, err := trimmed(c.Descs, c.NDescs*uint64(descSize(v.req.Op)))
	v.want = conform.MapReply{Ret: c.Ret, SGOffsetOut: c.SGOffsetOut, IOVA: c.IOVA, Length: c.Length, NDescs: c.NDescs, Descs: descs}
	return err
}

// trimmed is the first n of the bytes that hexadecimal digits stand for.
func trimmed(digits string, n uint64) ([]byte, error) {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVector, err)
	}
	if n > uint64(len(b)) {
		return nil, fmt.Errorf("%w: %d bytes of descriptors, %d recorded", ErrVector, n, len(b))
	}
	return b[:n], nil
}

// output is what a recording says was posted.
type output struct {
	Err  int32 `json:"err"` // kernel
	Ret  int32 `json:"ret"` // libmlx5
	WQEs []struct {
		DS    uint64   `json:"ds"`
		Hex   string   `json:"hex"`
		Stale [][2]int `json:"stale"`
	} `json:"wqes"`
}

// recorded reads the outputs of a vector of work requests.
func recorded(producer string, line []byte) (*wqeWant, error) {
	var c struct {
		Out output `json:"out"`
		MRs []struct {
			DescSize uint64 `json:"desc_size"`
			Map      struct {
				NDescs uint64 `json:"ndescs"`
			} `json:"map"`
			Descs string `json:"descs"`
		} `json:"mrs"`
		Batches []struct {
			Out output `json:"out"`
		} `json:"batches"`
		Ops []struct {
			Ret int32 `json:"ret"`
		} `json:"ops"`
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVector, err)
	}
	w := &wqeWant{noDescs: producer != "regmr"}
	outs := []output{c.Out}
	switch producer {
	case "regmr", "integ":
		w.ret = append(w.ret, c.Out.Err)
	case "spdk":
		for _, op := range c.Ops {
			w.ret = append(w.ret, op.Ret)
		}
	default:
		outs = outs[:0]
		for _, b := range c.Batches {
			w.ret = append(w.ret, b.Out.Ret)
			outs = append(outs, b.Out)
		}
	}
	for _, out := range outs {
		for _, q := range out.WQEs {
			b, err := trimmed(q.Hex, q.DS*mlx5model.DSSize)
			if err != nil {
				return nil, err
			}
			w.wqes, w.unwritten = append(w.wqes, b), append(w.unwritten, q.Stale)
		}
	}
	for _, mr := range c.MRs {
		b, err := trimmed(mr.Descs, mr.Map.NDescs*mr.DescSize)
		if err != nil {
			return nil, err
		}
		w.descs = append(w.descs, b)
	}
	return w, nil
}
