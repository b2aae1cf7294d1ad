// The list of closures: drawn in red with crosses, told beside the map, ended by a button; what cannot be read is warned of.

import { byId, el, say } from "./dom.js";
import { moment, number, t, titleOf } from "./page.js";
import { asked, roadQuery } from "./roads_asked.js";
import { problem } from "./said.js";
import { Latest } from "./latest.js";
import { answered, ask, inPath, nowMs } from "./service.js";

const RED = "#a50f15";
const VIOLET = "#54278f";
const WHAT_IF = "what if";
const CROSSES = 400;
const STATES = { honoured: "closure.honoured", ended: "closure.ended", "not yet": "closure.not_yet", "another vehicle": "closure.another_vehicle", "meets no road": "closure.no_road" };

export class Closures {
  latest = new Latest();
  answer = null;
  error = null;

  // `changed` is told once the service has taken a closure or ended one; `goTo` shows a place on the map.
  constructor({ onMap, changed, goTo }) {
    Object.assign(this, { onMap, changed, goTo });
  }

  // Rejects where the service did not answer; what was drawn stays.
  async bring() {
    const answer = await this.latest.run((signal) => ask(`closures?${roadQuery({})}`, { signal }));
    if (answer === null) return;
    Object.assign(this, { answer, error: null });
    this.draw();
    this.list();
  }

  // Whether a closure began or ended since the list was brought: no revision says so, only the clock.
  get outdated() {
    const turns = (this.answer?.closures ?? []).map(({ state, since, until }) => (state === "not yet" ? since : state === "ended" ? null : until));
    return turns.filter(Boolean).map(Date.parse).some((turn) => turn <= nowMs());
  }

  draw() {
    const inForce = this.answer.closures.filter((each) => each.state === "honoured");
    const lines = inForce.flatMap((each) => striped(each.lines, each.id === WHAT_IF ? VIOLET : RED));
    const areas = this.answer.closures.filter((each) => each.state !== "ended").flatMap((each) => outlined(each));
    const signs = inForce.flatMap((each) => crosses(each.lines, each.id === WHAT_IF ? "supposed" : "shut"));
    this.onMap.put("closures", [...areas, ...lines], signs);
    document.body.dataset.closures = String(inForce.length);
  }

  list() {
    const { closures, links_shut: shut, unreadable = [] } = this.answer;
    const known = closures.filter((each) => each.id !== WHAT_IF);
    const inForce = known.filter((each) => each.state === "honoured").length;
    byId("closures-note").textContent = t("closure.count", { n: number(inForce, 0), links: number(shut ?? 0, 0) });
    const focused = byId("closures-body").contains(document.activeElement) ? document.activeElement.id : null;
    byId("closures-body").replaceChildren(
      ...[
        this.error ? problem(this.error) : null,
        this.answer.by === "line" ? el("p", { class: "note" }, t("closure.no_roads", { n: number(this.answer.rows ?? 0, 0) })) : null,
        ...unreadable.map(unread),
        ...[...known].sort((a, b) => rank(a) - rank(b)).map((each) => this.row(each)),
        known.length || this.answer.by === "line" ? null : el("p", { class: "empty" }, t("closure.none")),
      ].filter(Boolean),
    );
    (byId(focused) ?? (focused ? byId("closures-summary") : null))?.focus();
    this.tellRoad();
    byId("closures").dataset.warned = String(unreadable.length > 0 || known.some(doubtful));
  }

  // In the panel of a road: what shuts it now.
  tellRoad() {
    const holder = byId("shut-now");
    if (!holder || !this.answer) return;
    const here = this.answer.closures.filter(({ id, state, roads }) => id !== WHAT_IF && state === "honoured" && roads?.some((road) => road.id === holder.dataset.road));
    const focused = holder.contains(document.activeElement) ? document.activeElement.id : null;
    holder.replaceChildren(...here.map((closure) => this.shutNow(closure)));
    if (focused) (byId(focused) ?? byId("close-road"))?.focus();
  }

  shutNow(closure) {
    const said = el("div", { class: "said" });
    const failed = (error) => said.replaceChildren(problem(error));
    return el("div", { class: "shut-now" }, el("b", {}, t("closing.shut_now", { title: closure.title })), el("small", {}, [causeOf(closure), ...timesOf(closure)].join(" · ")), this.endButton(closure, "shut-end", failed), said);
  }

  endButton(closure, id, failed) {
    return el("button", { type: "button", class: "end", id: `${id}-${closure.id}`, "aria-label": t("closure.end_of", { title: closure.title }), on: { click: () => this.end(closure, failed) } }, t("closure.end"));
  }

  row(closure) {
    const { id, title, state } = closure;
    const facts = [causeOf(closure), t("closure.roads", { n: number(closure.roads?.length ?? 0, 0), links: number(closure.links, 0) }), ...timesOf(closure)];
    const name = el("button", { type: "button", class: "name", id: `closure-show-${id}`, on: { click: () => this.show(closure) } }, title);
    return el(
      "div", { class: `closure closure-${state.replaceAll(" ", "-")}`, role: "listitem", "data-closure": id },
      name, el("span", { class: "closure-state" }, t(STATES[state] ?? "closure.honoured")),
      el("small", {}, facts.filter(Boolean).join(" · ")), ...doubts(closure),
      state === "ended" ? null : this.endButton(closure, "closure-end", (error) => this.refused(error)),
    );
  }

  show({ lines, drawn }) {
    const bounds = window.L.geoJSON([lines, drawn?.area].filter(Boolean).map((geometry) => ({ type: "Feature", geometry, properties: {} }))).getBounds();
    if (bounds.isValid()) this.goTo(bounds);
    else if (drawn?.circle) this.goTo(window.L.latLng(drawn.circle.lat, drawn.circle.lon).toBounds(2 * drawn.circle.radius_m));
  }

  async end({ id, title }, failed) {
    try {
      const ended = await reopen(id);
      say(t("closure.ended_now", { title }));
      await this.changed({ ...ended, op: "update" });
    } catch (error) {
      failed(error);
    }
  }

  refused(error) {
    this.error = error;
    this.list();
  }
}

const causeOf = (closure) => titleOf(closure.cause_title) || closure.cause;

const timesOf = ({ since, until }) => [since ? t("closure.since", { time: moment(since) }) : "", until ? t("closure.until", { time: moment(until) }) : ""].filter(Boolean);

// Shut roads by ids, or an area; `until` is an ISO time or null. With the same `key` a closure sent twice is one.
export const shut = (body, key) => answered("closures", { send: body, headers: { "Idempotency-Key": key } });

// What was read as several closures of one row ends with it.
export const reopen = (id) => ask(inPath("closures", rowOf(id), "end"), { send: {} });

// Whether a closure is there and has not ended, by the service's clock and not by this device's.
export async function stands(id) {
  const { closures } = await ask("closures");
  return closures.some((each) => rowOf(each.id) === id && each.state !== "ended");
}

const rowOf = (id) => id.replace(/\+\d+$/, "");

export function suppose(road, name) {
  if (asked.whatIf.has(road)) asked.whatIf.delete(road);
  else asked.whatIf.set(road, name);
}

// A red band with white dashes and crosses: told apart from any road without its colour.
function striped(geometry, colour) {
  return geometry ? [
    { geometry, pane: "closures", color: colour, weight: 6, opacity: 1, lineCap: "butt" },
    { geometry, pane: "closures", color: "#ffffff", weight: 3, opacity: 1, dashArray: "7 7", lineCap: "butt" },
  ] : [];
}

function outlined({ drawn, state }) {
  const style = { pane: "closures", color: RED, weight: 2.4, dashArray: state === "honoured" ? "9 5" : "2 6", fill: true, fillColor: RED, fillOpacity: state === "honoured" ? 0.14 : 0.04 };
  if (drawn?.area) return [{ geometry: drawn.area, ...style }];
  return drawn?.circle ? [{ geometry: ring(drawn.circle), ...style }] : [];
}

// The circle as a map shows it: so many degrees for so many metres at its latitude.
function ring({ lon, lat, radius_m: radius }) {
  const bounds = window.L.latLng(lat, lon).toBounds(2 * radius);
  const [wide, high] = [(bounds.getEast() - bounds.getWest()) / 2, (bounds.getNorth() - bounds.getSouth()) / 2];
  const turns = Array.from({ length: 65 }, (_, i) => (2 * Math.PI * i) / 64);
  return { type: "Polygon", coordinates: [turns.map((turn) => [lon + wide * Math.cos(turn), lat + high * Math.sin(turn)])] };
}

function crosses(geometry, kind) {
  return (geometry?.coordinates ?? []).slice(0, CROSSES).map((line) => {
    const [from, to] = [line[Math.floor((line.length - 1) / 2)], line[Math.ceil((line.length - 1) / 2)]];
    return { lon: (from[0] + to[0]) / 2, lat: (from[1] + to[1]) / 2, kind };
  });
}

const ORDER = ["honoured", "meets no road", "not yet", "another vehicle", "ended"];
const rank = ({ state }) => ORDER.indexOf(state);
const doubtful = ({ state, links_of_unknown_depth: unknown, roads_not_found: lost }) => state !== "ended" && (unknown > 0 || lost.length > 0 || state === "meets no road");

function doubts(closure) {
  if (!doubtful(closure)) return [];
  return [
    closure.links_of_unknown_depth ? el("p", { class: "doubt" }, t("closure.unknown_depth", { n: number(closure.links_of_unknown_depth, 0) })) : null,
    closure.roads_not_found.length ? el("p", { class: "doubt" }, t("closure.roads_lost", { n: number(closure.roads_not_found.length, 0) })) : null,
  ].filter(Boolean);
}

function unread({ title, problem: detail }) {
  return el("div", { class: "doubt", role: "listitem" }, el("p", {}, t("closure.unreadable", { title })), el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, detail)));
}
