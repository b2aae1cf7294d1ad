// Every point of every layer on one canvas, from plain columns, drawn in slices; what was clicked is found by a grid of
// 32 pixels.

import { CanvasLayer } from "./canvas.js";
import { sprite } from "./glyphs.js";
import { number } from "./page.js";
import { Slices } from "./slices.js";

const { L } = window;
const CELL = 32;
const REACH = 11;
const BETWEEN_CLOCKS = 50;
const WORSE = { I: 4, II: 3, III: 2, IV: 0 };
const even = (value) => 2 * Math.round(value / 2);

export class Points {
  constructor(map, levelOf) {
    this.map = map;
    this.levelOf = levelOf;
    this.layers = new Map();
    this.grid = new Grid();
    this.slices = new Slices();
    this.canvas = new CanvasLayer("points", (ctx, bounds) => this.draw(ctx, bounds)).addTo(map);
  }

  // `marks` as the service gave them; null takes the layer away.
  put(layer, marks) {
    if (marks) this.layers.set(layer.id, { layer, marks, ...projected(marks) });
    else this.layers.delete(layer.id);
  }

  redraw() {
    this.canvas.redraw();
  }

  draw(ctx, bounds) {
    this.grid = new Grid();
    this.slices.run(this.drawing(ctx, bounds));
  }

  // All of it has been drawn; or other drawing has taken its place.
  drawn() {
    return this.slices.finished;
  }

  *drawing(ctx, bounds) {
    const scale = this.map.options.crs.scale(this.map.getZoom()) / 256;
    const origin = this.map.getPixelOrigin();
    const inView = [...this.layers.values()].map((each) => ({ ...each, seen: seenIn(each, scale, origin, bounds) }));
    const total = inView.reduce((sum, each) => sum + each.seen.length, 0);
    inView.sort((a, b) => b.seen.length - a.seen.length);
    for (const each of inView) {
      if (each.marks.kind === "cells") this.drawCells(ctx, each, scale, origin);
      else yield* this.drawPoints(ctx, each, sizeFor(each.seen.length, total, bounds), scale, origin);
      yield;
    }
  }

  *drawPoints(ctx, { layer, marks, x, y, seen }, size, scale, origin) {
    const level = marks.level;
    const looks = [new Map(), new Map()];
    let n = 0;
    for (const i of worstLast(seen, level)) {
      const known = looks[marks.closed[i] ? 1 : 0];
      if (!known.has(level[i])) known.set(level[i], this.look(layer, size, level[i], marks.closed[i]));
      const { image, shown } = known.get(level[i]);
      const px = x[i] * scale - origin.x;
      const py = y[i] * scale - origin.y;
      ctx.drawImage(image, Math.round(px - image.side / 2), Math.round(py - image.side / 2), image.side, image.side); // whole pixels: no resampling
      this.grid.add({ x: px, y: py, layer: layer.id, id: marks.ids[i], size: shown });
      n += 1;
      if (n % BETWEEN_CLOCKS === 0) yield;
    }
  }

  // The least level stays small and without a ring: what matters stands out of a crowd.
  look(layer, size, level, closed) {
    const quiet = level === "IV";
    const shown = quiet ? Math.max(5, even(size * 0.7)) : size;
    return { shown, image: sprite(layer, shown, quiet ? null : this.levelOf(level), closed) };
  }

  drawCells(ctx, { layer, marks, x, y, seen }, scale, origin) {
    for (const i of seen) {
      const at = { x: x[i] * scale - origin.x, y: y[i] * scale - origin.y };
      const radius = 9 + 4 * Math.log10(marks.n[i]);
      ctx.beginPath();
      ctx.arc(at.x, at.y, radius, 0, 7);
      Object.assign(ctx, { globalAlpha: 0.88, fillStyle: layer.style.colour, strokeStyle: "#fff", lineWidth: 2 });
      ctx.fill();
      ctx.stroke();
      Object.assign(ctx, { globalAlpha: 1, fillStyle: "#fff", font: "600 11px sans-serif", textAlign: "center", textBaseline: "middle" });
      ctx.fillText(number(marks.n[i], 0), at.x, at.y);
      this.grid.add({ ...at, layer: layer.id, cell: { lat: marks.lat[i], lon: marks.lon[i] }, size: radius * 2 });
    }
  }

  // Where a point is, if its layer is drawn as points.
  placeOf(layerId, id) {
    const marks = this.layers.get(layerId)?.marks;
    const i = marks?.ids?.indexOf(id) ?? -1;
    return i < 0 ? null : { lat: marks.lat[i], lon: marks.lon[i] };
  }

  // The point nearest to where the reader clicked, among those within reach.
  at(latlng) {
    const { x, y } = this.map.latLngToLayerPoint(latlng);
    const found = this.grid
      .near(x, y)
      .map((mark) => [mark, Math.hypot(mark.x - x, mark.y - y)])
      .filter(([mark, away]) => away <= Math.max(REACH, mark.size / 2 + 2));
    return found.length ? found.reduce((a, b) => (b[1] <= a[1] ? b : a))[0] : null;
  }
}

function projected({ lon, lat }) {
  const x = new Float64Array(lon.length);
  const y = new Float64Array(lon.length);
  for (let i = 0; i < lon.length; i += 1) {
    const at = L.CRS.EPSG3857.latLngToPoint({ lat: lat[i], lng: lon[i] }, 0);
    x[i] = at.x;
    y[i] = at.y;
  }
  return { x, y };
}

function seenIn({ x, y }, scale, origin, { min, max }) {
  const seen = [];
  for (let i = 0; i < x.length; i += 1) {
    const px = x[i] * scale - origin.x;
    const py = y[i] * scale - origin.y;
    if (px >= min.x && px <= max.x && py >= min.y && py <= max.y) seen.push(i);
  }
  return seen;
}

// The room that points have decides their size, so that a crowd stays a crowd of points and never one blob.
function sizeFor(count, total, bounds) {
  const { x, y } = bounds.getSize();
  const room = (n) => Math.sqrt((x * y) / Math.max(n, 1));
  return Math.min(26, Math.max(6, even(0.24 * Math.sqrt(room(count) * room(total)))));
}

// The worst are drawn last, over the others.
function worstLast(seen, level) {
  const ranks = [[], [], [], [], []];
  for (const i of seen) ranks[WORSE[level[i]] ?? 1].push(i);
  return ranks.flat();
}

const cellOf = (x, y) => Math.floor(x / CELL) * 100003 + Math.floor(y / CELL);

// What was drawn, by cells of the screen.
class Grid {
  cells = new Map();

  add(mark) {
    const cell = cellOf(mark.x, mark.y);
    if (this.cells.has(cell)) this.cells.get(cell).push(mark);
    else this.cells.set(cell, [mark]);
  }

  near(x, y) {
    const steps = [-CELL, 0, CELL];
    return steps.flatMap((dx) => steps.flatMap((dy) => this.cells.get(cellOf(x + dx, y + dy)) ?? []));
  }
}
