"""Which histories a bundle needs beside its subject's: of signers' keys, of the authority's, of containers.

Builder and verifier ask the same functions, so that a bundle holds exactly what is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chemtrace.core.bundle.reading import History, ReadEntry
from chemtrace.core.errors import BundleFormatError, SectionMissingError
from chemtrace.core.subjects import is_item

ROOT_ROLES: Final = frozenset({"authority", "recovery"})
"""Keys that only the recovery key can replace."""

_KEY: Final = "key:"


def key_subject(kid: str) -> str:
    """The subject id of a key's history; `kid` in hex."""
    return _KEY + kid


def key_of(subject: str) -> str | None:
    """The key id in hex when a subject is a key, else None."""
    return subject.removeprefix(_KEY) if subject.startswith(_KEY) else None


def reached_from(history: History) -> frozenset[str]:
    """Return the subjects whose histories this one calls for (contracts/specs/bundle.md, "Which sections").

    Its entries' payloads must have been read (`reading.read_payload`).
    """
    reached: set[str] = set()
    for entry in history.entries:
        reached.update([key_subject(kid) for kid in entry.header.signers])
        if is_item(history.subject) and entry.container not in (None, history.subject):
            reached.add(str(entry.container))
        replaced = _replaced(history.subject, entry)
        if replaced is not None:
            reached.add(key_subject(replaced))
    return frozenset(reached)


def _replaced(subject: str, entry: ReadEntry) -> str | None:
    """The key that the section's own key replaced, when it is one of the authority's two."""
    key = entry.key
    if key is None or entry.what != ("key", "register") or key_of(subject) != key.kid:
        return None
    return key.replaces if key.role in ROOT_ROLES else None


def check_sections(subject: str, histories: Mapping[str, History]) -> None:
    """Check that `histories` are exactly those that `subject`'s calls for, over and over (bundle.md step 6).

    Raises:
        SectionMissingError: one is missing, or a `key` or `device` event does not show its payload.
        BundleFormatError: one more than needed.
    """
    reached, queue = {subject}, [subject]
    while queue:
        history = histories.get(queue.pop())
        if history is None:
            continue
        found = reached_from(history) - reached
        reached |= found
        queue += found
    missing = sorted(reached - histories.keys())
    if missing:
        raise SectionMissingError(
            "a history that the verdict needs is not in the bundle",
            subject=missing[0],
            missing=tuple(missing),
        )
    unneeded = sorted(histories.keys() - reached)
    if unneeded:
        raise BundleFormatError("the bundle holds a history that nothing calls for", found=tuple(unneeded))
    for history in histories.values():
        _require_shown(history)


def _require_shown(history: History) -> None:
    for entry in history.entries:
        if entry.header.kind in ("key", "device") and entry.payload is None:
            raise SectionMissingError(
                "the payload of an event about keys is not shown",
                subject=history.subject,
                index=entry.index,
            )
