// A scrolling list of which only the rows in sight exist, so that its length
// costs nothing. All rows have one height.

const mostPrinted = 64; // rows on paper

// windowed shows into box. make gives the element of a row once, and update
// shows entry index in it. spare rows exist above and below what is in sight.
export function windowed(box, rowHeight, make, update, spare = 4) {
  const inner = document.createElement('div');
  inner.className = 'windowed-inner';
  box.replaceChildren(inner);
  const rows = new Map(); // by index
  const idle = [];
  let length = 0;

  function draw() {
    const from = Math.max(0, Math.floor(box.scrollTop / rowHeight) - spare);
    const to = Math.min(length, Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + spare);
    for (const [i, row] of rows) {
      if (i >= from && i < to) continue;
      if (i < length && row.contains(document.activeElement)) continue; // the focus stays
      rows.delete(i);
      row.hidden = true;
      idle.push(row);
    }
    for (let i = from; i < to; i++) if (!rows.has(i)) place(i);
  }

  function place(i) {
    let row = idle.pop();
    if (!row) {
      row = make();
      row.classList.add('windowed-row');
      row.style.height = `${rowHeight}px`;
      inner.append(row);
    }
    row.hidden = false;
    row.style.top = `${i * rowHeight}px`;
    rows.set(i, row);
    update(row, i);
    return row;
  }

  let asked = 0;
  box.addEventListener('scroll', () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  });
  new ResizeObserver(draw).observe(box);
  addEventListener('beforeprint', () => {
    for (let i = 0; i < Math.min(length, mostPrinted); i++) if (!rows.has(i)) place(i);
    inner.append(...[...rows].sort(([a], [b]) => a - b).map(([, row]) => row));
    inner.dataset.more = length > mostPrinted ? `… ${length - mostPrinted} more` : '';
  });
  addEventListener('afterprint', draw);

  return {
    // resize sets the number of rows and shows all rows in sight anew.
    resize(n) {
      length = n;
      inner.style.height = `${n * rowHeight}px`;
      for (const [i, row] of rows) if (i < length) update(row, i);
      draw();
    },
    // refresh shows one row anew, if it exists.
    refresh(i) {
      if (rows.has(i)) update(rows.get(i), i);
    },
    // row makes sure that a row is in sight and gives its element.
    row(i) {
      const top = i * rowHeight;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
      draw();
      return rows.get(i) ?? place(i);
    },
    rows,
  };
}
