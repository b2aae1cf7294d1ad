// The desk: who is signed in, the stream of changes, what changed, the map as it was, and changing it; beside the map, not in it.

import { byId, el, say } from "./dom.js";
import { Editing } from "./editing.js";
import { Flashes } from "./flash.js";
import { Following } from "./following.js";
import { layerGlyph } from "./glyphs.js";
import { historyPanel, lastOf } from "./history.js";
import { Live } from "./live.js";
import { News } from "./news.js";
import { ago, moment, t, titleOf } from "./page.js";
import { openPanel } from "./panel.js";
import { Pick } from "./pick.js";
import { problem } from "./said.js";
import { nowMs, seeAtLeast } from "./service.js";
import { callers, mayManage, mayWrite, meet, session, signOut } from "./session.js";
import { Shift } from "./shift.js";
import { signInDialog } from "./sign_in.js";
import { Then, then } from "./then.js";
import { lookForUpgrade } from "./upgrade.js";
import { feature } from "./writes.js";

const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

const keyOf = ({ layer, id }) => `${layer}/${id}`;

export class Desk {
  lastChange = null;
  own = null;
  heard = 0;
  offered = false;
  streamed = false;

  // `look(round)` draws what changed, `shown(touched)` the open panel, `anew()` everything; `placeOf` says where a feature is drawn.
  constructor({ map, layers, spots, open, placeOf, look, shown, anew, failed }) {
    Object.assign(this, { layers, open, placeOf, look, shown, anew, failed });
    this.flashes = new Flashes(map);
    this.pick = new Pick(map);
    this.news = new News({ layers, open });
    this.following = new Following({ bring: (round) => this.bring(round), failed });
    this.live = new Live({ took: (said) => this.following.take(this.others(said)), anew: () => this.resync(), turned: () => this.drawLive() });
    this.then = new Then({ turned: () => this.turned() });
    this.shift = new Shift({ layers, towns: spots, open, took: (revision, changes) => this.took(revision, changes) });
    this.editing = new Editing({ map, layers, open, lastOf, pick: this.pick, changed: (change) => this.changed(change) });
    const tools = { "open-add": () => this.editing.adding(), "open-then": () => this.then.panel(), "open-shift": () => this.shift.panel() };
    for (const [id, act] of Object.entries(tools)) byId(id).addEventListener("click", act);
    callers.addEventListener("session", ({ detail }) => this.met(detail));
    document.addEventListener("visibilitychange", () => this.seen());
  }

  async start() {
    await meet().catch(() => this.drawCaller());
    this.live.open();
  }

  // ---- the stream ----

  async bring(round) {
    const before = this.places(round.touched);
    seeAtLeast(round.revision);
    this.lastChange = round.at ?? new Date().toISOString();
    await Promise.all([this.look(round), this.shown(round.touched)]);
    this.drawLive();
    for (const [key, place] of this.places(round.touched)) if (place ?? before.get(key)) this.flashes.at(place ?? before.get(key));
    await this.news.tell(round.touched, round.at);
  }

  places(touched) {
    return new Map([...touched].flatMap(([layer, changes]) => [...changes.keys()].slice(0, 20).map((id) => [`${layer}/${id}`, this.placeOf(layer, id)])));
  }

  changed({ revision, layer, id, op = "update" }) {
    return this.took(revision, [{ layer, id, op }]);
  }

  // Changes of this page's own need no event to be drawn.
  async took(revision, changes) {
    seeAtLeast(revision);
    if (this.heard >= revision) return; // the stream was faster than the answer
    this.own = { revision, keys: new Set(changes.map(keyOf)) };
    await this.following.take({ revision, changes, recorded_at: new Date().toISOString() });
  }

  // Without this page's own changes, which are drawn already: known by their revision, unless others' came with them.
  others(said) {
    this.heard = Math.max(this.heard, said.revision);
    const own = this.own;
    this.own = null;
    if (own?.revision !== said.revision) return said;
    return { ...said, changes: said.changes.filter((change) => !own.keys.has(keyOf(change))) };
  }

  // Also where the service ended the stream because the caller may no longer read it.
  resync() {
    meet().catch(() => {});
    if (this.streamed) lookForUpgrade(() => Boolean(then.at) || !byId("panel").hidden || "drawing" in document.body.dataset).catch(() => {});
    this.streamed = true;
    if (!then.at) this.look();
  }

  seen() {
    if (document.hidden) this.live.pause();
    else if (!then.at) this.live.resume();
  }

  drawLive() {
    const { state, since } = this.live;
    const holder = byId("live");
    holder.dataset.state = state;
    byId("live-text").textContent = t(`live.${state}`, { since: since ? clock.format(since) : "" });
    byId("live-last").textContent = this.lastChange ? t("live.last", { time: clock.format(new Date(this.lastChange)) }) : "";
  }

  // ---- who asks ----

  met({ first }) {
    this.offered = false;
    this.drawCaller();
    if (first) return;
    seeAtLeast(0);
    this.live.open();
    this.anew();
  }

  drawCaller() {
    const { caller } = session;
    const out = () => signOut().catch((error) => this.failed(error));
    byId("caller").replaceChildren(
      ...(caller
        ? [el("b", {}, caller.name), el("span", {}, ` · ${t(`person.${caller.role}`)}`), " ", ...(mayManage() ? [el("a", { id: "open-accounts", href: "accounts" }, t("app.accounts")), " "] : []), el("button", { type: "button", id: "sign-out", on: { click: out } }, t("sign.out"))]
        : [el("a", { id: "sign-in", href: "sign-in", on: { click: (event) => this.enter(event) } }, t("sign.in"))]),
    );
    byId("open-add").hidden = !mayWrite({ id: "", group: "response" }) && !(caller?.writes ?? []).length;
  }

  enter(event) {
    event.preventDefault();
    signInDialog();
  }

  // Offered once where the service wants to know who asks; not again and again.
  offer() {
    if (!this.offered) signInDialog();
    this.offered = true;
  }

  // ---- the past ----

  turned() {
    if (then.at) this.live.pause();
    else if (!document.hidden) this.live.resume();
    for (const button of document.querySelectorAll("[data-now-only]")) button.disabled = Boolean(then.at);
    this.anew();
  }

  // ---- a feature ----

  // What stands below the head of a feature's panel: changing it for those who may, its history for all.
  async tools(layer, id, now) {
    const history = el("button", { type: "button", id: "feature-history", on: { click: () => this.history(layer, id) } }, t("history.open"));
    const said = el("div", { class: "said" });
    const changing = then.at ? [] : await this.editing.tools(layer, id, now).catch((error) => [problem(error)]);
    const row = changing.find((each) => each.matches?.(".actions"));
    if (row) row.append(history);
    return el("section", { class: "feature-tools", id: "feature-tools" }, ...changing, row ? null : el("p", { class: "actions" }, history), then.at ? null : this.last(layer, id), said);
  }

  // Who made it what it is, and when: known a moment later than the rest.
  last(layer, id) {
    const line = el("p", { class: "note", id: "last-change" });
    const tell = ({ who, at }) => line.replaceChildren(at ? [t("history.last", { time: `${moment(at)} (${ago((nowMs() - Date.parse(at)) / 1000)})` }), who].filter(Boolean).join(" · ") : "");
    lastOf(layer.id, id).then(tell).catch(() => {});
    return line;
  }

  async history(layer, id) {
    const name = byId("panel").querySelector("h2")?.textContent ?? id;
    try {
      await historyPanel(layer, id, name, { layers: this.layers, took: (revision, changes) => this.took(revision, changes), back: () => this.open(layer.id, id) });
    } catch (error) {
      byId("feature-tools")?.querySelector(".said").replaceChildren(problem(error));
    }
  }

  // Somebody may have changed what is being edited here.
  async meanwhile({ layer, id }) {
    const panel = byId("panel");
    const { etag } = panel.dataset;
    const now = etag ? await feature(layer, id).catch(() => null) : null;
    if (!now || now.etag === etag || panel.dataset.etag !== etag || byId("meanwhile")) return;
    panel.querySelector("header").after(el("p", { id: "meanwhile", class: "refused", role: "status" }, t("edit.meanwhile")));
  }

  gone(layer, id) {
    openPanel(t("edit.gone"), `${titleOf(layer.title)} · ${id}`, layerGlyph(layer), el("p", { class: "actions" }, el("button", { type: "button", on: { click: () => this.history(layer, id) } }, t("history.open"))));
    say(t("edit.gone"));
  }

  takes(latlng) {
    return this.editing.takes(latlng);
  }

  paper() {
    const of = then.at ? [el("p", { class: "paper-then" }, `${t("then.mark")} ${moment(then.at.toISOString())}`)] : [];
    return [...of, ...this.shift.paper()];
  }
}
