// Changes as they come, taken one round at a time: those that come meanwhile are the next round's, so that a flood of them
// never piles up.

const LEAST_REST_MS = 200;
const LONGEST_REST_MS = 3000;

export class Following {
  pending = null;
  running = false;

  // `bring({ revision, at, touched })` does a round; touched maps layers to their changes, id to what became of it.
  constructor({ bring, failed }) {
    Object.assign(this, { bring, failed });
  }

  take({ revision, changes, recorded_at: at }) {
    this.pending ??= { revision: 0, at, touched: new Map() };
    Object.assign(this.pending, { revision: Math.max(this.pending.revision, revision), at });
    for (const { layer, id, op } of changes) {
      if (!this.pending.touched.has(layer)) this.pending.touched.set(layer, new Map());
      this.pending.touched.get(layer).set(String(id), op);
    }
    return this.run();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.pending) {
      const round = this.pending;
      this.pending = null;
      const began = performance.now();
      await this.bring(round).catch(this.failed);
      await rest(Math.min(LONGEST_REST_MS, Math.max(LEAST_REST_MS, performance.now() - began)));
    }
    this.running = false;
  }
}

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
