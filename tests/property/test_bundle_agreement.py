"""Random logs, honest and lying, and what two verifiers say of their bundles: the same verdict, or the same code."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.trust import encode_trust
from chemtrace.core.keys import PrivateKey
from chemtrace.core.times import format_utc
from tests.honest_log import (
    AUTHORITY,
    CARRIER,
    HOUR_US,
    MAKER,
    MINUTE_US,
    USER,
    FixedKey,
    Log,
    Witness,
    amount,
    fixed_key,
    item,
)
from tests.oracle.bundle_naive import judge
from tests.vectors.bundle_runner import run

SEEDS = int(os.environ.get("CHEMTRACE_LOGS", "40"))
PARTIES = (MAKER, CARRIER, USER)
WITNESSES = tuple(Witness(f"w{number}") for number in range(4))


class Muddle:
    """A log in which things happen at random; most of what happens is allowed, some of it is not."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.log = log = self.make_log(f"muddle {seed}")
        self.keys: dict[PrivateKey, tuple[str, str]] = {}
        self.codes = [item(number, "PC"[number % 2]) for number in range(4)]
        self.authority: list[FixedKey] = [log.authority]
        self.recovery: list[FixedKey] = [log.recovery]
        self.seed = seed
        log.register(log.authority, AUTHORITY, "authority", proved=False)
        log.register(log.recovery, AUTHORITY, "recovery")
        self.register_parties()
        for _ in range(3):
            self.register()
        for code in self.codes:
            self.act(code)

    def make_log(self, name: str) -> Log:
        """The log to write to."""
        return Log(name)

    def register_parties(self) -> None:
        """Enter the enterprises; a bundle does not ask for them."""

    def key(self) -> PrivateKey:
        """One of the enterprises' keys."""
        return self.chance.choice(list(self.keys))

    def ruling(self) -> FixedKey:
        """The authority's newest key, now and then an older one."""
        return self.chance.choice(self.authority) if self.chance.random() < 0.05 else self.authority[-1]

    def register(self) -> None:
        number = len(self.keys)
        alg = self.chance.choice(["ed25519", "ed25519", "p256", "sm2"])
        key = fixed_key(f"muddle {self.seed} {number}", alg)
        party, role = self.chance.choice(PARTIES), self.chance.choice(["enterprise", "enterprise", "device"])
        self.keys[key] = (party, role)
        facts: dict[str, Any] = {"namespaces": ["old"]} if self.chance.random() < 0.3 else {}
        self.log.register(key, party, role, by=self.ruling(), **facts)

    def act(self, code: str | None = None) -> None:
        key = self.key()
        party = self.keys[key][0] if self.chance.random() > 0.03 else self.chance.choice(PARTIES)
        code = code or self.chance.choice(self.codes)
        facts: dict[str, Any] = {"items": [amount(code)]}
        if self.chance.random() < 0.1:
            facts["on_behalf_of"] = f"ext:{self.chance.choice(['old', 'old', 'new'])}:x"
        header = {}
        if self.chance.random() < 0.3:
            header["iat"] = format_utc(self.log.now_us - self.chance.randrange(4) * HOUR_US)
        signers = [key]
        if self.chance.random() < 0.1:
            signers.append(self.chance.choice([one for one in self.keys if one is not key]))
        self.log.tell("use/consume", [code], facts, by=signers, enterprise=party, header=header)

    def pack(self) -> None:
        box, inner = self.chance.sample(self.codes, 2)
        key = self.key()
        facts: dict[str, Any] = {"container": box, "items": [{"code": inner}]}
        if self.chance.random() < 0.2:
            facts["on_behalf_of"] = f"ext:{self.chance.choice(['old', 'new'])}:x"
        self.log.tell("pack/done", [box, inner], facts, by=key, enterprise=self.keys[key][0])

    def end(self) -> None:
        key = self.key()
        party, role = self.keys[key]
        phase = self.chance.choice(["retire", "retire", "compromised"])
        grace = (
            self.chance.choice([None, MINUTE_US * 3, HOUR_US, 73 * HOUR_US]) if phase == "retire" else None
        )
        self.log.end(key, party, phase, role=role, by=self.ruling(), grace_us=grace)

    def device(self) -> None:
        key = self.key()
        phase = self.chance.choice(["register", "register", "revoke"])
        self.log.device(f"PHONE-{list(self.keys).index(key)}", self.keys[key][0], key, phase)

    def rotate(self) -> None:
        line, role = self.chance.choice([(self.authority, "authority"), (self.recovery, "recovery")])
        new = fixed_key(f"muddle {self.seed} {role} {len(line)}")
        by = self.recovery[-1] if self.chance.random() > 0.1 else self.authority[-1]
        if self.log.register(new, AUTHORITY, role, by=by, replaces=line[-1]) >= 0:
            line.append(new)

    def live(self, steps: int) -> None:
        """Let things happen."""
        happenings: list[tuple[Callable[[], object], int]] = [
            (self.act, 12), (self.pack, 3), (self.register, 3), (self.end, 1), (self.device, 1), (self.rotate, 1),
            (self.log.epoch, 4),
        ]  # fmt: skip
        what, weights = zip(*happenings, strict=True)
        for step in self.chance.choices(what, weights, k=steps):
            step()
        self.log.epoch()

    def case(self) -> dict[str, Any]:
        """The input of a bundle about something in it."""
        log, chance = self.log, self.chance
        pinned = chance.sample(WITNESSES, chance.randrange(len(WITNESSES) + 1))
        stranger = [one for one in WITNESSES if one not in pinned][: chance.random() < 0.03]
        shown = [*pinned[: len(pinned) - (chance.random() < 0.05)], *stranger]
        trust = log.trust(
            pinned,
            mirrors=pinned[:1],
            quorum=chance.randint(1, len(pinned)) if pinned else 1,
            max_age_s=chance.choice([None, 3600]),
        )
        subject = chance.choice(self.codes * 3 + sorted(log.named))
        at_s = chance.choice([None, None, None, (log.now_us + HOUR_US) // 1_000_000, 4_000_000_000])
        bundle = log.bundle(subject, witnesses=shown, hide=lambda _: chance.random() < 0.2, time_s=at_s)
        now = chance.choice([None, log.now_us - HOUR_US, log.now_us, log.now_us + 2 * HOUR_US])
        return {
            "trust": encode_trust(trust).decode(),
            "text": encode_bundle_text(bundle).decode(),
            "now_us": now,
        }


def test_two_verifiers_agree_on_random_logs() -> None:
    results: Counter[str] = Counter()
    for seed in range(SEEDS):
        muddle = Muddle(seed)
        muddle.live(5 + seed % 25)
        for _ in range(3):
            given = muddle.case()
            ours = run({"op": "bundle", "input": given})
            naive = judge("bundle", given["text"].encode(), given["trust"].encode(), given["now_us"])
            assert ours == naive, seed
            results[ours.get("error", "taken")] += 1
    print(dict(results))  # noqa: T201  # with -s, what was met
    assert results["taken"] > SEEDS / 2
    assert len(results) > 4
