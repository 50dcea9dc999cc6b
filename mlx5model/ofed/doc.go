// Package ofed builds the original indirect registration: the work request
// IB_WR_REG_INDIR_MR, with which a kernel consumer registers a list of
// arbitrary {address, key, length} entries as one region, and the local
// invalidate of its time. The verbs were posted for mainline Linux around
// 2015, were not merged, and lived on in OFED 3.x and 4.0.
//
// # What differs from IB_WR_REG_MR on an SG_GAPS key
//
//   - The list is always given by pointer, never inline.
//   - Entries carry keys of their own choice, so that indirect keys nest.
//   - The consumer chooses the first address and the length; nothing is
//     compared with the list, whose length is not checked either.
//   - The mask always has the atomic right and never the small fence.
//   - The PD is written to the mkey context, though its mask bit is not set.
//   - The translation size is not rounded to 8 entries, but to 4.
//   - The request carries the fence that is pending, not the device's
//     umr_fence.
//
// # Fences
//
// One variable lasts (QP.FMCache), one is local to a PostSend call and starts
// at none. A registration or invalidate arms the local one with FenceSmall, for
// the rest of the call; after each request the lasting one takes its value. A
// request gets the lasting fence, FenceSmallAndFull if it also has SendFence,
// but FenceStrong if it is a LOCAL_INV with SendFence. SendFence alone, with no
// fence pending, has no effect.
//
// # Sources and inferences
//
// Read in the drivers/infiniband/hw/mlx5/{qp,mr}.c of OFED 3.x/4.0: the
// registration's bytes, the key's context, the fences. Inferred from mainline
// drivers of the time and after: the bytes of LOCAL_INV (flags 80h, mask FREE),
// the order of writes within a slot, the constant signature FFh, sends and RDMA
// requests, and what a refused request leaves in its slot. No recorded outputs
// of this code exist.
package ofed
