"""Wiring a mirror: the witness's folder and memory, its store, the log it follows, its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.following import FollowingThread
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.adapters.mirror_state import MIRROR_FILE, SQLiteMirrorStore
from chemtrace.adapters.static_files import FileLog
from chemtrace.adapters.witness_state import STATE_FILE, SQLiteWitnessState, load_identity
from chemtrace.core.bundle.trust import Trust, parse_trust_file
from chemtrace.core.errors import SettingError
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.witness import Evidence, Kept, Witness
from chemtrace.mirror.follow import Follower

__all__ = ["FollowingThread", "Mirror", "load_token", "load_trust", "opened_mirror"]


class Mirror:
    """A wired mirror: what recomputes, what cosigns, and what it keeps."""

    def __init__(
        self,
        origin: str,
        follower: Follower,
        witness: Witness,
        store: SQLiteMirrorStore,
        standing: Callable[[], tuple[Evidence, ...]],
    ) -> None:
        """Take the parts; `opened_mirror` makes them. `standing` tells what is kept and not acknowledged."""
        self.origin = origin
        self.follower = follower
        self.witness = witness
        self.standing = standing
        self.files = MirrorFiles(store, lambda: witness.kept(origin))


class MirrorFiles:
    """The port `ledger.static.StaticSource` over a mirror's own copy, as far as it has cosigned."""

    def __init__(self, store: SQLiteMirrorStore, kept: Callable[[], Kept | None]) -> None:
        """Cut files from `store`; `kept` tells what was cosigned last."""
        self._store = store
        self._kept = kept

    def published(self) -> int:
        """Size of the checkpoint cosigned last, 0 before the first."""
        kept = self._kept()
        return 0 if kept is None else kept.held.checkpoint.size

    def tile(self, level: int, number: int, _width: int) -> bytes:
        """The hashes of a tile as stored, b"" when there is none."""
        return self._store.tile(level, number)

    def entry_bodies(self, first: int, end: int) -> tuple[bytes, ...]:
        """The bytes of entries `first` to `end - 1`."""
        return self._store.entries(first, end)


def load_trust(file: Path) -> Trust:
    """Read what is pinned of a log; raises `SettingError` for no file, and as `parse_trust_file`."""
    return parse_trust_file(_load(file, "trust"), str(file))


def load_token(file: Path | None) -> str | None:
    """Read a bearer token from its file; raises `SettingError`."""
    if file is None:
        return None
    token = _load(file, "token-file").decode("ascii", "replace").strip()
    if not token or not token.isprintable() or " " in token or not token.isascii():
        raise SettingError(f"{file} holds no token", setting="token-file")
    return token


@contextmanager
def opened_mirror(
    folder: Path,
    *,
    url: str,
    trust: Trust,
    token: str | None,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[Mirror]:
    """The mirror of a folder that `chemtrace mirror init` made, for as long as the block lasts.

    `url` is the log's address, or a folder of its files as `chemtrace export log` writes them.

    Raises:
        KeyFileMissingError, KeyFileModeError, KeyFileError: unusable keys.
        SettingError: no mirror's folder, or one of another log.
    """
    clock = clock or SystemClock()
    identity = load_identity(folder)
    is_folder = Path(url).is_dir()
    log = FileLog(Path(url)) if is_folder else HTTPLog(url, token, transport=transport, waiting=waiting)
    state = SQLiteWitnessState(folder / STATE_FILE)
    try:
        store = SQLiteMirrorStore(folder / MIRROR_FILE, trust.origin)
        follower = Follower(log=log, store=store, trust=trust, evidence=state, clock=clock)
        try:
            witness = Witness(
                name=identity.name,
                keys=identity.keys,
                logs=[trust.log_verifier],
                state=state,
                clock=clock,
                examine=follower.examine,
            )
            yield Mirror(trust.origin, follower, witness, store, state.standing)
        finally:
            follower.close()
            store.close()
    finally:
        state.close()
        log.close()


def _load(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}", setting=setting) from error
