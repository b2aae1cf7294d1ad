// Who asks: the caller as the service knows him, signing in and out. What he may do is decided by the service; here it is only shown.

import { ask, seeAtLeast, useToken } from "./service.js";

const OPERATORS = ["operator", "admin"];
const REPORTED_ON = ["hazard", "response"];
const CLOSURES = "road_closures";

export const session = { caller: null, known: false };

// Tells "session" when another caller asks than before.
export const callers = new EventTarget();

export async function meet() {
  const { caller, csrf } = await ask("session");
  take(caller?.role === "anonymous" ? null : caller, csrf);
}

// `said` is { name, password } or { key }. Rejects where the service refuses.
export async function signIn(said) {
  await ask("session", { send: said });
  await meet();
}

export async function signOut() {
  await ask("session", { method: "DELETE" });
  seeAtLeast(0);
  await meet();
}

function take(caller, token) {
  const other = JSON.stringify(caller) !== JSON.stringify(session.caller);
  const first = !session.known;
  Object.assign(session, { caller: caller ?? null, known: true });
  useToken(token ?? null);
  if (other || first) callers.dispatchEvent(new CustomEvent("session", { detail: { first } }));
}

const allows = (granted, id) => granted === null || granted === undefined || granted.includes(id);

// Field teams report on hazards and on help; closures, areas, roads and people are for operators.
export function mayWrite({ id, group }) {
  const role = session.caller?.role;
  const byRole = OPERATORS.includes(role) || (role === "field" && REPORTED_ON.includes(group) && id !== CLOSURES);
  return byRole && allows(session.caller.writes, id);
}

// Whose keys or sessions may manage accounts; for others there is no way to the page, and the service would refuse it.
export const mayManage = () => session.caller?.role === "admin" && allows(session.caller.scopes, "admin");

export const mayUndo = () => OPERATORS.includes(session.caller?.role);
