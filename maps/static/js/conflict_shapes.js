// A place that two people changed: both states on the map, told apart by line and by word.

import { CanvasLayer } from "./canvas.js";
import { same } from "./edit_form.js";
import { isClosed, partsOf } from "./outline.js";
import { t } from "./page.js";

const { L } = window;
const LOOKS = [
  { whose: "base", key: "conflict.was", ink: "#5b6770", width: 2, dash: [2, 5] },
  { whose: "theirs", key: "conflict.theirs", ink: "#b35806", width: 4, dash: [11, 7] },
  { whose: "mine", key: "conflict.mine", ink: "#54278f", width: 4, dash: [] },
];

// `states` are { base, mine, theirs }, geometries or null. Gives what takes them off the map again.
export function drawStates(map, states) {
  const drawn = LOOKS.filter(({ whose }) => states[whose] && (whose !== "base" || !same(states.base, states.theirs))).map((look) => ({ ...look, vertices: verticesOf(states[look.whose]) }));
  const layer = new CanvasLayer("drawing", (ctx) => {
    for (const each of drawn) stroke(ctx, map, each);
    for (const each of drawn) label(ctx, map, each);
  }).addTo(map);
  const all = drawn.flatMap(({ vertices }) => vertices.flat());
  if (all.length) map.fitBounds(L.latLngBounds(all.map(([lon, lat]) => [lat, lon])), { maxZoom: 16, padding: [60, 60], animate: false });
  return () => layer.remove();
}

// Lists of vertices to be joined; a point is a list of its own.
function verticesOf(geometry) {
  if (geometry.type === "Point") return [[geometry.coordinates]];
  const closed = isClosed(geometry.type.endsWith("Polygon") ? "area" : "line");
  return partsOf(geometry).flat().map((ring) => (closed ? [...ring, ring[0]] : ring));
}

function stroke(ctx, map, { vertices, ink, width, dash }) {
  const path = new Path2D();
  for (const list of vertices) {
    const spots = list.map(([lon, lat]) => map.latLngToLayerPoint([lat, lon]));
    if (spots.length === 1) path.arc(spots[0].x, spots[0].y, 9, 0, 7);
    for (const [i, { x, y }] of spots.entries()) if (i) path.lineTo(x, y);
    else if (spots.length > 1) path.moveTo(x, y);
  }
  ctx.lineJoin = "round";
  for (const [strokeStyle, lineWidth, pattern] of [["#ffffff", width + 3, []], [ink, width, dash]]) {
    ctx.setLineDash(pattern);
    Object.assign(ctx, { strokeStyle, lineWidth });
    ctx.stroke(path);
  }
  ctx.setLineDash([]);
}

// Each at its own end, so that the words do not lie over each other: the northernmost, the southernmost, the easternmost vertex.
const ENDS = { mine: (a, b) => b[1] > a[1], theirs: (a, b) => b[1] < a[1], base: (a, b) => b[0] > a[0] };
const OFFSETS = { mine: -14, theirs: 16, base: 0 };

function label(ctx, map, { whose, key, ink, vertices }) {
  const [lon, lat] = vertices.flat().reduce((a, b) => (ENDS[whose](a, b) ? b : a));
  const { x, y } = map.latLngToLayerPoint([lat, lon]);
  Object.assign(ctx, { font: '700 15px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif', textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 5, strokeStyle: "#ffffff", fillStyle: ink });
  ctx.strokeText(t(key), x, y + OFFSETS[whose]);
  ctx.fillText(t(key), x, y + OFFSETS[whose]);
}
