package program

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Status is an enum ibv_wc_status of infiniband/verbs.h.
type Status int

var statusNames = []string{"SUCCESS", "LOC_LEN_ERR", "LOC_QP_OP_ERR", "LOC_EEC_OP_ERR", "LOC_PROT_ERR", "WR_FLUSH_ERR", "MW_BIND_ERR",
	"BAD_RESP_ERR", "LOC_ACCESS_ERR", "REM_INV_REQ_ERR", "REM_ACCESS_ERR", "REM_OP_ERR", "RETRY_EXC_ERR", "RNR_RETRY_EXC_ERR"}

// statusOf is how libmlx5 tells a syndrome (providers/mlx5/cq.c
// mlx5_handle_error_cqe).
var statusOf = map[mlx5model.Syndrome]Status{
	mlx5model.SynLocalLength: 1, mlx5model.SynLocalQPOp: 2, mlx5model.SynLocalProt: 4, mlx5model.SynFlush: 5, mlx5model.SynMWBind: 6,
	mlx5model.SynBadResp: 7, mlx5model.SynLocalAccess: 8, mlx5model.SynRemoteInvReq: 9, mlx5model.SynRemoteAccess: 10,
	mlx5model.SynRemoteOp: 11, mlx5model.SynTransportRetry: 12, mlx5model.SynRNRRetry: 13,
}

// opcodes are those of good completions: enum ibv_wc_opcode of
// infiniband/verbs.h, and MLX5DV_WC_UMR, which is its IBV_WC_DRIVER1.
var opcodes = map[Kind]int{Send: 0, SendInv: 0, Write: 1, Read: 2, Swap: 3, Add: 4, Bind: 5, LocalInv: 6, List: 135, Interleaved: 135}

func (s Status) String() string {
	if s >= 0 && int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status %d", int(s))
}

// Step is one line of the player's: an action, or requests posted together.
type Step struct {
	First, After int    // its actions
	Want         string // the line

	overlaps []int // actions without a defined result
}

// Predict gives the steps of a program.
func Predict(p Program) []Step { return newWorld().run(p) }

// Settled is the program without the requests that have no defined result
// because bytes would move onto themselves.
func Settled(p Program) Program {
	var drop []int
	for _, s := range Predict(p) {
		drop = append(drop, s.overlaps...)
	}
	return without(p, drop)
}

func without(p Program, drop []int) Program {
	var q Program
	for i := range p {
		if !slices.Contains(drop, i) {
			q = append(q, p[i])
		}
	}
	return q
}

// batch is the end of the step that begins at action i. The player has the
// same rule.
func (p Program) batch(i int) int {
	end := i + 1
	for p[i].Kind.request() && p[end-1].Held && end < len(p) && p[end].Kind.request() && p[end].End == p[i].End && end-i < MostBatch {
		end++
	}
	return end
}

func (w *world) run(p Program) []Step {
	var steps []Step
	for i := 0; i < len(p); {
		s := Step{First: i, After: p.batch(i)}
		w.step(p, &s)
		steps = append(steps, s)
		i = s.After
	}
	return steps
}

// step executes one step, and writes its line.
func (w *world) step(p Program, s *Step) {
	copy(w.before, w.model.Memory)
	r, did := w.do(p, s)
	if !did {
		s.Want = "none"
		return
	}
	s.Want = "done" + r.told()
	if p[s.First].Kind == Rereg && w.renamed {
		s.Want += " renamed"
	}
	if !bytes.Equal(w.before, w.model.Memory) {
		s.Want += changed(w.before, w.model.Memory)
	}
}

// do executes one step, and reports whether there was anything to do.
func (w *world) do(p Program, s *Step) (r *runner, did bool) {
	a := &p[s.First]
	r = &runner{world: w, by: a.End, to: a.End ^ 1}
	if a.Kind.request() {
		return r, r.batch(p, s)
	}
	did = w.control(a, s.First)
	if did && a.Kind == Receive && w.ends[a.End].broken {
		r.fail(a.End)
	}
	return r, did
}

// batch executes requests that are posted together.
func (r *runner) batch(p Program, s *Step) bool {
	var posted []int
	for i := s.First; i < s.After; i++ {
		if r.possible(&p[i]) {
			posted = append(posted, i)
		}
	}
	for n, i := range posted {
		r.overlap = false
		r.request(&p[i], i, n == len(posted)-1)
		if r.overlap {
			s.overlaps = append(s.overlaps, i)
		}
	}
	return len(posted) > 0
}

// told is what the player tells of completions and states: first those of the
// requests, then what arrived at the even end and at the odd one.
func (r *runner) told() string {
	var b strings.Builder
	failed := false
	for _, c := range r.done {
		failed = failed || c.status != 0
		if c.status != 0 {
			fmt.Fprintf(&b, " s%d=%d", c.line, int(c.status))
		} else {
			fmt.Fprintf(&b, " s%d=0,%d", c.line, c.opcode)
		}
	}
	slices.SortStableFunc(r.arrived, func(a, b completion) int { return int(a.end) - int(b.end) })
	for _, c := range r.arrived {
		fmt.Fprintf(&b, " r%d=%d", c.line, int(c.status))
		if c.status == 0 {
			fmt.Fprintf(&b, ",%d", c.bytes)
		}
		if c.inval {
			fmt.Fprintf(&b, ",inv%d", c.object)
		}
	}
	for _, e := range []uint64{r.by &^ 1, r.by | 1} {
		if failed && r.ends[e].broken {
			fmt.Fprintf(&b, " e%d", e)
		}
	}
	return b.String()
}

// changed tells each run of bytes that differ.
func changed(before, after []byte) string {
	var b strings.Builder
	for i := 0; i < len(after); i++ {
		from := i
		for i < len(after) && after[i] != before[i] {
			i++
		}
		if i > from {
			fmt.Fprintf(&b, " m%x:%x", from, after[from:i])
		}
	}
	return b.String()
}
