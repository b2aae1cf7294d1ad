// The symbols of layers and levels, for lists (SVG) and for canvases (Path2D), from one table.

import { svg } from "./dom.js";
import { page } from "./page.js";

const UNKNOWN = { numeral: "?", shape: "hatch", colour: "#9a9a9a", text_colour: "#000000" };
const paths = new Map();
const sprites = new Map();
const shapeOf = (level) => page.glyphs[`shape-${level.shape}`] ?? page.glyphs["shape-square"];
const glyphOf = (icon) => page.glyphs[icon] ?? page.glyphs.dot;

export function layerGlyph(layer) {
  const glyph = glyphOf(layer.style.icon);
  const flat = layer.geometry === "line" || layer.geometry === "area";
  const colour = layer.style.colour;
  const drawn = svg("path", { d: glyph.d, ...paint(glyph, flat ? colour : "#fff") });
  return svg("svg", { viewBox: "0 0 24 24", class: "glyph", "aria-hidden": "true" }, flat ? null : plate(layer.group, colour), flat ? drawn : svg("g", { transform: "translate(4.2 4.2) scale(.65)" }, drawn));
}

// A small area as the map draws areas of that look.
export function lookSwatch(layer, look) {
  const { colour } = layer.style;
  const shape = { x: 1.5, y: 1.5, width: 25, height: 13, rx: 2, fill: colour, "fill-opacity": look.fill_opacity, stroke: colour, "stroke-opacity": look.outline_opacity, "stroke-width": look.outline_px * 1.4, "stroke-dasharray": look.dash || null };
  return svg("svg", { viewBox: "0 0 28 16", class: "swatch", "aria-hidden": "true" }, svg("rect", shape));
}

function plate(group, fill) {
  if (group === "response") return svg("rect", { x: 1, y: 1, width: 22, height: 22, rx: 5, fill });
  return svg("circle", { cx: 12, cy: 12, r: 11, fill });
}

function paint(glyph, colour) {
  if (!glyph.stroke) return { fill: colour };
  return { fill: "none", stroke: colour, "stroke-width": glyph.stroke, "stroke-linecap": "round", "stroke-linejoin": "round" };
}

// Colour, shape and numeral together, so that none has to be told by colour alone.
export function levelBadge(level, label = "") {
  const low = level.shape === "triangle";
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "badge", role: label ? "img" : null, "aria-label": label || null, "aria-hidden": label ? null : "true" },
    svg("path", { d: shapeOf(level).d, fill: level.colour, stroke: "#14202c", "stroke-width": 1 }),
    level.shape === "hatch" ? svg("path", { d: page.glyphs["hatch-lines"].d, fill: "none", stroke: "#5f5f5f", "stroke-width": 1.4 }) : null,
    svg("text", { x: 12, y: low ? 15 : 12.4, "text-anchor": "middle", "dominant-baseline": "central", "font-size": low ? 9 : 10.5, "font-weight": 700, fill: level.text_colour }, level.numeral),
  );
}

export function arrow(bearing) {
  return svg("svg", { viewBox: "0 0 24 24", class: "glyph", "aria-hidden": "true" }, svg("path", { d: "M12 2.5 19 20l-7-4.2L5 20z", fill: "currentColor", transform: `rotate(${Number(bearing)} 12 12)` }));
}

function pathOf(d) {
  if (!paths.has(d)) paths.set(d, new Path2D(d));
  return paths.get(d);
}

// A symbol drawn once on a canvas of its own and stamped as often as there are points.
export function sprite(layer, size, level, closed) {
  const key = `${layer.id}|${size}|${level?.id ?? ""}|${closed}`;
  if (!sprites.has(key)) sprites.set(key, drawnSprite(layer, size, level, closed));
  return sprites.get(key);
}

function drawnSprite(layer, size, level, closed) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  const side = size + (level && size >= 18 ? 16 : 6);
  canvas.width = canvas.height = Math.ceil(side * ratio);
  canvas.side = side;
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  ctx.translate(side / 2, side / 2);
  if (level) ring(ctx, size, level.colour);
  plateOn(ctx, size, layer, closed);
  if (size >= 13) stamp(ctx, glyphOf(layer.style.icon), size * 0.68, "#fff");
  if (closed && size >= 13) slash(ctx, size);
  if (level && size >= 18) drawBadge(ctx, size / 2, -size / 2, 13, level);
  return canvas;
}

function plateOn(ctx, size, layer, closed) {
  const half = size / 2;
  ctx.beginPath();
  if (layer.group === "response" && size >= 9) ctx.roundRect(-half, -half, size, size, size / 4);
  else ctx.arc(0, 0, half, 0, 7);
  ctx.fillStyle = closed ? "#6b7280" : layer.style.colour;
  ctx.fill();
  ctx.lineWidth = size >= 11 ? 1.6 : 1;
  ctx.strokeStyle = "#fff";
  ctx.stroke();
}

function ring(ctx, size, colour) {
  const radius = size / 2 + (size >= 11 ? 2 : 1.2);
  for (const [width, style] of [[size >= 11 ? 4.4 : 3, "#14202c"], [size >= 11 ? 3 : 2, colour]]) {
    ctx.beginPath();
    ctx.arc(0, 0, radius, 0, 7);
    ctx.lineWidth = width;
    ctx.strokeStyle = style;
    ctx.stroke();
  }
}

function stamp(ctx, glyph, size, colour) {
  ctx.save();
  ctx.scale(size / 24, size / 24);
  ctx.translate(-12, -12);
  if (glyph.stroke) {
    Object.assign(ctx, { strokeStyle: colour, lineWidth: glyph.stroke, lineCap: "round", lineJoin: "round" });
    ctx.stroke(pathOf(glyph.d));
  } else {
    ctx.fillStyle = colour;
    ctx.fill(pathOf(glyph.d));
  }
  ctx.restore();
}

function slash(ctx, size) {
  const end = size / 2 + 1;
  for (const [width, style] of [[4, "#fff"], [2, "#a50f15"]]) {
    ctx.beginPath();
    ctx.moveTo(-end, end);
    ctx.lineTo(end, -end);
    ctx.lineWidth = width;
    ctx.strokeStyle = style;
    ctx.stroke();
  }
}

export function drawBadge(ctx, x, y, size, level = UNKNOWN) {
  ctx.save();
  ctx.translate(x - size / 2, y - size / 2);
  ctx.scale(size / 24, size / 24);
  const outline = pathOf(shapeOf(level).d);
  Object.assign(ctx, { lineWidth: 4, strokeStyle: "#fff", lineJoin: "round" });
  ctx.stroke(outline);
  ctx.fillStyle = level.colour;
  ctx.fill(outline);
  Object.assign(ctx, { lineWidth: 1.2, strokeStyle: "#14202c" });
  ctx.stroke(outline);
  const low = level.shape === "triangle";
  Object.assign(ctx, { fillStyle: level.text_colour, font: `700 ${low ? 9 : 11}px sans-serif`, textAlign: "center", textBaseline: "middle" });
  ctx.fillText(level.numeral, 12, low ? 15.4 : 12.8);
  ctx.restore();
}

export function hatch(ctx, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  Object.assign(pen, { strokeStyle: colour, lineWidth: 1.6 });
  pen.beginPath();
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
}
