// A circle drawn by its middle and its rim: two clicks; or Enter at the middle of the map, arrow keys or a number for the radius.

import { byId, say } from "./dom.js";
import { distance, t } from "./page.js";
import { drawnShapes } from "./selection.js";

const NAME = "drawing";
const FIRST_M = 2000;
const STEP = 1.1;
const [LEAST, MOST] = [1, 200000]; // what the service takes

export class Circle {
  centre = null;
  drawing = false;

  constructor(map, onMap, drawn) {
    Object.assign(this, { map, onMap, drawn });
    map.on("mousemove", ({ latlng }) => this.centre && this.widen(map.distance(this.middle(), latlng)));
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
    byId("circle-radius").addEventListener("input", () => this.draw());
    byId("circle-end").addEventListener("click", () => this.step());
    byId("circle-drop").addEventListener("click", () => this.drop());
  }

  start() {
    Object.assign(this, { drawing: true, centre: null });
    byId("circle-hint").hidden = false;
    this.widen(FIRST_M);
    this.map.getContainer().focus({ preventScroll: true });
    say(t("select.circle_hint"));
  }

  takes(latlng) {
    if (!this.drawing) return false;
    if (this.centre) {
      this.widen(this.map.distance(this.middle(), latlng)); // a finger moves no pointer before it taps
      this.end();
    } else this.put(latlng);
    return true;
  }

  put({ lat, lng }) {
    this.centre = { lon: round(lng), lat: round(lat) };
    this.draw();
    say(t("select.circle_of", { radius: distance(this.radius) }));
  }

  middle() {
    return [this.centre.lat, this.centre.lon];
  }

  get radius() {
    return byId("circle-radius").valueAsNumber;
  }

  widen(metres) {
    byId("circle-radius").value = String(Math.round(Math.min(Math.max(metres, LEAST), MOST)));
    this.draw();
  }

  key(event) {
    if (!this.drawing || event.target.closest?.("button")) return;
    const typing = event.target.closest?.("input, select");
    if (typing && typing.id !== "circle-radius") return;
    const act = { Enter: () => this.step(), Escape: () => this.drop(), ...(this.centre && !typing ? { ArrowUp: () => this.widen(this.radius * STEP), ArrowDown: () => this.widen(this.radius / STEP) } : {}) }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  // Without a middle that of the map is taken; with one the circle is done.
  step() {
    if (this.centre) this.end();
    else this.put(this.map.getCenter());
  }

  draw() {
    if (this.centre && this.radius > 0) this.onMap.put(NAME, drawnShapes({ circle: { ...this.centre, radius_m: this.radius } }), [{ ...this.centre, kind: "corner" }]);
  }

  end() {
    if (!byId("circle-radius").reportValidity()) return;
    const circle = { ...this.centre, radius_m: this.radius };
    this.finish();
    this.drawn(circle);
  }

  drop() {
    this.finish();
    this.onMap.clear(NAME);
  }

  finish() {
    Object.assign(this, { drawing: false, centre: null });
    byId("circle-hint").hidden = true;
  }
}

const round = (degrees) => Number(degrees.toFixed(6));
