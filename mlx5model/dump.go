package mlx5model

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// DumpOptions govern Dump. The zero value shows a WQE of an unknown producer.
type DumpOptions struct {
	// Check is what is known about the WQE; nil for nothing. Its findings end
	// the dump.
	Check *CheckContext
	// Entries bounds long lists: as many entries are shown from the list's
	// start and as many from its end. 0 stands for 8.
	Entries int
}

// dumper is the state of one Dump.
type dumper struct {
	checker
	out     *bufio.Writer
	entries int
}

// Dump writes raw, one linear WQE, to out as annotated text: per segment its
// hex rows, its fields with bit position, value and meaning, its list as a
// table with running offsets, and at the end what Check finds. Positions are
// those of the big-endian 32-bit word at the byte offset named (64-bit for
// wider fields), bit 0 lowest. Bytes that cannot be decoded appear as hex. The
// text is bounded whatever raw is. The error is out's.
func Dump(out io.Writer, raw []byte, opt DumpOptions) error {
	ctx := opt.Check
	if ctx == nil {
		ctx = &noContext
	}
	d := dumper{checker: checker{raw: raw, ctx: *ctx, rules: ctx.Rules}, out: bufio.NewWriter(out), entries: opt.Entries}
	if d.entries <= 0 {
		d.entries = 8
	}
	if err := Decode(raw, &d.w); err != nil {
		d.printf("undecodable: %v\n", err)
		d.hex(0, min(len(raw), maxPlainBytes), "")
		d.elided(len(raw) - maxPlainBytes)
	} else {
		d.kind = d.rules.Kind(&d.w)
		d.wqe()
	}
	d.findings()
	return d.out.Flush()
}

// maxPlainBytes bounds what is shown as plain hex.
const maxPlainBytes = 1024

func (d *dumper) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

func (d *dumper) elided(n int) {
	if n > 0 {
		d.printf("  … %d more bytes\n", n)
	}
}

func (d *dumper) wqe() {
	w := &d.w
	d.printf("%v: index %#04x, QPN %#06x, DS %d = %d bytes in %d WQEBBs", w.Opcode, w.Index, w.QPN, w.DS, int(w.DS)*DSSize, WQEBBs(w.DS))
	if d.rules != nil {
		name := "of no known kind"
		if d.kind != nil {
			name = d.kind.Name
		}
		d.printf(", %s", d.rules.Name)
		if w.Opcode == OpUMR {
			d.printf(" %s", name)
		}
	}
	d.printf("\n")
	d.segment(SegCtrl, 0, "")
	end := CtrlSize
	switch w.Opcode {
	case OpUMR:
		end = d.umrSegments()
	case OpSetPSV:
		if w.DS >= 2 {
			d.segment(SegPSV, end, "")
			end += 16
		}
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		d.segment(SegRaddr, end, "")
		end = d.dataTable(end + RaddrSize)
	case OpSend, OpSendImm, OpSendInval:
		end = d.dataTable(end)
	}
	d.rest(end)
}

// rest shows what follows the segments: the WQE's own remainder, and what
// there is of the last WQEBB behind it.
func (d *dumper) rest(end int) {
	own := int(d.w.DS) * DSSize
	if end < own {
		d.printf("remaining bytes\n")
		d.hex(end, own, "")
	}
	last := min(len(d.raw), int(WQEBBs(d.w.DS))*WQEBBSize)
	if last <= own {
		return
	}
	if allZero(d.raw[own:last]) {
		d.printf("behind the WQE, %d bytes: zero\n", last-own)
		return
	}
	d.printf("behind the WQE, %d bytes: not part of it\n", last-own)
	d.hex(own, last, "stale")
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// hex prints rows of 16 bytes of raw[from:to].
func (d *dumper) hex(from, to int, remark string) { d.hexOf(d.raw[:to], from, remark) }

func (d *dumper) hexOf(b []byte, from int, remark string) {
	for off := from; off < len(b); off += 16 {
		row := b[off:min(off+16, len(b))]
		d.printf("  %03x: % x", off, row)
		if remark != "" {
			d.printf("  (%s)", remark)
		}
		d.printf("\n")
	}
}

// segment prints a segment of raw at offset off: rows, then fields.
func (d *dumper) segment(name string, off int, remark string) {
	size := SegmentSize(name)
	b := d.raw[off : off+size]
	d.printf("%s", name)
	if remark != "" {
		d.printf(" (%s)", remark)
	}
	d.printf("\n")
	d.hex(off, off+size, "")
	var zero []string
	for _, f := range Fields(name) {
		v := f.Get(b)
		if v == 0 {
			zero = append(zero, f.Name)
			continue
		}
		d.field(f, off, v)
	}
	d.reservedLine(name, off, b)
	if zero != nil {
		d.printf("    zero: %s\n", strings.Join(zero, ", "))
	}
}

func (d *dumper) field(f Field, off int, v uint64) {
	d.printf("    %-10s %-26s %#0*x", position(f, off), f.Name, int(f.Width+3)/4, v)
	if m := d.meaning(f, v); m != "" {
		d.printf("  %s", m)
	}
	d.printf("\n")
}

// position gives a field's place as its word's offset in the WQE and the bits
// in that word.
func position(f Field, off int) string {
	word := uint32(32)
	if f.Width > 32 {
		word = 64
	}
	hi := word - 1 - f.Bit%word
	if f.Bit%word+uint32(f.Width) > word { // not aligned to its own size
		word, hi = 8, 7-f.Bit%8
	}
	base := off + int(f.Bit/word*word/8)
	lo := hi + 1 - uint32(f.Width)
	if hi == lo {
		return fmt.Sprintf("%03x[%d]", base, hi)
	}
	return fmt.Sprintf("%03x[%d:%d]", base, hi, lo)
}

// reservedLine marks reserved bits that are not 0.
func (d *dumper) reservedLine(name string, off int, b []byte) {
	mask := ReservedMask(name)
	n, first := 0, 0
	for i, m := range mask {
		if b[i]&m != 0 {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	if n == 0 {
		return
	}
	why := "reserved bits set"
	if name == SegMkc && d.kind != nil && d.kind.Stale[first] != 0 {
		why = "stale: the producer does not write them"
	}
	d.printf("  ! reserved: %d bytes from %03x on, %s\n", n, off+first, why)
}

// findings prints what the strict decoder says.
func (d *dumper) findings() {
	found := Check(nil, d.raw, &d.ctx)
	if len(found) == 0 {
		d.printf("strict check: no findings\n")
		return
	}
	d.printf("strict check: %d findings\n", len(found))
	for _, f := range found {
		d.printf("  %v\n", f)
	}
}
