// Keys by which the service knows a change sent twice; made where pages on plain http can make them too.

export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
