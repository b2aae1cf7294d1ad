// A plan as a reader sees it: sentences, lines from groups to shelters, the transfer list, beds, and who has no place and why.

import { el } from "./dom.js";
import { inRow, number, page, t, titleOf } from "./page.js";
import { grid, gridRow, minutesText } from "./said.js";
import { saveCsv } from "./csv.js";

const SHOWN = 200;
const BLUE = "#08519c";
const AMBER = "#d94801";

export function planShapes(plan, moved) {
  const most = Math.max(1, ...plan.transfers.map(({ people }) => people));
  return plan.transfers.filter(({ from, to }) => from && to).map(({ from, to, people, group }) => ({
    geometry: { type: "LineString", coordinates: [from, to] }, pane: "ways", opacity: 0.75, weight: 0.8 + 4.2 * Math.sqrt(people / most),
    ...(moved.has(group) ? { color: AMBER, dashArray: "8 5" } : { color: BLUE }),
  }));
}

export function planSigns(plan) {
  return plan.transfers.filter(({ to }) => to).map(({ to }) => ({ lon: to[0], lat: to[1], kind: "shelter" }));
}

export function planSections({ plan }, moved, { again, open }) {
  return [
    el("ul", { class: "sentences" }, plan.sentences.map((sentence) => el("li", {}, titleOf(sentence)))),
    el("p", { class: "actions" }, el("button", { type: "button", id: "evacuate-again", "data-key": "again", on: { click: again } }, t("evac.again")), el("button", { type: "button", id: "evacuate-csv", "data-key": "csv", disabled: !plan.transfers.length, on: { click: () => saveCsv("evacuation.csv", transferTable(plan)) } }, t("evac.csv"))),
    moved.size ? movedSection(plan, moved) : null,
    transfers(plan, moved, open),
    loads(plan, open),
    unplaced(plan),
    openings(plan, open),
  ].filter(Boolean);
}

function movedSection(plan, moved) {
  const names = new Map([...plan.transfers, ...plan.unplaced].map(({ group, group_name: name }) => [group, name]));
  return el("section", {}, el("h3", {}, t("evac.moved", { n: number(moved.size, 0) })), el("p", { class: "note moved-names" }, inRow([...moved].map((id) => names.get(id) ?? id))));
}

const duty = (plan, group) => (plan.duty[group] ?? []).map(({ organisation, post, phone }) => [organisation, post, phone].filter(Boolean).join(" "))[0] ?? "";
const NEEDS = { wheels: "evac.wheels", care: "evac.care" };
const needText = (need) => (NEEDS[need] ? ` (${t(NEEDS[need])})` : "");
const heads = () => [t("evac.group"), t("evac.people"), t("evac.shelter"), t("evac.minutes"), t("evac.duty")];

function transfers(plan, moved, open) {
  const rows = plan.transfers.slice(0, SHOWN).map((each) =>
    gridRow(
      [`${each.group_name}${needText(each.need)}`, number(each.people, 0), link(each.shelter_name, () => open("shelters", each.shelter)), each.minutes === null ? t("value.unknown") : minutesText(each.minutes), duty(plan, each.group)],
      { class: moved.has(each.group) ? "moved" : null, "data-group": each.group },
    ),
  );
  const rest = plan.transfers.length - SHOWN;
  return section("transfers", t("evac.transfers", { n: number(plan.transfers.length, 0) }), grid(heads(), rows, { id: "transfers" }), rest > 0 ? t("evac.rest", { n: number(rest, 0) }) : "");
}

function loads(plan, open) {
  const rows = [...plan.shelters].sort((a, b) => b.incoming - a.incoming).map((each) => gridRow([link(each.name, () => open("shelters", each.id)), number(each.incoming, 0), each.free === null ? t("value.unknown") : number(each.free, 0), each.free_after === null ? t("value.unknown") : number(each.free_after, 0)]));
  return section("loads", t("evac.loads", { n: number(rows.length, 0) }), grid([t("evac.shelter"), t("evac.incoming"), t("evac.free"), t("evac.free_after")], rows), "");
}

const REASONS = {
  "no way to any shelter": "evac.no_way", "only excluded shelters reached": "evac.only_excluded", "only shelters of unknown room reached": "evac.only_unknown",
  "no shelter fit for the need": "evac.unfit", "beyond the limit": "evac.beyond", "short of places": "evac.short",
};

function unplaced(plan) {
  const sums = new Map();
  for (const { reason, people, group } of plan.unplaced) {
    const sum = sums.get(reason) ?? { people: 0, groups: new Set() };
    sum.people += people;
    sum.groups.add(group);
    sums.set(reason, sum);
  }
  const rows = [...sums].map(([reason, { people, groups }]) => gridRow([REASONS[reason] ? t(REASONS[reason]) : reason, number(people, 0), number(groups.size, 0)]));
  const unknown = plan.unknown_groups.length ? t("evac.unknown_groups", { n: number(plan.unknown_groups.length, 0) }) : "";
  if (!rows.length && !unknown) return null;
  return section("unplaced", t("evac.unplaced", { n: number(plan.left, 0) }), grid([t("evac.reason"), t("evac.people"), t("evac.groups_n")], rows), unknown);
}

const CLOSED = { closed: "evac.closed", "inside the hazard": "evac.inside", "unfit for this hazard": "evac.unfit_hazard", "fitness for this hazard unknown": "evac.fit_unknown", "not for staying": "evac.not_staying" };

function openings({ openings: rows }, open) {
  if (!rows.length) return null;
  const told = rows.map(({ shelter, name, reason, saves }) => gridRow([link(name, () => open("shelters", shelter)), CLOSED[reason] ? t(CLOSED[reason]) : reason, number(saves, 0)]));
  return section("openings", t("evac.openings"), grid([t("evac.shelter"), t("evac.why_shut"), t("evac.saves")], told), "");
}

const link = (text, go) => el("button", { type: "button", class: "link", on: { click: go } }, text);

function section(key, title, body, note) {
  return el("details", { "data-key": key, class: "part", open: key === "transfers" }, el("summary", {}, title), body, note ? el("p", { class: "note" }, note) : null);
}

export function transferTable(plan) {
  return [heads(), ...plan.transfers.map((each) => [`${each.group_name}${needText(each.need)}`, String(each.people), each.shelter_name, each.minutes === null ? "" : String(each.minutes), duty(plan, each.group)])];
}

// On paper: what it comes to, then every transfer.
export function planPaper(plan) {
  const [head, ...rows] = transferTable(plan);
  const table = grid(head, rows.map((row) => gridRow(row)));
  const hazard = titleOf(plan.hazard);
  const groups = titleOf(page.access.groups.find(({ id }) => id === plan.question.groups)?.title);
  return [el("section", { class: "plan-paper" }, el("h2", {}, t("evac.title"), " ", el("small", {}, [groups, hazard, t("evac.limit_of", { n: number(plan.question.limit_min, 0) })].join(" · "))), el("ul", {}, plan.sentences.map((sentence) => el("li", {}, titleOf(sentence)))), table)];
}
