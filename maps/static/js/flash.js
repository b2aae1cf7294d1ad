// A ring around what has just changed, on the map for a few seconds; it does not move where the reader wants no movement.

import { el } from "./dom.js";

const { L } = window;
const SHOWN_MS = 3200;
const AT_ONCE = 20;

export class Flashes {
  rings = new Set();

  constructor(map) {
    this.map = map;
    map.on("zoomstart", () => this.clear());
  }

  // At a place { lat, lon }; a crowd of changes is not a crowd of rings.
  at({ lat, lon }) {
    if (this.rings.size >= AT_ONCE) return;
    const ring = el("i", { class: "flash", "aria-hidden": "true" });
    this.map.getPane("chosen").append(ring);
    L.DomUtil.setPosition(ring, this.map.latLngToLayerPoint([lat, lon]));
    this.rings.add(ring);
    setTimeout(() => this.drop(ring), SHOWN_MS);
  }

  drop(ring) {
    ring.remove();
    this.rings.delete(ring);
  }

  clear() {
    for (const ring of this.rings) this.drop(ring);
  }
}
