"""The soak of proofs: one change at every byte of a thousand small bundles and 250 status proofs; none is taken."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.errors import ChemtraceError
from tests.honest_log import AUTHORITY, MAKER, Log, Witness, amount, fixed_key, item

PROOFS = int(os.environ.get("CHEMTRACE_SOAK_PROOFS", "1250"))
MAX_BYTES = 4096
TELL_EVERY = 50
ALGORITHMS = ("ed25519", "p256", "sm2")
MIRROR = Witness("mirror")


def proofs() -> Iterator[tuple[str, bytes, Trust]]:
    """Proofs of at most 4 KiB, each of a log of its own: every algorithm, both forms, cosigned and not."""
    number = 0
    while True:
        log = Log(f"soak {number}")
        maker = fixed_key(f"soak maker {number}", ALGORITHMS[number % 3])
        drum = item(number)
        log.register(log.authority, AUTHORITY, "authority", proved=False)
        log.register(log.recovery, AUTHORITY, "recovery", proved=False)
        log.register(maker, MAKER, proved=False)
        if number % 2:
            log.epoch()
        log.tell("produce/make", [drum], {"items": [amount(drum)]}, by=maker, enterprise=MAKER)
        log.epoch()
        witnesses = [MIRROR] if number % 4 == 3 else []
        trust = log.trust(witnesses, mirrors=witnesses)
        hidden = log.bundle(drum, witnesses=witnesses, hide=lambda _: True)
        status = log.status(drum, witnesses=witnesses)
        pinned = log.bundle(f"key:{log.authority.kid.hex()}", witnesses=witnesses)
        yield "bundle", encode_bundle_compact(log.bundle(drum, witnesses=witnesses)), trust
        yield "bundle", encode_bundle_compact(hidden), trust
        yield "bundle", encode_bundle_text(pinned), trust
        yield "bundle", encode_bundle_compact(pinned), trust
        yield (
            "status",
            (encode_status_text(status), encode_status_compact(status), encode_status_qr(status).encode())[
                number % 3
            ],
            trust,
        )
        number += 1


def test_no_change_of_one_byte_is_ever_taken():
    """CHEMTRACE_SOAK_PROOFS says how many; what they are refused for is told at the end."""
    chance = random.Random(1)
    codes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    accepted = changed = 0
    started = time.monotonic()
    for operation, data, trust in proofs():
        if len(data) > MAX_BYTES:
            counts["too large, left out"] += 1
            continue
        verify = verify_bundle if operation == "bundle" else verify_status
        verify(data, trust)
        counts[operation] += 1
        for at in range(len(data)):
            other = data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]
            changed += 1
            try:
                verify(other, trust)
            except ChemtraceError as error:
                codes[error.code] += 1
            else:
                accepted += 1
        done = counts["bundle"] + counts["status"]
        if done % TELL_EVERY == 0 or done == PROOFS:
            seconds = round(time.monotonic() - started)
            print(f"{done} proofs, {changed} changes, {accepted} taken, {seconds} s")  # noqa: T201  # the soak tells
        if done == PROOFS:
            break
    print(dict(counts), dict(codes.most_common()))  # noqa: T201  # the soak tells
    assert accepted == 0
