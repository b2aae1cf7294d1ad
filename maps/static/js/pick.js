// A place picked on the map: a click, or Enter at its middle; Escape calls it off.

import { byId, el, say } from "./dom.js";
import { t } from "./page.js";

export class Pick {
  wanted = null;

  constructor(map) {
    this.map = map;
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
  }

  // `picked` gets { lon, lat }, or null where it was called off.
  start(picked) {
    this.wanted = picked;
    const hint = byId("pick-hint");
    hint.replaceChildren(t("pick.hint"), " ", button("pick-middle", "pick.middle", () => this.takes(this.map.getCenter())), " ", button("pick-drop", "area.drop", () => this.end(null)));
    hint.hidden = false;
    this.map.getContainer().focus({ preventScroll: true });
    say(t("pick.hint"));
  }

  takes({ lat, lng }) {
    if (!this.wanted) return false;
    this.end({ lon: Number(lng.toFixed(6)), lat: Number(lat.toFixed(6)) });
    return true;
  }

  key(event) {
    if (!this.wanted || event.target.closest?.("button, input, select, textarea")) return;
    const act = { Enter: () => this.takes(this.map.getCenter()), Escape: () => this.end(null) }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  end(at) {
    const picked = this.wanted;
    this.wanted = null;
    byId("pick-hint").hidden = true;
    picked?.(at);
  }
}

const button = (id, key, act) => el("button", { type: "button", id, on: { click: act } }, t(key));
