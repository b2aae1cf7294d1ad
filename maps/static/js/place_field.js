// Where a point is, in a form: longitude and latitude, typed or picked on the map.

import { el } from "./dom.js";
import { t } from "./page.js";

// { row, moved(), unsaved(), fault(), geometry() }, as every field of a place.
export function placeField(at, pick) {
  const [lon, lat] = ["lon", "lat"].map((name, i) => {
    const input = el("input", { name, id: `edit-${name}`, inputmode: "decimal", autocomplete: "off", required: true });
    input.value = at ? String(at[i]) : "";
    return input;
  });
  const picking = () => pick.start((found) => {
    if (found) Object.assign(lon, { value: String(found.lon) }) && Object.assign(lat, { value: String(found.lat) });
    lon.focus();
  });
  const fields = [[t("edit.lon"), lon], [t("edit.lat"), lat]].map(([label, input]) => el("label", { class: "asked" }, el("span", {}, label), input));
  const moved = () => !at || Number(lon.value) !== at[0] || Number(lat.value) !== at[1];
  const readable = () => [lon, lat].every(({ value }) => value.trim() !== "" && Number.isFinite(Number(value)));
  return {
    row: el("fieldset", { class: "place" }, el("legend", {}, t("edit.place")), ...fields, el("button", { type: "button", id: "edit-pick", on: { click: picking } }, t("edit.pick"))),
    moved,
    unsaved: () => moved() && readable(),
    fault: () => (readable() ? null : t("edit.fault_place")),
    geometry: () => ({ type: "Point", coordinates: [Number(lon.value), Number(lat.value)] }),
  };
}
