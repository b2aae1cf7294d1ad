// The history of a feature: each revision with who, when, why, before and after; late reports and wrong clocks marked; one change
// taken back, or the batch that it came with.

import { changeRow } from "./change_row.js";
import { el } from "./dom.js";
import { layerGlyph } from "./glyphs.js";
import { moment, number, t, titleOf } from "./page.js";
import { openPanel } from "./panel.js";
import { ask, inPath } from "./service.js";
import { undoButton } from "./undoing.js";

const PAGE = 20;

export const historyOf = (layer, id, { limit = PAGE, before } = {}) => ask(`${inPath("collections", layer, "items", id, "history")}?limit=${limit}${before ? `&before=${before}` : ""}`);

// Who changed a feature last, as far as the reader may know: { who, at }.
export async function lastOf(layer, id) {
  const { revisions } = await historyOf(layer, id, { limit: 1 });
  return revisions.length ? { who: whoOf(revisions[0]), at: revisions[0].received_at } : {};
}

export const whoOf = ({ who, role }) => who || (role ? t(`person.${role}`) : "");

// `took` is told of an undo; `layers` are those that one may have changed; `back` leads to the feature's own panel.
export async function historyPanel(layer, id, name, { layers, took, back }) {
  const answer = await historyOf(layer.id, id);
  const again = {
    layers,
    took: async (revision, changes) => {
      await took(revision, changes);
      await historyPanel(layer, id, name, { layers, took, back });
    },
  };
  const rows = el("ol", { class: "history", id: "history" }, answer.revisions.map((each) => row(layer, each, again)));
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
    el("p", { class: "actions" }, undoButton("undo.ask", { revision: revision.revision }, { said, ...again }), undoButton("undo.ask_batch", { batch: revision.batch }, { said, ...again })), said,
  );
}
