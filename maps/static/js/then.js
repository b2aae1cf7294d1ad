// The map as it was: a moment chosen by hand or by slider, as it was true then or as it was known then; said by colour and by words.

import { byId, el, say } from "./dom.js";
import { language, t } from "./page.js";
import { openPanel } from "./panel.js";
import { problem } from "./said.js";
import { ask, nowMs, readAt } from "./service.js";

const HOURS = 24;
const HOUR_MS = 3600000;
const MINUTE_MS = 60000;

export const then = { at: null, known: false };

const full = new Intl.DateTimeFormat(language, { year: "numeric", month: "2-digit", day: "2-digit", weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false });

// `turned` is called when the map is to show another moment, or now again.
export class Then {
  constructor({ turned }) {
    this.turned = turned;
    document.addEventListener("keydown", (event) => event.key === "Escape" && then.at && byId("panel").hidden && !event.defaultPrevented && this.now());
  }

  panel() {
    const at = new Date(then.at ?? nowMs() - HOUR_MS);
    const input = el("input", { type: "datetime-local", id: "then-at", name: "at", required: true, max: localText(new Date(nowMs())) });
    const slider = el("input", { type: "range", id: "then-slider", min: -HOURS * 60, max: 0, step: 5, "aria-label": t("then.slider", { hours: HOURS }) });
    const known = el("input", { type: "checkbox", id: "then-known", name: "known" });
    known.checked = then.known;
    // the field and the slider tell one moment; one before the slider begins stands at its end, and is seen to
    const choose = (moment) => {
      if (Number.isNaN(moment.getTime())) return;
      input.value = localText(moment);
      slider.value = String(Math.round((moment - nowMs()) / MINUTE_MS));
      slider.toggleAttribute("data-outside", moment < nowMs() - HOURS * HOUR_MS);
      slider.setAttribute("aria-valuetext", input.value.replace("T", " "));
    };
    choose(at);
    input.addEventListener("change", () => choose(new Date(input.value)));
    slider.addEventListener("input", () => choose(new Date(nowMs() + Number(slider.value) * MINUTE_MS)));
    slider.addEventListener("change", () => this.go(new Date(input.value), known.checked));
    const submit = (event) => {
      event.preventDefault();
      this.go(new Date(input.value), known.checked);
    };
    openPanel(
      t("then.title"), t("then.subtitle"), null,
      el(
        "form", { class: "edit-form", id: "then-form", on: { submit } },
        el("p", { class: "actions" }, SHORTCUTS.map(([key, of]) => el("button", { type: "button", "data-then": key, on: { click: () => { choose(of()); this.go(new Date(input.value), known.checked); } } }, t(key)))),
        el("label", { class: "asked" }, el("span", {}, t("then.at")), input),
        el("label", { class: "asked" }, el("span", {}, t("then.slider", { hours: HOURS })), slider), el("div", { id: "then-counts", class: "counts", "aria-hidden": "true" }),
        el("label", { class: "tick" }, known, el("span", {}, t("then.known"))), el("p", { class: "note" }, t("then.known_hint")),
        el("p", { class: "buttons" }, el("button", { type: "submit", class: "main", id: "then-go" }, t("then.go")), el("button", { type: "button", id: "then-now", on: { click: () => this.now() } }, t("then.now"))),
        el("div", { class: "said", id: "then-said" }),
      ),
    );
    this.counts();
  }

  // How much changed in each hour, as bars under the slider.
  async counts() {
    try {
      const { moments = [] } = await ask(`moments?hours=${HOURS}`);
      const sums = byHour(moments);
      byId("then-counts")?.replaceChildren(...sums.map((n) => bar(n / Math.max(1, ...sums))));
    } catch (error) {
      byId("then-said")?.replaceChildren(problem(error));
    }
  }

  go(at, known) {
    if (Number.isNaN(at.getTime())) return;
    Object.assign(then, { at: new Date(Math.min(at.getTime(), nowMs() - 1000)), known });
    const iso = then.at.toISOString();
    readAt(known ? { datetime: iso, asKnownAt: iso } : { datetime: iso });
    this.show();
    this.turned();
  }

  now() {
    if (!then.at) return;
    Object.assign(then, { at: null, known: false });
    readAt(null);
    this.show();
    say(t("then.again_now"));
    this.turned();
  }

  show() {
    document.body.toggleAttribute("data-then", Boolean(then.at));
    const strip = byId("then");
    strip.hidden = !then.at;
    if (!then.at) return;
    const text = t(then.known ? "then.shows_known" : "then.shows", { time: full.format(then.at) });
    strip.replaceChildren(el("b", {}, t("then.mark")), el("span", {}, text), el("button", { type: "button", id: "then-back", on: { click: () => this.now() } }, t("then.back")));
    say(`${t("then.mark")} ${text}`);
  }
}

const SHORTCUTS = [
  ["then.hour_ago", () => new Date(nowMs() - HOUR_MS)],
  ["then.yesterday_early", () => yesterday(3)],
  ["then.yesterday_same", () => new Date(nowMs() - 24 * HOUR_MS)],
];

function yesterday(hour) {
  const day = new Date(nowMs() - 24 * HOUR_MS);
  day.setHours(hour, 0, 0, 0);
  return day;
}

// A moment as a field of local time wants it.
export function localText(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

function byHour(moments) {
  const start = nowMs() - HOURS * HOUR_MS;
  const sums = new Array(HOURS).fill(0);
  for (const { at, changes } of moments) {
    const hour = Math.floor((Date.parse(at) - start) / HOUR_MS);
    if (hour >= 0 && hour < HOURS) sums[hour] += changes;
  }
  return sums;
}

function bar(share) {
  const one = el("i");
  one.style.height = `${share ? Math.max(12, share * 100) : 0}%`;
  return one;
}
