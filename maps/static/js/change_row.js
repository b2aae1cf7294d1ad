// What became of one column, as a row of a table.

import { el } from "./dom.js";
import { t, titleOf, tOr, valueText } from "./page.js";

// One column before and after; a place that moved is said, not shown as numbers.
export function changeRow(layer, { column, before, after }) {
  const known = layer.columns.find(({ name }) => name === column);
  const text = (value) => (known ? valueText(known, value) : column === "geometry" ? t(value ? "history.placed" : "history.unplaced") : String(value ?? "–"));
  const title = known ? titleOf(known.title) : tOr(`history.${column}`, column);
  const told = column === "geometry" && before && after ? [t("history.moved")] : [text(before), " → ", el("b", {}, text(after))];
  return el("tr", {}, el("th", { scope: "row" }, title), el("td", {}, told));
}
