// What is done to one account: changed, given another password, signed out, let in no more; each is sent as it is asked for.

import { closeDialog, openDialog, tellOnce, tried } from "./account_dialog.js";
import { accountForm } from "./account_form.js";
import { el, say } from "./dom.js";
import { t } from "./page.js";
import { ask, inPath } from "./service.js";
import { writing } from "./standing.js";

const ADDING = { 400: "accounts.not_fit", 409: "accounts.taken" };
const CHANGING = { 400: "accounts.not_fit", 404: "accounts.gone", 409: "accounts.last_admin" };
const at = (name, ...more) => inPath("accounts", name, ...more);

// `done` draws the lists anew.
export function addDialog(areas, done) {
  const form = accountForm(null, areas);
  const said = el("div", { class: "said" });
  const send = async () => {
    const { generated: secret, name } = await ask("accounts", { send: { name: form.name(), ...form.stated(), ...(form.generated() ? { password: "generated" } : {}) } });
    closeDialog();
    if (secret) tellOnce(t("accounts.password_of", { name }), t("accounts.password_told"), secret);
    await done();
    say(t("accounts.added", { name }));
  };
  openDialog(t("accounts.add"), shell(form, said, "account-save", "accounts.make", () => tried(said, send, ADDING)));
}

export function changeDialog(account, areas, { done, mine }) {
  const { name } = account;
  const form = accountForm(account, areas);
  const said = el("div", { class: "said" });
  const send = async () => {
    const changes = form.changes();
    if (Object.keys(changes).length) await ask(at(name), { method: "PATCH", send: changes });
    closeDialog();
    await done();
    say(t("accounts.changed", { name }));
  };
  openDialog(name, mine ? el("p", { class: "doubt" }, t("accounts.yourself")) : null, shell(form, said, "account-save", "edit.save", () => tried(said, send, CHANGING)), acts(account, done));
}

function shell(form, said, id, word, send) {
  const submit = (event) => {
    event.preventDefault();
    send();
  };
  const leave = el("button", { type: "button", on: { click: closeDialog } }, t("edit.leave"));
  return el("form", { class: "account-form", on: { submit } }, form.rows, said, el("p", { class: "buttons" }, writing(el("button", { type: "submit", class: "main", id }, t(word))), leave));
}

// Each is asked once more before it is done.
function acts(account, done) {
  const { name, disabled } = account;
  const said = el("div", { class: "said" });
  const after = async (word) => {
    closeDialog();
    await done();
    say(t(word, { name }));
  };
  const password = async () => {
    const { generated: secret } = await ask(at(name, "password"), { method: "PUT", send: { password: "generated" } });
    tellOnce(t("accounts.password_of", { name }), t("accounts.password_told"), secret);
    await done();
    say(t("accounts.password_changed", { name }));
  };
  const out = async () => {
    await ask(at(name, "sessions"), { method: "DELETE" });
    await after("accounts.signed_out");
  };
  const turn = async () => {
    await ask(at(name), { method: "PATCH", send: { disabled: !disabled } });
    await after(disabled ? "accounts.enabled_now" : "accounts.disabled_now");
  };
  const rows = [
    ["account-password", "accounts.new_password", "accounts.sure_password", password],
    ["account-sign-out", "accounts.sign_out", "accounts.sure_sign_out", out],
    ["account-turn", disabled ? "accounts.enable" : "accounts.disable", disabled ? "accounts.sure_enable" : "accounts.sure_disable", turn],
  ];
  return el("section", { class: "acts" }, el("p", { class: "buttons" }, rows.map(([id, word, sure, act]) => writing(el("button", { type: "button", id, on: { click: () => asked(said, sure, word, act) } }, t(word))))), said);
}

export function asked(said, sure, word, act) {
  const others = CHANGING;
  const yes = writing(el("button", { type: "button", class: "danger", id: "sure", on: { click: () => tried(said, act, others) } }, t(word)));
  const no = el("button", { type: "button", on: { click: () => said.replaceChildren() } }, t("edit.leave"));
  said.replaceChildren(el("p", {}, t(sure)), el("p", { class: "buttons" }, yes, no));
  yes.focus();
}
