"use strict";
(() => {
  const byID = id => document.getElementById(id);
  const bytesOf = e => {
    const [prefix, range] = e.dataset.b.split(":"), [from, to] = range.split("-").map(Number), out = [];
    for (let i = from; i <= to; i++) out.push(byID(prefix + i));
    return out;
  };
  const fieldsOf = e => e.dataset.f.split(" ").filter(s => s).map(byID);
  let lit = [];
  const light = all => {
    for (const e of lit) e.classList.remove("on");
    lit = all.filter(e => e);
    for (const e of lit) e.classList.add("on");
  };
  const say = (e, text) => { const p = e.closest(".wqe")?.querySelector(".at"); if (p) p.textContent = text; };
  const show = e => {
    if (!e) return light([]);
    if (e.dataset.b) {
      light([e, ...bytesOf(e)]);
      say(e, [...(e.closest("tr")?.cells ?? [e])].slice(0, 3).map(c => c.textContent.trim()).join("  "));
    } else {
      const fields = fieldsOf(e);
      light([e, ...fields, ...fields.flatMap(bytesOf)]);
      say(e, e.title);
    }
  };
  const target = event => event.target.closest?.("[data-b],[data-f]");
  document.addEventListener("mouseover", event => { const e = target(event); if (e) show(e); });
  document.addEventListener("focusin", event => { const e = target(event); if (e) show(e); });
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -16, ArrowDown: 16, Home: -Infinity, End: Infinity };
  const at = new WeakMap();
  document.addEventListener("keydown", event => {
    const table = event.target;
    if (event.key === "Escape") light([]);
    if (!table.classList?.contains("hex") || !(event.key in steps)) return;
    const cells = table.querySelectorAll("td");
    const now = at.has(table) ? at.get(table) : -1;
    const next = Math.max(0, Math.min(cells.length - 1, now < 0 ? 0 : now + steps[event.key]));
    at.set(table, next);
    show(cells[next]);
    cells[next].scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });
})();
