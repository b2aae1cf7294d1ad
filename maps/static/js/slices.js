// Long work in slices of a frame, so that the page never stops answering; new work takes the place of what is not done.

const SLICE_MS = 12;

export class Slices {
  constructor() {
    this.frame = null;
    this.finished = Promise.resolve();
  }

  // `work` is a generator that yields wherever it may be interrupted. Its first slice runs at once.
  run(work) {
    cancelAnimationFrame(this.frame);
    this.finish?.();
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.slice(work);
  }

  slice(work) {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      if (work.next().done) {
        this.finish();
        return;
      }
    }
    this.frame = requestAnimationFrame(() => this.slice(work));
  }
}
