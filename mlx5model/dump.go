package mlx5model

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
)

// DumpOptions govern Annotate and Dump. The zero value shows a WQE of an
// unknown producer.
type DumpOptions struct {
	// Check is what is known about the WQE; nil for nothing.
	Check *CheckContext
	// Entries bounds long lists: as many entries are shown from the list's
	// start and as many from its end. 0 stands for 8; negative for all.
	Entries int
}

// Dump writes raw, one linear WQE, to out as annotated text: the View that
// Annotate makes, by WriteText. Unless opt asks for all entries, the text is
// bounded whatever raw is. The error is out's.
func Dump(out io.Writer, raw []byte, opt DumpOptions) error {
	return Annotate(raw, opt).WriteText(out, nil)
}

// Role is what a piece of a View's text is, for a terminal to colour it by.
type Role uint8

// Roles.
const (
	RoleTitle   Role = iota // the WQE's heading
	RolePart                // a segment's heading
	RoleName                // a field
	RoleMuted               // bytes, zero fields, authorities
	RoleGood                // no findings
	RoleNote                // a finding, by severity
	RoleWarning             //
	RoleError               //
)

// RoleOf gives the role of a finding's heading.
func RoleOf(s Severity) Role { return [...]Role{RoleNote, RoleWarning, RoleError}[min(s, Error)] }

// WriteText writes the view as text: what it is, what the strict decoder finds,
// then each part with its bytes, its fields with bit position, value and
// meaning, its list as a table with running offsets. Fields that a finding is
// about bear its number. Positions are those of the big-endian 32-bit word at
// the byte offset named (64-bit for wider fields), bit 0 lowest. paint colours
// pieces of the text; nil leaves it plain. The error is out's.
func (v *View) WriteText(out io.Writer, paint func(Role, string) string) error {
	t := v.writer(out, paint)
	t.head()
	for i := range v.Parts {
		t.part(&v.Parts[i])
	}
	return t.out.Flush()
}

// WriteHead writes what WriteText begins with: what it is and what is wrong.
func (v *View) WriteHead(out io.Writer, paint func(Role, string) string) error {
	t := v.writer(out, paint)
	t.head()
	return t.out.Flush()
}

func (v *View) writer(out io.Writer, paint func(Role, string) string) *textWriter {
	if paint == nil {
		paint = func(_ Role, s string) string { return s }
	}
	return &textWriter{View: v, out: bufio.NewWriter(out), paint: paint, bytes: map[string][]byte{BufferWQE: v.Raw(), BufferList: v.RawList()}}
}

func fromHex(s string) []byte {
	b, _ := hex.DecodeString(s) // made by this package
	return b
}

// textWriter is the state of one WriteText.
type textWriter struct {
	*View
	out   *bufio.Writer
	paint func(Role, string) string
	bytes map[string][]byte // by buffer
}

func (t *textWriter) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

func (t *textWriter) head() {
	t.printf("%s\n", t.paint(RoleTitle, t.Title))
	if t.Summary != "" {
		t.printf("  %s\n", t.Summary)
	}
	if t.Error != "" {
		t.printf("  %s\n", t.paint(RoleError, "undecodable: "+t.Error))
	}
	if len(t.Findings) == 0 && t.What == "cqe" {
		return
	}
	if len(t.Findings) == 0 {
		t.printf("  %s\n", t.paint(RoleGood, "strict check: no findings"))
		return
	}
	t.printf("  strict check: %s\n", counted(len(t.Findings), "finding"))
	for i := range t.Findings {
		f := &t.Findings[i]
		t.printf("  %s at %s: %s\n", t.paint(RoleOf(f.Severity), fmt.Sprintf("[%d] %s", f.Number, f.Severity)), f.Where(), f.Text)
		t.printf("      %s\n", t.paint(RoleMuted, fmt.Sprintf("rule %d, %s", f.Rule, f.Authority)))
	}
}

// Where names the finding's place: offset and field.
func (f *ViewFinding) Where() string {
	if f.Buffer == BufferList {
		return fmt.Sprintf("%03x of the list, %s", f.Offset, f.Field)
	}
	return fmt.Sprintf("%03x %s", f.Offset, f.Field)
}

// marks are the numbers of the findings in bytes [off, off+size) of a buffer.
func (t *textWriter) marks(buffer string, off, size int) string {
	return t.marksOf(func(f *ViewFinding) bool { return f.Buffer == buffer && f.Offset >= off && f.Offset < off+size })
}

// fieldMarks are the numbers of the findings about a field of a part.
func (t *textWriter) fieldMarks(p *Part, f *ViewField) string {
	return t.marksOf(func(x *ViewFinding) bool { return x.About(p, f) })
}

func (t *textWriter) marksOf(is func(*ViewFinding) bool) string {
	s := ""
	for i := range t.Findings {
		if f := &t.Findings[i]; is(f) {
			s += "  " + t.paint(RoleOf(f.Severity), fmt.Sprintf("<- [%d]", f.Number))
		}
	}
	return s
}

// counted is a number with its noun.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
