"""The authority's desk on the command line: signed here with the key in the data folder, handed in at the door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chemtrace.core.errors import LedgerMissingError
from chemtrace.entrypoints.cli.door import Answer, Door, opened_door

if TYPE_CHECKING:
    from chemtrace.bootstrap import Application
    from chemtrace.core.statement import Statement
    from chemtrace.ledger.authority import Authority
    from chemtrace.registry.state import Registry

Builder = Callable[..., "Statement"]


@dataclass(frozen=True, slots=True)
class Desk:
    """An open ledger, its authority's signing key, and the door for what is signed."""

    application: Application
    authority: Authority
    door: Door

    @property
    def registry(self) -> Registry:
        """The registry as of the newest entry this process knows."""
        return self.application.registry

    def now_us(self) -> int:
        """The time of day, microseconds UTC."""
        return self.application.clock.now_us()

    def file(self, build: Builder, *args: Any, subject: str | None = None, **facts: Any) -> Answer:
        """Build one of `registry.office`'s statements upon the head of `subject` (if it takes one) and hand it in."""
        from chemtrace.core.statement import encode_wire

        if subject is not None:
            facts["prev"] = self.authority.head(subject)
        signing = self.authority.signing()
        if "grace_us" in facts:
            # A span becomes a moment by the very time that is signed, so that it never ends before it begins.
            grace_us = facts.pop("grace_us")
            facts["grace_end_us"] = None if grace_us is None else signing.now_us + grace_us
        return self.door.submit([encode_wire(build(signing, *args, **facts))])[0]


@contextmanager
def opened_desk(data: Path | None) -> Iterator[Desk]:
    """Open the desk; raises `KeyFileMissingError` where the authority's key is not in the data folder."""
    with opened_door(data) as door:
        if door.application is None:
            raise LedgerMissingError(
                "the authority signs with the key in its data folder: name it with --data"
            )
        yield Desk(door.application, door.application.authority, door)


def replace_service_key(
    door: Door, role: str, key_file: Path, passphrase: str | None, replaces: str | None, facts: dict[str, Any]
) -> Answer:
    """Hand in a key/register signed by the recovery key in `key_file`, where the authority's own is lost.

    It replaces `replaces`, or the key of that role that is in force.
    """
    from secrets import token_hex

    from chemtrace.bootstrap import load_private_key
    from chemtrace.core.statement import encode_wire
    from chemtrace.registry import office

    application = door.application
    if application is None or application.registry.authority is None:
        raise LedgerMissingError("a key is replaced in a data folder: name it with --data")
    former = application.registry.books.newest_key(role)
    by = office.Signing(
        key=load_private_key(key_file, passphrase),
        enterprise=application.registry.authority.party,
        now_us=application.clock.now_us(),
        nonce=token_hex(16),
    )
    ended = replaces if replaces is not None or former is None else former.kid
    prev = None if ended is None else door.heads([f"key:{ended}"])[f"key:{ended}"]
    statement = office.register_key(by, **facts, replaces=ended, replaces_prev=prev)
    return door.submit([encode_wire(statement)])[0]
