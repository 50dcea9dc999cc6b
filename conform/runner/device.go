package runner

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Places in a work request that are the runner's affair: include/linux/mlx5/qp.h
// mlx5_wqe_ctrl_seg.
const (
	ctrlIndex     = 1  // be16 WQEBB counter
	ctrlSignature = 8  // signature
	ctrlFmCeSe    = 11 // fence, completion, solicited
	ctrlDS        = 7
)

const ringWQEBBs = 1024

// bench is the model HCA with its memory, and the oracle beside it.
type bench struct {
	mem     *sg.Memory
	dev     *mlx5model.Device
	ring    *mlx5model.Ring
	qp      *mlx5model.QP
	pi      uint32
	profile mlx5model.Profile
	oracle  *oracle.Oracle
	req     reg.Request
	reg     reg.Registration
	wqe     []byte
	xlt     []byte
	held    []sg.Extent // see indexList
	prefix  sg.List
	reached []sg.Extent
	decoded mlx5model.WQE
	cost    reg.Cost // of the work requests
}

func newBench() (*bench, error) {
	b := &bench{mem: sg.NewMemory(0), oracle: oracle.New()}
	b.profile, _ = mlx5model.ProfileByName("default")
	// the contract asks for no alignment of a list given by pointer beyond the
	// granularity of lists
	b.profile.UMRPointerAlignment = mlx5model.UMRListAlign
	var err error
	if b.dev, err = mlx5model.NewDevice(b.profile, b.mem); err != nil {
		return nil, err
	}
	b.ring, err = mlx5model.NewRing(ringWQEBBs)
	return b, err
}

// reset makes a new connection with the key for local memory.
func (b *bench) reset(seed uint64, qpn, pd, lkey uint32) error {
	b.mem.Reset(seed)
	if err := b.dev.Reset(b.profile, b.mem); err != nil {
		return err
	}
	ctx := linux.DMAMRContext(pd)
	ctx.Tag = mlx5model.KeyTag(lkey)
	if _, err := b.dev.CreateMkey(mlx5model.KeyIndex(lkey), ctx, nil); err != nil {
		return err
	}
	var err error
	b.qp, err = b.dev.CreateQP(mlx5model.QPConfig{QPN: qpn, PD: pd, SQ: b.ring})
	b.pi, b.cost = 0, reg.Cost{}
	return err
}

// create makes a key as the contract describes it: free, open to UMR, of the
// mode, with room for its descriptors.
func (b *bench) create(k conform.Key, pd uint32, pageSize uint64) error {
	ctx := mlx5model.MkeyContext{
		Free: true, UMREn: true, Mode: k.Mode, QPN: mlx5model.QPNAny, PD: pd, Tag: mlx5model.KeyTag(k.Key),
		XltOctowords: k.Max,
	}
	if k.Mode == mlx5model.ModeMTT {
		ctx.XltOctowords = uint32(mlx5model.AlignUp(uint64(k.Max), 2)) / 2
		ctx.LogPageSize = uint8(bits.TrailingZeros64(pageSize))
	}
	// lists come in multiples of 64 bytes, see mlx5model.ListOctowords
	ctx.XltOctowords = uint32(mlx5model.AlignUp(uint64(ctx.XltOctowords), mlx5model.UMRListAlign/mlx5model.OctowordSize))
	_, err := b.dev.CreateMkey(mlx5model.KeyIndex(k.Key), ctx, nil)
	return err
}

// execute puts a work request into the queue and rings the doorbell. What the
// contract leaves open, index, signature, fence and completion, is the
// runner's.
func (b *bench) execute(i int, wqe []byte, v *verdict) bool {
	if len(wqe) < mlx5model.CtrlSize {
		v.fail(oracle.Structure, "work request %d has %d bytes", i, len(wqe))
		return false
	}
	size := int(wqe[ctrlDS]&mlx5model.MaxDS) * mlx5model.DSSize
	padded := int(mlx5model.WQEBBs(wqe[ctrlDS]&mlx5model.MaxDS)) * mlx5model.WQEBBSize
	if size == 0 || len(wqe) != size && len(wqe) != padded {
		v.fail(oracle.Structure, "work request %d has %d bytes, its DS says %d", i, len(wqe), size)
		return false
	}
	b.wqe = append(b.wqe[:0], wqe...)
	for len(b.wqe) < padded {
		b.wqe = append(b.wqe, 0)
	}
	binary.BigEndian.PutUint16(b.wqe[ctrlIndex:], uint16(b.pi))
	b.wqe[ctrlSignature], b.wqe[ctrlFmCeSe] = 0, mlx5model.CtrlCEAlways
	b.ring.Write(b.pi, 0, b.wqe)
	b.pi += uint32(padded / mlx5model.WQEBBSize)
	b.count(size)
	b.dev.Doorbell(b.qp, b.pi)
	if b.qp.State() == mlx5model.QPReady {
		b.qp.ClearCompletions()
		return true
	}
	why := "flushed"
	for _, c := range b.qp.Completions() {
		if c.Failed() {
			why = c.Syndrome.String()
			break
		}
	}
	check := oracle.Structure
	if err := b.qp.Err(); err != nil {
		why += ": " + err.Error()
		if e, ok := errors.AsType[*mlx5model.WQEError](err); ok && e.Reason == mlx5model.ReasonContext {
			check = oracle.LimitsKept
		}
	}
	v.fail(check, "the device refuses work request %d: %s", i, why)
	return false
}

// count adds the work request in b.wqe, of so many bytes, to the cost.
func (b *bench) count(size int) {
	b.cost.WQEs++
	b.cost.WQEBytes += size
	b.cost.Fetches++
	if mlx5model.Decode(b.wqe, &b.decoded) == nil && b.decoded.HasPointer {
		b.cost.Fetches++
	}
}
