// Who is cut off, as a reader sees it: sums by state, places with their time now and before, and the worst losses.

import { el } from "./dom.js";
import { number, t, titleOf } from "./page.js";
import { asked } from "./roads_asked.js";
import { suppose } from "./closures.js";
import { grid, gridRow, minutesText } from "./said.js";

const SHOWN = 100;
const LEAST_MIN = 0.5;
const REACHED = "reached";
const STATES = [["cut off", "iso.cut_off"], ["never reached", "iso.never"], ["reached", "iso.reached"]];
const SIGNS = { "cut off": "cutOff", "never reached": "neverReached", reached: "later" };

// Black and yellow by turns: told apart from roads and from closures without its colours.
export function linkShapes(links) {
  return links.flatMap(({ geometry }) => [
    { geometry, pane: "ways", color: "#14202c", weight: 8, opacity: 1, lineCap: "butt" },
    { geometry, pane: "ways", color: "#ffd92f", weight: 5, opacity: 1, dashArray: "8 6", lineCap: "butt" },
  ]);
}

// The number of a link in the list stands at its middle.
export function linkSigns(links) {
  return links.map(({ geometry: { coordinates } }, i) => {
    const [from, to] = [coordinates[Math.floor((coordinates.length - 1) / 2)], coordinates[Math.ceil((coordinates.length - 1) / 2)]];
    return { lon: (from[0] + to[0]) / 2, lat: (from[1] + to[1]) / 2, kind: "rank", text: String(i + 1) };
  });
}

export function placeSigns(places) {
  return places.filter(({ lon, state, ...times }) => lon !== null && (state !== REACHED || later(times) >= LEAST_MIN)).map(({ lon, lat, state, ...times }) => ({ lon, lat, kind: SIGNS[state], text: `+${minutesText(later(times))}` }));
}

const later = ({ minutes, minutes_open: open }) => minutes - open;

export function sumsTold({ sums, usable_facilities: usable }) {
  const heads = [t("iso.state"), t("iso.places"), t("iso.people"), t("iso.people_unknown")];
  const rows = STATES.map(([state, key]) => gridRow([t(key), number(sums[state].places, 0), number(sums[state].people, 0), number(sums[state].people_unknown, 0)], { class: state === "cut off" && sums[state].places ? "worst" : null }));
  return el("section", { class: "isolated" }, grid(heads, rows, { id: "isolated" }), el("p", { class: "note" }, t("iso.rule", { n: number(usable, 0) })));
}

export function groupsTold({ places }, open) {
  const of = (state) => places.filter((place) => place.state === state);
  return [
    ["cut off", t("iso.cut_off_n", { n: number(of("cut off").length, 0) })],
    ["never reached", t("iso.never_n", { n: number(of("never reached").length, 0) })],
    ["reached", t("iso.later_n", { n: number(of("reached").length, 0) })],
  ].map(([state, title]) => placesTold(state, title, of(state), open));
}

function placesTold(state, title, places, open) {
  if (!places.length) return state === "cut off" ? el("p", { class: "note" }, t("iso.none")) : null;
  const rows = places.slice(0, SHOWN).map((place) => gridRow([link(place.name, `iso ${place.id}`, () => open(place.id)), peopleText(place.people), titleOf(place.said), facilityText(place)]));
  const rest = places.length - SHOWN;
  return part(state, title, state !== "never reached", grid([t("iso.place"), t("iso.people"), t("iso.time"), t("iso.facility")], rows), rest > 0 ? t("evac.rest", { n: number(rest, 0) }) : "");
}

const peopleText = (people) => (people === null ? t("value.unknown") : number(people, 0));

function facilityText({ facility, facility_before: before }) {
  if (!facility || facility.id === before?.id) return (facility ?? before)?.name ?? "";
  return before ? t("iso.other", { now: facility.name, was: before.name }) : facility.name;
}

export function lossesTold({ worst_links: links, worst_facilities: facilities, facilities: layer }, told) {
  return [
    links.length ? part("links", t("iso.worst_links"), true, el("ol", { class: "losses" }, links.map((each) => linkRow(each, told))), t("iso.worst_rule")) : null,
    facilities.length ? part("facilities", t("iso.worst_facilities"), false, el("ol", { class: "losses" }, facilities.map((each) => facilityRow(each, () => told.open(layer, each.id)))), "") : null,
  ];
}

function linkRow(each, { show, suppose: supposed }) {
  const name = linkName(each);
  const press = () => {
    suppose(each.link, name);
    supposed();
  };
  return el(
    "li", { "data-link": each.link }, link(name, `link ${each.link}`, () => show(each)), el("span", {}, lossText(each)),
    el("button", { type: "button", class: "supposing", "data-key": `suppose ${each.link}`, "aria-pressed": String(asked.whatIf.has(each.link)), on: { click: press } }, t("iso.suppose")),
  );
}

const linkName = ({ name, bridge }) => [name || t("access.unnamed"), bridge ? t("access.bridge") : ""].filter(Boolean).join(" · ");
const facilityRow = (each, go) => el("li", {}, link(each.name, `facility ${each.id}`, go), el("span", {}, lossText(each)));

function lossText({ people_cut_off: people, places_cut_off: places, person_minutes_added: added }) {
  if (places) return t("iso.loss", { people: number(people, 0), places: number(places, 0) });
  return t("iso.slower", { n: number(added, 0) });
}

const link = (text, key, go) => el("button", { type: "button", class: "link", "data-key": key, on: { click: go } }, text);

function part(key, title, open, body, note) {
  return el("details", { "data-key": `iso ${key}`, class: "part", open }, el("summary", {}, title), body, note ? el("p", { class: "note" }, note) : null);
}
