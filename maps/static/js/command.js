// The command map: asks the service, draws what it answers, and says so when it does not answer.

import { Access } from "./access.js";
import { Areas, UNKNOWN_HATCH } from "./areas.js";
import { Cells, cellName, cellRows, cellsRow } from "./cells.js";
import { Desk } from "./desk.js";
import { byId, el, say } from "./dom.js";
import { drawLegend, drawLevels } from "./legend.js";
import { Latest } from "./latest.js";
import { Marks, boxText } from "./marks.js";
import { ago, language, moment, page, t, titleOf, withUnit } from "./page.js";
import { closePanel, featurePanel, holding, listPanel, placePanel, redrawn, rowsPanel } from "./panel.js";
import { Points } from "./points.js";
import { drawPaper, drawRanking, walkable } from "./ranking.js";
import { problemWord } from "./said.js";
import { ask, inPath, nowMs } from "./service.js";
import { take } from "./standing.js";
import { Storm, drawStorm, saySteps, stormPaper, stormRow, stormRows, stormSection, stormTime } from "./storm.js";
import { then } from "./then.js";
import { whySections } from "./why.js";
import { feature } from "./writes.js";

const { L, map_command: map } = window;
const WHOLE = "-180,-90,180,90";
const FIRST_ZOOM = 9;
const LIST_LENGTH = 50;
const SILENT_AFTER = 3;
const ASKED_EVERY_S = 5; // while there is no stream of changes
const QUESTIONS_REST_MS = 2000;
const ROADS_FROM = 12; // farther out a click on a town would hit a road too often
const state = { layers: new Map(), scheme: null, risk: null, revision: -1, shown: null, chosen: null, updatedAt: null, failures: 0 };

const levelOf = (id) => state.scheme?.levels.find((level) => level.id === id) ?? (id ? state.scheme?.levels.at(-1) : null);
const riskOf = (id) => state.risk?.byId.get(id);
const rankOf = (id) => riskOf(id)?.rank ?? Number.MAX_SAFE_INTEGER;

const points = new Points(map, levelOf);
const storm = new Storm({ areaLayer: page.areaLayer });
const inView = {
  levelOf: (id) => (storm.on && storm.level(id)) || levelOf(id),
  riskOf: (id) => (storm.on ? storm.inForce(id) : riskOf(id)),
  rankOf: (id) => (storm.on ? storm.rankOf(id) : rankOf(id)),
};
const areas = new Areas(map, { areaLayer: page.areaLayer, ...inView });
const marks = new Marks(map, put);
const cells = new Cells(map, { levelOf, renderer: () => areas.canvas("cells"), hatch: UNKNOWN_HATCH });

const access = new Access({
  map, canvas: (pane) => areas.canvas(pane), layers: () => state.layers, spots: () => areas.spots, open: (layer, id) => open(layer, id), took: (revision, changes) => desk.took(revision, changes), failed: notAnswered,
});

const desk = new Desk({
  map, layers: () => state.layers, spots: () => areas.spots, open: (layer, id) => open(layer, id), placeOf: (layer, id) => points.placeOf(layer, id) ?? areas.placeOf(layer, id),
  look, shown: (touched) => reopen(touched), anew, failed: notAnswered,
});

function put(layer, given) {
  if (layer.geometry === "point") {
    points.put(layer, given);
    points.redraw();
  } else {
    areas.put(layer, given);
    if (layer.id === page.areaLayer) areas.badges.redraw();
    if (state.chosen?.layer === layer.id) areas.choose(layer.id, state.chosen.id);
  }
}

// ---- what the service says ----

async function refresh() {
  if (!document.hidden && !then.at) await look();
  setTimeout(refresh, desk.live.state === "live" ? page.refreshSeconds * 1000 : Math.min(page.refreshSeconds, ASKED_EVERY_S) * 1000);
}

let looking = Promise.resolve();

// One after the other: a round { revision, touched } as the stream of changes tells it; or whatever is of another revision.
function look(round = null) {
  looking = looking.then(() => looked(round));
  return looking;
}

async function looked(round) {
  try {
    const marked = round ? bringTouched(round) : null;
    const [answer] = await Promise.all([ask("layers"), marked]);
    Object.assign(state, { updatedAt: answer.updated_at, synthetic: answer.synthetic });
    if (answer.revision !== state.revision) {
      if (!round && state.revision >= 0) desk.live.overlooked();
      await takeNew(answer, round);
      if (!round) reopen(null);
    }
    state.failures = 0;
    byId("synthetic").hidden = !answer.synthetic;
    byId("banner").hidden = true;
    take({ problem: answer.problem, ageS: answer.age_s });
    await bringAll();
    if (!then.at) followQuestions(answer.revision);
  } catch (error) {
    notAnswered(error);
  }
  drawAge();
}

// What is seen first: the marks of the layers that changed.
function bringTouched({ revision, touched }) {
  marks.outdate(touched.keys());
  const seen = [...touched.keys()].filter((id) => state.shown?.has(id)).map((id) => state.layers.get(id)).filter(Boolean);
  return Promise.all(seen.map((layer) => marks.bring(layer, revision)));
}

async function takeNew(answer, round) {
  const first = state.shown === null;
  if (first) await bringRisk();
  state.layers = new Map(answer.layers.map((layer) => [layer.id, layer]));
  state.scheme = answer.scheme;
  state.shown ??= new Set(answer.layers.filter((layer) => layer.style.shown_at_start && layer.geometry !== "none").map((layer) => layer.id));
  if (first) await frameAll();
  if (round) marks.advance(answer.revision, round.touched);
  state.revision = answer.revision;
  drawLists();
  areas.recolour();
  if (!first && (!round || page.riskLayers.some((id) => round.touched.has(id)))) bringRisk().catch(notAnswered);
}

const latestRisk = new Latest();

// Levels take longer than marks: the map shows what changed first, and the levels when they are there.
async function bringRisk() {
  const risk = await latestRisk.run((signal) => ask("risk", { signal }));
  if (risk === null) return;
  const former = state.risk;
  state.risk = { ...risk, byId: new Map(risk.areas.map((area, rank) => [area.id, { ...area, rank }])) };
  document.body.dataset.risk = String(risk.revision);
  if (!former) return;
  drawLists();
  areas.recolour();
  if (state.chosen?.layer === page.areaLayer) reopen(new Map([[page.areaLayer, new Map([[state.chosen.id, "update"]])]]));
}

// Open questions are asked one round after the other: a flood of changes must not call each off before it is answered.
let questions = null;

async function followQuestions(revision) {
  if (questions) {
    questions.next = revision;
    return;
  }
  questions = { next: revision };
  while (questions.next !== null) {
    const next = questions.next;
    questions.next = null;
    await access.follow(next);
    if (questions.next !== null) await new Promise((resolve) => setTimeout(resolve, QUESTIONS_REST_MS));
  }
  questions = null;
}

// Another caller, or another moment: nothing of what was brought holds.
async function anew() {
  if (storm.wanted) toggleStorm(false);
  marks.forget();
  access.closures.bring().catch(notAnswered);
  if (state.revision >= 0) state.revision = -1;
  await look();
}

// The first view holds every place; without places, whatever is first there.
async function frameAll() {
  const order = [page.areaLayer, ...state.shown].map((id) => state.layers.get(id)).filter((layer) => layer?.count);
  if (!order.length) {
    map.setView([34, 108], 4);
    return;
  }
  const given = await ask(`${inPath("marks", order[0].id)}?bbox=${WHOLE}&zoom=${FIRST_ZOOM}`);
  const bounds = given.kind === "features" ? L.geoJSON(given.features).getBounds() : L.latLngBounds(given.lat.map((lat, i) => [lat, given.lon[i]]));
  if (bounds.isValid()) map.fitBounds(bounds, { animate: false, paddingTopLeft: [12, 12], paddingBottomRight: [wide() ? byId("legend").offsetWidth + 16 : 12, 12] });
}

const wide = () => window.innerWidth > 1000;

async function bringAll() {
  const wanted = [...state.shown].map((id) => state.layers.get(id)).filter(Boolean);
  const outcomes = await Promise.allSettled(wanted.map((layer) => marks.bring(layer, state.revision)));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  if (cells.wanted) bringCells();
  if (storm.wanted) bringStorm();
  document.body.dataset.drawn = String(state.revision);
}

// An error must never look like an empty map: what was drawn stays, and a banner says how old it is.
function notAnswered(error) {
  if (!error.status || error.status >= 500) state.failures += 1;
  warn(problemWord(error, { 0: "error.retrying", 404: "error.gone" }), error.detail);
  if (error.status === 401) desk.offer();
}

// The service's own words are English and for whoever mends it: they are folded away.
function warn(what, detail = "") {
  const kept = state.updatedAt ? t("error.kept", { moment: moment(state.updatedAt) }) : t("error.nothing_yet");
  const banner = byId("banner");
  const said = [what, kept, detail].join(" ");
  if (banner.dataset.said !== said) banner.replaceChildren(`${what} ${kept}`, detail && el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, detail)));
  banner.dataset.said = said;
  banner.hidden = false;
}

function drawAge() {
  const stale = [...state.layers.values()].filter((layer) => layer.stale && state.shown?.has(layer.id));
  const age = byId("age");
  age.dataset.state = state.failures ? "silent" : !state.updatedAt ? "waiting" : stale.length ? "stale" : "fresh";
  const told = state.updatedAt ? t("age.updated", { moment: moment(state.updatedAt), ago: ago((nowMs() - Date.parse(state.updatedAt)) / 1000) }) : t(state.layers.size ? "age.no_data" : "age.waiting");
  const more = state.failures >= SILENT_AFTER ? t("age.silent") : stale.length ? t("age.stale", { n: stale.length }) : "";
  const text = [told, more].filter(Boolean).join(" · ");
  if (byId("age-text").textContent !== text) byId("age-text").textContent = text;
}

let timers = [];

// Clocks stand while nobody looks.
function clocks() {
  timers.forEach(clearInterval);
  timers = document.hidden ? [] : [setInterval(tick, 1000), setInterval(drawAge, 15000)];
  if (!document.hidden) tick();
}

function tick() {
  const now = new Intl.DateTimeFormat(language, { month: "2-digit", day: "2-digit", weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  byId("clock").textContent = now.format(new Date(nowMs()));
}

// ---- what the reader does ----

function drawLists() {
  const places = state.risk.areas;
  drawLevels(state.scheme, state.risk.counts);
  drawRanking(places, levelOf, state.chosen?.layer === page.areaLayer ? state.chosen.id : null, (id) => open(page.areaLayer, id));
  drawLegend([...state.layers.values()], state, { toggle, list, more: [...cellsRow(cells, { toggle: toggleCells, list: listCells }), ...stormRow(storm, { toggle: toggleStorm })] });
}

// One thing at a time fills the towns: their risk, cells, or warnings.
function toggleStorm(on) {
  say(t(on ? "legend.shown" : "legend.hidden", { layer: t("storm.title") }));
  if (on) {
    if (cells.wanted) cells.hide();
    storm.wanted = true;
    drawStormView();
    map.panBy([0, wide() ? byId("storm").offsetHeight : 0], { animate: false });  // the bar covers the lower rim
    bringStorm();
  } else {
    storm.hide();
    drawStormView();
  }
  drawLists();
}

async function bringStorm() {
  const before = storm.answer;
  await guarded(() => storm.bring());
  document.body.dataset.storm = storm.answer ? String(storm.answer.revision) : "";
  if ((before === null) !== (storm.answer === null) || storm.missing) drawLists();
  drawStormView();
}

function drawStormView() {
  drawStorm(storm, { moved: movedStorm, list: listStorm });
  areas.recolour();
  tellStorm();
}

let spoken = null;

function movedStorm() {
  drawStormView();
  clearTimeout(spoken);
  spoken = setTimeout(() => storm.on && saySteps(storm), 500);
}

function listStorm() {
  rowsPanel(`${t("storm.title")} ${stormTime(storm)}`, stormRows(storm, (id) => open(page.areaLayer, id)), storm.byArea.size, null);
}

// In the panel of a town: its warning at the chosen time, above its risk.
function tellStorm() {
  byId("storm-why")?.remove();
  if (storm.on && !byId("panel").hidden && state.chosen?.layer === page.areaLayer) byId("panel").querySelector("header").after(stormSection(storm, state.chosen.id));
}

function toggleCells(on) {
  say(t(on ? "legend.shown" : "legend.hidden", { layer: t("cells.title") }));
  if (on && storm.wanted) {
    storm.hide();
    drawStormView();
  }
  if (on) cells.wanted = true;
  else cells.hide();
  drawLists();
  if (on) bringCells();
}

// Cells take longer than a page may wait for: the map goes on while they are made.
async function bringCells() {
  const before = cells.answer;
  await guarded(() => cells.bring(state.revision));
  if (cells.answer === before) return;
  document.body.dataset.cells = String(cells.answer?.revision ?? "");
  drawLists();
}

function listCells() {
  rowsPanel(t("cells.title_of", { size: withUnit(cells.answer.cell_m, "m") }), cellRows(cells, (id) => openCell(id)), cells.answer.features.length, null);
}

// The panel of a cell is that of a town, with the features behind its figure.
async function openCell(id, { also = [], move = true } = {}) {
  if (holding()) return;
  await guarded(async () => {
    const why = await cells.why(id);
    state.chosen = { layer: "cells", id };
    const layer = { id: "cells", title: {}, columns: [], style: { popup: [] } };
    const place = { ...why.place, name: cellName(id, why.cell_m), properties: {} };
    const told = { layer, layers: state.layers, risk: cells.answer, levelOf, also, open };
    placePanel({ ...why, place }, { ...told, among: why.place.in });
    byId("why").replaceChildren(...whySections(why, told));
    drawLists();
    pin?.remove();
    areas.unchoose();
    const bounds = cells.choose(id, areas.canvas("chosen"));
    if (bounds && move) map.fitBounds(bounds, { maxZoom: 13, padding: [40, 40] });
  });
}

async function tellWhy(layerId, id, told) {
  const why = await ask(inPath("risk", layerId, id, "why"));
  if (state.chosen?.layer === layerId && state.chosen.id === id) byId("why")?.replaceChildren(...whySections(why, told));
}

function toggle(id, on) {
  const layer = state.layers.get(id);
  if (on) state.shown.add(id);
  else state.shown.delete(id);
  say(t(on ? "legend.shown" : "legend.hidden", { layer: titleOf(layer.title) }));
  if (on) marks.bring(layer, state.revision).catch(notAnswered);
  else marks.drop(layer);
}

async function list(id) {
  const layer = state.layers.get(id);
  const box = layer.geometry === "none" ? "" : `&bbox=${boxText(map.getBounds())}`;
  await guarded(async () => listPanel(layer, await ask(`${inPath("collections", id, "items")}?limit=${LIST_LENGTH}${box}`), open));
}

// Opens the panel of a feature; from a list the map goes there too.
async function open(layerId, id, { also = [], move = true, clicked: at = null } = {}) {
  const layer = state.layers.get(layerId);
  await guarded(async () => {
    if (!layer || layer.geometry === "none" || holding()) return;
    const [situation, tools] = await Promise.all([ask(inPath("situation", layerId, id)), desk.tools(layer, id)]);
    showFeature(layer, id, { situation, tools, also, at });
    mark(layerId, id, situation.place, move);
    if (layerId === page.areaLayer) await tellWhy(layerId, id, { layer, layers: state.layers, risk: state.risk, levelOf, also, open });
  });
}

function showFeature(layer, id, { situation, tools, also, at, closing }) {
  const other = state.chosen?.layer !== layer.id || state.chosen.id !== id;
  state.chosen = { layer: layer.id, id, also, at, situation };
  const told = { layer, layers: state.layers, risk: state.risk, levelOf, also, open };
  if (layer.id === page.areaLayer) placePanel(situation, told);
  else featurePanel(situation, told);
  byId("panel").dataset.feature = `${layer.id}/${id}`;
  tellStorm();
  if (!then.at) access.extend(layer, situation.place, at, closing);
  byId("panel").querySelector("header").after(tools);
  if (other) drawLists();
}

// The open panel drawn anew where what it shows has changed; null: whatever it shows. What is being typed stays.
async function reopen(touched) {
  const { chosen } = state;
  const panel = byId("panel");
  if (!chosen || panel.hidden || (touched && !touched.get(chosen.layer)?.has(chosen.id))) return;
  if (panel.dataset.busy) desk.meanwhile(chosen);
  const shown = `${chosen.layer}/${chosen.id}`;
  if (panel.dataset.feature !== shown) return;
  const layer = state.layers.get(chosen.layer);
  if (touched?.get(chosen.layer).get(chosen.id) === "delete") {
    desk.gone(layer, chosen.id);
    return;
  }
  reopening += 1;
  const turn = reopening;
  await guarded(() => broughtAnew(layer, chosen, () => turn === reopening && panel.dataset.feature === shown));
}

let reopening = 0;

// The feature itself first: what is near it, and who gets there, takes longer.
async function broughtAnew(layer, chosen, here) {
  const now = await feature(layer.id, chosen.id).catch((error) => {
    if (error.status !== 404) throw error;
    return null;
  });
  if (now === null) {
    if (here()) desk.gone(layer, chosen.id);
    return;
  }
  const tools = await desk.tools(layer, chosen.id, now);
  if (!here()) return;
  const known = { ...chosen.situation, place: { ...chosen.situation.place, properties: now.body.properties } };
  redrawn(() => showFeature(layer, chosen.id, { ...chosen, situation: known, tools, closing: byId("closing") }));
  const situation = await ask(inPath("situation", layer.id, chosen.id));
  if (!here()) return;
  redrawn(() => showFeature(layer, chosen.id, { ...chosen, situation, tools, closing: byId("closing") }));
  mark(layer.id, chosen.id, situation.place, false);
  if (layer.id === page.areaLayer) await tellWhy(layer.id, chosen.id, { layer, layers: state.layers, risk: state.risk, levelOf, also: chosen.also, open });
}

let pin = null;

function mark(layerId, id, place, move) {
  cells.unchoose();
  pin?.remove();
  pin = null;
  const bounds = areas.choose(layerId, id);
  if (bounds && move) map.fitBounds(bounds, { maxZoom: 13, padding: [40, 40] });
  if (bounds || place.lon === null) return;
  const at = [place.lat, place.lon];
  pin = L.circleMarker(at, { radius: 17, color: "#14202c", weight: 4, fill: false, interactive: false, pane: "chosen", renderer: areas.canvas("chosen") }).addTo(map);
  if (move) map.setView(at, Math.max(map.getZoom(), 13));
}

async function guarded(act) {
  try {
    await act();
  } catch (error) {
    notAnswered(error);
  }
}

function clicked({ latlng }) {
  if (measuring() || desk.takes(latlng) || access.takes(latlng)) return;
  const point = points.at(latlng);
  if (point?.cell) {
    map.setView([point.cell.lat, point.cell.lon], map.getZoom() + 2);
    return;
  }
  const under = areas.under(latlng);
  const cell = point ? null : cells.at(latlng);
  if (cell) {
    openCell(cell, { also: under, move: false });
    return;
  }
  const place = point ?? (map.getZoom() >= ROADS_FROM ? under.find((each) => each.layer === "roads") : null) ?? under.find((each) => each.layer === page.areaLayer) ?? under[0];
  if (!place) {
    access.place({ lon: latlng.lng, lat: latlng.lat, name: null });
    return;
  }
  const also = under.filter((each) => each.layer !== place.layer || each.id !== place.id);
  open(place.layer, place.id, { also, move: false, clicked: latlng });
}

let hovering = false;

function hovered(event) {
  if (hovering) return;
  hovering = true;
  requestAnimationFrame(() => {
    hovering = false;
    const point = points.at(event.latlng);
    const layer = point && state.layers.get(point.layer);
    map.getContainer().classList.toggle("over", Boolean(point));
    const tip = byId("hover");
    tip.hidden = !layer;
    if (!layer) return;
    tip.textContent = titleOf(layer.title);
    Object.assign(tip.style, { left: `${event.containerPoint.x + 14}px`, top: `${event.containerPoint.y + 10}px` });
  });
}

const measuring = () => Boolean(document.querySelector(".polyline-measure-controlOnBgColor"));

let legendWasOpen = false;

// Beside an open panel the legend would cover what the panel is about.
function makeRoom(panelOpen) {
  const legend = byId("legend");
  if (panelOpen) legendWasOpen ||= legend.open;
  legend.open = panelOpen ? false : legendWasOpen || legend.open;
  if (!panelOpen) legendWasOpen = false;
}

function closed() {
  state.chosen = null;
  areas.unchoose();
  cells.unchoose();
  pin?.remove();
  pin = null;
  if (state.risk) drawLists();
}

// Paper is smaller than a screen: the map is given its size, drawn, printed, and given back.
async function print() {
  const view = map.getBounds();
  const legendOpen = byId("legend").open;
  drawSheet();
  document.body.classList.add("printing");
  byId("legend").open = true;
  map.invalidateSize({ animate: false });
  map.fitBounds(view, { animate: false });
  await Promise.all([new Promise((resolve) => setTimeout(resolve, 400)), points.drawn()]);
  window.print();
  document.body.classList.remove("printing");
  byId("legend").open = legendOpen;
  map.invalidateSize({ animate: false });
  map.fitBounds(view, { animate: false });
}

function drawSheet() {
  drawPaper(state.risk?.areas ?? [], levelOf, byId("age-text").textContent);
  if (storm.on) byId("paper").prepend(...stormPaper(storm));
  byId("paper").prepend(...access.paper(), ...desk.paper());
}

function nameControls() {
  const titles = [
    [".leaflet-control-zoom-in", "map.zoom_in"], [".leaflet-control-zoom-out", "map.zoom_out"], [".leaflet-control-zoom-fullscreen", "map.fullscreen"],
    [".leaflet-control-locate a", "map.locate"], [".polyline-measure-unicode-icon, #polyline-measure-control", "map.measure"],
  ];
  for (const [selector, key] of titles) {
    for (const control of document.querySelectorAll(selector)) {
      control.title = t(key);
      control.setAttribute("aria-label", t(key));
    }
  }
}

map.on("moveend", () => state.revision >= 0 && bringAll().catch(notAnswered));
map.on("click", clicked);
map.on("mousemove", hovered);
byId("panel").addEventListener("panel", () => {
  if (byId("panel").hidden) closed();
  makeRoom(!byId("panel").hidden);
  map.invalidateSize({ animate: false, pan: false });
});
byId("print").addEventListener("click", print);
window.addEventListener("beforeprint", drawSheet);
document.addEventListener("keydown", (event) => event.key === "Escape" && closePanel());
walkable(byId("ranking"));
if (!wide()) byId("legend").open = false;
nameControls();
document.addEventListener("visibilitychange", clocks);
clocks();
desk.start().then(refresh);
