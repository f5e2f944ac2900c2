// Long work in stretches: browsers check short signatures on the page's own thread, and a page that does not come to
// its other work for longer looks dead to whoever holds the phone.

const STRETCH_MS = 50;

/** Tells when a rest is due, and takes it. */
export class Pace {
  /** `onProgress(done, all)` is told at each rest. */
  constructor(onProgress) {
    this.onProgress = onProgress;
    this.since = performance.now();
  }

  isDue() {
    return performance.now() - this.since > STRETCH_MS;
  }

  async rest(done, all) {
    this.onProgress(done, all);
    await new Promise(resolve => setTimeout(resolve, 0));
    this.since = performance.now();
  }
}
