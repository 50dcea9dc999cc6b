#!/usr/bin/env python3
"""An implementation in Python that "sgfuzz conform" can test.

Linux' sg_to_pages and sg_to_klms, and a registration by one UMR with a KLM
list. Standard library only; Python's integers hold all 64 bits, so --hex is not
needed.
"""
import itertools
import json
import struct
import sys

MAX_INLINE = 52  # KLMs behind 128 bytes of segments in a WQE of 1008 bytes
RIGHTS = {"lr": 0x04, "lw": 0x08, "rr": 0x10, "rw": 0x20, "a": 0x40}  # MLX5_PERM_*


class Refused(Exception):
    """The request is refused with an errno."""


def klm(count, key, address):
    return struct.pack(">IIQ", count, key, address)


def hello(_):
    return {"name": "example in Python", "ops": ["sg_to_pages", "sg_to_klms", "register"]}


def mapped(ret, offset_out, iova, length, descs):
    return {"ret": ret, "sg_offset_out": offset_out, "iova": iova % 2**64, "length": length % 2**64,
            "ndescs": len(descs), "descs": b"".join(descs).hex()}


def sg_to_pages(req):
    """In the driver's arithmetic: addresses wrap at 2^64, offsets at 2^32."""
    sg, page_size, offset = req["sg"], req["page_size"], req["sg_offset"] or 0
    mask = page_size - 1
    if not sg or offset > sg[0][1]:
        return mapped(-22, offset, 0, 0, [])
    iova, length, descs, last_end = sg[0][0] + offset, 0, [], 0
    for i, (address, size) in enumerate(sg):
        start, count = (address + offset) % 2**64, size - offset
        end, page, before, offset = (start + count) % 2**64, start & ~mask, start, 0
        joins = i > 0 and (last_end & mask or start & mask) != 0
        if joins and last_end != start:  # a gap
            return mapped(i, 0, iova, length, descs)
        if joins:  # its first page is there already
            page = (page + page_size) % 2**64
        while not joins or page < end:
            joins = True
            if len(descs) == req["max_descs"]:
                stop = (before - address) % 2**32
                out = 0 if req["sg_offset"] is None else stop
                return mapped(i if i or stop else -12, out, iova, length + before - start, descs)
            descs.append(struct.pack(">Q", page | 3))  # readable and writable
            before, page = page, (page + page_size) % 2**64
        length, last_end = length + count, end
    return mapped(len(sg), 0, iova, length, descs)


def sg_to_klms(req):
    offset = req["sg_offset"] or 0
    first = req["sg"][0][0] if req["sg"] else 0
    iova, length, descs = first + offset, 0, []
    for address, size in req["sg"][:req["max_descs"]]:
        count = (size - offset) % 2**32
        descs.append(klm(count, req["local_dma_lkey"], (address + offset) % 2**64))
        length += count
        offset = 0
    out = 0 if req["sg_offset"] is None else offset
    return mapped(len(descs), out, iova, length, descs)


def pieces(req):
    """Cuts the list's entries at the longest that a descriptor may hold."""
    for address, size in req["list"]:
        if size and address + size > 2**64:
            raise Refused("EINVAL", "an entry wraps")
        while size:
            n = min(size, req["max_entry_bytes"])
            yield address, n
            address, size = address + n, size - n


def register(req):
    key = next(k for k in req["keys"] if k["mode"] == "klm")
    room = min(req["max_entries"], key["max"])
    descs = list(itertools.islice(pieces(req), room + 1))
    total = sum(n for _, n in descs)
    if total == 0:
        raise Refused("EINVAL", "no bytes")
    if len(descs) > room:
        raise Refused("ENOMEM", "more than %d pieces" % room)
    iova = descs[0][0]
    if iova + total > 2**64:
        iova = 0  # the region must not run past 2^64
    fresh = key["key"] & ~0xFF | (key["key"] + 1) & 0xFF
    octowords = (len(descs) + 3) // 4 * 4
    xlt = b"".join(klm(n, req["lkey"], address) for address, n in descs).ljust(16 * octowords, b"\0")
    inline = len(descs) <= MAX_INLINE
    tail = xlt if inline else klm(len(xlt), req["lkey"], req["scratch"]["addr"])
    wqe = umr(req, key["key"], fresh, iova, total, octowords, inline) + tail
    wqe = wqe[:4] + struct.pack(">I", req["qpn"] << 8 | len(wqe) // 16) + wqe[8:]
    host = [] if inline else [{"addr": req["scratch"]["addr"], "bytes": xlt.hex()}]
    return {"regions": [{"rkey": fresh, "addr": iova, "len": total}], "wqes": [wqe.hex()], "host": host}


def umr(req, key, fresh, iova, total, octowords, inline):
    """The three fixed segments; QPN and DS follow when the length is known."""
    access = sum(RIGHTS[name] for name in req["access"].split("|"))
    ctrl = struct.pack(">IIII", 0x25, 0, 0, key)
    flags = 0xA0 if inline else 0x20  # inline; fails unless the key is free
    mask = 0x203E2041  # free, a, rw, rr, lw, lr, key, start, len
    umr_ctrl = struct.pack(">B3xHHQ32x", flags, octowords, 0, mask)
    mkc = struct.pack(">BBBBI8xQQ20xI8x", 0, 0, 0x82 | access, 0, 0xFFFFFF00 | fresh & 0xFF, iova, total, octowords)
    return ctrl + umr_ctrl + mkc


OPS = {"hello": hello, "sg_to_pages": sg_to_pages, "sg_to_klms": sg_to_klms, "register": register}


def answer(req):
    if req["op"] not in OPS:
        return {"id": req["id"], "skip": "not implemented"}
    try:
        return {"id": req["id"], "ok": OPS[req["op"]](req)}
    except Refused as why:
        return {"id": req["id"], "reject": why.args[0], "why": why.args[1]}


def main():
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
