package wqetext

import (
	"bytes"
	"regexp"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

var (
	// Prefixes of log lines: "Nov 20 16:00:00 host kernel: ", an ISO time
	// stamp in its place, "<4>", "[12345.678901] ", "[T123] ".
	syslogPrefix = regexp.MustCompile(`^\S.{0,120}?\bkernel: ?`)
	dmesgPrefix  = regexp.MustCompile(`^(?:<\d{1,3}>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?`)
	levelPrefix  = regexp.MustCompile(`^<\d{1,3}>`)
	quotePrefix  = regexp.MustCompile(`^(?:> ?)+`) // of mail
	// "[Thu Nov 20 16:00:01 2026] " of dmesg -T, "[Nov20 16:00] " and
	// "[  +0.000003] " of dmesg -H, "2026-11-20T16:00:01,123456+00:00 " of
	// dmesg --time-format iso, "kern  :warn  : " of dmesg -x.
	clockPrefix    = regexp.MustCompile(`^(?:\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\]|\[[A-Z][a-z]{2}[ \d]\d \d\d:\d\d\]|\[ *\+\d+\.\d+\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d+\S*) ?`)
	facilityPrefix = regexp.MustCompile(`^[a-z]+ *:[a-z]+ *: `)

	// The drivers' headings: net/ethernet/mellanox/mlx5/core/wq.c
	// mlx5_wq_cyc_wqe_dump, hw/mlx5/wr.c dump_wqe, rdma-core qp.c dump_wqe.
	wqeDump  = regexp.MustCompile(`WQE DUMP: .*`)
	dumpWQE  = regexp.MustCompile(`(?i)dump wqe (?:index|at) .*`)
	cqeDump  = regexp.MustCompile(`(?i)dump (?:error |err )?cqe\b.*|Error cqe on cqn .*|got completion with error:?.*`)
	wqebbAt  = regexp.MustCompile(`^(?:\S+ ){0,6}WQE?BB at .*`)
	hexdumpC = regexp.MustCompile(`^([0-9a-fA-F]{6,16})  ([0-9a-fA-F ]+)\|.*\|$`)
	offset   = regexp.MustCompile(`^(?:0x)?([0-9a-fA-F]{3,16}):[ \t]+`)
	// "000000 00 00 05 25 …" of od -A x -t x1, hexdump -C without characters.
	odRow = regexp.MustCompile(`^([0-9a-fA-F]{6,16}) {1,2}((?:[0-9a-fA-F]{2}(?: +|$)){1,16})(?:>.*<)?$`)
	// The last line of hexdump and od: the length.
	endOffset = regexp.MustCompile(`^[0-9a-fA-F]{6,16}$`)
	words     = regexp.MustCompile(`^[0-9a-fA-F]{8}(?: [0-9a-fA-F]{8}){3}$`)
)

// nature says how to take lines that hold no bytes: in a log, and between rows
// that name their offsets, they are no errors. kernel tells a log from a dump
// with text around it.
func nature(data []byte) (log, kernel bool) {
	if bytes.Contains(data, []byte("WQE DUMP: ")) {
		return true, true
	}
	for line := range bytes.Lines(data) {
		if _, prefixed := stripLogPrefix(line); prefixed || dumpWQE.Match(line) || cqeDump.Match(line) {
			return true, true
		}
		if _, row, ok := splitOffset(bytes.TrimSpace(bytes.TrimPrefix(line, quotePrefix.Find(line)))); ok && len(parseRow(row)) > 0 {
			log = true
		}
	}
	return log, false
}

// stripLogPrefix removes what a log daemon, or a quoting mail, put before the
// kernel's text; stripped says that it was a log.
func stripLogPrefix(line []byte) (rest []byte, stripped bool) {
	line = bytes.TrimPrefix(line, quotePrefix.Find(line))
	n := len(line)
	for _, re := range []*regexp.Regexp{syslogPrefix, facilityPrefix, dmesgPrefix, clockPrefix, levelPrefix} {
		if loc := re.FindIndex(line); loc != nil {
			line = line[loc[1]:]
		}
	}
	return line, len(line) != n
}

// driverHeading takes the headings of the drivers' dumps.
func (p *parser) driverHeading(text []byte) bool {
	if h := wqeDump.Find(text); h != nil {
		p.heading(h)
		p.format = KernelLog
		return true
	}
	// A completion's bytes stand in the same logs, in a block of their own.
	if h := cqeDump.Find(text); h != nil {
		p.heading(h)
		p.cur.CQE = true
		return true
	}
	if h := dumpWQE.Find(text); h != nil {
		p.heading(h)
		if p.format == Unknown {
			p.format = Words
		}
		return true
	}
	// The WQEBBs of one WQE follow each other.
	return wqebbAt.Match(text)
}

// cqeRow begins each row of a completion in newer kernels
// (drivers/infiniband/hw/mlx5/cq.c dump_cqe).
const cqeRow = "cqe_dump: "

// cqeRow takes a row without its prefix.
func (p *parser) cqeRow(row []byte) []byte {
	if off, _, ok := splitOffset(row); !p.cur.CQE || ok && off == 0 && len(p.cur.Bytes) > 0 {
		p.heading([]byte("cqe_dump"))
		p.cur.CQE = true
	}
	return row
}

// IsErrorCQE says whether bytes look like a completion with error, 64 bytes or
// the second half of 128: its first half is zero, as no WQE's is, and its last
// byte has one of the two opcodes. Authority: include/linux/mlx5/device.h
// mlx5_err_cqe, MLX5_CQE_REQ_ERR, MLX5_CQE_RESP_ERR.
func IsErrorCQE(b []byte) bool {
	if len(b) != mlx5model.CQESize && len(b) != 2*mlx5model.CQESize {
		return false
	}
	b = b[len(b)-mlx5model.CQESize:]
	c := mlx5model.ParseCQE(b)
	return zero(b[:32]) && c.Failed() && c.Syndrome != 0
}

// splitOffset takes the offset off a row.
func splitOffset(text []byte) (off uint64, row []byte, ok bool) {
	digits, row := []byte(nil), []byte(nil)
	if m := hexdumpC.FindSubmatch(text); m != nil {
		digits, row = m[1], m[2]
	} else if m := offset.FindSubmatchIndex(text); m != nil {
		digits, row = text[m[2]:m[3]], text[m[1]:]
	} else if m := odRow.FindSubmatch(text); m != nil {
		digits, row = m[1], m[2]
	} else {
		return 0, nil, false
	}
	return number(digits), row, true
}

// number reads at most 16 hex digits.
func number(digits []byte) (n uint64) {
	for _, c := range digits {
		n = n<<4 | uint64(nibble(c))
	}
	return n
}

// maxRow is the longest row that print_hex_dump writes.
const maxRow = 32

// parseRow reads the bytes of a row up to its column of characters: what
// follows two spaces, except in a row's middle, or the first word that is not
// hex. Words of a dump may have any even number of digits.
func parseRow(row []byte) []byte {
	out := make([]byte, 0, 16)
	for len(row) > 0 && len(out) < maxRow {
		gap := len(row)
		row = bytes.TrimLeft(row, " \t")
		gap -= len(row)
		if gap > 1 && len(out) > 0 && len(out) != 8 || gap > 1 && len(out) >= 16 {
			break
		}
		row = bytes.TrimPrefix(row, []byte("0x"))
		end := bytes.IndexAny(row, " \t")
		if end < 0 {
			end = len(row)
		}
		if !isHex(row[:end]) || end%2 != 0 || end > 2*maxRow {
			break
		}
		out = appendHex(out, row[:end])
		row = row[end:]
	}
	return out[:min(len(out), maxRow)]
}

func isWords(text []byte) bool { return words.Match(text) }

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

func isHex(b []byte) bool {
	for _, c := range b {
		if nibble(c) == 0xff {
			return false
		}
	}
	return len(b) > 0
}

// appendHex appends the bytes of an even number of hex digits.
func appendHex(out, digits []byte) []byte {
	for i := 0; i+1 < len(digits); i += 2 {
		out = append(out, nibble(digits[i])<<4|nibble(digits[i+1]))
	}
	return out
}

func separator(c byte) bool { return c == ' ' || c == '\t' || c == ':' || c == ',' }

// isHexLine says whether a line without offset may hold hex: digits,
// separators, and 0x before a number.
func isHexLine(text []byte) bool {
	digits := 0
	for i, c := range text {
		switch {
		case nibble(c) != 0xff:
			digits++
		case separator(c):
		case (c == 'x' || c == 'X') && i > 0 && text[i-1] == '0' && (i == 1 || separator(text[i-2])):
			digits--
		default:
			return false
		}
	}
	return digits > 0
}

// parsePlain reads a line that isHexLine accepts. Each word has an even number
// of digits.
func parsePlain(text []byte) ([]byte, error) {
	out := make([]byte, 0, len(text)/2)
	for len(text) > 0 {
		if separator(text[0]) {
			text = text[1:]
			continue
		}
		end := 0
		for end < len(text) && !separator(text[end]) {
			end++
		}
		word := text[:end]
		if len(word) > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X') {
			word = word[2:]
		}
		if !isHex(word) {
			return nil, ErrSyntax
		}
		if len(word)%2 != 0 {
			return nil, ErrOdd
		}
		out = appendHex(out, word)
		text = text[end:]
	}
	return out, nil
}
