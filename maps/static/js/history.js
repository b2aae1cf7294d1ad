// The history of a feature: each revision with who, when, why, before and after; late reports and wrong clocks marked; one change taken back.

import { el } from "./dom.js";
import { layerGlyph } from "./glyphs.js";
import { moment, number, t, titleOf, tOr, valueText } from "./page.js";
import { openPanel } from "./panel.js";
import { problem } from "./said.js";
import { ask, inPath } from "./service.js";
import { mayUndo } from "./session.js";

const PAGE = 20;

export const historyOf = (layer, id, { limit = PAGE, before } = {}) => ask(`${inPath("collections", layer, "items", id, "history")}?limit=${limit}${before ? `&before=${before}` : ""}`);

// Who changed a feature last, as far as the reader may know: { who, at }.
export async function lastOf(layer, id) {
  const { revisions } = await historyOf(layer, id, { limit: 1 });
  return revisions.length ? { who: whoOf(revisions[0]), at: revisions[0].received_at } : {};
}

export const whoOf = ({ who, role }) => who || (role ? t(`person.${role}`) : "");

// `changed` is told of an undo; `back` leads to the feature's own panel.
export async function historyPanel(layer, id, name, { changed, back }) {
  const answer = await historyOf(layer.id, id);
  const rows = el("ol", { class: "history", id: "history" }, answer.revisions.map((each) => row(layer, each, (revision) => again(revision))));
  const again = async (revision) => {
    await changed(revision);
    await historyPanel(layer, id, name, { changed, back });
  };
  const more = answer.next ? el("p", { class: "actions" }, moreButton(layer, id, rows, answer, again)) : null;
  const leave = el("p", { class: "actions" }, el("button", { type: "button", id: "history-back", on: { click: back } }, t("history.back")));
  openPanel(t("history.title", { name }), titleOf(layer.title), layerGlyph(layer), leave, answer.revisions.length ? rows : el("p", { class: "empty" }, t("history.none")), more);
}

function moreButton(layer, id, rows, answer, again) {
  let { next } = answer;
  const bring = async (event) => {
    const page = await historyOf(layer.id, id, { before: next });
    rows.append(...page.revisions.map((each) => row(layer, each, again)));
    next = page.next;
    if (!next) event.target.remove();
  };
  return el("button", { type: "button", id: "history-more", on: { click: bring } }, t("history.more"));
}

function row(layer, revision, again) {
  const { op, received_at: received, observed_at: observed, reason, note, changes = [], late, clock } = revision;
  const flags = [
    late ? el("span", { class: "flag" }, t("history.late")) : null,
    clock?.flagged ? el("span", { class: "flag" }, t("history.skewed", { seconds: number(clock.skew_s, 0) })) : null,
  ];
  const said = el("div", { class: "said" });
  const times = [t("history.received", { time: moment(received) }), observed ? t("history.observed", { time: moment(observed) }) : ""];
  return el(
    "li", { "data-revision": revision.revision },
    el("p", { class: "when" }, el("b", {}, t(`op.${op}`)), " ", times.filter(Boolean).join(" · "), flags),
    el("p", {}, [whoOf(revision), reason, note].filter(Boolean).join(" · ")),
    changes.length ? el("table", { class: "grid" }, el("tbody", {}, changes.map((each) => changeRow(layer, each)))) : null,
    mayUndo() ? el("p", { class: "actions" }, el("button", { type: "button", class: "undo", on: { click: () => asking(layer, revision, said, again) } }, t("undo.ask"))) : null, said,
  );
}

// One column before and after; a place that moved is said, not shown as numbers.
export function changeRow(layer, { column, before, after }) {
  const known = layer.columns.find(({ name }) => name === column);
  const text = (value) => (known ? valueText(known, value) : column === "geometry" ? t(value ? "history.placed" : "history.unplaced") : String(value ?? "–"));
  const title = known ? titleOf(known.title) : tOr(`history.${column}`, column);
  const told = column === "geometry" && before && after ? [t("history.moved")] : [text(before), " → ", el("b", {}, text(after))];
  return el("tr", {}, el("th", { scope: "row" }, title), el("td", {}, told));
}

// What an undo would change is shown before it is done.
async function asking(layer, revision, said, again) {
  const wanted = { revision: revision.revision };
  try {
    const dry = await ask("undo", { send: { ...wanted, dry: true } });
    if (!dry.counts.undone) {
      said.replaceChildren(el("p", { class: "refused" }, t("undo.since")));
      return;
    }
    const rows = dry.rows.flatMap((each) => each.changes.map((change) => changeRow(layer, change)));
    const sure = el("button", { type: "button", class: "danger", on: { click: () => undo(wanted, said, again) } }, t("undo.do"));
    const drop = el("button", { type: "button", on: { click: () => said.replaceChildren() } }, t("edit.leave"));
    said.replaceChildren(el("p", {}, t("undo.sure")), el("table", { class: "grid" }, el("tbody", {}, rows)), el("p", { class: "buttons" }, sure, drop));
    sure.focus();
  } catch (error) {
    said.replaceChildren(problem(error));
  }
}

async function undo(wanted, said, again) {
  try {
    const { revision } = await ask("undo", { send: wanted });
    await again(revision);
  } catch (error) {
    said.replaceChildren(problem(error));
  }
}
