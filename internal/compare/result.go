package compare

import (
	"context"
	"slices"
)

// Result is a comparison: the JSON object of "sgfuzz compare".
type Result struct {
	Workload  Workload    `json:"workload"`
	Ways      []WayResult `json:"ways"` // in the order of Ways
	Constants Constants   `json:"constants"`
	Queue     Queue       `json:"queue"`
	Model     string      `json:"model"` // the queue in words
}

// Workload is what was registered.
type Workload struct {
	Sources []string `json:"sources"` // as the caller names them
	Lists   int      `json:"lists"`
	Entries int      `json:"entries"`
	Bytes   float64  `json:"bytes"`
	DMA     string   `json:"dma"` // mapping of lists that do not say one
	// Sampled says that there were more than MaxSample lists, so that quantiles
	// and pools are of a sample.
	Sampled     bool     `json:"sampled"`
	Unusable    []string `json:"unusable"` // errors of sources that could not be used
	Interrupted bool     `json:"interrupted"`
}

// WayResult is what one way makes of the workload.
type WayResult struct {
	Way        string `json:"way"`
	Strategy   string `json:"strategy"`
	Fallback   string `json:"fallback,omitempty"`
	About      string `json:"about"`
	Accepted   int    `json:"accepted"`    // lists that Strategy takes
	ByFallback int    `json:"by_fallback"` // lists that it refuses and Fallback takes
	Refused    int    `json:"refused"`     // lists that are not registered at all
	// Reasons counts what Strategy refuses by reason, also if Fallback takes it.
	Reasons map[string]int `json:"reasons"`

	// What a list costs, of those taken.
	Regions     Dist `json:"regions"`
	Rkeys       Dist `json:"rkeys"`
	Descriptors Dist `json:"descriptors"`
	WQEs        Dist `json:"wqes"`
	WQEBytes    Dist `json:"wqe_bytes"`
	ListBytes   Dist `json:"list_bytes"` // of descriptor lists by pointer
	BytesCopied Dist `json:"bytes_copied"`
	Buffers     Dist `json:"buffers"` // bounce pages allocated
	Fetches     Dist `json:"fetches"`
	TimeNs      Dist `json:"time_ns"` // estimated
	// Causes are the parts of TimeNs's mean, by name.
	Causes map[string]float64 `json:"causes_ns"`

	Pools []Pool `json:"pools"`
}

// Taken is the number of lists that the way registers.
func (w *WayResult) Taken() int { return w.Accepted + w.ByFallback }

// Share is a number of lists as a share of the workload.
func (r *Result) Share(lists int) float64 {
	return float64(lists) / float64(max(r.Workload.Lists, 1))
}

// Note adds the name of a source of lists, or an error of one that could not be
// used.
func (m *Comparer) Note(source string, err error) {
	if err != nil {
		m.work.Unusable = append(m.work.Unusable, err.Error())
		return
	}
	m.work.Sources = append(m.work.Sources, source)
}

// Lists is the number of lists added.
func (m *Comparer) Lists() int { return m.work.Lists }

// Result sums up and simulates. The error is ctx's, if it has ended: the
// Result says so, and lacks the pools that were not simulated yet.
func (m *Comparer) Result(ctx context.Context) (*Result, error) {
	r := &Result{Workload: m.work, Constants: m.Constants, Queue: m.Queue, Model: m.Queue.Model()}
	w := &r.Workload
	w.Sampled, w.Interrupted = w.Lists > MaxSample, ctx.Err() != nil
	w.Sources, w.Unusable = slices.Concat([]string{}, w.Sources), slices.Concat([]string{}, w.Unusable)
	for i := range ways {
		r.Ways = append(r.Ways, m.tallies[i].result(&ways[i]))
	}
	known := map[string]*Pool{}
	for i := range ways {
		pools, err := m.tallies[i].pools(ctx, &m.Queue, known)
		if err != nil {
			w.Interrupted = true
			return r, err
		}
		r.Ways[i].Pools = append(r.Ways[i].Pools, pools...)
	}
	return r, context.Cause(ctx)
}

func (t *tally) result(w *Way) WayResult {
	r := WayResult{
		Way: w.Name, Strategy: w.Strategy, Fallback: w.Fallback, About: w.About,
		Accepted: t.count[accepted], ByFallback: t.count[byFallback], Refused: t.count[refused], Reasons: t.reasons,
		Regions: t.dist(Regions), Rkeys: t.dist(Rkeys), Descriptors: t.dist(Descriptors), WQEs: t.dist(WQEs),
		WQEBytes: t.dist(WQEBytes), ListBytes: t.dist(ListBytes), BytesCopied: t.dist(Copied), Buffers: t.dist(Buffers),
		Fetches: t.dist(Fetches), TimeNs: t.dist(Time),
		Causes: map[string]float64{}, Pools: []Pool{},
	}
	for i, v := range t.causes {
		r.Causes[Cause(i).String()] = finite(v / float64(max(t.lists(), 1)))
	}
	return r
}
