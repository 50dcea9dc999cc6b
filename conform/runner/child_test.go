//go:build unix

package runner

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
)

// Environment of the test binary as a child: how it behaves, and where it leaves
// its process ids.
const (
	childMode = "SGFUZZ_TEST_CHILD"
	pidFile   = "SGFUZZ_TEST_PIDS"

	vectorFile = "SGFUZZ_TEST_VECTORS" // what to answer wqe from
	offered    = "SGFUZZ_TEST_OPS"     // names of operations; "" for the other three
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		leavePID()
		os.Exit(testChild(mode))
	}
	os.Exit(m.Run())
}

func leavePID() {
	f, err := os.OpenFile(os.Getenv(pidFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, os.Getpid())
	f.Close()
}

// testChild is a child that is right but for its mode.
func testChild(mode string) int {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	var p conform.Parser
	var q conform.Request
	c := correctChild{mode: mode}
	if code := atStart(mode, out); code >= 0 {
		return code
	}
	for n := 0; ; n++ {
		if in.Buffered() == 0 {
			out.Flush()
		}
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			out.Flush()
			return atEnd(mode)
		}
		if err == nil {
			err = p.ParseRequest(line[:len(line)-1], &q)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 9
		}
		r := c.answer(&q)
		if code := misbehave(mode, n, &q, r, out); code >= 0 {
			return code
		}
		if mode == "answers twice" && n == 5 {
			out.Write(append(conform.AppendReply(nil, q.Op, r), '\n'))
		}
		out.Write(append(conform.AppendReply(nil, q.Op, r), '\n'))
	}
}

// atStart is what goes wrong before anything was asked; -1 for nothing.
func atStart(mode string, out *bufio.Writer) int {
	switch mode {
	case "silent at hello":
		time.Sleep(time.Hour)
	case "garbage at hello":
		fmt.Println("Welcome to my driver!")
		time.Sleep(time.Hour)
	case "crash at hello":
		fmt.Fprintln(os.Stderr, "no device")
		return 4
	case "too early":
		fmt.Fprintln(out, `{"id":0,"ok":{"name":"early","ops":["sg_to_klms"]}}`)
		fmt.Fprintln(out, `{"id":1,"ok":{"ret":0,"sg_offset_out":0,"iova":0,"length":0,"ndescs":0,"descs":""}}`)
		out.Flush()
		time.Sleep(time.Hour)
	case "endless lines":
		for {
			fmt.Fprintln(out, `{"id":0,"ok":{"name":"early","ops":["sg_to_klms"]}}`)
		}
	case "starts another", "starts another, exits":
		cmd := exec.Command("/bin/sleep", "1000") // holds both pipes
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		f, _ := os.OpenFile(os.Getenv(pidFile), os.O_APPEND|os.O_WRONLY, 0)
		fmt.Fprintln(f, cmd.Process.Pid)
		f.Close()
	}
	return -1
}

func atEnd(mode string) int {
	switch mode {
	case "stays":
		time.Sleep(time.Hour)
	case "fails at the end":
		fmt.Fprintln(os.Stderr, "leaked 3 keys")
		return 7
	}
	return 0
}

// misbehave is what goes wrong with the n-th request, hello being 0; -1 for
// nothing.
func misbehave(mode string, n int, q *conform.Request, r *conform.Reply, out *bufio.Writer) int {
	odd := n > 0 && len(q.Map.SG) > 0 && q.Map.SG[0].Addr%2 == 1 // a case that triggers
	switch {
	case mode == "other version" && n == 0:
		r.Hello.Version = 2
	case mode == "no operations" && n == 0:
		r.Hello.Ops = nil
	case mode == "rejects hello" && n == 0:
		r.Answer, r.Reason = conform.Reject, []byte("ENOSYS")
	case mode == "exit 0 early" && n == 3:
		return 0
	case mode == "starts another, exits" && odd:
		out.Flush()
		return 6
	case mode == "exits once" && n == 40 && firstPID():
		return 5
	case mode == "silent" && n > 0, mode == "hangs on odd" && odd:
		time.Sleep(time.Hour)
	case mode == "slow on odd" && odd:
		out.Flush()
		time.Sleep(20 * time.Second)
	case mode == "crashes on odd" && odd:
		fmt.Fprintln(os.Stderr, "Segmentation fault at odd address")
		return 139
	case mode == "garbage on odd" && odd:
		fmt.Fprintln(out, "DEBUG: odd")
	case mode == "half a line" && odd:
		fmt.Fprint(out, `{"id":`)
		out.Flush()
		time.Sleep(time.Hour)
	case mode == "half a line, exit" && odd:
		fmt.Fprint(out, `{"id":`)
		out.Flush()
		return 0
	case mode == "wrong ids" && odd:
		r.ID++
	case mode == "endless line" && odd:
		for piece := strings.Repeat("a", 1<<20); ; {
			fmt.Fprint(out, piece)
		}
	case mode == "closes output" && n == 3:
		out.Flush()
		os.Stdout.Close()
		time.Sleep(time.Hour)
	case mode == "huge number" && odd:
		fmt.Fprintf(out, `{"id":%d,"ok":{"ret":0,"sg_offset_out":0,"iova":18446744073709551616,"length":0,"ndescs":0,"descs":""}}`+"\n", q.ID)
	case mode == "extra field" && odd:
		fmt.Fprintf(out, `{"id":%d,"skip":"a","time":1}`+"\n", q.ID)
	case mode == "rejects" && odd:
		r.Answer, r.Reason = conform.Reject, []byte("EIO")
	case mode == "skips" && odd:
		r.Answer, r.Reason = conform.Skip, []byte("odd")
	case mode == "stderr flood":
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 100000), n)
	}
	return -1
}

// firstPID says whether this is the first child of the test.
func firstPID() bool {
	b, _ := os.ReadFile(os.Getenv(pidFile))
	return strings.HasPrefix(string(b), strconv.Itoa(os.Getpid())+"\n")
}

// correctChild answers every operation rightly, but for a planted bug.
type correctChild struct {
	mode  string
	model mapModel
	r     conform.Reply

	vectors []*vector // left to answer from
}

func (c *correctChild) answer(q *conform.Request) *conform.Reply {
	c.r = conform.Reply{ID: q.ID, Answer: conform.OK}
	switch q.Op {
	case conform.OpHello:
		c.r.Hello.Name, c.r.Hello.Version = []byte("test child"), 1
		for _, name := range strings.Fields(os.Getenv(offered)) {
			c.r.Hello.Ops = append(c.r.Hello.Ops, []byte(name))
		}
		if len(c.r.Hello.Ops) == 0 {
			c.r.Hello.Ops = [][]byte{[]byte("sg_to_pages"), []byte("sg_to_klms"), []byte("register")}
		}
	case conform.OpSGToPages, conform.OpSGToKLMs:
		c.r.Map = c.model.reply(q.Op, &q.Map)
		plantMap(c.mode, q, &c.r.Map)
	case conform.OpRegister:
		c.register(&q.Register)
	case conform.OpWQE:
		c.recorded()
	default:
		c.r.Answer, c.r.Reason = conform.Skip, []byte("not implemented")
	}
	return &c.r
}

// recorded answers as the vectors of a file say, in their order, with other
// bytes where the driver wrote none.
func (c *correctChild) recorded() {
	if c.vectors == nil {
		var err error
		if c.vectors, err = loadVectors(os.Getenv(vectorFile), map[string]uint64{}); err != nil {
			panic(err)
		}
	}
	w := c.vectors[0].wqe
	c.vectors = c.vectors[1:]
	c.r.WQE = conform.WQEReply{Ret: w.ret, WQEs: w.wqes, Descs: w.descs}
	for i, ranges := range w.unwritten {
		for _, r := range ranges {
			for at := r[0]; at < min(r[0]+r[1], len(w.wqes[i])); at++ {
				w.wqes[i][at] ^= 0xff
			}
		}
	}
	if c.mode == "signs" && len(w.wqes) > 0 {
		w.wqes[0][ctrlSignature] ^= 1
	}
}

// plantMap spoils a mapping.
func plantMap(mode string, q *conform.Request, r *conform.MapReply) {
	if mode == "length in 32 bits" {
		r.Length = uint64(uint32(r.Length))
	}
}

// register makes one KLM region, or a copy in the scratch memory.
func (c *correctChild) register(q *conform.Register) {
	if c.mode == "bounces" && c.bounce(q) {
		return
	}
	key := q.Keys[0]
	room := int(min(q.MaxEntries, uint64(key.Max)))
	descs := make([]byte, (room+4)*mlx5model.KLMSize)
	list := q.List
	if c.mode == "leaves out the last" && len(list) > 1 {
		list = list[:len(list)-1]
	}
	m, err := linux.MapKLMs(descs, list, linux.Pos{}, q.Lkey, room, q.MaxEntryBytes)
	if err == nil && m.Stop == linux.StopTop {
		m, err = linux.MapKLMsAt(descs, list, linux.Pos{}, q.Lkey, room, q.MaxEntryBytes, 0)
	}
	if err != nil || m.Stop != linux.StopEnd || c.mode == "rejects lists of two" && len(q.List) == 2 {
		c.r.Answer, c.r.Reason, c.r.Why = conform.Reject, []byte("EINVAL"), fmt.Append(nil, err)
		return
	}
	if c.mode == "copies elsewhere" {
		c.r.Registration.CopyOut = append(c.r.Registration.CopyOut, reg.Copy{From: q.Scratch.Addr, To: q.Scratch.Addr + 8, Len: 1})
	}
	c.post(q, key, descs[:m.N*mlx5model.KLMSize], m.IOVA, m.Length)
}

// bounce registers pages of the scratch memory instead, by an MTT key.
func (c *correctChild) bounce(q *conform.Register) bool {
	total := q.List.Total()
	pages := (total + q.PageSize - 1) / q.PageSize
	if q.List.Validate() != nil || total > q.Scratch.Len/2 || pages > uint64(q.Keys[1].Max) || pages > q.MaxEntries || q.Scratch.Addr%q.PageSize != 0 || q.PageSize > 1<<16 {
		return false
	}
	at := q.Scratch.Addr
	descs := make([]byte, 0, pages*mlx5model.MTTSize)
	for i := range pages {
		descs = binary.BigEndian.AppendUint64(descs, at+i*q.PageSize|3)
	}
	for _, e := range q.List {
		if e.Len == 0 {
			continue
		}
		in, out := reg.Copy{From: e.Addr, To: at, Len: uint64(e.Len)}, reg.Copy{From: at, To: e.Addr, Len: uint64(e.Len)}
		c.r.Registration.CopyIn, c.r.Registration.CopyOut = append(c.r.Registration.CopyIn, in), append(c.r.Registration.CopyOut, out)
		at += uint64(e.Len)
	}
	if q.Dir == reg.DirRead {
		c.r.Registration.CopyOut = nil
	} else {
		c.r.Registration.CopyIn = nil
	}
	c.post(q, q.Keys[1], descs, q.Scratch.Addr, total)
	return true
}

// post makes the UMR, its list in the upper half of the scratch memory if it is
// long.
func (c *correctChild) post(q *conform.Register, key conform.Key, descs []byte, iova, n uint64) {
	for len(descs)%mlx5model.UMRListAlign != 0 {
		descs = append(descs, 0)
	}
	octowords := uint16(len(descs) / mlx5model.OctowordSize)
	rights := q.Access
	switch c.mode {
	case "grants all":
		rights = mlx5model.AccRights &^ mlx5model.AccA
	case "a byte too long":
		n++
	}
	if slices.Contains(reg.Dialects(), c.mode) && c.postAs(c.mode, q, key, descs, iova, n) {
		return
	}
	w := mlx5model.WQE{Ctrl: mlx5model.Ctrl{Opcode: mlx5model.OpUMR, QPN: q.QPN, DS: mlx5model.UMRFixedDS + uint8(octowords), Imm: key.Key}}
	fresh := mlx5model.BumpKey(key.Key)
	w.UMR = mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMRCheckNotFree, XltOctowords: octowords,
		Mask: mlx5model.MaskLen | mlx5model.MaskStartAddr | mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskAccess | mlx5model.MaskFree}
	w.Mkey = mlx5model.MkeyContext{UMREn: true, Mode: key.Mode, Access: rights, QPN: mlx5model.QPNAny, Tag: mlx5model.KeyTag(fresh), Start: iova, Len: n, XltOctowords: uint32(octowords)}
	if octowords <= 52 {
		w.List = descs
	} else {
		at := q.Scratch.Addr + q.Scratch.Len/2
		w.UMR.Flags &^= mlx5model.UMRInline
		w.DS = mlx5model.UMRFixedDS + 1
		w.HasPointer, w.Pointer = true, mlx5model.DataSeg{ByteCount: uint32(len(descs)), Lkey: q.Lkey, Addr: at}
		if c.mode == "writes outside" {
			at = q.Scratch.Addr + q.Scratch.Len
		}
		c.r.Registration.Host = append(c.r.Registration.Host, conform.HostWrite{Addr: at, Bytes: descs})
	}
	c.r.Registration.WQEs = append(c.r.Registration.WQEs, w.AppendTo(nil))
	c.r.Registration.Regions = append(c.r.Registration.Regions, reg.Tuple{Rkey: fresh, Addr: iova, Len: n})
}

// postAs lets a driver's own encoder make the work request, in a queue full of
// stale bytes. It is false for what the dialect cannot do.
func (c *correctChild) postAs(dialect string, q *conform.Register, key conform.Key, descs []byte, iova, n uint64) bool {
	enc, err := reg.NewEncoder(dialect)
	if err != nil {
		panic(err)
	}
	caps := enc.Caps()
	size, able, most := mlx5model.KLMSize, caps.KLM, caps.MaxInline
	if key.Mode == mlx5model.ModeMTT {
		size, able, most = mlx5model.MTTSize, caps.MTT, 2*caps.MaxInline
	}
	entries := uint64(len(descs) / size)
	if key.Mode == mlx5model.ModeMTT {
		entries = (n + q.PageSize - 1) / q.PageSize
	} else {
		for binary.BigEndian.Uint32(descs[(entries-1)*uint64(size):]) == 0 { // the padding that post added
			entries--
		}
	}
	if !able || caps.FixedAccess != 0 || int(entries) > most && !caps.Pointer || caps.MaxTotal != 0 && n > caps.MaxTotal {
		return false
	}
	ring, _ := mlx5model.NewRing(64)
	ring.Fill(0xa5)
	enc.Attach(ring, q.QPN, q.PD, q.Lkey, 17)
	w := reg.RegWR{
		Key: key.Key, Mode: key.Mode, List: descs[:int(entries)*size], N: int(entries), ListAddr: q.Scratch.Addr + q.Scratch.Len/2,
		IOVA: iova, Length: n, LogPage: uint8(bits.TrailingZeros64(q.PageSize)), Access: q.Access,
	}
	if caps.Rekey {
		w.Key = mlx5model.BumpKey(key.Key)
	}
	va, err := enc.Register(&w)
	if err != nil {
		return false
	}
	raw := make([]byte, int(ring.At(17, 0)[ctrlDS]&mlx5model.MaxDS)*mlx5model.DSSize)
	ring.Read(17, 0, raw)
	r := &c.r.Registration
	r.WQEs = append(r.WQEs, raw)
	r.Host = append(r.Host, conform.HostWrite{Addr: w.ListAddr, Bytes: descs})
	r.Regions = append(r.Regions, reg.Tuple{Rkey: w.Key, Addr: va, Len: n})
	return true
}
