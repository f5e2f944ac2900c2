"""Verifying proof files with no ledger, no network and no server package: what every install can do.

Both doors lead here: the commands of `verify_proofs`, and `start` where only the base packages are installed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec
import orjson

from chemtrace.core.bundle.model import MAX_BUNDLE_BYTES
from chemtrace.core.bundle.qr import QR_PREFIX
from chemtrace.core.bundle.trust import Trust, parse_trust_file
from chemtrace.core.bundle.verdict import Verdict
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.errors import (
    BundleTooLargeError,
    ChemtraceError,
    ProofFileError,
    ProofShapeError,
    ProofStaleError,
    TrustFormatError,
)
from chemtrace.core.note import parse_vkey
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.entrypoints.cli.exit_codes import ExitCode, exit_code
from chemtrace.entrypoints.cli.file_kinds import misplaced
from chemtrace.entrypoints.cli.offline_parser import KINDS, make_parser
from chemtrace.entrypoints.cli.output import print_json, print_text
from chemtrace.entrypoints.cli.refusals import is_form, print_refusal
from chemtrace.ledger.prove import parse_proof, verify_entry_proof

Kind: TypeAlias = Literal["bundle", "status"]
Language: TypeAlias = Literal["zh", "en", "both"]

STATEMENTS: Final = ("authentic", "included", "complete", "current")
_FULL: Final = frozenset({"yes", "as_of"})
_GAPS: Final = {"zh": "未核验：", "en": "Not checked:", "both": "未核验 · Not checked:"}


def check_file(
    kind: Kind, proof: str, trust: Path, *, at: str | None = None, max_age_s: int | None = None
) -> Verdict:
    """Return the verdict about a proof file, or about the text of a status code.

    Args:
        proof: a file; for a status proof also the text of its QR code, as a scanner gives it.
        at: judge its age as of this moment, RFC 3339; None: as of the clock of this machine.
        max_age_s: refuse what is older, instead of the limit in the trust file.

    Raises:
        ProofFileError, BundleTooLargeError: the file cannot be read. Otherwise as `verify_bundle`, `verify_status`.
    """
    pinned = _load_trust(trust)
    if max_age_s is not None:
        pinned = msgspec.structs.replace(pinned, max_age_s=max_age_s)
    now_us = time.time_ns() // 1000 if at is None else parse_rfc3339(at)
    try:
        return _verify(kind, proof, pinned, now_us)
    except ProofStaleError as error:
        age_us = error.fields.get("as_of_us")
        if isinstance(age_us, int):
            error.fields = {**error.fields, "age_s": (now_us - age_us) // 1_000_000}
        raise


def _verify(kind: Kind, proof: str, pinned: Trust, now_us: int) -> Verdict:
    if kind == "status":
        data = proof.encode() if proof.startswith(QR_PREFIX) else _read(Path(proof))
        # A text may end in the newline of an editor; in the compact form that byte is part of a hash.
        text = data.startswith((b"{", QR_PREFIX.encode()))
        return verify_status(data.removesuffix(b"\n") if text else data, pinned, now_us=now_us)
    return verify_bundle(_read(Path(proof)), pinned, now_us=now_us)


def check_entry_proof(file: Path, *, origin: str, key: str) -> dict[str, Any]:
    """What an inclusion proof in a file says of one entry: `included`, its index and event, size and root of the tree.

    Args:
        origin: of the log, pinned.
        key: the log's verifier key (name+hash+key), pinned.

    Raises:
        ProofFileError, BundleTooLargeError: the file cannot be read. ProofShapeError: it holds no such proof.
        Otherwise as `verify_entry_proof`.
    """
    data = _read(file)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProofShapeError(f"{file} is not JSON: {error}", file=str(file)) from error
    proof = parse_proof(value)
    entry, checkpoint = verify_entry_proof(proof, origin=origin, verifiers=[parse_vkey(key)])
    return {
        "included": True,
        "index": proof.index,
        "event_id": entry.event_id.hex(),
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
    }


def show_entry_proof(found: dict[str, Any], *, as_json: bool) -> None:
    """Print what `check_entry_proof` found on standard output."""
    if as_json:
        print_json(found)
    else:
        print_text(f"已收录 included: entry {found['index']} of {found['size']}, event {found['event_id']}")


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict for programs: times RFC 3339, statements and gaps with their sentences, events without payload."""
    document: dict[str, Any] = msgspec.to_builtins(verdict)
    document["verified"] = True
    for name in ("log_time", "as_of"):
        document[name] = format_utc(document.pop(f"{name}_us"))
    document["events"] = [
        {name: value for name, value in event.items() if name != "payload"} for event in document["events"]
    ]
    return document


def verdict_lines(verdict: Verdict, language: Language) -> list[str]:
    """The verdict for people: the four statements, then what was not checked."""
    lines = [f"{verdict.subject}  ({verdict.origin}, {verdict.size})"]
    for name in STATEMENTS:
        claim = getattr(verdict, name)
        lines += _sentences("✓" if claim.value in _FULL else "○", claim, language)
    lines.append(_GAPS[language])
    for gap in verdict.not_checked:
        lines += _sentences("-", gap, language)
    return lines


def show(verdict: Verdict, *, language: Language, as_json: bool) -> None:
    """Print a verdict on standard output."""
    if as_json:
        print_json(verdict_json(verdict))
        return
    for line in verdict_lines(verdict, language):
        print_text(line)


def answers(arguments: Sequence[str]) -> bool:
    """Whether `run` knows this command or shows help; every other one needs the packages of the server."""
    if not arguments or arguments[0] in ("-h", "--help"):
        return True
    if arguments[0] != "verify":
        return False
    kinds = [word for word in arguments[1:2] if not word.startswith("-")]
    return not kinds or kinds[0] in KINDS


def run(arguments: Sequence[str]) -> int:
    """`verify bundle|status|proof` without the packages of the command line; returns the exit code."""
    given = make_parser().parse_args(arguments or ["--help"])
    if given.kind == "proof":
        return judge_entry_proof(Path(given.proof), origin=given.origin, key=given.key, as_json=given.json)
    return judge(
        given.kind,
        given.proof,
        given.trust,
        at=given.at,
        max_age_s=given.max_age,
        language=given.lang,
        as_json=given.json,
    )


def judge(
    kind: Kind,
    proof: str,
    trust: Path,
    *,
    at: str | None,
    max_age_s: int | None,
    language: Language,
    as_json: bool,
) -> ExitCode:
    """Check a file as `check_file` and print the verdict, or why it is refused and what that means."""
    try:
        verdict = check_file(kind, proof, trust, at=at, max_age_s=max_age_s)
    except ChemtraceError as error:
        print_refusal(error, as_json=as_json, instead=_misplaced(kind, proof, error))
        return exit_code(error)
    show(verdict, language=language, as_json=as_json)
    return ExitCode.OK


def _misplaced(kind: Kind, proof: str, error: ChemtraceError) -> tuple[str, str] | None:
    """What the file is, where it cannot be read as a proof of this kind because it is something else."""
    if not is_form(error):
        return None
    if proof.startswith(QR_PREFIX):
        return misplaced(proof.encode(), kind)
    try:
        return misplaced(_read(Path(proof)), kind)
    except (BundleTooLargeError, ProofFileError):
        return None


def judge_entry_proof(file: Path, *, origin: str, key: str, as_json: bool) -> ExitCode:
    """Check an inclusion proof as `check_entry_proof` and print what it says, or why it is refused."""
    try:
        found = check_entry_proof(file, origin=origin, key=key)
    except ChemtraceError as error:
        print_refusal(error, as_json=as_json)
        return exit_code(error)
    show_entry_proof(found, as_json=as_json)
    return ExitCode.OK


def _sentences(mark: str, said: Any, language: Language) -> list[str]:
    texts = [said.zh, said.en] if language == "both" else [getattr(said, language)]
    return [f"{mark if at == 0 else ' '} {text}" for at, text in enumerate(texts)]


def _load_trust(path: Path) -> Trust:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustFormatError(
            f"the trust file {path} cannot be read: {error.strerror} / 读不到信任文件 {path}", path=str(path)
        ) from error
    return parse_trust_file(data, str(path))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise ProofFileError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleTooLargeError(
            "the file is larger than any bundle", size=len(data), limit=MAX_BUNDLE_BYTES, unit="bytes"
        )
    return data
