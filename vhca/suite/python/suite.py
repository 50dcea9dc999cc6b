#!/usr/bin/python3
"""Tests of the virtual adapter through pyverbs, along the modules that
rdma-core's own Python tests are divided into. Both ends are in this process.

Run by: sgfuzz vhca -- /usr/bin/python3 suite.py
"""
import errno
import os
import sys
import tempfile
import time
import unittest

import pyverbs.device as d
import pyverbs.enums as e
from pyverbs.addr import AH, AHAttr, GlobalRoute
from pyverbs.cq import CQ, CompChannel, CqInitAttrEx, CQEX, PollCqAttr
from pyverbs.mr import MR, MW, MWBind, MWBindInfo
from pyverbs.pd import PD, ParentDomain, ParentDomainInitAttr
from pyverbs.pyverbs_error import PyverbsError, PyverbsRDMAError
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr, QPInitAttrEx
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr, SrqInitAttrEx
from pyverbs.wr import RecvWR, SendWR, SGE
from pyverbs.xrcd import XRCD, XRCDInitAttr
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import (Mlx5Context, Mlx5DVContextAttr, Mlx5DVQPInitAttr, Mlx5QP)
from pyverbs.providers.mlx5.mlx5dv_mkey import Mlx5Mkey, Mlx5MkeyConfAttr, Mlx5MrInterleaved

LW, RW, RR, RA, BIND = (e.IBV_ACCESS_LOCAL_WRITE, e.IBV_ACCESS_REMOTE_WRITE, e.IBV_ACCESS_REMOTE_READ,
                        e.IBV_ACCESS_REMOTE_ATOMIC, e.IBV_ACCESS_MW_BIND)
ALL = LW | RW | RR | RA
QKEY = 0x11111111


def text(n, seed=0):
    return bytes((i * 7 + (i >> 8) * 13 + seed) & 0xff for i in range(n))


class Base(unittest.TestCase):
    def setUp(self):
        self.ctx = d.Context(name='mlx5_0')
        self.pd = PD(self.ctx)

    def tearDown(self):
        self.ctx.close()

    def attr(self, dest, access=ALL):
        a = QPAttr(port_num=1)
        a.qp_access_flags = access
        a.dest_qp_num = dest
        a.path_mtu = e.IBV_MTU_1024
        a.max_rd_atomic = a.max_dest_rd_atomic = 4
        a.min_rnr_timer, a.timeout, a.retry_cnt, a.rnr_retry = 1, 10, 1, 7
        a.rq_psn = a.sq_psn = 0
        a.qkey = QKEY
        a.ah_attr = AHAttr(dlid=1, port_num=1)
        return a

    def pair(self, kind=e.IBV_QPT_RC, srq=None, pd=None, cqes=128, access=ALL):
        """Two queue pairs, connected, each with a CQ."""
        cqs = [CQ(self.ctx, cqes) for _ in range(2)]
        qps = []
        for i in range(2):
            init = QPInitAttr(qp_type=kind, scq=cqs[i], rcq=cqs[i], cap=QPCap(32, 32, 4, 4, 64), srq=srq if i else None)
            qps.append(QP(pd if i and pd else self.pd, init, self.attr(0, access)))
        for i in range(2):
            if kind != e.IBV_QPT_UD:  # those are ready when made
                qps[i].to_rts(self.attr(qps[1 - i].qp_num, access))
        return qps, cqs

    def poll(self, cq, n=1):
        got, end = [], time.time() + 2
        while len(got) < n:
            count, wcs = cq.poll()
            got += wcs[:count]
            self.assertLess(time.time(), end, 'no completion')
        return got[0] if n == 1 else got

    def send(self, qp, cq, op, sges, raddr=0, rkey=0, flags=e.IBV_SEND_SIGNALED, **more):
        wr = SendWR(wr_id=3, opcode=op, num_sge=len(sges), sg=sges, send_flags=flags, **more)
        if rkey:
            wr.set_wr_rdma(rkey, raddr)
        qp.post_send(wr)
        return self.poll(cq)

    def recv(self, qp, sges):
        qp.post_recv(RecvWR(wr_id=4, num_sge=len(sges), sg=sges))

    def sge(self, mr, off=0, n=None):
        return SGE(mr.buf + off, mr.length - off if n is None else n, mr.lkey)


class Device(Base):
    def test_query(self):
        a = self.ctx.query_device()
        self.assertEqual(a.vendor_id, 0x2c9)
        self.assertEqual(a.phys_port_cnt, 1)
        p = self.ctx.query_port(1)
        self.assertEqual(p.state, e.IBV_PORT_ACTIVE)
        self.assertEqual(p.link_layer, e.IBV_LINK_LAYER_INFINIBAND)
        x = self.ctx.query_device_ex()
        self.assertTrue(x.odp_caps.general_caps & e.IBV_ODP_SUPPORT)

    def test_errors(self):
        with self.assertRaises(PyverbsRDMAError):
            self.ctx.query_port(2)
        with self.assertRaises(PyverbsRDMAError):
            self.ctx.query_gid(port_num=1, index=8)
        with self.assertRaises(PyverbsRDMAError):
            Mlx5Context.query_mlx5_port(self.ctx, 2)

    def test_gid(self):
        self.assertEqual(self.ctx.query_gid(port_num=1, index=0).gid[:4], 'fe80')
        self.assertEqual(len(self.ctx.query_gid_table(4)), 1)
        self.assertEqual((self.ctx.query_port(1).gid_tbl_len, Mlx5Context.query_mlx5_port(self.ctx, 1).flags), (8, 0))
        for index in range(1, 8):  # empty places of the table
            self.assertEqual(set(self.ctx.query_gid(port_num=1, index=index).gid), {'0', ':'})
            with self.assertRaises(PyverbsRDMAError) as err:
                self.ctx.query_gid_ex(port_num=1, gid_index=index)
            self.assertEqual(err.exception.error_code, errno.ENODATA)
        self.assertEqual(self.ctx.query_pkey(1, 0), 0xffff)

    def test_contexts(self):
        """Several contexts at once are one device."""
        others = [d.Context(name='mlx5_0') for _ in range(5)]
        pds = [PD(c) for c in others]
        self.assertEqual(len(pds), 5)
        for c in others:
            c.close()


class Regions(Base):
    def test_read_write(self):
        for n in (1, 100, 4096, 10000):
            mr = MR(self.pd, n, ALL)
            mr.write('x' * n, n)
            self.assertEqual(mr.read(n, 0), b'x' * n)
            mr.close()

    def test_bad_flags(self):
        for bad in (RW, RA, RW | RA, RW | RR):
            with self.assertRaises(PyverbsRDMAError) as err:
                MR(self.pd, 100, bad)
            self.assertEqual(err.exception.error_code, errno.EINVAL)

    def test_rereg(self):
        (a, b), (ca, _) = self.pair()
        ma, mb = MR(self.pd, 100, ALL), MR(self.pd, 4096, ALL)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_SUCCESS)
        mb.rereg(e.IBV_REREG_MR_CHANGE_ACCESS, None, 0, 0, LW | RR)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_READ, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_SUCCESS)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_REM_ACCESS_ERR)

    def test_rereg_pd(self):
        other = PD(self.ctx)
        mb, ma = MR(self.pd, 4096, ALL), MR(self.pd, 100, ALL)
        mb.rereg(e.IBV_REREG_MR_CHANGE_PD, other, 0, 0, 0)
        (a, b), (ca, _) = self.pair()
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_READ, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_REM_ACCESS_ERR)
        (a, b), (ca, _) = self.pair(pd=other)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_READ, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_SUCCESS)

    def test_windows(self):
        for kind in (e.IBV_MW_TYPE_1, e.IBV_MW_TYPE_2):
            mw = MW(self.pd, kind)
            mw.close()
        with self.assertRaises(PyverbsRDMAError):
            MW(self.pd, 3)

    def test_window_1(self):
        (a, b), (ca, cb) = self.pair()
        ma, mb = MR(self.pd, 100, ALL), MR(self.pd, 4096, LW | BIND)
        mw = MW(self.pd, e.IBV_MW_TYPE_1)
        b.bind_mw(mw, MWBind(MWBindInfo(mb, mb.buf, 50, RW), e.IBV_SEND_SIGNALED, 5))
        self.assertEqual(self.poll(cb).status, e.IBV_WC_SUCCESS)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [self.sge(ma, n=50)], mb.buf, mw.rkey).status, e.IBV_WC_SUCCESS)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [self.sge(ma, n=51)], mb.buf, mw.rkey).status, e.IBV_WC_REM_ACCESS_ERR)


class Traffic(Base):
    def both(self, kind, n=1000):
        (a, b), (ca, cb) = self.pair(kind)
        ma, mb = MR(self.pd, n, ALL), MR(self.pd, n, ALL)
        for i in range(50):
            ma.write(text(n, i), n)
            self.recv(b, [self.sge(mb, 0, n // 3), self.sge(mb, n // 3)])
            self.assertEqual(self.send(a, ca, e.IBV_WR_SEND, [self.sge(ma)]).status, e.IBV_WC_SUCCESS)
            wc = self.poll(cb)
            self.assertEqual((wc.status, wc.byte_len), (e.IBV_WC_SUCCESS, n))
            self.assertEqual(mb.read(n, 0), text(n, i))
            a, b, ca, cb, ma, mb = b, a, cb, ca, mb, ma

    def test_rc(self):
        self.both(e.IBV_QPT_RC)

    def test_uc(self):
        self.both(e.IBV_QPT_UC)

    def test_ud(self):
        (a, b), (ca, cb) = self.pair(e.IBV_QPT_UD)
        ma, mb = MR(self.pd, 500, ALL), MR(self.pd, 540, ALL)
        for glob in (False, True):
            gr = GlobalRoute(dgid=self.ctx.query_gid(1, 0), sgid_index=0)
            ah = AH(self.pd, attr=AHAttr(dlid=1, port_num=1, is_global=int(glob), gr=gr))
            ma.write(text(500, 1), 500)
            self.recv(b, [self.sge(mb)])
            wr = SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(ma)], send_flags=e.IBV_SEND_SIGNALED)
            wr.set_wr_ud(ah, b.qp_num, QKEY)
            a.post_send(wr)
            self.assertEqual(self.poll(ca).status, e.IBV_WC_SUCCESS)
            wc = self.poll(cb)
            self.assertEqual(wc.byte_len, 540)
            self.assertEqual(bool(wc.wc_flags & e.IBV_WC_GRH), glob)
            self.assertEqual(mb.read(500, 40), text(500, 1))

    def test_rdma(self):
        (a, b), (ca, _) = self.pair()
        ma, mb = MR(self.pd, 5000, ALL), MR(self.pd, 5000, ALL)
        mb.write(text(5000), 5000)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_READ, [self.sge(ma)], mb.buf, mb.rkey).status, e.IBV_WC_SUCCESS)
        self.assertEqual(ma.read(5000, 0), text(5000))
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_READ, [self.sge(ma)], mb.buf + 1, mb.rkey).status, e.IBV_WC_REM_ACCESS_ERR)

    def test_atomic(self):
        (a, b), (ca, _) = self.pair()
        ma, mb = MR(self.pd, 8, ALL), MR(self.pd, 64, ALL)
        mb.write((5).to_bytes(8, sys.byteorder), 8)
        wr = SendWR(opcode=e.IBV_WR_ATOMIC_FETCH_AND_ADD, num_sge=1, sg=[self.sge(ma)], send_flags=e.IBV_SEND_SIGNALED)
        wr.set_wr_atomic(mb.rkey, mb.buf, 7)
        a.post_send(wr)
        self.assertEqual(self.poll(ca).status, e.IBV_WC_SUCCESS)
        self.assertEqual(int.from_bytes(ma.read(8, 0), sys.byteorder), 5)
        self.assertEqual(int.from_bytes(mb.read(8, 0), sys.byteorder), 12)

    def test_query_and_modify(self):
        (a, b), _ = self.pair()
        at, init = a.query(e.IBV_QP_STATE | e.IBV_QP_CAP | e.IBV_QP_DEST_QPN | e.IBV_QP_TIMEOUT)
        self.assertEqual((at.qp_state, at.dest_qp_num, at.timeout, at.rnr_retry), (e.IBV_QPS_RTS, b.qp_num, 10, 7))
        self.assertGreaterEqual(init.cap.max_recv_wr, 32)
        a.modify(QPAttr(qp_state=e.IBV_QPS_ERR), e.IBV_QP_STATE)
        self.assertEqual(a.query(e.IBV_QP_STATE)[0].qp_state, e.IBV_QPS_ERR)
        with self.assertRaises(PyverbsRDMAError):
            a.modify(QPAttr(qp_state=e.IBV_QPS_RTS), e.IBV_QP_STATE)

    def test_unsupported(self):
        """What is not there says so, and programs skip it."""
        cq = CQ(self.ctx, 8)
        with self.assertRaises(PyverbsRDMAError) as err:
            QP(self.pd, QPInitAttr(qp_type=e.IBV_QPT_RAW_PACKET, scq=cq, rcq=cq, cap=QPCap(8, 8, 1, 1, 0)))
        self.assertEqual(err.exception.error_code, errno.EOPNOTSUPP)

    def test_parent_domain(self):
        parent = ParentDomain(self.ctx, ParentDomainInitAttr(self.pd))
        cq = CQ(self.ctx, 16)
        qp = QP(parent, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=cq, rcq=cq, cap=QPCap(8, 8, 1, 1, 0)), self.attr(0))
        qp.to_rts(self.attr(qp.qp_num))
        mr = MR(parent, 128, ALL)
        self.assertEqual(self.send(qp, cq, e.IBV_WR_RDMA_WRITE, [self.sge(mr, n=64)], mr.buf + 64, mr.rkey).status, e.IBV_WC_SUCCESS)


class Queues(Base):
    def test_events(self):
        channel = CompChannel(self.ctx)
        cq = CQ(self.ctx, 64, None, channel, 0)
        qp = QP(self.pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=cq, rcq=cq, cap=QPCap(8, 8, 1, 1, 0)), self.attr(0))
        qp.to_rts(self.attr(qp.qp_num))
        mr = MR(self.pd, 128, ALL)
        for _ in range(20):
            self.recv(qp, [self.sge(mr, 64)])
            cq.req_notify()
            qp.post_send(SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(mr, n=64)], send_flags=e.IBV_SEND_SIGNALED))
            channel.get_cq_event(cq)  # blocks, with the interpreter's lock held
            for wc in self.poll(cq, 2):
                self.assertEqual(wc.status, e.IBV_WC_SUCCESS)
            cq.ack_events(1)

    def test_resize(self):
        (a, b), (ca, _) = self.pair(cqes=16)
        mr = MR(self.pd, 128, ALL)
        for n in (100, 10, 500, 20):
            for _ in range(40):
                self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [self.sge(mr, n=64)], mr.buf + 64, mr.rkey).status, e.IBV_WC_SUCCESS)
            ca.resize(n)

    def test_extended(self):
        cq = CQEX(self.ctx, CqInitAttrEx(cqe=64, wc_flags=e.IBV_WC_EX_WITH_BYTE_LEN | e.IBV_WC_EX_WITH_QP_NUM))
        qp = QP(self.pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=cq, rcq=cq, cap=QPCap(8, 8, 1, 1, 0)), self.attr(0))
        qp.to_rts(self.attr(qp.qp_num))
        mr = MR(self.pd, 128, ALL)
        self.recv(qp, [self.sge(mr, 64, 64)])
        qp.post_send(SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(mr, 0, 33)], send_flags=e.IBV_SEND_SIGNALED))
        seen, end = [], time.time() + 2
        while len(seen) < 2:
            self.assertLess(time.time(), end)
            attr = PollCqAttr()
            if cq.start_poll(attr) == errno.ENOENT:
                continue
            while True:
                self.assertEqual(cq.status, e.IBV_WC_SUCCESS)
                seen.append((cq.read_opcode(), cq.read_qp_num(), cq.read_byte_len()))
                if cq.poll_next() == errno.ENOENT:
                    break
            cq.end_poll()
        self.assertIn((e.IBV_WC_RECV, qp.qp_num, 33), seen)

    def test_srq(self):
        srq = SRQ(self.pd, SrqInitAttr(SrqAttr(16, 2)))
        pairs = [self.pair(srq=srq) for _ in range(3)]
        ma, mb = MR(self.pd, 100, ALL), MR(self.pd, 100, ALL)
        for i in range(90):
            (a, b), (ca, cb) = pairs[i % 3]
            ma.write(text(100, i), 100)
            srq.post_recv(RecvWR(wr_id=i, num_sge=1, sg=[self.sge(mb)]))
            self.assertEqual(self.send(a, ca, e.IBV_WR_SEND, [self.sge(ma)]).status, e.IBV_WC_SUCCESS)
            wc = self.poll(cb)
            self.assertEqual((wc.wr_id, wc.qp_num), (i, b.qp_num))
            self.assertEqual(mb.read(100, 0), text(100, i))
        self.assertGreaterEqual(srq.query().max_wr, 16)


class Xrc(Base):
    """Two contexts with a target, an initiator and a shared queue each."""

    def player(self):
        class P:
            pass
        p = P()
        p.ctx = d.Context(name='mlx5_0')
        p.pd, p.cq = PD(p.ctx), CQ(p.ctx, 64)
        p.file = tempfile.NamedTemporaryFile()
        p.xrcd = XRCD(p.ctx, XRCDInitAttr(e.IBV_XRCD_INIT_ATTR_FD | e.IBV_XRCD_INIT_ATTR_OFLAGS, os.O_CREAT, p.file.fileno()))
        sa = SrqInitAttrEx(max_wr=32)
        sa.srq_type, sa.pd, sa.xrcd, sa.cq = e.IBV_SRQT_XRC, p.pd, p.xrcd, p.cq
        sa.comp_mask = e.IBV_SRQ_INIT_ATTR_TYPE | e.IBV_SRQ_INIT_ATTR_PD | e.IBV_SRQ_INIT_ATTR_CQ | e.IBV_SRQ_INIT_ATTR_XRCD
        p.srq = SRQ(p.ctx, sa)
        p.target = QP(p.ctx, QPInitAttrEx(qp_type=e.IBV_QPT_XRC_RECV, comp_mask=e.IBV_QP_INIT_ATTR_XRCD, xrcd=p.xrcd), self.attr(0))
        p.qp = QP(p.ctx, QPInitAttrEx(qp_type=e.IBV_QPT_XRC_SEND, sq_sig_all=1, comp_mask=e.IBV_QP_INIT_ATTR_PD, pd=p.pd, scq=p.cq,
                                      cap=QPCap(max_send_wr=32, max_recv_sge=0, max_recv_wr=0)), self.attr(0))
        p.mr = MR(p.pd, 200, ALL)
        return p

    def test_traffic(self):
        a, b = self.player(), self.player()
        for p, q in ((a, b), (b, a)):
            p.target.to_rts(self.attr(q.qp.qp_num))
            p.qp.to_rts(self.attr(q.target.qp_num))
        for i in range(40):
            a.mr.write(text(100, i), 100)
            b.srq.post_recv(RecvWR(wr_id=i, num_sge=1, sg=[self.sge(b.mr)]))
            wr = SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(a.mr, 0, 100)])
            wr.set_qp_type_xrc(b.srq.get_srq_num())
            a.qp.post_send(wr)
            self.assertEqual(self.poll(a.cq).status, e.IBV_WC_SUCCESS)
            wc = self.poll(b.cq)
            self.assertEqual((wc.status, wc.wr_id, wc.byte_len), (e.IBV_WC_SUCCESS, i, 100))
            self.assertEqual(b.mr.read(100, 0), text(100, i))
            a, b = b, a


class Mkeys(Base):
    """Indirect keys through mlx5dv."""

    def setUp(self):
        self.ctx = Mlx5Context(Mlx5DVContextAttr(), 'mlx5_0')
        self.pd = PD(self.ctx)
        self.cqs = [CQ(self.ctx, 64) for _ in range(2)]
        cap = QPCap(64, 16, 4, 4, 512)
        ops = e.IBV_QP_EX_WITH_RDMA_WRITE | e.IBV_QP_EX_WITH_RDMA_READ | e.IBV_QP_EX_WITH_LOCAL_INV
        dv = (me.MLX5DV_QP_EX_WITH_MR_LIST | me.MLX5DV_QP_EX_WITH_MR_INTERLEAVED | me.MLX5DV_QP_EX_WITH_MKEY_CONFIGURE)
        init = QPInitAttrEx(qp_type=e.IBV_QPT_RC, scq=self.cqs[0], rcq=self.cqs[0], cap=cap, pd=self.pd, send_ops_flags=ops,
                            comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
        self.qp = Mlx5QP(self.ctx, init, Mlx5DVQPInitAttr(comp_mask=me.MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS, send_ops_flags=dv))
        self.far = QP(self.pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=self.cqs[1], rcq=self.cqs[1], cap=cap), self.attr(0))
        self.qp.to_rts(self.attr(self.far.qp_num))
        self.far.to_rts(self.attr(self.qp.qp_num))
        self.key = Mlx5Mkey(self.pd, me.MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT, 8)
        self.ma, self.mb = MR(self.pd, 4096, ALL), MR(self.pd, 4096, ALL)

    def begin(self, flags=0):
        self.qp.wr_start()
        self.qp.wr_id, self.qp.wr_flags = 1, e.IBV_SEND_SIGNALED | flags

    def end(self):
        self.qp.wr_complete()
        return self.poll(self.cqs[0]).status

    def read(self, n, at=0):
        self.begin()
        self.qp.wr_rdma_read(self.key.rkey, at)
        self.qp.wr_set_sge(self.sge(self.ma, 0, n))
        return self.end()

    def test_list(self):
        self.mb.write(text(4096), 4096)
        parts = [(10, 20), (500, 1), (4000, 96), (0, 7)]
        self.begin(e.IBV_SEND_INLINE)
        self.qp.wr_mr_list(self.key, LW | RR, [self.sge(self.mb, at, n) for at, n in parts])
        self.assertEqual(self.end(), e.IBV_WC_SUCCESS)
        whole = b''.join(text(4096)[at:at + n] for at, n in parts)
        for at in range(0, len(whole), 5):
            self.assertEqual(self.read(len(whole) - at, at), e.IBV_WC_SUCCESS)
            self.assertEqual(self.ma.read(len(whole) - at, 0), whole[at:])
        self.assertEqual(self.read(len(whole) + 1), e.IBV_WC_REM_ACCESS_ERR)

    def test_interleaved(self):
        self.mb.write(text(4096), 4096)
        self.begin(e.IBV_SEND_INLINE)
        self.qp.wr_mr_interleaved(self.key, LW | RR, 5, [Mlx5MrInterleaved(self.mb.buf, 8, 2, self.mb.lkey),
                                                         Mlx5MrInterleaved(self.mb.buf + 1000, 3, 0, self.mb.lkey)])
        self.assertEqual(self.end(), e.IBV_WC_SUCCESS)
        whole = b''.join(text(4096)[10 * c:10 * c + 8] + text(4096)[1000 + 3 * c:1003 + 3 * c] for c in range(5))
        self.assertEqual(self.read(55), e.IBV_WC_SUCCESS)
        self.assertEqual(self.ma.read(55, 0), whole)
        self.assertEqual(self.read(56), e.IBV_WC_REM_ACCESS_ERR)

    def test_configure(self):
        self.mb.write(text(4096), 4096)
        self.begin(e.IBV_SEND_INLINE)
        self.qp.wr_mkey_configure(self.key, 2, Mlx5MkeyConfAttr())
        self.qp.wr_set_mkey_access_flags(LW | RR)
        self.qp.wr_set_mkey_layout_list([self.sge(self.mb, 100, 50), self.sge(self.mb, 0, 50)])
        self.assertEqual(self.end(), e.IBV_WC_SUCCESS)
        self.assertEqual(self.read(100), e.IBV_WC_SUCCESS)
        self.assertEqual(self.ma.read(100, 0), text(4096)[100:150] + text(4096)[:50])

    def test_invalidate(self):
        self.begin(e.IBV_SEND_INLINE)
        self.qp.wr_mr_list(self.key, LW | RR, [self.sge(self.mb)])
        self.assertEqual(self.end(), e.IBV_WC_SUCCESS)
        self.begin()
        self.qp.wr_local_inv(self.key.rkey)
        self.assertEqual(self.end(), e.IBV_WC_SUCCESS)
        self.assertEqual(self.read(8), e.IBV_WC_REM_ACCESS_ERR)


if __name__ == '__main__':
    unittest.main(verbosity=1)
