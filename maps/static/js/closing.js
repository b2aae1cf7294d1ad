// Shutting a road from its panel: really, with a cause and an end; or in thought only, for the questions that are open.

import { byId, el, say } from "./dom.js";
import { page, t } from "./page.js";
import { asked } from "./roads_asked.js";
import { shut, suppose } from "./closures.js";
import { choice, field, problem } from "./said.js";

// `what` is { roads: [id] }, { area: polygon } or { circle }; `name` is what the closure is called unless the reader says otherwise.
export function closingSection(what, name, { changed, supposed }) {
  const road = what.roads?.[0];
  const form = closingForm(what, name, changed);
  return el("section", { class: "closing", id: "closing" }, el("h3", {}, t("closing.title")), form, road ? whatIfButton(road, name, supposed) : null);
}

function closingForm(what, name, changed) {
  const cause = choice("cause", t("closing.cause"), page.access.causes, likely(what));
  const title = el("input", { name: "title", maxlength: 200, required: true, autocomplete: "off" });
  title.value = name.slice(0, 200);
  const until = el("input", { name: "until", type: "datetime-local" });
  const said = el("div", { class: "said" });
  const submit = (event) => {
    event.preventDefault();
    close(event.target, what, said, changed);
  };
  const button = el("button", { type: "submit", class: "danger", id: "close-road" }, t(what.roads ? "closing.close_road" : "closing.close_area"));
  return el("form", { class: "access-form", on: { submit } }, field(t("closing.name"), title), cause, field(t("closing.until"), until), button, said);
}

// A bridge that is shut is most often out.
const likely = ({ bridge }) => (bridge ? "bridge" : "control");

async function close(form, { roads, area, circle }, said, changed) {
  const { title, cause, until } = Object.fromEntries(new FormData(form));
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  said.replaceChildren();
  try {
    const { revision } = await shut({ title, cause, ...(roads ? { roads } : area ? { area } : { circle }), ...(until ? { until: new Date(until).toISOString() } : {}) });
    said.replaceChildren(el("p", { class: "done" }, t("closing.closed", { title })));
    say(t("closing.closed", { title }));
    await changed(revision);
  } catch (error) {
    said.replaceChildren(problem(error));
  } finally {
    button.disabled = false;
  }
}

function whatIfButton(road, name, supposed) {
  const press = (event) => {
    suppose(road, name);
    event.target.setAttribute("aria-pressed", String(asked.whatIf.has(road)));
    supposed();
  };
  return el("p", { class: "what-if-row" }, el("button", { type: "button", class: "supposing", id: "suppose-road", "data-road": road, "aria-pressed": String(asked.whatIf.has(road)), on: { click: press } }, t("whatif.button")), el("small", {}, t("whatif.hint")));
}

// The mark of a map that shows what is only supposed; it stays until it is cleared.
export function drawWhatIf(supposed) {
  const strip = byId("whatif");
  strip.hidden = !asked.whatIf.size;
  const names = [...asked.whatIf.values()].join(", ");
  const clear = () => {
    asked.whatIf.clear();
    byId("suppose-road")?.setAttribute("aria-pressed", "false");
    supposed();
  };
  strip.replaceChildren(...(asked.whatIf.size ? [el("b", {}, t("whatif.mark")), el("span", {}, names), el("button", { type: "button", id: "whatif-clear", on: { click: clear } }, t("whatif.clear"))] : []));
}
