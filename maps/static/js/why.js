// Why a place has its figure: the features behind each reading, what the level spans, and the figure under other rules.

import { el } from "./dom.js";
import { number, score, t, titleOf, withUnit } from "./page.js";

export function whySections(why, { risk, layers, levelOf, open }) {
  const factors = new Map(risk.factors.map((factor) => [factor.id, factor]));
  const rows = why.risk.readings.filter((reading) => why.evidence[reading.factor]?.features).map((reading) => behind(reading, factors.get(reading.factor), why.evidence[reading.factor], layers, open));
  return [
    el("section", { class: "evidence" }, el("h3", {}, t("why.title")), rows.length ? rows : el("p", { class: "note" }, t("why.nothing"))),
    el("section", {}, el("h3", {}, t("why.spread")), el("p", { class: "note" }, spreadText(why, levelOf))),
  ];
}

function behind(reading, factor, evidence, layers, open) {
  const layer = layers.get(evidence.layer);
  const items = evidence.shown.map((each) => feature(each, evidence.layer, layer, factor, open));
  const rest = evidence.features - evidence.shown.length;
  const more = rest > 0 ? el("li", { class: "note" }, t("why.rest", { n: number(rest, 0), sum: figure(evidence.rest, factor.unit) })) : null;
  return el("details", {}, el("summary", {}, titleOf(factor.title), " ", el("b", {}, figure(reading.raw, factor.unit)), " ", el("small", {}, t("why.count", { n: number(evidence.features, 0), layer: titleOf(layer.title) }))), el("ul", { class: "near" }, items, more));
}

function feature(each, layerId, layer, factor, open) {
  const part = el("span", { class: "far" }, figure(each.contribution, factor.unit));
  const share = each.share < 0.9995 ? el("small", {}, ` ${t("why.share", { share: withUnit(each.share, "share") })}`) : null;
  return el("li", {}, el("button", { type: "button", on: { click: () => open(layerId, each.id) } }, el("span", { class: "what" }, each.name ?? titleOf(layer.title), share), part));
}

const figure = (value, unit) => (value === null ? t("value.unknown") : withUnit(value, unit));

function spreadText({ spread, band }, levelOf) {
  if (spread.least === null) return t("why.spread_unknown");
  const levels = spread.levels.map((id) => levelOf(id).numeral).join(", ");
  const from = band && band.at_least !== null ? t("why.band", { numeral: band.numeral, least: number(band.at_least, 1) }) : "";
  return [t("why.spread_of", { least: score(spread.least), most: score(spread.most), levels, n: spread.alternatives.length }), from].filter(Boolean).join(" ");
}
