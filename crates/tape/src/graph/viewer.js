"use strict";
// Steps through a recorded graph: values forwards, then the reverse sweep, contribution by contribution. All numbers come from the
// tape, in the element #data; only the mode "break it" computes numbers, to show what a wrong sweep would give.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

// ---- The data: lists of numbers, in which a text is NaN or an infinity. ----

const numbers = (list) => list.map(Number);
data.nodes.forEach((node, k) => Object.assign(node, { value: numbers(node.value), at: k + 1 }));
for (const step of data.steps) {
  step.slope = step.slope === null ? null : Number(step.slope);
  step.contribution = numbers(step.contribution);
  step.sum = step.sum ? numbers(step.sum) : step.contribution;
}
const nodes = new Map(data.nodes.map((node) => [node.index, node]));
const seed = data.root === null ? null : numbers(data.seed);
const N = data.nodes.length;
const isScalar = (node) => node.shape === "";

/// The events of a reverse sweep, the right one or a broken one, with the positions of the arrivals at each node.
function sweepOf(events, before = new Map()) {
  const arrivals = new Map();
  events.forEach((event, at) => {
    if (!arrivals.has(event.input)) arrivals.set(event.input, []);
    arrivals.get(event.input).push(at);
  });
  const finals = (index) => {
    if (index === data.root) return seed;
    const list = arrivals.get(index);
    return list ? events[list[list.length - 1]].sum : before.get(index);
  };
  return { events, arrivals, before, finals };
}
const right = sweepOf(data.steps);
for (const step of data.steps) step.cotangent = right.finals(step.node);

// ---- The state: a step from 0 to total(). First the values, then the seed, then one contribution a step. ----

const state = { at: 0, mode: "step", map: "value", fault: "assign", chosen: null, folded: new Set(), query: "", answered: new Set() };
let sweep = right;
let facts = { wrong: [], text: "" };

const total = () => N + (seed ? 1 + sweep.events.length : 0);
/// The contribution that arrives at a step, if it is one of the reverse sweep.
const eventAt = (at) => sweep.events[at - N - 2];
/// Whether the number of the present step is hidden.
const asked = () => state.mode === "predict" && eventAt(state.at) !== undefined && !state.answered.has(state.at);
/// How many contributions are shown; -1 before the seed.
const arrived = () => Math.min(state.at - N - 1, sweep.events.length) - (asked() ? 1 : 0);

/// The position of the last contribution to a node among the first `count`.
function lastArrival(index, count) {
  const list = sweep.arrivals.get(index) || [];
  let found = -1;
  for (const at of list) if (at < count) found = at; else break;
  return found;
}
/// The gradient of a node after `count` contributions; undefined if it has received none, null if it cannot be known.
function gradient(index, count) {
  if (count < 0) return undefined;
  if (index === data.root) return seed;
  const at = lastArrival(index, count);
  return at < 0 ? sweep.before.get(index) : sweep.events[at].sum;
}

// ---- Text ----

const trimmed = (digits) => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);
/// A number with four significant digits, as `explain` prints it.
function short(x) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "-∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size < 1e-3 || size >= 1e6) {
    const [digits, exponent] = x.toExponential(3).split("e");
    return trimmed(digits) + "e" + Number(exponent);
  }
  return trimmed(x.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size)))));
}
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
/// Element `k` of a list as a number on the page: marked with what it is and where, with all its digits as its title.
function num(list, kind, index, k = 0) {
  const marks = { class: "num", "data-kind": kind, "data-node": index, "data-at": place(nodes.get(index), k) };
  return list ? element("span", { ...marks, title: String(list[k]) }, short(list[k])) : element("span", { title: "not known" }, "?");
}
const label = (index) => nodes.get(index).label;
const partial = (index) => `∂${data.rootName}/∂${label(index)}`;
/// The position in the whole tensor of element `k` of the part that is shown, in row-major order and as an index: [i, j].
const place = ({ crop, full }, k) => Math.floor(k / crop[1]) * full[1] + (k % crop[1]);
function position(node, k) {
  let left = place(node, k);
  const index = JSON.parse(node.shape).reverse().map((extent) => {
    const at = left % extent;
    left = (left - at) / extent;
    return at;
  });
  return `[${index.reverse().join(", ")}]`;
}
/// The element that a step is explained with: the largest contribution, and of equal ones that with the largest sum.
function example(event) {
  const list = event.contribution || right.finals(event.input) || [];
  let best = 0;
  const sum = event.sum || list;
  list.forEach((x, k) => {
    const [size, most] = [Math.abs(x), Math.abs(list[best])];
    if (size > most || (size === most && Math.abs(sum[k]) > Math.abs(sum[best]))) best = k;
  });
  return best;
}

function describeValue(node) {
  const out = [];
  if (node.op === "leaf") out.push(`${node.label} is a leaf, a value to differentiate with respect to`);
  else if (node.op === "constant") out.push(`${node.label} is a constant, which is not differentiated`);
  else out.push(element("span", { class: "rule" }, `${node.label} = ${node.statement}`));
  if (isScalar(node)) out.push(node.inputs.length ? " = " : ": ", num(node.value, "value", node.index));
  else out.push(`, of shape ${node.shape}`);
  out.push(".");
  return out;
}

function describeEvent(event) {
  const [from, to] = [nodes.get(event.node), nodes.get(event.input)];
  const list = sweep.arrivals.get(event.input);
  const nth = list.indexOf(state.at - N - 2) + 1;
  const hidden = asked();
  const k = example(event);
  const number = (list, kind) => (hidden ? "?" : num(list, kind, event.input, k));
  const out = [`${from.op} passes the gradient of ${from.label} on to ${to.label}: `, element("span", { class: "rule" }, event.rule)];
  if (event.slope !== null) {
    out.push(" = ", num(event.cotangent, "cotangent", event.node), " · ", number([event.slope], "slope"), " = ");
  } else out.push(isScalar(to) ? ": " : `, of shape ${to.shape}; element ${position(to, k)}: `);
  out.push(number(event.contribution, "contribution"), ". ");
  const before = nth > 1 ? sweep.events[list[nth - 2]].sum : sweep.before.get(event.input);
  if (list.length > 1 || before) {
    out.push(`Contribution ${nth} of ${list.length} to ${to.label}; `);
    if (event.replaces) out.push("it replaces what arrived before: ");
    else out.push("the sum is now ");
    if (before && !event.replaces) out.push(num(before, "before", event.input, k), " + ", number(event.contribution, "contribution"), " = ");
    out.push(number(event.sum, "sum"), ".");
  }
  if (nth === list.length && !hidden) out.push(` The gradient of ${to.label} is complete.`);
  return out;
}

function describe() {
  const count = element("span", { class: "count" }, `Step ${state.at} of ${total()}. `);
  const { at } = state;
  if (at === 0) {
    return [count, `${N} nodes of type ${data.type}. Values come first, in the order of recording`, seed ? ", then the sweep." : "."];
  }
  if (at <= N) return [count, "Value: ", ...describeValue(data.nodes[at - 1])];
  if (at === N + 1) {
    const name = data.rootName === label(data.root) ? "" : `${data.rootName} is ${label(data.root)}. `;
    const left = element("span", { class: "rule" }, partial(data.root));
    return [count, `The reverse sweep begins. ${name}`, left, " = ", num(seed, "seed", data.root), seed.length > 1 ? ", ..." : "", "."];
  }
  return [count, "Gradient: ", ...describeEvent(eventAt(at))];
}

// ---- The drawing ----

const MOST_NOTES = 150;
const BOX = { width: 156, height: 66, gap: 22, layer: 112, margin: 16 };
const SVG = "http://www.w3.org/2000/svg";
function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
const boxOf = (index) => {
  const { scope } = nodes.get(index);
  return state.folded.has(scope) ? "module " + scope : index;
};
let drawn = { boxes: new Map(), edges: new Map() };

/// Cells of a tensor in its box: fewer in large graphs.
const tensors = data.nodes.filter((node) => !isScalar(node)).length;
const CELLS = Math.max(4, Math.min(64, Math.floor(4000 / Math.max(1, tensors))));
function grid(node, most) {
  const [rows, columns] = node.crop;
  const shown = Math.min(columns, Math.max(Math.floor(Math.sqrt(most)), Math.floor(most / rows)));
  return { rows: Math.min(rows, Math.max(1, Math.floor(most / shown))), columns: shown };
}

function draw() {
  const boxes = new Map();
  for (const node of data.nodes) {
    const key = boxOf(node.index);
    if (!boxes.has(key)) boxes.set(key, { key, members: [], x: 0, layer: 0 });
    const box = boxes.get(key);
    box.members.push(node);
    box.x += node.x;
    box.layer = Math.max(box.layer, node.layer);
  }
  // Folding empties layers and places, which are closed up.
  const used = [...new Set([...boxes.values()].map((box) => box.layer))].sort((a, b) => a - b);
  const row = new Map(used.map((layer, k) => [layer, k]));
  const { width, height, gap, margin } = BOX;
  const left = (x) => margin + width / 2 + x * (width + gap);
  const top = (layer) => margin + height / 2 + (row.has(layer) ? row.get(layer) : layer) * BOX.layer;
  for (const box of boxes.values()) box.x /= box.members.length;
  if (state.folded.size) {
    const lines = used.map((layer) => [...boxes.values()].filter((box) => box.layer === layer).sort((a, b) => a.x - b.x));
    const widest = Math.max(...lines.map((line) => line.length));
    for (const line of lines) line.forEach((box, k) => { box.x = k + (widest - line.length) / 2; });
  }
  let last = 0;
  for (const box of boxes.values()) {
    box.x = left(box.x);
    box.y = top(box.layer);
    last = Math.max(last, box.x);
  }
  const size = { width: last + width / 2 + margin, height: top(used[used.length - 1] || 0) + height / 2 + margin };
  const root = shape("svg", { width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}` });
  const tip = shape("marker", { id: "arrow", markerWidth: 9, markerHeight: 8, refX: 8, refY: 4, orient: "auto", markerUnits: "userSpaceOnUse" });
  tip.append(shape("path", { d: "M0,0 L9,4 L0,8 Z" }));
  root.append(tip);
  const edges = new Map();
  for (const edge of data.edges) {
    const [from, to] = [boxes.get(boxOf(edge.from)), boxes.get(boxOf(edge.to))];
    const key = `${from.key} ${to.key}`;
    if (from === to || edges.has(key)) continue;
    const bends = state.folded.size ? [] : edge.bends;
    const points = bends.map((x, k) => [left(x), top(nodes.get(edge.from).layer + 1 + k)]);
    points.push([to.x, to.y - height / 2]);
    let [x, y] = [from.x, from.y + height / 2];
    let path = `M${x},${y}`;
    for (const [toX, toY] of points) {
      const middle = (y + toY) / 2;
      path += ` C${x},${middle} ${toX},${middle} ${toX},${toY}`;
      [x, y] = [toX, toY];
    }
    const line = shape("path", { d: path, "marker-end": "url(#arrow)" });
    const first = points[0];
    const note = shape("text", { class: "on-edge", x: (from.x + first[0]) / 2 + 7, y: (from.y + height / 2 + first[1]) / 2 + 4 });
    root.append(line);
    edges.set(key, { line, note, from: edge.from, to: edge.to, fromKey: from.key, toKey: to.key, shape: nodes.get(edge.from).shape });
  }
  for (const edge of edges.values()) root.append(edge.note);
  for (const box of boxes.values()) root.append(drawBox(box));
  $("graph").replaceChildren(root);
  drawn = { boxes, edges };
}

function drawBox(box) {
  const { width, height } = BOX;
  const module = typeof box.key === "string";
  const [node] = box.members;
  const kind = module ? "module" : node.op === "leaf" || node.op === "constant" ? node.op : "result";
  const group = shape("g", { class: `node ${kind}`, transform: `translate(${box.x - width / 2},${box.y - height / 2})` });
  box.kind = kind;
  group.append(shape("title", {}, module ? `${node.scope}: ${box.members.length} nodes` : `${node.label} = ${node.statement} ${node.shape}`));
  group.append(shape("rect", { class: "box", width, height, rx: 7 }));
  const line = (name, y, text) => {
    const made = shape("text", { class: name, x: 8, y }, text);
    group.append(made);
    return made;
  };
  line("name", 16, cut(module ? node.scope : node.label, 20));
  line("what", 30, cut(module ? `${box.members.length} nodes` : `${node.op} ${node.shape}`, 25));
  box.cells = [];
  if (!module && isScalar(node)) {
    box.value = line("val", 45, "");
    box.grad = line("grad", 59, "");
    box.value.dataset.node = box.grad.dataset.node = node.index;
    box.value.dataset.kind = "value";
    box.grad.dataset.kind = "gradient";
  } else if (!module) {
    const { rows, columns } = grid(node, CELLS);
    const side = Math.min((width - 16) / columns, 28 / rows, 14);
    group.append(shape("rect", { class: "sheet", x: 8, y: 34, width: side * columns, height: side * rows }));
    for (let k = 0; k < rows * columns; k++) {
      const cell = shape("rect", { class: "cell", x: 8 + (k % columns) * side, y: 34 + Math.floor(k / columns) * side, width: side, height: side });
      box.cells.push({ cell, at: Math.floor(k / columns) * node.crop[1] + (k % columns) });
      group.append(cell);
    }
  }
  group.addEventListener("click", () => {
    if (module) { state.folded.delete(node.scope); fold(); } else { state.chosen = state.chosen === node.index ? null : node.index; update(); }
  });
  box.group = group;
  box.shown = "";
  return group;
}

// ---- Colours of tensors: one scale for all values, one for all gradients, white or black at zero. ----

const largest = (lists) => lists.reduce((most, list) => list.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), most), 0) || 1;
const ofTensors = data.nodes.filter((node) => !isScalar(node));
const scales = {
  value: largest(ofTensors.map((node) => node.value)),
  gradient: largest(ofTensors.map((node) => right.finals(node.index) || [])),
};
function colour(x, kind, most = 1) {
  if (x === undefined || x === null) return "transparent";
  if (!Number.isFinite(x)) return "var(--ink)";
  const share = Math.min(1, Math.abs(x) / scales[kind]) * most;
  return `rgb(var(--${x < 0 ? "negative" : "positive"}) / ${share.toFixed(3)})`;
}

// ---- Showing a step ----

function update() {
  sweep = state.mode === "break" ? broken.sweep : right;
  state.at = Math.max(0, Math.min(state.at, total()));
  const count = arrived();
  const event = eventAt(state.at);
  const now = state.at === 0 ? null : event ? event.input : state.at <= N ? data.nodes[state.at - 1].index : data.root;
  facts = state.mode === "break" ? broken.facts(count) : { wrong: new Set(), text: [] };
  const matches = (node) => `${node.label} ${node.op} ${node.statement}`.toLowerCase().includes(state.query);
  const [here, from, chosen] = [now, event && event.node, state.chosen].map((index) => (nodes.has(index) ? boxOf(index) : null));
  for (const box of drawn.boxes.values()) {
    let marks = `node ${box.kind}`;
    if (box.key === here) marks += " now";
    else if (box.key === from) marks += " from";
    if (box.key === chosen) marks += " chosen";
    if (facts.wrong.size && box.members.some((node) => facts.wrong.has(node.index))) marks += " wrong";
    if (state.query) marks += box.members.some(matches) ? " found" : " missed";
    if (box.mark !== marks) box.group.setAttribute("class", (box.mark = marks));
    if (box.kind !== "module") fill(box, count);
  }
  for (const edge of drawn.edges.values()) {
    const active = event !== undefined && edge.fromKey === here && edge.toKey === from;
    if (edge.active !== active) edge.line.setAttribute("class", (edge.active = active) ? "now" : "");
    if (edge.sweep !== sweep) note(edge);
    // Too many notes cannot be read.
    const used = N > MOST_NOTES && !active ? -1 : edge.arrivals.filter((at) => at < count).length;
    if (edge.used === used) continue;
    edge.used = used;
    edge.note.textContent = used < 0 ? "" : edge.shape || edge.arrivals.slice(0, Math.min(used, 2)).map((at) => "× " + short(sweep.events[at].slope)).join(", ");
  }
  $("text").replaceChildren(...describe());
  $("slider").max = total();
  $("slider").value = state.at;
  $("slider").setAttribute("aria-valuetext", `step ${state.at} of ${total()}`);
  const fragment = `#step=${state.at}` + (state.mode === "step" ? "" : `&mode=${state.mode}`) + (state.mode === "break" ? `&fault=${state.fault}` : "");
  $("link").href = fragment;
  $("link").textContent = `link to step ${state.at}`;
  for (const button of all("[data-mode], [data-map]")) {
    button.setAttribute("aria-pressed", button.dataset.mode === state.mode || button.dataset.map === state.map);
  }
  $("scale").replaceChildren(short(-scales[state.map]), element("i"), short(scales[state.map]));
  ask();
  $("break").hidden = state.mode !== "break";
  $("verdict").replaceChildren(...facts.text);
  panel(state.chosen === null ? now : state.chosen, count);
}

/// The arrivals whose slopes are written on an edge; on that of a tensor is its shape.
function note(edge) {
  edge.sweep = sweep;
  edge.used = -2;
  const folded = typeof edge.fromKey === "string" || typeof edge.toKey === "string";
  edge.arrivals = edge.shape || folded ? [] : (sweep.arrivals.get(edge.from) || []).filter((at) => sweep.events[at].node === edge.to && sweep.events[at].slope !== null);
}

function fill(box, count) {
  const [node] = box.members;
  const computed = state.at >= node.at;
  const sum = gradient(node.index, count);
  const arrival = sum === undefined ? "" : sum === null ? "?" : lastArrival(node.index, count);
  const shown = [computed, arrival, state.map, state.mode, state.fault].join();
  if (box.shown === shown) return;
  box.shown = shown;
  if (box.value) {
    box.value.textContent = computed ? `value ${short(node.value[0])}` : "";
    box.grad.textContent = sum === undefined ? "" : `grad  ${sum === null ? "?" : short(sum[0])}`;
  }
  const list = state.map === "value" ? (computed ? node.value : []) : sum || [];
  for (const { cell, at } of box.cells) cell.style.fill = colour(list[at], state.map);
}

/// All that is known of one node: statement, value, and the contributions that have arrived.
function panel(index, count) {
  const out = $("panel");
  if (index === null || index === undefined) {
    out.replaceChildren("The node of the present step is described here.");
    return;
  }
  const node = nodes.get(index);
  const computed = state.at >= node.at;
  const parts = [element("h2", {}, node.label), element("p", { class: "rule" }, `${node.statement} ${node.shape}`)];
  if (node.convention) parts.push(element("p", {}, `Convention: ${node.convention}.`));
  if (computed) parts.push(element("h3", {}, "Value"), table(node, node.value, "value"));
  const sum = gradient(index, count);
  if (sum !== undefined) {
    parts.push(element("h3", {}, partial(index)), sum === null ? element("p", {}, "not known") : table(node, sum, "gradient"));
    const list = (sweep.arrivals.get(index) || []).filter((at) => at < count);
    if (list.length) {
      const items = list.map((at) => {
        const event = sweep.events[at];
        const k = example(event);
        return element("li", {}, `from ${label(event.node)}: `, num(event.contribution, "contribution", index, k), isScalar(node) ? "" : ` at ${position(node, k)}`);
      });
      parts.push(element("h3", {}, list.length > 1 ? "Contributions" : "Contribution"), element("ol", {}, ...items));
    }
  } else if (!node.tracked) parts.push(element("p", {}, "Not differentiated."));
  if (facts.wrong.has(index)) parts.push(element("h3", {}, "✗ Right would be"), table(node, right.finals(index), "gradient"));
  out.replaceChildren(...parts);
}

function table(node, list, kind) {
  if (isScalar(node)) return element("p", {}, num(list, kind, node.index));
  const [rows, columns] = node.crop;
  const written = columns <= 6;
  const made = element("table");
  for (let i = 0; i < rows; i++) {
    const line = element("tr");
    for (let j = 0; j < columns; j++) {
      const x = list[i * columns + j];
      const marks = { title: String(x), "data-kind": kind, "data-node": node.index, "data-at": place(node, i * columns + j) };
      const cell = element("td", marks, written ? short(x) : "");
      cell.style.background = colour(x, kind, 0.6);
      line.append(cell);
    }
    made.append(line);
  }
  const cropped = node.crop[0] < node.full[0] || node.crop[1] < node.full[1];
  return cropped ? element("div", {}, made, element("p", {}, `The first ${rows} × ${columns} of ${node.full.join(" × ")} elements.`)) : made;
}

// ---- Predict ----

const close = (a, b) => (Number.isFinite(b) ? Math.abs(a - b) <= 0.01 * Math.abs(b) + 1e-12 : Object.is(a, b));

/// What the reader is to predict at this step: the gradient of the receiving node after it, in one element.
function task() {
  const event = eventAt(state.at);
  const k = example(event);
  const earlier = lastArrival(event.input, state.at - N - 2);
  const before = earlier < 0 ? 0 : sweep.events[earlier].sum[k];
  const upstream = event.cotangent[event.cotangent.length === event.contribution.length ? k : 0];
  return { event, k, to: nodes.get(event.input), before, answer: event.sum[k], part: event.contribution[k], upstream };
}

/// The mistakes that give a wrong number, the likely ones first: each with the number that it gives.
function mistakes({ event, to, before, answer, part, upstream }) {
  const slope = event.slope ?? part / upstream;
  const others = data.steps.filter((step) => step.node === event.node && step !== event && step.slope !== null);
  const alone = `That is the local derivative alone. The chain rule multiplies it by the upstream factor ${partial(event.node)} = ${short(upstream)}.`;
  const list = [
    [-answer, "The size is right, the sign is not."],
    [before - part, "The sign of this contribution is wrong."],
    [part, `That is only the last contribution. ${to.label} has received ${short(before)} before, and += adds to it.`],
    [before, "That is the sum before this step; the contribution is still to be added."],
    [before + slope, alone],
    [slope, alone],
    [before + upstream, `That passes ${partial(event.node)} on unchanged. Multiply it by the local derivative.`],
    ...others.map((other) => [before + upstream * other.slope, "That is the derivative with respect to the other operand."]),
    [2 * answer, "That is twice the right number: is there a factor 2 too many?"],
    [answer / 2, "That is half the right number: is a factor 2 missing?"],
  ];
  const n = to.full[0] * to.full[1];
  if (n > 1) {
    list.push([answer * n, `That is ${n} times the right number: is a factor 1/n missing?`]);
    list.push([answer / n, `That is 1/${n} of the right number: is a factor 1/n too many?`]);
  }
  return list;
}

function ask() {
  const form = $("predict");
  form.hidden = state.mode !== "predict";
  if (form.hidden || form.dataset.step === String(state.at)) return;
  form.dataset.step = state.at;
  const event = eventAt(state.at);
  $("answer").value = "";
  $("feedback").textContent = "";
  for (const part of [$("answer"), $("reveal"), form.querySelector("[type=submit]")]) part.hidden = !event;
  if (!event) {
    $("question").textContent = "The numbers of the reverse sweep are hidden until you predict them. Go on to its first contribution.";
    return;
  }
  const { k, to, before, upstream } = task();
  $("question").dataset.at = place(to, k);
  const where = isScalar(to) ? "" : `, element ${position(to, k)}`;
  const given = event.slope === null && event.cotangent.length === event.contribution.length ? ` ${partial(event.node)} there: ${short(upstream)}.` : "";
  $("question").textContent = `What is ${partial(event.input)}${where} after this step? Before it: ${short(before)}.${given}`;
}

function answerGiven(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-").replace(/∞|inf(inity)?/i, "Infinity").replace(/^nan$/i, "NaN");
  const given = Number(plain);
  const feedback = $("feedback");
  feedback.className = "wrong";
  if (plain === "" || (Number.isNaN(given) && plain !== "NaN")) {
    feedback.textContent = "Type a number, such as 0.21 or -3e-4.";
    return;
  }
  const now = task();
  if (close(given, now.answer)) return reveal("Right: ", "right");
  const found = mistakes(now).find(([number]) => Number.isFinite(number) && close(given, number));
  const otherwise = "Not yet. The contribution is the upstream gradient times the local derivative; add it to what arrived before.";
  feedback.textContent = found ? found[1] : otherwise;
}

function reveal(word, name) {
  state.answered.add(state.at);
  update();
  $("feedback").className = name;
  $("feedback").textContent = `${word}${short(task().answer)}.`;
}

// ---- Break it: the sweep with a mistake. Scalars are computed with their recorded slopes. Of a tensor only the recorded contribution
// is known, which is used where its cotangent is the right one; other numbers are shown as not known. ----

const MOST_VISITS = 2000;
const same = (a, b) => a && b && a.every((x, k) => Object.is(x, b[k]) || Math.abs(x - b[k]) <= 1e-9 * Math.abs(b[k]));
const plus = (a, b) => (a === undefined ? b : a && b ? a.map((x, k) => x + b[k]) : null);
const stepsFrom = new Map();
for (const step of data.steps) {
  if (!stepsFrom.has(step.node)) stepsFrom.set(step.node, []);
  stepsFrom.get(step.node).push(step);
}

function breakSweep(fault) {
  const sums = new Map(seed ? [[data.root, seed]] : []);
  const before = new Map();
  const events = [];
  const visits = new Map();
  if (fault === "stale") {
    for (const node of data.nodes) {
      if (node.op === "leaf" && right.finals(node.index)) before.set(node.index, right.finals(node.index));
    }
    before.forEach((sum, index) => sums.set(index, sum));
  }
  const contribute = (step) => {
    const cotangent = sums.get(step.node);
    let contribution = null;
    if (cotangent && step.slope !== null) contribution = [cotangent[0] * step.slope];
    else if (same(cotangent, right.finals(step.node))) contribution = step.contribution;
    const replaces = fault === "assign";
    const sum = replaces ? contribution : plus(sums.get(step.input), contribution);
    sums.set(step.input, sum);
    const rule = replaces ? step.rule.replace("+=", "=") : step.rule;
    events.push({ ...step, rule, cotangent, contribution, sum, replaces });
  };
  let left = MOST_VISITS;
  const visit = (index) => {
    if (left-- <= 0) return;
    visits.set(index, (visits.get(index) || 0) + 1);
    const steps = stepsFrom.get(index) || [];
    steps.forEach(contribute);
    new Set(steps.map((step) => step.input)).forEach(visit);
  };
  if (fault === "recursion" && seed) visit(data.root);
  else data.steps.forEach(contribute);
  return { sweep: sweepOf(events, before), visits, stopped: left <= 0 };
}

/// The broken sweep, and the nodes whose gradients are complete and wrong after `count` contributions.
function breakWith(fault) {
  const { sweep, visits, stopped } = breakSweep(fault);
  // In the order in which their gradients become complete.
  const complete = data.nodes.filter((node) => node.index !== data.root && sweep.arrivals.has(node.index)).map((node) => {
    const list = sweep.arrivals.get(node.index);
    return { index: node.index, at: list[list.length - 1] };
  }).sort((a, b) => a.at - b.at);
  const wrong = complete.filter(({ index }) => !same(sweep.finals(index), right.finals(index)));
  const facts = (count) => {
    const now = wrong.filter(({ at }) => at < count);
    if (!wrong.length) return { wrong: new Set(), text: ["No gradient of this graph goes wrong: no node is used more than once."] };
    const text = now.length ? explain(fault, now[0].index, visits, sweep) : ["Nothing is wrong yet."];
    if (now.length) text.push(` ${now.length} of ${complete.length} gradients are wrong.`);
    if (stopped) text.push(` Stopped after ${MOST_VISITS} visits: their number grows with the number of paths.`);
    return { wrong: new Set(now.map(({ index }) => index)), text };
  };
  return { sweep, facts };
}

/// Why the first wrong gradient is wrong.
function explain(fault, index, visits, sweep) {
  const arrivals = right.arrivals.get(index) || [];
  const node = nodes.get(index);
  const k = arrivals.length ? example(right.events[arrivals[0]]) : 0;
  const number = (list) => num(list, "explained", index, k);
  const out = ["✗ The first wrong gradient is that of ", element("b", {}, node.label), isScalar(node) ? ": " : `, here element ${position(node, k)}: `];
  out.push(number(sweep.finals(index)), " in place of ", number(right.finals(index)), ". ");
  if (fault === "assign") {
    const terms = arrivals.flatMap((at, i) => [i ? " + " : "", number(right.events[at].contribution)]);
    out.push(`It is used ${arrivals.length} times and should add up `, ...terms, "; with = the last one replaces the others.");
  } else if (fault === "stale") {
    out.push("It still held the gradient of the sweep before, and the new contributions were added to that.");
  } else {
    const twice = arrivals.map((at) => right.events[at].node).find((from) => visits.get(from) > 1);
    out.push(twice === undefined ? "A wrong gradient was passed on to it. " : `${label(twice)} is used more than once, so the recursion `);
    if (twice) out.push(`visited it ${visits.get(twice)} times, and each time it passed on all that it had received so far. `);
    out.push("In topological order a node is visited once, when its sum is complete.");
  }
  return out;
}
let broken = breakWith(state.fault);

// ---- Controls ----

function go(at) {
  state.at = at;
  update();
  // Browsers refuse hundreds of addresses in a few seconds, so only the last of a fast series becomes one.
  clearTimeout(state.timer);
  state.timer = setTimeout(() => history.replaceState(null, "", $("link").getAttribute("href")), 200);
  // Keeps the present node in sight.
  const box = [...drawn.boxes.values()].find((box) => box.mark.includes(" now"));
  if (!box) return;
  const frame = $("graph");
  const inside = (x, start, extent, half) => x - half >= start && x + half <= start + extent;
  if (!inside(box.x, frame.scrollLeft, frame.clientWidth, BOX.width / 2)) frame.scrollLeft = box.x - frame.clientWidth / 2;
  if (!inside(box.y, frame.scrollTop, frame.clientHeight, BOX.height / 2)) frame.scrollTop = box.y - frame.clientHeight / 2;
}
function setMode(mode) {
  state.mode = mode;
  delete $("predict").dataset.step;
  if (mode === "break") {
    broken = breakWith(state.fault);
    sweep = broken.sweep;
    go(total());
  } else {
    sweep = right;
    go(Math.min(state.at, total()));
  }
}
function fold() {
  for (const box of all("#modules input")) box.checked = state.folded.has(box.value);
  draw();
  update();
}
function fromLink() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const mode = wanted.get("mode");
  const fault = wanted.get("fault");
  if ([...$("fault").options].some((option) => option.value === fault)) $("fault").value = state.fault = fault;
  if (["step", "predict", "break"].includes(mode)) setMode(mode);
  go(Number.parseInt(wanted.get("step") || "0", 10) || 0);
}

$("first").onclick = () => go(0);
$("back").onclick = () => go(state.at - 1);
$("next").onclick = () => go(state.at + 1);
$("last").onclick = () => go(total());
$("slider").oninput = (event) => go(Number(event.target.value));
for (const button of all("[data-mode]")) button.onclick = () => setMode(button.dataset.mode);
for (const button of all("[data-map]")) button.onclick = () => { state.map = button.dataset.map; update(); };
$("fault").onchange = (event) => { state.fault = event.target.value; setMode("break"); };
$("predict").onsubmit = (event) => { event.preventDefault(); answerGiven($("answer").value); };
$("reveal").onclick = () => reveal("It is ", "");
$("search").oninput = (event) => { state.query = event.target.value.trim().toLowerCase(); update(); };
$("search").onkeydown = (event) => {
  if (event.key !== "Enter") return;
  const found = [...drawn.boxes.values()].find((box) => box.mark.includes(" found"));
  if (found) { state.chosen = found.members[0].index; update(); found.group.scrollIntoView({ block: "nearest", inline: "nearest" }); }
};
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  const moves = { ArrowLeft: state.at - 1, ArrowRight: state.at + 1, Home: 0, End: total() };
  if (event.key in moves) { event.preventDefault(); go(moves[event.key]); }
});
addEventListener("hashchange", fromLink);

const scopes = [...new Set(data.nodes.map((node) => node.scope).filter(Boolean))];
$("modules").hidden = scopes.length === 0;
for (const scope of scopes) {
  const box = element("input", { type: "checkbox", value: scope });
  box.onchange = () => { if (box.checked) state.folded.add(scope); else state.folded.delete(scope); fold(); };
  $("modules").lastElementChild.append(element("label", {}, box, ` fold ${scope}`));
}
$("maps").hidden = $("scale").hidden = tensors === 0;
if (!seed) $("modes").hidden = true;
$("picture").style.display = "none";
$("viewer").hidden = false;
draw();
fromLink();
