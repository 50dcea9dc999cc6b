package reg

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// ErrPoolEmpty says that all memory keys of the pool are in use, or that the
// device has no room for a further one.
var ErrPoolEmpty = errors.New("no memory key left in the pool")

const (
	// DefaultPoolSize is the number of memory keys of an Env unless its
	// configuration says otherwise.
	DefaultPoolSize = 64
	// firstKeyIndex is the index of the pool's first key.
	firstKeyIndex = 0x1000
	// poolSearch bounds the search for a free key that fits.
	poolSearch = 16
)

// Key is a memory key of the pool.
type Key struct {
	Key  uint32 // index and tag: the tag it carries now, or carried last
	Mode mlx5model.AccessMode
	Max  int // descriptors it has room for

	index uint32
	live  bool // exists on the device
}

// keyPool is a fixed number of memory keys, each created when first needed.
type keyPool struct {
	keys   []*Key // places in use by this case; beyond len, of earlier ones
	free   []*Key // not handed out
	size   int
	busy   int
	remade int
}

func (p *keyPool) reset(size int) {
	p.keys, p.free = p.keys[:0], p.free[:0]
	p.size, p.busy, p.remade = size, 0, 0
}

// place is a blank key: a new one below the pool's size, or the storage of a
// free one.
func (p *keyPool) place() *Key {
	if n := len(p.keys); n < p.size {
		if n < cap(p.keys) {
			p.keys = p.keys[:n+1]
		} else {
			p.keys = append(p.keys, nil)
		}
		if p.keys[n] == nil {
			p.keys[n] = new(Key)
		}
		*p.keys[n] = Key{index: uint32(firstKeyIndex + n)}
		return p.keys[n]
	}
	n := len(p.free)
	if n == 0 {
		return nil
	}
	k := p.free[n-1]
	p.free = p.free[:n-1]
	return k
}

// fitting takes the smallest free key that needs no change off the list: a
// large one given to a short list would be missed when a long one comes.
func (p *keyPool) fitting(mode mlx5model.AccessMode, max int) *Key {
	last, best := len(p.free)-1, -1
	for i := last; i >= 0 && i > last-poolSearch; i-- {
		k := p.free[i]
		if k.live && k.Mode == mode && k.Max >= max && (best < 0 || k.Max < p.free[best].Max) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	k := p.free[best]
	p.free[best] = p.free[last]
	p.free = p.free[:last]
	return k
}

// capacity rounds a descriptor count up so that a key serves many lists.
func capacity(need, limit int) int {
	return max(min(max(1<<bits.Len(uint(max(need, 1)-1)), 4), limit), need)
}

// GetKey takes a key of the mode with room for max descriptors from the pool:
// a free one, a new one while the pool is below its size, or a free one made
// anew with another mode or capacity. Errors wrap ErrPoolEmpty.
func (e *Env) GetKey(mode mlx5model.AccessMode, max int) (*Key, error) {
	k := e.pool.fitting(mode, max)
	if k == nil {
		if k = e.pool.place(); k == nil {
			return nil, fmt.Errorf("%d of %d keys in use: %w", e.pool.busy, e.pool.size, ErrPoolEmpty)
		}
		room := capacity(max, e.maxDescs(mode))
		ctx := e.Enc.Context(mode, room, e.PD, uint8(k.Key), e.Profile.LogPageMin)
		if mode == mlx5model.ModeKLM { // SPDK asks for 128 octowords of any device
			ctx.XltOctowords = min(ctx.XltOctowords, 1<<e.Profile.LogMaxKLMListSize)
		}
		if err := e.createKey(k, &ctx, nil); err != nil {
			return nil, err
		}
		k.Max = room
	}
	e.pool.busy++
	return k, nil
}

// getDirect takes a key that CREATE_MKEY makes with its final context and
// list. PutKey destroys it.
func (e *Env) getDirect(ctx *mlx5model.MkeyContext, xlt []byte) (*Key, error) {
	k := e.pool.place()
	if k == nil {
		return nil, fmt.Errorf("%d of %d keys in use: %w", e.pool.busy, e.pool.size, ErrPoolEmpty)
	}
	ctx.Tag = uint8(k.Key)
	if err := e.createKey(k, ctx, xlt); err != nil {
		return nil, err
	}
	e.pool.busy++
	return k, nil
}

// createKey makes k on the device, in place of what was there. On error k goes
// to the free list as a blank.
func (e *Env) createKey(k *Key, ctx *mlx5model.MkeyContext, xlt []byte) error {
	e.dropKey(k)
	full, err := e.Dev.CreateMkey(k.index, *ctx, xlt)
	if err != nil && e.dropIdle() {
		full, err = e.Dev.CreateMkey(k.index, *ctx, xlt)
	}
	if err != nil {
		e.pool.free = append(e.pool.free, k)
		return fmt.Errorf("%w: %w", ErrPoolEmpty, err)
	}
	k.Key, k.Mode, k.live = full, ctx.Mode, true
	return nil
}

// dropKey destroys the key on the device; the place remains. The next key
// made there carries the next tag, so that a stale key does not fit it.
func (e *Env) dropKey(k *Key) {
	if !k.live {
		return
	}
	if err := e.Dev.DestroyMkey(k.Key); err != nil {
		panic("reg: pool key is unknown to the device: " + err.Error())
	}
	k.Key, k.live, k.Max = mlx5model.BumpKey(k.Key), false, 0
	e.pool.remade++
}

// dropIdle destroys the free keys that exist, for the room that they take on
// the device, and reports whether there were any.
func (e *Env) dropIdle() bool {
	before := e.pool.remade
	for _, k := range e.pool.free {
		e.dropKey(k)
	}
	return e.pool.remade != before
}

// PutKey gives a key back to the pool.
func (e *Env) PutKey(k *Key) {
	e.pool.busy--
	e.pool.free = append(e.pool.free, k)
}

// KeysInUse is the number of keys taken from the pool and not put back.
func (e *Env) KeysInUse() int { return e.pool.busy }

// KeysDestroyed counts the pool's keys destroyed since Reset: those of
// dialects that cannot invalidate a key by work request, and those whose place
// was needed for another kind of key.
func (e *Env) KeysDestroyed() int { return e.pool.remade }

// maxDescs is the most descriptors that a key of the mode can have on this
// device.
func (e *Env) maxDescs(mode mlx5model.AccessMode) int {
	if mode == mlx5model.ModeKLM {
		return e.Profile.MaxKLMs()
	}
	return mlx5model.MaxMTTs
}

// PoolSize is the number of memory keys that the pool can hand out at a time.
func (e *Env) PoolSize() int { return e.pool.size }
