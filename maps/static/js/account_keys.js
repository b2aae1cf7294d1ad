// Keys of programs and walls: the list, making one, whose text is shown once, and ending one.

import { asked } from "./account_acts.js";
import { closeDialog, openDialog, tellOnce, tried } from "./account_dialog.js";
import { limited, roleOf, told } from "./account_form.js";
import { el, say } from "./dom.js";
import { inRow, page, t, titleOf } from "./page.js";
import { field, grid, tick } from "./said.js";
import { ask, inPath, nowMs } from "./service.js";
import { writing } from "./standing.js";

const DAYS = 90;
const DAYS_MOST = { wall: 400 };
const DAYS_MOST_ELSE = 366;
const ADDING = { 400: "accounts.key_not_fit", 404: "accounts.gone" };

export const stateOf = ({ revoked_at: revoked, expires_at: until }) => (revoked ? "revoked" : Date.parse(until) <= nowMs() ? "over" : "good");

export function keysTable(keys, { day, done }) {
  const heads = ["accounts.key_title", "accounts.name", "accounts.scopes", "accounts.until", "accounts.used", "accounts.state"].map((key) => t(key));
  const rows = keys.map((key) => {
    const state = stateOf(key);
    const name = el("button", { type: "button", class: "link", id: `key-${key.id}`, on: { click: () => keyDialog(key, day, done) } }, key.title || key.id);
    const cells = [[name, key.title ? el("small", {}, key.id) : null], key.account, scopesText(key), day(key.expires_at), key.used_at ? day(key.used_at) : t("accounts.never"), el("span", { class: `state state-${STATES[state]}` }, t(`accounts.key_${state}`))];
    return labelled(heads, cells, { "data-key": key.id, class: state === "good" ? null : "over" });
  });
  return rows.length ? grid(heads, rows, { class: "grid keys" }) : el("p", { class: "empty" }, t("accounts.no_keys"));
}

const STATES = { good: "open", over: "away", revoked: "closed" };

// Cells know their heads: on a phone a row is a card.
export const labelled = (heads, cells, attributes) =>
  el("tr", attributes, cells.map((cell, i) => el(i ? "td" : "th", { "data-head": heads[i], ...(i ? {} : { scope: "row" }) }, cell)));

// From the least to the most, as roles are.
const VERBS = page.roles.at(-1).scopes;
const rank = (scope) => VERBS.indexOf(scope.split(":")[0]);
const scopesText = ({ scopes }) => inRow([...scopes].sort((a, b) => rank(a) - rank(b)).map(scopeText));

function scopeText(scope) {
  const [verb, layer] = scope.split(":");
  const title = titleOf(page.layers.find(({ id }) => id === layer)?.title) || layer;
  return layer ? `${t(`scope.${verb}`)} (${title})` : t(`scope.${verb}`);
}

function keyDialog(key, day, done) {
  const said = el("div", { class: "said" });
  const facts = [["accounts.name", key.account], ["accounts.scopes", scopesText(key)], ["accounts.made", `${day(key.created_at)} · ${key.created_by}`], ["accounts.until", day(key.expires_at)], ["accounts.used", key.used_at ? day(key.used_at) : t("accounts.never")]];
  const end = async () => {
    await ask(inPath("keys", key.id), { method: "DELETE" });
    closeDialog();
    await done();
    say(t("accounts.revoked", { name: key.title || key.id }));
  };
  const revoke = stateOf(key) === "revoked" ? null : el("p", { class: "buttons" }, writing(el("button", { type: "button", id: "key-revoke", on: { click: () => asked(said, "accounts.sure_revoke", "accounts.revoke", end) } }, t("accounts.revoke"))));
  openDialog(key.title || key.id, el("dl", { class: "facts" }, facts.flatMap(([name, value]) => [el("dt", {}, t(name)), el("dd", {}, value)])), revoke, said);
}

export function addKeyDialog(accounts, done) {
  const owners = accounts.filter(({ disabled }) => !disabled);
  const said = el("div", { class: "said" });
  const owner = el("select", { name: "account", required: true }, owners.map(({ name, display, role }) => el("option", { value: name }, `${display ? `${name} (${display})` : name} · ${t(`person.${role}`)}`)));
  const title = el("input", { name: "title", maxlength: 200, autocomplete: "off", required: true });
  const days = el("input", { name: "days", type: "number", min: 1, step: 1, required: true, inputmode: "numeric" });
  const scopes = el("div", { class: "boxes" });
  // What a key may do is of its account's role; what the account's screens need is offered first.
  const writes = limited("write-layers", "accounts.writes", "accounts.all_layers", "accounts.these_layers", page.layers.map(told), null);
  const turn = () => {
    const role = owners.find(({ name }) => name === owner.value)?.role ?? "wall";
    scopes.replaceChildren(...roleOf(role).scopes.map((verb) => named(tick("scopes", t(`scope.${verb}`), verb === "read"), verb)));
    days.max = DAYS_MOST[role] ?? DAYS_MOST_ELSE;
    days.value = role === "wall" ? DAYS_MOST.wall : DAYS;
  };
  const ticked = () => [...scopes.querySelectorAll("input:checked")].map((box) => box.value);
  const show = () => (writes.row.hidden = !ticked().includes("write"));
  owner.addEventListener("change", turn);
  owner.addEventListener("change", show);
  scopes.addEventListener("change", show);
  turn();
  show();
  const send = async () => {
    const chosen = ticked().flatMap((verb) => (verb === "write" ? (writes.value()?.map((layer) => `write:${layer}`) ?? verb) : verb));
    const { key, account } = await ask("keys", { send: { account: owner.value, scopes: chosen, title: title.value.trim(), days: Number(days.value) } });
    closeDialog();
    tellOnce(t("accounts.key_of", { name: account }), t("accounts.key_told"), key);
    await done();
  };
  const submit = (event) => {
    event.preventDefault();
    tried(said, send, ADDING);
  };
  const leave = el("button", { type: "button", on: { click: closeDialog } }, t("edit.leave"));
  openDialog(
    t("accounts.key_add"),
    el(
      "form", { class: "account-form", on: { submit } }, field(t("accounts.name"), owner), field(t("accounts.key_for"), title), field(t("accounts.days"), days),
      el("fieldset", {}, el("legend", {}, t("accounts.scopes")), scopes), writes.row, said, el("p", { class: "buttons" }, writing(el("button", { type: "submit", class: "main", id: "key-save" }, t("accounts.make"))), leave),
    ),
  );
}

function named(row, value) {
  row.querySelector("input").value = value;
  return row;
}
