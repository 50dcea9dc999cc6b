package picture

import (
	"fmt"
	"strconv"
	"strings"
)

// commas writes a number with its digits in groups of three.
func commas[T int | uint64 | uint32](n T) string {
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count is a number and the word for so many things.
func count[T int | uint64 | uint32](n T, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return commas(n) + " " + what + "s"
}

// size is a number of bytes, short: exact where a binary unit divides it, else
// with one digit behind the point, or in bytes if there are few.
func size(n uint64) string {
	const units = "KMGTPE"
	if n < 10_000 && n%1024 != 0 || n < 1024 {
		return commas(n) + " B"
	}
	v, u := n, -1
	for v >= 1024 && u < len(units)-1 && v%1024 == 0 {
		v, u = v/1024, u+1
	}
	if v < 10_000 {
		return fmt.Sprintf("%s %ciB", commas(v), units[u])
	}
	f := float64(n)
	for u = -1; f >= 1024 && u < len(units)-1; u++ {
		f /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", f, units[u])
}

// bytesIn is a number of bytes in full, and short if that says more.
func bytesIn(n uint64) string {
	if n < 10_000 {
		return count(n, "byte")
	}
	return count(n, "byte") + " (" + size(n) + ")"
}

// headline is what became of the list, in one line.
func (p *Picture) headline(s *Strategy) string {
	switch {
	case s.Answer == "refused":
		return "refused: " + s.Refusal.Where
	case s.Answer == "broken":
		return "broken"
	}
	var parts []string
	if s.Answer == "partial" {
		parts = append(parts, "refused as a whole: "+s.Refusal.Where, "taken in "+count(s.Parts, "part"))
		if all := p.Bytes - p.Offset; s.Covered < all {
			parts = append(parts, "tried for "+size(s.Covered)+" of "+size(all))
		}
	} else {
		parts = append(parts, s.Answer)
	}
	if s.Chosen != "" {
		parts[len(parts)-1] += " by " + s.Chosen
	}
	return strings.Join(parts, ", ")
}

// cause is the finding of the check that gives the failure its class.
func (s *Strategy) cause() string {
	check, _, _ := strings.Cut(s.Class, "/")
	for _, f := range s.Failures {
		if f.Name == check {
			return f.String()
		}
	}
	return s.Failures[0].String()
}

// costs are the parts of the cost record that are not zero.
func (c *Cost) costs() string {
	var out []string
	add := func(n int, what string) {
		if n != 0 {
			out = append(out, count(n, what))
		}
	}
	add(c.MRs, "key")
	add(c.Descriptors, "descriptor")
	add(c.WQEs, "work request")
	if c.WQEBytes != 0 {
		out[len(out)-1] += " (" + size(uint64(c.WQEBytes)) + ")"
	}
	add(c.Fetches, "device fetch")
	if c.BytesCopied != 0 {
		out = append(out, size(c.BytesCopied)+" copied")
	}
	add(c.Buffers, "bounce page")
	add(c.RemoteDescs, "tuple")
	return strings.ReplaceAll(strings.Join(out, ", "), "fetchs", "fetches")
}

// reason says in words why a list is refused and where.
func (p *Picture) reason(r *Refusal) string {
	if r == nil {
		return ""
	}
	text := map[string]string{
		"gap":         "a border between entries lies inside a page",
		"sector":      "a border between entries lies inside a sector of 512 bytes",
		"entries":     "it takes more descriptors than one region holds",
		"regions":     "it takes more regions than are allowed",
		"pool":        "the pool of keys or buffers is empty",
		"queue":       "the work request is longer than the queue or a WQE may be",
		"empty":       "there are no bytes to register",
		"wrap":        "an entry runs past 2^64",
		"page-size":   "no page size fits, or the device does not have it",
		"unsupported": "the dialect or the device cannot do it",
		"total":       "the stream is longer than the strategy takes",
		"offset":      "the offset lies outside the list",
	}[r.Reason]
	if text == "" {
		text = r.Text
	}
	if r.Entry >= 0 {
		text += fmt.Sprintf(": entry %d", r.Entry)
		if p.Mapped != nil {
			text += " of the mapped list"
		}
		if r.Off > 0 {
			text += fmt.Sprintf(", byte %s", commas(r.Off))
		}
	}
	if r.Limit != 0 {
		text += "; the limit is " + commas(r.Limit)
		if r.Need != 0 {
			text += ", it needs " + commas(r.Need)
		}
	}
	return text
}

// title names a region.
func (g *Region) title() string {
	switch {
	case g.Skipped > 0 && g.Kind == KindSGE:
		return fmt.Sprintf("… %s more RDMA requests …", commas(g.Skipped))
	case g.Skipped > 0:
		return fmt.Sprintf("… %s more keys …", commas(g.Skipped))
	case g.Aux:
		return fmt.Sprintf("key %v: table of descriptors for the peer", g.Key)
	case g.Kind == KindSGE:
		return fmt.Sprintf("RDMA request %d, peer's address %v", g.Request, g.IOVA)
	}
	return fmt.Sprintf("key %v at %v", g.Key, g.IOVA)
}

// detail says more about a region: how much, and in what.
func (g *Region) detail() string {
	what := size(g.Bytes) + ", " + count(g.Descriptors, g.Kind)
	if g.Kind == KindMTT || g.Kind == KindKSM {
		what += " of " + size(g.Page)
	}
	return what
}

// name says which descriptor a piece is.
func (p *Piece) name(kind string) string {
	switch {
	case p.Run:
		return fmt.Sprintf("%s %s–%s", kind, commas(p.Index), commas(p.Index+p.Skipped-1))
	case p.Skipped > 0:
		return fmt.Sprintf("… %s more %ss …", commas(p.Skipped), kind)
	}
	return fmt.Sprintf("%s %s", kind, commas(p.Index))
}

// says is what a piece's descriptor holds.
func (p *Piece) says(kind string) string {
	switch {
	case p.Refused != "":
		return p.Refused
	case p.Skipped > 0 && !p.Run:
		return size(p.Len)
	case p.Run:
		return fmt.Sprintf("%v, contiguous", p.Addr)
	case kind == KindMTT && p.Len < p.Size && len(p.Via)+len(p.Memory) > 0:
		at := p.Memory
		if len(p.Via) > 0 {
			at = p.Via
		}
		if at[0].Addr == p.Addr {
			return fmt.Sprintf("%v, %s of it", p.Addr, size(p.Len))
		}
		return fmt.Sprintf("%v, from +%#x", p.Addr, uint64(at[0].Addr)-uint64(p.Addr))
	case kind == KindMTT:
		return p.Addr.String()
	}
	return fmt.Sprintf("%v + %s", p.Addr, commas(p.Size))
}

// named lists the entries that name a segment.
func (s *Segment) named() string {
	if s.Named == 0 {
		return ""
	}
	if s.Named > 3 {
		return fmt.Sprintf("named by %s entries", commas(s.Named))
	}
	words := make([]string, len(s.Entries))
	for i, e := range s.Entries {
		words[i] = commas(e)
	}
	if s.Named == 1 {
		return "entry " + words[0]
	}
	return "entries " + strings.Join(words, ", ")
}
