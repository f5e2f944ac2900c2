"""Wiring a witness: its folder, the logs it trusts, its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.lock import WriterLock
from chemtrace.adapters.witness_state import (
    STATE_FILE,
    SQLiteWitnessState,
    WitnessIdentity,
    create_identity,
    load_identity,
)
from chemtrace.core.errors import SettingError
from chemtrace.core.note import NoteVerifier, parse_vkey
from chemtrace.core.policy import parse_policy
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.witness import Evidence, Examine, Witness

__all__ = [
    "WitnessIdentity",
    "acknowledge_evidence",
    "create_identity",
    "load_evidence",
    "load_identity",
    "load_standing",
    "opened_witness",
    "trusted_logs",
]


def trusted_logs(vkeys: Iterable[str], policy: Path | None) -> tuple[NoteVerifier, ...]:
    """Return the keys of the logs to be witnessed: verifier key texts, and the log lines of a tlog-policy file.

    Raises:
        NoteFormatError, PolicyFormatError: not such a key or file.
        SettingError: the file cannot be read, or no log is named at all.
    """
    logs = [parse_vkey(text) for text in vkeys]
    if policy is not None:
        try:
            logs += [log.verifier for log in parse_policy(policy.read_bytes()).logs]
        except OSError as error:
            raise SettingError(f"{policy} cannot be read: {error.strerror}", setting="policy") from error
    if not logs:
        raise SettingError(
            "a witness needs a log: give --log VKEY, or --policy FILE with log lines", setting="log"
        )
    return tuple(logs)


@contextmanager
def opened_witness(
    folder: Path,
    logs: Iterable[NoteVerifier],
    *,
    clock: Clock | None = None,
    examine: Examine | None = None,
) -> Iterator[Witness]:
    """The witness of a folder, for as long as the block lasts.

    Raises:
        KeyFileMissingError, KeyFileModeError, KeyFileError: its keys cannot be used.
        SettingError: the folder is no witness's.
    """
    identity = load_identity(folder)
    state = SQLiteWitnessState(folder / STATE_FILE)
    try:
        yield Witness(
            name=identity.name,
            keys=identity.keys,
            logs=logs,
            state=state,
            clock=clock or SystemClock(),
            examine=examine,
        )
    finally:
        state.close()


@contextmanager
def only_server(folder: Path, url: str) -> Iterator[None]:
    """Keep the folder of a witness or mirror to one server while the block lasts; raises `LedgerLockedError`."""
    lock = WriterLock(folder, url=url)
    try:
        yield
    finally:
        lock.release()


def load_evidence(folder: Path) -> tuple[Evidence, ...]:
    """Return the contradictions that a witness has kept, oldest first; raises `SettingError` for another folder."""
    with _memory(folder) as state:
        return state.evidence()


def load_standing(folder: Path) -> tuple[Evidence, ...]:
    """Return those of them that nobody has acknowledged; raises as `load_evidence`."""
    with _memory(folder) as state:
        return state.standing()


def acknowledge_evidence(folder: Path, clock: Clock | None = None) -> tuple[Evidence, ...]:
    """A person has dealt with what stands: it stays kept and is told no more; return it. Raises as `load_evidence`."""
    with _memory(folder) as state:
        return state.acknowledge((clock or SystemClock()).now_us())


@contextmanager
def _memory(folder: Path) -> Iterator[SQLiteWitnessState]:
    path = folder / STATE_FILE
    if not path.exists():
        raise SettingError("this folder holds no witness's memory: none was served from here", setting="data")
    state = SQLiteWitnessState(path)
    try:
        yield state
    finally:
        state.close()
