"""The header of a statement: the small part that is signed, hashed and kept for ever.

Its form is byte-exact in `contracts/specs/statement.md`: canonical JSON, ASCII only, at most 48 KiB.
"""

import re
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Final, Literal, NoReturn

import msgspec

from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import FormError, HeaderError, HeaderTooLargeError
from chemtrace.core.subjects import parse_subject
from chemtrace.core.times import parse_rfc3339

EVENT_TYPE: Final = "chemtrace/event/1"
PAYLOAD_TYPE: Final = "application/vnd.chemtrace.event+json"
NO_RULES: Final = "0" * 64
"""`rules` of a signer that held no rule set."""

MAX_HEADER_BYTES: Final = 48 * 1024
MAX_PAYLOAD_BYTES: Final = 256 * 1024
_MIN_PAYLOAD_BYTES: Final = 2
MAX_SUBJECTS: Final = 256
MAX_SIGNERS: Final = 8

_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
_CreditCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}\Z")]


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One subject of an event and the event id of the head its signer last saw (None: head unknown or first)."""

    id: str
    prev: str | None


class PayloadRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What the header binds of the payload: digest, size in bytes, media type."""

    sha256: str
    size: Annotated[int, msgspec.Meta(ge=_MIN_PAYLOAD_BYTES, le=MAX_PAYLOAD_BYTES)]
    type: Literal["application/vnd.chemtrace.event+json"]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The signed part of an event; member names are those of the wire. Digests and key ids are lowercase hex.

    The forms of its texts are those of `_StrictHeader`; `parse_header` has checked them.
    """

    enterprise: str
    iat: Annotated[str, msgspec.Meta(max_length=27)]
    kind: str
    payload: PayloadRef
    phase: str
    rules: str
    signers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MAX_SIGNERS)]
    stance: Literal["normal", "exception"]
    subjects: Annotated[tuple[Subject, ...], msgspec.Meta(min_length=1, max_length=MAX_SUBJECTS)]
    typ: Literal["chemtrace/event/1"]


class _StrictSubject(Subject, frozen=True, forbid_unknown_fields=True):
    prev: _Hex32 | None


class _StrictPayloadRef(PayloadRef, frozen=True, forbid_unknown_fields=True):
    sha256: _Hex32


class _StrictHeader(Header, frozen=True, forbid_unknown_fields=True):
    enterprise: _CreditCode
    kind: _Word
    payload: _StrictPayloadRef
    phase: _Word
    rules: _Hex32
    signers: Annotated[tuple[_Hex32, ...], msgspec.Meta(min_length=1, max_length=MAX_SIGNERS)]
    subjects: Annotated[tuple[_StrictSubject, ...], msgspec.Meta(min_length=1, max_length=MAX_SUBJECTS)]


_FORMS: Final = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}(?: [a-z][a-z_]{0,31}){2}(?: [0-9a-f]{64})+")
"""The texts of a header, parted by spaces: enterprise, kind, phase, then all digests. One match for all of them costs a
fifth of what one pattern for each member does; the strict decoder finds the words for what fails."""

_HEX: Final = '"([0-9a-f]{64})"'
_PLAIN: Final = re.compile(
    r'\{"enterprise":"[0-9A-HJ-NP-RTUWXY]{18}","iat":"([0-9T:.-]{1,26}Z)","kind":"[a-z][a-z_]{0,31}",'
    rf'"payload":\{{"sha256":{_HEX},"size":([1-9][0-9]{{0,5}}),"type":"application/vnd\.chemtrace\.event\+json"\}},'
    r'"phase":"[a-z][a-z_]{0,31}","rules":"[0-9a-f]{64}",'
    rf'"signers":\[{_HEX}\],"stance":"(?:normal|exception)",'
    r'"subjects":\[\{"id":"([0-9A-Za-z:.-]{1,96})","prev":(?:null|"[0-9a-f]{64}")\}\],"typ":"chemtrace/event/1"\}'
)
"""The canonical bytes of a header with one signer and one subject, as most are: iat, digest, size, signer, subject."""

_DECODER: Final = msgspec.json.Decoder(Header)
_STRICT: Final = msgspec.json.Decoder(_StrictHeader)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def parse_header(data: bytes) -> Header:
    """Return the header of its bytes as received; checks form, canonical spelling, subjects and time.

    Raises:
        HeaderTooLargeError: more than 48 KiB.
        FormError: JSON errors by name; `HeaderError` for a member missing, unknown or of a wrong form, with its
            path in the message; `SubjectError` and the code errors for a subject; `TimeFormatError` for `iat`.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise HeaderTooLargeError("the header is too large", size=len(data), limit=MAX_HEADER_BYTES)
    with suppress(FormError):
        if match_plain_header(data) is not None:
            return _DECODER.decode(data)
    # Where several things are wrong, the member-by-member reading names the first.
    return read_header(data)


def read_header(data: bytes) -> Header:
    """`parse_header` member by member, for a header of any shape and size; raises as it does."""
    try:
        header = _DECODER.decode(data)
        if not _have_form(header):
            _STRICT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(data, error) from error
    # The typed encoder writes sorted members without spaces, and the forms above admit no sign that RFC 8785
    # and it escape differently: equal bytes are canonical, and one pass is spared.
    if _ENCODER.encode(header) != data:
        raise _explain(data, None)
    _check_lists(header)
    if not header.iat.endswith("Z"):
        raise HeaderError("iat is not in UTC: it must end in Z", field="iat", found=header.iat)
    parse_rfc3339(header.iat)
    return header


def match_plain_header(data: bytes) -> tuple[str, str, int] | None:
    """What a header with one signer and one subject names: the signer, and the payload's digest and size.

    Less than half the work of `read_header`, and enough for those who want to know only that it would take these
    bytes. None: it may take them or not, ask it.

    Raises:
        FormError: of the subject or of `iat`, as `parse_header`.
    """
    found = _PLAIN.fullmatch(data.decode("latin-1"))
    if found is None:
        return None
    iat, digest, size, signer, subject = found.groups()
    parse_rfc3339(iat)
    _seen_subject(subject)
    length = int(size)
    return (signer, digest, length) if _MIN_PAYLOAD_BYTES <= length <= MAX_PAYLOAD_BYTES else None


def encode_header(header: Header) -> bytes:
    """Return the canonical bytes of `header`; what `parse_header` refuses is not refused here."""
    return _ENCODER.encode(header)


@lru_cache(maxsize=4096)
def _seen_subject(text: str) -> str:
    """`parse_subject`, remembered: in a run of a log the same subjects come again."""
    return parse_subject(text)


def _have_form(header: Header) -> bool:
    signers = header.signers
    prevs = [subject.prev for subject in header.subjects if subject.prev is not None]
    texts = (
        header.enterprise,
        header.kind,
        header.phase,
        header.rules,
        header.payload.sha256,
        *signers,
        *prevs,
    )
    joined = " ".join(texts)
    # No more spaces than were put between: none of the texts can pass for two of them.
    return joined.count(" ") == len(texts) - 1 and _FORMS.fullmatch(joined) is not None


def _explain(data: bytes, error: Exception | None) -> HeaderError:
    """Return the header's defect; a defect of the JSON itself is raised from here under its own name."""
    parse_canonical(data, MAX_HEADER_BYTES)
    return HeaderError(f"the header breaks its form: {error or 'a member is not in its one spelling'}")


def _check_lists(header: Header) -> None:
    subjects = header.subjects
    if len(subjects) > 1 and len({subject.id for subject in subjects}) != len(subjects):
        _refuse_twice("subjects", [subject.id for subject in subjects])
    if len(header.signers) > 1 and len(set(header.signers)) != len(header.signers):
        _refuse_twice("signers", header.signers)
    for subject in subjects:
        parse_subject(subject.id)


def _refuse_twice(field: str, values: "list[str] | tuple[str, ...]") -> NoReturn:
    twice = sorted({value for value in values if values.count(value) > 1})
    raise HeaderError(f"{field} names one twice: {twice[0]}", field=field, found=tuple(twice))
