package oracle

import (
	"cmp"
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Peer is the remote side of a registration that moves the data itself: it
// owns the buffer that RDMA READ and WRITE work requests name. It keeps which
// local memory each transfer reached and moves the bytes at both ends of every
// run, so that Judge can compare intervals and real bytes.
type Peer struct {
	remote    reg.Remote
	transfers []transfer
	local     []sg.Extent
	buffer    *sg.Memory
	bad       string // first transfer that broke the agreement
	bytes     [endBytes]byte
	still     bool // no bytes are moved
}

type transfer struct {
	write    bool   // the registering side wrote to the peer
	off, n   uint64 // bytes of the peer's buffer
	from, to int    // the transfer's extents in Peer.local
	moved    bool   // its bytes were touched
}

const (
	// endBytes is how much of each end of a local run is really moved.
	endBytes = 8
	// touched is the number of transfers whose bytes are moved; of later ones
	// every sparse-th is.
	touched = 256
	sparse  = 64
)

// NewPeer makes a peer whose buffer is named by remote.
func NewPeer(remote reg.Remote) *Peer {
	return &Peer{remote: remote, buffer: sg.NewMemory(payloadSalt)}
}

// Reset forgets all transfers.
func (p *Peer) Reset(remote reg.Remote) {
	p.remote, p.transfers, p.local, p.bad = remote, p.transfers[:0], p.local[:0], ""
	p.buffer.Reset(payloadSalt)
}

// MoveNothing makes the peer note transfers without moving their bytes, as
// Oracle.Intervals asks for, or ends that.
func (p *Peer) MoveNothing(still bool) { p.still = still }

// Remote is the name of the peer's buffer.
func (p *Peer) Remote() reg.Remote { return p.remote }

// Transfer implements mlx5model.Peer.
func (p *Peer) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem mlx5model.HostMemory) mlx5model.Syndrome {
	n := total(local)
	if rkey != p.remote.Rkey || raddr-p.remote.Addr > ^n {
		p.bad = "a transfer names a buffer that the peer did not advertise"
		return mlx5model.SynRemoteAccess
	}
	off := raddr - p.remote.Addr
	t := transfer{write: write, off: off, n: n, from: len(p.local)}
	t.moved = !p.still && (len(p.transfers) < touched || len(p.transfers)%sparse == 0)
	p.local = append(p.local, local...)
	t.to = len(p.local)
	p.transfers = append(p.transfers, t)
	if !t.moved {
		return mlx5model.SynOK
	}
	for _, e := range local {
		if err := p.touch(write, off, e, mem); err != nil {
			p.bad = "host memory: " + err.Error()
			return mlx5model.SynRemoteOp
		}
		off += e.Len
	}
	return mlx5model.SynOK
}

// touch moves both ends of a run.
func (p *Peer) touch(write bool, off uint64, e sg.Extent, mem mlx5model.HostMemory) error {
	for _, w := range ends(e.Len) {
		buf := p.bytes[:w.n]
		if write {
			if err := mem.Read(e.Addr+w.off, buf); err != nil {
				return err
			}
			if err := p.buffer.Write(p.remote.Addr+off+w.off, buf); err != nil {
				return err
			}
			continue
		}
		sg.FillPattern(payloadSalt, off+w.off, buf)
		if err := mem.Write(e.Addr+w.off, buf); err != nil {
			return err
		}
	}
	return nil
}

// ends are the two windows of a run of n bytes that touch moves; the second is
// empty for a short run.
func ends(n uint64) [2]window {
	first := window{0, min(n, endBytes)}
	last := window{n - min(n-first.n, endBytes), min(n-first.n, endBytes)}
	return [2]window{first, last}
}

// initiate lets the device execute what a registration that moves the data
// itself has posted.
func (o *Oracle) initiate() bool {
	if o.Peer == nil {
		o.v.failf(Structure, "no peer to transfer to")
		return false
	}
	if o.r.QP.Consumer() != o.r.PostedTo {
		o.r.Dev.Doorbell(o.r.QP, o.r.PostedTo)
	}
	if err := o.r.QP.Err(); err != nil {
		o.v.ran(Structure)
		o.v.failf(Structure, "transfer failed: %v", err)
		return false
	}
	return true
}

// checkInitiated is checks 1, 2 and 5 for a registration that moves the data
// itself: its transfers cover the peer's buffer once, in whatever order, and
// reach the list's bytes.
func (o *Oracle) checkInitiated() {
	p := o.Peer
	c := ReadStream
	if o.r.Request.Dir == reg.DirWrite {
		c = WriteStream
	}
	o.v.ran(c)
	o.v.ran(Conservation)
	if p.bad != "" {
		o.v.failf(Confinement, "%s", p.bad)
		return
	}
	slices.SortStableFunc(p.transfers, func(a, b transfer) int { return cmp.Compare(a.off, b.off) })
	var next uint64
	o.got = o.got[:0]
	for _, t := range p.transfers {
		if t.n == 0 {
			continue
		}
		if t.off != next {
			o.v.failAt(Conservation, o.at(min(next, t.off)), "the peer's bytes [%d, %d) are moved never or twice", min(next, t.off), max(next, t.off))
			return
		}
		if t.write != (c == ReadStream) {
			o.v.failAt(c, o.at(t.off), "a transfer goes the wrong way at byte %d", t.off)
			return
		}
		for _, e := range p.local[t.from:t.to] {
			o.got = sg.AppendExtent(o.got, e.Addr, e.Len)
		}
		next += t.n
	}
	if next != o.r.Covered {
		o.v.failAt(Conservation, o.at(min(next, o.r.Covered)), "%d bytes are moved, %d are covered", next, o.r.Covered)
		return
	}
	o.want = o.orig.extents(o.want[:0], o.base, o.r.Covered)
	if off, x, y, differs := firstDifference(o.got, o.want); differs {
		p := o.at(off).reachingFirst(x)
		o.v.failAt(c, p, "stream byte %d (%s): transfers %#x+%d, the list has %#x+%d", p.Stream, p.entry(), x.Addr, x.Len, y.Addr, y.Len)
		return
	}
	o.checkMoved(c)
}

// checkMoved compares the bytes that the peer really moved.
func (o *Oracle) checkMoved(c Check) {
	for _, t := range o.Peer.transfers {
		if !t.moved {
			continue
		}
		off := t.off
		for _, e := range o.Peer.local[t.from:t.to] {
			for _, w := range ends(e.Len) {
				o.a, o.b = sized(o.a, w.n), sized(o.b, w.n)
				sg.FillPattern(payloadSalt, off+w.off, o.a)
				if c == WriteStream {
					if err := o.orig.write(o.ref, o.base+off+w.off, o.a); err != nil {
						p := o.at(off + w.off)
						o.v.failAt(c, p, "stream byte %d (%s): %v", p.Stream, p.entry(), err)
						return
					}
					continue
				}
				_ = o.Peer.buffer.Read(o.Peer.remote.Addr+off+w.off, o.a)
				_ = o.orig.read(o.mem, o.base+off+w.off, o.b)
				if string(o.a) != string(o.b) {
					p := o.at(off + w.off + uint64(firstByte(o.a, o.b)))
					o.v.failAt(c, p, "stream byte %d (%s): the peer received %#x, the list holds %#x from byte %d on", p.Stream, p.entry(), o.a, o.b, o.base+off+w.off)
					return
				}
			}
			off += e.Len
		}
	}
	o.v.ran(Confinement)
	o.compareMemory(written)
}
