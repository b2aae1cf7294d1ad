// A page that was opened before the service was upgraded: loaded anew where nobody is in the middle of something, else it says so.

import { el } from "./dom.js";
import { page, t } from "./page.js";

const RELOADED = "geo-risk reloaded for";

// Asked whenever the service is there again. For one build a page reloads itself once: two services of different age behind one
// address must not keep it reloading.
export async function lookForUpgrade(busy) {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  const served = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("page");
  const build = served ? JSON.parse(served.textContent).build : page.build;
  if (build === page.build) return;
  if (busy() || window.sessionStorage.getItem(RELOADED) === build) {
    offer();
    return;
  }
  window.sessionStorage.setItem(RELOADED, build);
  window.location.reload();
}

function offer() {
  const reload = el("button", { type: "button", id: "upgraded-reload", on: { click: () => window.location.reload() } }, t("app.reload"));
  document.getElementById("upgraded")?.remove();
  document.querySelector("main").before(el("div", { id: "upgraded", class: "lost", role: "status" }, t("app.upgraded"), " ", reload));
}
