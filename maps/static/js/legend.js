// The legend, which is also the layer control: every layer with its symbol, count and age, and the sources.

import { byId, el } from "./dom.js";
import { layerGlyph, levelBadge, lookSwatch } from "./glyphs.js";
import { lookTitle, number, t, titleOf } from "./page.js";

const GROUPS = ["hazard", "response", "people", "area", "base"];

export function drawLevels(scheme, counts) {
  byId("scheme").textContent = titleOf(scheme.title);
  byId("levels").replaceChildren(
    ...scheme.levels.map((level) =>
      el("li", { title: titleOf(level.title) }, levelBadge(level), el("b", {}, counts ? number(counts[level.id] ?? 0, 0) : "–"), el("span", {}, titleOf(level.title))),
    ),
  );
}

export function drawLegend(layers, { shown, synthetic }, { toggle, list, more = [] }) {
  const groups = GROUPS.map((group) => [group, layers.filter((layer) => layer.group === group)]).filter(([, rows]) => rows.length);
  const focused = document.activeElement?.id;
  byId("legend-body").replaceChildren(
    ...groups.flatMap(([group, rows]) => [el("h3", {}, t(`group.${group}`)), el("ul", {}, rows.flatMap((layer) => row(layer, shown, toggle, list)), group === "area" ? more : [])]),
    sources(layers, synthetic),
  );
  if (focused?.startsWith("legend-")) byId(focused)?.focus();
}

function row(layer, shown, toggle, list) {
  const drawn = layer.geometry !== "none";
  const box = el("input", { type: "checkbox", id: `legend-show-${layer.id}`, on: { change: (event) => toggle(layer.id, event.target.checked) } });
  box.checked = shown.has(layer.id);
  box.disabled = !drawn;
  const listed = el("button", { type: "button", id: `legend-list-${layer.id}`, "aria-label": t("legend.list_of", { layer: titleOf(layer.title) }), on: { click: () => list(layer.id) } }, t("legend.list"));
  const head = el("li", {}, el("label", {}, box, layerGlyph(layer), el("span", {}, titleOf(layer.title))), layer.stale ? el("span", { class: "old" }, t("legend.stale")) : null, el("span", { class: "count" }, number(layer.count, 0)), listed);
  // A road's breadth explains itself.
  const told = layer.style.looks.length && layer.geometry !== "line";
  return told ? [head, el("li", { class: "looks" }, [...layer.style.looks].reverse().map((look) => looked(layer, look)))] : [head];
}

const looked = (layer, look) => el("span", {}, lookSwatch(layer, look), lookTitle(layer, look.choice));

function sources(layers, synthetic) {
  const named = layers.filter((layer) => layer.count && layer.attribution).map((layer) => [layer.attribution, layer.licence].filter(Boolean).join(", "));
  const said = [...new Set([...(synthetic ? [t("legend.synthetic")] : []), ...named])];
  return el("p", { class: "source" }, said.length ? t("legend.sources", { sources: said.join("; ") }) : t("legend.no_sources"), " ", t("legend.library"));
}
