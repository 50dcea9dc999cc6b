#!/usr/bin/python3
"""Completion queues: their sizes, entries and times. Run as suite.py."""
import errno
import socket
import time
import unittest

import pyverbs.enums as e
from pyverbs.addr import AHAttr, GlobalRoute, AH
from pyverbs.cq import CQ, CqInitAttrEx, CQEX, PollCqAttr
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.qp import QP, QPCap, QPInitAttr
from pyverbs.wr import SendWR
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import Mlx5Context, Mlx5DVContextAttr, Mlx5CQ, Mlx5DVCQInitAttr

from device import More
from suite import ALL, QKEY, text


class Completions(More):
    def test_sizes(self):
        most = self.ctx.query_device().max_cqe
        for n in 1, 2, 1000, 1 << 16:
            CQ(self.ctx, n, None, None, 0).close()
        self.refused(errno.EINVAL, CQ, self.ctx, most + 1, None, None, 0)
        self.refused(errno.EINVAL, CQ, self.ctx, 100, None, None, self.ctx.num_comp_vectors)
        self.refused(errno.EINVAL, CQEX, self.ctx, CqInitAttrEx(cqe=most + 1, wc_flags=0, comp_mask=0, flags=0))
        for flag in list(e.ibv_create_cq_wc_flags):
            CQEX(self.ctx, CqInitAttrEx(cqe=10, wc_flags=flag, comp_mask=0, flags=0)).close()

    def test_cannot_shrink(self):
        """A queue is not made smaller than what is in it, and goes on."""
        (a, b), (ca, _) = self.pair(cqes=7)
        mr = MR(self.pd, 128, ALL)
        mr.write(bytes(range(128)), 128)
        for i in range(6):
            wr = SendWR(wr_id=i, opcode=e.IBV_WR_RDMA_WRITE, num_sge=1, sg=[self.sge(mr, i, 1)], send_flags=e.IBV_SEND_SIGNALED)
            wr.set_wr_rdma(mr.rkey, mr.buf + 100)
            a.post_send(wr)
        end = time.time() + 2
        while mr.read(1, 100) != b'\5':  # its completion comes before the adapter takes the command
            self.assertLess(time.time(), end)
        self.refused(errno.EINVAL, ca.resize, 1)
        self.assertEqual([wc.wr_id for wc in self.poll(ca, 6)], list(range(6)))
        ca.resize(1)
        self.assertGreaterEqual(ca.cqe, 1)

    def test_entry_sizes(self):
        """Messages around what an entry could carry inline, in entries of both sizes."""
        ctx = Mlx5Context(Mlx5DVContextAttr(), name='mlx5_0')
        pd = PD(ctx)
        for size in 64, 128:
            init = Mlx5DVCQInitAttr(comp_mask=me.MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE, cqe_size=size)
            cq = Mlx5CQ(ctx, CqInitAttrEx(cqe=8), init)
            qp, _ = self.end(ctx, pd, cq)
            qp.to_rts(self.attr(qp.qp_num))
            mr = MR(pd, 512, ALL)
            for n in 8, 32, 33, 64, 65, 128, 140:
                mr.write(text(n, size) + bytes(256), n + 256)
                self.recv(qp, [self.sge(mr, 256, n)])
                qp.post_send(SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(mr, n=n)], send_flags=e.IBV_SEND_SIGNALED))
                for _ in range(2):
                    self.next(cq)
                self.assertEqual(mr.read(n, 256), text(n, size))
        bad = Mlx5DVCQInitAttr(comp_mask=me.MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE, cqe_size=100)
        self.refused(errno.EINVAL, Mlx5CQ, ctx, CqInitAttrEx(), bad)
        ctx.close()

    def next(self, cq, read=lambda: None):
        end = time.time() + 2
        while cq.start_poll(PollCqAttr()) == errno.ENOENT:
            self.assertLess(time.time(), end, 'no completion')
        try:
            self.assertEqual(cq.status, e.IBV_WC_SUCCESS)
            return read()
        finally:
            cq.end_poll()

    def test_fields(self):
        """What an extended completion says of a datagram, besides its time."""
        flags = (e.IBV_WC_EX_WITH_BYTE_LEN | e.IBV_WC_EX_WITH_IMM | e.IBV_WC_EX_WITH_QP_NUM | e.IBV_WC_EX_WITH_SRC_QP |
                 e.IBV_WC_EX_WITH_SLID | e.IBV_WC_EX_WITH_SL | e.IBV_WC_EX_WITH_DLID_PATH_BITS)
        cq = CQEX(self.ctx, CqInitAttrEx(cqe=16, wc_flags=flags))
        init = QPInitAttr(qp_type=e.IBV_QPT_UD, scq=cq, rcq=cq, cap=QPCap(4, 4, 1, 1, 0))
        a, b = QP(self.pd, init, self.attr(0)), QP(self.pd, init, self.attr(0))
        route = GlobalRoute(dgid=self.ctx.query_gid(1, 0), sgid_index=0)
        ah = AH(self.pd, attr=AHAttr(dlid=1, port_num=1, is_global=1, gr=route))
        mr = MR(self.pd, 512, ALL)
        self.recv(b, [self.sge(mr, 100)])
        wr = SendWR(wr_id=9, opcode=e.IBV_WR_SEND_WITH_IMM, num_sge=1, sg=[self.sge(mr, n=60)], send_flags=e.IBV_SEND_SIGNALED)
        wr.imm_data = socket.htonl(1234)
        wr.set_wr_ud(ah, b.qp_num, QKEY)
        a.post_send(wr)
        got = {}
        for _ in range(2):
            got.update(self.next(cq, lambda: {cq.read_opcode(): (
                cq.wr_id, cq.read_qp_num(), cq.read_byte_len(), socket.ntohl(cq.read_imm_data()), cq.read_src_qp(),
                cq.read_slid(), cq.read_sl(), cq.read_dlid_path_bits(), cq.read_wc_flags())}))
        self.assertEqual(got[e.IBV_WC_SEND][:2], (9, a.qp_num))
        self.assertEqual(got[e.IBV_WC_RECV], (4, b.qp_num, 100, 1234, a.qp_num, 1, 0, 0, e.IBV_WC_GRH | e.IBV_WC_WITH_IMM))

    def test_time(self):
        """A completion's time: by the device's clock, by the library's conversion, and by the wall's."""
        for flag in e.IBV_WC_EX_WITH_COMPLETION_TIMESTAMP, e.IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK:
            cq = CQEX(self.ctx, CqInitAttrEx(cqe=16, wc_flags=flag))
            qp, _ = self.end(self.ctx, self.pd, cq)
            qp.to_rts(self.attr(qp.qp_num))
            mr = MR(self.pd, 64, ALL)
            wr = SendWR(opcode=e.IBV_WR_RDMA_WRITE, num_sge=1, sg=[self.sge(mr, n=8)], send_flags=e.IBV_SEND_SIGNALED)
            wr.set_wr_rdma(mr.rkey, mr.buf + 8)
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            qp.post_send(wr)
            raw = flag == e.IBV_WC_EX_WITH_COMPLETION_TIMESTAMP
            at = self.next(cq, cq.read_timestamp if raw else cq.read_completion_wallclock_ns)
            if raw:
                self.assertTrue(before <= at <= time.clock_gettime_ns(time.CLOCK_MONOTONIC), (before, at))
                at = Mlx5Context.device_timestamp_to_ns(self.ctx, at)
            self.assertLess(abs(time.time_ns() - at), 30e9)


if __name__ == '__main__':
    unittest.main(verbosity=1)
