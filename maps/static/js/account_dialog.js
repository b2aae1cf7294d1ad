// Dialogs over the lists: a title and a body; what an act came to is said inside; and a secret that is shown once.

import { byId, el } from "./dom.js";
import { t } from "./page.js";
import { problemWord } from "./said.js";
import { signInDialog } from "./sign_in.js";
import { standing } from "./standing.js";

// Lists are drawn anew while a dialog is open: who opened it is found by its id. What was shown goes with the dialog.
export function openDialog(title, ...body) {
  byId("account-dialog")?.close();
  const opener = document.activeElement?.id;
  const leave = el("button", { type: "button", class: "close", "aria-label": t("panel.close"), on: { click: () => dialog.close() } }, "×");
  const dialog = el("dialog", { id: "account-dialog", "aria-labelledby": "dialog-title" }, el("header", {}, el("h2", { id: "dialog-title" }, title), leave), body.flat());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener) byId(opener)?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export const closeDialog = () => byId("account-dialog")?.close();

// What went wrong, in the reader's language; `others` are words for statuses that mean something of their own here.
export function failure(error, others, again) {
  const detail = [error.status ? error.message : "", error.detail].filter(Boolean).join(" · ");
  const enter = error.status === 401 ? el("button", { type: "button", class: "sign-in-here", on: { click: () => signInDialog(again) } }, t("sign.in")) : null;
  return el("div", { class: "failure", role: "alert" }, el("p", {}, problemWord(error, others), " ", enter), detail ? el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, detail)) : null);
}

// Does the act while its buttons cannot be pressed again; what goes wrong is said in `said`, and what was typed stays.
export async function tried(said, act, others = {}) {
  const buttons = [...(byId("account-dialog")?.querySelectorAll("button:not(.close)") ?? [])].filter((each) => !each.disabled);
  for (const each of buttons) each.disabled = true;
  said.replaceChildren();
  try {
    await act();
  } catch (error) {
    said.replaceChildren(failure(error, others, () => said.replaceChildren()));
  } finally {
    for (const each of buttons) each.disabled = Boolean(standing.problem) && each.hasAttribute("data-writes");
  }
}

// A secret that the service tells once: it stands here until the dialog is closed, and nowhere else. It is not printed.
export function tellOnce(title, told, secret) {
  const shown = el("output", { class: "secret", id: "secret", tabindex: 0 }, secret);
  const whole = () => getSelection().selectAllChildren(shown);
  shown.addEventListener("focus", whole);
  shown.addEventListener("click", whole);
  openDialog(title, el("p", {}, told), shown, el("p", { class: "once" }, t("accounts.once")), el("p", { class: "buttons" }, el("button", { type: "button", class: "main", id: "told", on: { click: closeDialog } }, t("accounts.noted"))));
  shown.focus();
}
