"""`chemtrace bundle`, `status` and `trust export`: proof files of this ledger, to be verified anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.model import StatusProof
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.trust import encode_trust
from chemtrace.core.codes import parse_code
from chemtrace.core.subjects import parse_subject
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import write_file
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text

QR_MODULE_PX = 6
NO_LIMIT = (
    "信任文件没有规定证明的最长有效期，旧证明也会通过：请设置 CHEMTRACE_PROOF_MAX_AGE_S 后重新导出，"
    "或在查验时加 --max-age。\n"
    "The trust file limits no proof's age, so an old one is accepted as well: set CHEMTRACE_PROOF_MAX_AGE_S and export "
    "it again, or verify with --max-age."
)

Subject = Annotated[
    str, typer.Argument(help="trace code, in any spelling; or a subject such as key:ID / 追溯码或主体")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="write here / 写入文件", dir_okay=False)
]
Compact = Annotated[bool, typer.Option("--compact", help="the compact form (CBOR) / 紧凑格式")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("bundle")(bundle)
    app.command("status")(status)
    group = typer.Typer(help="what verifiers pin / 信任文件", no_args_is_help=True)
    group.command("export")(export_trust)
    app.add_typer(group, name="trust")


def bundle(
    code: Subject, out: Out = None, compact: Compact = False, data: Data = None, as_json: AsJSON = False
) -> None:
    """Write the bundle of an item: its whole history, verified with no network / 导出单件证明包."""
    subject = _subject(code)
    _require_file(compact, out)
    with opened(data) as application:
        proof = application.reads.bundle(subject)
    encoded = encode_bundle_compact(proof) if compact else encode_bundle_text(proof)
    _write(encoded, out)
    if out is not None:
        _tell(subject, out, len(encoded), len(proof.sections[0].entries), as_json=as_json)


def status(
    code: Subject,
    out: Out = None,
    compact: Compact = False,
    qr: Annotated[
        Path | None,
        typer.Option("--qr", metavar="FILE.png", help="draw its QR code / 生成二维码图片", dir_okay=False),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="the text of its QR code, CTS1:… / 二维码的文字")
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Write the short status proof of an item: how many events it has, as of when / 导出状态证明."""
    subject = _subject(code)
    _require_file(compact, out)
    if compact and text:
        raise typer.BadParameter("one form: --compact or --text / 只能选一种格式", param_hint="--text")
    with opened(data) as application:
        proof = application.reads.status(subject, only_ed25519=text or qr is not None)
        if qr is not None:
            picture = application.labels.render_qr_png(encode_status_qr(proof), QR_MODULE_PX, level="L")
            write_file(qr, picture)
            _tell(subject, qr, len(picture), proof.count, as_json=as_json)
    if out is None and qr is not None and not text:
        return
    encoded = _encode_status(proof, compact=compact, text=text)
    _write(encoded, out)
    if out is not None:
        _tell(subject, out, len(encoded), proof.count, as_json=as_json)


def export_trust(out: Out = None, data: Data = None) -> None:
    """Write the trust file as this log states it; verifiers take theirs from somebody they trust / 导出信任文件."""
    with opened(data) as application:
        encoded = encode_trust(application.trust)
        limit = application.trust.max_age_s
    _write(encoded.rstrip(b"\n") if out is None else encoded, out)
    if limit is None:
        print_note(NO_LIMIT)


def _encode_status(proof: StatusProof, *, compact: bool, text: bool) -> bytes:
    if text:
        return encode_status_qr(proof).encode()
    return encode_status_compact(proof) if compact else encode_status_text(proof)


def _subject(text: str) -> str:
    """A subject by its id, or an item's code in any spelling; a label's address has a colon too, and slashes."""
    return parse_subject(text) if ":" in text and "/" not in text else parse_code(text).text


def _require_file(compact: bool, out: Path | None) -> None:
    if compact and out is None:
        raise typer.BadParameter("the compact form is no text: name a file with --out", param_hint="--out")


def _write(encoded: bytes, out: Path | None) -> None:
    if out is None:
        print_text(encoded.decode())
    else:
        write_file(out, encoded)


def _tell(subject: str, file: Path, size: int, events: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"subject": subject, "file": str(file), "bytes": size, "events": events})
    else:
        print_text(
            f"{file}: {subject}, {events} 个事件 / {counted(events, 'event')}, {size} 字节 / {counted(size, 'byte')}"
        )
