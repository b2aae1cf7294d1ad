// A way by road: its line on the map, and its legs by road as a list.

import { el } from "./dom.js";
import { distance, number, page, t, titleOf } from "./page.js";
import { inTheWay, minutesText } from "./said.js";

const SHOWN = 14;

export function routeShapes(way) {
  if (!way?.geometry) return [];
  return [
    { geometry: way.geometry, pane: "ways", color: "#ffffff", weight: 9, opacity: 0.95 },
    { geometry: way.geometry, pane: "ways", color: "#0a5aa6", weight: 5, opacity: 1 },
  ];
}

export function routeSection(route, goal) {
  const way = route.now;
  const head = el("h3", {}, t("access.way_to", { name: goal.name }));
  if (!way) return el("section", { class: "route" }, head, el("p", { class: "advice straight" }, titleOf(route.said)), inTheWay(route.in_the_way));
  const legs = way.legs.slice(0, SHOWN).map((leg) => el("li", {}, legText(leg)));
  const rest = way.legs.length - SHOWN;
  const walk = way.walk_from_road_m > 0 ? t("access.walk_last", { far: distance(way.walk_from_road_m) }) : "";
  return el(
    "section", { class: "route" }, head,
    el("p", { class: "note" }, [titleOf(route.said), distance(way.metres), walk].filter(Boolean).join(" · ")), inTheWay(route.in_the_way),
    el("details", { "data-key": "legs" }, el("summary", {}, t("access.legs", { n: number(way.legs.length, 0) })), el("ol", { class: "legs" }, legs, rest > 0 ? el("li", {}, t("access.legs_more", { n: number(rest, 0) })) : null)),
  );
}

function legText(leg) {
  const name = leg.name || titleOf(page.access.roadClasses.find(({ id }) => id === leg.road_class)?.title) || t("access.unnamed");
  return [name, leg.bridge ? t("access.bridge") : "", titleOf(leg.direction), distance(leg.metres), minutesText(leg.minutes)].filter(Boolean).join(" · ");
}
