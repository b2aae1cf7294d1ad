// The panel: a place with its risk, reasons, advice, people and nearest help; a feature with its columns; a list.

import { arrow, layerGlyph, levelBadge } from "./glyphs.js";
import { byId, el, say } from "./dom.js";
import { ago, distance, lookTitle, moment, nameOf, number, score, t, titleOf, tOr, valueText, withUnit } from "./page.js";
import { inTheWay } from "./said.js";
import { meter } from "./ranking.js";
import { nowMs } from "./service.js";

const ROLES = ["hazard", "exposure", "vulnerability", "coping"];
const MARKS = ["busy", "etag", "feature"];
let opener = null;
let quietly = false;
let unsaved = null;

// While `typed()` is true no other panel takes the place of this one: its way out, #edit-leave, is pressed instead and asks.
export function hold(typed) {
  unsaved = typed;
}

export function holding() {
  if (!unsaved?.()) return false;
  byId("edit-leave").click();
  return true;
}

// What `act` draws takes the place of the panel as it is: the reader stays where he was, and hears nothing.
export function redrawn(act) {
  const panel = byId("panel");
  const [top, focused] = [panel.scrollTop, panel.contains(document.activeElement) ? document.activeElement : null];
  quietly = true;
  act();
  quietly = false;
  panel.scrollTop = top;
  if (focused) (focused.isConnected ? focused : (byId(focused.id) ?? panel)).focus({ preventScroll: true });
}

export function openPanel(title, subtitle, mark, ...body) {
  const panel = byId("panel");
  if (holding()) return;
  unsaved = null;
  if (panel.hidden) opener = document.activeElement;
  for (const mark of MARKS) delete panel.dataset[mark];
  const close = el("button", { type: "button", class: "close", id: "panel-close", "aria-label": t("panel.close"), on: { click: closePanel } }, "×");
  panel.replaceChildren(el("header", {}, mark, el("div", {}, el("h2", {}, title), el("p", {}, subtitle)), close), ...body.flat().filter(Boolean));
  const opening = panel.hidden;
  panel.hidden = false;
  if (quietly) return;
  panel.scrollTop = 0;
  if (opening) panel.dispatchEvent(new CustomEvent("panel", { bubbles: true }));
  say(t("panel.opened", { name: title }));
  close.focus({ preventScroll: true });
}

export function closePanel() {
  const panel = byId("panel");
  if (panel.hidden || holding()) return;
  panel.hidden = true;
  for (const mark of MARKS) delete panel.dataset[mark];
  panel.dispatchEvent(new CustomEvent("panel", { bubbles: true }));
  again(opener)?.focus({ preventScroll: true });
}

// Lists are drawn anew while a panel is open: what opened it is found by what it stands for.
function again(element) {
  if (!element || element.isConnected) return element;
  if (element.id) return byId(element.id);
  return [...document.querySelectorAll("[data-area]")].find((each) => each.dataset.area === element.dataset.area);
}

export function placePanel(situation, { layer, layers, risk, levelOf, also, open, among = [] }) {
  const { place } = situation;
  const level = levelOf(situation.risk?.level ?? "unknown");
  const index = situation.risk?.score;
  const subtitle = index === null || index === undefined ? titleOf(level.title) : t("panel.level_score", { level: titleOf(level.title), score: score(index) });
  openPanel(
    place.name, [subtitle, ...among].join(" · "), levelBadge(level),
    advice(level),
    section("panel.reasons", reasons(situation.risk, risk)),
    el("div", { id: "why" }),
    ...help(situation, layers, open),
    facts(layer, situation.place.properties ?? {}),
    ...around(situation, layer, layers, also, open),
    rules(risk),
  );
}

export function featurePanel(situation, { layer, layers, also, open }) {
  const body = [facts(layer, situation.place.properties ?? {}), ...help(situation, layers, open), ...around(situation, layer, layers, also, open)];
  openPanel(situation.place.name, titleOf(layer.title), layerGlyph(layer), ...body);
}

export function listPanel(layer, answer, open) {
  const rows = answer.features.map((feature) => {
    const name = nameOf(feature.properties, titleOf(layer.title));
    return el("li", {}, el("button", { type: "button", on: { click: () => open(layer.id, String(feature.id)) } }, layerGlyph(layer), el("span", { class: "what" }, name, " ", el("small", {}, cardLine(layer, feature.properties)))));
  });
  rowsPanel(titleOf(layer.title), rows, answer.numberMatched ?? rows.length, layerGlyph(layer));
}

export function rowsPanel(title, rows, all, mark) {
  openPanel(title, t("list.some", { n: number(rows.length, 0), all: number(all, 0) }), mark, el("ul", { class: "near" }, rows));
}

const cardLine = (layer, properties) =>
  layer.style.card.map((name) => layer.columns.find((column) => column.name === name)).filter((column) => column && properties[column.name] !== null && properties[column.name] !== undefined)
    .map((column) => valueText(column, properties[column.name])).join(" · ");

// Who answers for the place, and what help is nearest.
function help(situation, layers, open) {
  return [
    section("panel.contacts", contacts(situation.contacts, layers.get("duty_holders"))),
    ...Object.entries(situation.nearest).map(([id, items]) => section(null, nearest(byRoad(situation, id) ?? items, layers.get(id), open), t("panel.nearest", { layer: titleOf(layers.get(id).title) }))),
  ];
}

// Those reached first by road, where the roads are known and lead somewhere; else the caller has the straight lines.
function byRoad({ by_road: found }, layerId) {
  const items = found?.by === "road" ? found.nearest[layerId] : null;
  return items?.length ? items : null;
}

function around(situation, layer, layers, also, open) {
  return [
    also.length ? section("panel.also", el("ul", { class: "also" }, also.map((each) => alsoRow(each, layers, open)))) : null,
    age(situation.updated_at, layer, layers),
  ];
}

function section(key, body, title = key && t(key)) {
  return el("section", {}, el("h3", {}, title), body);
}

function advice(level) {
  const text = el("p", { class: "advice" }, titleOf(level.advice));
  text.style.borderColor = level.colour;
  return text;
}

function reasons(area, risk) {
  if (!area || !risk) return el("p", { class: "note" }, t("panel.no_risk"));
  const factors = new Map(risk.factors.map((factor) => [factor.id, factor]));
  const rows = ROLES.filter((role) => area.readings.some((reading) => reading.role === role)).flatMap((role) => [
    roleRow(role, area.roles[role]),
    ...area.readings.filter((reading) => reading.role === role).map((reading) => readingRow(reading, factors.get(reading.factor))),
  ]);
  const absent = risk.absent.map((each) => t("panel.absent_one", { factor: titleOf(each.title), reason: tOr(`absent.${each.reason.replaceAll(" ", "_")}`, each.reason) }));
  return el("div", {}, el("table", { class: "reasons" }, el("tbody", {}, rows)), absent.length ? el("p", { class: "note" }, t("panel.absent", { factors: absent.join("; ") })) : null);
}

function roleRow(role, value) {
  return el("tr", { class: "role" }, el("th", { scope: "rowgroup" }, t(`role.${role}`)), el("td"), el("td"), el("td", {}, value === null || value === undefined ? t("value.unknown") : score(value)));
}

function readingRow(reading, factor) {
  const unknown = reading.raw === null;
  const title = t("panel.factor_source", { source: factor.source, checked: factor.checked, low: number(factor.low), high: number(factor.high) });
  const season = SEASONS[reading.season];
  return el(
    "tr", { title, class: reading.season === "out" ? "off-season" : null },
    el("th", { scope: "row" }, titleOf(factor.title), reading.weight === 1 ? null : el("small", {}, ` ×${number(reading.weight)}`), ownLevel(reading, factor), season ? el("small", { class: "season" }, ` ${t(season)}`) : null),
    el("td", { class: unknown ? "not-known" : null }, unknown ? t("value.unknown") : withUnit(reading.raw, factor.unit)),
    el("td", { class: "bar-cell" }, reading.score === null ? null : meter(reading.score)),
    el("td", {}, reading.score === null ? "–" : score(reading.score)),
  );
}

const SEASONS = { out: "season.out", unknown: "season.unknown" };

// The level that the reading has by the factor's own scheme, with its numeral.
function ownLevel(reading, factor) {
  const level = factor.levels.find((each) => each.id === reading.level);
  if (!level) return null;
  const tag = el("span", { class: "own-level", title: titleOf(level.title) }, level.numeral, el("span", { class: "unseen" }, ` ${titleOf(level.title)}`));
  Object.assign(tag.style, { background: level.colour, color: level.text_colour });
  return tag;
}

function facts(layer, properties) {
  const columns = [...layer.style.popup, ...layer.columns.map((column) => column.name)];
  const named = [...new Set(columns)].map((name) => layer.columns.find((column) => column.name === name));
  const rows = named.filter((column) => column && column.name !== "name" && (layer.style.popup.includes(column.name) || hasValue(properties[column.name])));
  if (!rows.length) return null;
  return section("panel.facts", el("dl", { class: "facts" }, rows.flatMap((column) => [el("dt", {}, titleOf(column.title)), el("dd", {}, valueText(column, properties[column.name]))])));
}

const hasValue = (value) => value !== null && value !== undefined && value !== "";

function contacts(people, layer) {
  if (!people.length) return el("p", { class: "note" }, t("panel.no_contacts"));
  const duty = layer.columns.find((column) => column.name === "duty");
  return el("ul", { class: "contacts" }, people.map((each) => el("li", {}, el("b", {}, each.post ?? t("value.unknown")), [each.organisation, each.duty && valueText(duty, each.duty), each.phone].filter(Boolean).join(" · "))));
}

function nearest(items, layer, open) {
  if (!items.length) return el("p", { class: "note" }, layer.count ? t("panel.none_near") : t("panel.no_data"));
  return el("ul", { class: "near" }, items.map((item) => el("li", {}, nearRow(item, layer, open))));
}

function nearRow(item, layer, open) {
  return el(
    "button", { type: "button", on: { click: () => open(item.layer, item.id) } },
    layerGlyph(layer), el("span", { class: "what" }, item.name), state(item, layer),
    el("span", { class: "far" }, arrow(item.bearing_deg), distance(item.distance_m), " ", t(`wind.${item.wind}`)),
    item.road ? el("small", { class: "by-road" }, t("access.by_road", { said: titleOf(item.road.said) })) : null, inTheWay(item.road?.in_the_way),
  );
}

function state(item, layer) {
  const column = layer.columns.find((each) => each.name === "status");
  if (!column) return null;
  const kind = item.available ? "open" : item.available === null ? "unknown" : item.status === "closed" ? "closed" : "away";
  return el("span", { class: `state state-${kind}` }, item.status ? valueText(column, item.status) : t("state.unknown"));
}

function alsoRow(each, layers, open) {
  const layer = layers.get(each.layer);
  return el("li", {}, el("button", { type: "button", on: { click: () => open(each.layer, each.id) } }, layerGlyph(layer), el("span", { class: "what" }, [titleOf(layer.title), lookTitle(layer, each.look), each.name].filter(Boolean).join(" · "))));
}

// How old what is shown is: the layer's own data, and those the reasons and the nearest help come from.
function age(updated, layer, layers) {
  const used = [layer.id, "shelters", "rescue_teams", "helipads", "duty_holders"];
  const rows = [...new Set(used)].filter((id) => updated[id] && layers.has(id)).map((id) => t("panel.age_one", { layer: titleOf(layers.get(id).title), moment: moment(updated[id]), ago: ago((nowMs() - Date.parse(updated[id])) / 1000) }));
  return section("panel.age", el("ul", {}, rows.map((row) => el("li", { class: "note" }, row))));
}

function rules(risk) {
  if (!risk?.rules?.length) return null;
  const rows = risk.rules.map((rule) => el("li", {}, `${rule.id}: ${rule.chosen}`));
  return el("details", {}, el("summary", {}, t("panel.rules")), el("ul", {}, rows), el("p", {}, t("panel.made_at", { moment: moment(risk.made_at), revision: risk.revision })));
}
