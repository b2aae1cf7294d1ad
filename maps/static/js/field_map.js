// The small map of the field page: the places' borders and the position; a tap gives another position.

import { ask, inPath } from "./service.js";
import { page } from "./page.js";

const { L } = window;

export async function startFieldMap(map, at, tapped) {
  const given = await ask(`${inPath("marks", page.areaLayer)}?zoom=9`);
  const style = { color: "#5b6770", weight: 1, fillColor: "#fff", fillOpacity: 0.6, interactive: false };
  const drawn = L.geoJSON(given.features, { style, interactive: false }).addTo(map);
  const marker = L.circleMarker([0, 0], { radius: 9, color: "#fff", weight: 3, fillColor: "#a50f15", fillOpacity: 1, interactive: false });
  const known = Number.isFinite(at.lon) && Number.isFinite(at.lat) && (at.lon !== 0 || at.lat !== 0);
  if (known) {
    marker.setLatLng([at.lat, at.lon]).addTo(map);
    map.setView([at.lat, at.lon], 12);
  } else if (drawn.getBounds().isValid()) map.fitBounds(drawn.getBounds());
  map.on("click", ({ latlng }) => {
    marker.setLatLng(latlng).addTo(map);
    tapped(latlng);
  });
}
