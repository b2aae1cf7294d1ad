// Vertices as text, one a line, longitude first: for who types, pastes or listens instead of drawing.

const PARTS = /[\s,;，、；]+/u;
const NUMBER = /^[-+]?\d+(\.\d*)?$/;
const DEGREES = /[°]/gu;

export const listed = (vertices) => vertices.map(([lon, lat]) => `${lon}, ${lat}`).join("\n");

// { vertices } or { fault: { key, line, got } }: the first line that cannot be read.
export function readList(text) {
  const vertices = [];
  for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) {
    const words = line.replace(DEGREES, "").split(PARTS).filter(Boolean);
    if (!words.length) continue;
    const numbers = words.map((word) => (NUMBER.test(word) ? Number(word) : NaN));
    const key = words.length !== 2 || numbers.some(Number.isNaN) ? "shape.list_fault_two" : faultOn(numbers);
    if (key) return { fault: { key, line: i + 1, got: line.trim().slice(0, 40) } };
    vertices.push(numbers);
  }
  return { vertices };
}

function faultOn([lon, lat]) {
  if (Math.abs(lat) > 90 && Math.abs(lat) <= 180 && Math.abs(lon) <= 90) return "shape.list_fault_swapped";
  return Math.abs(lon) > 180 || Math.abs(lat) > 90 ? "shape.list_fault_globe" : null;
}

// Lists from elsewhere often end as they began; a ring here does not.
export function unclosed(vertices) {
  const [first, last] = [vertices[0], vertices.at(-1)];
  return vertices.length > 1 && first[0] === last[0] && first[1] === last[1] ? vertices.slice(0, -1) : vertices;
}
