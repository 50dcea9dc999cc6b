#!/usr/bin/python3
"""Device memory through pyverbs. Run as suite.py."""
import errno
import os
import unittest
from multiprocessing import get_context

import pyverbs.device as d
import pyverbs.enums as e
from pyverbs.device import AllocDmAttr, DM
from pyverbs.mr import DMMR, MR
from pyverbs.wr import SGE

from ends import Two
from suite import ALL, LW, RR, RW, text

ZERO = e.IBV_ACCESS_ZERO_BASED
PAGE = os.sysconf('SC_PAGESIZE')


def take(size, said):
    """Allocates on the device that the parent process opened."""
    try:
        with DM(take.ctx, AllocDmAttr(size)) as dm:
            dm.copy_to_dm(0, text(size, size), size)
            said.put(dm.copy_from_dm(0, size) == text(size, size))
    except d.PyverbsRDMAError as x:
        said.put(x.error_code)


class Memory(Two):
    def setUp(self):
        super().setUp()
        self.most = self.ctx.query_device_ex().max_dm_size

    def test_all(self):
        """There is as much as the device says, in pages, and no more; what is freed can be had."""
        self.assertGreater(self.most, 4 * PAGE)
        for size in (1, PAGE, PAGE + 4, self.most // 4):
            held = []
            with self.assertRaises(d.PyverbsRDMAError):
                while True:
                    held.append(DM(self.ctx, AllocDmAttr(size)))
            pages = (size + PAGE - 1) // PAGE
            self.assertEqual(len(held), self.most // PAGE // pages)
            held[1].close()
            held[2].close()
            held[1] = DM(self.ctx, AllocDmAttr(PAGE * (2 * pages - 1) + 4))  # only in the hole
            for dm in held:
                dm.close()
        DM(self.ctx, AllocDmAttr(self.most)).close()
        for size in (0, self.most + 1):
            with self.assertRaises(d.PyverbsRDMAError):
                DM(self.ctx, AllocDmAttr(size))

    def test_apart(self):
        """Allocations keep their bytes apart, and are 0 at first."""
        sizes = [4, PAGE, 100, PAGE + 8]
        for _ in range(2):
            held = [DM(self.ctx, AllocDmAttr(n)) for n in sizes]
            for i, (dm, n) in enumerate(zip(held, sizes)):
                self.assertEqual(dm.copy_from_dm(0, n), bytes(n))
                dm.copy_to_dm(0, text(n, i), n)
            for i, (dm, n) in enumerate(zip(held, sizes)):
                self.assertEqual(dm.copy_from_dm(4, n - 4), text(n, i)[4:])
                dm.close()

    def test_regions(self):
        """Regions of every part: their bounds, and what is read and written."""
        size, (qp, cq) = PAGE + 200, self.one()
        mr = MR(self.pd, size, ALL)
        dm = DM(self.ctx, AllocDmAttr(size))
        for access, length, offset in ((LW, 4, 0), (ZERO | LW, size + 4, 0), (ZERO | LW, 8, size - 4), (ZERO | LW, 4, size + 4), (ZERO | RW, 4, 0)):
            self.refused(errno.EINVAL, DMMR, self.pd, length, access, dm, offset)
        for offset, length in ((0, size), (4, 100), (PAGE - 4, 8), (PAGE, 200), (size - 4, 4), (64, 0)):
            before = text(size, offset)
            far = DMMR(self.pd, length, ZERO | LW | RW | RR, dm, offset)
            ends = range(0, length + 1, max(length // 3, 1))
            for first, last in ((a, b) for a in ends for b in ends if a < b):
                n, near = last - first, [SGE(mr.buf, last - first, mr.lkey)]
                dm.copy_to_dm(0, before, size)
                self.assertEqual(self.send(qp, cq, e.IBV_WR_RDMA_READ, near, first, far.rkey).status, e.IBV_WC_SUCCESS)
                self.assertEqual(mr.read(n, 0), before[offset + first:offset + last])
                mr.write(text(n, 9), n)
                self.assertEqual(self.send(qp, cq, e.IBV_WR_RDMA_WRITE, near, first, far.rkey).status, e.IBV_WC_SUCCESS)
                self.assertEqual(dm.copy_from_dm(0, size), before[:offset + first] + text(n, 9) + before[offset + last:])
            self.assertEqual(self.send(qp, cq, e.IBV_WR_RDMA_READ, [SGE(mr.buf, 1, mr.lkey)], length, far.rkey).status, e.IBV_WC_REM_ACCESS_ERR)
            far.close()
            qp, cq = self.one()
        dm.close()

    def one(self):
        qps, cqs = self.pair()
        self.held = getattr(self, 'held', []) + qps
        return qps[0], cqs[0]

    def test_processes(self):
        """Processes that a program forks share the device's memory with it."""
        take.ctx = self.ctx
        with DM(self.ctx, AllocDmAttr(self.most // 2)) as mine:
            fork, size = get_context('fork'), self.most // 16
            mine.copy_to_dm(0, text(size, 1), size)
            said = fork.SimpleQueue()
            for n, want in ((size, True), (self.most, errno.ENOMEM)):
                children = [fork.Process(target=take, args=(n, said)) for _ in range(3)]
                for p in children:
                    p.start()
                for p in children:
                    p.join()
                    self.assertEqual(said.get(), want)
            self.assertEqual(mine.copy_from_dm(0, size), text(size, 1))

    def test_import(self):
        """A context on a duplicated descriptor has the same memory."""
        size = 100
        with DM(self.ctx, AllocDmAttr(size)) as dm:
            there = DM(d.Context(cmd_fd=os.dup(self.ctx.cmd_fd)), handle=dm.handle)
            for to, by in ((dm, there), (there, dm)):
                to.copy_to_dm(0, text(size, 3), size)
                self.assertEqual(by.copy_from_dm(0, size), text(size, 3))
                to.copy_to_dm(0, bytes(size), size)
            there.unimport()
            self.refused(errno.EINVAL, DM, d.Context(cmd_fd=os.dup(self.ctx.cmd_fd)), handle=dm.handle + 7)


if __name__ == '__main__':
    unittest.main(verbosity=1)
