// Changes sent to the service: each under the revision the reader saw, so that none overwrites another's unseen.

import { newKey } from "./keys.js";
import { titleOf } from "./page.js";
import { answered, inPath } from "./service.js";

const pathOf = (layer, id) => inPath("collections", layer, "items", id);

// { body, etag }: the feature as it is now.
export const feature = (layer, id) => answered(pathOf(layer, id));

// `change` is { properties?, geometry?, reason? }. Rejects with status 412 where somebody else changed it since.
export const patch = (layer, id, etag, change) => answered(pathOf(layer, id), { method: "PATCH", send: change, headers: { "If-Match": etag, "Idempotency-Key": newKey() } });

// With the same `key` a change sent twice is made once.
export const create = (layer, change, key) => answered(inPath("collections", layer, "items"), { send: { type: "Feature", ...change }, headers: { "Idempotency-Key": key } });

export const remove = (layer, id, etag, reason) => answered(pathOf(layer, id), { method: "DELETE", send: { reason }, headers: { "If-Match": etag } });

// What is wrong with single columns, in the reader's language: [{ column, text }].
export function faultsOf({ body }) {
  return (body?.faults ?? []).map(({ columns, expected, expected_zh: zh }) => ({ column: columns?.[0] ?? null, text: titleOf({ en: expected, zh }) }));
}
