#!/usr/bin/python3
"""The device as programs find it: contexts opened many times, imported and left
behind, descriptors that run out, event channels, the clock, on-demand paging
and advice about it, and whose fault a fault is. Run as suite.py.
"""
import ctypes
import errno
import gc
import mmap
import os
import resource
import socket
import threading
import time
import unittest

import pyverbs.device as d
import pyverbs.enums as e
from pyverbs.addr import AHAttr, GlobalRoute, AH
from pyverbs.cq import CQ, CompChannel, CqInitAttrEx, CQEX, PollCqAttr
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr
from pyverbs.wr import SendWR, SGE
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import Mlx5Context, Mlx5DVContextAttr, Mlx5CQ, Mlx5DVCQInitAttr, Mlx5UAR

from suite import ALL, Base, LW, QKEY, RR, RW, text

ODP = e.IBV_ACCESS_ON_DEMAND
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def pages(n, prot=mmap.PROT_READ | mmap.PROT_WRITE):
    return libc.mmap(None, n, prot, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)


def descriptors():
    return len(os.listdir('/proc/self/fd'))


class More(Base):
    def refused(self, code, call, *args, **kw):
        with self.assertRaises(PyverbsRDMAError) as err:
            call(*args, **kw)
        self.assertEqual(err.exception.error_code, code)

    def end(self, ctx, pd, cq=None, recv=16):
        """A queue pair that talks to itself until it is connected elsewhere."""
        cq = cq or CQ(ctx, 64)
        return QP(pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=cq, rcq=cq, cap=QPCap(16, recv, 1, 1, 0)), self.attr(0)), cq


class Contexts(More):
    def test_many(self):
        """Contexts that are closed, or only forgotten, leave nothing behind."""
        before = descriptors()
        for i in range(300):
            ctx = d.Context(name='mlx5_0')
            cq = CQ(ctx, 100, None, CompChannel(ctx), 0)
            if i % 2:
                ctx.close()
            del ctx, cq
        gc.collect()
        self.assertLess(descriptors(), before + 40)

    def test_descriptors_run_out(self):
        """Where no channel can be made, that is an error, and closing helps."""
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        for limit in 200, 600:  # below and above where the adapter keeps its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, old[1]))
            many = []
            try:
                with self.assertRaises(PyverbsRDMAError):
                    while True:
                        many.append(d.Context(name='mlx5_0'))
                self.assertGreater(len(many), limit // 5)
                for ctx in many:
                    ctx.close()
                channel = CompChannel(self.ctx)
                qp, cq = self.end(self.ctx, self.pd, CQ(self.ctx, 16, None, channel, 0))
                qp.to_rts(self.attr(qp.qp_num))
                cq.req_notify()
                mr = MR(self.pd, 64, ALL)
                self.send(qp, cq, e.IBV_WR_RDMA_WRITE, [self.sge(mr, n=8)], mr.buf + 8, mr.rkey)
                channel.get_cq_event(cq)
                cq.ack_events(1)
                again = [d.Context(name='mlx5_0') for _ in range(len(many) - 5)]
                for ctx in again:
                    ctx.close()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, old)

    def test_import(self):
        """A context on a duplicate of the descriptor, with the first one's domain and region."""
        mr = MR(self.pd, 1000, LW | RW | RR)
        ctx = d.Context(cmd_fd=os.dup(self.ctx.cmd_fd))
        pd = PD(ctx, handle=self.pd.handle)
        same = MR(pd, handle=mr.handle, address=mr.buf)
        self.assertEqual((same.rkey, same.lkey, same.length), (mr.rkey, mr.lkey, 1000))
        (a, ca), (b, cb) = self.end(ctx, pd), self.end(self.ctx, self.pd)
        a.to_rts(self.attr(b.qp_num))
        b.to_rts(self.attr(a.qp_num))
        other = MR(self.pd, 1000, LW | RW)
        mr.write(text(1000), 1000)
        self.assertEqual(self.send(a, ca, e.IBV_WR_RDMA_WRITE, [SGE(mr.buf, 1000, same.lkey)], other.buf, other.rkey).status, e.IBV_WC_SUCCESS)
        self.assertEqual(other.read(1000, 0), text(1000))
        a.close()
        ca.close()
        same.unimport()
        pd.unimport()
        pd.close()
        ctx.close()
        self.assertEqual(self.send(b, cb, e.IBV_WR_RDMA_READ, [self.sge(other)], mr.buf, mr.rkey, flags=0).status, e.IBV_WC_RETRY_EXC_ERR)

    def test_import_nothing(self):
        """A descriptor of something else is not a device."""
        with open('/dev/null', 'rb') as f, self.assertRaises(PyverbsRDMAError):
            d.Context(cmd_fd=os.dup(f.fileno()))

    def test_doorbells(self):
        """Doorbell pages by number, mapped for writing."""
        uars = [Mlx5UAR(self.ctx, kind) for kind in (me._MLX5DV_UAR_ALLOC_TYPE_BF, me._MLX5DV_UAR_ALLOC_TYPE_NC)]
        self.assertNotEqual(uars[0].page_id, uars[1].page_id)
        for u in uars:
            self.assertTrue(u.reg_addr)
            ctypes.c_uint64.from_address(u.reg_addr).value = 1
            u.close()

    def test_left_behind(self):
        """Work under way, events unread and nobody polling, then closed in either order."""
        for i in range(24):
            ends = []
            for _ in range(2):
                ctx = d.Context(name='mlx5_0')
                pd = PD(ctx)
                cq = CQ(ctx, 16, None, CompChannel(ctx), 0)
                cq.req_notify()
                qp, _ = self.end(ctx, pd, cq)
                ends.append((ctx, qp, MR(pd, 256, ALL)))
            (ca, a, ma), (cb, b, mb) = ends
            a.to_rts(self.attr(b.qp_num))
            b.to_rts(self.attr(a.qp_num))
            if i % 3:
                self.recv(b, [self.sge(mb)])
            a.post_send(SendWR(opcode=e.IBV_WR_SEND, num_sge=1, sg=[self.sge(ma)], send_flags=e.IBV_SEND_SIGNALED))
            if i % 4 == 1:
                b.modify(QPAttr(qp_state=e.IBV_QPS_ERR), e.IBV_QP_STATE)
            if i % 4 == 2:
                a.modify(QPAttr(qp_state=e.IBV_QPS_RESET), e.IBV_QP_STATE)
            if i % 5 == 1:
                time.sleep(0.001)
            for ctx in (ca, cb) if i % 2 else (cb, ca):
                ctx.close()

    def test_threads(self):
        failed = []

        def work():
            try:
                for _ in range(5):
                    ctx = d.Context(name='mlx5_0')
                    pd = PD(ctx)
                    qp, cq = self.end(ctx, pd)
                    qp.to_rts(self.attr(qp.qp_num))
                    mr = MR(pd, 128, ALL)
                    for _ in range(20):
                        wc = self.send(qp, cq, e.IBV_WR_RDMA_WRITE, [self.sge(mr, n=64)], mr.buf + 64, mr.rkey)
                        self.assertEqual(wc.status, e.IBV_WC_SUCCESS)
                    ctx.close()
            except Exception as err:  # pylint: disable=broad-except
                failed.append(err)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])


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


class Paging(More):
    def test_advice(self):
        mr, plain = MR(self.pd, 8192, LW | ODP), MR(self.pd, 8192, LW)
        readonly, implicit = MR(self.pd, 8192, ODP), MR(self.pd, 0, LW | ODP, implicit=True)
        kinds = e._IBV_ADVISE_MR_ADVICE_PREFETCH, e._IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, e._IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT
        for advice in kinds:
            for flags in 0, e._IBV_ADVISE_MR_FLAG_FLUSH:
                self.pd.advise_mr(advice, flags, [self.sge(mr), SGE(mr.buf + 5, 100, implicit.lkey)])
        read, write, _ = kinds
        self.pd.advise_mr(read, 0, [self.sge(readonly)])
        self.refused(errno.EPERM, self.pd.advise_mr, write, 0, [self.sge(readonly)])
        self.refused(errno.EPERM, PD(self.ctx).advise_mr, read, 0, [self.sge(mr)])
        self.refused(errno.ENOENT, self.pd.advise_mr, read, 0, [self.sge(mr), SGE(mr.buf, 8, mr.lkey + 1)])
        self.refused(errno.EFAULT, self.pd.advise_mr, read, 0, [SGE(mr.buf + 1, 8192, mr.lkey)])
        self.refused(errno.EINVAL, self.pd.advise_mr, read, 0, [self.sge(plain)])
        self.refused(errno.EINVAL, self.pd.advise_mr, read, 2, [self.sge(mr)])
        self.refused(errno.EOPNOTSUPP, self.pd.advise_mr, 3, 0, [self.sge(mr)])

    def test_own_fault(self):
        """Memory that is gone at the sender's end is not the receiver's fault."""
        for op in e.IBV_WR_SEND, e.IBV_WR_RDMA_WRITE, e.IBV_WR_RDMA_READ:
            (a, b), (ca, cb) = self.pair()
            gone, mr = pages(8192), MR(self.pd, 8192, ALL)
            away = MR(self.pd, 8192, LW | ODP, address=gone)
            self.recv(b, [self.sge(mr)])
            libc.munmap(gone, 8192)
            self.assertEqual(self.send(a, ca, op, [SGE(gone, 100, away.lkey)], mr.buf, mr.rkey).status, e.IBV_WC_LOC_PROT_ERR)
            self.assertEqual((cb.poll(1)[0], b.query(e.IBV_QP_STATE)[0].qp_state), (0, e.IBV_QPS_RTS))

    def test_their_fault(self):
        for op, own, theirs in ((e.IBV_WR_SEND, e.IBV_WC_REM_OP_ERR, e.IBV_WC_LOC_PROT_ERR),
                                (e.IBV_WR_RDMA_WRITE, e.IBV_WC_REM_OP_ERR, e.IBV_WC_WR_FLUSH_ERR),
                                (e.IBV_WR_RDMA_READ, e.IBV_WC_REM_OP_ERR, e.IBV_WC_WR_FLUSH_ERR)):
            (a, b), (ca, cb) = self.pair()
            gone, mr = pages(8192), MR(self.pd, 8192, ALL)
            away = MR(self.pd, 8192, ALL | ODP, address=gone)
            self.recv(b, [SGE(gone, 8192, away.lkey)])
            libc.munmap(gone, 8192)
            self.assertEqual(self.send(a, ca, op, [self.sge(mr)], gone, away.rkey).status, own)
            self.assertEqual(self.poll(cb).status, theirs)


if __name__ == '__main__':
    unittest.main(verbosity=1)
