// The page for signing in: who is signed in and out again, or the form; then on to the page the reader came for.

import { byId, el } from "./dom.js";
import { t } from "./page.js";
import { passwordForm } from "./own_password.js";
import { meet, session, signOut } from "./session.js";
import { signInForm } from "./sign_in.js";

const PAGES = { map: "./", field: "field", accounts: "accounts" };
const onward = PAGES[new URLSearchParams(location.search).get("next")] ?? PAGES.map;

async function draw() {
  await meet().catch(() => null);
  byId("sign-in").replaceChildren(...(session.caller ? known(session.caller) : [signInForm(() => location.assign(new URL(onward, document.baseURI)))]));
  document.body.dataset.drawn = "true";
}

// Every session ends with the old password, this one too.
async function changed() {
  await draw();
  byId("sign-in").prepend(el("p", { class: "done", role: "status" }, t("own.changed")));
}

function known({ name, role }) {
  const leave = async () => {
    await signOut();
    await draw();
  };
  return [
    el("p", {}, t("sign.as", { name, role: t(`person.${role}`) })),
    el("p", {}, el("a", { class: "main", href: onward }, t("sign.go_on"))),
    el("p", {}, el("button", { type: "button", class: "main second", id: "sign-out", on: { click: leave } }, t("sign.out"))),
    passwordForm(name, changed),
  ];
}

draw();
