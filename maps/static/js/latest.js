// One question in flight: a newer one takes the place of an older, whose answer nobody waits for.

export class Latest {
  stop = null;

  // Resolves to null where a newer question took its place, or it was dropped.
  async run(asking) {
    this.drop();
    const stop = new AbortController();
    this.stop = stop;
    try {
      const answer = await asking(stop.signal);
      return this.stop === stop ? answer : null;
    } catch (error) {
      if (stop.signal.aborted) return null;
      throw error;
    } finally {
      if (this.stop === stop) this.stop = null;
    }
  }

  drop() {
    this.stop?.abort();
    this.stop = null;
  }
}
