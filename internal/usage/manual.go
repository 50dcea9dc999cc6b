package usage

import (
	"fmt"
	"go/doc/comment"
	"reflect"
	"slices"
	"strings"
)

// Manual is the manual page in the man macros of roff: the commands, and what
// the text says, which has the syntax of a Go doc comment. Sections of the text
// that are called as one of skip are left out. It is plain ASCII and always
// the same for the same command line.
func (p *Program) Manual(text string, skip ...string) string {
	m := &manual{}
	doc := new(comment.Parser).Parse(text)
	name := strings.ToUpper(p.Name)
	first, _, _ := strings.Cut(p.Help, "\n")
	m.line(`.TH %s 1 "" %s "User commands"`, name, p.Name)
	m.line(".SH NAME\n%s \\- %s", p.Name, escape(lower(strings.TrimSuffix(first, "."))))
	m.line(".SH SYNOPSIS\n.B %s\n.I VERB\n[\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]", p.Name)
	m.line(".SH DESCRIPTION")
	i := slices.IndexFunc(doc.Content, func(b comment.Block) bool { _, ok := b.(*comment.Heading); return ok })
	if i < 0 {
		i = len(doc.Content)
	}
	m.blocks(doc.Content[:i])
	common := p.common()
	for _, group := range p.Groups() {
		m.line(".SH %s", escape(strings.ToUpper(strings.TrimSuffix(group, ":"))))
		for _, c := range p.Cmds {
			if c.Group == group {
				m.command(&c, common)
			}
		}
	}
	m.line(".SH FLAGS OF EVERY VERB")
	for i := range common {
		m.flag(&common[i])
	}
	m.sections(doc.Content[i:], skip)
	return m.b.String()
}

// lower makes the first letter a small one.
func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// common are the flags that all commands have.
func (p *Program) common() (flags []Value) {
	if len(p.Cmds) == 0 {
		return nil
	}
	for _, f := range p.Cmds[0].Flags {
		lacks := func(c Cmd) bool {
			return !slices.ContainsFunc(c.Flags, func(g Value) bool { return reflect.DeepEqual(f, g) })
		}
		if !slices.ContainsFunc(p.Cmds, lacks) {
			flags = append(flags, f)
		}
	}
	return flags
}

type manual struct{ b strings.Builder }

func (m *manual) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *manual) command(c *Cmd, common []Value) {
	m.line(".SS %s", escape(c.Name))
	m.line("\\fB%s\\fR", escape(c.Usage))
	m.line(".PP\n%s", escape(c.Help))
	m.blocks(new(comment.Parser).Parse(c.Detail).Content)
	for i := range c.Arguments {
		a := &c.Arguments[i]
		m.line(".TP\n\\fI%s\\fR%s\n%s", escape(a.Placeholder), map[bool]string{true: " ..."}[a.Several], escape(a.FullHelp()))
	}
	for i := range c.Flags {
		f := &c.Flags[i]
		if !slices.ContainsFunc(common, func(g Value) bool { return g.Name == f.Name }) {
			m.flag(f)
		}
	}
}

func (m *manual) flag(f *Value) {
	name := "--" + f.Name
	if f.Negatable {
		name = "--[no-]" + f.Name
	}
	tag := "\\fB" + escape(name) + "\\fR"
	if f.Short != "" {
		tag = "\\fB" + escape("-"+f.Short) + "\\fR, " + tag
	}
	value := escape(f.Placeholder)
	if f.Commas {
		value += ",..."
	}
	switch {
	case f.Optional:
		tag += "[=\\fI" + value + "\\fR]"
	case value != "":
		tag += "=\\fI" + value + "\\fR"
	}
	m.line(".TP\n%s\n%s", tag, escape(f.FullHelp()))
}

// sections writes what stands under headings.
func (m *manual) sections(content []comment.Block, skip []string) {
	left := false
	for _, b := range content {
		if h, ok := b.(*comment.Heading); ok {
			title := plain(h.Text)
			if left = slices.Contains(skip, title); !left {
				m.line(".SH %s", escape(strings.ToUpper(title)))
			}
			continue
		}
		if !left {
			m.blocks([]comment.Block{b})
		}
	}
}

func (m *manual) blocks(content []comment.Block) {
	for _, b := range content {
		switch b := b.(type) {
		case *comment.Paragraph:
			m.line(".PP\n%s", escape(strings.ReplaceAll(plain(b.Text), "\n", " ")))
		case *comment.Code:
			m.line(".PP\n.in +4n\n.EX\n%s\n.EE\n.in", escape(strings.TrimSuffix(b.Text, "\n")))
		case *comment.Heading:
			m.line(".PP\n\\fB%s\\fR", escape(plain(b.Text)))
		case *comment.List:
			for _, item := range b.Items {
				m.line(`.IP \(bu 2`)
				for _, b := range item.Content {
					if p, ok := b.(*comment.Paragraph); ok {
						m.line("%s", escape(strings.ReplaceAll(plain(p.Text), "\n", " ")))
					}
				}
			}
		}
	}
}

// plain is the text of a paragraph without its marks.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return b.String()
}

// escape makes roff print text as it is.
func escape(text string) string {
	var b strings.Builder
	begin := true // of a line
	for _, r := range text {
		if begin && (r == '.' || r == '\'') {
			b.WriteString(`\&`)
		}
		begin = r == '\n'
		switch r {
		case '\\':
			b.WriteString(`\e`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if r < 0x7f {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			}
		}
	}
	return b.String()
}
