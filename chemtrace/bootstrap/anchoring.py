"""Wiring anchors: the timestamp service over HTTP, the certificates that vouch for it, and the anchors in the log."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from chemtrace.adapters.timestamps import HTTPTimestampService, load_roots, verify_token
from chemtrace.bootstrap.application import Application
from chemtrace.core.errors import SettingError
from chemtrace.ledger.anchoring import (
    Anchored,
    AnchorEvent,
    AnchorReport,
    TimestampService,
    stamp_checkpoint,
    verify_anchors,
)

PAGE = 200


def stamp_newest(
    application: Application, url: str, roots: Path, *, service: TimestampService | None = None
) -> Anchored:
    """Have the served checkpoint stamped by the service at `url`, verified under the PEM certificates of `roots`.

    Raises:
        SettingError: the address is not one of HTTP, or the file cannot be read.
        CheckpointMissingError, AnchorUnavailableError, AnchorInvalidError: as `stamp_checkpoint`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise SettingError("the address of a timestamp service is one of HTTP", setting="tsa", found=url)
    asked = service or HTTPTimestampService(url, load_roots(_read(roots)))
    # Neither a password nor a token in the address may end up in the log.
    name = f"{parts.hostname}{parts.path}"[:200]
    return stamp_checkpoint(application.ledger.checkpoint(), application.ledger.origin, asked, name)


def check_anchors(application: Application, roots: Path) -> list[AnchorReport]:
    """Check every anchor in the log, oldest first, under the PEM certificates of `roots`; raises `SettingError`."""
    verify = partial(verify_token, roots=load_roots(_read(roots)))
    return verify_anchors(
        load_anchors(application), application.ledger.origin, root_of=application.root_of, verify=verify
    )


def load_anchors(application: Application) -> list[AnchorEvent]:
    """Return the anchors in the log, oldest first."""
    found: list[AnchorEvent] = []
    cursor: str | None = None
    while True:
        page = application.reads.events(kind="anchor", cursor=cursor, limit=PAGE)
        for line in page.rows:
            facts = line.payload or {}
            found.append(
                AnchorEvent(
                    line.index,
                    int(facts["size"]),
                    str(facts["root"]),
                    str(facts["service"]),
                    str(facts["token"]),
                )
            )
        if page.next is None:
            return found[::-1]
        cursor = page.next


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}", setting="tsa_root") from error
