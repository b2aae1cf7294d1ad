// Where a click falls: inside which area, near which line; and where an area's badge stands.

const polygonsOf = (geometry) => (geometry.type === "MultiPolygon" ? geometry.coordinates : geometry.type === "Polygon" ? [geometry.coordinates] : []);
const linesOf = (geometry) => (geometry.type === "MultiLineString" ? geometry.coordinates : geometry.type === "LineString" ? [geometry.coordinates] : []);

function ringHolds(ring, x, y) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

export function holds(geometry, lon, lat) {
  return polygonsOf(geometry).some((rings) => rings.filter((ring) => ringHolds(ring, lon, lat)).length % 2 === 1);
}

function toSegment([ax, ay], [bx, by], x, y) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
  return Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
}

export function passes(geometry, lon, lat, within) {
  return linesOf(geometry).some((line) => line.some((to, i) => i > 0 && toSegment(line[i - 1], to, lon, lat) <= within));
}

const ringArea = (ring) => Math.abs(ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * y, 0)) / 2;

function widest(rings, y) {
  const cuts = rings
    .flatMap((ring) => ring.map(([xi, yi], i) => {
      const [xj, yj] = ring[(i + 1) % ring.length];
      return yi > y !== yj > y ? ((xj - xi) * (y - yi)) / (yj - yi) + xi : null;
    }))
    .filter((x) => x !== null)
    .sort((a, b) => a - b);
  let best = [0, 0];
  for (let i = 0; i + 1 < cuts.length; i += 2) if (cuts[i + 1] - cuts[i] > best[1] - best[0]) best = [cuts[i], cuts[i + 1]];
  return best;
}

// A spot well inside the largest part: the middle of the widest of nine cuts, those near the middle preferred.
export function inside(geometry) {
  const parts = polygonsOf(geometry);
  if (!parts.length) return null;
  const rings = parts.reduce((a, b) => (ringArea(b[0]) > ringArea(a[0]) ? b : a));
  const ys = rings[0].map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const cuts = [0.5, 0.45, 0.55, 0.4, 0.6, 0.33, 0.67, 0.25, 0.75].map((share) => {
    const y = low + share * (high - low);
    const [from, to] = widest(rings, y);
    return { lon: (from + to) / 2, lat: y, width: (to - from) * (1 - Math.abs(share - 0.5)) };
  });
  return cuts.reduce((a, b) => (b.width > a.width ? b : a));
}
