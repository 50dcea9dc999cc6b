// Package wqetext reads WQE and CQE bytes from what people have at hand: plain
// hex, hex dumps with offsets, kernel logs, and raw bytes.
//
// Parse finds out the form by itself:
//
//   - Raw bytes, if the data holds bytes that text does not.
//   - Kernel logs: the line "WQE DUMP: WQ size …" of the mlx5 drivers and the
//     rows of print_hex_dump behind it, "00000000: 00 00 05 25 …", with or
//     without the prefixes of dmesg, syslog and the journal. Other lines of the
//     log are passed over.
//   - Completions with error in the same logs: "dump error cqe" and its rows,
//     or rows that begin with "cqe_dump: ", by mlx5_ib; "Error cqe on cqn …" by
//     mlx5e; "got completion with error:" by libmlx5.
//   - Rows of words as the drivers' dump_wqe and dump_cqe print them, "%08x %08x
//     %08x %08x", which are the bytes in their order.
//   - Hex dumps with offsets ("000: …", xxd, hexdump -C and od -A x -t x1 with
//     their "*" rows), with or without a column of characters. Text between the
//     rows is passed over.
//   - Plain hex with spaces, tabs, colons, commas and 0x between the digits.
//
// A row at offset 0, a heading of the drivers, or a line that begins with "#"
// starts a new block. Split cuts a block that holds several WQEs, as a dump of
// a send queue does.
package wqetext

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Format is the form of the data that Parse saw.
type Format uint8

// The forms that Parse knows.
const (
	Unknown   Format = iota
	Binary           // raw bytes
	Hex              // plain hex digits
	HexDump          // rows with offsets
	KernelLog        // "WQE DUMP" or another log with rows in it
	Words            // dump_wqe
)

// String gives the form's name.
func (f Format) String() string {
	names := [...]string{"unknown", "binary", "hex", "hex dump", "kernel log", "dump_wqe words"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("format %d", f)
}

// Block is one run of bytes found in the data.
type Block struct {
	Bytes  []byte
	Source string // the heading above the bytes, "" if there is none
	Line   int    // number of the line with the first byte, from 1; 0 for raw bytes
	CQE    bool   // the heading, or else the bytes, say that these are completions with error
	Gap    int    // line of a log at which rows are missing: the block ends before it; 0 for none
}

// MaxBytes bounds what Parse yields in total: the largest send queue.
const MaxBytes = 2 << 20

// Reasons for an Error.
var (
	ErrEmpty   = errors.New("no WQE bytes")
	ErrSyntax  = errors.New("neither hex nor a known dump")
	ErrOdd     = errors.New("odd number of hex digits")
	ErrOffset  = errors.New("row is not where its offset says")
	ErrTooLong = errors.New("more bytes than the largest send queue holds")
)

// Error says where the data cannot be read. Line counts from 1; 0 stands for
// the data as a whole.
type Error struct {
	Line   int
	Detail string
	Err    error
}

// Error gives line, reason and detail.
func (e *Error) Error() string {
	s := e.Err.Error()
	if e.Line > 0 {
		s = fmt.Sprintf("line %d: %s", e.Line, s)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Parse reads all blocks of data. Blocks are never empty; raw bytes are one
// block, which is data itself. On error the blocks are nil and the error is an
// *Error.
func Parse(data []byte) ([]Block, Format, error) {
	if len(data) == 0 {
		return nil, Unknown, &Error{Err: ErrEmpty}
	}
	if !isText(data) {
		if len(data) > MaxBytes {
			return nil, Binary, &Error{Err: ErrTooLong}
		}
		return []Block{{Bytes: data, CQE: IsErrorCQE(data)}}, Binary, nil
	}
	var p parser
	p.log, p.kernel = nature(data)
	for line := range bytes.Lines(data) {
		p.line++
		if err := p.add(bytes.TrimRight(line, "\r\n")); err != nil {
			return nil, p.format, err
		}
	}
	p.flush()
	if len(p.blocks) == 0 {
		return nil, p.format, &Error{Err: ErrEmpty}
	}
	return p.blocks, p.format, nil
}

// isText says whether data is UTF-8 without control characters other than
// those that lay out lines.
func isText(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	for _, b := range data {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// parser collects rows into blocks.
type parser struct {
	blocks []Block
	format Format
	log    bool // lines without bytes are passed over
	kernel bool // it is a kernel's or a driver's log
	line   int
	total  int // bytes in all blocks

	cur     Block
	first   uint64 // offset of cur's first byte
	last    []byte // the row before, for "*"
	squeeze bool   // a "*" row: the row before repeats
}

// flush closes the current block.
func (p *parser) flush() {
	if len(p.cur.Bytes) > 0 {
		p.cur.CQE = p.cur.CQE || p.cur.Source == "" && IsErrorCQE(p.cur.Bytes)
		p.blocks = append(p.blocks, p.cur)
	}
	p.cur, p.first, p.last, p.squeeze = Block{}, 0, nil, false
}

// heading starts a new block under a heading.
func (p *parser) heading(text []byte) {
	p.flush()
	p.cur.Source = string(bytes.TrimSpace(text))
}

func (p *parser) fail(err error, format string, args ...any) error {
	return &Error{Line: p.line, Detail: fmt.Sprintf(format, args...), Err: err}
}

// add reads one line.
func (p *parser) add(line []byte) error {
	line, prefixed := stripLogPrefix(line)
	text := bytes.TrimSpace(line)
	if row, ok := bytes.CutPrefix(text, []byte(cqeRow)); ok {
		text = p.cqeRow(row)
	}
	switch {
	case len(text) == 0:
		return nil
	case text[0] == '#':
		p.heading(bytes.TrimLeft(text, "# "))
		return nil
	case p.driverHeading(text):
		return nil
	case len(text) == 1 && text[0] == '*' && p.last != nil:
		p.squeeze = true
		return nil
	case p.last != nil && endOffset.Match(text):
		return p.end(number(text))
	}
	if off, row, ok := splitOffset(text); ok {
		if b := parseRow(row); len(b) > 0 {
			return p.row(off, b)
		}
	}
	if p.log && !prefixed && p.format == KernelLog && !isWords(text) || !isHexLine(text) {
		if p.log {
			return nil
		}
		return p.fail(ErrSyntax, "%q", clip(text))
	}
	b, err := parsePlain(text)
	if err != nil {
		if p.log {
			return nil
		}
		return p.fail(err, "%q", clip(text))
	}
	if p.log && !isWords(text) {
		return nil
	}
	p.setFormat(text)
	return p.append(b)
}

func (p *parser) setFormat(text []byte) {
	switch {
	case p.format != Unknown:
	case isWords(text):
		p.format = Words
	default:
		p.format = Hex
	}
}

// row takes the bytes of a row that names its offset.
func (p *parser) row(off uint64, b []byte) error {
	if p.format == Unknown {
		p.format = HexDump
		if p.kernel {
			p.format = KernelLog
		}
	}
	if off == 0 && len(p.cur.Bytes) > 0 {
		p.flush()
	}
	if len(p.cur.Bytes) == 0 {
		p.first = off
	}
	if p.squeeze {
		if err := p.repeat(off); err != nil {
			return err
		}
	}
	if p.cur.Gap > 0 {
		return nil
	}
	if want := p.first + uint64(len(p.cur.Bytes)); off != want {
		if p.kernel { // logs lose lines: what is behind the gap is of no use
			p.cur.Gap = p.line
			return nil
		}
		return p.fail(ErrOffset, "offset %#x, %#x expected", off, want)
	}
	p.last = append(p.last[:0], b...)
	return p.append(b)
}

// end takes the length that ends a dump.
func (p *parser) end(off uint64) error {
	if p.squeeze {
		if err := p.repeat(off); err != nil {
			return err
		}
	}
	if want := p.first + uint64(len(p.cur.Bytes)); off != want {
		return p.fail(ErrOffset, "the dump ends at %#x, %#x expected", off, want)
	}
	p.flush()
	return nil
}

// repeat fills in the rows that a "*" stands for, up to offset off.
func (p *parser) repeat(off uint64) error {
	p.squeeze = false
	for at := p.first + uint64(len(p.cur.Bytes)); at < off; at += uint64(len(p.last)) {
		if err := p.append(p.last); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) append(b []byte) error {
	if p.total += len(b); p.total > MaxBytes {
		return p.fail(ErrTooLong, "%d bytes", MaxBytes)
	}
	if len(p.cur.Bytes) == 0 {
		p.cur.Line = p.line
	}
	p.cur.Bytes = append(p.cur.Bytes, b...)
	return nil
}

// clip shortens a line for an error message.
func clip(b []byte) []byte {
	if len(b) > 60 {
		return append(append([]byte(nil), b[:60]...), "…"...)
	}
	return b
}
