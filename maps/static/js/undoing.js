// Taking back one revision or a whole batch: what that would do is shown before it is done, and what was changed since stays unless
// its own change is taken back first.

import { changeRow } from "./change_row.js";
import { el, say } from "./dom.js";
import { number, t, titleOf } from "./page.js";
import { problem } from "./said.js";
import { ask } from "./service.js";
import { mayUndo } from "./session.js";

const SHOWN = 20;
const LOOK_EVERY_MS = 1000;

// A button that asks about `wanted`, { revision } or { batch }, in `said`; `took(revision, changes)` is told once it is done.
export function undoButton(key, wanted, { said, layers, took }) {
  return mayUndo() ? el("button", { type: "button", class: wanted.batch ? "undo-batch" : "undo", on: { click: () => asking(wanted, { said, layers, took }) } }, t(key)) : null;
}

async function asking(wanted, where) {
  const { said } = where;
  try {
    const dry = await answer({ ...wanted, dry: true }, said);
    said.replaceChildren(...(dry.counts.undone ? sure(wanted, dry, where) : [el("p", { class: "refused" }, t("undo.since"))]));
    said.querySelector(".danger")?.focus();
  } catch (error) {
    said.replaceChildren(problem(error));
  }
}

// What an undo did or would do; one of much is a job of the service, whose progress is said until it ends.
async function answer(wanted, said) {
  const first = await ask("undo", { send: wanted });
  if (!first.jobID) return first;
  for (;;) {
    const { status, progress } = await ask(`jobs/${first.jobID}`);
    if (status !== "accepted" && status !== "running") return (await ask(`jobs/${first.jobID}/results`)).answer;
    said.replaceChildren(el("p", { role: "status" }, t("undo.working", { n: number(progress, 0) })));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function sure(wanted, { counts, rows, left }, where) {
  const { said, layers } = where;
  const clean = counts.left ? { only: "clean" } : {};
  const go = el("button", { type: "button", class: "danger", on: { click: () => undo({ ...wanted, ...clean }, where) } }, t(counts.left ? "undo.do_clean" : "undo.do", { n: number(counts.undone, 0) }));
  const drop = el("button", { type: "button", on: { click: () => said.replaceChildren() } }, t("edit.leave"));
  return [
    el("p", { class: "undo-sure", role: "status" }, t("undo.sure", { n: number(counts.undone, 0) }), " ", stays(counts)),
    counts.undone === 1 ? changesOf(rows[0], layers()) : listed("undo.which", rows, counts.undone, layers()),
    counts.left ? listed("undo.left_which", left, counts.left, layers()) : null,
    el("p", { class: "buttons" }, go, drop),
  ].filter(Boolean);
}

const stays = ({ left, already, late }) => [["undo.left", left], ["undo.already", already], ["undo.late", late]].filter(([, n]) => n).map(([key, n]) => t(key, { n: number(n, 0) })).join(" ");

const changesOf = ({ layer, changes }, layers) => el("table", { class: "grid" }, el("tbody", {}, changes.map((change) => changeRow(layers.get(layer), change))));

function listed(key, rows, n, layers) {
  const lines = rows.slice(0, SHOWN).map(({ layer, id, op }) => el("li", {}, [titleOf(layers.get(layer)?.title), id, op ? t(`op.${op}`) : ""].filter(Boolean).join(" · ")));
  const more = n > lines.length ? el("li", {}, t("undo.more", { n: number(n - lines.length, 0) })) : null;
  return el("details", { class: "part" }, el("summary", {}, t(key)), el("ul", {}, lines, more));
}

async function undo(wanted, { said, took }) {
  try {
    const { revision, counts, rows } = await answer(wanted, said);
    await took(revision, rows.map(({ layer, id, op }) => ({ layer, id, op })));
    say(t("undo.done", { n: number(counts.undone, 0), left: number(counts.left, 0) }));
  } catch (error) {
    said.replaceChildren(problem(error));
  }
}
