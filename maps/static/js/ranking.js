// The places from the worst to the least, as a list to read, click and walk by keyboard; and as a table on paper.

import { byId, el } from "./dom.js";
import { levelBadge } from "./glyphs.js";
import { number, score, t, titleOf } from "./page.js";

export function meter(value, colour = "#5b7c99") {
  const bar = el("i");
  bar.style.width = `${Math.max(0, Math.min(100, value * 10))}%`;
  bar.style.background = colour;
  return el("span", { class: "meter", "aria-hidden": "true" }, bar);
}

export function drawRanking(areas, levelOf, chosen, open) {
  const list = byId("ranking");
  const focused = document.activeElement?.dataset?.area;
  const top = list.scrollTop;
  byId("ranking-note").textContent = t("ranking.count", { n: number(areas.length, 0) });
  list.replaceChildren(...(areas.length ? areas.map((area) => row(area, levelOf(area.level), chosen, open)) : [el("li", { class: "empty" }, t("ranking.empty"))]));
  list.scrollTop = top;
  if (focused) [...list.querySelectorAll("button")].find((button) => button.dataset.area === focused)?.focus();
}

function row(area, level, chosen, open) {
  const button = el(
    "button",
    { type: "button", "data-area": area.id, "aria-current": area.id === chosen ? "true" : null, on: { click: () => open(area.id) } },
    levelBadge(level, titleOf(level.title)),
    el("span", { class: "name", title: area.name }, area.name),
    area.score === null ? el("span") : meter(area.score, level.colour),
    el("span", { class: "score" }, area.score === null ? t("value.unknown") : score(area.score)),
  );
  return el("li", {}, button);
}

// Up and down arrows walk the list as Tab does.
export function walkable(list) {
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
}

export function drawPaper(areas, levelOf, note) {
  const head = el("tr", {}, ...["rank", "level", "place", "score"].map((column) => el("th", {}, t(`paper.${column}`))));
  const rows = areas.map((area, i) => el("tr", {}, el("td", {}, String(i + 1)), el("td", {}, titleOf(levelOf(area.level).title)), el("td", {}, area.name), el("td", {}, area.score === null ? t("value.unknown") : score(area.score))));
  byId("paper").replaceChildren(el("h2", {}, t("ranking.title"), " ", el("small", {}, note)), el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}
