// Small parts that panels of access share: times, what is in the way, problems, choices.

import { el } from "./dom.js";
import { inRow, number, page, t, titleOf } from "./page.js";
import { signInDialog } from "./sign_in.js";

export const minutesText = (minutes) => t("access.minutes", { n: number(minutes, 1) });

const PROBLEMS = [
  [0, 0, "error.silent"],
  [401, 401, "error.sign_in"],
  [403, 403, "error.forbidden"],
  [404, 404, "access.none_there"],
  [409, 409, "error.meanwhile"],
  [412, 412, "error.meanwhile"],
  [413, 413, "error.too_large"],
  [429, 429, "error.busy"],
  [400, 499, "error.refused"],
  [503, 503, "error.store"],
  [507, 507, "error.full"],
  [0, 999, "error.fault"],
];

// Of one status, but not of one meaning.
const KINDS = { "urn:geo-risk:Busy": "error.busy" };

// `others` are keys for statuses that mean something else where it happened.
export function problemWord(error, others = {}) {
  const status = error.status ?? 0;
  if (error.outcomeUnknown) return t("error.not_known");
  return t(others[status] ?? KINDS[error.body?.type] ?? PROBLEMS.find(([low, high]) => status >= low && status <= high)[2]);
}

// What went wrong, in the reader's language; the service's own words are folded away. Whose session ended signs in right here, and
// `again` is done.
export function problem(error, again) {
  const detail = [error.status ? error.message : "", error.detail].filter(Boolean).join(" · ");
  const enter = error.status === 401 ? el("button", { type: "button", class: "sign-in-here", on: { click: () => signInDialog(again) } }, t("sign.in")) : null;
  return el("div", { class: "access-problem", role: "alert" }, el("p", {}, problemWord(error), " ", enter), detail ? el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, detail)) : null);
}

// Closures in the way, by title and cause.
export function inTheWay(closures) {
  if (!closures?.length) return null;
  const causes = new Map(page.access.causes.map((cause) => [cause.id, titleOf(cause.title)]));
  const named = closures.map(({ title, cause }) => (cause === "what if" ? t("whatif.short") : `${causes.get(cause) ?? cause} (${title})`));
  return el("small", { class: "in-the-way" }, t("access.in_the_way", { closures: inRow(named) }));
}

export function choice(name, label, rows, value) {
  const select = el("select", { name }, rows.map(({ id, title }) => el("option", { value: id }, titleOf(title))));
  select.value = value;
  return field(label, select);
}

export function amount(name, label, value, { min = 1, max = 10000, unit = "" } = {}) {
  const input = el("input", { type: "number", name, min, max, step: 1, required: true, inputmode: "numeric" });
  input.value = String(value);
  return field(unit ? `${label} (${unit})` : label, input);
}

export function tick(name, label, on) {
  const box = el("input", { type: "checkbox", name });
  box.checked = on;
  return el("label", { class: "tick" }, box, el("span", {}, label));
}

export const field = (label, input) => el("label", { class: "asked" }, el("span", {}, label), input);

// A table whose first column names its rows.
export function grid(heads, rows, attributes = {}) {
  return el("table", { class: "grid", ...attributes }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows));
}

export const gridRow = (cells, attributes = {}) => el("tr", attributes, cells.map((cell, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, cell)));

// "1,200", or "1,200 (was 1,500)" where the open network would give another figure.
export function was(now, before, digits = 0) {
  return now === before || before === undefined ? number(now, digits) : t("access.was", { now: number(now, digits), was: number(before, digits) });
}
