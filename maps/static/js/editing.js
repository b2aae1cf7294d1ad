// Changing a feature from its panel: a switch for its state, a form for the rest, a new feature, an end with a reason. What others
// changed meanwhile is shown and chosen from, never overwritten.

import { PLACE, conflictSection } from "./conflict.js";
import { drawStates } from "./conflict_shapes.js";
import { byId, el, say } from "./dom.js";
import { editForm, same } from "./edit_form.js";
import { newKey } from "./keys.js";
import { layerGlyph } from "./glyphs.js";
import { nameOf, t, titleOf } from "./page.js";
import { closePanel, hold, openPanel } from "./panel.js";
import { placeField } from "./place_field.js";
import { problem } from "./said.js";
import { ask } from "./service.js";
import { mayUndo, mayWrite } from "./session.js";
import { ShapeDrawing } from "./shape_drawing.js";
import { ShapeField, whileShown } from "./shape_field.js";
import { writing } from "./standing.js";
import { create, faultsOf, feature, patch, remove } from "./writes.js";

const STALE = 412;
const CHANGED_SINCE = 409;
const REASON_LENGTH = 300;
const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class Editing {
  saved = null;

  // `changed({ revision, layer, id })` is told of what was taken; `lastOf(layer, id)` says who changed it last; `open` opens a panel.
  constructor({ map, layers, open, changed, lastOf, pick }) {
    Object.assign(this, { map, layers, open, changed, lastOf, pick, drawing: new ShapeDrawing(map) });
  }

  // Whether a click on the map is meant for what is being changed.
  takes(latlng) {
    return this.pick.takes(latlng) || this.drawing.takes(latlng);
  }

  // ---- in the panel of a feature ----

  // `read` is the feature as it was just read, if it was.
  async tools(layer, id, read) {
    if (!mayWrite(layer)) return [];
    const now = read ?? (await feature(layer.id, id));
    const switches = this.switch(layer, id, now);
    const buttons = [tool("edit", "edit.edit", () => this.edit(layer, id)), tool("delete", "edit.delete", () => this.deleting(layer, id, now))];
    return [switches, el("p", { class: "actions" }, buttons), this.savedLine(layer, id)].filter(Boolean).map(writing);
  }

  // Open, closed, full: one press, saved at once, taken back by one more.
  switch(layer, id, now) {
    const column = layer.columns.find(({ name, choices }) => name === "status" && choices.length);
    if (!column) return null;
    const current = now.body.properties.status ?? null;
    const said = el("div", { class: "said" });
    const press = (choice) => this.turn({ layer, id, now, current, said }, choice);
    const buttons = column.choices.map((choice) => el("button", { type: "button", id: `turn-${choice.id}`, class: `turn turn-${choice.id}`, "aria-pressed": String(choice.id === current), on: { click: () => choice.id !== current && press(choice.id) } }, titleOf(choice)));
    return el("section", { class: "switch", id: "switch" }, el("div", { role: "group", "aria-label": titleOf(column.title) }, buttons), said);
  }

  async turn({ layer, id, now, current, said }, status) {
    for (const each of byId("switch").querySelectorAll("button")) each.disabled = true;
    try {
      const { revision } = await patch(layer.id, id, now.etag, { properties: { status } });
      this.saved = { layer: layer.id, id, status: current, at: clock.format(new Date()) };
      say(t("edit.saved", { time: this.saved.at }));
      await this.changed({ revision, layer: layer.id, id });
    } catch (error) {
      if (error.status === STALE) await this.turnAnew({ layer, id, now, current, said }, status, error);
      else said.replaceChildren(problem(error, () => this.turn({ layer, id, now, current, said }, status)));
    } finally {
      for (const each of byId("switch")?.querySelectorAll("button") ?? []) each.disabled = false;
    }
  }

  // Others changed something else meanwhile: the press still means what it meant. Another state is theirs to be seen first.
  async turnAnew({ layer, id, now, current, said }, status, error) {
    const theirs = error.body.current?.properties;
    const etag = error.headers.get("ETag");
    if (etag && theirs && etag !== now.etag && theirs.status === now.body.properties.status) await this.turn({ layer, id, now: { body: error.body.current, etag }, current, said }, status);
    else await this.conflict(layer, id, { base: { ...now.body.properties, [PLACE]: now.body.geometry }, mine: { status }, error });
  }

  savedLine(layer, id) {
    const { saved } = this;
    if (saved?.layer !== layer.id || saved.id !== id) return null;
    const back = saved.status === undefined ? this.backButton(layer, id, saved) : el("button", { type: "button", id: "turn-back", on: { click: () => this.turnBack(layer, id) } }, t("edit.turn_back"));
    return el("div", { class: "done", id: "saved" }, t("edit.saved", { time: saved.at }), " ", back);
  }

  // One press takes back what this page has just done, unless somebody changed it since: that stays said, however often the panel is
  // drawn anew.
  backButton(layer, id, saved) {
    if (!mayUndo() || !saved.revision) return null;
    if (saved.refused) return saved.refused.status === CHANGED_SINCE ? el("span", { class: "refused", role: "alert" }, t("undo.since")) : problem(saved.refused);
    const press = async ({ target }) => {
      target.disabled = true;
      try {
        const done = await ask("undo", { send: { revision: saved.revision } });
        this.saved = null;
        await this.changed({ revision: done.revision, layer: layer.id, id });
        say(t("undo.done", { n: 1, left: 0 }));
        await this.open(layer.id, id);
      } catch (error) {
        saved.refused = error;
        const line = this.savedLine(layer, id);
        if (line) byId("saved")?.replaceWith(line);
      }
    };
    return el("button", { type: "button", id: "save-back", on: { click: press } }, t("edit.turn_back"));
  }

  async turnBack(layer, id) {
    const { status } = this.saved;
    const said = byId("switch").querySelector(".said");
    const now = await feature(layer.id, id).catch((error) => said.replaceChildren(problem(error, () => this.turnBack(layer, id))));
    if (now) await this.turn({ layer, id, now, current: undefined, said }, status);
  }

  // ---- the form ----

  async edit(layer, id) {
    const now = await feature(layer.id, id);
    const { properties, geometry } = now.body;
    const form = editForm(layer.columns, properties);
    const place = this.placeOf(layer, geometry);
    const save = (said, reason) => this.save({ layer, id, etag: now.etag, base: { ...properties, [PLACE]: geometry }, form, place }, said, reason);
    this.panel(t("edit.title", { name: nameOf(properties, id) }), layer, form, place, save, () => this.open(layer.id, id));
    byId("panel").dataset.etag = now.etag;
  }

  panel(title, layer, form, place, save, leave) {
    const said = el("div", { class: "said" });
    const reason = el("input", { name: "reason", maxlength: REASON_LENGTH, autocomplete: "off", id: "edit-reason" });
    const submit = async (event) => {
      event.preventDefault();
      const button = event.target.querySelector("[type=submit]");
      button.disabled = true;
      await save(said, reason.value.trim());
      button.disabled = false;
    };
    const unsaved = () => Object.keys(form.changed()).length > 0 || Boolean(place?.unsaved());
    const left = () => this.leaving(unsaved, said, leave);
    const buttons = el("p", { class: "buttons" }, writing(el("button", { type: "submit", class: "main", id: "edit-save" }, t("edit.save"))), el("button", { type: "button", id: "edit-leave", on: { click: left } }, t("edit.leave")));
    const whole = el(
      "form", { class: "edit-form", id: "edit-form", novalidate: true, on: { submit, keydown: (event) => leaveByKey(event, left) } },
      place?.row, ...form.rows, el("label", { class: "asked", for: "edit-reason" }, el("span", {}, t("edit.reason")), reason), said, buttons,
    );
    openPanel(title, titleOf(layer.title), layerGlyph(layer), whole);
    hold(unsaved);
    byId("panel").dataset.busy = "edit";
    whole.querySelector("input, select, textarea")?.focus({ preventScroll: true });
  }

  // The field for where a feature is, by its layer; none for layers without geometry.
  placeOf(layer, geometry) {
    if (layer.geometry === "none") return null;
    return layer.geometry === "point" ? placeField(geometry?.coordinates ?? null, this.pick) : new ShapeField(layer, geometry, this.drawing);
  }

  async save({ layer, id, etag, base, form, place }, said, reason) {
    if (!this.whole(form, place, said)) return;
    const mine = { ...form.changed(), ...(place?.moved() ? { [PLACE]: place.geometry() } : {}) };
    if (!Object.keys(mine).length) {
      said.replaceChildren(el("p", { class: "note" }, t("edit.nothing_changed")));
      return;
    }
    await this.send({ layer, id, etag, base, mine, form, reason }, said);
  }

  async send({ layer, id, etag, base, mine, form, reason }, said) {
    const { [PLACE]: geometry, ...properties } = mine;
    try {
      const { revision } = await patch(layer.id, id, etag, { properties, ...(geometry ? { geometry } : {}), ...(reason ? { reason } : {}) });
      await this.taken(layer, id, revision);
    } catch (error) {
      if (error.status === STALE) await this.conflict(layer, id, { base, mine, error, reason });
      else this.refused(error, form, said, () => this.send({ layer, id, etag, base, mine, form, reason }, said));
    }
  }

  async taken(layer, id, revision, op = "update") {
    this.saved = { layer: layer.id, id, revision, at: clock.format(new Date()) };
    hold(null);
    say(t("edit.saved", { time: this.saved.at }));
    await this.changed({ revision, layer: layer.id, id, op });
    await this.open(layer.id, id);
  }

  // False where the form itself can already say what is wrong; the service has the last word.
  whole(form, place, said) {
    const faults = form.faults();
    const others = form.refuse(faults);
    const wrong = place?.fault();
    const lost = wrong && (place.moved() || place.unsaved()) ? wrong : null;
    said.replaceChildren(...[...others.map(({ text }) => text), lost].filter(Boolean).map((text) => el("p", { class: "refused" }, text)));
    return !faults.length && !lost;
  }

  refused(error, form, said, again) {
    const others = form.refuse(faultsOf(error));
    said.replaceChildren(problem(error, again), ...others.map(({ text }) => el("p", { class: "refused" }, text)));
  }

  // Asks where something typed would be lost.
  leaving(unsaved, said, leave) {
    const left = () => {
      hold(null);
      leave();
    };
    if (!unsaved()) {
      left();
      return;
    }
    const sure = el("button", { type: "button", class: "danger", id: "edit-drop", on: { click: left } }, t("edit.drop"));
    said.replaceChildren(el("p", { class: "refused", role: "alert" }, t("edit.unsaved"), " ", sure));
    sure.focus();
  }

  // ---- changed by others meanwhile ----

  async conflict(layer, id, { base, mine, error, reason }, leave = () => this.open(layer.id, id)) {
    const now = error.body.current ?? (await feature(layer.id, id)).body;
    const theirs = { ...now.properties, [PLACE]: now.geometry };
    const etag = error.headers.get("ETag") ?? (await feature(layer.id, id)).etag;
    const by = await this.lastOf(layer.id, id).catch(() => ({}));
    const said = el("div", { class: "said" });
    hold(null);
    const save = async (kept) => {
      if (!Object.keys(kept).length) {
        leave();
        return;
      }
      await this.send({ layer, id, etag, base: theirs, mine: kept, form: editForm([], {}), reason }, said);
    };
    const section = conflictSection([...layer.columns, placeColumn(layer)], { base, mine, theirs }, { by, save, leave });
    openPanel(t("edit.title", { name: theirs.name ?? id }), titleOf(layer.title), layerGlyph(layer), section, said);
    this.drawConflict(section, { base, mine, theirs });
    byId("panel").dataset.busy = "conflict";
    byId("conflict-title").focus();
    say(t("conflict.title"));
  }

  // Places that differ are seen on the map as long as the choice stands in the panel.
  drawConflict(section, { base, mine, theirs }) {
    const places = { base: base[PLACE], theirs: theirs[PLACE], mine: PLACE in mine ? mine[PLACE] : null };
    if (same(places.base, places.theirs) && (!places.mine || same(places.mine, places.theirs))) return;
    whileShown(section, drawStates(this.map, places));
  }

  // ---- an end, and a beginning ----

  deleting(layer, id, now) {
    const reason = el("input", { name: "reason", id: "delete-reason", maxlength: REASON_LENGTH, required: true, autocomplete: "off" });
    const said = el("div", { class: "said" });
    const leave = () => this.open(layer.id, id);
    const submit = async (event) => {
      event.preventDefault();
      try {
        const { revision } = await remove(layer.id, id, now.etag, reason.value.trim());
        await this.changed({ revision, layer: layer.id, id, op: "delete" });
        const back = this.backButton(layer, id, { revision });
        openPanel(t("edit.deleted"), `${titleOf(layer.title)} · ${nameOf(now.body.properties, id)}`, layerGlyph(layer), back ? el("p", { class: "actions" }, writing(back)) : null);
      } catch (error) {
        said.replaceChildren(problem(error.status === STALE ? Object.assign(error, { status: 409 }) : error));
      }
    };
    const form = el(
      "form", { class: "edit-form", id: "delete-form", on: { submit, keydown: (event) => leaveByKey(event, leave) } },
      el("p", { class: "refused" }, t("edit.delete_sure", { name: nameOf(now.body.properties, id) })),
      el("label", { class: "asked" }, el("span", {}, t("edit.delete_reason")), reason), said,
      el("p", { class: "buttons" }, el("button", { type: "submit", class: "danger", id: "delete-now" }, t("edit.delete")), el("button", { type: "button", id: "delete-leave", on: { click: leave } }, t("edit.leave"))),
    );
    openPanel(t("edit.delete"), `${titleOf(layer.title)} · ${nameOf(now.body.properties, id)}`, layerGlyph(layer), form);
    byId("panel").dataset.busy = "delete";
    reason.focus();
  }

  // A new feature: which layer, where, and its form.
  adding() {
    const layers = [...this.layers().values()].filter(mayWrite);
    const select = el("select", { id: "add-layer", name: "layer" }, layers.map((layer) => el("option", { value: layer.id }, titleOf(layer.title))));
    const submit = (event) => {
      event.preventDefault();
      this.addTo(this.layers().get(select.value));
    };
    const form = el("form", { class: "edit-form", on: { submit } }, el("label", { class: "asked" }, el("span", {}, t("edit.layer")), select), el("p", { class: "buttons" }, writing(el("button", { type: "submit", class: "main", id: "add-next" }, t("edit.next")))));
    openPanel(t("edit.add"), t("edit.add_subtitle"), null, layers.length ? form : el("p", { class: "empty" }, t("edit.none_writable")));
    select.focus();
  }

  addTo(layer) {
    const form = editForm(layer.columns, {});
    const place = this.placeOf(layer, null);
    const key = newKey(); // the same for each try: what was taken although no answer came is not made twice
    const save = async (said, reason) => {
      if (!this.whole(form, place, said)) return;
      const properties = Object.fromEntries(Object.entries(form.typed()).filter(([, value]) => value !== null));
      try {
        const { body, revision } = await create(layer.id, { properties, geometry: place ? place.geometry() : null, ...(reason ? { reason } : {}) }, key);
        await this.taken(layer, String(body.id), revision, "create");
      } catch (error) {
        this.refused(error, form, said, () => save(said, reason));
      }
    };
    this.panel(t("edit.add_to", { layer: titleOf(layer.title) }), layer, form, place, save, closePanel);
  }
}

const tool = (id, key, act) => el("button", { type: "button", id: `feature-${id}`, on: { click: act } }, t(key));

// The place as a column to choose in.
function placeColumn({ geometry: kind }) {
  const title = t(kind === "point" ? "edit.place" : "shape.title");
  return { name: PLACE, title: { zh: title, en: title }, kind };
}

function leaveByKey(event, leave) {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  leave();
}
