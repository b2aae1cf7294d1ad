// Shutting a road from its panel: really, with a cause and an end, whole or only where it was clicked; or in thought only, for the
// questions that are open.

import { byId, el, say } from "./dom.js";
import { distance, page, t } from "./page.js";
import { asked } from "./roads_asked.js";
import { reopen, shut, stands, suppose } from "./closures.js";
import { Tries } from "./keys.js";
import { choice, field, problem } from "./said.js";
import { ask } from "./service.js";
import { whileShown } from "./shape_field.js";
import { writing } from "./standing.js";

const HERE = { pane: "closures", color: "#a50f15", weight: 11, opacity: 0.45, lineCap: "butt" };

// `what` is { roads: [id] }, { area: polygon } or { circle }, with `at` where a road was clicked; `name` is what the closure is called
// unless the reader says otherwise.
export function closingSection(what, name, { changed, supposed, onMap }) {
  const road = what.roads?.[0];
  const form = closingForm(what, name, changed);
  if (road && what.at) closingHere(form, what, onMap);
  return el("section", { class: "closing", id: "closing" }, el("h3", {}, t("closing.title")), road ? el("div", { id: "shut-now", "data-road": road }) : null, form, road ? whatIfButton(road, name, supposed) : null);
}

function closingForm(what, name, changed) {
  const cause = choice("cause", t("closing.cause"), page.access.causes, likely(what));
  const title = el("input", { name: "title", maxlength: 200, required: true, autocomplete: "off" });
  title.value = name.slice(0, 200);
  const until = el("input", { name: "until", type: "datetime-local" });
  const said = el("div", { class: "said" });
  const tries = new Tries();
  const submit = (event) => {
    event.preventDefault();
    close(event.target, event.submitter?.here ?? what, tries, said, changed);
  };
  const button = writing(el("button", { type: "submit", class: "danger", id: "close-road" }, t(what.roads ? "closing.close_road" : "closing.close_area")));
  return el("form", { class: "access-form", on: { submit } }, field(t("closing.name"), title), cause, field(t("closing.until"), until), button, said);
}

// The stretch between two junctions where the road was clicked: drawn before it is shut, by a second button.
async function closingHere(form, { roads, at }, onMap) {
  const asking = new URLSearchParams({ lon: at.lng.toFixed(7), lat: at.lat.toFixed(7), road: roads[0] });
  const here = await ask(`closures/here?${asking}`).catch(() => null);
  if (!here || !form.isConnected) return;
  const button = writing(el("button", { type: "submit", class: "danger", id: "close-here" }, t("closing.close_here", { far: distance(here.metres) })));
  button.here = { circle: here.circle };
  form.querySelector("#close-road").after(button);
  onMap.put("here", [{ geometry: here.lines, ...HERE }]);
  whileShown(form, () => onMap.clear("here"));
}

// A bridge that is shut is most often out.
const likely = ({ bridge }) => (bridge ? "bridge" : "control");

async function close(form, { roads, area, circle }, tries, said, changed) {
  const { title, cause, until } = Object.fromEntries(new FormData(form));
  const buttons = form.querySelectorAll("button[type=submit]");
  for (const each of buttons) each.disabled = true;
  said.replaceChildren();
  const closure = { title, cause, ...(roads ? { roads } : area ? { area } : { circle }), ...(until ? { until: new Date(until).toISOString() } : {}) };
  try {
    const { id, revision } = await shutOnce(closure, tries);
    say(t("closing.closed", { title }));
    await changed({ revision, id, op: "create" });
    if (!byId(`shut-end-${id}`)) said.replaceChildren(el("p", { class: "done" }, t("closing.closed", { title }), " ", again({ id, title }, said, changed)));
  } catch (error) {
    said.replaceChildren(problem(error));
  } finally {
    for (const each of buttons) each.disabled = false;
  }
}

// With the answer of an earlier press that was lost; what that one shut may be open again since, and is then shut anew.
async function shutOnce(closure, tries) {
  const { body, headers } = await shut(closure, tries.keyOf(closure));
  const holds = !headers.get("Idempotency-Replayed") || (await stands(body.id));
  tries.taken(closure);
  return holds ? body : shutOnce(closure, tries);
}

// What was shut by mistake is open again by one press; in the panel of a road what shuts it stands there anyway, with its button.
function again({ id, title }, said, changed) {
  const press = async () => {
    try {
      const { revision } = await reopen(id);
      said.replaceChildren(el("p", { class: "done" }, t("closure.ended_now", { title })));
      await changed({ revision, id, op: "update" });
    } catch (error) {
      said.replaceChildren(problem(error));
    }
  };
  return el("button", { type: "button", class: "end", id: "close-back", on: { click: press } }, t("closure.end"));
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
