// What answers of access draw: lines and outlines in panes of their own, and signs over everything on one canvas.

import { CanvasLayer } from "./canvas.js";

const { L } = window;
const APART = 30;
const SMALL_BELOW = 11;
const INK = "#14202c";

export class AccessMap {
  constructor(map, canvas) {
    Object.assign(this, { map, canvas, drawn: new Map(), signs: new Map() });
    this.over = new CanvasLayer("over", (ctx, bounds) => this.drawSigns(ctx, bounds)).addTo(map);
  }

  // Shapes ({ geometry, pane, ...style }) and signs ({ lon, lat, kind, text }) under a name; they take the place of its former ones.
  put(name, shapes, signs = []) {
    this.drawn.get(name)?.remove();
    const group = L.layerGroup();
    for (const { geometry, pane, ...style } of shapes) {
      if (geometry) L.geoJSON({ type: "Feature", geometry, properties: {} }, { style: { ...style, pane, renderer: this.canvas(pane), interactive: false }, pane, interactive: false }).addTo(group);
    }
    this.drawn.set(name, group.addTo(this.map));
    this.signs.set(name, signs);
    this.over.redraw();
  }

  clear(name) {
    this.put(name, []);
  }

  frame(bounds) {
    if (bounds.isValid() && !this.map.getBounds().contains(bounds)) this.map.fitBounds(bounds, { padding: [50, 50], maxZoom: 14 });
  }

  drawSigns(ctx, { min, max }) {
    const taken = new Map();
    for (const sign of [...this.signs.values()].flat()) {
      const at = this.map.latLngToLayerPoint([sign.lat, sign.lon]);
      const cell = `${sign.kind} ${Math.round(at.x / APART)} ${Math.round(at.y / APART)}`;
      if (at.x < min.x || at.y < min.y || at.x > max.x || at.y > max.y || taken.has(cell)) continue;
      taken.set(cell, true);
      SIGNS[sign.kind](ctx, at, sign.text, this.map.getZoom() < SMALL_BELOW ? 6 : 8);
    }
  }
}

// A cross on white: shut, for those who tell no colours apart.
function cross(ctx, { x, y }, ink, size) {
  disc(ctx, { x, y }, size, "#fff", ink);
  Object.assign(ctx, { strokeStyle: ink, lineWidth: size / 3, lineCap: "round" });
  const arm = 0.43 * size;
  ctx.beginPath();
  for (const way of [1, -1]) {
    ctx.moveTo(x - arm, y - arm * way);
    ctx.lineTo(x + arm, y + arm * way);
  }
  ctx.stroke();
  ctx.lineCap = "butt";
}

function disc(ctx, { x, y }, radius, fill, stroke) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 7);
  Object.assign(ctx, { fillStyle: fill, strokeStyle: stroke, lineWidth: 2 });
  ctx.fill();
  ctx.stroke();
}

function label(ctx, { x, y }, text, ink = INK) {
  Object.assign(ctx, { font: '700 13px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif', textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 4, strokeStyle: "#fff", fillStyle: ink });
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

// A triangle beside the badge of a place: what was promised there does not hold.
function failing(ctx, { x, y }) {
  const at = { x: x + 15, y: y - 13 };
  ctx.beginPath();
  ctx.moveTo(at.x, at.y - 10);
  ctx.lineTo(at.x + 10, at.y + 8);
  ctx.lineTo(at.x - 10, at.y + 8);
  ctx.closePath();
  Object.assign(ctx, { fillStyle: "#ffffff", strokeStyle: "#7a0177", lineWidth: 2.4, lineJoin: "round" });
  ctx.fill();
  ctx.stroke();
  Object.assign(ctx, { font: "800 12px sans-serif", textAlign: "center", textBaseline: "middle", fillStyle: "#7a0177" });
  ctx.fillText("!", at.x, at.y + 2);
}

// No way in: a bar across a ring, left above the badge of a place, so that both are seen.
function barred(ctx, { x, y }, ink) {
  const at = { x: x - 15, y: y - 13 };
  disc(ctx, at, 10, "#fff", ink);
  Object.assign(ctx, { fillStyle: ink });
  ctx.fillRect(at.x - 6.5, at.y - 2.5, 13, 5);
}

// A number on black: the place of a link in a list.
function rank(ctx, at, text) {
  disc(ctx, at, 10, INK, "#ffd92f");
  Object.assign(ctx, { font: "800 12px sans-serif", textAlign: "center", textBaseline: "middle", fillStyle: "#fff" });
  ctx.fillText(text, at.x, at.y + 0.5);
}

// The pin stands beside its spot, so that what lies there stays to be seen.
function pin(ctx, { x, y }) {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - 6, y - 18);
  ctx.arc(x, y - 20, 8, Math.PI - 0.35, 0.35);
  ctx.closePath();
  Object.assign(ctx, { fillStyle: INK, strokeStyle: "#fff", lineWidth: 2, lineJoin: "round" });
  ctx.fill();
  ctx.stroke();
  disc(ctx, { x, y: y - 20 }, 3, "#fff", "#fff");
}

const SIGNS = {
  shut: (ctx, at, text, size) => cross(ctx, at, "#a50f15", size),
  supposed: (ctx, at, text, size) => cross(ctx, at, "#54278f", size),
  minutes: (ctx, at, text) => label(ctx, at, text, "#08519c"),
  spot: pin,
  shelter: (ctx, at) => disc(ctx, at, 4.5, "#08519c", "#fff"),
  corner: (ctx, at) => disc(ctx, at, 5, "#fff", "#54278f"),
  failing,
  cutOff: (ctx, at) => barred(ctx, at, "#a50f15"),
  neverReached: (ctx, at) => barred(ctx, at, "#4d5963"),
  later: (ctx, { x, y }, text) => label(ctx, { x: x - 15, y: y - 16 }, text, "#8c2d04"),
  rank,
};
