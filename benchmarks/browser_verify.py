"""Verifying a bundle in the inspector's page, as a multiple of its signatures times one check of the browser.

Run: python -m benchmarks.browser_verify [rounds, default 9]
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.support.report import record
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.trust import encode_trust
from tests.honest_log import MAKER, Log, amount, fixed_key, item
from tests.web.serving import chromium
from tests.web.verifier_page import opened

EVENTS = (10, 1000)

TIME = """async ({ proof, trust, rounds }) => {
  const v = globalThis.chemtraceVerifier;
  const octets = v.octets.utf8(proof);
  const pinned = v.parseTrust(v.octets.utf8(trust));
  const whole = [], one = [];
  let signatures = 0;
  for (let round = 0; round <= rounds; round++) {
    const checks = new v.keys.Signatures();
    const start = performance.now();
    const given = { trust: pinned, now: null, signatures: checks, onProgress: () => {} };
    const verdict = await v.verifyBundle(octets, given);
    whole.push(performance.now() - start);
    signatures = checks.count;
    one.push(await timeOne(v, verdict));
  }
  // The first round compiles the code; a phone that opens the page for one drum pays it too, so it is told as well.
  return { first: whole[0], whole: whole.slice(1), one: one.slice(1), signatures };

  async function timeOne(v, { sections, keys }) {
    const event = sections[0].events[0];
    const [[kid, signature]] = event.signatures;
    const message = v.keys.encodePae('application/vnd.chemtrace.header+json', event.bytes);
    const key = await crypto.subtle.importKey('raw', keys.get(kid).key.raw, { name: 'Ed25519' }, false, ['verify']);
    const start = performance.now();
    for (let n = 0; n < 200; n++) await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message);
    return (performance.now() - start) / 200;
  }
}"""


def bundle(events: int) -> tuple[bytes, bytes]:
    """A drum with so many events of one key, and the trust file of its log."""
    log, maker, drum = Log("bench"), fixed_key("bench maker"), item(1)
    log.found()
    log.enterprise(MAKER, "Maker")
    log.register(maker, MAKER)
    for number in range(events):
        kind = "use/consume" if number else "produce/make"
        log.tell(kind, [drum], {"items": [amount(drum)]}, by=maker, enterprise=MAKER)
    log.epoch()
    return encode_bundle_text(log.bundle(drum)), encode_trust(log.trust())


def measure(browser: Any, events: int, rounds: int) -> dict[str, float]:
    """Milliseconds of a verdict and of one check, the least of all rounds of each, and their ratio."""
    proof, trust = bundle(events)
    with opened(browser) as page:
        started = time.perf_counter()
        found = page.evaluate(TIME, {"proof": proof.decode(), "trust": trust.decode(), "rounds": rounds})
        print(f"{events} events: {time.perf_counter() - started:.1f} s")
    whole, one = min(found["whole"]), min(found["one"])
    return {
        f"{events}_bytes": len(proof),
        f"{events}_signatures": found["signatures"],
        f"{events}_ms": whole,
        f"{events}_first_ms": found["first"],
        f"{events}_one_ms": one,
        f"{events}_ratio": whole / (found["signatures"] * one),
    }


def main(rounds: int) -> None:
    """Both sizes in one browser."""
    figures: dict[str, float] = {}
    with chromium() as browser:
        for events in EVENTS:
            figures |= measure(browser, events, rounds)
    record("browser_verify", figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
