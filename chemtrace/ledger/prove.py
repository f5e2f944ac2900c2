"""Prove that an entry stands in the log: its bytes, its path through the tree, and a signed checkpoint over it.

All three are of one moment. Whoever pins the log's origin and key checks the proof with `core` alone; it says
*included*, neither complete nor current.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from chemtrace.core.entry import Entry, leaf_hash, parse_entry
from chemtrace.core.errors import EntryUnknownError, ProofShapeError
from chemtrace.core.merkle import verify_inclusion
from chemtrace.core.note import NoteVerifier, parse_note
from chemtrace.core.tiles import inclusion_from_tiles


class ProofSource(Protocol):
    """What a proof is made from, all of one snapshot."""

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """Size and signed note of the newest checkpoint."""
        ...

    def entry_body(self, index: int) -> bytes | None:
        """The bytes of an entry, None when there is none."""
        ...

    def tile(self, level: int, number: int, width: int) -> bytes:
        """At least `width` hashes of a tile, b"" when there is none."""
        ...


class EntryProof(msgspec.Struct, frozen=True):
    """An entry, its place, its audit path (lowest sibling first) and the signed note of the tree it stands in."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def to_json(self) -> dict[str, Any]:
        """`{entry (base64url), index, path (hex), checkpoint (note text)}`, as the interface answers it."""
        return {
            "entry": encode_base64url(self.entry),
            "index": self.index,
            "path": [node.hex() for node in self.path],
            "checkpoint": self.checkpoint.decode("utf-8"),
        }


def prove_entry(source: ProofSource, index: int) -> EntryProof:
    """Return the proof of entry `index` under the newest checkpoint; reads one tile a level.

    Raises:
        EntryUnknownError: no such entry, or no checkpoint covers it yet; carries the size published.
        TreeBrokenError: stored tiles are missing or too short; verify the log.
    """
    newest = source.newest_checkpoint()
    size = 0 if newest is None else newest[0]
    body = source.entry_body(index)
    if newest is None or body is None or index >= size:
        raise EntryUnknownError(
            f"no published checkpoint covers entry {index}: {size} entries are published",
            index=index,
            size=size,
        )
    return EntryProof(body, index, inclusion_from_tiles(index, size, source.tile), newest[1])


def parse_proof(value: Mapping[str, Any]) -> EntryProof:
    """Return the proof of its JSON object; raises `ProofShapeError` or `WireError`."""
    try:
        path = tuple(bytes.fromhex(node) for node in value["path"])
        index, note = value["index"], value["checkpoint"].encode("utf-8")
        entry = decode_base64url(value["entry"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProofShapeError(f"a proof is {{entry, index, path, checkpoint}}: {error}") from error
    if not isinstance(index, int) or isinstance(index, bool):
        raise ProofShapeError("the index of a proof is a number", found=str(index)[:40])
    return EntryProof(entry, index, path, note)


def verify_entry_proof(
    proof: EntryProof, *, origin: str, verifiers: Iterable[NoteVerifier]
) -> tuple[Entry, Checkpoint]:
    """Check a proof against a pinned origin and log key; return the entry and the checkpoint it stands in.

    (1) The note is signed by the log. (2) The entry is well formed. (3) Its leaf leads to the signed root.
    The signatures inside the entry are not checked here: that takes the keys in force at its index.

    Raises:
        NoteFormatError, NoteSignatureError, CheckpointError, EntryFormatError, ProofShapeError, RootMismatchError.
    """
    checkpoint, _ = verify_checkpoint(proof.checkpoint, origin, verifiers)
    entry = parse_entry(proof.entry)
    verify_inclusion(
        leaf_hash=leaf_hash(proof.entry),
        index=proof.index,
        size=checkpoint.size,
        path=proof.path,
        root=checkpoint.root,
    )
    return entry, checkpoint


def proof_size(proof: EntryProof) -> int:
    """The tree size that a proof claims, read from its note without any check."""
    return parse_checkpoint(parse_note(proof.checkpoint).text).size
