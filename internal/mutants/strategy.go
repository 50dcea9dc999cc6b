package mutants

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// strategy is a Strategy with defective methods; nil is correct. It keeps the
// name, so that reports and refusals read as before.
type strategy struct {
	reg.Strategy
	register func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error
	release  func(s reg.Strategy, e *reg.Env, r *reg.Registration) error
}

func (s *strategy) Register(e *reg.Env, req *reg.Request, r *reg.Registration) error {
	if s.register == nil {
		return s.Strategy.Register(e, req, r)
	}
	return s.register(s.Strategy, e, req, r)
}

func (s *strategy) Release(e *reg.Env, r *reg.Registration) error {
	if s.release == nil {
		return s.Strategy.Release(e, r)
	}
	return s.release(s.Strategy, e, r)
}

type registerFunc = func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error

// registers makes the Parts of a strategy with another Register.
func registers(f registerFunc) func() Parts {
	return func() Parts {
		return Parts{Wrap: func(s reg.Strategy) reg.Strategy { return &strategy{Strategy: s, register: f} }}
	}
}

// registered makes the Parts of a strategy that spoils what the correct one
// left behind. An error of f aborts the registration.
func registered(f func(e *reg.Env, req *reg.Request, r *reg.Registration) error) func() Parts {
	return registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
		if err := s.Register(e, req, r); err != nil {
			return err
		}
		if err := f(e, req, r); err != nil {
			_ = s.Release(e, r)
			return err
		}
		return nil
	})
}

// requests makes the Parts of a strategy that is asked for something else than
// the caller wanted. change gets a copy of the request.
func requests(change func(e *reg.Env, req *reg.Request)) func() Parts {
	return registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
		other := *req
		change(e, &other)
		err := s.Register(e, &other, r)
		if err == nil {
			r.Request = req
		}
		return err
	})
}

// blind makes the Parts of a strategy that sees another device than there is.
func blind(see func(p *mlx5model.Profile)) func() Parts {
	return registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
		truth := e.Profile
		defer func() { e.Profile = truth }()
		see(&e.Profile)
		return s.Register(e, req, r)
	})
}

// listArgs are what a defect of the DMA mapping stage starts from.
type listArgs struct {
	dst, orig, mapped sg.List
	stage             sg.DMA
}

// mapsOther makes the Parts of a strategy that works on another list than the
// mapping stage gave. Requests that resume are left alone.
func mapsOther(f func(*listArgs) sg.List) func() Parts {
	return func() Parts {
		var mapped, other sg.List
		return Parts{Wrap: func(s reg.Strategy) reg.Strategy {
			return &strategy{Strategy: s, register: func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
				var err error
				if mapped, err = req.DMA.Map(mapped[:0], req.List); err != nil || req.List.Validate() != nil {
					return s.Register(e, req, r)
				}
				other = f(&listArgs{other[:0], req.List, mapped, req.DMA})
				defective := *req
				defective.List, defective.DMA = other, sg.DMA{}
				err = s.Register(e, &defective, r)
				if err == nil {
					r.Request, r.MapNents, r.UnmapNents = req, len(req.List), len(req.List)
				}
				return err
			}}
		}}
	}
}

// remake makes key i of a registration again as a driver would have made it
// that wrote another context or list. Keys keep their number, so that the
// registration's release finds them.
func remake(e *reg.Env, r *reg.Registration, i int, change func(c *mlx5model.MkeyContext, xlt []byte) []byte) error {
	key := r.Keys[i]
	ctx, _ := e.Dev.QueryMkey(key)
	xlt := change(&ctx, append([]byte(nil), e.Dev.QueryXlt(key)...))
	if err := e.Dev.DestroyMkey(key); err != nil {
		return err
	}
	if need := uint32((len(xlt) + mlx5model.OctowordSize - 1) / mlx5model.OctowordSize); ctx.XltOctowords < need {
		ctx.XltOctowords = need
	}
	old := ctx
	if _, err := e.Dev.CreateMkey(mlx5model.KeyIndex(key), ctx, xlt); err != nil {
		old.Free, old.Len, old.Length64 = true, 0, false
		if _, again := e.Dev.CreateMkey(mlx5model.KeyIndex(key), old, nil); again != nil {
			return again
		}
		return err
	}
	return nil
}
