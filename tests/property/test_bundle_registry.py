"""The key rules, told twice: what the registry lets in, every bundle proves; what it refuses, no bundle proves."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter

import pytest

from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.verify import verify_bundle
from chemtrace.core.errors import (
    ChemtraceError,
    EnterpriseUnknownError,
    IdentityError,
    RefusedError,
)
from chemtrace.core.events import parse_payload
from chemtrace.core.header import parse_header
from chemtrace.core.times import parse_rfc3339
from chemtrace.registry.state import Registry
from tests.honest_log import AUTHORITY, Log
from tests.property.test_bundle_agreement import PARTIES, Muddle

SEEDS = int(os.environ.get("CHEMTRACE_LOGS", "25"))


class Guarded(Log):
    """A log that asks the registry first; for each refusal of signers it keeps the log that had let the entry in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.registry = Registry()
        self.refused: list[tuple[ChemtraceError, Log]] = []

    def append(self, body: bytes, header_bytes: bytes, payload: bytes) -> int:
        header = parse_header(header_bytes)
        facts = parse_payload(header.kind, header.phase, payload)
        newest = max(self.records, default=None)
        log_time_us = 0 if newest is None else self.records[newest].log_time_us
        index, iat_us = self.size, parse_rfc3339(header.iat)
        try:
            self.registry.check_signers(header, facts, index=index, log_time_us=log_time_us, iat_us=iat_us)
        except RefusedError as error:
            self.refused.append((error, self._lying(body, header_bytes, payload)))
            return -1
        try:
            self.registry.apply(index, log_time_us, header, facts)
        except RefusedError:  # the signers are right, the record is not: no matter of the signers' keys
            return -1
        return super().append(body, header_bytes, payload)

    def _lying(self, body: bytes, header_bytes: bytes, payload: bytes) -> Log:
        """The same log, had it let the entry in."""
        lying = copy.copy(self)
        for name in ("bodies", "payloads", "heads", "records"):
            setattr(lying, name, copy.copy(getattr(self, name)))
        lying.named = {subject: list(indexes) for subject, indexes in self.named.items()}
        Log.append(lying, body, header_bytes, payload)
        return lying


class Honest(Muddle):
    """A muddle whose log asks the registry, and founds itself as a log must."""

    def make_log(self, name: str) -> Log:
        return Guarded(name)

    def register_parties(self) -> None:
        for code in (AUTHORITY, *PARTIES):
            self.log.enterprise(code, "Party")


def guarded(seed: int) -> tuple[Guarded, Honest]:
    """A log of random happenings, as far as the registry let them in."""
    muddle = Honest(seed)
    muddle.live(10 + seed % 30)
    assert isinstance(muddle.log, Guarded)
    return muddle.log, muddle


def test_whatever_the_registry_lets_in_every_bundle_proves() -> None:
    for seed in range(SEEDS):
        log, _ = guarded(seed)
        for subject in log.named:
            verify_bundle(encode_bundle_text(log.bundle(subject)), log.trust())


def test_whatever_the_registry_refuses_of_a_key_no_bundle_proves() -> None:
    met: Counter[str] = Counter()
    for seed in range(SEEDS):
        log, _ = guarded(seed)
        for error, lying in log.refused:
            if isinstance(error, EnterpriseUnknownError):  # whether an enterprise is open, no bundle says
                continue
            assert isinstance(error, IdentityError)
            lying.epoch()
            last = lying.bodies[-2]
            header = json.loads(last[5 : 5 + int.from_bytes(last[1:5], "big")])
            with pytest.raises(ChemtraceError) as caught:
                verify_bundle(encode_bundle_text(lying.bundle(header["subjects"][0]["id"])), lying.trust())
            met[f"{error.code} {caught.value.code}"] += 1
    print(dict(met))  # noqa: T201  # with -s, what was met
    assert len(met) > 3
