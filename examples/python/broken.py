#!/usr/bin/env python3
"""Plants one defect at a time in child.py: do the finds point at it?

Usage: broken.py SGFUZZ CHILD.PY

Runs "sgfuzz conform" on each broken copy and fails unless the expected check
finds it, with a case of at most the given number of entries.
"""
import json
import os
import subprocess
import sys
import tempfile

PLANTED = [
    # what, original text, broken text, operation/check that must find it, entries
    ("the list is not padded", "(len(descs) + 3) // 4 * 4", "len(descs)", "register/structure", 1),
    ("the offset is added, not subtracted", "count = (size - offset) % 2**32", "count = (size + offset) % 2**32", "sg_to_klms/length", 1),
    ("a gap is missed", "if joins and last_end != start:", "if joins and last_end > start:", "sg_to_pages/ret", 2),
    ("octowords count the entries twice", ">B3xHHQ32x\", flags, octowords", ">B3xHHQ32x\", flags, 2 * octowords", "register/structure", 1),
    ("rights: writing is always granted", 'access = sum(', 'access = 0x28 | sum(', "register/rights", 1),
    ("the last of a few descriptors is lost", "(len(descs) + 3) // 4 * 4", "len(descs) // 4 * 4 or 4", "register/structure", 3),
    ("the total is kept in 32 bits", "total = sum(n for _, n in descs)", "total = sum(n for _, n in descs) % 2**32", "register/conservation", 3),
    ("long entries are not split", 'n = min(size, req["max_entry_bytes"])', "n = size", "register/limits", 1),
    ("a region may run past 2^64", "iova = 0  #", "iova = iova  #", "register/limits", 3),
    ("the offset is not added to the address", "[\"local_dma_lkey\"], (address + offset) %", "[\"local_dma_lkey\"], address %", "sg_to_klms/descs", 1),
    ("a wrap is only noticed a byte late", "address + size > 2**64", "address + size > 2**64 + 1", "register/limits", 1),
]


def run(sgfuzz, child):
    done = subprocess.run([sgfuzz, "conform", "--cases", "1500", "--timeout", "20s", "--json", "--", sys.executable, child],
                          stdout=subprocess.PIPE, check=False)
    return done.returncode, json.loads(done.stdout)


def main(sgfuzz, child):
    with open(child, encoding="utf-8") as f:
        source = f.read()
    missed = 0
    for what, original, broken, key, most in PLANTED:
        if source.count(original) != 1:
            sys.exit("%s: %r occurs %d times in %s" % (what, original, source.count(original), child))
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "child.py")
            with open(path, "w", encoding="utf-8") as f:
                f.write(source.replace(original, broken))
            code, result = run(sgfuzz, path)
        hits = [x for x in result["findings"] if x["op"] + "/" + x["check"] == key]
        entries = min((x["entries"] for x in hits), default=None)
        found = code == 1 and entries is not None and entries <= most
        missed += not found
        print("%-38s %s: %s, smallest case %s entries" % (what, key, "found" if found else "MISSED", entries))
        if not found:
            print("  exit %d, %s" % (code, result["classes"]))
    print("%d of %d planted defects found" % (len(PLANTED) - missed, len(PLANTED)))
    return missed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
