// What JavaScript adds to the field page: position, pasted coordinates, a small map, filters, and a list that stays
// when the network goes. Without it the form and the server's list do the work.

import { byId, el } from "./dom.js";
import { page, t } from "./page.js";
import { offer, startReports } from "./report.js";
import { tellStanding } from "./service.js";
import "./standing.js";

const form = byId("ask");
const notice = byId("notice");

function tell(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function fill(lon, lat) {
  byId("lon").value = Number(lon).toFixed(6);
  byId("lat").value = Number(lat).toFixed(6);
}

// ---- the answer ----

// The server's page is parsed as a document without scripts, and its list takes the place of ours.
async function search() {
  tell(t("field.asking"));
  const url = new URL("field", document.baseURI);
  url.search = new URLSearchParams(new FormData(form)).toString();
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(20000), headers: { Accept: "text/html" } });
    tellStanding(response.headers);
    const answer = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("answer");
    if (!answer) throw new TypeError("an answer without a list");
    byId("answer").replaceWith(document.adoptNode(answer));
    history.replaceState(null, "", url);
    tell("");
    markWrong(byId("answer").querySelector(".problem"));
    byId("where-text").textContent = `${byId("lon").value}, ${byId("lat").value}`;
    chips();
    offer();
  } catch {
    tell(t("field.offline", { time: byId("answer").dataset.updated || "–" }));
  }
}

// Where the server says that a part of the form is wrong, the form opens there.
function markWrong(problem) {
  const wrong = problem?.dataset.wrong;
  byId("where").open = Boolean(problem);
  for (const name of ["lon", "lat", "radius_m"]) form.elements[name].setAttribute("aria-invalid", String(name === wrong));
  if (wrong === "radius_m" || wrong === "layers") form.querySelector(".more").open = true;
}

function chips() {
  const cards = [...document.querySelectorAll(".card")];
  const titles = new Map(cards.map((card) => [card.dataset.layer, card.dataset.layerTitle]));
  const holder = byId("chips");
  if (!holder || titles.size < 2) return;
  const choose = (layer, button) => {
    for (const card of cards) card.hidden = layer !== null && card.dataset.layer !== layer;
    for (const each of holder.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button));
  };
  const rows = [[null, t("field.all")], ...titles].map(([layer, title], i) => el("li", {}, el("button", { type: "button", "aria-pressed": String(i === 0), on: { click: (event) => choose(layer, event.currentTarget) } }, title)));
  holder.replaceChildren(...rows);
  holder.hidden = false;
}

// ---- the position ----

function locate() {
  if (!window.isSecureContext || !navigator.geolocation) {
    tell(t("field.gps_blocked"));
    return;
  }
  tell(t("field.gps_waiting"));
  navigator.geolocation.getCurrentPosition(
    async ({ coords }) => {
      fill(coords.longitude, coords.latitude);
      await search();
      if (notice.hidden) tell(t("field.gps_got", { metres: Math.round(coords.accuracy) }));
    },
    () => tell(t("field.gps_denied")),
    { enableHighAccuracy: true, timeout: 20000, maximumAge: 15000 },
  );
}

// "119.92, 28.46", "28.46 119.92", "119.92；28.46": two numbers in either order where only one order can be.
export function coordinates(text) {
  const numbers = text.replaceAll("，", ",").replaceAll("；", ",").match(/[-+]?\d+(?:\.\d+)?/g)?.map(Number) ?? [];
  if (numbers.length !== 2 || numbers.some((value) => Math.abs(value) > 180)) return null;
  const [first, second] = numbers;
  const swapped = Math.abs(second) > 90 || (Math.abs(first) <= 60 && second > 60 && second < 180 && first > 0);
  const [lon, lat] = swapped ? [second, first] : [first, second];
  return Math.abs(lat) > 90 ? null : { lon, lat, swapped };
}

function pasted() {
  const found = coordinates(byId("paste").value);
  if (!byId("paste").value.trim()) return;
  if (!found) {
    tell(t("field.paste_bad"));
    return;
  }
  fill(found.lon, found.lat);
  tell(found.swapped ? t("field.paste_swapped", found) : "");
}

// ---- the small map, loaded only when it is opened ----

const loaded = (tag, attributes) => new Promise((resolve, reject) => {
  document.head.append(el(tag, { ...attributes, on: { load: resolve, error: reject } }));
});

let mapAsked = false;

async function openMap() {
  if (mapAsked) return;
  mapAsked = true;
  try {
    await Promise.all(page.map.styles.map((href) => loaded("link", { rel: "stylesheet", href })));
    for (const src of page.map.scripts) await loaded("script", { src });
    const { startFieldMap } = await import("./field_map.js");
    await startFieldMap(window[page.map.id], { lon: Number(byId("lon").value), lat: Number(byId("lat").value) }, (at) => {
      fill(at.lng, at.lat);
      search();
    });
  } catch {
    mapAsked = false;
    tell(t("field.map_failed"));
  }
}

for (const id of ["gps-row", "paste-row", "map-row"]) byId(id).hidden = false;
byId("gps").addEventListener("click", locate);
byId("paste").addEventListener("change", pasted);
byId("map-row").addEventListener("toggle", () => byId("map-row").open && openMap());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
chips();
startReports();
