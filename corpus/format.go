package corpus

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Format is the canonical text of a case; see the package comment for what it
// keeps. Comments that belong to lines the case does not have come where the
// line would be. Text that Parse would refuse in a comment is mended.
func Format(c *Case) string { return string(AppendCase(nil, c)) }

// AppendCase adds the text of Format to dst.
func AppendCase(dst []byte, c *Case) []byte {
	f := formatter{dst: dst, start: len(dst), notes: sortedComments(c.Comments)}
	f.above(rankHead, 0)
	f.options(c)
	f.entries(c.List)
	f.wants(c.Wants)
	f.above(rankEnd(), 0)
	for len(f.notes) > 0 {
		f.note()
	}
	return f.dst
}

type formatter struct {
	dst   []byte
	start int       // where the text begins in dst
	notes []Comment // not yet written, in the order of their places
	blank bool      // a blank line is due before the next line
}

// place orders comments: by key, line of that key, tail last.
func (c *Comment) place() (r, index int, tail bool) {
	r = rank(c.At)
	if r != rankSG() && r != rankWant() {
		return r, 0, c.Tail
	}
	return r, c.Index, c.Tail
}

func sortedComments(list []Comment) []Comment {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Comment) int {
		ra, ia, ta := a.place()
		rb, ib, tb := b.place()
		switch {
		case ra != rb:
			return ra - rb
		case ia != ib:
			return ia - ib
		case ta != tb && ta:
			return 1
		case ta != tb:
			return -1
		}
		return 0
	})
	return list
}

func (f *formatter) put(pieces ...string) {
	for _, s := range pieces {
		f.dst = append(f.dst, s...)
	}
}

// beginLine writes the blank line that is due, never at the top.
func (f *formatter) beginLine() {
	if f.blank && len(f.dst) > f.start {
		f.dst = append(f.dst, '\n')
	}
	f.blank = false
}

// above writes the comments that stand before a line, and those of lines
// before it that the case does not have.
func (f *formatter) above(rank, index int) {
	for len(f.notes) > 0 {
		r, i, tail := f.notes[0].place()
		if r > rank || r == rank && (i > index || i == index && tail) {
			break
		}
		f.note()
	}
}

// note writes the first comment that is left as a line of its own.
func (f *formatter) note() {
	text := mend(f.notes[0].Text)
	f.notes = f.notes[1:]
	if text == "" {
		f.blank = true
		return
	}
	f.beginLine()
	f.put(text, "\n")
}

// endLine adds the comment behind a line that begins at dst[from] and ends it.
// A comment too long for the line is left to stand below it.
func (f *formatter) endLine(from, rank, index int) {
	if len(f.notes) > 0 {
		r, i, tail := f.notes[0].place()
		text := mend(f.notes[0].Text)
		if r == rank && i == index && tail && len(f.dst)-from+1+len(text) <= MaxLine {
			if text != "" {
				f.put(" ", text)
			}
			f.notes = f.notes[1:]
		}
	}
	f.dst = append(f.dst, '\n')
}

// options writes the keys that are set, their values in one column.
func (f *formatter) options(c *Case) {
	values := make([][]byte, len(options))
	width := 0
	for i := range options {
		if values[i] = options[i].append(nil, c); len(values[i]) > 0 {
			width = max(width, len(options[i].name))
		}
	}
	for i := range options {
		f.above(i, 0)
		if len(values[i]) == 0 {
			continue
		}
		f.beginLine()
		from := len(f.dst)
		f.put(options[i].name)
		for n := len(options[i].name); n <= width; n++ {
			f.dst = append(f.dst, ' ')
		}
		f.dst = append(f.dst, values[i]...)
		f.endLine(from, i, 0)
	}
}

func (f *formatter) entries(l sg.List) {
	if len(l) == 0 {
		f.above(rankSG(), 0)
		f.beginLine()
		f.put(keySG, " ", emptyList)
		f.endLine(len(f.dst), rankSG(), 0)
	}
	for i := range l {
		if len(f.notes) > 0 {
			f.above(rankSG(), i)
		}
		f.beginLine()
		from := len(f.dst)
		f.put(keySG, " ")
		f.dst = sg.AppendEntry(f.dst, l[i])
		f.endLine(from, rankSG(), i)
	}
}

func (f *formatter) wants(wants []Want) {
	for i, w := range wants {
		f.above(rankWant(), i)
		f.beginLine()
		from := len(f.dst)
		f.put(keyWant, " ", mendWord(w.Strategy), " ", mendWord(w.Verdict))
		if w.Reason != "" {
			f.put(" ", mendWord(w.Reason))
		}
		f.endLine(from, rankWant(), i)
	}
}

// mend makes a comment one that Parse accepts: one line of printable UTF-8
// that starts with '#' and fits.
func mend(text string) string {
	text = strings.TrimRight(strings.Map(printable, strings.ToValidUTF8(text, "?")), " \t")
	if text == "" {
		return ""
	}
	if text[0] != '#' {
		text = "# " + text
	}
	for len(text) > MaxLine {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return strings.TrimRight(text, " \t")
}

func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// mendWord makes a free word one that Parse accepts.
func mendWord(word string) string {
	word = strings.Map(func(r rune) rune {
		if r <= ' ' || r == '#' || r == 0x7f {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(word, "_"))
	for len(word) > maxWord {
		_, n := utf8.DecodeLastRuneInString(word)
		word = word[:len(word)-n]
	}
	return word
}
