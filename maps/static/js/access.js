// Access on the command map: the closures, and the questions that read them; a change asks every open question again.

import { AccessMap } from "./access_map.js";
import { Area } from "./area_drawing.js";
import { Circle } from "./circle_drawing.js";
import { Closures } from "./closures.js";
import { closingSection, drawWhatIf } from "./closing.js";
import { byId, el, say } from "./dom.js";
import { EvacuationQuestion } from "./evacuation.js";
import { IsolationQuestion } from "./isolation.js";
import { MobilisationQuestion } from "./mobilisation.js";
import { t } from "./page.js";
import { closePanel, openPanel } from "./panel.js";
import { PlaceQuestion } from "./place_question.js";
import { roadFinder } from "./road_finder.js";
import { SelectionQuestion, selectForm } from "./selection.js";
import { Watch } from "./watch.js";

const ROADS = "roads";
const CLOSURES = "road_closures";

export class Access {
  revision = -1;

  // `took(revision, changes)` draws what this page changed; `failed` tells that the service did not answer.
  constructor({ map, canvas, layers, spots, open, took, failed }) {
    Object.assign(this, { map, layers, open, took, failed });
    this.onMap = new AccessMap(map, canvas);
    this.watch = new Watch();
    const goTo = (bounds) => map.fitBounds(bounds, { maxZoom: 14, padding: [60, 60] });
    const shared = { onMap: this.onMap, watch: this.watch, again: () => this.again({ told: true }), open, layers, spots, goTo, supposed: () => this.supposed() };
    this.shared = shared;
    this.closures = new Closures({ onMap: this.onMap, changed: (change) => this.changed(change), goTo });
    this.area = new Area(map, this.onMap, (area) => this.select({ area }));
    this.circle = new Circle(map, this.onMap, (circle) => this.select({ circle }));
    this.evacuation = new EvacuationQuestion(shared);
    this.isolation = new IsolationQuestion(shared);
    this.mobilisation = new MobilisationQuestion(shared);
    byId("open-access").addEventListener("click", () => this.place({ ...centre(map), name: null }));
    byId("open-evacuation").addEventListener("click", () => this.watch.panel(this.evacuation));
    byId("open-mobilisation").addEventListener("click", () => this.watch.panel(this.mobilisation));
    byId("open-isolation").addEventListener("click", () => this.watch.panel(this.isolation));
    byId("open-selection").addEventListener("click", () => this.selecting());
    byId("draw-area").addEventListener("click", () => this.drawing(this.area));
    byId("find-road").replaceChildren(roadFinder({ roads: () => layers().get(ROADS), open: (id) => open(ROADS, id) }));
  }

  // What the page's own refresh found: another revision, or a closure whose hour has come.
  async follow(revision) {
    const first = this.revision < 0;
    if (revision === this.revision && !this.closures.outdated) return;
    this.revision = revision;
    await this.again({ told: false, first });
  }

  // A closure was taken or ended by this page; the revision it made needs no second asking.
  async changed({ revision, id, op }) {
    this.revision = revision;
    await Promise.all([this.again({ told: true }), this.took(revision, [{ layer: CLOSURES, id, op }])]);
  }

  async again({ told, first = false }) {
    try {
      await Promise.all([this.closures.bring(), first ? null : this.watch.again({ told })]);
    } catch (error) {
      this.failed(error);
    }
  }

  async supposed() {
    drawWhatIf(() => this.supposed());
    say(t(byId("whatif").hidden ? "whatif.cleared" : "whatif.mark"));
    await this.again({ told: true });
  }

  place(at) {
    const question = new PlaceQuestion(at, this.shared);
    this.watch.panel(question);
    return this.watch.put(question).then(() => this.watch.fill(question));
  }

  // In the panel of a feature: who gets there, and for a road the way to shut it.
  // What is being said of a closure stays where the same panel is drawn anew, as `closing`.
  extend(layer, place, clicked, closing) {
    const at = layer.geometry !== "point" && clicked ? { lon: clicked.lng, lat: clicked.lat, name: null } : { lon: place.lon, lat: place.lat, name: place.name };
    const sections = [at.lon === null || at.lon === undefined ? null : this.whoGetsHere(at)];
    if (layer.geometry === "area") sections.push(this.whatIsInside([layer.id, place.id, place.name]));
    if (layer.id === ROADS) sections.push(closing ?? this.closing({ roads: [place.id], at: clicked, bridge: place.properties?.bridge }, `${place.properties?.name ?? place.id}`));
    byId("panel").querySelector("header").after(...sections.filter(Boolean));
    this.closures.tellRoad();
  }

  whoGetsHere(at) {
    return el("p", { class: "actions" }, el("button", { type: "button", id: "who-gets-here", on: { click: () => this.place(at) } }, t("access.who")));
  }

  whatIsInside(zone) {
    return el("p", { class: "actions" }, el("button", { type: "button", id: "what-is-inside", on: { click: () => this.select({ zone }) } }, t("select.inside")));
  }

  closing(what, name) {
    return closingSection(what, name, { changed: (change) => this.changed(change), supposed: () => this.supposed(), onMap: this.onMap });
  }

  // On a narrow screen the panel would lie over what is to be drawn on.
  drawing(shape) {
    closePanel();
    this.circle.drop();
    this.area.drop();
    shape.start();
  }

  selecting() {
    openPanel(t("select.title"), t("select.subtitle"), null, selectForm({ circle: () => this.drawing(this.circle), area: () => this.drawing(this.area) }));
  }

  select(what) {
    const question = new SelectionQuestion(what, { ...this.shared, closing: (name) => this.closing(what, name) });
    this.watch.panel(question);
    return this.watch.put(question).then(() => this.watch.fill(question));
  }

  // Whether a click was meant for the drawing of an area or a circle.
  takes(latlng) {
    return this.area.takes(latlng) || this.circle.takes(latlng);
  }

  paper() {
    return this.evacuation.paper();
  }
}

const centre = (map) => {
  const { lat, lng } = map.getCenter();
  return { lat, lon: lng };
};
