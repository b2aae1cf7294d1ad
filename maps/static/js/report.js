// Reports from the field: the state of a feature near, or a new one; written with or without network, sent by the queue.

import { byId, el } from "./dom.js";
import { editForm } from "./edit_form.js";
import { newKey } from "./keys.js";
import { moment, nameOf, page, t, titleOf, valueText } from "./page.js";
import { Queue } from "./queue.js";
import { problemWord } from "./said.js";
import { answered, inPath } from "./service.js";
import { callers, mayWrite, meet, session, signOut } from "./session.js";
import { signInDialog } from "./sign_in.js";

const LAST_CALLER = "geo-risk last caller";
const NOTE_LENGTH = 300;
const TAKEN_BEFORE = "urn:geo-risk:KeyReused";
const RESENT_MS = 60000;
const layerOf = (id) => page.layers.find((each) => each.id === id);
let queue = null;
let withdrawn = null;

export function startReports() {
  queue = new Queue({ storage: window.localStorage, send, whoAsks, changed: () => drawQueue() });
  byId("reports").hidden = false;
  byId("report-new").addEventListener("click", () => newReport());
  callers.addEventListener("session", () => known());
  window.addEventListener("online", () => met());
  window.addEventListener("storage", () => queue.load() && drawQueue());
  document.addEventListener("visibilitychange", () => !document.hidden && met());
  drawCaller();
  drawQueue();
  met();
  setInterval(() => queue.next && !session.known && met(), RESENT_MS);
}

// Who was signed in last is known without network too: what is written then is his.
const whoAsks = () => (session.known ? session.caller?.name ?? null : window.localStorage.getItem(LAST_CALLER));

async function met() {
  await meet().catch(() => drawCaller());
  queue.run({ now: true });
}

function known() {
  if (session.caller) window.localStorage.setItem(LAST_CALLER, session.caller.name);
  drawCaller();
  offer();
  queue.run({ now: true });
}

function drawCaller() {
  const { caller } = session;
  const name = caller?.name ?? (session.known ? null : window.localStorage.getItem(LAST_CALLER));
  const enter = el("a", { href: `sign-in?next=field&lang=${page.language}`, id: "sign-in", on: { click: (event) => entering(event) } }, t("sign.in"));
  const leave = el("button", { type: "button", id: "sign-out", on: { click: () => signOut().then(() => window.localStorage.removeItem(LAST_CALLER)) } }, t("sign.out"));
  byId("caller").replaceChildren(...(name ? [name, caller ? ` · ${t(`person.${caller.role}`)} ` : " ", caller ? leave : ""] : [enter]));
}

function entering(event) {
  event.preventDefault();
  signInDialog();
}

// ---- what is written ----

// On each card whose layer may be reported on, once who asks is known.
export function offer() {
  for (const card of document.querySelectorAll(".card[data-id]")) {
    card.querySelector(".report-row")?.remove();
    if (!layerOf(card.dataset.layer) || (session.known && !mayWrite(layerOf(card.dataset.layer)))) continue;
    const open = el("button", { type: "button", class: "report", on: { click: () => reportOn(card) } }, t("report.on"));
    card.append(el("p", { class: "report-row" }, open));
  }
}

function reportOn(card) {
  const layer = layerOf(card.dataset.layer);
  const name = card.querySelector(".name").textContent;
  const status = layer.columns.find((column) => column.name === "status");
  const rest = layer.columns.filter((column) => column.name !== "status" && layer.reported.includes(column.name));
  const chosen = status ? statusChoice(status) : null;
  const form = editForm(rest, {});
  const put = (note) => {
    const properties = { ...(chosen?.value() ? { status: chosen.value() } : {}), ...form.changed() };
    if (!Object.keys(properties).length) return t("report.empty");
    return form.refuse(form.faults()).length || form.faults().length ? "" : keep({ layer: layer.id, id: card.dataset.id, name, properties, note });
  };
  card.querySelector(".report-form")?.remove();
  card.append(reportForm(t("report.title", { name }), [chosen?.row, form.rows.length ? el("details", { class: "more" }, el("summary", {}, t("report.more")), form.rows) : null], put, () => card.querySelector(".report-form").remove()));
  card.querySelector(".report-form input, .report-form select, .report-form button")?.focus();
}

function newReport() {
  const layers = page.layers.filter((layer) => !session.known || mayWrite(layer));
  const holder = byId("report-new-form");
  if (!layers.length) {
    holder.replaceChildren(el("p", { class: "refused" }, t("report.none_writable")));
    return;
  }
  const select = el("select", { id: "report-layer" }, layers.map((layer) => el("option", { value: layer.id }, titleOf(layer.title))));
  const draw = () => {
    const layer = layerOf(select.value);
    const [needed, rest] = [true, false].map((asked) => layer.columns.filter((column) => (column.required || column.name === "status") === asked));
    const form = editForm(needed, {});
    const more = editForm(rest, {});
    const place = placeFields();
    const put = (note) => {
      const faults = [form, more].flatMap((each) => (each.refuse(each.faults()), each.faults()));
      const geometry = place.geometry();
      if (faults.length) return "";
      if (!geometry) return t("edit.fault_place");
      const properties = { ...form.changed(), ...more.changed() };
      return keep({ layer: layer.id, id: null, name: nameOf(properties, titleOf(layer.title)), properties, geometry, note });
    };
    const parts = [el("label", {}, t("edit.layer"), select), place.row, ...form.rows, el("details", { class: "more" }, el("summary", {}, t("report.more")), more.rows)];
    holder.replaceChildren(reportForm(t("report.new"), parts, put, () => holder.replaceChildren()));
    select.focus();
  };
  select.addEventListener("change", draw);
  draw();
}

function statusChoice(column) {
  let chosen = null;
  const buttons = column.choices.map((choice) => el("button", { type: "button", class: `turn turn-${choice.id}`, "data-status": choice.id, "aria-pressed": "false", on: { click: () => turn(choice.id) } }, titleOf(choice)));
  const turn = (id) => {
    chosen = chosen === id ? null : id;
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.status === chosen));
  };
  return { row: el("div", { class: "switch", role: "group", "aria-label": titleOf(column.title) }, buttons), value: () => chosen };
}

// The position as it stands in the form above, by GPS or typed.
function placeFields() {
  const [lon, lat] = ["lon", "lat"].map((name) => {
    const input = el("input", { inputmode: "text", autocomplete: "off", id: `report-${name}`, maxlength: 40 });
    input.value = byId(name).value;
    return input;
  });
  const row = el("div", { class: "pair" }, el("label", {}, t("edit.lon"), lon), el("label", {}, t("edit.lat"), lat));
  const number = ({ value }, most) => (value.trim() !== "" && Math.abs(Number(value)) <= most ? Number(value) : null);
  const geometry = () => {
    const at = [number(lon, 180), number(lat, 90)];
    return at.includes(null) ? null : { type: "Point", coordinates: at };
  };
  return { row, geometry };
}

// `put(note)` gives what is wrong, or null once the report is kept.
function reportForm(title, parts, put, leave) {
  const note = el("textarea", { rows: 2, maxlength: NOTE_LENGTH, name: "note" });
  const said = el("p", { class: "refused", role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const wrong = put(note.value.replace(/\s+/g, " ").trim());
    said.textContent = wrong ?? "";
    if (wrong === null) leave();
  };
  return el(
    "form", { class: "report-form", novalidate: true, on: { submit, keydown: (event) => event.key === "Escape" && leave() } },
    el("h3", {}, title), ...parts.filter(Boolean), el("label", {}, t("report.note"), note), said,
    el("button", { type: "submit", class: "main" }, t("report.send")), el("button", { type: "button", class: "main second", on: { click: leave } }, t("edit.leave")),
  );
}

function keep(report) {
  const kept = queue.add({ ...report, key: newKey(), observedAt: new Date().toISOString() });
  byId("report-said").textContent = t(kept ? "report.kept" : "report.not_kept");
  return null;
}

// ---- what is sent ----

// The device's own clock goes along, so that a wrong one is noticed.
async function send({ layer, id, properties, geometry, note, key, observedAt }) {
  const told = { properties, observed_at: observedAt, sent_at: new Date().toISOString(), ...(geometry ? { geometry } : {}), ...(note ? { reason: note } : {}) };
  const path = inPath("collections", layer, "items", ...(id === null ? [] : [id]));
  const given = id === null ? { send: { type: "Feature", geometry: null, ...told } } : { method: "PATCH", send: told, headers: { "If-Match": "*" } };
  try {
    const { body } = await answered(path, { ...given, headers: { ...given.headers, "Idempotency-Key": key }, timeoutMs: 20000 });
    return { late: body.late === true, current: body.late ? body.properties ?? null : null };
  } catch (error) {
    // The key is ours alone: it was taken before, though no answer came.
    if (error.body?.type !== TAKEN_BEFORE) throw error;
    return { late: false, current: null };
  }
}

// ---- what became of it ----

function drawQueue() {
  const rows = [...queue.reports].reverse();
  const waiting = rows.filter(({ state }) => state === "waiting").length;
  byId("queue-note").textContent = waiting ? t("report.waiting_count", { n: waiting }) : "";
  byId("queue").replaceChildren(...rows.map(row));
  byId("queue-stopped").replaceChildren(...(waiting && queue.stopped ? stopped() : []));
  document.body.dataset.waiting = String(waiting);
}

function stopped() {
  const enter = queue.stopped === "report.sign_in" || queue.stopped === "report.other";
  return [t(queue.stopped, { name: queue.next?.by ?? "" }), " ", enter ? el("button", { type: "button", class: "link", on: { click: () => signInDialog() } }, t("sign.in")) : el("button", { type: "button", class: "link", on: { click: () => met() } }, t("report.try_now"))];
}

function row(report) {
  const { layer, name, properties, observedAt, state, note } = report;
  const known = layerOf(layer);
  const told = Object.entries(properties).map(([column, value]) => {
    const declared = known?.columns.find((each) => each.name === column);
    return declared ? pair(declared, value) : `${column}: ${value}`;
  });
  const gone = state === "waiting" ? withdrawal(report) : el("button", { type: "button", class: "link drop", on: { click: () => queue.drop(report) } }, t("report.clear"));
  return el(
    "li", { class: `report-${state}`, "data-state": state },
    el("p", {}, el("b", {}, t(state === "waiting" && report === queue.sending ? "report.sending" : `report.${state}`)), " ", titleOf(known?.title) || layer, " · ", name),
    el("p", { class: "way" }, [...told, note, t("report.observed", { time: moment(observedAt) })].filter(Boolean).join(" · ")),
    ...outcome(report, known), report.kept ? null : el("p", { class: "refused" }, t("report.not_kept")), gone,
  );
}

// What never left the phone is withdrawn by one press; where sending was tried the reader hears first that it may have arrived.
function withdrawal(report) {
  if (report === queue.sending) return null;
  const press = () => {
    if (!report.tried || withdrawn === report) queue.drop(report);
    else withdrawn = report;
    drawQueue();
  };
  const button = el("button", { type: "button", class: "link drop", on: { click: press } }, t("report.withdraw"));
  return withdrawn === report ? el("div", { role: "alert" }, el("p", { class: "refused" }, t("report.withdraw_tried")), button) : button;
}

const pair = (column, value) => t("report.pair", { title: titleOf(column.title), value: valueText(column, value) });

function outcome({ state, status, why, current, properties }, layer) {
  if (state === "refused") return [el("p", { class: "refused" }, problemWord({ status }, { 404: "report.gone" })), why ? el("details", {}, el("summary", {}, t("problem.detail")), el("p", { lang: "en" }, why)) : null];
  if (state !== "late" || !current) return [];
  const now = Object.keys(properties).map((name) => layer?.columns.find((column) => column.name === name)).filter(Boolean);
  return [el("p", {}, t("report.late_current", { current: now.map((column) => pair(column, current[column.name])).join(" · ") }))];
}
