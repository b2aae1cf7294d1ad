// Questions to the service: JSON or an error that says what happened; and the service's own clock.

let clockOffsetMs = 0;

export class ServiceError extends Error {
  constructor(title, detail, status) {
    super(title);
    this.detail = detail;
    this.status = status;
  }
}

// Ages are counted by the service's clock: a wall screen's own may be wrong.
export const nowMs = () => Date.now() + clockOffsetMs;

export async function ask(path, { timeoutMs = 30000, signal, send } = {}) {
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  const sent = send ? { method: "POST", body: JSON.stringify(send) } : {};
  const headers = { Accept: "application/json", ...(send ? { "Content-Type": "application/json" } : {}) };
  const response = await fetch(new URL(path, document.baseURI), { signal: AbortSignal.any(limits), headers, ...sent });
  const said = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(said)) clockOffsetMs = said - Date.now();
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServiceError(body.title ?? String(response.status), body.detail ?? "", response.status);
  return body;
}

export const inPath = (...parts) => parts.map(encodeURIComponent).join("/");
