// How the service stands with its store: while it is lost a banner says so, with the growing age of what is shown.

import { byId, el } from "./dom.js";
import { ago, t } from "./page.js";
import { heard } from "./service.js";

const SHOWN_AGAIN_MS = 5000;

export const standing = { problem: null, ageS: 0, at: 0 };
let timer = null;

heard.addEventListener("standing", ({ detail }) => take(detail));

export function take({ problem, ageS }) {
  const lost = Boolean(problem);
  Object.assign(standing, { problem: problem ?? null, ageS: ageS ?? 0, at: Date.now() });
  if (lost !== Boolean(timer)) turn(lost);
  draw();
}

// An element whose buttons write: while the store is lost they cannot be pressed, and say why.
export function writing(element) {
  for (const each of element.matches("button") ? [element] : element.querySelectorAll("button")) each.setAttribute("data-writes", "");
  if (standing.problem) bar([element, ...element.querySelectorAll("[data-writes]")].filter((each) => each.matches("[data-writes]")), true);
  return element;
}

function bar(buttons, lost) {
  for (const each of buttons) Object.assign(each, { disabled: lost, title: lost ? t("lost.no_writing") : "" });
}

function turn(lost) {
  clearInterval(timer);
  timer = lost ? setInterval(draw, SHOWN_AGAIN_MS) : null;
  document.body.toggleAttribute("data-lost", lost);
  bar(document.querySelectorAll("[data-writes]"), lost);
}

function draw() {
  const banner = byId("lost");
  if (!banner) return;
  banner.hidden = !standing.problem;
  const text = standing.problem ? t("lost.banner", { ago: ago(standing.ageS + (Date.now() - standing.at) / 1000) }) : "";
  if (banner.dataset.said === text) return;
  banner.dataset.said = text;
  banner.replaceChildren(...(text ? [text, " ", el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, standing.problem))] : []));
}
