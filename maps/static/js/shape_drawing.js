// Drawing a line or an area and reshaping it, by mouse, finger or keys; one at a time. Who asks keeps the shape: here it only changes.

import { byId, el, say } from "./dom.js";
import { isClosed, least, paths, rounded, samePath, vertexAt, vertexCount, withNew, withoutVertex, withVertex } from "./outline.js";
import { number, t } from "./page.js";
import { HANDLES_MOST, ShapeCanvas } from "./shape_canvas.js";
import { lineText, sizeText } from "./shape_told.js";

const SAME_PX = 6; // a click so near the last vertex is no other
const DOUBLE_PX = 24; // two taps farther apart are two vertices, however fast they come
const MOVED_PX = 3;
const REACH_PX = { mouse: 11, pen: 14, touch: 24 };
const STEP_PX = 2;
const STEPS = 10; // with Shift
const UNDO_MOST = 200;
const UNDO_VERTICES = 1e6; // of large shapes fewer states are kept
const MEASURED_LIVE = 2000;
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const FIELDS = "button, input, select, textarea, summary";

export class ShapeDrawing {
  mode = null;

  constructor(map) {
    this.map = map;
    const container = map.getContainer();
    const onMap = (event, act) => this.mode && !event.target.closest(".leaflet-control") && act.call(this, event);
    for (const [name, act] of Object.entries({ pointerdown: this.down, pointermove: this.move, pointerup: this.up, pointercancel: this.cancel, contextmenu: this.menu, pointerleave: this.away })) {
      container.addEventListener(name, (event) => onMap(event, act), { capture: true });
    }
    document.addEventListener("keydown", (event) => this.mode && this.key(event), { capture: true });
    map.on("dblclick", () => this.mode === "draw" && this.doubled());
    map.on("moveend", () => this.mode && this.tell());
  }

  // `beside` are the parts that stay; `ended(vertices)` gets a new part's vertices, or null where it was called off.
  draw({ owner, kind, beside, ended }) {
    this.begin("draw", { owner, kind, ended, corners: [], parts: beside, clicks: [] });
    this.canvas.put({ kind, parts: beside, corners: this.corners });
    this.tell(t("shape.draw_hint"));
  }

  // `changed(parts, { settled })` hears of every change; `ended(parts)` gets what it became: as it was, where it was called off.
  reshape({ owner, kind, parts, changed, ended }) {
    this.begin("reshape", { owner, kind, parts, changed, ended, before: parts, undone: [] });
    this.canvas.put({ kind, parts, withHandles: true });
    this.tell(t("shape.reshape_hint"));
  }

  begin(mode, given) {
    this.stop();
    Object.assign(this, { mode, selected: null, held: null, ...given });
    this.canvas ??= new ShapeCanvas(this.map);
    document.body.dataset.drawing = mode;
    this.map.doubleClickZoom.disable();
    byId("shape-hint").replaceChildren(...this.hint());
    byId("shape-hint").hidden = false;
    this.map.invalidateSize({ animate: false, pan: false });
    const container = this.map.getContainer();
    container.scrollIntoView({ block: "nearest" });
    container.focus({ preventScroll: true });
  }

  // Shows a shape that nobody changes just now, with the spot where it is wrong.
  show({ owner, kind, parts, fault }) {
    this.owner = owner;
    this.canvas ??= new ShapeCanvas(this.map);
    this.canvas.put({ kind, parts, fault, withHandles: this.mode === "reshape" });
  }

  // Whoever leaves takes only what is his own along.
  leave(owner) {
    if (this.owner === owner) this.stop();
  }

  // Ends without a word to anybody.
  stop() {
    if (this.held) this.release();
    this.canvas?.clear();
    if (!this.mode) return;
    this.mode = null;
    delete document.body.dataset.drawing;
    byId("shape-hint").hidden = true;
    this.map.getContainer().classList.remove("over");
    this.map.doubleClickZoom.enable();
    this.map.invalidateSize({ animate: false, pan: false });
  }

  hint() {
    const pressed = (act) => ({ detail }) => {
      act();
      if (detail && this.mode) this.map.getContainer().focus({ preventScroll: true }); // a mouse's next key is meant for the map
    };
    const button = (id, key, act) => el("button", { type: "button", id: `shape-${id}`, on: { click: pressed(act) } }, t(key));
    const drawing = this.mode === "draw";
    const own = drawing ? [button("middle", "shape.middle", () => this.add(this.map.getCenter()))] : [button("remove", "shape.remove", () => this.remove())];
    return [
      el("p", {}, t(drawing ? "shape.draw_hint" : "shape.reshape_hint")),
      el("output", { id: "shape-size" }), el("p", { id: "shape-crowded", class: "doubt", hidden: true }),
      el("p", { class: "buttons" }, ...own, button("back", "shape.back", () => this.back()), button("end", "area.end", () => this.end()), button("drop", "area.drop", () => this.drop())),
    ];
  }

  // What the reader should know now, on the map and for who cannot see it.
  tell(...said) {
    const drawing = this.mode === "draw";
    const enough = !drawing || this.corners.length >= least(this.kind);
    const count = t("shape.vertices", { n: number(drawing ? this.corners.length : vertexCount(this.parts), 0) });
    const size = drawing && (!enough || !isClosed(this.kind)) ? lineText(this.corners) : sizeText(drawing ? [[this.corners]] : this.parts, this.kind);
    byId("shape-size").textContent = [count, size].filter(Boolean).join(" · ");
    byId("shape-end").disabled = !enough;
    byId("shape-back").disabled = drawing ? !this.corners.length : !this.undone.length;
    if (!drawing) byId("shape-remove").disabled = !this.selected;
    requestAnimationFrame(() => this.tellCrowd());
    if (said.length) say([...said, byId("shape-size").textContent].filter(Boolean).join(" "));
  }

  tellCrowd() {
    const crowd = byId("shape-crowded");
    if (!crowd || !this.mode) return;
    crowd.hidden = this.canvas.inView <= HANDLES_MOST;
    crowd.textContent = crowd.hidden ? "" : t("shape.crowded", { n: number(this.canvas.inView, 0), most: number(HANDLES_MOST, 0) });
  }

  // ---- drawing ----

  // Every click on the map is this one's while something is drawn.
  takes(latlng) {
    if (!this.mode) return false;
    if (this.mode === "draw") {
      this.clicks = [...this.clicks.slice(-1), { at: this.map.latLngToContainerPoint(latlng), before: this.corners }];
      this.add(latlng);
    }
    return true;
  }

  // The second half of a double click is no vertex of its own.
  doubled() {
    const [first, second] = this.clicks;
    if (!second || first.at.distanceTo(second.at) > DOUBLE_PX) return;
    this.corners = second.before;
    this.end();
  }

  add(latlng) {
    const at = this.map.latLngToContainerPoint(latlng);
    const near = (vertex) => vertex && this.map.latLngToContainerPoint([vertex[1], vertex[0]]).distanceTo(at) <= SAME_PX;
    if (near(this.corners.at(-1))) return;
    if (isClosed(this.kind) && this.corners.length >= least(this.kind) && near(this.corners[0])) {
      this.end();
      return;
    }
    this.corners = [...this.corners, rounded(latlng)];
    this.canvas.put({ corners: this.corners, pointer: null });
    this.tell(this.corners.at(-1).join(", "));
  }

  // The last vertex, or the last change, taken back.
  back() {
    if (this.mode === "draw") {
      this.corners = this.corners.slice(0, -1);
      this.canvas.put({ corners: this.corners });
      this.tell();
    } else if (this.undone.length) this.settle(this.undone.pop(), null, { kept: false });
  }

  end() {
    if (this.mode === "draw" && this.corners.length < least(this.kind)) {
      say(t("shape.too_few", { n: least(this.kind) }));
      return;
    }
    this.finish(this.mode === "draw" ? this.corners : this.parts);
  }

  drop() {
    this.finish(this.mode === "draw" ? null : this.before, this.mode === "draw" ? this.corners : this.parts);
  }

  finish(found, dropped = null) {
    const { ended } = this;
    this.stop();
    ended(found, dropped);
  }

  // ---- reshaping ----

  settle(parts, selected, { kept = true } = {}) {
    const steps = Math.max(1, Math.min(UNDO_MOST, Math.floor(UNDO_VERTICES / vertexCount(parts))));
    if (kept) this.undone = [...this.undone, this.parts].slice(-steps);
    Object.assign(this, { parts, selected });
    this.canvas.put({ parts, selected, moving: null, fault: null });
    this.changed(parts, { settled: true });
    this.tell(selected ? this.named(selected) : "");
  }

  select(path) {
    this.selected = path;
    this.canvas.put({ selected: path });
    this.tell(this.named(path));
  }

  named(path) {
    const all = this.parts[path[0]][path[1]];
    return t("shape.vertex_of", { n: path[2] + 1, all: all.length, at: vertexAt(this.parts, path).join(", ") });
  }

  remove(path = this.selected) {
    if (!path) return;
    const left = withoutVertex(this.parts, path, this.kind);
    if (left) this.settle(left, null);
    else say(t("shape.too_few", { n: least(this.kind) }));
  }

  // A new vertex in the middle of the edge after the chosen one.
  insert() {
    if (!this.selected) return;
    const [part, place, index] = this.selected;
    const ring = this.parts[part][place];
    const next = ring[index + 1] ?? (isClosed(this.kind) ? ring[0] : null);
    if (!next) return;
    const middle = rounded({ lng: (ring[index][0] + next[0]) / 2, lat: (ring[index][1] + next[1]) / 2 });
    this.settle(withNew(this.parts, this.selected, middle), [part, place, index + 1]);
  }

  step(by) {
    const all = paths(this.parts);
    const here = all.findIndex((path) => samePath(path, this.selected));
    const path = all[here < 0 ? 0 : (here + by + all.length) % all.length];
    const [lon, lat] = vertexAt(this.parts, path);
    this.map.panInside([lat, lon], { padding: [60, 60], animate: false });
    this.select(path);
  }

  nudge([x, y], far) {
    const [lon, lat] = vertexAt(this.parts, this.selected);
    const at = this.map.project([lat, lon]).add([x * far, y * far]);
    this.settle(withVertex(this.parts, this.selected, rounded(this.map.unproject(at))), this.selected);
  }

  // ---- a hand on the map ----

  down(event) {
    if (this.mode !== "reshape" || event.button !== 0 || this.held) return;
    const point = this.map.mouseEventToLayerPoint(event);
    const hit = this.canvas.hit(point, REACH_PX[event.pointerType] ?? REACH_PX.mouse);
    if (!hit) return;
    event.preventDefault();
    this.map.dragging.disable();
    this.map.getContainer().setPointerCapture(event.pointerId);
    this.held = { pointer: event.pointerId, from: point, offset: hit.at.subtract(point), path: hit.path, middle: hit.middle, moved: false, before: this.parts };
  }

  move(event) {
    if (this.mode === "draw" && event.pointerType === "mouse") this.canvas.put({ pointer: rounded(this.map.mouseEventToLatLng(event)) });
    if (this.mode !== "reshape") return;
    const point = this.map.mouseEventToLayerPoint(event);
    if (this.held) this.drag(event, point);
    else this.map.getContainer().classList.toggle("over", Boolean(this.canvas.hit(point, REACH_PX.mouse)));
  }

  drag(event, point) {
    const { held } = this;
    if (held.pointer !== event.pointerId || (!held.moved && point.distanceTo(held.from) < MOVED_PX)) return;
    const at = rounded(this.map.layerPointToLatLng(point.add(held.offset)));
    if (!held.moved && held.middle) this.grow(at);
    held.moved = true;
    this.parts = withVertex(this.parts, held.path, at);
    this.selected = held.path;
    this.canvas.put({ parts: this.parts, selected: held.path, moving: held.path, fault: null });
    if (vertexCount(this.parts) > MEASURED_LIVE) return;
    this.changed(this.parts, { settled: false });
    this.tell();
  }

  // What is held is from now on a vertex, after that where its edge began.
  grow(at) {
    const { held } = this;
    this.parts = withNew(this.parts, held.path, at);
    held.path = [held.path[0], held.path[1], held.path[2] + 1];
  }

  up(event) {
    const { held } = this;
    if (!held || held.pointer !== event.pointerId) return;
    this.release();
    if (!held.moved && !held.middle) {
      this.select(held.path);
      return;
    }
    if (!held.moved) {
      this.held = held;
      this.grow(rounded(this.map.layerPointToLatLng(held.from.add(held.offset))));
      this.held = null;
    }
    const { parts } = this;
    this.parts = held.before;
    this.settle(parts, held.path);
  }

  cancel() {
    if (!this.held) return;
    this.parts = this.held.before;
    this.release();
    this.canvas.put({ parts: this.parts, moving: null, selected: this.selected && vertexAt(this.parts, this.selected) ? this.selected : null });
    this.changed(this.parts, { settled: true });
    this.tell();
  }

  release() {
    this.held = null;
    this.map.dragging.enable();
  }

  // The right button takes a vertex away; a long press of a finger does not.
  menu(event) {
    if (this.mode !== "reshape") return;
    event.preventDefault();
    const hit = event.pointerType === "touch" || this.held ? null : this.canvas.hit(this.map.mouseEventToLayerPoint(event), REACH_PX.mouse);
    if (hit && !hit.middle) this.remove(hit.path);
  }

  away() {
    if (this.mode === "draw") this.canvas.put({ pointer: null });
  }

  // ---- keys ----

  key(event) {
    if (event.key !== "Escape" && event.target.closest?.(FIELDS)) return;
    const act = this.mode === "draw" ? this.drawKey(event) : this.reshapeKey(event);
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  drawKey({ key, ctrlKey }) {
    if (ctrlKey) return key === "z" ? () => this.back() : null;
    return { " ": () => this.add(this.map.getCenter()), Backspace: () => this.back(), Enter: () => this.end(), Escape: () => this.drop() }[key];
  }

  reshapeKey({ key, ctrlKey, shiftKey }) {
    if (ctrlKey) return key === "z" ? () => this.back() : null;
    if (ARROWS[key]) return this.selected ? () => this.nudge(ARROWS[key], shiftKey ? STEP_PX * STEPS : STEP_PX) : null;
    const turns = { n: () => this.step(1), p: () => this.step(-1), i: () => this.insert(), Insert: () => this.insert(), Delete: () => this.remove(), Backspace: () => this.back() };
    return { ...turns, Enter: () => this.end(), Escape: () => this.drop() }[key.length === 1 ? key.toLowerCase() : key];
  }
}
