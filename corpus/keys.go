package corpus

import (
	"math"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/sg"
)

// key is one option line of the text form: how its value is read into a case
// and written back. append adds nothing for a field that is not set.
type key struct {
	name   string
	scan   func(c *Case, value string) error
	append func(dst []byte, c *Case) []byte
}

// options are the keys that occur at most once, in canonical order.
var options = []key{
	number("page-size", 10, 1, func(c *Case) *uint64 { return &c.PageSize }),
	word("dialect", dialects, func(c *Case) *string { return &c.Dialect }),
	word("profile", nil, func(c *Case) *string { return &c.Profile }),
	{"access", scanAccess, func(dst []byte, c *Case) []byte { return append(dst, c.Access.String()...) }},
	{"dma", scanDMA, appendDMA},
	number("offset", 10, 0, func(c *Case) *uint64 { return &c.Offset }),
	word("dir", dirs, func(c *Case) *string { return &c.Dir }),
	word("strategy", strategies, func(c *Case) *string { return &c.Strategy }),
	number("max-entries", 10, 1, func(c *Case) *uint32 { return &c.Limits.MaxEntries }),
	number("max-entry-bytes", 10, 1, func(c *Case) *uint64 { return &c.Limits.MaxEntryBytes }),
	number("max-regions", 10, 1, func(c *Case) *uint32 { return &c.Limits.MaxRegions }),
	number("max-inline", 10, 1, func(c *Case) *uint32 { return &c.Limits.MaxInline }),
	{"queue", scanQueue, appendQueue},
	number("pool", 10, 1, func(c *Case) *uint32 { return &c.Limits.Pool }),
	{"iova", scanIOVA, appendIOVA},
	number("pgsz-bitmap", 16, 1, func(c *Case) *uint64 { return &c.PgszBitmap }),
}

// Ranks of what is not an option: where lines and comments stand in the
// canonical order.
const (
	rankHead  = -1
	keyHead   = ""
	keySG     = "sg"
	keyWant   = "want"
	keyEnd    = "end"
	emptyList = "none"
)

func rankSG() int   { return len(options) }
func rankWant() int { return len(options) + 1 }
func rankEnd() int  { return len(options) + 2 }

// rank orders the keys as Format writes them; an unknown key comes last.
func rank(name string) int {
	switch name {
	case keyHead:
		return rankHead
	case keySG:
		return rankSG()
	case keyWant:
		return rankWant()
	}
	for i := range options {
		if options[i].name == name {
			return i
		}
	}
	return rankEnd()
}

func keyNames() []string {
	names := []string{keySG, keyWant}
	for i := range options {
		names = append(names, options[i].name)
	}
	return names
}

// maxWord bounds a free word (profile, reason) in bytes.
const maxWord = 256

// number is an option with one number of at least least, written in base 10 or
// 16.
func number[T uint32 | uint64](name string, base int, least uint64, field func(*Case) *T) key {
	most := uint64(^T(0))
	return key{name,
		func(c *Case, value string) error {
			v, err := scanNumber(value, most)
			if err == nil && v < least {
				err = valueErrorf(0, "%s %d means nothing; leave the line out", name, v)
			}
			*field(c) = T(v)
			return err
		},
		func(dst []byte, c *Case) []byte {
			if v := *field(c); v != 0 {
				return appendNumber(dst, uint64(v), base)
			}
			return dst
		}}
}

// word is an option with one of the known words; nil stands for any word.
func word(name string, known []string, field func(*Case) *string) key {
	return key{name,
		func(c *Case, value string) error {
			if i := strings.IndexAny(value, " \t"); i >= 0 {
				return valueErrorf(i, "one word after %q is needed", name)
			}
			if len(value) > maxWord {
				return valueErrorf(maxWord, "%s is longer than %d bytes", name, maxWord)
			}
			*field(c) = strings.Clone(value)
			if known == nil {
				return nil
			}
			return oneOf(name, value, known)
		},
		func(dst []byte, c *Case) []byte { return append(dst, mendWord(*field(c))...) }}
}

func scanAccess(c *Case, value string) (err error) {
	c.Access, err = ParseAccess(value)
	return err
}

func scanDMA(c *Case, value string) error {
	d, err := sg.ParseDMA(value)
	if err != nil {
		return valueErrorf(0, "%v", err)
	}
	c.DMA = d
	return nil
}

func appendDMA(dst []byte, c *Case) []byte {
	if c.DMA == (sg.DMA{}) {
		return dst
	}
	return append(dst, c.DMA.String()...)
}

// scanQueue reads "WQEBBS" or "WQEBBS @ POS".
func scanQueue(c *Case, value string) error {
	size, pos, found := strings.Cut(value, "@")
	n, err := scanNumber(strings.TrimRight(size, " \t"), math.MaxUint32)
	if err == nil && n == 0 {
		err = valueErrorf(0, "a queue has at least one WQEBB")
	}
	if err != nil {
		return err
	}
	c.Limits.Queue, c.Limits.RingStart = uint32(n), 0
	if found {
		at := strings.TrimLeft(pos, " \t")
		n, err = scanNumber(at, math.MaxUint32)
		if err != nil {
			return shifted(err, len(value)-len(at))
		}
		c.Limits.RingStart = uint32(n)
	}
	return nil
}

// appendQueue leaves out a start position without a queue size: it means
// nothing.
func appendQueue(dst []byte, c *Case) []byte {
	if c.Limits.Queue == 0 {
		return dst
	}
	dst = strconv.AppendUint(dst, uint64(c.Limits.Queue), 10)
	if c.Limits.RingStart != 0 {
		dst = append(dst, " @ "...)
		dst = strconv.AppendUint(dst, uint64(c.Limits.RingStart), 10)
	}
	return dst
}

func scanIOVA(c *Case, value string) (err error) {
	c.IOVA, err = scanNumber(value, math.MaxUint64)
	c.HasIOVA = err == nil
	return err
}

func appendIOVA(dst []byte, c *Case) []byte {
	if !c.HasIOVA {
		return dst
	}
	return appendNumber(dst, c.IOVA, 16)
}

func appendNumber(dst []byte, v uint64, base int) []byte {
	if base == 16 {
		dst = append(dst, "0x"...)
	}
	return strconv.AppendUint(dst, v, base)
}

// scanNumber reads a number that fills s: decimal, or hexadecimal after 0x.
func scanNumber(s string, most uint64) (uint64, error) {
	digits, base, skip := s, 10, 0
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		digits, base, skip = s[2:], 16, 2
	}
	if digits == "" {
		return 0, valueErrorf(0, "a decimal or 0x hexadecimal number is needed")
	}
	for i := range len(digits) {
		if d := digits[i]; !('0' <= d && d <= '9' || base == 16 && 'a' <= d|0x20 && d|0x20 <= 'f') {
			return 0, valueErrorf(skip+i, "a decimal or 0x hexadecimal number is needed, not %q", clip(s))
		}
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil || v > most {
		return 0, valueErrorf(0, "number %s is beyond %s", clip(s), powerName(most))
	}
	return v, nil
}

func powerName(most uint64) string {
	switch most {
	case math.MaxUint32:
		return "2^32-1"
	case math.MaxUint64:
		return "2^64-1"
	}
	return strconv.FormatUint(most, 10)
}
