// What lies inside, as a reader sees it: by layer its count and sums, what is unknown told apart, the features as a list and a file.

import { saveCsv } from "./csv.js";
import { el } from "./dom.js";
import { inRow, number, t, titleOf, tOr } from "./page.js";

const LISTED = 50;

export function selectionSections({ layers }, { open, titleOf: titleOfLayer }) {
  const found = layers.filter(({ count }) => count > 0);
  const unplaced = layers.filter((layer) => layer.unplaced).map((layer) => `${titleOfLayer(layer.layer)} ${number(layer.unplaced, 0)}`);
  const features = found.reduce((sum, { count }) => sum + count, 0);
  return [
    el("p", { class: "note" }, found.length ? t("select.found", { n: number(features, 0), layers: number(found.length, 0) }) : t("area.nothing")),
    ...found.map((layer) => told(layer, titleOfLayer(layer.layer), open)),
    unplaced.length ? el("p", { class: "note doubt" }, t("select.unplaced", { layers: inRow(unplaced) })) : null,
    el("p", { class: "note" }, t("select.rule")),
    found.length ? el("p", { class: "actions" }, el("button", { type: "button", id: "select-csv", "data-key": "csv", on: { click: () => saveCsv("selection.csv", selectionTable(found, titleOfLayer)) } }, t("select.csv"))) : null,
  ].filter(Boolean);
}

function told({ layer, count, sums, items }, title, open) {
  const rows = items.slice(0, LISTED).map(({ id, name }) => el("li", {}, el("button", { type: "button", class: "link", "data-key": `${layer} ${id}`, on: { click: () => open(layer, id) } }, name)));
  const rest = count - rows.length;
  const known = Object.values(sums).filter((sum) => sum.known || sum.unknown || sum.refused);
  const head = el("summary", {}, `${title} `, el("b", {}, number(count, 0)), known.length ? el("span", { class: "sums" }, known.map(sumText).join(" · ")) : null);
  return el("details", { class: "part", "data-key": layer }, head, el("ul", { class: "inside" }, rows), rest > 0 ? el("p", { class: "note" }, t("evac.rest", { n: number(rest, 0) })) : null);
}

// A sum is of what is known; how many features did not say stands beside it.
function sumText({ title, unit, known, unknown, refused = 0 }) {
  const missing = unknown + refused;
  return [titleOf(title), known === null ? t("value.unknown") : number(known, 0), unit === "people" ? "" : tOr(`unit.${unit}`, unit ?? ""), missing ? t("area.unknown", { n: number(missing, 0) }) : ""].filter(Boolean).join(" ");
}

export function selectionTable(layers, titleOfLayer) {
  const heads = [t("select.layer"), t("select.name"), t("select.address"), t("select.lon"), t("select.lat"), t("select.id")];
  const rows = layers.flatMap(({ layer, items }) => items.map(({ id, name, lon, lat, properties }) => [titleOfLayer(layer), name, properties.address, lon, lat, id]));
  return [heads, ...rows];
}
