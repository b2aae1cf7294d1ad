// How far one gets in bands of minutes: outlines that differ by dash, a label each, and a table of who is inside.

import { el, svg } from "./dom.js";
import { number, t } from "./page.js";
import { grid, gridRow, minutesText, was } from "./said.js";

const LOOKS = [
  { color: "#08306b", weight: 3.2, dashArray: null },
  { color: "#08519c", weight: 2.6, dashArray: "10 5" },
  { color: "#2171b5", weight: 2.4, dashArray: "3 5" },
];
const lookOf = (place) => LOOKS[Math.min(place, LOOKS.length - 1)];

export function bandShapes(reach) {
  return (reach?.features ?? []).map(({ geometry }, i) => ({ geometry, pane: "reach", ...lookOf(i), opacity: 0.95, fill: true, fillColor: "#6baed6", fillOpacity: 0.09 })).reverse();
}

// A band's label stands at its northern end, where it meets the least.
export function bandSigns(reach) {
  return (reach?.features ?? []).flatMap(({ geometry, properties }) => {
    const points = geometry ? geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 2 : 1) : [];
    if (!points.length) return [];
    const [lon, lat] = points.reduce((a, b) => (b[1] > a[1] ? b : a));
    return [{ lon, lat, kind: "minutes", text: minutesText(properties.minutes) }];
  });
}

export function reachSection(reach) {
  const heads = [t("access.within"), t("access.people"), t("access.shelters"), t("access.teams"), t("access.road_km")];
  const rows = reach.features.map(({ properties: band }, i) =>
    gridRow([
      el("span", { class: "band" }, swatch(i), minutesText(band.minutes)), was(band.people, band.people_open), number(band.facilities.shelters, 0), number(band.facilities.rescue_teams, 0), was(band.road_km, band.road_km_open, 1),
    ]),
  );
  const title = t(reach.towards ? "access.reach_towards" : "access.reach_from");
  const unknown = reach.people.by_band.reduce((sum, band) => sum + band.unknown, 0);
  return el("section", { class: "reach" }, el("h3", {}, title), grid(heads, rows), el("p", { class: "note" }, t("access.reach_rule"), unknown ? ` ${t("access.reach_unknown", { n: number(unknown, 0) })}` : ""));
}

function swatch(place) {
  const { color, weight, dashArray } = lookOf(place);
  return svg("svg", { viewBox: "0 0 28 12", class: "dash", "aria-hidden": "true" }, svg("line", { x1: 1, y1: 6, x2: 27, y2: 6, stroke: color, "stroke-width": weight, "stroke-dasharray": dashArray }));
}

// The widest band before and after: its ground in per cent, its people.
export function reachChanges(before, now) {
  const [old, fresh] = [before, now].map((each) => each?.features.at(-1)?.properties);
  if (!old || !fresh || before.towards !== now.towards || old.ground_km2 === fresh.ground_km2) return [];
  const share = old.ground_km2 ? (fresh.ground_km2 / old.ground_km2 - 1) * 100 : 100;
  const signed = `${share > 0 ? "+" : "−"}${number(Math.abs(share), Math.abs(share) < 10 ? 1 : 0)} %`;
  return [t("access.reach_changed", { within: minutesText(fresh.minutes), share: signed, before: number(old.people, 0), now: number(fresh.people, 0) })];
}
