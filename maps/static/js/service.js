// Questions to the service and changes sent to it: JSON or an error that says what happened, `outcomeUnknown` where a change may have
// been made although no answer came; and the service's own clock.

const SAFE = new Set(["GET", "HEAD"]);
const THEN = /^(layers|marks|risk|situation|collections|nearby|closures)(\/|\?|$)/;
let clockOffsetMs = 0;
const asking = { token: null, atLeast: 0, moment: null };

// Tells "standing" with every answer: how old the served snapshot is and what is wrong with the store, or nothing.
export const heard = new EventTarget();

export class ServiceError extends Error {
  constructor(title, detail, status, body = {}, headers = new Headers()) {
    super(title);
    Object.assign(this, { detail, status, body, headers, outcomeUnknown: body.type === "urn:geo-risk:OutcomeUnknown" });
  }
}

// Ages are counted by the service's clock: a wall screen's own may be wrong.
export const nowMs = () => Date.now() + clockOffsetMs;

// What unsafe questions carry beside the cookie, so that no other site's page can send them.
export const useToken = (token) => Object.assign(asking, { token });

// Reads from now on see at least that revision: the service waits for it rather than answer from before it.
export const seeAtLeast = (revision) => Object.assign(asking, { atLeast: revision });

// Reads from now on are of that moment, { datetime, asKnownAt? }; null for now.
export const readAt = (moment) => Object.assign(asking, { moment });

export const momentRead = () => asking.moment;

// Whether a question can be asked of the past.
export const ofAnyMoment = (path) => THEN.test(path);

export async function ask(path, options) {
  return (await answered(path, options)).body;
}

// The answer with what its headers say: { body, etag, revision, headers }.
export async function answered(path, { timeoutMs = 30000, signal, send, method = send ? "POST" : "GET", headers = {} } = {}) {
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  const unsafe = !SAFE.has(method);
  const asked = new URL(unsafe ? path : atMoment(path), document.baseURI);
  const sent = send === undefined ? {} : { body: JSON.stringify(send) };
  const response = await fetch(asked, { method, signal: AbortSignal.any(limits), headers: { ...carried(unsafe, send), ...headers }, ...sent }).catch((error) => {
    throw Object.assign(error, { outcomeUnknown: unsafe });
  });
  const said = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(said)) clockOffsetMs = said - Date.now();
  const body = await response.json().catch(() => ({}));
  tellStanding(response.headers);
  if (!response.ok) throw new ServiceError(body.title ?? String(response.status), body.detail ?? "", response.status, body, response.headers);
  return { body, etag: response.headers.get("ETag"), revision: Number(response.headers.get("Geo-Risk-Revision") ?? body.revision ?? 0), headers: response.headers };
}

function carried(unsafe, send) {
  return {
    Accept: "application/json",
    ...(send === undefined ? {} : { "Content-Type": "application/json" }),
    ...(unsafe && asking.token ? { "X-CSRF-Token": asking.token } : {}),
    ...(!unsafe && asking.atLeast && !asking.moment ? { "Geo-Risk-At-Least": String(asking.atLeast) } : {}),
  };
}

function atMoment(path) {
  if (!asking.moment || !ofAnyMoment(path)) return path;
  const { datetime, asKnownAt } = asking.moment;
  const query = new URLSearchParams({ ...(datetime ? { datetime } : {}), ...(asKnownAt ? { as_known_at: asKnownAt } : {}) });
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

export function tellStanding(headers) {
  const ageS = headers.get("Geo-Risk-Snapshot-Age");
  heard.dispatchEvent(new CustomEvent("standing", { detail: { problem: headers.get("Geo-Risk-Problem"), ageS: ageS === null ? null : Number(ageS) } }));
}

export const inPath = (...parts) => parts.map(encodeURIComponent).join("/");
