// What lies inside a drawn area: counted, summed and listed by layer; what is unknown is told apart.

import { el } from "./dom.js";
import { number, t, titleOf, tOr } from "./page.js";
import { problem } from "./said.js";
import { ask } from "./service.js";

const LISTED = 30;

export async function selectionSection(holder, area, { open, layerTitle }) {
  holder.replaceChildren(el("p", { class: "note" }, t("access.asking")));
  try {
    const { layers } = await ask("select", { send: { area } });
    const found = layers.filter(({ count }) => count > 0);
    const none = found.length ? null : el("p", { class: "note" }, t("area.nothing"));
    holder.replaceChildren(...[el("h3", {}, t("area.inside")), none, ...found.map((layer) => listed(layer, layerTitle(layer.layer), open))].filter(Boolean));
  } catch (error) {
    holder.replaceChildren(problem(error));
  }
}

function listed({ layer, count, sums, items }, title, open) {
  const told = Object.values(sums).map(({ title: name, unit, known, unknown }) => [titleOf(name), number(known, 0), tOr(`unit.${unit}`, unit ?? ""), unknown ? t("area.unknown", { n: number(unknown, 0) }) : ""].filter(Boolean).join(" "));
  const rows = items.slice(0, LISTED).map(({ id, name }) => el("li", {}, el("button", { type: "button", class: "link", on: { click: () => open(layer, id) } }, name)));
  const rest = count - LISTED;
  return el("details", { class: "part" }, el("summary", {}, `${title} `, el("b", {}, number(count, 0))), told.length ? el("p", { class: "note" }, told.join(" · ")) : null, el("ul", {}, rows), rest > 0 ? el("p", { class: "note" }, t("evac.rest", { n: number(rest, 0) })) : null);
}
