// Somebody else changed the feature meanwhile: both states side by side, and a choice for each column in which they differ.

import { el } from "./dom.js";
import { same } from "./edit_form.js";
import { moment, t, titleOf, valueText } from "./page.js";
import { shapeText } from "./shape_told.js";

// The place stands among the columns under this name; no layer has a column of that name.
export const PLACE = "geometry";
const textOf = (column, value) => (column.name === PLACE ? shapeText(value, column.kind) : valueText(column, value));

// The columns to choose in: those that both changed, each to another value. What only one of them changed is kept as it is.
export function clashes(columns, { base, mine, theirs }) {
  return columns.filter(({ name }) => name in mine && !same(theirs[name], base[name]) && !same(theirs[name], mine[name]));
}

// What to send once chosen: my changes, without those where theirs were taken or already say the same.
export function settled(mine, theirs, taken) {
  return Object.fromEntries(Object.entries(mine).filter(([name, value]) => !taken.has(name) && !same(value, theirs[name])));
}

// `by` is { who, at } as far as the reader may know; `save(properties)` and `leave()` end it.
export function conflictSection(columns, states, { by, save, leave }) {
  const { base, mine, theirs } = states;
  const differing = columns.filter(({ name }) => (name in mine && !same(mine[name], theirs[name])) || !same(theirs[name], base[name]));
  const choosing = new Set(clashes(columns, states).map(({ name }) => name));
  const rows = differing.map((column) => row(column, states, choosing.has(column.name)));
  const submit = (event) => {
    event.preventDefault();
    const chosen = new FormData(event.target);
    save(settled(mine, theirs, new Set([...choosing].filter((name) => chosen.get(`keep-${name}`) === "theirs"))));
  };
  const heads = [t("conflict.column"), t("conflict.was"), t("conflict.mine"), t("conflict.theirs")];
  return el(
    "form", { class: "conflict", id: "conflict", "aria-labelledby": "conflict-title", on: { submit } },
    el("h3", { id: "conflict-title", tabindex: "-1" }, t("conflict.title")),
    el("p", { class: "note" }, t("conflict.by", { who: by.who || t("conflict.somebody"), time: by.at ? moment(by.at) : "–" })),
    el("table", { class: "grid" }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
    el("p", { class: "note" }, t(choosing.size ? "conflict.choose" : "conflict.no_clash")),
    el("p", { class: "buttons" }, el("button", { type: "submit", class: "main", id: "conflict-save" }, t("conflict.save")), el("button", { type: "button", id: "conflict-leave", on: { click: leave } }, t("conflict.leave"))),
  );
}

function row(column, { base, mine, theirs }, choosing) {
  const { name } = column;
  const my = name in mine ? mine[name] : base[name];
  const cells = [["mine", my], ["theirs", theirs[name]]].map(([whose, value]) => el("td", {}, choosing ? radio(column, whose, value) : taken(column, whose, value, name in mine)));
  return el("tr", { "data-column": name, class: choosing ? "moved" : null }, el("th", { scope: "row" }, titleOf(column.title)), el("td", {}, textOf(column, base[name])), ...cells);
}

// Nothing is chosen beforehand: a choice that nobody made would overwrite in silence.
function radio(column, whose, value) {
  return el("label", { class: "pick" }, el("input", { type: "radio", name: `keep-${column.name}`, value: whose, required: true }), el("span", { class: column.name === PLACE ? `drawn-${whose}` : null }, textOf(column, value)));
}

function taken(column, whose, value, changedByMe) {
  const kept = (whose === "mine") === changedByMe;
  return el(kept ? "b" : "span", { class: kept ? "kept" : "dropped" }, textOf(column, value));
}
