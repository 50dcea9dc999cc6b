#!/usr/bin/python3
"""Queue pairs, regions and windows through pyverbs, in the ways that
rdma-core's own tests use them: both ends in contexts of their own, connected by
attributes that a query gave, restated after errors. Run as suite.py.
"""
import errno
import random
import unittest

import pyverbs.enums as e
import pyverbs.mem_alloc as mem
from pyverbs.addr import AHAttr, GlobalRoute
from pyverbs.base import inc_rkey
from pyverbs.cq import CQ
from pyverbs.mr import MR, MW, MWBind, MWBindInfo
from pyverbs.pd import PD
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttrEx
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr
from pyverbs.wr import RecvWR, SendWR, SGE
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import (Mlx5Context, Mlx5DVContextAttr, Mlx5DVDCInitAttr, Mlx5DVQPInitAttr, Mlx5QP, Wqe,
                                           WqeCtrlSeg, WqeDataSeg)

from ends import Parent, Raw, SIZE, Two
from suite import BIND, LW, RA, RR, RW, text


class Regions(Two):
    def test_rights(self):
        """Re-registration with other rights does not change the key."""
        a, b = self.ends()
        keys = a.mr.rkey, b.mr.rkey, a.mr.lkey
        self.assertEqual(self.writes(a, b), e.IBV_WC_REM_ACCESS_ERR)
        a, b = self.ends()
        keys = a.mr.rkey, b.mr.rkey, a.mr.lkey
        for x in (a, b):
            x.mr.rereg(e.IBV_REREG_MR_CHANGE_ACCESS, None, 0, 0, LW | RW)
        self.assertEqual((a.mr.rkey, b.mr.rkey, a.mr.lkey), keys)
        self.assertEqual(self.writes(a, b), e.IBV_WC_SUCCESS)
        b.mr.rereg(e.IBV_REREG_MR_CHANGE_ACCESS, None, 0, 0, LW)
        self.assertEqual(self.writes(a, b), e.IBV_WC_REM_ACCESS_ERR)

    def test_restated(self):
        """A receive that its region does not cover any more fails both ends,
        which go on after a reset, with the attributes that were asked before."""
        for change in ('domain', 'memory'):
            a, b = self.ends()
            self.messages(a, b)
            kept = [(x, x.qp.query(0x1ffffff)[0]) for x in (b, a)]
            other, new = PD(b.ctx), mem.posix_memalign(SIZE)
            if change == 'domain':
                b.mr.rereg(e.IBV_REREG_MR_CHANGE_PD, other, 0, 0, 0)
            else:
                b.mr.rereg(e.IBV_REREG_MR_CHANGE_TRANSLATION, None, new, SIZE, 0)
            a.post(e.IBV_WR_SEND)
            self.assertEqual(a.status(), e.IBV_WC_REM_OP_ERR)
            for x, attr in kept:
                x.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
                x.qp.to_rts(attr)
                self.assertEqual(x.qp.query(e.IBV_QP_DEST_QPN)[0].dest_qp_num, x.far)
            if change == 'domain':
                b.mr.rereg(e.IBV_REREG_MR_CHANGE_PD, b.pd, 0, 0, 0)
            self.messages(a, b, 20)  # nothing of the time before is left in the CQs
            for x in (a, b):
                x.ctx.close()
            mem.free(new)


class Windows(Two):
    def bound(self, kind):
        a, b = self.ends(access=LW | BIND)
        for x, peer in ((a, b), (b, a)):
            x.mw = MW(x.pd, kind)
            info = MWBindInfo(x.mr, x.mr.buf, SIZE, LW | RW)
            if kind == e.IBV_MW_TYPE_1:
                x.qp.bind_mw(x.mw, MWBind(info, e.IBV_SEND_SIGNALED))
                peer.rkey = x.mw.rkey
            else:
                wr = SendWR(opcode=e.IBV_WR_BIND_MW)
                wr.set_bind_wr(x.mw, info)
                x.qp.post_send(wr)
                peer.rkey = wr.rkey
            self.fine(x)
        self.assertEqual(self.writes(a, b), e.IBV_WC_SUCCESS)
        return a, b

    def test_ends(self):
        """Each way in which a window's life ends."""
        def empty(x, peer):
            x.qp.bind_mw(x.mw, MWBind(MWBindInfo(x.mr, x.mr.buf, 0, 0), e.IBV_SEND_SIGNALED))
            self.fine(x)

        def invalidated(op):
            def do(x, peer):
                by, key = (x, peer.rkey) if op == e.IBV_WR_LOCAL_INV else (peer, peer.rkey)
                if by is peer:
                    x.ready()
                wr = SendWR(opcode=op)
                wr.imm_data = key
                by.qp.post_send(wr)
                self.fine(*((by, x) if by is peer else (by,)))
            return do

        for kind, end in ((e.IBV_MW_TYPE_1, empty), (e.IBV_MW_TYPE_2, invalidated(e.IBV_WR_LOCAL_INV)),
                          (e.IBV_MW_TYPE_2, invalidated(e.IBV_WR_SEND_WITH_INV)), (e.IBV_MW_TYPE_2, lambda x, peer: x.mw.close())):
            a, b = self.bound(kind)
            end(b, a)
            end(a, b)
            self.assertEqual(self.writes(a, b), e.IBV_WC_REM_ACCESS_ERR)

    def test_extended(self):
        """Binding by the extended interface: a key's tag is the program's, its rights the window's."""
        ops = e.IBV_QP_EX_WITH_RDMA_WRITE | e.IBV_QP_EX_WITH_BIND_MW
        for rights, want in ((LW, e.IBV_WC_REM_ACCESS_ERR), (LW | RW, e.IBV_WC_SUCCESS)):
            a, b = self.ends(ops=ops, access=LW | RW | BIND)
            mw = MW(b.pd, e.IBV_MW_TYPE_2)
            a.rkey = inc_rkey(mw.rkey)
            b.qp.wr_start()
            b.qp.wr_flags = e.IBV_SEND_SIGNALED
            b.qp.wr_bind_mw(mw, a.rkey, MWBindInfo(b.mr, b.mr.buf, SIZE, rights))
            b.qp.wr_complete()
            self.fine(b)
            self.assertEqual(self.writes(a, b, 1), want)


class Extended(Two):
    """Every operation of the extended interface."""

    def test_messages(self):
        for kind in e.IBV_QPT_RC, e.IBV_QPT_UD:
            for op, ops in ((e.IBV_WR_SEND, e.IBV_QP_EX_WITH_SEND), (e.IBV_WR_SEND_WITH_IMM, e.IBV_QP_EX_WITH_SEND_WITH_IMM)):
                for size in (SIZE, 1, 0):
                    self.messages(*self.ends(kind=kind, ops=ops), op=op, size=size)
        ops = e.IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM
        self.messages(*self.ends(ops=ops, access=LW | RW), op=e.IBV_WR_RDMA_WRITE_WITH_IMM)

    def test_one_sided(self):
        a, b = self.ends(ops=e.IBV_QP_EX_WITH_RDMA_WRITE, access=LW | RW)
        self.assertEqual(self.writes(a, b), e.IBV_WC_SUCCESS)
        a.post(e.IBV_WR_RDMA_WRITE, 0)
        self.fine(a)
        a, b = self.ends(ops=e.IBV_QP_EX_WITH_RDMA_READ, access=LW | RR)
        for i in range(6):
            a.put(bytes(SIZE))
            b.put(text(SIZE, i))
            for n in (SIZE, 0):
                a.post(e.IBV_WR_RDMA_READ, n)
                self.fine(a)
            self.assertEqual(a.got(), text(SIZE, i))
            a, b = b, a

    def test_atomics(self):
        word = lambda x: int.from_bytes(x.got(8), 'little')
        a, b = self.ends(ops=e.IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD, access=LW | RA)
        for i in range(6):
            a.post(e.IBV_WR_ATOMIC_FETCH_AND_ADD, 8)
            self.fine(a)
            self.assertEqual((word(a), word(b)), (5 * i, 5 * i + 5))
        a, b = self.ends(ops=e.IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP, access=LW | RA)
        for old, new in ((2, 9), (3, 3), (9, 9)):
            b.put(old.to_bytes(8, 'little'))
            a.post(e.IBV_WR_ATOMIC_CMP_AND_SWP, 8)
            self.fine(a)
            self.assertEqual((word(a), word(b)), (old, new))

    def test_whole(self):
        """WQEs that the program wrote itself and others, over many laps of four slots."""
        a, b = self.ends(Raw)
        control = WqeCtrlSeg()
        control.fm_ce_se, control.opmod_idx_opcode, control.qpn_ds = me.MLX5_WQE_CTRL_CQ_UPDATE, me.MLX5_OPCODE_SEND, 3 | int(a.qp.qp_num) << 8
        wqe = Wqe([control] + [WqeDataSeg(SIZE // 2, a.mr.lkey, a.mr.buf + i * SIZE // 2) for i in range(2)])
        b.ready()
        for i in range(50):
            a.put(text(SIZE, i))
            if i % 3:
                a.qp.wr_start()
                a.qp.wr_raw_wqe(wqe)
                a.qp.wr_complete()
            else:
                a.post(e.IBV_WR_SEND)
            self.fine(a, b)
            self.assertEqual(a.opcode, e.IBV_WC_DRIVER2 if i % 3 else e.IBV_WC_SEND)
            b.ready()
            self.assertEqual(b.got(), text(SIZE, i))


class Created(Two):
    def test_asked_for(self):
        """Any capabilities: a query tells no less, and how much a receive takes, exactly."""
        draw = random.Random(7)
        a = self.ctx.query_device()
        for i in range(40):
            kind = (e.IBV_QPT_RC, e.IBV_QPT_UC, e.IBV_QPT_UD)[i % 3]
            asked = [draw.randint(1, n) for n in (a.max_qp_wr // 8, a.max_qp_wr // 8, a.max_sge // 2, a.max_sge // 2)]
            with PD(self.ctx) as pd, CQ(self.ctx, 100) as cq:
                init = QPInitAttrEx(qp_type=kind, cap=QPCap(*asked), pd=pd, scq=cq, rcq=cq, sq_sig_all=i & 1,
                                    comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_CREATE_FLAGS,
                                    create_flags=e.IBV_QP_CREATE_BLOCK_SELF_MCAST_LB if kind == e.IBV_QPT_UD else 0)
                qp = QP(self.ctx, init, QPAttr(port_num=1) if i & 2 else None)
                state = e.IBV_QPS_RESET if not i & 2 else e.IBV_QPS_RTS if kind == e.IBV_QPT_UD else e.IBV_QPS_INIT
                now, has = qp.query(e.IBV_QP_STATE | e.IBV_QP_CAP)
                self.assertEqual((qp.qp_state, now.qp_state, now.cur_qp_state), (state,) * 3)
                c = has.cap
                for want, got in zip(asked, (c.max_send_wr, c.max_recv_wr, c.max_send_sge, c.max_recv_sge)):
                    self.assertLessEqual(want, got)
                if not i & 2:
                    qp.to_init(QPAttr(port_num=1))
                mr = MR(pd, 64, LW)
                full = [SGE(mr.buf, 1, mr.lkey)] * c.max_recv_sge
                self.refused(errno.EINVAL, qp.post_recv, RecvWR(num_sge=len(full) + 1, sg=full + full[:1]))
                qp.post_recv(RecvWR(num_sge=len(full), sg=full))

    def test_attributes(self):
        """Attributes up to what the device has, and none beyond; RESET forgets them."""
        cap = self.ctx.query_device()
        a, b = self.ends()
        a.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
        self.assertEqual(a.qp.query(e.IBV_QP_DEST_QPN | e.IBV_QP_PATH_MTU)[0].dest_qp_num, 0)
        for to, name, beyond, most in ((a.qp.to_init, 'pkey_index', 1, 0), (a.qp.to_init, 'port_num', 2, 1), (a.qp.to_rtr, 'path_mtu', 6, 5),
                                       (a.qp.to_rtr, 'path_mtu', 0, 1), (a.qp.to_rtr, 'max_dest_rd_atomic', cap.max_qp_rd_atom + 1, cap.max_qp_rd_atom),
                                       (a.qp.to_rts, 'max_rd_atomic', cap.max_qp_init_rd_atom + 1, cap.max_qp_init_rd_atom)):
            attr = a.attributes()
            setattr(attr, name, beyond)
            self.refused(errno.EINVAL, to, attr)
            setattr(attr, name, most)
            a.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
            to(attr)
            self.assertEqual(getattr(a.qp.query(0x1ffffff)[0], name), most)
        for route in (AHAttr(port_num=2, dlid=1), AHAttr(port_num=1, is_global=1, dlid=1, gr=GlobalRoute(dgid=self.ctx.query_gid(1, 0), sgid_index=1))):
            a.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
            attr = a.attributes()
            attr.ah_attr = route
            self.refused(errno.EINVAL, a.qp.to_rtr, attr)
        a.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
        a.connect(b)
        self.messages(a, b)

    def test_full(self):
        """A receive queue takes what it says and no more; none in RESET."""
        a, b = self.ends(kind=e.IBV_QPT_UD, ops=e.IBV_QP_EX_WITH_SEND)
        for _ in range(b.qp.query(e.IBV_QP_CAP)[0].cap.max_recv_wr):
            b.ready()
        self.refused(errno.ENOMEM, b.ready)
        for x in (a, b):
            x.qp.modify(QPAttr(qp_state=e.IBV_QPS_RESET, cur_qp_state=e.IBV_QPS_RTS), e.IBV_QP_STATE)
        self.refused(errno.EINVAL, b.ready)
        self.refused(errno.EINVAL, a.post, e.IBV_WR_SEND)

    def test_own_memory(self):
        """Queues in the program's memory, all of which comes back."""
        for shared in (False, True):
            a, b = self.ends(Parent, shared=shared)
            self.messages(a, b, 30)
            self.assertGreaterEqual(Parent.Allocators.live, 4)
            for x in (b, a):
                x.pd.close()
        self.assertEqual(Parent.Allocators.live, 0)

    def test_absent(self):
        """What is not there says so, in the words by which programs know."""
        ctx = Mlx5Context(Mlx5DVContextAttr(), name='mlx5_0')
        pd, cq = PD(ctx), CQ(ctx, 10)
        srq = SRQ(pd, SrqInitAttr(SrqAttr(max_wr=10)))
        for ops, dc in ((e.IBV_QP_EX_WITH_SEND, Mlx5DVDCInitAttr()), (0, Mlx5DVDCInitAttr(dc_type=me.MLX5DV_DCTYPE_DCT, dct_access_key=1))):
            init = QPInitAttrEx(qp_type=e.IBV_QPT_DRIVER, cap=QPCap(10, 0, 1, 0), pd=pd, scq=cq, rcq=cq, srq=srq, send_ops_flags=ops, sq_sig_all=1,
                                comp_mask=e.IBV_QP_INIT_ATTR_PD | (e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS if ops else 0))
            self.refused(errno.EOPNOTSUPP, Mlx5QP, ctx, init, Mlx5DVQPInitAttr(comp_mask=me.MLX5DV_QP_INIT_ATTR_MASK_DC, dc_init_attr=dc))


if __name__ == '__main__':
    unittest.main(verbosity=1)
