package picture

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/style"
)

// narrow is the width in columns below which a descriptor takes several lines.
const narrow = 72

// printer writes a Picture as text.
type printer struct {
	*bufio.Writer
	p     *Picture
	st    style.Style
	lines int // of the memory map
}

// Text writes the list in memory, a table of all strategies, and what those in
// shown made of the list, for a terminal of st's width. It may be as narrow as
// 40 columns.
func (p *Picture) Text(w io.Writer, st style.Style, shown []*Strategy) error {
	t := &printer{Writer: bufio.NewWriter(w), p: p, st: st}
	t.line(st.Bold(p.name()))
	t.wrapped(entries(p.Entries) + ", " + bytesIn(p.Bytes) + ", pages of " + size(p.PageSize) + and("offset", p.Offset != 0, size(p.Offset)) +
		and("after DMA mapping", p.Mapped != nil, entries(p.MappedEntries)))
	if p.Mutant != "" {
		t.wrapped("mutant " + p.Mutant + ": " + p.Cause)
	}
	t.memory()
	if len(p.Strategies) > 1 {
		t.table()
	}
	for _, s := range shown {
		t.strategy(s)
	}
	return t.Flush()
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return commas(n) + " entries"
}

func (t *printer) line(s string) { t.WriteString(strings.TrimRight(s, " ") + "\n") }

// wrapped writes text that holds no colour, in as many lines as it takes.
func (t *printer) wrapped(s string) {
	for _, l := range wrap(s, t.st.Width()) {
		t.line(style.Cut(l, t.st.Width()))
	}
}

// heading writes a line across.
func (t *printer) heading(s string) {
	s = style.Cut("── "+s+" ", t.st.Width())
	t.line("")
	t.line(t.st.Bold(s) + t.st.Muted(strings.Repeat("─", max(t.st.Width()-style.Columns(s), 0))))
}

// table compares all strategies.
func (t *printer) table() {
	t.heading("strategies")
	wide := t.st.Width() >= narrow
	if wide {
		t.line(t.st.Muted(fmt.Sprintf("%-9s %-9s %6s %9s %10s %10s", "strategy", "answer", "keys", "descr.", "WQE bytes", "copied")))
	}
	for i := range t.p.Strategies {
		s := &t.p.Strategies[i]
		answer, note := "", ""
		switch {
		case s.Failed():
			answer, note = t.st.Bad("FAILED"), t.st.Bad(s.Class)
		case s.Refusal != nil:
			answer, note = t.st.Warn(s.Answer), s.Refusal.Where
		case s.Chosen != "":
			answer, note = t.st.Good(s.Answer), "by "+s.Chosen
		default:
			answer = t.st.Good(s.Answer)
		}
		answer = style.Pad(answer, 9)
		c := &s.Cost
		if !wide {
			t.line(fmt.Sprintf("%-9s %s %s", s.Name, answer, note))
			continue
		}
		t.line(fmt.Sprintf("%-9s %s %6s %9s %10s %10s  %s", s.Name, answer, dash(c.MRs), dash(c.Descriptors), dash(c.WQEBytes), dashSize(c.BytesCopied), note))
	}
}

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return commas(n)
}

func dashSize(n uint64) string {
	if n == 0 {
		return "-"
	}
	return size(n)
}

// strategy writes what one strategy made of the list.
func (t *printer) strategy(s *Strategy) {
	word := t.p.headline(s)
	if s.Failed() {
		word = "FAILED (" + s.Class + ")"
	}
	t.heading(s.Name + ": " + word)
	if c := s.Cost.costs(); c != "" && len(s.Regions) > 0 {
		t.wrapped(c)
	}
	if s.Why != "" {
		t.wrapped("why: " + s.Why)
	}
	if s.Refusal != nil {
		t.wrapped("refused: " + t.p.reason(s.Refusal))
	}
	if s.Error != "" && len(s.Failures) == 0 {
		t.wrapped(s.Error)
	}
	if s.Again {
		t.wrapped("The first registration was right; this is the second one of the same list.")
	}
	t.blame(s)
	if len(s.Regions) == 0 {
		return
	}
	t.line("")
	if t.st.Width() >= narrow {
		t.line(t.st.Muted(t.row("entry", "memory", "", "", "descriptor", "stream")))
	}
	for i := range s.Regions {
		t.region(s, i)
	}
}

// blame writes what is wrong.
func (t *printer) blame(s *Strategy) {
	b := s.Blame
	if b == nil {
		return
	}
	for _, l := range wrap("✗ "+b.Text, t.st.Width()-2) {
		t.line(t.st.Bad(style.Cut(l, t.st.Width())))
	}
	if b.Part != "" {
		t.wrapped(s.cause())
	}
	if b.Entry >= 0 {
		where := fmt.Sprintf("first at stream byte %s = entry %s, byte %s", commas(b.Stream), commas(b.Entry), commas(b.Off))
		if b.Differ > 0 {
			where += "; " + count(b.Differ, "byte") + " in all"
		}
		t.wrapped(where)
	}
	if len(b.Got)+len(b.Expected) > 0 {
		n := max((t.st.Width()-14)/3, 4)
		t.line("the list has  " + hexText(b.Expected[:min(len(b.Expected), n)]))
		t.line("the peer gets " + t.st.Bad(hexText(b.Got[:min(len(b.Got), n)])))
	}
}

// region writes a key and its pieces.
func (t *printer) region(s *Strategy, i int) {
	g := &s.Regions[i]
	if g.Aux {
		t.line(style.Cut("  "+g.title()+", "+size(g.Len), t.st.Width()))
		return
	}
	title := g.title() + ", " + g.detail()
	if s.Parts > 1 && g.Skipped == 0 {
		title = fmt.Sprintf("part %d: %s", g.Part+1, title)
	}
	t.line(t.st.Accent(style.Cut(title, t.st.Width())))
	for k := range g.Pieces {
		q := &g.Pieces[k]
		blamed := s.Blame != nil && s.Blame.Region == i && s.Blame.Index == q.Index && q.Skipped == 0
		t.piece(g, q, blamed)
	}
}

// strand is a part of a piece that belongs to one entry.
type strand struct {
	entry  int // -1 for none that is shown
	addr   Addr
	at, n  uint64
	memory bool // addr is known
}

// strands cuts a piece at the borders of entries.
func (t *printer) strands(q *Piece) (out []strand) {
	at := q.Stream
	for _, e := range q.Memory {
		if q.Wrong { // whose bytes these are the list does not say
			n := min(e.Len, q.Stream+q.Len-at) // copies may bring more than there is room for
			if n > 0 {
				out = append(out, strand{-1, e.Addr, at, n, true})
			}
			at += n
			continue
		}
		for rest := e.Len; rest > 0; {
			entry, n := t.p.entryAt(at, rest)
			out = append(out, strand{entry, e.Addr + Addr(e.Len-rest), at, n, true})
			at, rest = at+n, rest-n
		}
	}
	if end := q.Stream + q.Len; at < end {
		entry, _ := t.p.entryAt(at, end-at)
		out = append(out, strand{entry: entry, at: at, n: end - at})
	}
	return out
}

// piece writes a descriptor, a line for each entry that it serves.
func (t *printer) piece(g *Region, q *Piece, blamed bool) {
	if q.Skipped > 0 && !q.Run {
		text := fmt.Sprintf("%s, %s, entries %s to %s", strings.Trim(q.name(g.Kind), "… "), size(q.Len), commas(q.First), commas(q.Last))
		t.line(t.st.Muted("      ⋮  " + style.Cut(text, t.st.Width()-9)))
		return
	}
	for i, x := range t.strands(q) {
		name := q.name(g.Kind)
		if i > 0 {
			name = ""
		}
		t.strand(q, x, name, blamed)
	}
	if q.Wrong && len(q.Want) > 0 && q.WrongAt >= q.Stream {
		note := fmt.Sprintf("the list has %v + %s here", q.Want[0].Addr, commas(q.Want[0].Len))
		if q.First < t.p.Entries {
			note += fmt.Sprintf(" (entry %s)", commas(q.First))
		}
		t.line(t.st.Bad("        " + style.Cut(note, t.st.Width()-8)))
	}
}

func (t *printer) strand(q *Piece, x strand, name string, blamed bool) {
	entry, mem := "", "nothing"
	if x.entry >= 0 {
		entry = commas(x.entry)
	}
	if x.memory {
		mem = fmt.Sprintf("%v + %s", x.addr, commas(x.n))
	} else if q.Refused != "" {
		mem = q.Refused
	}
	to := commas(x.at)
	if last := " … " + commas(x.at+x.n-1); x.n > 1 && style.Columns(to+last) <= t.room() {
		to += last
	}
	left, right := "───", "──▶"
	switch {
	case q.Wrong:
		left, right = "✗──", "──✗"
	case len(q.Via) > 0:
		left = "cp▶" // the bytes go by bounce memory
	}
	if blamed {
		name = "▸" + name
	}
	if t.st.Width() < narrow {
		t.slim(q, x, entry, mem, to, name)
		return
	}
	line := t.row(entry, mem, left, right, name, to)
	switch {
	case q.Wrong:
		line = t.st.Bad(line)
	case x.entry >= 0:
		line = t.st.Series(x.entry, line)
	}
	t.line(line)
}

// Columns of a row: the entry's number, the descriptor's name, and what stands
// between memory, descriptor and stream.
const (
	entryCols = 6 + 2
	nameCols  = 14
	joinCols  = 3 + 2 + 2 + 3 + 1
)

// memCols is how wide the memory of a row may be.
func (t *printer) memCols() int { return max(min(t.st.Width()-50, 36), 24) }

// room is what is left for the stream, on a terminal that is not narrow.
func (t *printer) room() int {
	if t.st.Width() < narrow {
		return t.st.Width() - 16
	}
	return t.st.Width() - entryCols - t.memCols() - nameCols - joinCols
}

// row is a line of the picture: memory, descriptor, stream.
func (t *printer) row(entry, mem, left, right, name, to string) string {
	w := t.memCols()
	box, lead := style.Pad(style.Cut(name, nameCols), nameCols), " "
	if left == "" {
		box = "  " + box + "  "
		left, right = "   ", "   "
	} else {
		box, lead = "┤ "+box+" ├", "─"
	}
	mem = style.Cut(mem, w) + " "
	mem += strings.Repeat(lead, max(w-style.Columns(mem), 0))
	return style.Cut(style.PadLeft(entry, entryCols-2)+"  "+style.Cut(style.Pad(mem, w), w)+left+box+right+" "+to, t.st.Width())
}

// slim is a row for narrow terminals.
func (t *printer) slim(q *Piece, x strand, entry, mem, to, name string) {
	if name != "" {
		if q.Wrong {
			name = t.st.Bad("✗ " + name)
		}
		t.line("  " + name)
	}
	paint := func(s string) string { return style.Cut(s, t.st.Width()) }
	if entry != "" {
		mem = "entry " + entry + ": " + mem
	}
	body := paint("    " + mem)
	foot := paint("      └▶ stream " + to)
	if x.entry >= 0 && !q.Wrong {
		body, foot = t.st.Series(x.entry, body), t.st.Series(x.entry, foot)
	}
	t.line(body)
	t.line(foot)
}
