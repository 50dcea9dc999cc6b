#!/usr/bin/python3
"""Signatures of blocks in memory through pyverbs: T10-DIF, and the two ends in
contexts of their own. Run as suite.py.
"""
import struct
import time
import unittest

import pyverbs.enums as e
from pyverbs.cq import CQ
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.qp import QPAttr, QPCap, QPInitAttrEx
from pyverbs.wr import RecvWR, SendWR, SGE
import pyverbs.providers.mlx5.mlx5_enums as me
from pyverbs.providers.mlx5.mlx5dv import Mlx5Context, Mlx5DVContextAttr, Mlx5DVQPInitAttr, Mlx5QP
from pyverbs.providers.mlx5.mlx5dv_mkey import (Mlx5Mkey, Mlx5MkeyConfAttr, Mlx5SigBlockAttr, Mlx5SigBlockDomain,
                                                Mlx5SigCrc, Mlx5SigT10Dif)

from suite import ALL, Base, text

BLOCK = 512
ALL_T10 = me.MLX5DV_SIG_MASK_T10DIF_GUARD | me.MLX5DV_SIG_MASK_T10DIF_APPTAG | me.MLX5DV_SIG_MASK_T10DIF_REFTAG


def guard(block, crc):
    """The CRC of T10-DIF, bit by bit."""
    for x in block:
        crc ^= x << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8bb7 if crc & 0x8000 else crc << 1) & 0xffff
    return crc


class End:
    """One end: device, domain, queue pair, region, key."""
    def __init__(self, base, pipelining):
        self.ctx = Mlx5Context(Mlx5DVContextAttr(), name='mlx5_0')
        self.pd = PD(self.ctx)
        self.cq = CQ(self.ctx, 64)
        init = QPInitAttrEx(cap=QPCap(16, 16, 2, 2, 512), pd=self.pd, scq=self.cq, rcq=self.cq, qp_type=e.IBV_QPT_RC,
                            send_ops_flags=e.IBV_QP_EX_WITH_SEND,
                            comp_mask=e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
        flags = me.MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE | (me.MLX5DV_QP_CREATE_SIG_PIPELINING if pipelining else 0)
        mask = me.MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS | me.MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS
        self.qp = Mlx5QP(self.ctx, init, Mlx5DVQPInitAttr(comp_mask=mask, create_flags=flags,
                                                        send_ops_flags=me.MLX5DV_QP_EX_WITH_MKEY_CONFIGURE))
        self.mr = MR(self.pd, 4096, ALL)
        self.key = Mlx5Mkey(self.pd, me.MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT |
                            me.MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE, 3)
        self.base = base

    def configure(self, length, domain=None, check=0, both=False):
        self.qp.wr_start()
        self.qp.wr_flags = e.IBV_SEND_SIGNALED | e.IBV_SEND_INLINE
        self.qp.wr_mkey_configure(self.key, 3 if domain else 2, Mlx5MkeyConfAttr())
        self.qp.wr_set_mkey_access_flags(ALL)
        self.qp.wr_set_mkey_layout_list([SGE(self.mr.buf, length, self.mr.lkey)])
        if domain:
            attr = Mlx5SigBlockAttr(mem=domain, wire=domain if both else None, check_mask=check)
            self.qp.wr_set_mkey_sig_block(attr)
        self.qp.wr_complete()
        self.base.assertEqual(self.base.poll(self.cq).status, e.IBV_WC_SUCCESS)

    def told(self):
        return self.key.mkey_check().err_type


class Signatures(Base):
    def ends(self, pipelining=False):
        x = [End(self, pipelining) for _ in range(2)]
        for i in range(2):
            x[i].qp.to_rts(self.attr(x[1 - i].qp.qp_num))
        return x

    def crc(self, **more):
        self.sig = Mlx5SigCrc(crc_type=me.MLX5DV_SIG_CRC_TYPE_CRC32, **more)  # the domain keeps no reference
        return Mlx5SigBlockDomain(sig_type=me.MLX5DV_SIG_TYPE_CRC, crc=self.sig, block_size=me.MLX5DV_BLOCK_SIZE_512)

    def dif(self, seed, flags):
        self.sig = Mlx5SigT10Dif(bg_type=me.MLX5DV_SIG_T10DIF_CRC, bg=seed, app_tag=0xabcd, ref_tag=0xfffffffe, flags=flags)
        return Mlx5SigBlockDomain(sig_type=me.MLX5DV_SIG_TYPE_T10DIF, dif=self.sig, block_size=me.MLX5DV_BLOCK_SIZE_512)

    def test_message(self):
        """A SEND of a block without its signature succeeds, and is told."""
        a, b = self.ends()
        a.mr.write(b'c' * 4096, 4096)
        a.configure(BLOCK + 4, self.crc(seed=0xffffffff), me.MLX5DV_SIG_MASK_CRC32)
        b.configure(BLOCK)
        b.qp.post_recv(RecvWR(num_sge=1, sg=[SGE(0, BLOCK, b.key.lkey)]))
        self.assertEqual(self.send(a.qp, a.cq, e.IBV_WR_SEND, [SGE(0, BLOCK, a.key.lkey)]).status, e.IBV_WC_SUCCESS)
        self.assertEqual(self.poll(b.cq).byte_len, BLOCK)
        self.assertEqual(b.mr.read(BLOCK, 0), b'c' * BLOCK)
        self.assertEqual((a.told(), b.told()), (me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD, me.MLX5DV_MKEY_NO_ERR))

    def test_stopped(self):
        """Zeros are not a block and its CRC, whatever the seed."""
        for check in 0, me.MLX5DV_SIG_MASK_CRC32:
            a, b = self.ends(pipelining=True)
            a.mr.write(b'\0' * 4096, 4096)
            a.configure(BLOCK + 4, self.crc(), check)
            b.configure(BLOCK)
            b.qp.post_recv(RecvWR(num_sge=1, sg=[SGE(b.mr.buf, 16, b.mr.lkey)]))
            data = SendWR(wr_id=1, opcode=e.IBV_WR_RDMA_WRITE, num_sge=1, sg=[SGE(0, BLOCK, a.key.lkey)], send_flags=0)
            data.set_wr_rdma(b.key.rkey, 0)
            answer = SendWR(wr_id=1, opcode=e.IBV_WR_SEND, num_sge=1, sg=[SGE(a.mr.buf, 16, a.mr.lkey)],
                            send_flags=e.IBV_SEND_SIGNALED | e.IBV_SEND_FENCE)
            a.qp.post_send(data)
            a.qp.post_send(answer)
            if check:
                event = a.ctx.get_async_event()
                event.ack()
                self.assertEqual(event.event_type, e.IBV_EVENT_SQ_DRAINED)
                time.sleep(0.005)
                self.assertEqual((a.cq.poll(1)[0], b.cq.poll(1)[0]), (0, 0))
                self.assertEqual((a.told(), b.told()), (me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD, me.MLX5DV_MKEY_NO_ERR))
                self.assertEqual(a.qp.cancel_posted_send_wrs(1), 1)
                a.qp.post_send(answer)
                a.qp.modify(QPAttr(qp_state=e.IBV_QPS_RTS, cur_qp_state=e.IBV_QPS_SQD), e.IBV_QP_STATE | e.IBV_QP_CUR_STATE)
                self.assertEqual(self.poll(a.cq).status, e.IBV_WC_SUCCESS)
            self.assertEqual(self.poll(a.cq).status, e.IBV_WC_SUCCESS)
            self.assertEqual(self.poll(b.cq).status, e.IBV_WC_SUCCESS)
            self.assertEqual(a.told(), me.MLX5DV_MKEY_NO_ERR)

    def test_t10dif(self):
        """Tuples are made on the way in, and compared on the way out, field by field."""
        for seed in 0, 0xffff:
            a, b = self.ends()
            b.mr.write(text(3 * BLOCK, seed), 3 * BLOCK)
            domain = self.dif(seed, me.MLX5DV_SIG_T10DIF_FLAG_REF_REMAP)

            def move(op):
                self.assertEqual(self.send(a.qp, a.cq, op, [SGE(0, 3 * BLOCK, a.key.lkey)], b.mr.buf, b.mr.rkey).status, e.IBV_WC_SUCCESS)

            a.configure(3 * 520, domain, ALL_T10)
            move(e.IBV_WR_RDMA_READ)
            for i in range(3):
                block = text(3 * BLOCK, seed)[i * BLOCK:(i + 1) * BLOCK]
                want = block + struct.pack('>HHI', guard(block, seed), 0xabcd, 0xfffffffe + i & 0xffffffff)
                self.assertEqual(a.mr.read(520, i * 520), want)
            move(e.IBV_WR_RDMA_WRITE)
            self.assertEqual(a.told(), me.MLX5DV_MKEY_NO_ERR)
            for at, err in ((7, me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD), (513, me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD),
                            (515, me.MLX5DV_MKEY_SIG_BLOCK_BAD_APPTAG), (519, me.MLX5DV_MKEY_SIG_BLOCK_BAD_REFTAG)):
                was = a.mr.read(1, 520 + at)
                a.mr.write(bytes([was[0] ^ 1]), 1, 520 + at)
                move(e.IBV_WR_RDMA_WRITE)
                self.assertEqual(a.told(), err)
                a.mr.write(was, 1, 520 + at)
                a.configure(3 * 520, domain, ALL_T10)

    def test_t10dif_both(self):
        """With tuples on the wire too they move as data, and are compared both ways."""
        domain = self.dif(0xffff, me.MLX5DV_SIG_T10DIF_FLAG_REF_REMAP)
        blocks = [text(3 * BLOCK, 1)[i * BLOCK:(i + 1) * BLOCK] for i in range(3)]
        good = b''.join(x + struct.pack('>HHI', guard(x, 0xffff), 0xabcd, 0xfffffffe + i & 0xffffffff) for i, x in enumerate(blocks))
        a, b = self.ends()
        for at, err in ((None, me.MLX5DV_MKEY_NO_ERR), (7, me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD),
                        (515, me.MLX5DV_MKEY_SIG_BLOCK_BAD_APPTAG), (519, me.MLX5DV_MKEY_SIG_BLOCK_BAD_REFTAG)):
            data = bytearray(good)
            if at:
                data[520 + at] ^= 1
            for op, source, target in (e.IBV_WR_RDMA_WRITE, a, b), (e.IBV_WR_RDMA_READ, b, a):
                target.mr.write(b'.' * len(data), len(data))
                source.mr.write(bytes(data), len(data))
                a.configure(len(data), domain, ALL_T10, both=True)
                self.assertEqual(self.send(a.qp, a.cq, op, [SGE(0, len(data), a.key.lkey)], b.mr.buf, b.mr.rkey).status, e.IBV_WC_SUCCESS)
                self.assertEqual(target.mr.read(len(data), 0), bytes(data))
                self.assertEqual(a.told(), err)

    def test_escape(self):
        """Tags that say that a block is not to be checked."""
        app, both = me.MLX5DV_SIG_T10DIF_FLAG_APP_ESCAPE, me.MLX5DV_SIG_T10DIF_FLAG_APP_REF_ESCAPE
        for flags, ref, good in (app, 1, True), (both, 1, False), (both, 0xffffffff, True), (0, 0xffffffff, False):
            a, b = self.ends()
            a.mr.write(text(BLOCK) + struct.pack('>HHI', 1, 0xffff, ref), 520)
            a.configure(520, self.dif(0, flags), me.MLX5DV_SIG_MASK_T10DIF_GUARD)
            self.assertEqual(self.send(a.qp, a.cq, e.IBV_WR_RDMA_WRITE, [SGE(0, BLOCK, a.key.lkey)], b.mr.buf, b.mr.rkey).status, e.IBV_WC_SUCCESS)
            self.assertEqual(a.told(), me.MLX5DV_MKEY_NO_ERR if good else me.MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD)


if __name__ == '__main__':
    unittest.main(verbosity=1)
