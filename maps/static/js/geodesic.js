// Lengths and areas on the WGS84 ellipsoid, every edge the shortest way over it: what a service with PROJ would say, without asking it.
// Ways by Vincenty (Survey Review 23, 1975); areas as the integral of the authalic area below each way.

const A = 6378137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const E = Math.sqrt(E2);
const ROUNDS = 60;
const PIECE_M = 50000; // an edge longer than that is summed in pieces
const PIECES = 400;
const { abs, atan, atan2, atanh, ceil, cos, PI, sin, sqrt, tan } = Math;
const radians = (degrees) => (degrees * PI) / 180;
const apart = (from, to) => radians(((to - from + 540) % 360) - 180);

function series(cosSquared) {
  const u = (cosSquared * (A ** 2 - B ** 2)) / B ** 2;
  return { big: 1 + (u / 16384) * (4096 + u * (-768 + u * (320 - 175 * u))), small: (u / 1024) * (256 + u * (-128 + u * (74 - 47 * u))) };
}

const swing = (small, sigma, middle) =>
  small * sin(sigma) * (middle + (small / 4) * (cos(sigma) * (2 * middle ** 2 - 1) - (small / 6) * middle * (4 * sin(sigma) ** 2 - 3) * (4 * middle ** 2 - 3)));

const turned = (sinAzimuth, cosSquared, sigma, middle) => {
  const c = (F / 16) * cosSquared * (4 + F * (4 - 3 * cosSquared));
  return (1 - c) * F * sinAzimuth * (sigma + c * sin(sigma) * (middle + c * cos(sigma) * (2 * middle ** 2 - 1)));
};

// The shortest way between two [lon, lat]: { metres, azimuth, u }; metres NaN where they lie so nearly opposite that none is found.
export function way([lon1, lat1], [lon2, lat2]) {
  const [u1, u2] = [lat1, lat2].map((lat) => atan((1 - F) * tan(radians(lat))));
  const [s1, c1, s2, c2] = [sin(u1), cos(u1), sin(u2), cos(u2)];
  const given = apart(lon1, lon2);
  let lambda = given;
  for (let round = 0; round < ROUNDS; round += 1) {
    const across = c2 * sin(lambda);
    const along = c1 * s2 - s1 * c2 * cos(lambda);
    const sinSigma = sqrt(across ** 2 + along ** 2);
    if (sinSigma === 0) return { metres: 0, azimuth: 0, u: u1 };
    const cosSigma = s1 * s2 + c1 * c2 * cos(lambda);
    const sigma = atan2(sinSigma, cosSigma);
    const sinAzimuth = (c1 * c2 * sin(lambda)) / sinSigma;
    const cosSquared = 1 - sinAzimuth ** 2;
    const middle = cosSquared < 1e-15 ? 0 : cosSigma - (2 * s1 * s2) / cosSquared;
    const former = lambda;
    lambda = given + turned(sinAzimuth, cosSquared, sigma, middle);
    if (abs(lambda) > PI) break;
    if (abs(lambda - former) > 1e-12) continue;
    const { big, small } = series(cosSquared);
    return { metres: B * big * (sigma - swing(small, sigma, middle)), azimuth: atan2(across, along), u: u1 };
  }
  return { metres: NaN, azimuth: NaN, u: u1 };
}

// Where one is after so many metres: east of the start and the latitude, in radians.
function after({ azimuth, u }, metres) {
  const [su, cu] = [sin(u), cos(u)];
  const sigma1 = atan2(su, cu * cos(azimuth));
  const sinAzimuth = cu * sin(azimuth);
  const cosSquared = 1 - sinAzimuth ** 2;
  const { big, small } = series(cosSquared);
  const first = metres / (B * big);
  let sigma = first;
  let middle = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    middle = cos(2 * sigma1 + sigma);
    const next = first + swing(small, sigma, middle);
    const done = abs(next - sigma) < 1e-14;
    sigma = next;
    if (done) break;
  }
  const lat = atan2(su * cos(sigma) + cu * sin(sigma) * cos(azimuth), (1 - F) * sqrt(sinAzimuth ** 2 + (su * sin(sigma) - cu * cos(sigma) * cos(azimuth)) ** 2));
  const lambda = atan2(sin(sigma) * sin(azimuth), cu * cos(sigma) - su * sin(sigma) * cos(azimuth));
  return { east: lambda - turned(sinAzimuth, cosSquared, sigma, middle), lat };
}

// The area from the equator up to a latitude, over one radian of longitude, in units of half the squared equatorial radius.
function below(lat) {
  const s = sin(lat);
  return (1 - E2) * (s / (1 - E2 * s * s) + atanh(E * s) / E);
}

// The area under one way and above the reference, by parabolas through the ends and the middle of each piece.
function under(from, to, reference) {
  const found = way(from, to);
  const pieces = Math.min(PIECES, Math.max(1, ceil(found.metres / PIECE_M)));
  const spots = Array.from({ length: 2 * pieces + 1 }, (_, i) => (i === 0 ? { east: 0, lat: radians(from[1]) } : i === 2 * pieces ? { east: apart(from[0], to[0]), lat: radians(to[1]) } : after(found, (found.metres * i) / (2 * pieces))));
  let sum = 0;
  for (let i = 0; i < 2 * pieces; i += 2) {
    const [start, middle, end] = spots.slice(i, i + 3);
    const [q0, q1, q2] = [start, middle, end].map(({ lat }) => below(lat) - reference);
    const [x, y] = [middle.east - start.east, end.east - start.east];
    sum += q0 * ((2 / 3) * x - y / 6) + (2 / 3) * q1 * y + q2 * (y / 2 - (2 / 3) * x);
  }
  return sum;
}

const edges = (ring, closed) => (closed ? ring.map((to, i) => [ring.at(i - 1), to]) : ring.slice(1).map((to, i) => [ring[i], to]));

export const lengthOf = (line, closed = false) => edges(line, closed).reduce((sum, [from, to]) => sum + way(from, to).metres, 0);

// The area inside an open list of corners; NaN where they go round a pole.
function ringArea(ring) {
  const reference = below(radians(ring[0][1]));
  const round = edges(ring, true).reduce((sum, [from, to]) => sum + apart(from[0], to[0]), 0);
  return abs(round) > 1e-6 ? NaN : (abs(edges(ring, true).reduce((sum, [from, to]) => sum + under(from, to, reference), 0)) * A ** 2) / 2;
}

// The first ring is the border, the others are holes; square metres.
export const areaOf = ([border, ...holes]) => holes.reduce((left, hole) => left - ringArea(hole), ringArea(border));
