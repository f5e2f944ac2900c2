"""`chemtrace verify bundle` and `verify status`: proof files against a pinned trust file, offline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.options import AsJSON


class Language(StrEnum):
    """In which language a verdict is printed."""

    zh = "zh"
    en = "en"
    both = "both"


TrustFile = Annotated[
    Path,
    typer.Option(
        "--trust", metavar="FILE", help="trust file, from somebody you trust / 信任文件（来自可信的一方）"
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="judge its age as of this moment, RFC 3339 / 按此时刻判断时效"),
]
MaxAge = Annotated[
    int | None,
    typer.Option(
        "--max-age",
        min=1,
        metavar="SECONDS",
        help="refuse what is older, instead of the trust file's limit / 最长有效期（秒）",
    ),
]
Lang = Annotated[Language, typer.Option("--lang", help="language of the sentences / 语言")]


def verify_bundle_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="bundle, text or compact form / 证明包")],
    trust: TrustFile,
    at: At = None,
    max_age: MaxAge = None,
    lang: Lang = Language.both,
    as_json: AsJSON = False,
) -> None:
    """Verify the bundle of an item with no network: authentic, included, complete, current / 离线核验单件证明包."""
    from chemtrace.entrypoints.cli import offline

    code = offline.judge(
        "bundle", file, trust, at=at, max_age_s=max_age, language=lang.value, as_json=as_json
    )
    raise typer.Exit(code)


def verify_status_file(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="status proof, or the text of its QR code (CTS1:…) / 状态证明"),
    ],
    trust: TrustFile,
    at: At = None,
    max_age: MaxAge = None,
    lang: Lang = Language.both,
    as_json: AsJSON = False,
) -> None:
    """Verify a status proof with no network: how many events a subject has, as of when / 离线核验状态证明."""
    from chemtrace.entrypoints.cli import offline

    code = offline.judge(
        "status", file, trust, at=at, max_age_s=max_age, language=lang.value, as_json=as_json
    )
    raise typer.Exit(code)
