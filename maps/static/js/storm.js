// Rain warnings over time, off until asked for: the places in the level of a moment, a slider over the hours, and why.

import { byId, el, say } from "./dom.js";
import { levelBadge } from "./glyphs.js";
import { number, t, titleOf } from "./page.js";
import { ask } from "./service.js";

const PATIENCE_MS = 120000;
const NO_READINGS = 404;
const RISING = ["IV", "III", "II", "I"];

export class Storm {
  constructor({ areaLayer }) {
    Object.assign(this, { areaLayer, wanted: false, answer: null, missing: false, step: null, byArea: new Map(), order: new Map() });
  }

  get on() {
    return this.wanted && this.answer !== null;
  }

  get time() {
    return this.answer.times[this.step];
  }

  // Rejects where the service did not answer; what was drawn stays. No readings is an answer.
  async bring() {
    const [answer, missing] = await asked(this.areaLayer);
    if (!this.wanted) return;
    const stays = this.answer && this.step < this.answer.times.length - 1 ? answer?.times.indexOf(this.time) ?? -1 : -1;
    Object.assign(this, { answer, missing, step: answer && (stays >= 0 ? stays : answer.times.length - 1) });
    this.byArea = new Map(answer?.areas.map((area) => [area.id, { ...area, starts: area.changes.map(({ time }) => (time ? Date.parse(time) : -Infinity)) }]));
    this.order = new Map(answer?.levels.map(({ id }, place) => [id, place]));
  }

  hide() {
    Object.assign(this, { wanted: false, answer: null, missing: false, step: null, byArea: new Map() });
  }

  move(step) {
    this.step = Math.max(0, Math.min(this.answer.times.length - 1, step));
  }

  level(id) {
    return this.answer.levels.find((level) => level.id === id);
  }

  // The level in force at an area at the chosen time, with its reason; none for an area that the answer does not know.
  inForce(id) {
    const area = this.byArea.get(id);
    const at = Date.parse(this.time);
    const place = area?.starts.findLastIndex((start) => start <= at) ?? -1;
    return place < 0 ? undefined : area.changes[place];
  }

  rankOf(id) {
    return this.order.get(this.inForce(id)?.level ?? "unknown");
  }

  counts() {
    const found = new Map(this.answer.levels.map((level) => [level.id, 0]));
    for (const id of this.byArea.keys()) {
      const level = this.inForce(id)?.level ?? "unknown";
      found.set(level, found.get(level) + 1);
    }
    return found;
  }

  // Areas from the worst level to the least, each with what is in force.
  ranked() {
    return [...this.byArea.values()]
      .map((area) => ({ ...area, now: this.inForce(area.id) ?? { level: "unknown", reason: {} } }))
      .sort((a, b) => this.order.get(a.now.level) - this.order.get(b.now.level) || a.name.localeCompare(b.name));
  }
}

async function asked(areaLayer) {
  try {
    return [await ask(`rain/hours?layer=${encodeURIComponent(areaLayer)}`, { timeoutMs: PATIENCE_MS }), false];
  } catch (error) {
    if (error.status !== NO_READINGS) throw error;
    return [null, true];
  }
}

// Times are told as the gauges tell them, with their offset: the reader's own zone may be another.
const clock = (iso) => `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
const offset = (iso) => iso.slice(19).replace(/^\.\d+/, "");

export const stormTime = (storm) => `${storm.time.slice(0, 4)}-${clock(storm.time)} ${offset(storm.time)}`;

// The legend's row of the view.
export function stormRow(storm, { toggle }) {
  const box = el("input", { type: "checkbox", id: "legend-show-storm", on: { change: (event) => toggle(event.target.checked) } });
  box.checked = storm.wanted;
  const state = storm.missing ? t("storm.missing_short") : storm.wanted && !storm.answer ? t("cells.waiting") : "";
  return [el("li", {}, el("label", {}, box, el("span", {}, t("storm.title"))), state ? el("span", { class: "old" }, state) : null)];
}

// The bar under the map. Its slider stays the same element while it is moved, so that the focus stays on it.
export function drawStorm(storm, { moved, list }) {
  const bar = byId("storm");
  bar.hidden = !storm.wanted;
  if (!storm.wanted) return;
  if (!storm.answer) {
    bar.replaceChildren(el("p", { class: "storm-note" }, t(storm.missing ? "storm.missing" : "storm.waiting")));
    return;
  }
  if (!byId("storm-time")) bar.replaceChildren(...controls(storm, { moved, list }));
  const { times } = storm.answer;
  Object.assign(byId("storm-time"), { max: String(times.length - 1), value: String(storm.step) });
  byId("storm-time").setAttribute("aria-valuetext", stormTime(storm));
  byId("storm-first").textContent = clock(times[0]);
  byId("storm-last").textContent = clock(times.at(-1));
  byId("storm-at").textContent = stormTime(storm);
  byId("storm-stale").textContent = storm.answer.stale ? t("storm.stale", { moment: clock(times.at(-1)) }) : "";
  byId("storm-counts").replaceChildren(...[...storm.counts()].map(([id, n]) => counted(storm.level(id), n)));
}

function controls(storm, { moved, list }) {
  const input = (event) => {
    storm.move(Number(event.target.value));
    moved();
  };
  const slider = el("input", { type: "range", id: "storm-time", min: "0", step: "1", "aria-label": t("storm.slider"), on: { input } });
  const listed = el("button", { type: "button", id: "storm-list", on: { click: list } }, t("legend.list"));
  return [
    el("p", { class: "storm-head" }, el("b", {}, t("storm.title")), el("output", { id: "storm-at", for: "storm-time" }), el("small", { id: "storm-stale" }), listed),
    el("ul", { id: "storm-counts", class: "storm-counts" }),
    el("p", { class: "storm-slide" }, el("small", { id: "storm-first" }), slider, el("small", { id: "storm-last" })),
  ];
}

const counted = (level, n) => el("li", { title: titleOf(level.title) }, levelBadge(level, titleOf(level.title)), el("b", {}, number(n, 0)));

// A town's level at the chosen time, why, and when it first reached each level.
export function stormSection(storm, id) {
  const area = storm.byArea.get(id);
  const now = storm.inForce(id);
  const level = storm.level(now?.level ?? "unknown");
  const firsts = RISING.filter((each) => area?.first_times[each]);
  return el(
    "section", { id: "storm-why", class: "storm-why" },
    el("h3", {}, t("storm.at", { time: stormTime(storm) })),
    el("p", { class: "storm-level" }, levelBadge(level), el("b", {}, titleOf(level.title)), marks(storm, now)),
    el("p", { class: "storm-advice" }, titleOf(level.advice)),
    el("p", { class: "note" }, titleOf(now?.reason) || t(level.id === "unknown" ? "storm.unknown_why" : "storm.none_why")),
    firsts.length ? el("dl", { class: "facts" }, firsts.flatMap((each) => [el("dt", {}, t("storm.first", { level: titleOf(storm.level(each).title) })), el("dd", {}, clock(area.first_times[each]))])) : el("p", { class: "note" }, t("storm.never")),
  );
}

function marks(storm, now) {
  const last = now?.last && now.last !== "none" ? t("storm.last", { level: titleOf(storm.level(now.last).title) }) : "";
  const said = [now?.since ? t("storm.since", { time: clock(now.since) }) : "", now?.at_least ? t("storm.at_least") : "", now?.held ? t("storm.held") : "", last].filter(Boolean);
  return said.length ? el("small", {}, said.join(" · ")) : null;
}

// The areas as rows of a list, each of them a way to its panel by keyboard.
export function stormRows(storm, open) {
  return storm.ranked().map(({ id, name, now }) => {
    const level = storm.level(now.level);
    return el("li", {}, el("button", { type: "button", "data-area": id, on: { click: () => open(id) } }, el("span", { class: "cell-badge" }, levelBadge(level, titleOf(level.title))), el("span", { class: "what" }, name, " ", el("small", {}, titleOf(now.reason))), el("span", { class: "far" }, now.since ? clock(now.since) : "")));
  });
}

// On paper: every area with its level at the chosen time, since when, and why.
export function stormPaper(storm) {
  const head = el("tr", {}, ...["paper.level", "paper.place", "storm.since_head", "storm.why_head"].map((key) => el("th", {}, t(key))));
  const rows = storm.ranked().map(({ name, now }) => el("tr", {}, el("td", {}, titleOf(storm.level(now.level).title)), el("td", {}, name), el("td", {}, now.since ? clock(now.since) : ""), el("td", {}, titleOf(now.reason))));
  return [el("h2", {}, t("storm.title"), " ", el("small", {}, stormTime(storm))), el("table", { class: "storm-paper" }, el("thead", {}, head), el("tbody", {}, ...rows))];
}

export const saySteps = (storm) => say(`${stormTime(storm)}: ${[...storm.counts()].filter(([, n]) => n).map(([id, n]) => `${titleOf(storm.level(id).title)} ${n}`).join(", ")}`);
