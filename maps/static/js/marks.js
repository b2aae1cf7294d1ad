// Which marks the map needs for what it shows now, asked for once and kept until the view or the data outgrow them.

import { ask, inPath } from "./service.js";

const MARGIN = 0.4;

export class Marks {
  constructor(map, put) {
    this.map = map;
    this.put = put;
    this.held = new Map();
    this.asking = new Map();
  }

  // Brings a layer to the view; rejects where the service did not answer, and what is drawn stays.
  bring(layer, revision) {
    const view = { bounds: this.map.getBounds(), zoom: Math.round(this.map.getZoom()), revision };
    if (serves(this.held.get(layer.id), view)) return Promise.resolve();
    const wanted = `${revision} ${view.zoom} ${boxText(view.bounds)}`;
    const before = this.asking.get(layer.id);
    if (before?.wanted === wanted) return before.answered;
    before?.stop.abort();
    const asking = { wanted, stop: new AbortController() };
    this.asking.set(layer.id, asking);
    asking.answered = this.fetched(layer, view, asking);
    return asking.answered;
  }

  async fetched(layer, { bounds, zoom }, asking) {
    const box = bounds.pad(MARGIN);
    try {
      const marks = await ask(`${inPath("marks", layer.id)}?bbox=${boxText(box)}&zoom=${zoom}`, { signal: asking.stop.signal });
      if (this.asking.get(layer.id) !== asking) return;
      this.held.set(layer.id, { box, zoom, revision: marks.revision, kind: marks.kind });
      this.put(layer, marks);
    } catch (error) {
      if (!asking.stop.signal.aborted) throw error;
    } finally {
      if (this.asking.get(layer.id) === asking) this.asking.delete(layer.id);
    }
  }

  // Nothing that is held or on its way counts any more; what is drawn stays until it is brought anew.
  forget() {
    for (const { stop } of this.asking.values()) stop.abort();
    this.asking.clear();
    this.held.clear();
  }

  // What is held of these layers is of the past: it stays drawn until it is brought anew.
  outdate(layerIds) {
    for (const id of layerIds) if (this.held.has(id)) this.held.get(id).revision = -1;
  }

  // What is held of all other layers did not change up to that revision.
  advance(revision, touched) {
    for (const [id, held] of this.held) if (!touched.has(id)) held.revision = Math.max(held.revision, revision);
  }

  drop(layer) {
    this.asking.get(layer.id)?.stop.abort();
    this.asking.delete(layer.id);
    this.held.delete(layer.id);
    this.put(layer, null);
  }
}

function serves(held, { bounds, zoom, revision }) {
  return Boolean(held) && held.revision >= revision && held.box.contains(bounds) && (held.kind === "points" || held.zoom === zoom);
}

const within = (value, limit) => Math.min(limit, Math.max(-limit, value)).toFixed(5);

export function boxText(bounds) {
  return [within(bounds.getWest(), 180), within(bounds.getSouth(), 90), within(bounds.getEast(), 180), within(bounds.getNorth(), 90)].join(",");
}
