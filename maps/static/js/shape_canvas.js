// What is drawn while a line or an area is changed: its parts, the handles at its vertices and in mid-edge, what is wrong with it.

import { CanvasLayer } from "./canvas.js";
import { isClosed, samePath, vertexAt, vertexCount } from "./outline.js";

export const HANDLES_MOST = 1000; // in view; more could neither be told apart nor held
const FEW = 5000; // vertices that are drawn anew with every move of a finger
const VIOLET = "#54278f";
const WHITE = "#ffffff";
const BAD = "#a50f15";
const MIDDLE_FROM_PX = 34;

export class ShapeCanvas {
  parts = [];
  kind = "area";
  corners = null; // of what is being drawn
  pointer = null; // where the mouse is meanwhile
  selected = null;
  moving = null;
  fault = null;
  handles = [];
  middles = [];
  inView = 0;
  withHandles = false;
  wanted = null;

  constructor(map) {
    this.map = map;
    this.layer = new CanvasLayer("drawing", (ctx, bounds) => this.paint(ctx, bounds)).addTo(map);
  }

  put(given) {
    Object.assign(this, given);
    this.wanted ??= requestAnimationFrame(() => {
      this.wanted = null;
      this.layer.redraw();
    });
  }

  clear() {
    this.put({ parts: [], corners: null, pointer: null, selected: null, moving: null, fault: null, handles: [], middles: [], withHandles: false });
  }

  at([lon, lat]) {
    return this.map.latLngToLayerPoint([lat, lon]);
  }

  // The vertex, or else the middle of an edge, under a point of the map; null where there is none.
  hit(point, reach) {
    const nearest = (spots) => spots.map((each) => ({ ...each, far: each.at.distanceTo(point) })).filter(({ far }) => far <= reach).sort((a, b) => a.far - b.far)[0] ?? null;
    return nearest(this.handles) ?? nearest(this.middles);
  }

  paint(ctx, bounds) {
    Object.assign(ctx, { lineJoin: "round", lineCap: "round" });
    const busy = this.moving && vertexCount(this.parts) > FEW;
    if (!busy) this.path = this.pathOf(this.parts);
    if (this.parts.length) this.stroke(ctx, this.path);
    if (busy) this.stroke(ctx, this.movingEdges());
    if (this.corners) this.paintCorners(ctx);
    if (!busy) this.place(bounds);
    if (this.withHandles) this.paintHandles(ctx);
    if (this.fault) ring(ctx, this.at(this.fault), 15, BAD);
  }

  pathOf(parts) {
    const path = new Path2D();
    for (const vertices of parts.flat()) this.trace(path, vertices, isClosed(this.kind));
    return path;
  }

  trace(path, vertices, closed) {
    for (const [i, vertex] of vertices.entries()) {
      const { x, y } = this.at(vertex);
      if (i) path.lineTo(x, y);
      else path.moveTo(x, y);
    }
    if (closed) path.closePath();
  }

  // Of a large shape only what moves is drawn anew while it moves.
  movingEdges() {
    const [part, place, index] = this.moving;
    const vertices = this.parts[part][place];
    const near = [index - 1, index, index + 1].map((i) => (isClosed(this.kind) ? vertices.at(i % vertices.length) : vertices[i])).filter(Boolean);
    const path = new Path2D();
    this.trace(path, near, false);
    return path;
  }

  stroke(ctx, path) {
    if (isClosed(this.kind) && !this.moving) {
      ctx.fillStyle = "rgb(84 39 143 / 14%)";
      ctx.fill(path, "evenodd");
    }
    for (const [strokeStyle, lineWidth] of [[WHITE, 6], [VIOLET, 3]]) {
      Object.assign(ctx, { strokeStyle, lineWidth });
      ctx.stroke(path);
    }
  }

  paintCorners(ctx) {
    const drawn = new Path2D();
    this.trace(drawn, this.corners, false);
    this.stroke(ctx, drawn);
    const rubber = new Path2D();
    const ends = [this.corners.at(-1), this.pointer, isClosed(this.kind) && this.corners.length + (this.pointer ? 1 : 0) > 2 ? this.corners[0] : null].filter(Boolean);
    if (this.corners.length) this.trace(rubber, ends, false);
    ctx.setLineDash([6, 5]);
    Object.assign(ctx, { strokeStyle: VIOLET, lineWidth: 2 });
    ctx.stroke(rubber);
    ctx.setLineDash([]);
    for (const [i, corner] of this.corners.entries()) disc(ctx, this.at(corner), i === this.corners.length - 1 ? 7 : 5, i === this.corners.length - 1 ? VIOLET : WHITE, i === this.corners.length - 1 ? WHITE : VIOLET);
  }

  // Handles for what is in view, if that is not too much.
  place(bounds) {
    Object.assign(this, { handles: [], middles: [], inView: 0 });
    if (!this.withHandles) return;
    const found = [];
    for (const [part, rings] of this.parts.entries()) for (const [place, vertices] of rings.entries()) for (const [index, vertex] of vertices.entries()) {
      const at = this.at(vertex);
      if (bounds.contains(at)) found.push({ path: [part, place, index], at });
    }
    this.inView = found.length;
    if (found.length > HANDLES_MOST) return;
    this.handles = found;
    this.middles = found.flatMap(({ path, at }) => this.middlesBeside(path, at, bounds));
  }

  // The middle of the edge after a vertex in view, and of that before it where the other end is out of view.
  middlesBeside([part, place, index], at, bounds) {
    const vertices = this.parts[part][place];
    const before = index ? index - 1 : isClosed(this.kind) ? vertices.length - 1 : null;
    const next = index + 1 < vertices.length ? index + 1 : isClosed(this.kind) ? 0 : null;
    const edges = [[index, next, true], [before, before, before !== null && !bounds.contains(this.at(vertices[before]))]];
    return edges.filter(([, other, wanted]) => other !== null && wanted).map(([from, other]) => ({ path: [part, place, from], middle: true, at: at.add(this.at(vertices[other])).divideBy(2), far: at.distanceTo(this.at(vertices[other])) })).filter(({ far }) => far >= MIDDLE_FROM_PX);
  }

  paintHandles(ctx) {
    for (const { at } of this.middles) disc(ctx, at, 4, WHITE, "#a48cc4");
    for (const { path, at } of this.handles) if (!samePath(path, this.selected)) disc(ctx, at, 6, WHITE, VIOLET);
    const chosen = this.selected && vertexAt(this.parts, this.selected);
    if (!chosen) return;
    ring(ctx, this.at(chosen), 12, VIOLET);
    disc(ctx, this.at(chosen), 7, VIOLET, WHITE);
  }
}

function disc(ctx, { x, y }, radius, fill, stroke) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 7);
  Object.assign(ctx, { fillStyle: fill, strokeStyle: stroke, lineWidth: 2.4 });
  ctx.fill();
  ctx.stroke();
}

function ring(ctx, { x, y }, radius, ink) {
  for (const [strokeStyle, lineWidth] of [[WHITE, 6], [ink, 3.5]]) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 7);
    Object.assign(ctx, { strokeStyle, lineWidth });
    ctx.stroke();
  }
}
