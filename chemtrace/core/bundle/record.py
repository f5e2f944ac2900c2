"""The epoch record that closes a tree of some size: how it is computed from what the compact form sends."""

from __future__ import annotations

from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import EpochRecord, encode_epoch, epoch_entry
from chemtrace.core.errors import EpochBrokenError
from chemtrace.core.merkle import root_from_inclusion
from chemtrace.core.times import format_utc
from chemtrace.core.types import RootHash


def closing_record(
    *,
    size: int,
    number: int,
    log_time_us: int,
    previous: int | None,
    subjects: int,
    chain: bytes,
    root: bytes,
) -> EpochRecord:
    """Return the record at index `size` - 1, which covers everything behind the record at `previous`.

    Raises:
        TimeFormatError: a log time outside 1970 to 9999.
    """
    first, last = covered(size - 1, previous)
    return EpochRecord(
        chain=chain.hex(),
        first=first,
        last=last,
        log_time=format_utc(log_time_us),
        map_root=root.hex(),
        number=number,
        previous=previous,
        subjects=subjects,
    )


def covered(index: int, previous: int | None) -> tuple[int | None, int | None]:
    """The range of entries that the record at `index` closes, (None, None) when there are none."""
    first, last = (0 if previous is None else previous + 1), index - 1
    return (None, None) if first > last else (first, last)


def check_covered(record: EpochRecord, index: int) -> None:
    """Check that a record at `index` covers exactly what lies behind the one before it; raises `EpochBrokenError`."""
    expected = covered(index, record.previous)
    forward = record.previous is not None and record.previous >= index
    if (record.first, record.last) != expected or forward:
        raise EpochBrokenError(
            "the epoch record covers other entries than those since the one before it",
            index=index,
            expected=expected,
            found=(record.first, record.last),
        )


def record_bytes(record: EpochRecord) -> bytes:
    """The header bytes of the record."""
    return encode_epoch(record)


def tree_root(record: EpochRecord, *, size: int, path: tuple[bytes, ...]) -> RootHash:
    """Return the root of the tree of `size` whose last entry is `record`; raises `ProofShapeError`."""
    return root_from_inclusion(leaf_hash=leaf_hash(epoch_entry(record)), index=size - 1, size=size, path=path)
