// The form of an account, new or there already: role, what it may read, what it may change and where. Gives what is to be sent.

import { el } from "./dom.js";
import { page, t, titleOf } from "./page.js";
import { field, tick } from "./said.js";

const FEW = 12;
const WRITERS = ["field", "operator", "admin"];
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export const roleOf = (id) => page.roles.find((role) => role.id === id);

// `account` as the service tells it, or null for a new one; `areas` that can be granted. Gives { rows, changes(), name(), generated() }.
export function accountForm(account, areas) {
  const name = el("input", { name: "name", required: true, minlength: 2, maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const display = el("input", { name: "display", maxlength: 200, autocomplete: "off" });
  const role = select("role", page.roles.map(({ id }) => [id, t(`person.${id}`)]), account?.role ?? "viewer");
  const hint = el("small", { id: "role-hint" });
  role.setAttribute("aria-describedby", "role-hint");
  const clearance = select("clearance", []);
  const enter = select("enter", [["password", t("accounts.by_password")], ["key", t("accounts.by_key")]]);
  const reads = ticked("hidden", "accounts.hidden", page.layers.filter((layer) => layer.hideable).map(told), hiddenOf(account));
  const writes = limited("writes", "accounts.writes", "accounts.all_layers", "accounts.these_layers", page.layers.map(told), account?.writes);
  const places = limited("areas", "accounts.areas", "accounts.everywhere", "accounts.these_areas", withLost(areas, account?.areas), account?.areas);
  display.value = account?.display ?? "";

  // A role brings its clearance, and what it cannot be limited in is not asked.
  const turn = () => {
    const { id, clearances, clearance: own } = roleOf(role.value);
    hint.textContent = t(`may.${id}`);
    const kept = id === account?.role ? account.clearance : own;
    clearance.replaceChildren(...clearances.map((each) => option(each, t(`clearance.${each}`))));
    clearance.value = kept;
    enter.value = id === "wall" ? "key" : "password";
    writes.row.hidden = !WRITERS.includes(id);
    places.row.hidden = !WRITERS.includes(id) || id === "admin";
  };
  role.addEventListener("change", turn);
  turn();

  const stated = () => ({
    display: display.value.trim(),
    role: role.value,
    clearance: clearance.value,
    reads: readsWithout(reads.value()),
    writes: writes.row.hidden ? null : writes.value(),
    areas: places.row.hidden ? null : places.value(),
  });
  const before = account ? { ...account, reads: readsWithout(hiddenOf(account)), writes: sorted(account.writes), areas: sorted(account.areas) } : {};
  return {
    rows: [
      account ? null : field(t("accounts.name"), name), field(t("accounts.display"), display),
      el("div", { class: "pair" }, el("label", { class: "asked" }, el("span", {}, t("accounts.role")), role, hint), field(t("accounts.clearance"), clearance)),
      account ? null : field(t("accounts.enter"), enter), reads.row, writes.row, places.row,
    ],
    name: () => name.value.trim(),
    generated: () => enter.value === "password",
    stated,
    changes: () => changesOf(stated(), before),
  };
}

// What differs. A role that is changed names its clearance with it: the reader saw which.
function changesOf(stated, before) {
  const differing = Object.entries(stated).filter(([name, value]) => !same(value, before[name]));
  const changes = Object.fromEntries(differing);
  return "role" in changes ? { ...changes, clearance: stated.clearance } : changes;
}

export const told = ({ id, title }) => [id, titleOf(title)];
const sorted = (names) => (names ? [...names].sort() : null);

// Accounts keep what is there for them; people think of what is not.
const hiddenOf = (account) => (account?.reads ? page.layers.filter(({ id, hideable }) => hideable && !account.reads.includes(id)).map(({ id }) => id) : []);
const readsWithout = (hidden) => (hidden.length ? page.layers.map(({ id }) => id).filter((id) => !hidden.includes(id)).sort() : null);

// An area that is not there any more stays in the list by its id: it can be seen and taken away.
function withLost(areas, granted) {
  const there = new Set(areas.map(({ id }) => id));
  return [...areas.map(({ id, name }) => [id, name]), ...(granted ?? []).filter((id) => !there.has(id)).map((id) => [id, id])];
}

const option = (value, text) => el("option", { value }, text);

function select(name, rows, value = "") {
  const made = el("select", { name }, rows.map(([id, text]) => option(id, text)));
  if (value) made.value = value;
  return made;
}

// All, or only those that are ticked.
export function limited(name, title, all, only, rows, granted) {
  const how = select(`${name}-how`, [["all", t(all)], ["only", t(only)]], granted ? "only" : "all");
  const list = choices(name, rows, granted ?? []);
  how.setAttribute("aria-label", t(title));
  const turn = () => (list.row.hidden = how.value === "all");
  how.addEventListener("change", turn);
  turn();
  return { row: el("fieldset", { id: `grant-${name}` }, el("legend", {}, t(title)), how, list.row), value: () => (how.value === "all" ? null : list.value()) };
}

function ticked(name, title, rows, chosen) {
  const list = choices(name, rows, chosen);
  const fold = el("details", { id: `grant-${name}`, class: "fold" }, el("summary", {}, t(title), " ", el("small", {}, t("accounts.hidden_note"))), list.row);
  fold.open = chosen.length > 0;
  return { row: fold, value: list.value };
}

// What is granted stands first: it is seen without looking for it.
function choices(name, rows, chosen) {
  const granted = ([id]) => chosen.includes(id);
  const boxes = [...rows.filter(granted), ...rows.filter((row) => !granted(row))].map(([id, text]) => {
    const row = tick(name, text, chosen.includes(id));
    row.querySelector("input").value = id;
    return row;
  });
  const find = el("input", { type: "search", class: "narrow", autocomplete: "off", "aria-label": t("accounts.find_name"), placeholder: t("accounts.find_name") });
  const narrow = () => boxes.forEach((box) => (box.hidden = !box.textContent.toLocaleLowerCase().includes(find.value.trim().toLocaleLowerCase())));
  find.addEventListener("input", narrow);
  find.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  const value = () => boxes.map((box) => box.querySelector("input")).filter((box) => box.checked).map((box) => box.value).sort();
  return { row: el("div", { class: "choices" }, boxes.length > FEW ? find : null, el("div", { class: "boxes" }, boxes)), value };
}
