// What makes an area invalid, and where: a border that crosses or touches itself, a hole outside, parts over each other. A grid keeps
// it linear for borders as they are drawn; one made to be slow is left to the service, which looks at every area again.

import { holds } from "./shapes.js";

const MOST_TESTS = 3e6;
const MOST_CELLS = 512;
const NESTING_UP_TO = 20000;

// Of parts of rings without closing vertices: { key, at: [lon, lat] }, or null.
export function faultOf(parts) {
  const thin = parts.flat().find((ring) => distinct(ring).length < 3);
  if (thin) return { key: "shape.fault_thin", at: thin[0] ?? null };
  return crossing(segmentsOf(parts)) ?? nesting(parts);
}

// Without vertices that repeat the one before them: they are allowed, and no edges.
const distinct = (ring) => ring.filter(([x, y], i) => ring.length === 1 || x !== ring.at(i - 1)[0] || y !== ring.at(i - 1)[1]);

function segmentsOf(parts) {
  const found = [];
  for (const [part, rings] of parts.entries()) for (const [place, ring] of rings.entries()) {
    const corners = distinct(ring);
    for (const [index, from] of corners.entries()) found.push({ from, to: corners[(index + 1) % corners.length], part, place, index, of: corners.length });
  }
  return found;
}

function crossing(segments) {
  const cells = new Map();
  const place = gridOver(segments);
  let tests = 0;
  for (const segment of segments) for (const cell of cellsOf(segment, place)) {
    const others = cells.get(cell);
    if (!others) cells.set(cell, [segment]);
    else {
      for (const other of others) {
        const fault = meeting(other, segment);
        if (fault) return fault;
      }
      tests += others.length;
      if (tests > MOST_TESTS) return null;
      others.push(segment);
    }
  }
  return null;
}

function gridOver(segments) {
  const [xs, ys] = [0, 1].map((axis) => segments.reduce(([low, high], { from }) => [Math.min(low, from[axis]), Math.max(high, from[axis])], [Infinity, -Infinity]));
  const side = Math.max(1, Math.min(MOST_CELLS, Math.ceil(Math.sqrt(segments.length))));
  const step = ([low, high]) => (high - low) / side || 1;
  const [dx, dy] = [step(xs), step(ys)];
  return { side, column: (x) => Math.min(side - 1, Math.floor((x - xs[0]) / dx)), row: (y) => Math.min(side - 1, Math.floor((y - ys[0]) / dy)), low: (row) => ys[0] + row * dy, dy };
}

// The cells of a segment, row by row; one column more on each side, so that rounding hides no meeting.
function* cellsOf({ from, to }, { side, column, row, low, dy }) {
  const [first, last] = [Math.min(from[1], to[1]), Math.max(from[1], to[1])].map(row);
  const slope = to[1] === from[1] ? null : (to[0] - from[0]) / (to[1] - from[1]);
  for (let r = first; r <= last; r += 1) {
    const reach = slope === null ? [from[0], to[0]] : [low(r), low(r) + dy].map((y) => from[0] + slope * (within(y, from[1], to[1]) - from[1]));
    const [west, east] = [Math.max(0, column(Math.min(...reach)) - 1), Math.min(side - 1, column(Math.max(...reach)) + 1)];
    for (let c = west; c <= east; c += 1) yield r * side + c;
  }
}

const within = (value, a, b) => Math.min(Math.max(value, Math.min(a, b)), Math.max(a, b));

function meeting(a, b) {
  const sameRing = a.part === b.part && a.place === b.place;
  if (sameRing && (b.index - a.index === 1 || (a.index === 0 && b.index === a.of - 1) || a.index - b.index === 1)) return folded(a, b);
  const at = meets(a, b, sameRing);
  if (!at) return null;
  return { key: sameRing ? "shape.fault_crosses" : a.part === b.part ? "shape.fault_hole_crosses" : "shape.fault_parts_cross", at };
}

const turn = ([ax, ay], [bx, by], [cx, cy]) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
const equal = (a, b) => a[0] === b[0] && a[1] === b[1];

// Neighbours share a vertex; one that goes back over the other makes a spike without width.
function folded(a, b) {
  const [shared, p, q] = equal(a.to, b.from) ? [a.to, a.from, b.to] : [a.from, a.to, b.from];
  const back = turn(shared, p, q) === 0 && (p[0] - shared[0]) * (q[0] - shared[0]) + (p[1] - shared[1]) * (q[1] - shared[1]) > 0;
  return back ? { key: "shape.fault_spike", at: shared } : null;
}

// Where two edges meet, or null. Rings of their own may touch in a point.
function meets(a, b, touching) {
  if (Math.max(a.from[0], a.to[0]) < Math.min(b.from[0], b.to[0]) || Math.max(b.from[0], b.to[0]) < Math.min(a.from[0], a.to[0])) return null;
  if (Math.max(a.from[1], a.to[1]) < Math.min(b.from[1], b.to[1]) || Math.max(b.from[1], b.to[1]) < Math.min(a.from[1], a.to[1])) return null;
  const [d1, d2, d3, d4] = [turn(a.from, a.to, b.from), turn(a.from, a.to, b.to), turn(b.from, b.to, a.from), turn(b.from, b.to, a.to)];
  if (d1 === 0 && d2 === 0) return alongEachOther(a, b, touching);
  if (Math.sign(d1) * Math.sign(d2) > 0 || Math.sign(d3) * Math.sign(d4) > 0) return null;
  if (!touching && (d1 === 0 || d2 === 0 || d3 === 0 || d4 === 0)) return null;
  const share = d3 / (d3 - d4);
  return [a.from[0] + share * (a.to[0] - a.from[0]), a.from[1] + share * (a.to[1] - a.from[1])];
}

function alongEachOther(a, b, touching) {
  const axis = a.from[0] === a.to[0] ? 1 : 0;
  const [low, high] = [(s) => (s.from[axis] < s.to[axis] ? s.from : s.to), (s) => (s.from[axis] < s.to[axis] ? s.to : s.from)];
  const start = low(a)[axis] > low(b)[axis] ? low(a) : low(b);
  const end = high(a)[axis] < high(b)[axis] ? high(a) : high(b);
  return end[axis] > start[axis] || (touching && end[axis] === start[axis]) ? start : null;
}

// Nothing crosses: a hole lies inside its border or outside it as a whole, and so does a part in another.
function nesting(parts) {
  if (parts.flat().reduce((sum, ring) => sum + ring.length, 0) > NESTING_UP_TO) return null;
  for (const [border, ...holes] of parts) {
    const out = holes.find((hole) => !mostlyIn([border], hole));
    if (out) return { key: "shape.fault_hole_outside", at: out[0] };
    const inner = holes.find((hole) => holes.some((other) => other !== hole && mostlyIn([other], hole)));
    if (inner) return { key: "shape.fault_hole_crosses", at: inner[0] };
  }
  const nested = parts.length * parts.length > 1e4 ? null : parts.find((part) => parts.some((other) => other !== part && mostlyIn(other, part[0])));
  return nested ? { key: "shape.fault_parts_cross", at: nested[0][0] } : null;
}

// Vertices may touch the border, and then count by chance: most of them and of the middles between them decide.
function mostlyIn(rings, ring) {
  const spots = ring.flatMap((at, i) => [at, [0, 1].map((axis) => (at[axis] + ring.at(i - 1)[axis]) / 2)]);
  const area = { type: "Polygon", coordinates: rings };
  return spots.filter(([lon, lat]) => holds(area, lon, lat)).length * 2 > spots.length;
}
