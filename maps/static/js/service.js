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

export async function ask(path, { timeoutMs = 30000, signal } = {}) {
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  const response = await fetch(new URL(path, document.baseURI), { signal: AbortSignal.any(limits), headers: { Accept: "application/json" } });
  const said = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(said)) clockOffsetMs = said - Date.now();
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServiceError(body.title ?? String(response.status), body.detail ?? "", response.status);
  return body;
}

export const inPath = (...parts) => parts.map(encodeURIComponent).join("/");
