// The shape of a line or an area, in a form: drawn or reshaped on the map, or typed as a list; what is wrong with it, and where.

import { listed, readList, unclosed } from "./coordinate_list.js";
import { faultOf } from "./crossings.js";
import { byId, el, say } from "./dom.js";
import { geometryOf, isClosed, least, partsOf, vertexCount, withBorder, withoutPart } from "./outline.js";
import { number, t } from "./page.js";
import { shapeText } from "./shape_told.js";

const { L } = window;
const MOST_VERTICES = 80000; // more would not go through the service's door in one request
const LISTED_MOST = 2000;
const CHECKED_AT_ONCE = 5000;
const SMALL_PX = 200; // too small to be reshaped by hand

export class ShapeField {
  part = 0;
  wrong = null;

  constructor({ geometry: kind, place_optional: optional }, geometry, drawing) {
    Object.assign(this, { kind, optional, drawing, before: geometry ?? null, first: partsOf(geometry), shownList: "" });
    Object.assign(this, { parts: this.first, several: geometry?.type.startsWith("Multi") ?? false });
    this.build();
    this.tell();
    whileShown(this.row, () => this.drawing.leave(this));
  }

  build() {
    const button = (id, key, act) => el("button", { type: "button", id: `shape-${id}`, on: { click: act } }, t(key));
    this.told = el("p", { id: "shape-told", class: "note" });
    this.refused = el("div", { id: "shape-fault", class: "said" });
    this.select = el("select", { id: "shape-part", on: { change: () => this.choose(this.select.selectedIndex) } });
    this.picker = el("label", { class: "asked" }, el("span", {}, t("shape.part")), this.select);
    this.buttons = {
      draw: button("draw", "shape.draw", () => this.draw(this.part)),
      reshape: button("reshape", "shape.reshape", () => this.reshape()),
      more: button("more", "shape.more", () => this.draw(this.parts.length)),
      less: button("less", "shape.less", () => this.less()),
      again: button("again", "shape.again", () => this.again()),
    };
    this.list = el("textarea", { id: "shape-list", rows: 6, spellcheck: "false", autocomplete: "off", "aria-describedby": "shape-list-hint shape-list-said" });
    this.listSaid = el("p", { id: "shape-list-said", class: "refused", role: "alert" });
    const byList = el("details", { class: "shape-by-list" }, el("summary", {}, t("shape.list")), el("label", { for: "shape-list", id: "shape-list-hint" }, t("shape.list_hint")), this.list, this.listSaid, button("list-take", "shape.list_take", () => this.take() && this.frame()));
    this.row = el("fieldset", { class: "place shape", tabindex: "-1" }, el("legend", {}, t("shape.title")), this.told, this.refused, this.picker, ...Object.values(this.buttons), byList);
  }

  // ---- what the form asks ----

  geometry() {
    return geometryOf(this.parts, this.kind, this.several);
  }

  // Whether a shape is to be sent: another than was read, or the one that a new feature must have.
  moved() {
    return this.differs() || (!this.before && !this.optional);
  }

  unsaved() {
    return this.differs() || this.pending() || (this.drawing.mode === "draw" && this.drawing.corners.length > 0);
  }

  differs() {
    return this.parts !== this.first && JSON.stringify(this.geometry()) !== JSON.stringify(this.before);
  }

  // Why it cannot be sent, or null. What is typed or drawn to an end counts; what is half drawn is not thrown away.
  fault() {
    if (this.drawing.mode === "draw" && !this.drawing.corners.length) this.drawing.drop();
    if (this.drawing.mode) this.drawing.end();
    if (this.drawing.mode) return t("shape.unfinished");
    if (!this.take()) return this.listSaid.textContent;
    this.check();
    if (this.wrong) return this.wrong.text;
    return !this.parts.length && !this.optional ? t("shape.missing") : null;
  }

  // ---- on the map ----

  draw(part) {
    const holes = this.parts[part]?.slice(1).map((hole) => [hole]) ?? [];
    const beside = [...this.parts.filter((_, i) => i !== part), ...holes];
    this.drawing.draw({ owner: this, kind: this.kind, beside, ended: (ring, dropped) => {
      if (ring) this.put(withBorder(this.parts, part, ring), Math.min(part, this.parts.length));
      else this.calledOff(dropped.length >= least(this.kind) ? withBorder(this.parts, part, dropped) : null);
    } });
    this.tell();
  }

  reshape() {
    this.frame({ onlyIfNeeded: true });
    this.drawing.reshape({ owner: this, kind: this.kind, parts: this.parts, changed: (parts, { settled }) => this.changed(parts, settled), ended: (parts, dropped) => {
      this.put(parts, this.part);
      if (dropped) this.calledOff(dropped === parts ? null : dropped);
    } });
    this.tell();
  }

  changed(parts, settled) {
    this.parts = parts;
    if (settled && vertexCount(parts) <= CHECKED_AT_ONCE) this.check();
    if (settled) this.tell();
    else this.told.textContent = shapeText(this.geometry(), this.kind);
  }

  calledOff(dropped) {
    this.dropped = dropped;
    this.tell();
    this.row.focus({ preventScroll: true });
    say(t("shape.called_off"));
  }

  again() {
    const { dropped } = this;
    this.put(dropped, Math.min(this.part, dropped.length - 1));
  }

  less() {
    this.put(withoutPart(this.parts, this.part), Math.max(0, this.part - 1));
  }

  put(parts, part) {
    Object.assign(this, { parts, part: Math.max(0, Math.min(part, parts.length - 1)), dropped: null });
    this.check();
    this.showList();
    this.tell();
    this.row.focus({ preventScroll: true });
    say(this.told.textContent);
  }

  choose(part) {
    this.part = part;
    this.showList();
    this.frame();
  }

  // The map goes to the chosen part.
  frame({ onlyIfNeeded = false } = {}) {
    const ring = this.parts[this.part]?.[0];
    if (!ring) return;
    const bounds = L.latLngBounds(ring.map(([lon, lat]) => [lat, lon]));
    const { map } = this.drawing;
    const seen = map.getBounds().intersects(bounds) && Math.max(...across(map, bounds)) >= SMALL_PX;
    if (!onlyIfNeeded || !seen) map.fitBounds(bounds, { maxZoom: 17, paddingTopLeft: [50, 40], paddingBottomRight: [50, 170], animate: false });
  }

  // ---- as a list ----

  listedNow() {
    const ring = this.parts[this.part]?.[0] ?? [];
    return ring.length > LISTED_MOST ? "" : listed(ring);
  }

  pending() {
    return this.list.value !== this.shownList;
  }

  showList() {
    this.shownList = this.listedNow();
    this.list.value = this.shownList;
    this.list.placeholder = this.parts[this.part]?.[0].length > LISTED_MOST ? t("shape.list_long", { n: number(LISTED_MOST, 0) }) : "119.92, 28.46";
    this.listSaid.replaceChildren();
  }

  // True where the list, if anything was typed, could be read.
  take() {
    if (!this.pending()) return true;
    const { vertices, fault } = readList(this.list.value);
    const few = vertices && (isClosed(this.kind) ? unclosed(vertices) : vertices);
    this.listSaid.textContent = fault ? t(fault.key, fault) : few.length < least(this.kind) ? t("shape.too_few", { n: least(this.kind) }) : "";
    if (this.listSaid.textContent) return false;
    if (this.drawing.mode) this.drawing.stop();
    this.put(withBorder(this.parts, this.part, few), this.part);
    return true;
  }

  // ---- what is wrong, and where ----

  check() {
    const many = vertexCount(this.parts) > MOST_VERTICES;
    const found = many ? { key: "shape.fault_many", at: null } : this.parts.length && isClosed(this.kind) ? faultOf(this.parts) : null;
    const at = found?.at ?? null;
    this.wrong = found && { at, text: t(found.key, { at: at ? at.map((each) => each.toFixed(5)).join(", ") : "", n: number(MOST_VERTICES, 0) }) };
    const go = () => this.drawing.map.setView([at[1], at[0]], Math.max(this.drawing.map.getZoom(), 15), { animate: false });
    const seen = at && el("button", { type: "button", id: "shape-fault-show", on: { click: go } }, t("shape.fault_show"));
    this.refused.replaceChildren(...(found ? [el("p", { class: "refused", role: "alert" }, this.wrong.text, " ", seen)] : []));
  }

  tell() {
    const drawn = this.parts.length > 0;
    this.told.textContent = shapeText(this.geometry(), this.kind);
    this.select.replaceChildren(...this.parts.map(([ring, ...holes], i) => el("option", { value: i }, t(holes.length ? "shape.part_holes" : "shape.part_of", { n: i + 1, vertices: number(ring.length, 0), holes: holes.length }))));
    this.select.selectedIndex = this.part;
    this.picker.hidden = this.parts.length < 2;
    this.buttons.draw.textContent = t(drawn ? "shape.draw_anew" : "shape.draw");
    this.buttons.draw.classList.toggle("main", !drawn);
    this.buttons.reshape.hidden = !drawn;
    this.buttons.more.hidden = !drawn;
    this.buttons.less.hidden = this.parts.length < 2;
    this.buttons.again.hidden = !this.dropped;
    for (const each of Object.values(this.buttons)) each.disabled = Boolean(this.drawing.mode);
    if (!this.pending()) this.showList();
    if (this.shown || drawn) this.drawing.show({ owner: this, kind: this.kind, parts: this.drawing.mode === "draw" ? this.drawing.parts : this.parts, fault: this.wrong?.at ?? null });
    this.shown = drawn;
  }
}

const across = (map, bounds) => {
  const [from, to] = [bounds.getSouthWest(), bounds.getNorthEast()].map((at) => map.latLngToContainerPoint(at));
  return [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
};

// Once `row` is no longer in the panel, or the panel is shut, what belongs to it ends.
export function whileShown(row, end) {
  const panel = byId("panel");
  const gone = () => {
    if (row.isConnected && !panel.hidden) return;
    watcher.disconnect();
    end();
  };
  const watcher = new MutationObserver(gone);
  const seen = () => {
    watcher.observe(panel, { childList: true, attributes: true, attributeFilter: ["hidden"] });
    gone();
  };
  requestAnimationFrame(seen);
}
