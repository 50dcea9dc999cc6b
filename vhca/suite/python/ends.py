"""What the tests of qps.py connect: ends in contexts of their own, by the
attributes that programs commonly set.
"""
import errno

import pyverbs.device as d
import pyverbs.enums as e
import pyverbs.mem_alloc as mem
from pyverbs.addr import AH, AHAttr, GlobalRoute
from pyverbs.cq import CQ, CqInitAttrEx, CQEX, PollCqAttr
from pyverbs.mr import MR
from pyverbs.pd import PD, ParentDomain, ParentDomainContext, ParentDomainInitAttr
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.qp import QP, QPAttr, QPCap, QPEx, QPInitAttr, QPInitAttrEx
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr
from pyverbs.wr import RecvWR, SendWR, SGE
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import (Mlx5Context, Mlx5CQ, Mlx5DVContextAttr, Mlx5DVCQInitAttr,
                                           Mlx5DVQPInitAttr, Mlx5QP)

from suite import Base, LW, QKEY, RA, RR, RW, text

SIZE, GRH, IMM = 1024, 40, 1234


class End:
    """A context with a domain, a CQ, a region and a queue pair."""
    kind, access, ops, depth, shared = e.IBV_QPT_RC, LW, 0, 1000, False

    def __init__(self, base, **what):
        vars(self).update(what)
        self.base = base
        self.open()
        self.cq = self.queue()
        self.srq = SRQ(self.pd, SrqInitAttr(SrqAttr(max_wr=self.depth))) if self.shared else None
        self.skip = GRH if self.kind == e.IBV_QPT_UD else 0
        self.mr = MR(self.pd, self.skip + SIZE, self.access)
        self.qp = self.pair()

    def open(self):
        self.ctx = d.Context(name='mlx5_0')
        self.pd = PD(self.ctx)

    def queue(self):
        return CQ(self.ctx, self.depth)

    def first(self):
        a = QPAttr(port_num=1)
        a.qkey, a.qp_access_flags = QKEY, RW | RR | RA
        return a

    def pair(self):
        if not self.ops:
            cap = QPCap(max_recv_wr=self.depth)
            return QP(self.pd, QPInitAttr(qp_type=self.kind, scq=self.cq, rcq=self.cq, srq=self.srq, cap=cap), self.first())
        init = QPInitAttrEx(qp_type=self.kind, scq=self.cq, rcq=self.cq, pd=self.pd, send_ops_flags=self.ops,
                            cap=QPCap(self.depth, self.depth, 1, 1), comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
        return QPEx(self.ctx, init, self.first())

    def route(self):
        return AHAttr(port_num=1, is_global=1, dlid=1, gr=GlobalRoute(dgid=self.ctx.query_gid(1, 0), sgid_index=0))

    def connect(self, peer):
        self.far, self.rkey, self.raddr = peer.qp.qp_num, peer.mr.rkey, peer.mr.buf + peer.skip
        if self.kind == e.IBV_QPT_UD:
            self.ah = AH(self.pd, attr=self.route())
            return
        self.qp.to_rts(self.attributes())

    def attributes(self):
        a = self.first()
        a.path_mtu, a.max_rd_atomic, a.max_dest_rd_atomic = e.IBV_MTU_1024, 1, 1
        a.min_rnr_timer, a.timeout, a.retry_cnt, a.rnr_retry = 12, 14, 7, 7
        a.dest_qp_num, a.ah_attr = self.far, self.route()
        a.rq_psn, a.sq_psn = self.far & 0xffff, self.qp.qp_num & 0xffff
        return a

    def sge(self, n=SIZE):
        return SGE(self.mr.buf + self.skip, n, self.mr.lkey)

    def ready(self, n=SIZE):
        wr = RecvWR(num_sge=1, sg=[SGE(self.mr.buf, n + self.skip, self.mr.lkey)])
        (self.srq or self.qp).post_recv(wr)

    def put(self, data):
        self.mr.write(data, len(data), self.skip)

    def got(self, n=SIZE):
        return self.mr.read(n, self.skip)

    def post(self, op, n=SIZE):
        """Posts by the interface of the extended queue pair, or the older one."""
        q = self.qp
        if not self.ops:
            wr = SendWR(opcode=op, num_sge=1, sg=[self.sge(n)])
            if op == e.IBV_WR_RDMA_WRITE:
                wr.set_wr_rdma(self.rkey, self.raddr)
            if self.kind == e.IBV_QPT_UD:
                wr.set_wr_ud(self.ah, self.far, QKEY)
            return q.post_send(wr)
        q.wr_start()
        q.wr_id, q.wr_flags = 7, e.IBV_SEND_SIGNALED
        far = self.rkey, self.raddr
        {e.IBV_WR_SEND: lambda: q.wr_send(), e.IBV_WR_SEND_WITH_IMM: lambda: q.wr_send_imm(IMM),
         e.IBV_WR_RDMA_WRITE: lambda: q.wr_rdma_write(*far), e.IBV_WR_RDMA_READ: lambda: q.wr_rdma_read(*far),
         e.IBV_WR_RDMA_WRITE_WITH_IMM: lambda: q.wr_rdma_write_imm(*far, IMM),
         e.IBV_WR_ATOMIC_CMP_AND_SWP: lambda: q.wr_atomic_cmp_swp(*far, 2, 9),
         e.IBV_WR_ATOMIC_FETCH_AND_ADD: lambda: q.wr_atomic_fetch_add(*far, 5)}[op]()
        if self.kind == e.IBV_QPT_UD:
            q.wr_set_ud_addr(self.ah, self.far, QKEY)
        q.wr_set_sge(self.sge(n))
        q.wr_complete()

    def status(self):
        return self.base.poll(self.cq).status


class Parent(End):
    """A parent domain whose memory comes from the program."""
    class Allocators:
        live = 0

        @classmethod
        def take(cls, pd, context, size, alignment, kind):
            cls.live += 1
            return mem.posix_memalign(size, alignment)

        @classmethod
        def give(cls, pd, context, ptr, kind):
            cls.live -= 1
            mem.free(ptr)

    def open(self):
        super().open()
        self.inner, self.context = self.pd, ParentDomainContext(self.pd, self.Allocators.take, self.Allocators.give, None)
        self.pd = ParentDomain(self.ctx, ParentDomainInitAttr(self.inner, pd_context=self.context))

    def queue(self):
        return CQEX(self.ctx, CqInitAttrEx(cqe=2 * self.depth, wc_flags=e.IBV_WC_STANDARD_FLAGS, parent_domain=self.pd,
                                           comp_mask=e.IBV_CQ_INIT_ATTR_MASK_FLAGS | e.IBV_CQ_INIT_ATTR_MASK_PD))

    def status(self):
        while self.cq.start_poll(PollCqAttr()) == errno.ENOENT:
            pass
        self.opcode = self.cq.read_opcode()
        self.cq.end_poll()
        return self.cq.status


class Raw(Parent):
    """A short send queue that takes whole WQEs, on a CQ of mlx5dv."""
    depth = 4

    def open(self):
        self.ctx = Mlx5Context(Mlx5DVContextAttr(), name='mlx5_0')
        self.pd = PD(self.ctx)

    def queue(self):
        return Mlx5CQ(self.ctx, CqInitAttrEx(), Mlx5DVCQInitAttr())

    def pair(self):
        init = QPInitAttrEx(qp_type=e.IBV_QPT_RC, scq=self.cq, rcq=self.cq, pd=self.pd, cap=QPCap(4, 4, 2, 2), send_ops_flags=e.IBV_QP_EX_WITH_SEND,
                            comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
        mask = me.MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS | me.MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS
        return Mlx5QP(self.ctx, init, Mlx5DVQPInitAttr(comp_mask=mask, send_ops_flags=me.MLX5DV_QP_EX_WITH_RAW_WQE))


class Two(Base):
    def ends(self, what=End, **more):
        a, b = what(self, **more), what(self, **more)
        a.connect(b)
        b.connect(a)
        return a, b

    def fine(self, *ends):
        for x in ends:
            self.assertEqual(x.status(), e.IBV_WC_SUCCESS)

    def messages(self, a, b, n=6, op=e.IBV_WR_SEND, size=SIZE):
        for x in (a, b):
            x.ready(size)
        for i in range(n):
            a.put(text(size, i))
            a.post(op, size)
            self.fine(a, b)
            b.ready(size)
            self.assertEqual(b.got(size), text(size, i))
            a, b = b, a

    def writes(self, a, b, n=6):
        """The first status that is not a success, or success."""
        for i in range(n):
            a.put(text(SIZE, i))
            a.post(e.IBV_WR_RDMA_WRITE)
            status = a.status()
            if status != e.IBV_WC_SUCCESS:
                return status
            self.assertEqual(b.got(), text(SIZE, i))
            a, b = b, a
        return status

    def refused(self, error, call, *args, **more):
        with self.assertRaises(PyverbsRDMAError) as got:
            call(*args, **more)
        self.assertEqual(got.exception.error_code, error)
