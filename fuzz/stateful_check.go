package fuzz

import (
	"bytes"
	"errors"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// doorbell executes what a queue holds, and compares its completions and state
// with the model's.
func (s *stateful) doorbell(q *statefulQP) error {
	pi := q.enc.PI()
	s.dev.Doorbell(q.qp, pi)
	q.rung = pi
	q.want = q.want[:0]
	for i := range q.pending {
		r := &q.pending[i]
		syn := mlx5model.SynFlush
		if !q.failed {
			syn = s.model.Execute(q.user(), keymodel.User{QPN: q.peer.QPN, PD: statefulPeerPD}, &r.Request)
			q.failed = syn != mlx5model.SynOK
		}
		if syn != mlx5model.SynOK || r.signaled {
			q.want = append(q.want, completion{uint16(r.counter), syn})
		}
	}
	s.notef("%#x: doorbell %d, want %v, got %v, %v", q.qpn, pi, q.want, q.qp.Completions(), q.qp.Err())
	q.pending = q.pending[:0]
	return s.completed(q)
}

func (s *stateful) completed(q *statefulQP) error {
	got := q.qp.Completions()
	same := len(got) == len(q.want)
	for i := 0; same && i < len(got); i++ {
		same = got[i].Index == q.want[i].index && got[i].Syndrome == q.want[i].syndrome && got[i].QPN == q.qpn &&
			got[i].Failed() == (got[i].Syndrome != mlx5model.SynOK)
	}
	if !same {
		return s.wrong("completions differ", "queue %#x (%s): %+v\nwant %+v\n%v", q.qpn, q.dialect, got, q.want, q.qp.Err())
	}
	q.qp.ClearCompletions()
	if failed := q.qp.State() == mlx5model.QPError; failed != q.failed || q.qp.Consumer() != q.enc.PI() {
		return s.wrong("queue's state differs", "queue %#x: failed %v, want %v; counter %d, want %d", q.qpn, failed, q.failed, q.qp.Consumer(), q.enc.PI())
	}
	return nil
}

// restart takes a queue through reset: what it held is dropped.
func (s *stateful) restart(q *statefulQP) {
	s.notef("%#x: recover", q.qpn)
	q.qp.Recover(q.enc.PI())
	q.failed, q.pending, q.rung = false, q.pending[:0], q.enc.PI()
}

// recover takes a queue back to work, or makes it anew elsewhere in its ring.
func (s *stateful) recover() error {
	q := s.queue()
	if s.ch.Bool() {
		s.restart(q)
		return nil
	}
	old := q.qp
	if err := s.dev.DestroyQP(q.qpn); err != nil {
		return s.wrong("queue cannot be destroyed", "%#x: %v", q.qpn, err)
	}
	if err := s.dev.DestroyQP(q.qpn); !errors.Is(err, mlx5model.ErrNoQP) {
		return s.wrong("queue destroyed twice", "%#x: %v", q.qpn, err)
	}
	s.dev.Doorbell(old, q.enc.PI()) // of a queue that is gone: nothing happens
	if len(old.Completions()) > 0 {
		return s.wrong("queue works after its end", "%#x: %v", q.qpn, old.Completions())
	}
	s.notef("%#x: anew", q.qpn)
	if err := s.open(q, uint32(s.ch.Uint(1<<16-1))); err != nil {
		return s.wrong("queue cannot be made again", "%#x: %v", q.qpn, err)
	}
	return nil
}

// remote is an access by the peer of a queue: bytes or a reason.
func (s *stateful) remote() error {
	index, _ := s.slot()
	key := s.tagged(index, 0)
	q := s.queueOf(key)
	if s.ch.Byte() >= 240 { // mostly a key under test
		key = s.anyKey(q)
	}
	a := mlx5model.Access{Op: mlx5model.RemoteRead, QPN: q.qpn, PD: q.pd, Key: key}
	if s.ch.Bool() {
		a.Op = mlx5model.RemoteWrite
	}
	a.VA = s.va(a.Key)
	p := s.buf[:s.length()]
	ext, why := s.model.Access(s.ext[:0], a.Op, a.Key, q.user(), a.VA, uint64(len(p)))
	s.ext = ext
	var err error
	if a.Op == mlx5model.RemoteWrite {
		for i := range p {
			p[i] = s.ch.Byte() + byte(i)
		}
		err = s.dev.WriteHost(a, p)
	} else {
		err = s.dev.ReadHost(a, p)
	}
	s.notef("%+v, %d bytes: %v, want reason %v", a, len(p), err, why)
	if why != 0 {
		return s.refused(a, why, err)
	}
	if err != nil {
		return s.wrong("access refused", "%+v: %v", a, err)
	}
	return s.moved(a, p, ext)
}

// length draws how many bytes an access moves: mostly few, so that they fit.
func (s *stateful) length() uint64 {
	if n := s.ch.Uint(uint64(len(s.buf) - 1)); n >= 192 {
		return n
	} else {
		return n % 32
	}
}

func (s *stateful) refused(a mlx5model.Access, why mlx5model.Reason, err error) error {
	e, ok := errors.AsType[*mlx5model.AccessError](err)
	if err == nil {
		return s.wrong("access that must be refused", "%+v, want %v", a, why)
	}
	if !ok || e.Reason != why || e.Syndrome != mlx5model.SynRemoteAccess {
		return s.wrong("access refused for another reason", "%+v: %v, want %v", a, err, why)
	}
	return nil
}

// moved compares what was read with the model's memory, or writes there too.
func (s *stateful) moved(a mlx5model.Access, p []byte, ext []sg.Extent) error {
	for _, e := range ext {
		want := s.model.At(e.Addr, e.Len)
		if a.Op == mlx5model.RemoteWrite {
			copy(want, p[:e.Len])
		} else if !bytes.Equal(p[:e.Len], want) {
			return s.wrong("other bytes were read", "%+v: % x\nwant % x", a, p[:e.Len], want)
		}
		p = p[e.Len:]
	}
	return nil
}

func (s *stateful) remoteInvalidate() error {
	q := s.queue()
	index, _ := s.slot()
	key := s.tagged(index, 0)
	why := s.model.RemoteInvalidate(key, q.user())
	err := s.dev.RemoteInvalidate(q.qp, key)
	s.notef("%#x: remote invalidate %#x: %v, want reason %v", q.qpn, key, err, why)
	if why != 0 {
		return s.refused(mlx5model.Access{Key: key}, why, err)
	}
	if err != nil {
		return s.wrong("remote invalidation refused", "%#x: %v", key, err)
	}
	return nil
}

// settle compares memory and all keys at the end of a program.
func (s *stateful) settle() error {
	if !bytes.Equal(s.host[:statefulData], s.model.Memory) {
		i := 0
		for s.host[i] == s.model.Memory[i] {
			i++
		}
		return s.wrong("memory differs at the end", "at %#x: %#x, want %#x", statefulBase+i, s.host[i], s.model.Memory[i])
	}
	for index := uint32(0); index < firstSlot+statefulSlots; index++ {
		k := s.model.Keys[index]
		if k == nil {
			continue
		}
		ctx, exists := s.dev.QueryMkey(index << 8)
		if exists != k.Exists {
			return s.wrong("key exists, or does not", "index %#x: %v, want %v", index, exists, k.Exists)
		}
		if !exists {
			continue
		}
		if ctx.Free != k.Free || ctx.Tag != k.Tag || ctx.PD != k.PD || ctx.Access != k.Rights || ctx.Start != k.Start || ctx.Len != k.Size {
			return s.wrong("key differs at the end", "index %#x: %+v\nwant %+v", index, ctx, *k)
		}
	}
	return nil
}

// statefulSeeds are random programs: the corpus has lists, not programs, so
// they come from fixed seeds.
func statefulSeeds() ([][]byte, error) {
	var seeds [][]byte
	for i := range 48 {
		c := sg.NewRandom(0x57a7e + uint64(i))
		for range 64 << (i % 5) {
			c.Byte()
		}
		seeds = append(seeds, bytes.Clone(c.Recorded()))
	}
	return seeds, nil
}
