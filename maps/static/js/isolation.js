// Cut off: which places reach no facility any more or reach it later, and whose loss would cut off most.

import { el, say } from "./dom.js";
import { groupsTold, linkShapes, linkSigns, lossesTold, placeSigns, sumsTold } from "./isolation_told.js";
import { Latest } from "./latest.js";
import { inRow, number, t } from "./page.js";
import { roadQuery } from "./roads_asked.js";
import { choice } from "./said.js";
import { ask } from "./service.js";

const GROUPS = ["towns", "flood_points", "care_facilities"];
const FACILITIES = ["shelters", "rescue_teams", "supply_depots", "helipads"];
const LOSSES = 10;
const FEW = 4;
const CUT_OFF = "cut off";

export class IsolationQuestion {
  id = "isolation";
  latest = new Latest();
  values = { groups: "towns", facilities: "shelters" };

  constructor({ onMap, watch, open, layers, goTo, supposed }) {
    Object.assign(this, { onMap, watch, open, layers, goTo, supposed });
  }

  title() {
    return t("iso.title");
  }

  subtitle() {
    return t("iso.subtitle");
  }

  form() {
    const submit = (event) => {
      event.preventDefault();
      this.values = Object.fromEntries(new FormData(event.target));
      this.answer = null;
      this.watch.put(this);
      this.watch.fill(this);
    };
    return el(
      "form", { class: "access-form", on: { submit } },
      choice("groups", t("iso.groups"), this.titled(GROUPS), this.values.groups), choice("facilities", t("iso.facilities"), this.titled(FACILITIES), this.values.facilities),
      el("button", { type: "submit", class: "main", id: "isolate" }, t("iso.ask")),
    );
  }

  titled(ids) {
    return ids.map((id) => ({ id, title: this.layers().get(id)?.title ?? { en: id } }));
  }

  ask(signal) {
    return ask(`isolation?${roadQuery({ ...this.values, losses: LOSSES })}`, { signal });
  }

  // The badge of a town stands where a point has its glyph: signs stand beside it.
  draw() {
    const { worst_links: links, places } = this.answer;
    this.onMap.put("isolation", linkShapes(links), [...linkSigns(links), ...placeSigns(places)]);
  }

  erase() {
    this.onMap.clear("isolation");
  }

  body() {
    const { groups } = this.answer;
    return [
      sumsTold(this.answer),
      ...groupsTold(this.answer, (id) => this.open(groups, id)),
      ...lossesTold(this.answer, { show: (link) => this.show(link), suppose: this.supposed, open: this.open }),
    ].filter(Boolean);
  }

  show({ geometry, name }) {
    this.goTo(window.L.geoJSON({ type: "Feature", geometry, properties: {} }).getBounds());
    say(t("iso.shown", { name: name || t("access.unnamed") }));
  }

  changes(before, now) {
    if (before.groups !== now.groups || before.facilities !== now.facilities) return [];
    const [old, fresh] = [before, now].map(({ places }) => new Map(places.filter(({ state }) => state === CUT_OFF).map(({ id, name }) => [id, name])));
    const fell = [...fresh].filter(([id]) => !old.has(id)).map(([, name]) => name);
    const rose = [...old].filter(([id]) => !fresh.has(id)).map(([, name]) => name);
    const people = [before, now].map(({ sums }) => number(sums[CUT_OFF].people, 0));
    return [
      people[0] === people[1] ? "" : t("iso.people_changed", { before: people[0], now: people[1] }),
      fell.length ? t("iso.fell", { names: few(fell) }) : "", rose.length ? t("iso.rose", { names: few(rose) }) : "",
    ].filter(Boolean);
  }
}

const few = (names) => (names.length > FEW ? t("mob.few", { names: inRow(names.slice(0, FEW)), n: number(names.length - FEW, 0) }) : inRow(names));
