package serve

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Options are the names that the page offers.
type Options struct {
	Strategies []string    `json:"strategies"`
	Dialects   []string    `json:"dialects"`
	Profiles   []string    `json:"profiles"`
	Rules      []string    `json:"rules"` // that a dump can be judged by
	Bugs       []BugName   `json:"bugs"`
	Cases      []CaseTitle `json:"cases"`
	MaxEntries int         `json:"max_entries"`
}

// BugName is a defect that can be put in.
type BugName struct {
	Name       string   `json:"name"`
	Project    string   `json:"project"`
	Year       int      `json:"year,omitempty"`
	Cause      string   `json:"cause"`
	Witness    string   `json:"witness"` // embedded case that shows it
	Strategies []string `json:"strategies"`
}

// CaseTitle is an embedded case.
type CaseTitle struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	About   string `json:"about"` // its first comment
}

var embedded = sync.OnceValues(corpus.EmbeddedCases)

func (s *Server) options(*http.Request) (any, error) {
	cases, err := embedded()
	if err != nil {
		return nil, err
	}
	o := Options{
		Strategies: corpus.Strategies(), Dialects: corpus.Dialects(), Profiles: fuzz.ProfileNames(), Rules: ruleNames(),
		Bugs: []BugName{}, Cases: []CaseTitle{}, MaxEntries: s.MaxEntries,
	}
	for _, m := range mutants.All() {
		o.Bugs = append(o.Bugs, BugName{m.Name, m.Project, m.Year, m.Cause, m.Witness, m.Strategies})
	}
	for _, c := range cases {
		t := CaseTitle{Name: c.Name, Entries: len(c.List)}
		if i := slices.IndexFunc(c.Comments, func(m corpus.Comment) bool { return m.Text != "" }); i >= 0 {
			t.About = strings.TrimSpace(strings.TrimLeft(c.Comments[i].Text, "#"))
		}
		o.Cases = append(o.Cases, t)
	}
	return o, nil
}

// NamedCase is an embedded case with its text.
type NamedCase struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (s *Server) namedCase(r *http.Request) (any, error) {
	cases, err := embedded()
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(r.URL.Query().Get("name"), corpus.Ext)
	for _, c := range cases {
		if c.Name == name || strings.HasSuffix(c.Name, "/"+name) {
			return NamedCase{c.Name, corpus.Format(c)}, nil
		}
	}
	return nil, problemf(http.StatusNotFound, "case", "no embedded case %s", clip(name))
}

// Imported are the lists of an iovec log as cases.
type Imported struct {
	Lists []ImportedList `json:"lists"`
	// More is the number of lists that were left out, as Lists are bounded.
	More int `json:"more,omitempty"`
}

// ImportedList is one line of the log.
type ImportedList struct {
	Name    string `json:"name"` // the line's first word, as a rule the system call
	Line    int    `json:"line"`
	Entries int    `json:"entries"`
	Text    string `json:"text"` // of a case
}

// maxImported bounds the lists of one answer.
const maxImported = 200

func (s *Server) importLists(r *http.Request) (any, error) {
	var q struct {
		Text string `json:"text"`
	}
	if err := s.read(r, &q); err != nil {
		return nil, err
	}
	out := Imported{Lists: []ImportedList{}}
	err := corpus.ReadIovecs(strings.NewReader(q.Text), "text", func(line int, name string, l sg.List) error {
		if len(l) > s.MaxEntries {
			return s.tooMany(len(l))
		}
		if len(out.Lists) == maxImported {
			out.More++
			return nil
		}
		var b bytes.Buffer
		b.Write(corpus.AppendCase(nil, &corpus.Case{List: l}))
		out.Lists = append(out.Lists, ImportedList{name, line, len(l), b.String()})
		return nil
	})
	if err != nil {
		return nil, located(q.Text, err)
	}
	if len(out.Lists) == 0 {
		return nil, problemf(http.StatusUnprocessableEntity, "text", "no list in the text")
	}
	return out, nil
}

func (s *Server) tooMany(n int) *Problem {
	return problemf(http.StatusRequestEntityTooLarge, "sg", "the list has %d entries: this server takes %d", n, s.MaxEntries)
}
