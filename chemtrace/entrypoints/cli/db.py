"""`chemtrace db`: the database under a ledger: schema, backup, restore, rebuild."""

from __future__ import annotations

import shlex
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Annotated, Final

import typer

from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON, Data, load_settings
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text, progress_bar

ROOT_BYTES: Final = 32


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="schema, backup, restore, rebuild / 数据库维护", no_args_is_help=True)
    group.command("status")(status)
    group.command("upgrade")(upgrade)
    group.command("backup")(backup)
    group.command("restore")(restore)
    group.command("rebuild")(rebuild)
    group.command("accept-head")(accept_head)
    app.add_typer(group, name="db")


def status(data: Data = None, as_json: AsJSON = False) -> None:
    """Show the schema of the database and the one this program needs / 数据库版本."""
    from chemtrace.bootstrap import maintenance

    found, expected = maintenance.schema_state(load_settings(data).database_url)
    if as_json:
        print_json({"schema": found, "expected": expected, "current": found == expected})
    else:
        print_text(f"schema {found}, this program needs {expected}")


def upgrade(data: Data = None, as_json: AsJSON = False) -> None:
    """Bring the database to the newest schema; forward only, make a backup first / 升级数据库."""
    from chemtrace.bootstrap import maintenance

    url = load_settings(data).database_url
    before, _ = maintenance.schema_state(url)
    maintenance.upgrade(url)
    after, _ = maintenance.schema_state(url)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        print_text(f"schema {before} -> {after}")


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="new folder for the backup / 备份目录")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="copy private keys and the master key too / 含私钥")
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Copy a ledger, also while a server writes to it, and verify the copy / 在线备份."""
    from chemtrace.bootstrap import maintenance

    settings = load_settings(data)
    with progress_bar("备份 copying", shown=not as_json) as progress:
        manifest = maintenance.back_up_ledger(
            database_url=settings.database_url,
            data_dir=settings.data_dir,
            target=to,
            with_keys=with_keys,
            progress=progress,
        )
    result = {
        "folder": str(to),
        "entries": manifest.entries,
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
    }
    if as_json:
        print_json(result)
    else:
        print_text(
            f"已备份 {manifest.entries} 条账目 · backup of {counted(manifest.entries, 'entry')} in {to}"
            f" (SHA-256 {manifest.sha256})"
        )


def restore(
    source: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="backup folder / 备份目录", exists=True)
    ],
    published_size: Annotated[
        int,
        typer.Option(
            "--published-size",
            min=0,
            help="size of the newest checkpoint anybody has seen / 外界所见最新检查点的大小",
        ),
    ] = 0,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Put a backup into an empty data folder; refused if it ends before what was published / 由备份恢复到空目录.

    若备份早于已发布的检查点则拒绝；恢复后先用 chemtrace audit 核验。
    """
    from chemtrace.bootstrap import maintenance

    settings = load_settings(data)
    with progress_bar("恢复 copying", shown=not as_json) as progress:
        manifest = maintenance.restore_backup(
            backup=source,
            database=maintenance.sqlite_path(settings.database_url),
            data_dir=settings.data_dir,
            published_size=published_size,
            progress=progress,
        )
    if as_json:
        print_json({"entries": manifest.entries, "taken": manifest.taken})
    else:
        print_text(
            f"已恢复截至 {manifest.taken} 的 {manifest.entries} 条账目"
            f" · restored {counted(manifest.entries, 'entry')} as of {manifest.taken}\n"
            f"请先核验 now verify: chemtrace audit --data {shlex.quote(str(settings.data_dir))}"
        )
        if not published_size:
            print_note(
                "未与外界已见的检查点比对 · not compared with what others have seen: ask a witness for its newest"
                " checkpoint and give its size as --published-size"
            )


def rebuild(data: Data = None, as_json: AsJSON = False) -> None:
    """Make tiles, subject trees and map again from the entries; stop the server first / 从日志重建派生数据.

    Every map root and tree root is compared with what was published. Broken off, or where one differs, nothing changes.
    重建时与已发布的每个根比对；中断或不一致时，账本保持原样。
    """
    from chemtrace.bootstrap import maintenance

    settings = load_settings(data)
    with progress_bar("重建 rebuilding", shown=not as_json) as progress:
        entries = maintenance.rebuild_ledger(
            database_url=settings.database_url, data_dir=settings.data_dir, progress=progress
        )
    if as_json:
        print_json({"entries": entries})
    else:
        print_text(
            f"已由 {entries} 条账目重建树、对象树与映射，与已发布的根全部一致"
            f" · rebuilt tiles, subject trees and map of {counted(entries, 'entry')}; every published root agrees"
        )


def accept_head(
    size: Annotated[
        int, typer.Option("--size", min=1, metavar="N", help="line 2 of the checkpoint / 检查点第 2 行")
    ],
    root: Annotated[
        str,
        typer.Option(
            "--root", metavar="ROOT", help="line 3 of it, or its 64 hex digits / 检查点第 3 行或十六进制"
        ),
    ],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Tell a vault that lost its memory what was signed last; stop the server first / 为丢失记忆的签名库确认链头.

    Take the largest checkpoint that anybody outside holds: ask the witnesses, not this machine. A smaller one than
    that lets this log sign a second history, which everybody who holds the larger one can prove.
    """
    from chemtrace.bootstrap import accept_published_head

    settings = load_settings(data)
    accepted, digest = accept_published_head(
        database_url=settings.database_url, data_dir=settings.data_dir, size=size, root=_parse_root(root)
    )
    if as_json:
        print_json({"size": accepted, "root": digest.hex()})
        return
    print_text(f"已接受 accepted: {counted(accepted, 'entry')}, root {digest.hex()}")
    print_text(
        "签名库自此只签署包含这棵树的账本。若外界持有更大的检查点，继续写入即为分叉，且可被证明。"
        " The vault now signs only trees that contain this one. If anybody holds a larger checkpoint, writing on from"
        " here forks the log, and they can prove it: do not start the server then."
    )


def _parse_root(text: str) -> bytes:
    try:
        if len(text) == 2 * ROOT_BYTES:
            return bytes.fromhex(text)
        root = b64decode(text, validate=True)
    except ValueError:
        root = b""
    if len(root) != ROOT_BYTES or b64encode(root).decode() != text:
        raise typer.BadParameter(
            "not a root: copy line 3 of the checkpoint / 不是根哈希：请复制检查点第 3 行", param_hint="--root"
        )
    return root
