// What changed since a moment, such as the beginning of a shift: by layer, town and person; its rows lead to the map, to a file, to paper.

import { changeRow } from "./change_row.js";
import { byId, el } from "./dom.js";
import { whoOf } from "./history.js";
import { moment, number, page, t, titleOf, tOr, valueText } from "./page.js";
import { openPanel } from "./panel.js";
import { choice, field, grid, gridRow, problem } from "./said.js";
import { ask, nowMs } from "./service.js";
import { session } from "./session.js";
import { localText } from "./then.js";
import { undoButton } from "./undoing.js";

const HOUR_MS = 3600000;
const SHIFT_HOURS = 8;
const PAGE = 200;
const NETS = ["created", "changed", "removed", "back", "late"];

export class Shift {
  answer = null;
  asked = { since: null, layer: "", town: "", person: "" };

  // `took(revision, changes)` is told of a batch that was taken back.
  constructor({ layers, towns, open, took }) {
    Object.assign(this, { layers, towns, open, took });
  }

  panel() {
    this.asked.since ??= new Date(nowMs() - SHIFT_HOURS * HOUR_MS);
    const since = el("input", { type: "datetime-local", name: "since", id: "shift-since", required: true });
    since.value = localText(this.asked.since);
    const every = { id: "", title: { en: t("shift.all"), zh: t("shift.all") } };
    const layers = [every, ...[...this.layers().values()].map(({ id, title }) => ({ id, title }))];
    const towns = [every, ...this.towns().map(({ id, name }) => ({ id, title: { en: name, zh: name } }))];
    const person = el("input", { name: "person", id: "shift-person", maxlength: 200, autocomplete: "off" });
    person.value = this.asked.person;
    const submit = (event) => {
      event.preventDefault();
      const { since: at, ...rest } = Object.fromEntries(new FormData(event.target));
      this.asked = { person: "", ...rest, since: new Date(at) };
      this.bring();
    };
    const form = el(
      "form", { class: "access-form", id: "shift-form", on: { submit } },
      field(t("shift.since"), since), choice("layer", t("shift.layer"), layers, this.asked.layer), choice("town", t("shift.town"), towns, this.asked.town), session.caller ? field(t("shift.person"), person) : null,
      el("button", { type: "submit", id: "shift-go" }, t("shift.go")),
    );
    openPanel(t("shift.title"), t("shift.subtitle"), null, form, el("div", { id: "shift-answer" }));
    return this.bring();
  }

  async bring() {
    try {
      this.answer = await ask(this.path({ limit: PAGE, offset: 0 }));
      this.draw();
    } catch (error) {
      this.answer = null;
      byId("shift-answer")?.replaceChildren(problem(error));
    }
    document.body.dataset.shift = this.answer ? String(this.answer.revision ?? "") : "error";
  }

  draw() {
    const holder = byId("shift-answer");
    if (!holder) return;
    const { rows } = this.answer;
    const parts = [
      el("p", { class: "note", role: "status" }, this.summary()),
      ...this.sums(),
      this.batches(),
      rows.length ? el("p", { class: "actions" }, el("a", { id: "shift-csv", class: "file", href: `${this.path()}&f=csv&lang=${page.language}`, download: "changes.csv" }, t("shift.csv"))) : null,
      el("ul", { class: "near", id: "shift-rows" }, rows.map((each) => this.row(each))),
      this.answer.next === null ? null : el("p", { class: "actions" }, el("button", { type: "button", id: "shift-more", on: { click: () => this.more() } }, t("history.more"))),
    ];
    holder.replaceChildren(...parts.filter(Boolean));
  }

  async more() {
    const { rows } = this.answer;
    const more = await ask(this.path({ limit: PAGE, offset: this.answer.next })).catch((error) => byId("shift-answer").append(problem(error)));
    if (!more) return;
    this.answer = { ...more, rows: [...rows, ...more.rows] };
    this.draw();
  }

  path(paged = {}) {
    const { since, layer, town, person } = this.asked;
    const query = { since: since.toISOString(), layers: layer, town, person, ...paged };
    return `changes?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== undefined))}`;
  }

  summary() {
    const { rows, numberMatched } = this.answer;
    return t("shift.count", { n: number(numberMatched, 0), shown: number(rows.length, 0), since: moment(this.asked.since.toISOString()) });
  }

  sums() {
    const tables = [["shift.layer", this.answer.by_layer], ["shift.town", this.answer.by_town], ["shift.person", this.answer.by_person]];
    return tables.filter(([, rows]) => rows?.length).map(([key, rows]) => el("details", { class: "part" }, el("summary", {}, t("shift.by", { what: t(key) })), sumTable(t(key), rows, (each) => this.sumName(key, each))));
  }

  // What came together, such as an import: to be taken back as one.
  batches() {
    const { batches = [] } = this.answer;
    return batches.length ? el("details", { class: "part", id: "shift-batches" }, el("summary", {}, t("shift.batches")), el("ul", { class: "batches" }, batches.map((each) => this.batch(each)))) : null;
  }

  batch({ batch, features, received_at: received, reason, ...person }) {
    const said = el("div", { class: "said" });
    const took = async (revision, changes) => {
      await this.took(revision, changes);
      if (byId("shift-answer")) await this.bring();
    };
    const text = [moment(received), whoOf(person), reason].filter(Boolean).join(" · ");
    return el("li", { "data-batch": batch }, el("p", {}, el("b", {}, t("shift.features", { n: number(features, 0) })), " ", text), el("p", { class: "actions" }, undoButton("undo.ask_batch", { batch }, { said, layers: this.layers, took })), said);
  }

  sumName(key, { id, name, who, role }) {
    if (key === "shift.layer") return titleOf(this.layers().get(id)?.title) || id;
    if (key === "shift.town") return name ?? tOr(`shift.${id}`, id);
    return whoOf({ who, role }) || "–";
  }

  row(each) {
    const layer = this.layers().get(each.layer);
    if (!layer) return null;
    const detail = (each.changes ?? []).map((change) => changeRow(layer, change));
    const go = el("button", { type: "button", on: { click: () => this.open(each.layer, each.id) } }, el("span", { class: "what" }, el("b", {}, each.name ?? each.id), " ", el("small", {}, `${titleOf(layer.title)} · ${t(`op.${each.net}`)} · ${moment(each.received_at)}${whoOf(each) ? ` · ${whoOf(each)}` : ""}`)));
    return el("li", { "data-changed": each.id }, each.net === "removed" ? el("p", { class: "gone" }, go.firstChild) : go, detail.length ? el("table", { class: "grid" }, el("tbody", {}, detail)) : null);
  }

  paperRows(each) {
    const layer = this.layers().get(each.layer);
    const head = [titleOf(layer?.title) || each.layer, each.name ?? each.id, t(`op.${each.net}`)];
    const tail = [each.received_at, whoOf(each)];
    const changes = each.changes?.length ? each.changes : [{ column: "", before: "", after: "" }];
    return changes.map(({ column, before, after }) => [...head, ...cellsOf(layer, column, before, after), ...tail]);
  }

  // For paper: the panel's own table, while the panel is open.
  paper() {
    if (!this.answer || !byId("shift-answer")) return [];
    const heads = ["shift.layer", "shift.name", "shift.what", "shift.column", "shift.before", "shift.after", "shift.when", "shift.person"].map((key) => t(key));
    return [el("section", { class: "plan-paper" }, el("h2", {}, t("shift.title"), " ", el("small", {}, this.summary())), grid(heads, this.answer.rows.flatMap((each) => this.paperRows(each)).map((cells) => gridRow(cells))))];
  }
}

function cellsOf(layer, column, before, after) {
  const known = layer?.columns.find(({ name }) => name === column);
  const text = (value) => (known ? valueText(known, value) : column && typeof value !== "object" ? String(value ?? "") : "");
  return [known ? titleOf(known.title) : tOr(`history.${column}`, column), text(before), text(after)];
}

function sumTable(head, rows, nameOf) {
  return grid([head, ...NETS.map((net) => t(`net.${net}`))], rows.map((each) => gridRow([nameOf(each), ...NETS.map((net) => number(each[net] ?? 0, 0))])));
}
