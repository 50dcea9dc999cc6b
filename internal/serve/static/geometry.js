// Where an entry's borders stand in its row: pages side by side if they are few,
// else the first and the last one with a break between. Addresses are BigInt,
// positions parts of the row's width.

const fewPages = 4n;
const breakFrom = 0.4;
const breakTo = 0.6;

// pageOf is a page size that can be drawn: a power of two, else 4096.
export function pageOf(value) {
  let n = 0n;
  try {
    n = BigInt(value ?? 4096);
  } catch {
    // drawn with the usual one; the field tells what is wrong
  }
  return n > 0n && (n & (n - 1n)) === 0n && n <= 1n << 40n ? n : 4096n;
}

// layout gives { cells, pages, rate, x }: cells are { from, x0, x1 }, each a page
// from an address; pages is how many there are; rate is the bytes of the whole
// width; x is the place of an address.
export function layout(addr, len, page) {
  const low = ~(page - 1n);
  const first = addr & low;
  const last = (len > 0n ? addr + len - 1n : addr) & low;
  const pages = (last - first) / page + 1n;
  const cells = [];
  if (pages <= fewPages) {
    const n = Number(pages);
    for (let i = 0; i < n; i++) cells.push({ from: first + BigInt(i) * page, x0: i / n, x1: (i + 1) / n });
  } else {
    cells.push({ from: first, x0: 0, x1: breakFrom }, { from: last, x0: breakTo, x1: 1 });
  }
  const width = cells[0].x1 - cells[0].x0;
  const x = (at, end) => {
    // the end of a page is the right border of its cell, not the left one of the next
    const c = cells.findLast((c) => at > c.from || (at === c.from && !end)) ?? cells[0];
    const inside = Math.min(1, Number(at - c.from) / Number(page));
    return c.x0 + inside * (c.x1 - c.x0);
  };
  return { cells, pages, rate: Number(page) / width, x };
}

// snap moves an address to the page border near it, if that is within reach.
export function snap(at, page, reach) {
  const inside = at & (page - 1n);
  if (inside <= reach) return at - inside;
  if (page - inside <= reach) return at + page - inside;
  return at;
}
