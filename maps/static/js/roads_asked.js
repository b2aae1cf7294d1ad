// What every question by road has in common: for which vehicle, and which roads are shut in thought only.

import { page } from "./page.js";

export const asked = { vehicle: page.access?.vehicles[0]?.id ?? "car", whatIf: new Map() };

export const without = () => [...asked.whatIf.keys()];

export function roadQuery(values) {
  const query = new URLSearchParams({ ...values, vehicle: asked.vehicle });
  if (asked.whatIf.size) query.set("without", without().join(","));
  return query.toString();
}
