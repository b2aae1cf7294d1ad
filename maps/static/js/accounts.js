// The page of accounts, for admins: who there is, what each may, when each signed in last; and the keys of programs and walls.
// What may be done is decided by the service; nobody's data is in the page before it is fetched.

import { addDialog, changeDialog } from "./account_acts.js";
import { failure } from "./account_dialog.js";
import { addKeyDialog, keysTable, labelled, stateOf } from "./account_keys.js";
import { byId, el } from "./dom.js";
import { inRow, language, moment, number, page, t, titleOf } from "./page.js";
import { grid } from "./said.js";
import { ask, nowMs } from "./service.js";
import { meet, session, signOut } from "./session.js";
import { writing } from "./standing.js";

const held = { accounts: [], areas: [], keys: [] };
const WRITERS = ["field", "operator", "admin"];

async function load() {
  try {
    await meet();
    const [people, programs] = await Promise.all([ask("accounts"), ask("keys")]);
    Object.assign(held, { accounts: people.accounts, areas: people.areas, keys: programs.keys });
    byId("failed").replaceChildren();
  } catch (error) {
    // Who may not see them any more is shown none.
    if (error.status === 401 || error.status === 403) Object.assign(held, { accounts: [], areas: [], keys: [] });
    byId("failed").replaceChildren(failure(error, {}, load));
  }
  draw();
  document.body.dataset.drawn = "true";
}

// Who works by keyboard stays where he was: at the same row, or at the list where the row is gone.
function draw() {
  const [focused, list] = [document.activeElement?.id, document.activeElement?.closest("#accounts, #keys")?.id];
  drawLists();
  if (list) (byId(focused) ?? byId(list)).focus({ preventScroll: true });
}

function drawLists() {
  drawCaller();
  const found = held.accounts.filter(matches);
  byId("accounts-note").textContent = held.accounts.length === found.length ? number(found.length) : t("accounts.some", { n: number(found.length), all: number(held.accounts.length) });
  byId("accounts").replaceChildren(found.length ? accountsTable(found) : el("p", { class: "empty" }, t("accounts.none")));
  const good = held.keys.filter((key) => stateOf(key) === "good");
  byId("keys-note").textContent = number(good.length);
  byId("keys").replaceChildren(keysTable((byId("over").checked ? held.keys : good).filter(({ account, title }) => fits(account, title)), { day, done: load }));
  byId("printed").textContent = t("accounts.printed", { time: day(new Date(nowMs()).toISOString()) });
}

function drawCaller() {
  const { caller } = session;
  const out = async () => {
    await signOut().catch(() => null);
    location.assign(new URL("sign-in?next=accounts", document.baseURI));
  };
  byId("caller").replaceChildren(...(caller ? [el("b", {}, caller.name), ` · ${t(`person.${caller.role}`)} `, el("button", { type: "button", id: "sign-out", on: { click: out } }, t("sign.out"))] : []));
}

const fits = (...texts) => texts.some((text) => text?.toLocaleLowerCase().includes(byId("find").value.trim().toLocaleLowerCase()));
const matches = ({ name, display, role }) => fits(name, display, t(`person.${role}`));

const long = new Intl.DateTimeFormat(language, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
const thisYear = (iso) => new Date(iso).getFullYear() === new Date(nowMs()).getFullYear();
const day = (iso) => (thisYear(iso) ? moment(iso) : long.format(new Date(iso)));

function accountsTable(rows) {
  const heads = ["accounts.name", "accounts.role", "accounts.may_read", "accounts.may_change", "accounts.last", "accounts.state"].map((key) => t(key));
  return grid(heads, rows.map((account) => accountRow(heads, account)));
}

function accountRow(heads, account) {
  const { name, display, role, disabled, id } = account;
  const mine = name === session.caller?.name;
  const open = el("button", { type: "button", class: "link", id: `account-${id}`, on: { click: () => changeDialog(account, held.areas, { done: load, mine }) } }, name);
  const state = el("span", { class: `state ${disabled ? "state-closed" : "state-open"}` }, t(disabled ? "accounts.shut" : "accounts.active"));
  const who = [open, mine ? el("small", {}, t("accounts.you")) : null, display ? el("small", {}, display) : null];
  return labelled(heads, [who, t(`person.${role}`), mayRead(account), mayChange(account), signedIn(account), state], { "data-account": name, class: disabled ? "over" : null });
}

const titles = (ids) => inRow(ids.map((id) => titleOf(page.layers.find((layer) => layer.id === id)?.title) || id));

function mayRead({ clearance, reads }) {
  const hidden = reads ? page.layers.filter(({ id, hideable }) => hideable && !reads.includes(id)).map(({ id }) => id) : [];
  return [t(`clearance.${clearance}`), hidden.length ? el("small", {}, t("accounts.without", { layers: titles(hidden) })) : null];
}

function mayChange({ role, writes, areas }) {
  if (!WRITERS.includes(role)) return t("accounts.nothing");
  const names = new Map(held.areas.map(({ id, name }) => [id, name]));
  const what = writes ? (writes.length ? titles(writes) : t("accounts.nothing")) : t(role === "field" ? "accounts.reports" : "accounts.all_layers");
  return [what, el("small", {}, areas ? t("accounts.only_in", { areas: inRow(areas.map((id) => names.get(id) ?? id)) }) : t("accounts.everywhere"))];
}

function signedIn({ name, password, sessions, signed_in_at: last }) {
  const keys = held.keys.filter((key) => key.account === name && stateOf(key) === "good").length;
  const ways = [password ? null : t("accounts.no_password"), keys ? t("accounts.n_keys", { n: number(keys) }) : null, sessions ? t("accounts.n_sessions", { n: number(sessions) }) : null].filter(Boolean);
  return [last ? day(last) : t("accounts.never"), ways.length ? el("small", {}, inRow(ways)) : null];
}

byId("find").addEventListener("input", draw);
byId("over").addEventListener("change", draw);
byId("print").addEventListener("click", () => print());
writing(byId("account-add")).addEventListener("click", () => addDialog(held.areas, load));
writing(byId("key-add")).addEventListener("click", () => addKeyDialog(held.accounts, load));
load();
