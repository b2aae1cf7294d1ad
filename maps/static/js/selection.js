// Select: everything inside a drawn circle, a drawn area or a zone of the map; asked again when data change.

import { el } from "./dom.js";
import { Latest } from "./latest.js";
import { distance, number, t, titleOf } from "./page.js";
import { selectionSections } from "./selection_told.js";
import { ask, inPath } from "./service.js";

const VIOLET = "#54278f";

export class SelectionQuestion {
  id = "selection";
  latest = new Latest();

  // `what` is { circle }, { area: polygon } or { zone: [layer, id, name] }.
  constructor(what, { onMap, open, layers, closing }) {
    Object.assign(this, { what, onMap, open, layers, closing });
  }

  title() {
    const { circle, zone } = this.what;
    if (zone) return t("select.inside_of", { name: zone[2] });
    return circle ? t("select.circle_of", { radius: distance(circle.radius_m) }) : t("area.title");
  }

  subtitle() {
    const { circle, area, zone } = this.what;
    if (zone) return titleOf(this.layers().get(zone[0])?.title);
    return circle ? t("access.at", { lat: circle.lat.toFixed(5), lon: circle.lon.toFixed(5) }) : t("area.corners", { n: area.coordinates[0].length - 1 });
  }

  ask(signal) {
    const { circle, area, zone } = this.what;
    if (zone) return ask(inPath("select", zone[0], zone[1]), { signal });
    return circle ? ask(`select?${new URLSearchParams(circle)}`, { signal }) : ask("select", { send: { area }, signal });
  }

  draw() {
    this.onMap.put("drawing", drawnShapes(this.what));
  }

  erase() {
    this.onMap.clear("drawing");
  }

  body() {
    return selectionSections(this.answer, { open: this.open, titleOf: (id) => titleOf(this.layers().get(id)?.title) || id });
  }

  // A zone is shut by what it is a zone of, not from here.
  after() {
    return this.what.zone ? null : this.closing(this.title());
  }

  changes(before, now) {
    const counts = ({ layers }) => new Map(layers.map(({ layer, count }) => [layer, count]));
    const old = counts(before);
    return [...counts(now)].filter(([layer, count]) => count !== old.get(layer)).map(([layer, count]) => t("select.changed", { layer: titleOf(this.layers().get(layer)?.title), before: number(old.get(layer) ?? 0, 0), now: number(count, 0) }));
  }
}

const STYLE = { pane: "ways", color: VIOLET, weight: 3, dashArray: "6 4" };

export function drawnShapes({ circle, area }) {
  const geometry = area ?? (circle ? ring(circle) : null);
  return geometry ? [{ geometry, ...STYLE, fill: true, fillColor: VIOLET, fillOpacity: 0.06 }] : [];
}

const EARTH_M = 6371008.8;
const CORNERS = 72;

// The circle as a map shows it, every corner so far from its middle on a ball; what is inside the service decides.
export function ring({ lon, lat, radius_m: radius }) {
  const [far, up] = [radius / EARTH_M, (lat * Math.PI) / 180];
  const corner = (i) => {
    const turn = (2 * Math.PI * (i % CORNERS)) / CORNERS;
    const north = Math.asin(Math.sin(up) * Math.cos(far) + Math.cos(up) * Math.sin(far) * Math.cos(turn));
    const east = Math.atan2(Math.sin(turn) * Math.sin(far) * Math.cos(up), Math.cos(far) - Math.sin(up) * Math.sin(north));
    return [lon + (east * 180) / Math.PI, (north * 180) / Math.PI];
  };
  return { type: "Polygon", coordinates: [Array.from({ length: CORNERS + 1 }, (_, i) => corner(i))] };
}

// How a circle or an area begins: two buttons, and the keys that do the same.
export function selectForm({ circle, area }) {
  const button = (id, key, go) => el("button", { type: "button", id, on: { click: go } }, t(key));
  return el("div", { class: "select-form" }, el("p", { class: "actions" }, button("draw-circle", "select.circle", circle), button("draw-polygon", "area.draw", area)), el("p", { class: "note" }, t("select.circle_hint")), el("p", { class: "note" }, t("area.hint")));
}
