// A shape in words: how many vertices, how long, how large; measured on the ellipsoid.

import { areaOf, lengthOf } from "./geodesic.js";
import { isClosed, partsOf, vertexCount } from "./outline.js";
import { number, t } from "./page.js";

const HECTARE = 10000;
const KM2 = 1000000;

const length = (metres) => (metres < 1000 ? `${number(metres, 0)} m` : `${number(metres / 1000, metres < 100000 ? 2 : 0)} km`);

function area(metres) {
  if (metres < HECTARE) return `${number(metres, 0)} ${t("unit.m2")}`;
  return metres < KM2 ? `${number(metres / HECTARE, 2)} ${t("shape.hectares")}` : `${number(metres / KM2, metres < 1000 * KM2 ? 2 : 0)} ${t("unit.km2")}`;
}

const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);
const known = (value, text) => (Number.isFinite(value) ? text(value) : t("value.unknown"));

// "12.3 ha, border 1.6 km", or the length of a line; what has no area yet has its length.
export function sizeText(parts, kind) {
  const whole = parts.filter(([ring]) => ring.length >= (isClosed(kind) ? 3 : 2));
  if (!whole.length) return "";
  const metres = sum(whole.flat().map((ring) => lengthOf(ring, isClosed(kind))));
  if (!isClosed(kind)) return t("shape.length", { length: known(metres, length) });
  return t("shape.area", { area: known(sum(whole.map(areaOf)), area), border: known(metres, length) });
}

export const lineText = (line) => (line.length > 1 ? t("shape.length", { length: known(lengthOf(line), length) }) : "");

export function shapeText(geometry, kind) {
  if (!geometry) return t("shape.none");
  if (geometry.type === "Point") return geometry.coordinates.join(", ");
  const parts = partsOf(geometry);
  return [t("shape.vertices", { n: number(vertexCount(parts), 0) }), sizeText(parts, kind)].filter(Boolean).join(" · ");
}
