// A line or an area while it is changed: parts of rings of vertices [lon, lat], the closing vertex left out. Nothing is changed in
// place, so that every former state can be gone back to; untouched vertices stay the numbers they were.

const CLOSED = { area: true, line: false };
const LEAST = { area: 3, line: 2 };

export const least = (kind) => LEAST[kind];
export const isClosed = (kind) => CLOSED[kind];

const open = (ring) => ring.slice(0, -1);

// [[ring, ...], ...]: of an area the border first, then its holes; of a line one list a part.
export function partsOf(geometry) {
  const { type, coordinates } = geometry ?? {};
  if (type === "Polygon") return [coordinates.map(open)];
  if (type === "MultiPolygon") return coordinates.map((rings) => rings.map(open));
  if (type === "LineString") return [[coordinates]];
  return type === "MultiLineString" ? coordinates.map((line) => [line]) : [];
}

// GeoJSON again; null without parts. What was of several parts stays so.
export function geometryOf(parts, kind, several = false) {
  if (!parts.length) return null;
  const whole = kind === "line" ? parts.map(([line]) => line) : parts.map((rings) => rings.map((ring) => [...ring, ring[0]]));
  const type = kind === "line" ? "LineString" : "Polygon";
  return several || whole.length > 1 ? { type: `Multi${type}`, coordinates: whole } : { type, coordinates: whole[0] };
}

export const vertexCount = (parts) => parts.reduce((sum, rings) => sum + rings.reduce((of, ring) => of + ring.length, 0), 0);

export const vertexAt = (parts, [part, ring, index]) => parts[part]?.[ring]?.[index];

const withRing = (parts, [part, ring], changed) => parts.map((rings, i) => (i === part ? rings.map((each, j) => (j === ring ? changed : each)) : rings));

export const withVertex = (parts, path, at) => withRing(parts, path, parts[path[0]][path[1]].with(path[2], at));

// `at` comes after the vertex of that path.
export const withNew = (parts, path, at) => withRing(parts, path, parts[path[0]][path[1]].toSpliced(path[2] + 1, 0, at));

// Without that vertex; a hole that has too few left goes with it. Null where the part could not do without it.
export function withoutVertex(parts, path, kind) {
  const [part, ring, index] = path;
  const left = parts[part][ring].toSpliced(index, 1);
  if (left.length >= LEAST[kind]) return withRing(parts, path, left);
  return ring > 0 ? parts.with(part, parts[part].toSpliced(ring, 1)) : null;
}

// The border of one part anew, its holes as they were; beyond the last part a new one.
export const withBorder = (parts, part, border) => (part < parts.length ? parts.with(part, [border, ...parts[part].slice(1)]) : [...parts, [border]]);

export const withoutPart = (parts, part) => parts.toSpliced(part, 1);

// All vertices in their order, each with its path.
export const paths = (parts) => parts.flatMap((rings, part) => rings.flatMap((ring, place) => ring.map((_, index) => [part, place, index])));

export const samePath = (a, b) => Boolean(a && b) && a.every((each, i) => each === b[i]);

export const rounded = ({ lat, lng }) => [Number(lng.toFixed(6)), Number(lat.toFixed(6))];
