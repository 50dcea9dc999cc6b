package mlx5model

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// View is one WQE or completion laid out for people, as data: parts in the
// order of their bytes, each field with its place, value and meaning, and what
// the strict decoder finds. Dump is a View as text. All offsets count bytes
// from the start of the WQE, of the completion, or of a list given by pointer
// (Part.Buffer says which). Values are hex text, as JSON numbers do not hold
// 64 bits.
type View struct {
	What    string `json:"what"`              // "wqe" or "cqe"
	Title   string `json:"title"`             // opcode, place and size
	Summary string `json:"summary,omitempty"` // what it asks the device to do, or what happened
	Error   string `json:"error,omitempty"`   // why it cannot be decoded; the parts show what there is

	Opcode string `json:"opcode,omitempty"`
	Index  uint16 `json:"index"` // WQEBB counter: wqe_index, of a completion wqe_counter
	QPN    uint32 `json:"qpn"`
	DS     uint8  `json:"ds,omitempty"`
	Kind   string `json:"kind,omitempty"` // the dialect's kind of UMR

	Hex      string        `json:"hex"`            // all bytes given
	List     string        `json:"list,omitempty"` // bytes of the list by pointer, as far as the device reads them
	Parts    []Part        `json:"parts"`
	Findings []ViewFinding `json:"findings"`
}

// Buffers that a part's bytes stand in.
const (
	BufferWQE  = "wqe"  // the bytes given
	BufferList = "list" // the list by pointer
)

// State says what is particular to a part's or a field's bytes, "" for
// nothing.
type State string

// States.
const (
	StateZero     State = "zero"     // padding of zeros
	StateStale    State = "stale"    // not written by the producer: left over from before
	StateNotZero  State = "not zero" // padding that holds something
	StateReserved State = "reserved" // reserved bits that are set
	StateIgnored  State = "ignored"  // the device does not read it here
	StateCut      State = "cut"      // the bytes end before the segment does
	StateUnknown  State = "unknown"  // nothing says how to read them
)

// Part is a run of bytes that belong together: a segment, a list, padding.
type Part struct {
	Name      string      `json:"name"`  // of the segment, as in Segments; "list", "padding", "remaining", "behind"
	Title     string      `json:"title"` // in words
	Buffer    string      `json:"buffer"`
	Offset    int         `json:"offset"`
	Size      int         `json:"size"`
	State     State       `json:"state,omitempty"`
	Authority string      `json:"authority,omitempty"` // header and symbol
	Fields    []ViewField `json:"fields,omitempty"`    // in the order of their bits, reserved runs between them
	Rows      []Row       `json:"rows,omitempty"`      // entries of a list
}

// ViewField is a field of the layout table with its value, or a run of
// reserved bits.
type ViewField struct {
	Name      string `json:"name"`
	Offset    int    `json:"offset"`   // first byte that it has bits in
	Size      int    `json:"size"`     // bytes that it has bits in
	Bit       int    `json:"bit"`      // from the segment's start, most significant bit first, as in the layout table
	Width     int    `json:"width"`    // bits
	Position  string `json:"position"` // word's offset and bits in it, such as 058[63:0]
	Value     string `json:"value"`    // hex
	Text      string `json:"text,omitempty"`
	Meaning   string `json:"meaning,omitempty"`
	State     State  `json:"state,omitempty"`
	Authority string `json:"authority,omitempty"`

	zero bool
}

// Row is an entry of a list, or what stands for entries left out.
type Row struct {
	Index   int         `json:"index"`
	Omitted int         `json:"omitted,omitempty"` // entries from Index on that are left out; the rest is then empty
	Offset  int         `json:"offset"`
	Size    int         `json:"size"`
	Stream  *uint64     `json:"stream,omitempty"` // region offset of its first byte, of a repeat list that in its first cycle
	IOVA    string      `json:"iova,omitempty"`   // address of that byte in the key, if the WQE says where the region starts
	Fields  []ViewField `json:"fields,omitempty"`
	Remark  string      `json:"remark,omitempty"`
}

// ViewFinding is a finding with its place in the view.
type ViewFinding struct {
	Finding
	Number int    `json:"number"` // from 1
	Buffer string `json:"buffer"` // what Offset counts in
}

// Annotate lays raw, one linear WQE, out as a View. Parts that the bytes do not
// reach are left out; if raw cannot be decoded, the View has an Error and what
// could be read.
func Annotate(raw []byte, opt DumpOptions) *View {
	ctx := opt.Check
	if ctx == nil {
		ctx = &noContext
	}
	v := viewer{checker: checker{raw: raw, ctx: *ctx, rules: ctx.Rules}, entries: opt.Entries}
	if v.entries == 0 {
		v.entries = defaultEntries
	}
	v.View = &View{What: "wqe", Hex: hex.EncodeToString(raw), Parts: []Part{}, Findings: []ViewFinding{}}
	err := Decode(raw, &v.w)
	if err != nil {
		v.Error = err.Error()
		v.w, _ = Salvage(raw)
	}
	like := ""
	if v.kind = v.rules.Kind(&v.w); v.kind == nil {
		v.kind, like = v.rules.near(&v.w), "like "
	}
	v.head(err, like)
	v.walk()
	v.addFindings(Check(nil, raw, &v.ctx))
	return v.View
}

// defaultEntries is how many entries of a long list are shown from each end.
const defaultEntries = 8

// viewer is the state of one Annotate.
type viewer struct {
	checker
	*View
	entries int // from each end of a list; negative for all
}

// Salvage reads what there is of a WQE that Decode may refuse: fields that the
// bytes do not reach are zero, and an inline list is as long as they are. ok is
// false if not even the control segment is there.
func Salvage(raw []byte) (w WQE, ok bool) {
	if Decode(raw, &w) == nil {
		return w, true
	}
	w = WQE{}
	if len(raw) < CtrlSize {
		return w, false
	}
	w.Ctrl = ParseCtrl(raw)
	if w.Opcode != OpUMR || len(raw) < CtrlSize+UMRCtrlSize {
		return w, true
	}
	w.UMR = ParseUMRCtrl(raw[CtrlSize:])
	if len(raw) < UMRDataOff {
		return w, true
	}
	w.Mkey = ParseMkeyContext(raw[CtrlSize+UMRCtrlSize:])
	data := raw[UMRDataOff:]
	switch {
	case w.UMR.Flags&UMRInline != 0:
		w.List = data[:min(len(data), int(w.UMR.XltOctowords)*OctowordSize)&^(OctowordSize-1)]
	case w.UMR.XltOctowords != 0 && len(data) >= DataSegSize:
		w.HasPointer, w.Pointer = true, ParseDataSeg(data)
	}
	return w, true
}

// head fills in what stands above the parts; like goes before the name of a
// kind that is only the nearest.
func (v *viewer) head(err error, like string) {
	w := &v.w
	if err != nil && len(v.raw) < CtrlSize {
		v.Title = fmt.Sprintf("%d bytes, no WQE", len(v.raw))
		return
	}
	v.Opcode, v.Index, v.QPN, v.DS = w.Opcode.String(), w.Index, w.QPN, w.DS
	v.Title = fmt.Sprintf("%v: index %#04x, QPN %#06x, DS %d = %d bytes in %s", w.Opcode, w.Index, w.QPN, w.DS, int(w.DS)*DSSize, counted(int(WQEBBs(w.DS)), "WQEBB"))
	if v.rules != nil {
		v.Title += ", " + v.rules.Name
		if v.kind != nil {
			v.Kind = like + v.kind.Name
			v.Title += " " + v.Kind
		} else if w.Opcode == OpUMR {
			v.Title += " of no known kind"
		}
	}
	if err == nil {
		v.Summary = v.summary()
	}
}

// addFindings numbers what Check found and places it.
func (v *viewer) addFindings(found []Finding) {
	for i, f := range found {
		buffer := BufferWQE
		if v.w.HasPointer && f.Offset >= UMRDataOff && !strings.HasPrefix(f.Field, SegData) {
			buffer = BufferList
			f.Offset -= UMRDataOff
		}
		v.Findings = append(v.Findings, ViewFinding{f, i + 1, buffer})
	}
}

// About says whether the finding is about field f of part p: it names the
// field, or it names none of those in its byte.
func (x *ViewFinding) About(p *Part, f *ViewField) bool {
	covers := func(f *ViewField) bool { return x.Offset >= f.Offset && x.Offset < f.Offset+f.Size }
	names := func(f *ViewField) bool { return covers(f) && strings.HasSuffix(x.Field, "."+f.Name) }
	if x.Buffer != p.Buffer || !covers(f) {
		return false
	}
	return names(f) || !slices.ContainsFunc(p.Fields, func(f ViewField) bool { return names(&f) })
}

// Raw gives the bytes of the WQE or completion anew.
func (v *View) Raw() []byte { return fromHex(v.Hex) }

// RawList gives the bytes of the list by pointer anew, nil if they are unknown.
func (v *View) RawList() []byte { return fromHex(v.List) }

// Zero says whether all of the field's bits are 0.
func (f *ViewField) Zero() bool { return f.zero }

// Count is how many findings are of a severity.
func (v *View) Count(s Severity) (n int) {
	for i := range v.Findings {
		if v.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// At finds what byte off of a buffer belongs to: the part, and the fields of
// the part or of a list's entry that have bits in it. part is nil for a byte
// that no part has.
func (v *View) At(buffer string, off int) (part *Part, fields []ViewField) {
	for i := range v.Parts {
		p := &v.Parts[i]
		if p.Buffer != buffer || off < p.Offset || off >= p.Offset+p.Size {
			continue
		}
		fields = fieldsOver(nil, p.Fields, off)
		for j := range p.Rows {
			fields = fieldsOver(fields, p.Rows[j].Fields, off)
		}
		return p, fields
	}
	return nil, nil
}

func fieldsOver(dst, fields []ViewField, off int) []ViewField {
	for _, f := range fields {
		if off >= f.Offset && off < f.Offset+f.Size {
			dst = append(dst, f)
		}
	}
	return dst
}
