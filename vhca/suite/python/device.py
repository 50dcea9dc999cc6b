#!/usr/bin/python3
"""The device as programs find it: contexts opened many times, imported and left
behind, descriptors that run out, event channels, on-demand paging and advice
about it, and whose fault a fault is. Run as suite.py.
"""
import ctypes
import errno
import gc
import mmap
import os
import resource
import subprocess
import threading
import time
import unittest

import pyverbs.device as d
import pyverbs.enums as e
from pyverbs.cq import CQ, CompChannel
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr
from pyverbs.wr import SendWR, SGE
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import Mlx5UAR

from suite import ALL, Base, LW, RR, RW, text

ODP = e.IBV_ACCESS_ON_DEMAND
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PAGE = mmap.PAGESIZE


def pages(n, prot=mmap.PROT_READ | mmap.PROT_WRITE):
    return libc.mmap(None, n, prot, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)


def hole():
    """A page that is there until it is unmapped. It lies between two others: what is mapped next comes elsewhere."""
    return pages(3 * PAGE) + PAGE


def descriptors():
    return {int(n) for n in os.listdir('/proc/self/fd')}


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
        before = len(descriptors())
        for i in range(300):
            ctx = d.Context(name='mlx5_0')
            cq = CQ(ctx, 100, None, CompChannel(ctx), 0)
            if i % 2:
                ctx.close()
            del ctx, cq
        gc.collect()
        self.assertLess(len(descriptors()), before + 6)

    def test_descriptors_run_out(self):
        """Where no channel can be made, that is an error, and closing helps."""
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        for free in 150, 500:  # below and beyond where the adapter keeps its own
            limit = sorted(set(range(old[0])) - descriptors())[free]
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, old[1]))
            many = []
            try:
                with self.assertRaises(PyverbsRDMAError):
                    while True:
                        many.append(d.Context(name='mlx5_0'))
                self.assertGreater(len(many), free // 5)
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

    def test_children(self):
        """What a child closes, the parent still has."""
        channel = CompChannel(self.ctx)
        qp, cq = self.end(self.ctx, self.pd, CQ(self.ctx, 16, None, channel, 0))
        qp.to_rts(self.attr(qp.qp_num))
        mr = MR(self.pd, 64, ALL)
        if os.fork() == 0:
            for fd in descriptors():
                ctypes.CDLL(None).close(fd)
            os._exit(0)
        self.assertEqual(os.wait()[1], 0)
        subprocess.run(['true'], check=True)
        cq.req_notify()
        self.send(qp, cq, e.IBV_WR_RDMA_WRITE, [self.sge(mr, n=8)], mr.buf + 8, mr.rkey)
        channel.get_cq_event(cq)
        cq.ack_events(1)

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
            except Exception as err:
                failed.append(err)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])


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
            gone, mr = hole(), MR(self.pd, PAGE, ALL)
            away = MR(self.pd, PAGE, LW | ODP, address=gone)
            self.recv(b, [self.sge(mr)])
            libc.munmap(gone, PAGE)
            self.assertEqual(self.send(a, ca, op, [SGE(gone, 100, away.lkey)], mr.buf, mr.rkey).status, e.IBV_WC_LOC_PROT_ERR)
            self.assertEqual((cb.poll(1)[0], b.query(e.IBV_QP_STATE)[0].qp_state), (0, e.IBV_QPS_RTS))

    def test_their_fault(self):
        for op, own, theirs in ((e.IBV_WR_SEND, e.IBV_WC_REM_OP_ERR, e.IBV_WC_LOC_PROT_ERR),
                                (e.IBV_WR_RDMA_WRITE, e.IBV_WC_REM_OP_ERR, e.IBV_WC_WR_FLUSH_ERR),
                                (e.IBV_WR_RDMA_READ, e.IBV_WC_REM_OP_ERR, e.IBV_WC_WR_FLUSH_ERR)):
            (a, b), (ca, cb) = self.pair()
            gone, mr = hole(), MR(self.pd, PAGE, ALL)
            away = MR(self.pd, PAGE, ALL | ODP, address=gone)
            self.recv(b, [SGE(gone, PAGE, away.lkey)])
            libc.munmap(gone, PAGE)
            self.assertEqual(self.send(a, ca, op, [self.sge(mr)], gone, away.rkey).status, own)
            self.assertEqual(self.poll(cb).status, theirs)


if __name__ == '__main__':
    unittest.main(verbosity=1)
