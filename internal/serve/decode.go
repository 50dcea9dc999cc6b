package serve

import (
	"errors"
	"net/http"
	"slices"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
)

// Decoded is a pasted dump, item by item.
type Decoded struct {
	*wqeview.Document
	// More is the number of items that Items leaves out.
	More int `json:"more,omitempty"`
}

// Bounds of one answer.
const (
	mostItems        = 256
	mostDumpEntries  = 64 // of a list, from each end
	mostEntriesShort = 8  // the same in a dump of many items
	shortFrom        = 16 // items
)

func ruleNames() []string { return wqeview.Dialects() }

func (s *Server) decode(r *http.Request) (any, error) {
	var q struct {
		Text    string `json:"text"`
		Dialect string `json:"dialect"` // one of Options.Rules; "" for the one that fits
	}
	if err := s.read(r, &q); err != nil {
		return nil, err
	}
	if q.Dialect != "" && !slices.Contains(ruleNames(), q.Dialect) {
		return nil, problemf(http.StatusUnprocessableEntity, "dialect", "no dialect %s", clip(q.Dialect))
	}
	return compute(s, r, func(<-chan struct{}) (*Decoded, error) {
		opt := wqeview.Options{Dialect: q.Dialect, Entries: mostDumpEntries}
		doc, err := wqeview.Parse([]byte(q.Text), opt)
		if err == nil && len(doc.Items) > shortFrom {
			opt.Entries = mostEntriesShort
			doc, err = wqeview.Parse([]byte(q.Text), opt)
		}
		if e, ok := errors.AsType[*wqetext.Error](err); ok {
			p := problemf(http.StatusUnprocessableEntity, "text", "%v", e.Err)
			if p.Line = e.Line; e.Line > 0 {
				p.Column = 1
			}
			if e.Detail != "" {
				p.Message += ": " + e.Detail
			}
			return nil, p
		}
		if err != nil {
			return nil, err
		}
		d := &Decoded{Document: doc}
		if d.More = len(doc.Items) - mostItems; d.More > 0 {
			doc.Items = doc.Items[:mostItems]
		}
		d.More = max(d.More, 0)
		return d, nil
	})
}
