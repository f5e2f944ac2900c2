"""`chemtrace verifier`: the inspector's page as a file, to be put on phones and opened with no network."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.outfile import writing_to
from chemtrace.entrypoints.cli.output import print_json, print_note

TrustIn = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        metavar="TRUST",
        help="trust file to put into the page, from somebody you trust / 随页附带的信任文件",
        exists=True,
        dir_okay=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="the inspector's page / 离线查验网页", no_args_is_help=True)
    group.command("export")(export_verifier)
    app.add_typer(group, name="verifier")


def export_verifier(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="HTML file to write; must not exist / 要写入的 HTML 文件，不得已存在"
        ),
    ],
    trust: TrustIn = None,
    as_json: AsJSON = False,
) -> None:
    """Write the page that verifies proofs offline, one HTML file, with or without a trust file / 导出离线查验网页."""
    from chemtrace.core.bundle.trust import parse_trust_file
    from chemtrace.entrypoints.verifier.page import render_verifier

    pinned = None if trust is None else parse_trust_file(trust.read_bytes(), str(trust))
    page = render_verifier(pinned)
    with writing_to(file), file.open("xb") as stream:
        stream.write(page)
    digest = hashlib.sha256(page).hexdigest()
    if as_json:
        print_json(
            {
                "file": str(file),
                "origin": pinned.origin if pinned else None,
                "bytes": len(page),
                "sha256": digest,
            }
        )
    else:
        print_note(
            f"已导出离线查验网页 {file}，{len(page)} 字节 · the page is written, {len(page)} bytes; SHA-256 {digest}\n"
            + (
                f"  附带信任文件，账本 · with the trust file of {pinned.origin}"
                if pinned
                else "  未附信任文件，使用前须载入 · without a trust file: load one before use"
            )
        )
