// Long work in stretches: browsers check short signatures on the page's own thread, and a page that does not come to
// its other work for longer looks dead to whoever holds the phone.

const STRETCH_MS = 50;

/** Resolves in a turn of its own, after what waits now; a timer would take four milliseconds more. */
function turn() {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

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
    await turn();
    this.since = performance.now();
  }
}
