// Roads and bridges found by name, for those who do not find them by eye.

import { byId, el } from "./dom.js";
import { t } from "./page.js";
import { problem } from "./said.js";
import { ask } from "./service.js";

const WHOLE = "-180,-90,180,90";
const SHOWN = 8;
const EVERY_ROAD = 12; // from this zoom on lanes are among the marks too

export function roadFinder({ roads, open }) {
  let held = { asOf: null, names: null };
  // The names are asked for when somebody begins to type, and again once the roads are others.
  const names = () => {
    const asOf = `${roads()?.count} ${roads()?.updated_at}`;
    if (held.asOf !== asOf || !held.names) held = { asOf, names: named() };
    return held.names;
  };
  const find = async (event) => {
    const text = event.target.value.trim().toLowerCase();
    try {
      const found = text ? (await names()).filter(({ name }) => name.toLowerCase().includes(text)) : [];
      if (event.target.value.trim().toLowerCase() === text) list(text, found, open);
    } catch (error) {
      held = { asOf: null, names: null };
      byId("roads-found").replaceChildren(el("li", {}, problem(error)));
    }
  };
  const input = el("input", { type: "search", id: "road-name", autocomplete: "off", "aria-label": t("closure.find"), placeholder: t("closure.find"), on: { input: find } });
  return el("div", { class: "finder" }, input, el("ul", { id: "roads-found" }));
}

async function named() {
  const { features } = await ask(`marks/roads?bbox=${WHOLE}&zoom=${EVERY_ROAD}`);
  return (features?.features ?? []).map(({ id, properties }) => ({ id: String(id), name: properties.name ?? "" })).filter(({ name }) => name);
}

function list(text, found, open) {
  const rows = found.slice(0, SHOWN).map(({ id, name }) => el("li", {}, el("button", { type: "button", class: "link", "data-road": id, on: { click: () => open(id) } }, name)));
  const rest = found.length - SHOWN;
  const note = !text ? null : !found.length ? t("closure.find_none") : rest > 0 ? t("closure.find_more", { n: rest }) : null;
  byId("roads-found").replaceChildren(...rows, ...(note ? [el("li", { class: "note" }, note)] : []));
}
