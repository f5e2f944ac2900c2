"""The epoch record: the entry right before each checkpoint, which commits everything before it.

It has no signature of its own: it is the last leaf of a signed tree, and the checkpoint over that tree vouches
for it. Log time of an entry is the time of the next epoch record.
"""

from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from chemtrace.core.canonical import parse_canonical
from chemtrace.core.entry import encode_entry
from chemtrace.core.errors import EpochBrokenError, EpochFormatError
from chemtrace.core.header import MAX_HEADER_BYTES
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.core.types import MAX_SAFE_INTEGER, EventId

EPOCH_TYPE: Final = "chemtrace/epoch/1"

_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class EpochRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One epoch, members as on the wire.

    `first` and `last`: indexes of the entries since the previous epoch record, null when there were none;
    `subjects`: number of subjects in the map after them; `chain`: c of everything before this entry, hex;
    `map_root`: root of the subject map, or null; `previous`: index of the previous epoch record, or null.
    """

    chain: _Hex32
    first: _Count | None
    last: _Count | None
    log_time: Annotated[str, msgspec.Meta(max_length=27)]
    map_root: _Hex32 | None
    number: _Count
    previous: _Count | None
    subjects: _Count
    typ: Literal["chemtrace/epoch/1"] = "chemtrace/epoch/1"

    @property
    def log_time_us(self) -> int:
        """Log time in microseconds UTC."""
        return parse_rfc3339(self.log_time)


_DECODER: Final = msgspec.json.Decoder(EpochRecord)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_epoch(record: EpochRecord) -> bytes:
    """Return the record's canonical JSON: the header bytes of its entry."""
    return _ENCODER.encode(record)


def parse_epoch(data: bytes) -> EpochRecord:
    """Return the record of its header bytes.

    Raises:
        EpochFormatError: a member is missing, unknown or wrong; or JSON errors by name.
    """
    try:
        record = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parse_canonical(data, MAX_HEADER_BYTES)
        raise EpochFormatError(f"not an epoch record: {error}") from error
    if _ENCODER.encode(record) != data:
        parse_canonical(data, MAX_HEADER_BYTES)
        raise EpochFormatError("not an epoch record: a member is not in its one spelling")
    if format_utc(parse_rfc3339(record.log_time)) != record.log_time:
        raise EpochFormatError("log_time is not in its one spelling", found=record.log_time)
    if (record.first is None) != (record.last is None) or (record.first or 0) > (record.last or 0):
        raise EpochFormatError(
            "first and last are both null or a range", first=record.first, last=record.last
        )
    return record


def epoch_entry(record: EpochRecord) -> bytes:
    """Return the log entry of a record: no signatures."""
    return encode_entry(encode_epoch(record), ())


def epoch_id(record: EpochRecord) -> EventId:
    """Return the id of the record: SHA-256 of its header bytes, as for every entry."""
    return EventId(sha256(encode_epoch(record)).digest())


def check_epoch_order(
    record: EpochRecord, index: int, before: EpochRecord | None, before_index: int | None
) -> None:
    """Check a record at `index` against the one before it (None for the first): number, time, range, link.

    Raises:
        EpochBrokenError: with both sides; the log contradicts itself.
    """
    start = 0 if before_index is None else before_index + 1
    first, last = (start, index - 1) if start < index else (None, None)
    wanted = {
        "number": before.number + 1 if before else 0,
        "previous": before_index,
        "first": first,
        "last": last,
    }
    for name, expected in wanted.items():
        found = getattr(record, name)
        if found != expected:
            raise EpochBrokenError(
                f"the epoch record's {name} does not follow",
                index=index,
                field=name,
                expected=expected,
                found=found,
            )
    if before is not None and record.log_time_us < before.log_time_us:
        raise EpochBrokenError(
            "log time went back",
            index=index,
            field="log_time",
            expected=before.log_time,
            found=record.log_time,
        )
