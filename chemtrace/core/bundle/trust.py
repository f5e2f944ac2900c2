"""The trust file: what a verifier pins before it looks at any bundle. Form: contracts/specs/trust.md.

Whoever hands it over is trusted; a verifier takes it once, from the authority or from a witness, never from the bundle.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import RefusedError, TrustFormatError
from chemtrace.core.note import NoteVerifier, parse_vkey
from chemtrace.core.policy import parse_policy

TRUST_TYPE: Final = "chemtrace/trust/1"
TRUST_MEDIA: Final = "application/vnd.chemtrace.trust+json"
MAX_TRUST_BYTES: Final = 256 * 1024
MAX_MIRRORS: Final = 32

_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is pinned; members as on the wire.

    `authority`: key id of entry 0, hex. `log`: verifier key text of the log, its name is the origin. `max_age_s`:
    older proofs are refused, seconds; null: any age. `mirrors`: names of the policy's witnesses that recompute
    everything before they cosign. `policy`: a C2SP tlog-policy, or null where nobody cosigns.
    """

    authority: _Hex32
    log: Annotated[str, msgspec.Meta(max_length=400)]
    max_age_s: Annotated[int, msgspec.Meta(ge=1, le=10 * 366 * 86_400)] | None
    mirrors: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=MAX_MIRRORS)]
    origin: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    policy: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)] | None
    typ: Literal["chemtrace/trust/1"] = "chemtrace/trust/1"

    @property
    def log_verifier(self) -> NoteVerifier:
        """The log's key, read from its text."""
        return parse_vkey(self.log)


_DECODER: Final = msgspec.json.Decoder(Trust)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def parse_trust(data: bytes) -> Trust:
    """Return the trust file of its bytes: canonical JSON, one newline behind it allowed.

    Raises:
        TrustFormatError: too large, a member missing, unknown or wrong, or members that contradict each other.
        JSON errors by name, and those of a verifier key (`NoteFormatError`) or policy (`PolicyFormatError`).
    """
    if len(data) > MAX_TRUST_BYTES:
        raise TrustFormatError("the trust file is too large", size=len(data), limit=MAX_TRUST_BYTES)
    body = data.removesuffix(b"\n")
    parse_canonical(body, MAX_TRUST_BYTES)
    try:
        trust = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise TrustFormatError(f"not a trust file: {error}") from error
    check_trust(trust)
    return trust


def parse_trust_file(data: bytes, name: str) -> Trust:
    """As `parse_trust`, for the file `name` that a person chose: whatever is wrong with it is said of that file.

    Raises:
        TrustFormatError: always this one; `path` is the name, `reason` the code of what was found, with its fields.
    """
    try:
        return parse_trust(data)
    except RefusedError as error:
        message = (
            f"the trust file {name} is damaged or no trust file, ask for it again: {error.message}"
            f" / 信任文件 {name} 已损坏或不是信任文件，请重新索取"
        )
        raise TrustFormatError(message, **{**error.fields, "path": name, "reason": error.code}) from error


def encode_trust(trust: Trust) -> bytes:
    """Return the bytes of a trust file, one newline at the end; raises as `parse_trust` what is not one."""
    data = _ENCODER.encode(trust) + b"\n"
    parse_trust(data)
    return data


def check_trust(trust: Trust) -> None:
    """Check that the members fit together.

    Raises:
        TrustFormatError: the log key has another name than the origin, a mirror is no witness of the policy, or the
            policy names logs but not this one.
        NoteFormatError, PolicyFormatError: the log's key or the policy is malformed.
    """
    if trust.log_verifier.name != trust.origin:
        raise TrustFormatError(
            "the name of the log's key is the origin", expected=trust.origin, found=trust.log_verifier.name
        )
    if len(set(trust.mirrors)) != len(trust.mirrors):
        raise TrustFormatError("mirrors names one twice", found=trust.mirrors)
    policy = None if trust.policy is None else parse_policy(trust.policy)
    witnesses = set() if policy is None else {witness.name for witness in policy.witnesses}
    unknown = tuple([name for name in trust.mirrors if name not in witnesses])
    if unknown:
        raise TrustFormatError(
            "a mirror is a witness that the policy defines", found=unknown, expected=tuple(sorted(witnesses))
        )
    logs = [] if policy is None else [log.verifier for log in policy.logs]
    if logs and trust.log_verifier not in logs:
        raise TrustFormatError(
            "the policy is about other logs than the pinned one",
            expected=trust.log,
            found=tuple([log.vkey for log in logs]),
        )
