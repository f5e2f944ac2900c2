"""`chemtrace init`: found a ledger in an empty data folder."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, load_settings
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    authority_zh: Annotated[str, typer.Option(help="the authority's name in Chinese / 主管机关名称")],
    authority_en: Annotated[str, typer.Option(help="its name in English / 英文名称")],
    credit_code: Annotated[str, typer.Option(help="its unified social credit code / 统一社会信用代码")],
    origin: Annotated[str, typer.Option(help="name of the log for ever, like trace.example.cn/1 / 账本名称")],
    label_host: Annotated[str, typer.Option(help="host printed on every label / 标签二维码域名")],
    algorithm: Annotated[
        str, typer.Option(help="of the authority's and recovery keys: ed25519, p256, sm2 / 签名算法")
    ] = "ed25519",
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Found a ledger: keys, database, first entries; shows the reading token once / 创建账本."""
    from chemtrace.bootstrap import init_ledger
    from chemtrace.core.errors import NoteFormatError
    from chemtrace.core.note import make_verifier

    try:
        make_verifier(origin, bytes(32))
    except NoteFormatError as error:
        raise NoteFormatError(
            f"--origin {origin!r} cannot name a log: {error.message}; like trace.example.cn/1 / 账本名称无效",
            option="--origin",
            found=origin[:80],
        ) from error
    result = init_ledger(
        load_settings(data),
        authority_name_zh=authority_zh,
        authority_name_en=authority_en,
        credit_code=credit_code,
        origin=origin,
        label_host=label_host,
        algorithm=algorithm,
    )
    facts = msgspec.to_builtins(result)
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            print_text(f"{name}: {value}")
    print_note("令牌只显示这一次，请妥善保存 the token is shown only this once: keep it safe")
    print_note(
        f"请将恢复密钥移至离线介质并从本机删除 move {result.recovery_key_file} to offline storage and delete it here:"
        " it alone can replace the authority's key"
    )
