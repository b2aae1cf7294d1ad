// Lines and areas on canvases of Leaflet's, one a pane; the areas that carry risk with their badges and names.

import { AreaCanvas, CanvasLayer } from "./canvas.js";
import { drawBadge, hatch } from "./glyphs.js";
import { holds, inside, passes } from "./shapes.js";

const { L } = window;
const LINE_REACH = 6;
export const UNKNOWN_HATCH = (ctx) => hatch(ctx, "#8a8a8a");

export class Areas {
  constructor(map, { areaLayer, levelOf, riskOf, rankOf }) {
    Object.assign(this, { map, areaLayer, levelOf, riskOf, rankOf });
    this.renderers = new Map();
    this.layers = new Map();
    this.spots = [];
    this.chosen = null;
    this.badges = new CanvasLayer("badges", (ctx) => this.drawBadges(ctx)).addTo(map);
  }

  // A canvas for each pane, and one more for each look of a layer: the looks lie over each other as they were declared.
  canvas(pane, layer, look) {
    const key = look ? `${layer.id} ${look.choice}` : pane;
    if (!this.renderers.has(key)) this.renderers.set(key, new AreaCanvas({ pane, padding: 0.15 }).addTo(this.map));
    return this.renderers.get(key);
  }

  put(layer, marks) {
    this.layers.get(layer.id)?.drawn.remove();
    this.layers.delete(layer.id);
    if (layer.id === this.areaLayer) this.spots = marks ? spotsOf(marks.features.features) : [];
    if (!marks) return;
    const pane = paneOf(layer, this.areaLayer);
    // Lines need one canvas only: those of a later look come later in it.
    const looks = layer.geometry === "line" ? [] : layer.style.looks;
    for (const look of looks) this.canvas(pane, layer, look);
    const canvasOf = (feature) => this.canvas(pane, layer, looks.length ? lookOf(layer, feature) : null);
    const style = (feature) => ({ ...this.style(layer, feature), renderer: canvasOf(feature), interactive: false, pane });
    const drawn = L.geoJSON(inLooksOrder(layer, marks.features), { style, interactive: false, pane }).addTo(this.map);
    this.layers.set(layer.id, { layer, features: marks.features.features, drawn });
  }

  style(layer, feature) {
    if (layer.id === this.areaLayer) return placeStyle(this.levelOf(this.riskOf(feature.id)?.level ?? "unknown"));
    const look = lookOf(layer, feature);
    if (layer.geometry === "line") return lineStyle(layer, look, this.map.getZoom());
    if (layer.group === "area") return { color: layer.style.colour, weight: 2.2, opacity: 0.75, fill: false };
    const level = feature.properties.level ? this.levelOf(feature.properties.level) : null;
    const colour = level?.colour ?? layer.style.colour;
    if (look) return { color: colour, fillColor: colour, ...outline(look), fill: look.fill_opacity > 0, fillOpacity: look.fill_opacity, flat: true };
    return { color: layer.style.colour, weight: 0.7, opacity: 0.7, fillColor: colour, fillOpacity: level ? 0.34 : 0.2 };
  }

  // New levels on the areas as drawn.
  recolour() {
    const places = this.layers.get(this.areaLayer);
    places?.drawn.setStyle((feature) => this.style(places.layer, feature));
    this.badges.redraw();
  }

  drawBadges(ctx) {
    const zoom = this.map.getZoom();
    const placed = [];
    const spots = this.spots.map((spot) => ({ ...spot, at: this.map.latLngToLayerPoint([spot.lat, spot.lon]) }));
    const size = badgeSize(spots.map(({ at }) => at));
    const ranked = spots.sort((a, b) => this.rankOf(a.id) - this.rankOf(b.id));
    for (const { id, at } of ranked) {
      const level = this.levelOf(this.riskOf(id)?.level ?? "unknown");
      drawBadge(ctx, at.x, at.y, size, level);
      placed.push(boxAround(at.x, at.y, size + 2, size + 2));
    }
    for (const { at, name } of ranked) label(ctx, name, at.x, at.y + size / 2 + 11, zoom, placed);
  }

  // Every line and area under a click, the uppermost first.
  under(latlng) {
    const reach = Math.abs(this.map.layerPointToLatLng([LINE_REACH, 0]).lng - this.map.layerPointToLatLng([0, 0]).lng);
    const hit = (geometry, lines) => geometry && (lines ? passes(geometry, latlng.lng, latlng.lat, reach) : holds(geometry, latlng.lng, latlng.lat));
    return [...this.layers.values()].flatMap(({ layer, features }) =>
      features.filter(({ geometry }) => hit(geometry, layer.geometry === "line")).map(({ id, properties }) => ({ layer: layer.id, id: String(id), name: properties.name, look: properties.look })),
    );
  }

  // A spot of a line or an area, if it is drawn.
  placeOf(layerId, id) {
    const feature = this.layers.get(layerId)?.features.find((each) => String(each.id) === id && each.geometry);
    if (!feature) return null;
    const spot = inside(feature.geometry);
    const middle = spot ?? L.geoJSON(feature).getBounds().getCenter();
    return { lat: middle.lat, lon: middle.lon ?? middle.lng };
  }

  choose(layerId, id) {
    this.chosen?.remove();
    const feature = this.layers.get(layerId)?.features.find((each) => String(each.id) === id);
    if (!feature) return null;
    const style = { renderer: this.canvas("chosen"), pane: "chosen", color: "#14202c", weight: 4, fill: false, interactive: false };
    this.chosen = L.geoJSON(feature, { style, interactive: false, pane: "chosen" }).addTo(this.map);
    return this.chosen.getBounds();
  }

  unchoose() {
    this.chosen?.remove();
    this.chosen = null;
  }
}

const PANES = { line: "lines", area: "zones" };

function paneOf(layer, areaLayer) {
  if (layer.id === areaLayer) return "places";
  return layer.group === "area" ? "borders" : PANES[layer.geometry];
}

function placeStyle(level) {
  const border = { color: "#5b6770", weight: 1, opacity: 0.9 };
  if (level.id === "unknown") return { ...border, fillColor: "#d9d9d9", fillOpacity: 0.35, hatch: UNKNOWN_HATCH };
  return { ...border, fillColor: level.colour, fillOpacity: 0.5, hatch: null };
}

function lineStyle(layer, look, zoom) {
  const broad = zoom >= 12 ? 1 : 0;
  if (look) return { color: layer.style.colour, ...outline(look), weight: look.outline_px + broad, fill: false };
  return { color: layer.style.colour, weight: 1.4 + broad, opacity: 0.8, fill: false };
}

function inLooksOrder(layer, collection) {
  if (!layer.style.looks.length) return collection;
  const rank = (feature) => layer.style.looks.indexOf(lookOf(layer, feature));
  return { ...collection, features: [...collection.features].sort((a, b) => rank(a) - rank(b)) };
}

const lookOf = (layer, feature) => layer.style.looks.find((look) => look.choice === feature.properties.look) ?? null;
const outline = (look) => ({ stroke: look.outline_opacity > 0, weight: look.outline_px, opacity: look.outline_opacity, dashArray: look.dash || null });

function spotsOf(features) {
  return features
    .map((feature) => ({ id: String(feature.id), name: feature.properties.name ?? "", ...(feature.geometry ? inside(feature.geometry) : null) }))
    .filter((spot) => spot.lat !== undefined);
}

// Badges take a part of the room between areas, so that small areas keep theirs.
function badgeSize(points) {
  if (points.length < 2) return 30;
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const room = Math.sqrt(((Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys))) / points.length);
  return Math.min(34, Math.max(15, room * 0.27));
}

const boxAround = (x, y, width, height) => [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// A name is left out rather than written over another; the worst places come first.
function label(ctx, name, x, y, zoom, placed) {
  const size = zoom >= 11 ? 13 : 11.5;
  Object.assign(ctx, { font: `600 ${size}px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif`, textAlign: "center", textBaseline: "middle", lineJoin: "round" });
  const shown = name.length > 24 ? `${name.slice(0, 23)}…` : name;
  const box = boxAround(x, y, ctx.measureText(shown).width + 4, size + 2);
  if (!shown || placed.some((other) => meet(box, other))) return;
  placed.push(box);
  Object.assign(ctx, { lineWidth: 3, strokeStyle: "rgb(255 255 255 / 90%)", fillStyle: "#14202c" });
  ctx.strokeText(shown, x, y);
  ctx.fillText(shown, x, y);
}
