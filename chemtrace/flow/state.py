"""All that the engine remembers: claims (held, covered, live), live alerts and the detectors' memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from chemtrace.core.canonical import encode_canonical
from chemtrace.core.types import MAX_SAFE_INTEGER
from chemtrace.flow.alert import Alert
from chemtrace.flow.memory import Memo, Memory, Value
from chemtrace.flow.signal import Draft

NEVER_US: Final = MAX_SAFE_INTEGER
"""Due time of what waits for nothing."""

Place = Literal["held", "covered", "live"]


ClaimId: TypeAlias = tuple[str, str]
"""An incident's key and the name of the claim in it."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for an alert, and where it stands.

    held: waits for `due_us`; covered: taken in by the incident whose key is `under`; live: part of the alert whose
    id is `under`, with `due_us` of its next step or `NEVER_US`. `step` counts the draft's steps taken.
    """

    key: str
    name: str
    draft: Draft
    place: Place
    due_us: int = NEVER_US
    under: str = ""
    step: int = 0

    @property
    def id(self) -> ClaimId:
        """What identifies a claim: the incident's key and its own name."""
        return self.key, self.name


class Watch(msgspec.Struct, frozen=True):
    """A row of the watch table: a claim or a memo, as canonical JSON. `key` is unique over both."""

    key: str
    detector: str
    due_us: int
    doc: bytes


class State:
    """The engine's memory between two observations; rebuilt from rows, or empty at the start of a log."""

    __slots__ = ("alerts", "by_alert", "by_cover", "by_event", "by_key", "claims", "memory")

    def __init__(
        self,
        alerts: Iterable[Alert] = (),
        claims: Iterable[Claim] = (),
        memos: Iterable[tuple[str, Memo]] = (),
    ) -> None:
        """Take live alerts, claims and memos, in any order."""
        self.alerts: dict[str, Alert] = {alert.id: alert for alert in alerts}
        self.claims: dict[ClaimId, Claim] = {}
        self.by_key: dict[str, dict[str, None]] = {}
        self.by_alert: dict[str, dict[ClaimId, None]] = {}
        self.by_cover: dict[str, dict[ClaimId, None]] = {}
        self.by_event: dict[str, dict[ClaimId, None]] = {}
        self.memory = Memory(memos, standing=self.by_key)
        for claim in sorted(claims, key=lambda claim: claim.id):
            self.store(claim)

    def store(self, claim: Claim) -> None:
        """Set a claim, in place of an older one of the same id."""
        self.drop(claim.id)
        self.claims[claim.id] = claim
        self.by_key.setdefault(claim.key, {})[claim.name] = None
        self.by_event.setdefault(claim.draft.evidence[0].event_id, {})[claim.id] = None
        if claim.place == "live":
            self.by_alert.setdefault(claim.under, {})[claim.id] = None
        elif claim.place == "covered":
            self.by_cover.setdefault(claim.under, {})[claim.id] = None

    def drop(self, claim_id: ClaimId) -> None:
        """Forget a claim, if it is there."""
        claim = self.claims.pop(claim_id, None)
        if claim is None:
            return
        _remove(self.by_key, claim.key, claim.name)
        _remove(self.by_event, claim.draft.evidence[0].event_id, claim_id)
        _remove(self.by_alert, claim.under, claim_id)
        _remove(self.by_cover, claim.under, claim_id)

    def claims_of(self, key: str) -> list[Claim]:
        """The claims of one incident key, by name."""
        return [self.claims[key, name] for name in sorted(self.by_key.get(key, ()))]

    def live_alert(self, key: str) -> Alert | None:
        """The alert that an incident key stands in, if one is live."""
        for claim in self.claims_of(key):
            if claim.place == "live":
                return self.alerts[claim.under]
        return None

    def watches(self) -> tuple[Watch, ...]:
        """Every claim and memo as rows, by key."""
        rows = [encode_claim(claim) for claim in self.claims.values()]
        rows += [encode_memo(key, memo) for key, memo in self.memory.all()]
        return tuple(sorted(rows, key=lambda row: row.key))


_K = TypeVar("_K")
_V = TypeVar("_V")


def _remove(index: dict[_K, dict[_V, None]], key: _K, value: _V) -> None:
    names = index.get(key)
    if names is not None:
        names.pop(value, None)
        if not names:
            del index[key]


def claim_row(claim_id: ClaimId) -> str:
    """The key of a claim's row."""
    return f"claim|{claim_id[0]}|{claim_id[1]}"


def memo_row(key: str) -> str:
    """The key of a memo's row."""
    return f"memo|{key}"


def encode_claim(claim: Claim) -> Watch:
    """A claim as a row."""
    doc = encode_canonical(msgspec.to_builtins(claim))
    return Watch(claim_row(claim.id), claim.draft.detector, claim.due_us, doc)


def encode_memo(key: str, memo: Memo) -> Watch:
    """A memo as a row; its due time is when it may be forgotten."""
    doc = encode_canonical(msgspec.to_builtins(memo))
    return Watch(memo_row(key), "memo", memo.forget_us, doc)


def parse_state(alerts: Iterable[Alert], watches: Iterable[Watch]) -> State:
    """Rebuild the state from live alerts and all watch rows.

    Raises:
        msgspec.ValidationError: a row that this program did not write.
    """
    claims: list[Claim] = []
    memos: list[tuple[str, Memo]] = []
    for row in watches:
        if row.key.startswith("memo|"):
            memos.append((row.key[5:], _memo(row.doc)))
        else:
            claims.append(msgspec.json.decode(row.doc, type=Claim))
    standing = {claim.under for claim in claims if claim.place == "live"}
    return State([alert for alert in alerts if alert.id in standing], claims, memos)


class _StoredMemo(msgspec.Struct):
    value: str | int | list[Any]
    forget_us: int


def _memo(doc: bytes) -> Memo:
    stored = msgspec.json.decode(doc, type=_StoredMemo)
    return Memo(_frozen(stored.value), stored.forget_us)


def _frozen(value: str | int | list[Any]) -> Value:
    return tuple([_frozen(item) for item in value]) if isinstance(value, list) else value
