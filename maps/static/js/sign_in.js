// Signing in: on its own page, or in a dialog over what is being typed, so that nothing of it is lost.

import { byId, el } from "./dom.js";
import { t } from "./page.js";
import { signIn } from "./session.js";

// `done` is called once the service knows the caller.
export function signInForm(done) {
  const said = el("p", { class: "refused", role: "alert" });
  const name = el("input", { name: "name", autocomplete: "username", maxlength: 200, autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { name: "password", type: "password", autocomplete: "current-password", maxlength: 1000 });
  const key = el("input", { name: "key", type: "password", autocomplete: "off", maxlength: 500 });
  const submit = async (event) => {
    event.preventDefault();
    await enter({ name, password, key, said, button: event.target.querySelector("[type=submit]") }, done);
  };
  return el(
    "form", { class: "sign-in", on: { submit } },
    asked("sign.name", name), asked("sign.password", password),
    el("details", {}, el("summary", {}, t("sign.by_key")), asked("sign.key", key), el("p", { class: "note" }, t("sign.key_hint"))),
    el("button", { type: "submit", class: "main" }, t("sign.in")), said,
  );
}

const asked = (label, input) => el("label", { class: "asked" }, el("span", {}, t(label)), input);

async function enter({ name, password, key, said, button }, done) {
  button.disabled = true;
  said.textContent = "";
  try {
    await signIn(key.value ? { key: key.value.trim() } : { name: name.value, password: password.value });
    for (const each of [password, key]) each.value = "";
    await done();
  } catch (error) {
    said.textContent = refusal(error);
    password.focus();
  } finally {
    button.disabled = false;
  }
}

const REFUSALS = { 0: "error.silent", 400: "sign.refused", 401: "sign.refused", 403: "sign.refused", 422: "sign.refused" };

export function refusal({ status = 0, headers }) {
  const wait = headers?.get("Retry-After");
  if (status === 429 || wait) return t("sign.wait", { seconds: wait ?? "60" });
  return t(REFUSALS[status] ?? "error.fault");
}

// Over the page as it is; Escape leaves it.
export function signInDialog(done = () => {}) {
  byId("sign-in-dialog")?.remove();
  const dialog = el("dialog", { id: "sign-in-dialog", "aria-labelledby": "sign-in-title" });
  const leave = el("button", { type: "button", class: "close", "aria-label": t("panel.close"), on: { click: () => dialog.close() } }, "×");
  const form = signInForm(async () => {
    dialog.close();
    await done();
  });
  dialog.append(el("header", {}, el("h2", { id: "sign-in-title" }, t("sign.title")), leave), form);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
  form.elements.namedItem("name").focus();
}
