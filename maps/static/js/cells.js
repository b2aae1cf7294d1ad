// Square cells over the towns, off until asked for: drawn by level on a canvas of their own, and any of them answers why.

import { el } from "./dom.js";
import { levelBadge } from "./glyphs.js";
import { number, score, t, titleOf, withUnit } from "./page.js";
import { ask, inPath } from "./service.js";
import { holds } from "./shapes.js";

const { L } = window;
const LISTED = 50;
const PATIENCE_MS = 120000;

export class Cells {
  constructor(map, { levelOf, renderer, hatch }) {
    Object.assign(this, { map, levelOf, renderer, hatch, wanted: false, answer: null, drawn: null, chosen: null });
  }

  // Rejects where the service did not answer; what was drawn stays.
  async bring(revision) {
    if (!this.wanted || this.answer?.revision >= revision) return;
    const answer = await ask("risk/cells", { timeoutMs: PATIENCE_MS });
    if (!this.wanted) return;
    this.answer = answer;
    this.boxes = answer.features.map(({ geometry }) => L.latLngBounds(geometry.coordinates[0].map(([lon, lat]) => [lat, lon])));
    this.draw();
  }

  // The towns' own colours would shine through and make a third one of two levels.
  draw() {
    this.drawn?.remove();
    this.map.getPane("places").style.visibility = "hidden";
    const style = ({ properties }) => ({ ...this.style(this.levelOf(properties.level)), renderer: this.renderer(), interactive: false, pane: "cells" });
    this.drawn = L.geoJSON(this.answer, { style, interactive: false, pane: "cells" }).addTo(this.map);
  }

  style(level) {
    const line = { color: "#5b6770", weight: 0.4, opacity: 0.55 };
    if (level.id === "unknown") return { ...line, fillColor: "#d9d9d9", fillOpacity: 0.6, hatch: this.hatch };
    return { ...line, fillColor: level.colour, fillOpacity: 0.6, hatch: null };
  }

  hide() {
    this.wanted = false;
    this.answer = null;
    this.map.getPane("places").style.visibility = "";
    this.drawn?.remove();
    this.drawn = null;
    this.unchoose();
  }

  at(latlng) {
    if (!this.drawn) return null;
    const found = this.answer.features.find(({ geometry }, i) => this.boxes[i].contains(latlng) && holds(geometry, latlng.lng, latlng.lat));
    return found ? String(found.id) : null;
  }

  why(id) {
    return ask(`${inPath("risk", "cells", id, "why")}?cell_m=${this.answer.cell_m}`, { timeoutMs: PATIENCE_MS });
  }

  choose(id, renderer) {
    this.unchoose();
    const at = this.answer?.features.findIndex((each) => String(each.id) === id) ?? -1;
    if (at < 0) return null;
    const style = { renderer, pane: "chosen", color: "#14202c", weight: 4, fill: false, interactive: false };
    this.chosen = L.geoJSON(this.answer.features[at], { style, interactive: false, pane: "chosen" }).addTo(this.map);
    return this.boxes[at];
  }

  unchoose() {
    this.chosen?.remove();
    this.chosen = null;
  }
}

export const cellName = (id, cellM) => t("cells.name", { id, size: withUnit(cellM, "m") });

// The legend's row of the cells, and how many have each level.
export function cellsRow(cells, { toggle, list }) {
  const box = el("input", { type: "checkbox", id: "legend-show-cells", on: { change: (event) => toggle(event.target.checked) } });
  box.checked = cells.wanted;
  const { answer } = cells;
  const listed = answer && el("button", { type: "button", id: "legend-list-cells", "aria-label": t("cells.list_of"), on: { click: list } }, t("legend.list"));
  const title = answer ? t("cells.title_of", { size: withUnit(answer.cell_m, "m") }) : t("cells.title");
  const head = el("li", {}, el("label", {}, box, el("span", {}, title)), cells.wanted && !answer ? el("span", { class: "old" }, t("cells.waiting")) : null, answer && el("span", { class: "count" }, number(answer.features.length, 0)), listed);
  return answer ? [head, el("li", { class: "looks cell-levels" }, Object.entries(answer.counts).map(([id, n]) => counted(cells.levelOf(id), n)))] : [head];
}

const counted = (level, n) => el("span", { title: titleOf(level.title) }, levelBadge(level, titleOf(level.title)), number(n, 0));

// The worst cells as rows of a list, each of them a way to its reasons by keyboard.
export function cellRows(cells, open) {
  return cells.answer.features.slice(0, LISTED).map(({ id, properties }) =>
    el("li", {}, el("button", { type: "button", "data-cell": String(id), on: { click: () => open(String(id)) } }, el("span", { class: "cell-badge" }, levelBadge(cells.levelOf(properties.level), titleOf(cells.levelOf(properties.level).title))), el("span", { class: "what" }, String(id), " ", el("small", {}, reasonsLine(cells, properties))), el("span", { class: "far" }, properties.score === null ? t("value.unknown") : score(properties.score)))),
  );
}

function reasonsLine({ answer }, { reasons }) {
  const factors = new Map(answer.factors.map((factor) => [factor.id, factor]));
  return reasons.map(({ factor, raw }) => `${titleOf(factors.get(factor).title)} ${raw === null ? t("value.unknown") : withUnit(raw, factors.get(factor).unit)}`).join(" · ");
}
