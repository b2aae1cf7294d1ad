// Keys by which the service knows a change sent twice; made where pages on plain http can make them too.

export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A key for each thing sent, the same for each try until it is taken: what was taken although no answer came is not made twice.
export class Tries {
  #keys = new Map();

  keyOf(sent) {
    const text = JSON.stringify(sent);
    if (!this.#keys.has(text)) this.#keys.set(text, newKey());
    return this.#keys.get(text);
  }

  taken(sent) {
    this.#keys.delete(JSON.stringify(sent));
  }
}
