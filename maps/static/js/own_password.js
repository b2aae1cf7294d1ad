// One's own password: the old one, and the new one twice. What one was told by an admin is changed here.

import { el } from "./dom.js";
import { t } from "./page.js";
import { ask } from "./service.js";
import { refusal } from "./sign_in.js";

const LEAST = 12;

// `done` is called once the service took it; by then every session of the account has ended.
export function passwordForm(name, done) {
  const said = el("p", { class: "refused", role: "alert" });
  const [old, first, again] = [["old", "current-password"], ["new", "new-password"], ["again", "new-password"]].map(([id, kind]) => el("input", { name: id, type: "password", autocomplete: kind, maxlength: 200, required: true, minlength: id === "old" ? null : LEAST }));
  const button = el("button", { type: "submit", class: "main second", id: "password-save" }, t("own.change"));
  const who = el("input", { class: "unseen", autocomplete: "username", value: name, tabindex: -1, "aria-hidden": "true", readonly: true });
  const submit = async (event) => {
    event.preventDefault();
    if (first.value !== again.value) said.textContent = t("own.differ");
    else await sent({ old, first, again, said, button }, done);
  };
  return el(
    "details", { id: "own-password" }, el("summary", {}, t("own.change")),
    el("form", { class: "sign-in", on: { submit } }, who, asked("own.old", old), asked("own.new", first), asked("own.again", again), el("p", { class: "note" }, t("own.fit")), button, said),
  );
}

const asked = (label, input) => el("label", { class: "asked" }, el("span", {}, t(label)), input);

async function sent({ old, first, again, said, button }, done) {
  button.disabled = true;
  said.textContent = "";
  try {
    await ask("session/password", { method: "PUT", send: { old: old.value, new: first.value } });
    for (const each of [old, first, again]) each.value = "";
    await done();
  } catch (error) {
    said.textContent = error.status === 400 ? t("own.unfit") : error.status === 403 ? t("own.by_key_only") : refusal(error);
  } finally {
    button.disabled = false;
  }
}
