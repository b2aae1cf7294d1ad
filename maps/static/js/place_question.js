// Who and what is reached from a place by road: the nearest of each kind with the way there, and how far one gets by minutes.

import { el } from "./dom.js";
import { arrow, layerGlyph } from "./glyphs.js";
import { Latest } from "./latest.js";
import { distance, number, page, t, titleOf } from "./page.js";
import { routeSection, routeShapes } from "./route_drawn.js";
import { asked, roadQuery } from "./roads_asked.js";
import { bandShapes, bandSigns, reachChanges, reachSection } from "./reach_drawn.js";
import { choice, inTheWay, minutesText } from "./said.js";
import { ask } from "./service.js";

const KINDS = [["shelters", 3], ["rescue_teams", 2], ["helipads", 1], ["supply_depots", 1]];
const BANDS = "5,10,15";
const NO_ROADS = 404;

export class PlaceQuestion {
  id = "place";
  latest = new Latest();
  towards = true;
  picked = null;

  constructor({ lon, lat, name }, { onMap, layers, watch, again }) {
    Object.assign(this, { lon, lat, name, onMap, layers, watch, again });
  }

  title() {
    return t("access.title_of", { place: this.name ?? `${this.lat.toFixed(4)}, ${this.lon.toFixed(4)}` });
  }

  subtitle() {
    return t("access.at", { lat: this.lat.toFixed(5), lon: this.lon.toFixed(5) });
  }

  async ask(signal) {
    const at = { lon: this.lon.toFixed(6), lat: this.lat.toFixed(6) };
    const near = ([layers, k]) => ask(`nearby?${roadQuery({ ...at, layers, k, by: "time", free: layers === "shelters" })}`, { signal });
    const [reach, ...found] = await Promise.all([this.reach(at, signal), ...KINDS.map(near)]);
    const kinds = new Map(KINDS.map(([layer], i) => [layer, found[i]]));
    const goal = this.goal(kinds);
    return { kinds, reach, goal, byRoad: found[0].by === "road", route: goal && found[0].by === "road" ? await this.route(at, goal, signal) : null };
  }

  // Without road data there is no reach: straight lines answer what they can.
  async reach(at, signal) {
    try {
      return await ask(`reach?${roadQuery({ ...at, minutes: BANDS, layers: "shelters,rescue_teams", towards: this.towards })}`, { signal });
    } catch (error) {
      if (error.status === NO_ROADS) return null;
      throw error;
    }
  }

  route(at, goal, signal) {
    return ask(`routes?${roadQuery({ origin: `${at.lon},${at.lat}`, destination: `${goal.lon},${goal.lat}` })}`, { signal });
  }

  // The shelter, team or depot whose way is drawn: the one picked, else the nearest shelter.
  goal(kinds) {
    const items = [...kinds.values()].flatMap((answer) => answer.items);
    return this.picked ?? items.find((item) => item.layer === "shelters") ?? null;
  }

  pick(item) {
    this.picked = item;
    this.watch.run(this);
  }

  draw() {
    const { reach, route } = this.answer;
    const shapes = [...bandShapes(reach), ...routeShapes(route?.now)];
    this.onMap.put("place", shapes, [...bandSigns(reach), { lon: this.lon, lat: this.lat, kind: "spot" }]);
  }

  erase() {
    this.onMap.clear("place");
  }

  form() {
    const vehicle = choice("vehicle", t("access.vehicle"), page.access.vehicles, asked.vehicle);
    vehicle.addEventListener("change", (event) => {
      asked.vehicle = event.target.value;
      this.again();
    });
    const ways = [{ id: "true", title: { en: t("access.towards"), zh: t("access.towards") } }, { id: "false", title: { en: t("access.from_here"), zh: t("access.from_here") } }];
    const towards = choice("towards", t("access.reach"), ways, String(this.towards));
    towards.addEventListener("change", (event) => {
      this.towards = event.target.value === "true";
      this.watch.run(this);
    });
    return el("form", { class: "access-form", on: { submit: (event) => event.preventDefault() } }, vehicle, towards);
  }

  body() {
    const { kinds, reach, route, goal, byRoad } = this.answer;
    const walk = [...kinds.values()].flatMap((answer) => answer.items).find((item) => item.road)?.road.walk_to_road_m;
    return [
      byRoad ? null : el("p", { class: "advice straight" }, t("access.no_roads")),
      walk ? el("p", { class: "note" }, t("access.walk_first", { far: distance(walk) })) : null,
      ...[...kinds].map(([layer, answer]) => this.kind(this.layers().get(layer), answer)),
      route && goal ? routeSection(route, goal) : null,
      reach ? reachSection(reach) : null,
    ].filter(Boolean);
  }

  kind(layer, { items, by, missing }) {
    const none = missing.length ? t("panel.no_data") : by === "road" ? t("access.none_by_road") : t("panel.none_near");
    const title = t(layer.id === "shelters" ? "access.nearest_free" : "panel.nearest", { layer: titleOf(layer.title) });
    return el("section", {}, el("h3", {}, title), items.length ? el("ul", { class: "near" }, items.map((item) => el("li", {}, this.item(item, layer)))) : el("p", { class: "note" }, none));
  }

  item(item, layer) {
    const chosen = this.answer.goal?.id === item.id && this.answer.goal.layer === item.layer;
    const straight = [distance(item.distance_m), titleOf(item.direction)].join(" ");
    const free = item.road?.free_places;
    const more = [t("access.straight", { far: straight }), layer.id !== "shelters" || !item.road ? "" : free === null ? t("access.free_unknown") : t("access.free", { n: number(free, 0) })].filter(Boolean).join(" · ");
    return el(
      "button", { type: "button", "data-key": `${item.layer} ${item.id}`, "aria-pressed": item.road ? String(chosen) : null, title: item.road ? t("access.show_way") : null, on: { click: () => item.road && this.pick(item) } },
      layerGlyph(layer), el("span", { class: "what" }, item.name, " ", el("small", {}, more)),
      el("span", { class: "far" }, arrow(item.bearing_deg), item.road ? titleOf(item.road.said) : straight), inTheWay(item.road?.in_the_way),
    );
  }

  changes(before, now) {
    const nearest = KINDS.map(([layer]) => nearestChange(titleOf(this.layers().get(layer).title), before.kinds.get(layer).items[0], now.kinds.get(layer).items[0]));
    return [nearest[0], ...reachChanges(before.reach, now.reach), ...nearest.slice(1)].filter(Boolean);
  }
}

function nearestChange(layer, before, now) {
  const same = before?.id === now?.id && before?.road?.minutes === now?.road?.minutes;
  return same ? null : t("access.nearest_changed", { layer, before: told(before), now: told(now) });
}

const told = (item) => (item ? [item.name, item.road ? minutesText(item.road.minutes) : distance(item.distance_m)].join(" ") : t("access.none_reached"));
