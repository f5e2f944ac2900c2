"""`chemtrace keys token`: the bearer tokens of people and programs that read. They are no part of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, load_settings
from chemtrace.entrypoints.cli.output import print_json, print_note, print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def create_group() -> typer.Typer:
    """The group of commands."""
    group = typer.Typer(help="bearer tokens for reading / 读取令牌", no_args_is_help=True)
    group.command("new")(new)
    group.command("revoke")(revoke)
    group.command("list")(list_tokens)
    return group


def new(
    name: Annotated[str, typer.Argument(help="whose it is / 使用者")],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Make a token; it is shown this once / 新建令牌."""
    from chemtrace.bootstrap import opened_tokens

    with opened_tokens(load_settings(data)) as (tokens, clock):
        text, record = tokens.create(name, now_us=clock.now_us())
    if as_json:
        print_json({"id": record.id, "name": record.name, "token": text})
        return
    print_text(text)
    print_note(
        f"令牌只显示这一次 shown only this once; revoke it with: chemtrace keys token revoke {record.id}"
    )


def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="id of the token, see list / 令牌编号")],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """End a token at once / 吊销令牌."""
    from chemtrace.bootstrap import opened_tokens

    with opened_tokens(load_settings(data)) as (tokens, clock):
        record = tokens.revoke(token_id, now_us=clock.now_us())
    if as_json:
        print_json(_row(record.id, record.name, record.created_us, record.revoked_us))
    else:
        print_text(f"已吊销 revoked: {record.id} ({record.name})")


def list_tokens(data: Data = None, as_json: AsJSON = False) -> None:
    """List the tokens, never themselves / 令牌列表."""
    from chemtrace.bootstrap import opened_tokens

    with opened_tokens(load_settings(data)) as (tokens, _):
        rows = [_row(one.id, one.name, one.created_us, one.revoked_us) for one in tokens.list()]
    if as_json:
        print_json({"tokens": rows})
        return
    columns = ("id", "name", "created", "revoked")
    print_table("tokens / 令牌", columns, [tuple(row[name] for name in columns) for row in rows])


def _row(id_: str, name: str, created_us: int, revoked_us: int | None) -> Mapping[str, str | None]:
    from chemtrace.core.times import format_utc

    revoked = None if revoked_us is None else format_utc(revoked_us)
    return {"id": id_, "name": name, "created": format_utc(created_us), "revoked": revoked}
