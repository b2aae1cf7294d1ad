// An area drawn by its corners: clicks, or Space at the middle of the map; Backspace takes the last back, Enter ends it, Escape calls it off.

import { byId, say } from "./dom.js";
import { t } from "./page.js";

const NAME = "drawing";
const LEAST = 3;

export class Area {
  corners = null;

  constructor(map, onMap, drawn) {
    Object.assign(this, { map, onMap, drawn });
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
    byId("area-end").addEventListener("click", () => this.end());
    byId("area-drop").addEventListener("click", () => this.drop());
  }

  start() {
    this.corners = [];
    byId("area-hint").hidden = false;
    this.onMap.clear(NAME);
    this.map.getContainer().focus({ preventScroll: true });
    say(t("area.hint"));
  }

  takes({ lat, lng }) {
    if (!this.corners) return false;
    this.corners.push([round(lng), round(lat)]);
    this.draw();
    return true;
  }

  key(event) {
    if (!this.corners) return;
    const act = { Enter: () => this.end(), Escape: () => this.drop(), Backspace: () => this.back(), " ": () => this.takes(this.map.getCenter()) }[event.key];
    if (!act || event.target.closest?.("button, input, select")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  back() {
    this.corners.pop();
    this.draw();
  }

  draw() {
    const style = { pane: "ways", color: "#54278f", weight: 3, dashArray: "6 4" };
    const closedLine = [...this.corners, ...(this.corners.length >= LEAST ? [this.corners[0]] : [])];
    this.onMap.put(NAME, this.corners.length > 1 ? [{ geometry: { type: "LineString", coordinates: closedLine }, ...style }] : [], this.corners.map(([lon, lat]) => ({ lon, lat, kind: "corner" })));
    byId("area-end").disabled = this.corners.length < LEAST;
    say(t("area.corners", { n: this.corners.length }));
  }

  end() {
    if (!this.corners || this.corners.length < LEAST) return;
    const polygon = { type: "Polygon", coordinates: [[...this.corners, this.corners[0]]] };
    this.finish();
    this.drawn(polygon);
  }

  drop() {
    this.finish();
    this.onMap.clear(NAME);
  }

  finish() {
    this.corners = null;
    byId("area-hint").hidden = true;
    byId("area-end").disabled = true;
  }
}

const round = (degrees) => Number(degrees.toFixed(6));
