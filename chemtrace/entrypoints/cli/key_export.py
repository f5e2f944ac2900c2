"""`chemtrace keys export`: the public key that others pin, as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import write_file
from chemtrace.entrypoints.cli.output import print_json, print_text

_LINE = 64


class ServiceRole(StrEnum):
    """Keys of the ledger itself that somebody outside pins."""

    receipt = "receipt"
    log = "log"
    authority = "authority"
    recovery = "recovery"


def export_key(
    role: Annotated[ServiceRole, typer.Option("--role", help="which key of the ledger / 哪一把密钥")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="write here / 写入文件", dir_okay=False)
    ],
    der: Annotated[bool, typer.Option("--der", help="DER instead of PEM / 二进制格式")] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Write the public key of a role, the one in force, for those who pin it / 导出公钥."""
    from chemtrace.core.errors import KeyUnknownError

    with opened(data) as application:
        origin, record = application.ledger.origin, application.registry.books.newest_key(role.value)
    if record is None:
        raise KeyUnknownError(f"no {role.value} key is registered in this ledger", role=role.value)
    spki = record.public_key.spki
    write_file(out, spki if der else _pem(spki))
    if as_json:
        print_json({"kid": record.kid, "role": role.value, "origin": origin, "file": str(out)})
        return
    print_text(f"{out}: {role.value} 公钥 public key, kid {record.kid}")
    print_text(f"来源 origin: {origin}")


def _pem(spki: bytes) -> bytes:
    """SubjectPublicKeyInfo as PEM (RFC 7468 section 13), which OpenSSL reads."""
    from base64 import b64encode

    text = b64encode(spki).decode("ascii")
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode("ascii")
