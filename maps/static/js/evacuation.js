// Evacuation: who goes to which shelter, asked as a job; after a change asked again with as few groups moved as can be.

import { el } from "./dom.js";
import { planPaper, planSections, planShapes, planSigns } from "./evacuation_told.js";
import { Latest } from "./latest.js";
import { number, page, t } from "./page.js";
import { asked, without } from "./roads_asked.js";
import { amount, choice, tick } from "./said.js";
import { ask, inPath, ServiceError } from "./service.js";

const WAIT_S = 10;
const POLL_MS = 700;
const GIVE_UP_MS = 120000;
const GONE = 404;
const CELLS = { id: "cells", title: { en: t("evac.cells"), zh: t("evac.cells") } };

export class EvacuationQuestion {
  id = "evacuation";
  latest = new Latest();
  values = { groups: "flood_points", hazard: "flood", limit_min: 60, fewest: false, only_in_hazard: false };
  moved = new Set();

  constructor({ onMap, watch, open, goTo }) {
    Object.assign(this, { onMap, watch, open, goTo });
  }

  title() {
    return t("evac.title");
  }

  subtitle() {
    return t("evac.subtitle");
  }

  form() {
    const { values } = this;
    const submit = (event) => {
      event.preventDefault();
      const given = Object.fromEntries(new FormData(event.target));
      this.values = { groups: given.groups, hazard: given.hazard, limit_min: Number(given.limit_min), fewest: "fewest" in given, only_in_hazard: "only_in_hazard" in given };
      this.answer = null;
      this.watch.put(this);
      this.watch.fill(this);
    };
    return el(
      "form", { class: "access-form", on: { submit } },
      choice("groups", t("evac.groups"), [...page.access.groups, CELLS], values.groups), choice("hazard", t("evac.hazard"), page.access.hazards, values.hazard),
      amount("limit_min", t("evac.limit"), values.limit_min), tick("only_in_hazard", t("evac.only_in_hazard"), values.only_in_hazard), tick("fewest", t("evac.fewest"), values.fewest),
      el("button", { type: "submit", class: "main", id: "evacuate" }, t("evac.ask")),
    );
  }

  // A former plan is named, so that as few groups as can be go elsewhere; a service that forgot it makes a plan afresh.
  async ask(signal, before) {
    try {
      return await this.job(signal, before?.jobID);
    } catch (error) {
      if (!before || error.status !== GONE) throw error;
      return this.job(signal, null);
    }
  }

  async job(signal, previous) {
    const body = { ...this.values, vehicle: asked.vehicle, without: without(), ...(previous ? { previous_plan: previous } : {}) };
    let job = await ask(`evacuations?wait_s=${WAIT_S}`, { send: body, signal });
    const end = performance.now() + GIVE_UP_MS;
    while (["accepted", "running"].includes(job.status) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      job = await ask(inPath("evacuations", job.jobID), { signal });
    }
    if (!job.plan) throw new ServiceError(job.problem?.title ?? t("evac.not_made"), job.problem?.detail ?? "", job.problem?.status ?? 500);
    return job;
  }

  draw() {
    this.onMap.put("evacuation", planShapes(this.answer.plan, this.moved), planSigns(this.answer.plan));
  }

  erase() {
    this.onMap.clear("evacuation");
  }

  body() {
    return planSections(this.answer, this.moved, { again: () => this.watch.repeat(this), open: this.open });
  }

  paper() {
    return this.answer ? planPaper(this.answer.plan) : [];
  }

  changes(before, now) {
    this.moved = movedGroups(before.plan, now.plan);
    const placed = before.plan.placed === now.plan.placed ? "" : t("evac.placed_changed", { before: number(before.plan.placed, 0), now: number(now.plan.placed, 0) });
    const time = before.plan.person_minutes === now.plan.person_minutes ? "" : t("evac.time_changed", { before: number(before.plan.person_minutes, 0), now: number(now.plan.person_minutes, 0) });
    return [this.moved.size ? t("evac.moved", { n: number(this.moved.size, 0) }) : "", placed, time].filter(Boolean);
  }
}

// Groups of which not the same people go to the same shelters as before.
export function movedGroups(before, now) {
  const [old, fresh] = [before, now].map(({ transfers }) => {
    const ways = new Map();
    for (const { group, need, shelter, people } of transfers) ways.set(group, [...(ways.get(group) ?? []), [need, shelter, people].join(" ")]);
    return new Map([...ways].map(([group, each]) => [group, each.sort().join("; ")]));
  });
  return new Set([...old.keys(), ...fresh.keys()].filter((group) => old.get(group) !== fresh.get(group)));
}
