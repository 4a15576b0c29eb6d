"use strict";
// Zoom, pointing and toggling of charts, sorting of tables. Nothing is loaded.
const NS = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 458, 10, 262];

function make(name, parent, attributes) {
  const node = document.createElementNS(NS, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  return parent.appendChild(node);
}
function compact(value) {
  const size = Math.abs(value);
  const digits = (v, n) => String(Number(v.toPrecision(n)));
  if (size >= 1e12 || (size < 1e-3 && size > 0))
    return value.toExponential(2).replace(/\.?0+e/, "e");
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (size >= unit) return digits(value / unit, 4) + letter;
  return digits(value, 4);
}
function ticks(low, high, count) {
  const rough = (high - low) / count, marks = [];
  if (!(rough > 0)) return marks;
  const unit = 10 ** Math.floor(Math.log10(rough)), ratio = rough / unit;
  const step = unit * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
  for (let i = Math.ceil(low / step); i * step <= high; i++)
    marks.push(i * step);
  return marks;
}
const known = v => v !== null && v !== undefined;

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.tip = figure.querySelector(".tip");
    this.pointer = figure.querySelector(".pointer");
    const data = JSON.parse(figure.querySelector("script").textContent);
    this.series = data.series;
    this.view = data.view;
    this.paths = [...figure.querySelectorAll(".plot path")];
    this.touches = new Map();
    const id = "clip" + Chart.count++;
    const clip = make("clipPath", make("defs", this.svg), {id});
    make("rect", clip, {x: LEFT - 4, y: TOP - 4, width: RIGHT - LEFT + 8,
                        height: BOTTOM - TOP + 8});
    figure.querySelector(".plot").setAttribute("clip-path", `url(#${id})`);
    for (const name of ["down", "move", "up", "cancel", "leave"])
      this.svg.addEventListener("pointer" + name, e => this[name](e));
    this.svg.addEventListener("dblclick", () => this.all());
    this.svg.addEventListener("wheel", e => {
      if (!e.ctrlKey && !e.shiftKey) return; // the page scrolls
      e.preventDefault();
      const [x, y] = this.place(e);
      this.scale(e.deltaY < 0 ? .8 : 1.25, x, y);
    }, {passive: false});
    figure.querySelector(".legend").addEventListener("click", e => {
      const button = e.target.closest("button");
      if (!button) return;
      const {do: what, g, k} = button.dataset;
      if (what === "all") this.all();
      else if (what) this.scale(what === "in" ? .6 : 1 / .6);
      else toggle(g, k, button.getAttribute("aria-pressed") !== "true");
    });
  }
  x(v) { const [a, b] = this.view; return LEFT + (v - a) / (b - a) * (RIGHT - LEFT); }
  y(v) { const [, , a, b] = this.view; return BOTTOM - (v - a) / (b - a) * (BOTTOM - TOP); }
  shown(one) {
    return !Chart.off.has("g" + one.g) && !Chart.off.has("k" + one.k);
  }
  // the pointer's place in the drawing's units
  place(e) {
    const box = this.svg.getBoundingClientRect(), unit = 480 / box.width;
    return [(e.clientX - box.left) * unit, (e.clientY - box.top) * unit];
  }
  value(x, y) {
    const [a, b, c, d] = this.view;
    return [a + (x - LEFT) / (RIGHT - LEFT) * (b - a),
            c + (BOTTOM - y) / (BOTTOM - TOP) * (d - c)];
  }
  all() {
    let [a, b, c, d] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const one of this.series) {
      if (!this.shown(one)) continue;
      one.x.forEach((x, i) => {
        const seen = [one.y[i], one.l && one.l[i], one.h && one.h[i]]
            .filter(known);
        if (!known(x) || !seen.length) return;
        [a, b] = [Math.min(a, x), Math.max(b, x)];
        [c, d] = [Math.min(c, ...seen), Math.max(d, ...seen)];
      });
    }
    if (!(a <= b)) return;
    const pad = (low, high, share) =>
        high > low ? (high - low) * share : Math.abs(high) * .1 || 1;
    if (a === b) { const by = pad(a, b, 0); a -= by; b += by; }
    const by = pad(c, d, .04);
    this.view = [a, b, c - by, d + by];
    this.redraw();
  }
  scale(by, x = (LEFT + RIGHT) / 2, y = (TOP + BOTTOM) / 2) {
    const [u, v] = this.value(x, y), [a, b, c, d] = this.view;
    this.view = [u - (u - a) * by, u + (b - u) * by,
                 v - (v - c) * by, v + (d - v) * by];
    this.redraw();
  }
  redraw() {
    for (const path of this.paths) {
      const one = this.series[path.dataset.i];
      path.toggleAttribute("hidden", !this.shown(one));
      path.setAttribute("d", path.classList.contains("band")
          ? this.band(one) : this.line(one));
    }
    const axes = this.figure.querySelector(".axes");
    const label = axes.lastElementChild;
    axes.replaceChildren();
    const [a, b, c, d] = this.view;
    for (const mark of ticks(a, b, 5)) {
      make("path", axes, {d: `M${this.x(mark)} ${TOP}V${BOTTOM}`});
      make("text", axes, {x: this.x(mark), y: BOTTOM + 15, class: "x"})
          .textContent = compact(mark);
    }
    for (const mark of ticks(c, d, 5)) {
      make("path", axes, {d: `M${LEFT} ${this.y(mark)}H${RIGHT}`});
      make("text", axes, {x: LEFT - 5, y: this.y(mark) + 4, class: "y"})
          .textContent = compact(mark);
    }
    axes.append(label);
    this.hide();
  }
  line(one) {
    let d = "";
    const is = i => known(one.y[i]) && known(one.x[i]);
    one.x.forEach((x, i) => {
      if (!is(i)) return;
      const begins = i === 0 || !is(i - 1);
      const [u, v] = [this.x(x).toFixed(2), this.y(one.y[i]).toFixed(2)];
      if (!begins && one.k === "steps") d += "H" + u;
      d += `${begins ? "M" : "L"}${u} ${v}`;
      if (begins && !is(i + 1)) d += "m-4 0h8m-4 -4v8";
    });
    return d;
  }
  band(one) {
    let d = "";
    const point = (i, side) =>
        `${this.x(one.x[i]).toFixed(2)} ${this.y(side[i]).toFixed(2)}`;
    for (let i = 0, end; i < one.x.length; i = end + 1) {
      for (end = i; known(one.l[end]);) end++;
      const there = [];
      for (let k = i; k < end; k++) there.push(point(k, one.h));
      for (let k = end; k-- > i;) there.push(point(k, one.l));
      if (there.length) d += "M" + there.join("L") + "Z";
    }
    return d;
  }
  // what lies nearest to the pointer's x, nearest lines first
  point(e) {
    const [px, py] = this.place(e), rows = [];
    if (px < LEFT || px > RIGHT || py > BOTTOM) return this.hide();
    this.series.forEach(one => {
      if (!this.shown(one)) return;
      let best = -1;
      one.x.forEach((x, i) => {
        if (known(x) && known(one.y[i]) && (best < 0 ||
            Math.abs(this.x(x) - px) < Math.abs(this.x(one.x[best]) - px)))
          best = i;
      });
      if (best < 0) return;
      const x = this.x(one.x[best]), y = this.y(one.y[best]);
      if (one.k !== "reference" && Math.abs(x - px) > 30) return;
      rows.push({one, i: best, x, y, far: Math.abs(y - py)});
    });
    if (!rows.length) return this.hide();
    rows.sort((a, b) => a.far - b.far);
    this.pointer.replaceChildren();
    const at = rows.find(r => r.one.k !== "reference") || rows[0];
    const near = rows.slice(0, 6);
    make("path", this.pointer, {d: `M${at.x} ${TOP}V${BOTTOM}`});
    this.tip.replaceChildren();
    const name = this.figure.querySelector(".axes").lastElementChild;
    this.tip.append(`${name.textContent}: ${at.one.x[at.i].toLocaleString("en")}`);
    for (const {one, i, x, y} of near) {
      const colour = this.paths.find(p => this.series[p.dataset.i] === one)
          .style.getPropertyValue("--c");
      if (one.k !== "reference" && y >= TOP && y <= BOTTOM)
        make("circle", this.pointer, {cx: x, cy: y, r: 2.5,
                                      style: `--c:${colour}`});
      const row = document.createElement("div"), dot = document.createElement("i");
      dot.style.setProperty("--c", colour);
      const text = v => Number(v.toPrecision(6)).toLocaleString(
          "en", {maximumSignificantDigits: 6});
      let says = `${one.n}: ${text(one.y[i])}`;
      if (one.l && known(one.l[i]))
        says += ` (${text(one.l[i])} to ${text(one.h[i])})`;
      if (one.c) says += `, ${one.c[i]} run${one.c[i] === 1 ? "" : "s"}`;
      row.append(dot, says);
      this.tip.append(row);
    }
    if (rows.length > near.length)
      this.tip.append(`and ${rows.length - near.length} more`);
    this.tip.hidden = false;
    const box = this.svg.getBoundingClientRect();
    const frame = this.figure.getBoundingClientRect();
    const wanted = e.clientX - frame.left + 14;
    const left = wanted + this.tip.offsetWidth < frame.width
        ? wanted : Math.max(0, wanted - this.tip.offsetWidth - 28);
    this.tip.style.left = left + "px";
    this.tip.style.top = (box.top - frame.top + 12) + "px";
  }
  hide() {
    this.tip.hidden = true;
    this.pointer.replaceChildren();
  }
  // a mouse drags a box to zoom into; two fingers pinch and move
  down(e) {
    if (e.button) return;
    this.touches.set(e.pointerId, [e.clientX, e.clientY]);
    if (e.pointerType === "mouse") {
      this.svg.setPointerCapture(e.pointerId);
      this.from = this.place(e);
    } else {
      this.point(e);
    }
  }
  move(e) {
    if (this.touches.size === 2 && this.touches.has(e.pointerId))
      return this.pinch(e);
    if (!this.from) return this.point(e);
    const [x, y] = this.place(e), [u, v] = this.from;
    this.hide();
    make("rect", this.pointer, {x: Math.min(x, u), y: Math.min(y, v),
        width: Math.abs(x - u), height: Math.abs(y - v)});
  }
  pinch(e) {
    const before = [...this.touches.values()];
    this.touches.set(e.pointerId, [e.clientX, e.clientY]);
    const after = [...this.touches.values()];
    const middle = p => [(p[0][0] + p[1][0]) / 2, (p[0][1] + p[1][1]) / 2];
    const width = p => Math.hypot(p[0][0] - p[1][0], p[0][1] - p[1][1]) || 1;
    const unit = 480 / this.svg.getBoundingClientRect().width;
    const [from, to] = [middle(before), middle(after)];
    const [a, b, c, d] = this.view;
    const dx = (to[0] - from[0]) * unit / (RIGHT - LEFT) * (b - a);
    const dy = (to[1] - from[1]) * unit / (BOTTOM - TOP) * (d - c);
    this.view = [a - dx, b - dx, c + dy, d + dy];
    const [x, y] = this.place({clientX: to[0], clientY: to[1]});
    this.scale(width(before) / width(after), x, y);
  }
  up(e) {
    this.touches.delete(e.pointerId);
    if (!this.from) return;
    const [u, v] = this.from, [x, y] = this.place(e);
    this.from = null;
    this.hide();
    if (Math.abs(x - u) < 6 || Math.abs(y - v) < 6) return;
    const [a, c] = this.value(Math.min(x, u), Math.max(y, v));
    const [b, d] = this.value(Math.max(x, u), Math.min(y, v));
    this.view = [a, b, c, d];
    this.redraw();
  }
  cancel(e) { this.touches.delete(e.pointerId); this.from = null; }
  leave(e) { if (!this.from) this.hide(); this.touches.delete(e.pointerId); }
}
Chart.count = 0;
Chart.off = new Set();

// a group is on or off in every chart of the page
function toggle(g, k, on) {
  const key = g === undefined ? "k" + k : "g" + g;
  if (on) Chart.off.delete(key); else Chart.off.add(key);
  const which = g === undefined ? `[data-k="${k}"]` : `[data-g="${g}"]`;
  for (const button of document.querySelectorAll(".legend button" + which))
    button.setAttribute("aria-pressed", on);
  for (const chart of charts)
    if (chart.series.some(s => g === undefined ? s.k === k : String(s.g) === g))
      chart.all();
}

if (document.querySelector('.legend [data-g="-1"][aria-pressed="false"]'))
  Chart.off.add("g-1");
const charts = [...document.querySelectorAll(".chart")].map(f => new Chart(f));

for (const head of document.querySelectorAll("th"))
  head.addEventListener("click", () => {
    const down = head.dataset.down !== "1", column = head.cellIndex;
    for (const other of head.parentNode.cells) delete other.dataset.down;
    head.dataset.down = down ? "1" : "0";
    const body = head.closest("table").tBodies[0];
    const key = row => row.cells[column].textContent;
    const number = text => parseFloat(text.replace(/,/g, "").replace("−", "-"));
    const rows = [...body.rows].sort((p, q) => {
      const [a, b] = [number(key(p)), number(key(q))];
      const order = isNaN(a) || isNaN(b)
          ? (isNaN(a) - isNaN(b)) || key(p).localeCompare(key(q)) : a - b;
      return down ? -order : order;
    });
    body.append(...rows);
  });

document.getElementById("download").addEventListener("click", () => {
  const all = JSON.parse(document.getElementById("data").textContent);
  const names = [...new Set(all.flatMap(r => r.header ? r.header.split(",") : []))];
  const lines = [["run", ...names].join(",")];
  for (const {run, header, rows} of all)
    for (const row of rows) {
      const cells = row.split(","), own = header.split(",");
      lines.push([run.replace(/[,\n]/g, " "),
                  ...names.map(n => cells[own.indexOf(n)] ?? "")].join(","));
    }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"],
                                           {type: "text/csv"}));
  link.download = "evaluations.csv";
  link.click();
  URL.revokeObjectURL(link.href);
});
