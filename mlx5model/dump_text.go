package mlx5model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxPlainBytes bounds what is shown as hex of bytes that have no fields.
const maxPlainBytes = 256

func (t *textWriter) part(p *Part) {
	title := p.Name + ": " + p.Title
	if len(p.Fields) == 0 && len(p.Rows) == 0 {
		title += ", " + strconv.Itoa(p.Size) + " bytes"
	}
	if p.State != "" {
		title += " (" + string(p.State) + ")"
	}
	t.printf("%s%s\n", t.paint(RolePart, title), t.partMarks(p))
	switch {
	case len(p.Rows) > 0:
		t.fields(p)
		t.table(p)
	case len(p.Fields) > 0:
		t.hex(p, p.Size)
		t.fields(p)
	case p.State != StateZero:
		t.hex(p, maxPlainBytes)
	}
}

// partMarks marks a part whose findings no field or row bears.
func (t *textWriter) partMarks(p *Part) string {
	if len(p.Fields) == 0 && len(p.Rows) == 0 {
		return t.marks(p.Buffer, p.Offset, p.Size)
	}
	return ""
}

// hex prints rows of 16 bytes, at most the given number of bytes.
func (t *textWriter) hex(p *Part, most int) {
	b := t.bytes[p.Buffer]
	end := min(p.Offset+p.Size, len(b))
	for off := p.Offset; off < min(end, p.Offset+most); off += 16 {
		t.printf("  %s\n", t.paint(RoleMuted, fmt.Sprintf("%03x: % x", off, b[off:min(off+16, end)])))
	}
	if p.Size > most {
		t.printf("  … %d more bytes\n", p.Size-most)
	}
}

// fields prints those that are not zero or that a finding is about, and names
// the others in one line.
func (t *textWriter) fields(p *Part) {
	var zero []string
	for i := range p.Fields {
		f := &p.Fields[i]
		marks := t.fieldMarks(p, f)
		if f.zero && (marks == "" || f.Name == reservedName) {
			if f.Name != reservedName {
				zero = append(zero, f.Name)
			}
			continue
		}
		bang := " "
		if f.State == StateReserved {
			bang = "!"
		}
		t.printf("  %s %-10s %s %s%s%s\n", bang, f.Position, t.paint(RoleName, fmt.Sprintf("%-26s", f.Name)), f.Value, explained(f), marks)
	}
	if zero != nil {
		t.printf("    %s\n", t.paint(RoleMuted, "zero: "+strings.Join(zero, ", ")))
	}
}

// explained joins a field's text and meaning behind two blanks.
func explained(f *ViewField) string {
	switch {
	case f.Text != "" && f.Meaning != "":
		return "  " + f.Text + "; " + f.Meaning
	case f.Text+f.Meaning != "":
		return "  " + f.Text + f.Meaning
	}
	return ""
}

// Columns are the headings of a list's table, for the cells that Row.Cells
// gives.
func (p *Part) Columns() []string {
	head, first := []string{"#", "at"}, &p.Rows[0]
	if first.Stream != nil {
		head = append(head, "offset")
	}
	if first.IOVA != "" {
		head = append(head, "iova")
	}
	for i := range first.Fields {
		head = append(head, columnName(&first.Fields[i]))
	}
	return head
}

// table prints the entries of a list: a column for each field.
func (t *textWriter) table(p *Part) {
	head, lines := p.Columns(), [][]string{}
	for i := range p.Rows {
		lines = append(lines, p.Rows[i].Cells())
	}
	widths := make([]int, len(head))
	for _, line := range append(lines, head) {
		for i := range min(len(line), len(widths)) {
			widths[i] = max(widths[i], len(line[i]))
		}
	}
	t.line(head, widths, "", RoleMuted)
	for i, line := range lines {
		r := &p.Rows[i]
		if r.Omitted > 0 {
			t.printf("    … %d entries left out%s\n", r.Omitted, t.marks(p.Buffer, r.Offset, r.Size))
			continue
		}
		t.line(line, widths, r.Remark+t.marks(p.Buffer, r.Offset, r.Size), RoleName)
	}
}

func (t *textWriter) line(cells []string, widths []int, remark string, role Role) {
	var b strings.Builder
	for i, c := range cells {
		fmt.Fprintf(&b, "  %*s", widths[i], c)
	}
	text := b.String()
	if role == RoleMuted {
		text = t.paint(role, text)
	}
	if remark != "" {
		text += "  " + remark
	}
	t.printf("  %s\n", text)
}

// columnName is a field's name; addresses of pages are shown as such.
func columnName(f *ViewField) string {
	if f.Name == pageField {
		return "page"
	}
	return f.Name
}

// pageField holds a page's address without its two lowest bits.
const pageField = "address_63_2"

// decimalFields are shown as decimal numbers in a table.
var decimalFields = []string{"byte_count", "stride"}

// Cells are the row's texts for a table: number, offset, what there is of
// Stream and IOVA, then a cell for each field. Entries left out have none.
func (r *Row) Cells() []string {
	if r.Omitted > 0 {
		return nil
	}
	out := []string{strconv.Itoa(r.Index), fmt.Sprintf("%03x", r.Offset)}
	if r.Stream != nil {
		out = append(out, strconv.FormatUint(*r.Stream, 10))
	}
	if r.IOVA != "" {
		out = append(out, r.IOVA)
	}
	for i := range r.Fields {
		out = append(out, r.Fields[i].cell())
	}
	return out
}

// cell is the value as a table shows it.
func (f *ViewField) cell() string {
	n, err := strconv.ParseUint(f.Value, 0, 64)
	switch {
	case err != nil:
	case slices.Contains(decimalFields, f.Name):
		return strconv.FormatUint(n, 10)
	case f.Name == pageField:
		return fmt.Sprintf("%#016x", n<<2)
	}
	return f.Value
}
