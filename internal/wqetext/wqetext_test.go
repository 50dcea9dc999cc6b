package wqetext

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// wqe32 are the first 32 bytes of a UMR, as all the samples hold them.
var wqe32 = mustHex("000005250012340c0000000800abcd00" + "8000000000040000000000 00203c2001")

func mustHex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const kernelRows = `mlx5_core 0000:08:00.0 eth2: WQE DUMP: WQ size 1024 WQ cur size 0, WQE index 0x5, len: 32
00000000: 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00
00000010: 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01
`

func TestParseForms(t *testing.T) {
	const head = "WQE DUMP: WQ size 1024 WQ cur size 0, WQE index 0x5, len: 32"
	for _, tt := range []struct {
		name, in string
		format   Format
		source   string
		line     int
	}{
		{"hex run together", hex.EncodeToString(wqe32), Hex, "", 1},
		{"hex upper case, CRLF", strings.ToUpper(hex.EncodeToString(wqe32[:16])) + "\r\n" + hex.EncodeToString(wqe32[16:]) + "\r\n", Hex, "", 1},
		{"hex with spaces", fmt.Sprintf("% x", wqe32), Hex, "", 1},
		{"hex with colons", strings.ReplaceAll(fmt.Sprintf("% x", wqe32), " ", ":"), Hex, "", 1},
		{"hex with 0x and commas", "0x00,0x00,0x05,0x25, 0x0012340c 0x0000000800abcd00\n" + hex.EncodeToString(wqe32[16:]), Hex, "", 1},
		{"comment above", "# a list of three\n\n" + hex.EncodeToString(wqe32), Hex, "a list of three", 3},
		{"offsets", "000: 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00\n\n010: 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01\n", HexDump, "", 1},
		{"offsets that begin late", "1c0: 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00\n1d0: 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01\n", HexDump, "", 1},
		{"rows of 32", "00000000: 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01", HexDump, "", 1},
		{"rows of 8", "000: 00 00 05 25 00 12 34 0c\n008: 00 00 00 08 00 ab cd 00\n010: 80 00 00 00 00 04 00 00\n018: 00 00 00 00 20 3c 20 01", HexDump, "", 1},
		{"xxd", "00000000: 0000 0525 0012 340c 0000 0008 00ab cd00  ...%..4.........\n00000010: 8000 0000 0004 0000 0000 0000 203c 2001  ............ < .\n", HexDump, "", 1},
		{"hexdump -C", "00000000  00 00 05 25 00 12 34 0c  00 00 00 08 00 ab cd 00  |...%..4.........|\n00000010  80 00 00 00 00 04 00 00  00 00 00 00 20 3c 20 01  |............ < .|\n", HexDump, "", 1},
		{"kernel", kernelRows, KernelLog, head, 2},
		{"kernel with characters", strings.ReplaceAll(strings.ReplaceAll(kernelRows, "cd 00\n", "cd 00  ...%..4.........\n"), "20 01\n", "20 01  ............ < .\n"), KernelLog, head, 2},
		{"dmesg", prefix(kernelRows, "[ 1234.567890] "), KernelLog, head, 2},
		{"dmesg with level and thread", prefix(kernelRows, "<4>[12345.678901][ T1234] "), KernelLog, head, 2},
		{"journal", prefix(kernelRows, "Nov 20 16:00:01 node17 kernel: "), KernelLog, head, 2},
		{"syslog with both stamps", prefix(kernelRows, "2026-11-20T16:00:01.123456+00:00 node17 kernel: [ 1234.567890] "), KernelLog, head, 2},
		{"other lines between", "Nov 20 16:00:00 node17 kernel: eth2: link up\n" + prefix(kernelRows, "Nov 20 16:00:01 node17 kernel: ") + "Nov 20 16:00:02 node17 sshd[99]: session opened\n", KernelLog, head, 3},
		{"dump_wqe of the kernel", "dump WQE index 5:\nWQEBB at 00000000c0ffee00:\n00000525 0012340c 00000008 00abcd00\n80000000 00040000 00000000 203c2001\n", Words, "dump WQE index 5:", 3},
		{"dump_wqe of rdma-core", "dump wqe at 0x7f0000001000\n00000525 0012340c 00000008 00abcd00\n80000000 00040000 00000000 203c2001\n", Words, "dump wqe at 0x7f0000001000", 2},
		{"words in dmesg", prefix("infiniband mlx5_0: dump_wqe:101:(pid 7): dump WQE index 5:\n00000525 0012340c 00000008 00abcd00\n80000000 00040000 00000000 203c2001\n", "[    1.000000] "), Words, "dump WQE index 5:", 2},
		{"words alone", "00000525 0012340c 00000008 00abcd00\n80000000 00040000 00000000 203c2001\n", Words, "", 1},
		{"raw", string(wqe32), Binary, "", 0},
		{"dmesg -T", prefix(kernelRows, "[Sat Nov 21 16:45:01 2026] "), KernelLog, head, 2},
		{"dmesg -H", "[Nov21 16:45] " + prefix(kernelRows, "[  +0.000003] ")[len("[  +0.000003] "):], KernelLog, head, 2},
		{"dmesg with ISO time", prefix(kernelRows, "2026-11-21T16:45:01,123456+00:00 "), KernelLog, head, 2},
		{"dmesg -x", prefix(kernelRows, "kern  :warn  : [ 1234.567890] "), KernelLog, head, 2},
		{"od", "000000 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00\n000010 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01\n000020\n", HexDump, "", 1},
		{"od with characters", "000000 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00  >...%..4.........<\n000010 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01  >............ < .<\n000020\n", HexDump, "", 1},
		{"hexdump -C with its end", "00000000  00 00 05 25 00 12 34 0c  00 00 00 08 00 ab cd 00  |...%..4.........|\n00000010  80 00 00 00 00 04 00 00  00 00 00 00 20 3c 20 01  |............ < .|\n00000020\n", HexDump, "", 1},
		{"gdb x/8xb", "0x7f0000001000:\t0x00\t0x00\t0x05\t0x25\t0x00\t0x12\t0x34\t0x0c\n0x7f0000001008:\t0x00\t0x00\t0x00\t0x08\t0x00\t0xab\t0xcd\t0x00\n0x7f0000001010:\t0x80\t0x00\t0x00\t0x00\t0x00\t0x04\t0x00\t0x00\n0x7f0000001018:\t0x00\t0x00\t0x00\t0x00\t0x20\t0x3c\t0x20\t0x01\n", HexDump, "", 1},
		{"text between rows", "the queue after the post:\n000: 00 00 05 25 00 12 34 0c 00 00 00 08 00 ab cd 00\nand then\n010: 80 00 00 00 00 04 00 00 00 00 00 00 20 3c 20 01\n", HexDump, "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			blocks, format, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if format != tt.format {
				t.Errorf("format %v, want %v", format, tt.format)
			}
			if len(blocks) != 1 || !bytes.Equal(blocks[0].Bytes, wqe32) {
				t.Fatalf("blocks %+v, want one of %x", blocks, wqe32)
			}
			if blocks[0].Source != tt.source || blocks[0].Line != tt.line {
				t.Errorf("source %q at line %d, want %q at %d", blocks[0].Source, blocks[0].Line, tt.source, tt.line)
			}
		})
	}
}

func prefix(text, p string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	return p + strings.Join(lines, p) + "\n"
}

func TestParseBlocks(t *testing.T) {
	two := kernelRows + strings.ReplaceAll(kernelRows, "index 0x5", "index 0x8")
	blocks, _, err := Parse([]byte(two))
	if err != nil || len(blocks) != 2 || !bytes.Equal(blocks[1].Bytes, wqe32) || blocks[1].Line != 5 || !strings.Contains(blocks[1].Source, "0x8") {
		t.Errorf("two dumps: %v, %v", blocks, err)
	}
	restart := "000: 00 01\n002: 02 03\n000: 04 05\n"
	blocks, _, err = Parse([]byte(restart))
	if err != nil || len(blocks) != 2 || !bytes.Equal(blocks[0].Bytes, []byte{0, 1, 2, 3}) || !bytes.Equal(blocks[1].Bytes, []byte{4, 5}) {
		t.Errorf("offset 0 again: %v, %v", blocks, err)
	}
	cqe := "[1.0] infiniband mlx5_0: dump_cqe:277:(pid 0): dump error cqe\n[1.0] 00000000: 00 01\n" + prefix(kernelRows, "[1.0] ")
	blocks, _, err = Parse([]byte(cqe))
	if err != nil || len(blocks) != 2 || !strings.HasPrefix(blocks[0].Source, "dump error cqe") || !bytes.Equal(blocks[1].Bytes, wqe32) {
		t.Errorf("CQE before the WQE: %v, %v", blocks, err)
	}
	squeezed := "00000000  11 11 11 11 11 11 11 11  11 11 11 11 11 11 11 11  |................|\n*\n00000040  22 22  |\"\"|\n"
	blocks, _, err = Parse([]byte(squeezed))
	want := append(bytes.Repeat([]byte{0x11}, 64), 0x22, 0x22)
	if err != nil || len(blocks) != 1 || !bytes.Equal(blocks[0].Bytes, want) {
		t.Errorf("squeezed rows: %v, %v", blocks, err)
	}
}

// cqeRows are the rows of a completion with error, without its heading.
const cqeRows = `00000000: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00000010: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00000020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00000030: 00 00 00 00 00 00 78 06 25 00 12 34 00 05 ac d3
`

func TestParseCompletions(t *testing.T) {
	const word = "00000000 00000000 00000000 00000000\n"
	words := word + word + word + "00000000 00007806 25001234 0005acd3\n"
	for _, tt := range []struct {
		name, in, source string
		format           Format
		line             int
	}{
		{"mlx5_ib", prefix("infiniband mlx5_0: dump_cqe:272:(pid 0): dump error cqe\n"+cqeRows, "[ 1.0] "), "dump error cqe", KernelLog, 2},
		{"without prefix", "infiniband mlx5_0: dump_cqe:272:(pid 0): dump error cqe\n" + cqeRows, "dump error cqe", KernelLog, 2},
		{"newer mlx5_ib", prefix("infiniband mlx5_0: dump_cqe:274:(pid 0): WC error: 6, Message: memory bind operation error\n"+prefix(cqeRows, "cqe_dump: "), "[ 1.0] "), "cqe_dump", KernelLog, 2},
		{"cqe_dump alone", prefix(cqeRows, "cqe_dump: "), "cqe_dump", HexDump, 1},
		{"mlx5e", prefix("mlx5_core 0000:08:00.0 eth2: Error cqe on cqn 0x417, ci 0x1, sqn 0x1234, opcode 0xd, syndrome 0x6, vendor syndrome 0x78\n"+cqeRows, "[ 1.0] "), "Error cqe on cqn 0x417, ci 0x1, sqn 0x1234, opcode 0xd, syndrome 0x6, vendor syndrome 0x78", KernelLog, 2},
		{"libmlx5", "mlx5: node17: got completion with error:\n" + words, "got completion with error:", Words, 2},
		{"rows alone", cqeRows, "", HexDump, 1},
		{"words alone", words, "", Words, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			blocks, format, err := Parse([]byte(tt.in + strings.TrimSuffix(kernelRows, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			if len(blocks) != 2 || !blocks[0].CQE || blocks[1].CQE || !bytes.Equal(blocks[1].Bytes, wqe32) {
				t.Fatalf("%+v", blocks)
			}
			b := blocks[0]
			if len(b.Bytes) != 64 || b.Bytes[0x37] != 6 || b.Bytes[63] != 0xd3 || b.Source != tt.source || b.Line != tt.line {
				t.Errorf("%+v", b)
			}
			alone, f, err := Parse([]byte(tt.in))
			if err != nil || len(alone) != 1 || f != tt.format || !alone[0].CQE {
				t.Errorf("alone: %v %v %v, with a WQE %v", alone, f, err, format)
			}
		})
	}
	two := prefix(cqeRows+cqeRows, "cqe_dump: ")
	if blocks, _, err := Parse([]byte(two)); err != nil || len(blocks) != 2 || !blocks[1].CQE {
		t.Errorf("two completions: %+v, %v", blocks, err)
	}
	raw := make([]byte, 64)
	raw[0x37], raw[0x3f] = 4, 0xe1
	if !IsErrorCQE(raw) || !IsErrorCQE(append(make([]byte, 64), raw...)) || IsErrorCQE(raw[:63]) || IsErrorCQE(ringDump(2)) {
		t.Error("IsErrorCQE")
	}
	nop := ringDump(2)
	nop[0x37], nop[0x3f] = 4, 0xd1 // bytes behind a WQE that look like an error's
	if IsErrorCQE(nop) {
		t.Error("a WQE is taken for a completion")
	}
}

// The WQE that passes the end of a ring is put together from both ends.
func TestSplitWrapped(t *testing.T) {
	const n = 8
	ring := make([]byte, n*64)
	put := func(at int, ds uint8, index uint16) {
		c := mlx5model.Ctrl{Index: index, Opcode: mlx5model.OpUMR, QPN: 7, DS: ds}
		w := bytes.Repeat([]byte{uint8(index)}, int(mlx5model.WQEBBs(ds))*64)
		c.Put(w)
		w[0x10], w[0x14], w[0x15] = mlx5model.UMRInline, 0, ds-8
		for i := range w {
			ring[(at*64+i)%len(ring)] = w[i]
		}
	}
	put(6, 12, 0x1e) // WQEBBs 6, 7 and 0
	put(1, 8, 0x11)
	put(3, 12, 0x13)
	got, offsets := []string{}, []int{}
	for off, p := range Split(ring) {
		got, offsets = append(got, fmt.Sprintf("%x/%d", p[2], len(p))), append(offsets, off)
		for _, x := range p[0x40:] {
			if x != p[2] {
				t.Fatalf("piece at %#x holds bytes of another", off)
			}
		}
	}
	if want := []string{"11/128", "13/192", "1e/192"}; !slices.Equal(got, want) || !slices.Equal(offsets, []int{64, 192, 384}) {
		t.Errorf("%v at %v", got, offsets)
	}
	before := bytes.Clone(ring)
	for range Split(ring) {
	}
	if !bytes.Equal(ring, before) {
		t.Error("Split changed the ring")
	}
	// Not a whole ring, or a WQE in place at its start: linear.
	if _, offsets := pieces(t, ring[:7*64]); offsets[0] != 0 {
		t.Errorf("a part of a ring begins at %d", offsets[0])
	}
}

// A WQE whose DS is too small for its list is kept whole, unless the next one
// stands where DS says.
func TestSplitWrongDS(t *testing.T) {
	umr := make([]byte, 192)
	ctrl := mlx5model.Ctrl{Index: 5, Opcode: mlx5model.OpUMR, QPN: 7, DS: 1}
	ctrl.Put(umr)
	umr[0x10], umr[0x15], umr[0x80] = mlx5model.UMRInline, 4, 1
	if got, _ := pieces(t, umr); len(got) != 1 || len(got[0]) != 192 {
		t.Errorf("%d pieces", len(got))
	}
	next := mlx5model.Ctrl{Index: 6, Opcode: mlx5model.OpNop, QPN: 7, DS: 1}
	next.Put(umr[64:])
	if got, _ := pieces(t, umr); len(got) != 3 || len(got[0]) != 64 {
		t.Errorf("with the next WQE: %d pieces", len(got))
	}
}

// Logs lose lines: the block ends at the gap, and the next one is read.
func TestParseGaps(t *testing.T) {
	rows := prefix(strings.ReplaceAll(kernelRows, "00000010:", "00000030:")+kernelRows, "> [ 1.0] ")
	blocks, _, err := Parse([]byte(rows))
	if err != nil || len(blocks) != 2 || blocks[0].Gap != 3 || !bytes.Equal(blocks[0].Bytes, wqe32[:16]) || blocks[1].Gap != 0 || !bytes.Equal(blocks[1].Bytes, wqe32) {
		t.Errorf("%+v, %v", blocks, err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		err      error
		line     int
	}{
		{"nothing", "", ErrEmpty, 0},
		{"blank", "\n \n", ErrEmpty, 0},
		{"comment only", "# nothing\n", ErrEmpty, 0},
		{"prose", "00 00 05 25\nno hex here\n", ErrSyntax, 2},
		{"half a digit", "00 00 05 2\n", ErrOdd, 1},
		{"digits after x", "00 0y\n", ErrSyntax, 1},
		{"gap between rows", "000: 00 01\n010: 02 03\n", ErrOffset, 2},
		{"row twice", "010: 00 01\n010: 02 03\n", ErrOffset, 2},
		{"end that is not where the rows end", "000000 00 01\n000004\n", ErrOffset, 2},
		{"log without bytes", "[ 1.0] eth2: link up\n", ErrEmpty, 0},
		{"raw, too long", strings.Repeat("\x00", MaxBytes+1), ErrTooLong, 0},
		{"hex, too long", strings.Repeat(strings.Repeat("00", 1024)+"\n", MaxBytes/1024+1), ErrTooLong, MaxBytes/1024 + 1},
		{"squeezed rows, too long", "000: 00 01\n*\nfffffffffffffff0: 00\n", ErrTooLong, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			blocks, _, err := Parse([]byte(tt.in))
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, tt.err) || e.Line != tt.line {
				t.Errorf("error %v, want %v at line %d", err, tt.err, tt.line)
			}
			if blocks != nil {
				t.Errorf("blocks with an error: %v", blocks)
			}
		})
	}
}

// ringDump is a send queue of WQEs with the given DS, each WQEBB filled with
// its number behind the control segment.
func ringDump(ds ...uint8) []byte {
	var out []byte
	for i, d := range ds {
		w := bytes.Repeat([]byte{uint8(i + 1)}, max(1, (int(d)+3)/4)*64)
		w[7] = d
		out = append(out, w...)
	}
	return out
}

// pieces are those of Split, and their offsets.
func pieces(t *testing.T, block []byte) (all [][]byte, offsets []int) {
	t.Helper()
	for off, p := range Split(block) {
		if !bytes.Equal(p, block[off:off+len(p)]) {
			t.Errorf("piece at %d is not what stands there", off)
		}
		all, offsets = append(all, p), append(offsets, off)
	}
	return all, offsets
}

func TestSplit(t *testing.T) {
	ring := ringDump(12, 2, 16, 9)
	got, offsets := pieces(t, ring)
	if !slices.Equal(offsets, []int{0, 192, 256, 512}) {
		t.Errorf("pieces at %v", offsets)
	}
	sizes := []int{192, 64, 256, 192}
	if len(got) != len(sizes) {
		t.Fatalf("%d pieces, want %d", len(got), len(sizes))
	}
	for i, p := range got {
		if len(p) != sizes[i] || p[0] != uint8(i+1) {
			t.Errorf("piece %d: %d bytes of %#x, want %d of %#x", i, len(p), p[0], sizes[i], i+1)
		}
	}
	if got, offsets := pieces(t, append(make([]byte, 128), ringDump(2)...)); len(got) != 1 || len(got[0]) != 64 || offsets[0] != 128 {
		t.Errorf("unused WQEBBs: %d pieces at %v", len(got), offsets)
	}
	if got, _ := pieces(t, ringDump(12)[:150]); len(got) != 1 || len(got[0]) != 150 {
		t.Errorf("cut short: %d pieces", len(got))
	}
	if got, _ := pieces(t, ringDump(0, 2)); len(got) != 2 {
		t.Errorf("DS 0: %d pieces, want 2", len(got))
	}
	for range Split(ring) {
		break // a reader may stop
	}
	if got, _ := pieces(t, nil); got != nil {
		t.Errorf("nothing: %v", got)
	}
}

// checkInvariants are what holds for any input.
func checkInvariants(t *testing.T, data []byte) {
	t.Helper()
	blocks, _, err := Parse(data)
	if (blocks == nil) == (err == nil) {
		t.Fatalf("%q: blocks %v with error %v", data, blocks, err)
	}
	total := 0
	for _, b := range blocks {
		if len(b.Bytes) == 0 {
			t.Fatalf("%q: empty block", data)
		}
		total += len(b.Bytes)
		pieces := 0
		for _, p := range Split(b.Bytes) {
			pieces += len(p)
		}
		if pieces > len(b.Bytes) {
			t.Fatalf("%q: pieces of %d bytes from %d", data, pieces, len(b.Bytes))
		}
	}
	if total > MaxBytes {
		t.Fatalf("%q: %d bytes", data, total)
	}
}

func TestParseMutated(t *testing.T) {
	const seed = 41
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	seeds := [][]byte{[]byte(kernelRows), []byte(prefix(kernelRows, "[ 1.0] ")), []byte(hex.EncodeToString(wqe32)), wqe32,
		[]byte("00000000  00 00 05 25 00 12 34 0c  00 00 00 08 00 ab cd 00  |...%..4.........|\n*\n00000040\n"),
		[]byte("dump WQE index 5:\n00000525 0012340c 00000008 00abcd00\n"),
		[]byte(prefix(cqeRows, "[ 1.0] cqe_dump: ")), []byte("got completion with error:\n" + cqeRows), []byte("000000 00 01 02 03\n*\n000040\n")}
	const alphabet = "0123456789abcdefxX:*#| \n\t,[]<>WQEDUMP\x00\xff"
	rounds := 200_000
	if testing.Short() {
		rounds = 20_000
	}
	for range rounds {
		data := bytes.Clone(seeds[r.IntN(len(seeds))])
		for n := r.IntN(8); n >= 0 && len(data) > 0; n-- {
			at := r.IntN(len(data))
			switch r.IntN(3) {
			case 0:
				data[at] = alphabet[r.IntN(len(alphabet))]
			case 1:
				data = append(data[:at], data[at+1:]...)
			default:
				data = append(data[:at+1], data[at:]...)
			}
		}
		checkInvariants(t, data)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(kernelRows))
	f.Add([]byte(prefix(kernelRows, "<4>[ 1.0] ")))
	f.Add(wqe32)
	f.Add([]byte(hex.EncodeToString(wqe32)))
	f.Add([]byte("00000000  00 00  |..|\n*\n00000040  11  |.|\n"))
	f.Add([]byte("dump wqe at 0x7f0000001000\n00000525 0012340c 00000008 00abcd00\n"))
	f.Add([]byte(prefix(cqeRows, "[ 1.0] cqe_dump: ")))
	f.Add([]byte("mlx5: node17: got completion with error:\n" + cqeRows))
	f.Add([]byte("000000 00 01 02 03\n*\n000040\n"))
	f.Fuzz(checkInvariants)
}
