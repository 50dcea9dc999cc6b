package runner

import (
	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// checksOf are the checks of an operation.
func (e *engine) checksOf(op conform.Op) []CheckCount {
	var names []string
	switch {
	case op == conform.OpWQE:
		names = wqeChecks
	case op != conform.OpRegister && e.Judge == Exact:
		names = mapChecks
	default:
		for c := 1; c <= oracle.NumChecks; c++ {
			if judged[c] || op != conform.OpRegister && (oracle.Check(c) == oracle.Resume || oracle.Check(c) == oracle.Termination) {
				names = append(names, oracle.Check(c).String())
			}
		}
	}
	counts := make([]CheckCount, len(names))
	for i, n := range names {
		counts[i].Name = n
		for c := 1; c <= oracle.NumChecks; c++ {
			if oracle.Check(c).String() == n {
				counts[i].number = c
			}
		}
	}
	return counts
}

// judge judges a reply. The verdict is e's own.
func (e *engine) judge(x *slot) (*verdict, error) {
	v, r := &e.v, &e.reply
	v.reset()
	op := x.req.Op
	switch {
	case r.Answer == conform.Skip:
		v.status = skipped
	case r.Answer == conform.Reject && op != conform.OpRegister:
		v.failf(kindReject, "rejects with %s; errors of the driver belong in ret", r.Reason)
	case r.Answer == conform.Reject:
		judgeReject(&x.req.Register, string(r.Reason), v)
	case op == conform.OpRegister:
		return v, e.bench.judgeRegister(&x.req.Register, &r.Registration, v)
	case op == conform.OpWQE:
		judgeWQE(&r.WQE, x.vec.wqe, v)
	case e.Judge == Semantic:
		return v, e.bench.judgeMapping(op, &x.req.Map, &r.Map, v)
	case x.vec != nil:
		judgeMap(op, &r.Map, &x.vec.want, v)
	default:
		want := e.model.reply(op, &x.req.Map)
		judgeMap(op, &r.Map, &want, v)
	}
	return v, nil
}

// judged judges e.reply and counts.
func (e *engine) judged(x *slot) {
	r := e.result
	v, err := e.judge(x)
	if err != nil {
		panic(err) // the model's own devices and keys, never the child's
	}
	r.Cases++
	e.countChecks(v)
	switch v.status {
	case passed:
		r.Passed++
	case rejected:
		r.Rejected++
	case skipped:
		r.Skipped++
		r.SkipReasons[string(e.reply.Reason)]++
	case failed:
		left := e.undeclared(x, v, true)
		if len(left) == 0 {
			r.Deviated++
			return
		}
		r.Failed++
		key := x.req.Op.String() + "/" + left[0].check
		if e.seen[key] >= e.Keep { // counted, not looked at
			e.sum.Classes[key]++
			return
		}
		e.found(e.failing(x, left))
	}
}

func (e *engine) countChecks(v *verdict) {
	if v.status == skipped {
		return
	}
	for i := range e.result.Checks {
		c := &e.result.Checks[i]
		if v.ran == nil {
			c.Ran++
		}
		for k := range v.failures {
			if v.failures[k].check == c.Name {
				c.Failed++
				break
			}
		}
	}
	if v.ran == nil {
		return
	}
	for i := range e.result.Checks {
		if c := &e.result.Checks[i]; v.ran[c.number] > 0 {
			c.Ran++
		}
	}
}
