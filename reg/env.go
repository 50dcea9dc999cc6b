package reg

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// The connection that every Env has.
const (
	envPD       = 0x42
	envQPN      = 0x1234
	localIndex  = 0x18 // index of the local key
	defaultRing = 1024 // WQEBBs
)

// ErrDialect reports an unknown dialect.
var ErrDialect = errors.New("unknown dialect")

// EnvConfig is what a case fixes about the connection.
type EnvConfig struct {
	Profile  mlx5model.Profile
	Dialect  string // name for NewEncoder; not looked at if Encoder is set
	WQEBBs   int    // send queue size, a power of two; 0 for 1024 or what the profile allows
	Start    uint32 // first producer counter: the position in the ring
	Prefill  byte   // what the ring holds before the first WQE
	PoolSize int    // memory keys of the pool; 0 for DefaultPoolSize
	Mapper   Mapper // nil for Corrected
	Encoder  Encoder
	Peer     mlx5model.Peer // who answers this QP's RDMA requests; may be nil
	// Host is the memory that the device reaches; nil for Env.Mem.
	Host mlx5model.HostMemory
}

// CompletionError is an error completion of a work request that a strategy
// posted.
type CompletionError struct {
	CQE mlx5model.CQE
	Err error // what the device says about it, may be nil
}

func (e *CompletionError) Error() string {
	return fmt.Sprintf("WQE %#x completed with syndrome %#x: %v", e.CQE.Index, uint8(e.CQE.Syndrome), e.Err)
}

func (e *CompletionError) Unwrap() error { return e.Err }

// DMACount counts the calls of the DMA mapping stage.
type DMACount struct {
	Maps, Unmaps                 int
	LastMapNents, LastUnmapNents int
}

// Env is the consumer's side of a connection: device, queue pair, send queue,
// pools and driver memory. One Env serves any number of cases after each
// other. It is not safe for concurrent use.
type Env struct {
	Mem      *sg.Memory
	Dev      *mlx5model.Device
	QP       *mlx5model.QP
	Ring     *mlx5model.Ring
	PD, QPN  uint32
	LocalKey uint32 // all of memory by physical address, local rights only
	Enc      Encoder
	Map      Mapper
	Profile  mlx5model.Profile
	DMA      DMACount

	arena    arena
	spent    []sg.Extent // driver memory that refused attempts wrote since Reset
	joined   int         // len(spent) when it was joined last
	pool     keyPool
	peer     mlx5model.Peer
	kicked   uint32 // producer counter of the last doorbell
	ringUse  ringUse
	rings    map[int]*mlx5model.Ring
	encoders map[string]Encoder // made so far, by dialect

	descs  []byte   // scratch: descriptors of one region
	blocks []uint64 // scratch: pages of one umem region
	sub    sg.List  // scratch: part of a list, bounce pages
	table  []byte   // scratch: SRP descriptors
	sges   sg.List  // scratch: data segments of one RDMA request
	parts  []Tuple  // scratch: regions of rdmarw
	wr     RegWR    // scratch
	probe  Request  // scratch: what auto asks of other strategies
}

// NewEnv makes an Env over host memory. Reset makes it usable.
func NewEnv(mem *sg.Memory) *Env {
	return &Env{Mem: mem, rings: map[int]*mlx5model.Ring{}, encoders: map[string]Encoder{}}
}

// Reset makes a new connection for a case about list: fresh device, queue and
// pools, driver memory away from the list. Storage is reused. After an error
// (ErrDialect, mlx5model.ErrRingSize, mlx5model.ErrProfile or another of the
// device, wrapped) the Env needs another Reset.
func (e *Env) Reset(c EnvConfig, list sg.List) error {
	if err := e.resetDevice(&c); err != nil {
		return err
	}
	if err := e.resetQueue(&c); err != nil {
		return err
	}
	size := c.PoolSize
	if size <= 0 {
		size = DefaultPoolSize
	}
	e.pool.reset(min(size, c.Profile.MaxMkeys-1))
	e.arena.place(list)
	e.spent, e.joined = e.spent[:0], 0
	e.DMA = DMACount{}
	if e.Map = c.Mapper; e.Map == nil {
		e.Map = Corrected{}
	}
	return nil
}

func (e *Env) resetDevice(c *EnvConfig) (err error) {
	host := c.Host
	if host == nil {
		host = e.Mem
	}
	if e.Dev == nil {
		e.Dev, err = mlx5model.NewDevice(c.Profile, host)
	} else {
		err = e.Dev.Reset(c.Profile, host)
	}
	if err != nil {
		return err
	}
	e.Profile, e.PD, e.QPN = c.Profile, envPD, envQPN
	e.LocalKey, err = e.Dev.CreateMkey(localIndex, mlx5model.MkeyContext{
		Mode: mlx5model.ModePA, Access: mlx5model.AccLR | mlx5model.AccLW,
		Length64: true, PD: e.PD, QPN: mlx5model.QPNAny,
	}, nil)
	return err
}

func (e *Env) resetQueue(c *EnvConfig) (err error) {
	size := c.WQEBBs
	if size == 0 {
		for size = defaultRing; size > c.Profile.MaxSendWQEBBs; size /= 2 {
		}
	}
	if e.Ring = e.rings[size]; e.Ring == nil {
		if e.Ring, err = mlx5model.NewRing(size); err != nil {
			return err
		}
		e.rings[size] = e.Ring
	}
	e.ringUse.reset(e, c)
	e.peer, e.kicked = c.Peer, c.Start
	e.QP, err = e.Dev.CreateQP(mlx5model.QPConfig{QPN: e.QPN, PD: e.PD, SQ: e.Ring, CI: c.Start, Peer: (*peerSwitch)(e)})
	if err != nil {
		return err
	}
	if e.Enc = c.Encoder; e.Enc == nil {
		if e.Enc = e.encoders[c.Dialect]; e.Enc == nil {
			if e.Enc, err = NewEncoder(c.Dialect); err != nil {
				return err
			}
			e.encoders[c.Dialect] = e.Enc
		}
	}
	e.Enc.Attach(e.Ring, e.QPN, e.PD, e.LocalKey, c.Start)
	return nil
}

// SetPeer says who answers this QP's RDMA requests from now on.
func (e *Env) SetPeer(p mlx5model.Peer) { e.peer = p }

// peerSwitch lets the peer change after the queue pair was made.
type peerSwitch Env

func (s *peerSwitch) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem mlx5model.HostMemory) mlx5model.Syndrome {
	if s.peer == nil {
		return mlx5model.SynTransportRetry
	}
	return s.peer.Transfer(write, rkey, raddr, local, mem)
}

// Kick rings the doorbell: the device executes everything posted so far. An
// error completion is a *CompletionError; the queue is then in the error state
// until the strategy's clean-up recovers it.
func (e *Env) Kick() error {
	pi := e.Enc.PI()
	if pi == e.kicked {
		return nil
	}
	e.kicked = pi
	e.QP.ClearCompletions()
	e.Dev.Doorbell(e.QP, pi)
	if e.QP.State() == mlx5model.QPReady {
		return nil
	}
	for _, c := range e.QP.Completions() { // the first failure is the cause
		if c.Failed() {
			return &CompletionError{CQE: c, Err: e.QP.Err()}
		}
	}
	return &CompletionError{Err: e.QP.Err()}
}

// recover brings a queue in the error state back, as mlx5r_umr_recover
// (drivers/infiniband/hw/mlx5/umr.c) does.
func (e *Env) recover() {
	if e.QP.State() == mlx5model.QPError {
		e.kicked = e.Enc.PI()
		e.QP.Recover(e.kicked)
	}
}

// makeRoom kicks if fewer than n WQEBBs are free in the ring.
func (e *Env) makeRoom(n int) error {
	if e.Enc.PI()-e.kicked+uint32(n) <= e.Ring.WQEBBs() {
		return nil
	}
	return e.Kick()
}

// Alloc gives n bytes of driver memory, which no entry of the case's list
// reaches, at a multiple of align (a power of two; 0 and 1 are 2048). Errors
// wrap ErrArenaFull or ErrArenaAlign.
func (e *Env) Alloc(n, align uint64) (addr uint64, err error) { return e.arena.alloc(n, align) }

// Free gives back what Alloc returned for n and align.
func (e *Env) Free(addr, n, align uint64) { e.arena.release(addr, n, align) }

// BuffersInUse is the number of blocks allocated and not freed.
func (e *Env) BuffersInUse() int { return e.arena.live }

// MappingsInUse is the number of lists mapped for DMA and not unmapped.
func (e *Env) MappingsInUse() int { return e.DMA.Maps - e.DMA.Unmaps }

// DMAMap is the DMA mapping stage: it adds the mapped form of l to dst and
// counts the call.
func DMAMap(e *Env, l sg.List, stage sg.DMA, dst sg.List) (sg.List, error) {
	out, err := stage.Map(dst, l)
	if err != nil {
		return dst, err
	}
	e.DMA.Maps++
	e.DMA.LastMapNents = len(l)
	return out, nil
}

// DMAUnmap undoes a DMAMap of nents entries: the count that was given to
// DMAMap, not the one it returned.
func DMAUnmap(e *Env, nents int) {
	e.DMA.Unmaps++
	e.DMA.LastUnmapNents = nents
}
