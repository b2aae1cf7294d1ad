// Mobilisation: a promise of help within a time, proven or refuted for every town; the worst one, and what would make it true.

import { el } from "./dom.js";
import { Latest } from "./latest.js";
import { inRow, number, page, t, titleOf } from "./page.js";
import { roadQuery } from "./roads_asked.js";
import { amount, grid, gridRow } from "./said.js";
import { ask } from "./service.js";

const SHOWN = 60;
const STATES = { proven: "mob.proven", refuted: "mob.refuted", unknown: "mob.unknown" };
const stateText = (state) => t(STATES[state] ?? "mob.unknown");

export class MobilisationQuestion {
  id = "mobilisation";
  latest = new Latest();
  within = 180;
  needs = { people: 2000 };

  constructor({ onMap, watch, open, spots }) {
    Object.assign(this, { onMap, watch, open, spots });
  }

  title() {
    return t("mob.title");
  }

  subtitle() {
    return t("mob.statement", { within: number(this.within, 0), needs: inRow(Object.entries(this.needs).map(needText)) });
  }

  form() {
    const submit = (event) => {
      event.preventDefault();
      const { within, ...given } = Object.fromEntries(new FormData(event.target));
      this.within = Number(within);
      this.needs = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Number(text)]).filter(([, count]) => count > 0));
      this.answer = null;
      this.watch.put(this);
      this.watch.panel(this);
    };
    const wish = ({ id, title, unit }) => amount(id, titleOf(title), this.needs[id] ?? 0, { min: 0, max: 1000000, unit: unit ? t("mob.count") : "" });
    const more = Object.keys(this.needs).some((name) => name !== "people");
    return el(
      "form", { class: "access-form", on: { submit } },
      amount("people", t("mob.people"), this.needs.people ?? 0, { min: 0, max: 1000000 }), amount("within", t("mob.within"), this.within),
      el("details", { class: "kinds", open: more }, el("summary", {}, t("mob.kinds")), [...page.access.teams, ...page.access.stock].map(wish)),
      el("button", { type: "submit", class: "main", id: "mobilise" }, t("mob.ask")),
    );
  }

  ask(signal) {
    const needs = Object.entries(this.needs).map((each) => each.join(":")).join(",");
    return ask(`mobilisation?${roadQuery({ needs, within_min: this.within, places: page.areaLayer })}`, { signal });
  }

  draw() {
    const failing = new Set(this.answer.places.filter(({ state }) => state === "refuted").map(({ id }) => id));
    this.onMap.put("mobilisation", [], this.spots().filter(({ id }) => failing.has(id)).map(({ lon, lat }) => ({ lon, lat, kind: "failing" })));
  }

  erase() {
    this.onMap.clear("mobilisation");
  }

  body() {
    return [this.verdict(), this.wouldHelp(), this.places(), this.uncounted()].filter(Boolean);
  }

  verdict() {
    const { state, state_open: open, worst, places } = this.answer;
    const failing = places.filter((place) => place.state === "refuted").length;
    const why = state === open ? t("mob.open_same") : t("mob.open_other", { state: stateText(open) });
    const worstText = state === "proven" ? "" : t("mob.worst", { name: worst.name, need: needTitle(worst.need), arrived: number(worst.arrived, 0), target: number(worst.target, 0), short: number(worst.shortfall, 0) });
    return el("div", { class: `verdict verdict-${state}` }, el("p", {}, el("b", {}, stateText(state)), " ", failing ? t("mob.failing", { n: number(failing, 0), all: number(places.length, 0) }) : ""), worstText ? el("p", {}, worstText) : null, el("p", { class: "open-roads" }, why));
  }

  wouldHelp() {
    const { state, would_be_true: change } = this.answer;
    if (state === "proven") return null;
    const rows = [
      change.within_min === null ? null : t("mob.longer", { n: number(change.within_min, 0) }),
      ...Object.entries(change.needs).map(([need, count]) => (count > 0 ? t("mob.less", { need: needTitle(need), n: number(count, 0) }) : null)),
      ...change.more.flatMap(moreText),
    ].filter(Boolean);
    return rows.length ? el("section", {}, el("h3", {}, t("mob.would_be_true")), el("ul", { class: "sentences" }, rows.map((row) => el("li", {}, row)))) : null;
  }

  places() {
    const failing = this.answer.places.filter(({ state }) => state !== "proven");
    const rows = failing.slice(0, SHOWN).map((place) => {
      const short = Object.entries(place.shortfall).filter(([, count]) => count > 0).map(needText);
      const name = el("button", { type: "button", class: "link", "data-key": place.id, on: { click: () => this.open(page.areaLayer, place.id) } }, place.name);
      const why = place.by_closures ? [el("b", {}, t("mob.by_closures")), el("br")] : [];
      return gridRow([place.state === "unknown" ? el("span", {}, name, " ", stateText(place.state)) : name, inRow(short), el("span", {}, ...why, titleOf(place.said))]);
    });
    if (!rows.length) return null;
    const rest = failing.length - SHOWN;
    return el("section", {}, el("h3", {}, t("mob.places", { n: number(failing.length, 0) })), grid([t("mob.place"), t("mob.short"), t("mob.time")], rows), rest > 0 ? el("p", { class: "note" }, t("evac.rest", { n: number(rest, 0) })) : null);
  }

  uncounted() {
    const { unknown } = this.answer;
    return unknown.length ? el("p", { class: "note doubt" }, t("mob.uncounted", { n: number(unknown.length, 0), names: few(unknown.map(({ name }) => name)) })) : null;
  }

  changes(before, now) {
    const failing = ({ places }) => new Map(places.filter(({ state }) => state === "refuted").map(({ id, name }) => [id, name]));
    const [old, fresh] = [failing(before), failing(now)];
    const fell = [...fresh].filter(([id]) => !old.has(id)).map(([, name]) => name);
    const rose = [...old].filter(([id]) => !fresh.has(id)).map(([, name]) => name);
    return [
      before.state === now.state ? "" : t("mob.verdict_changed", { before: stateText(before.state), now: stateText(now.state) }),
      fell.length ? t("mob.fell", { names: few(fell) }) : "", rose.length ? t("mob.rose", { names: few(rose) }) : "",
    ].filter(Boolean);
  }
}

const FEW = 4;
const few = (names) => (names.length > FEW ? t("mob.few", { names: inRow(names.slice(0, FEW)), n: number(names.length - FEW, 0) }) : inRow(names));

function needTitle(need) {
  if (need === "people") return t("mob.people");
  return titleOf([...page.access.teams, ...page.access.stock].find(({ id }) => id === need)?.title) || need;
}

const needText = ([need, count]) => `${needTitle(need)} ${number(count, 0)}`;

function moreText({ need, total, at, exact, at_least: least, beyond }) {
  const bases = inRow(at.map(({ name, more }) => `${name} +${number(more, 0)}`));
  const told = at.length ? t("mob.more", { need: needTitle(need), total: number(total, 0), bases }) : "";
  const proof = exact || !at.length ? "" : t("mob.at_least", { n: number(least ?? 0, 0) });
  const out = beyond.length ? t("mob.beyond", { n: number(beyond.length, 0), names: few(beyond.map(({ name }) => name)) }) : "";
  return [[told, proof].filter(Boolean).join(" "), out];
}
