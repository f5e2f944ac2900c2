"""`chemtrace verify`: the whole log, a proof file, its anchors, or a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.audit import audit, print_report
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_json, progress_bar
from chemtrace.entrypoints.cli.verify_anchors import verify_anchor
from chemtrace.entrypoints.cli.verify_checkpoints import verify_checkpoint
from chemtrace.entrypoints.cli.verify_proofs import verify_bundle_file, verify_status_file


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="recompute and check / 核验", no_args_is_help=True)
    group.command("log")(audit)
    group.command("proof")(verify_proof)
    group.command("backup")(verify_backup)
    group.command("anchor")(verify_anchor)
    group.command("checkpoint")(verify_checkpoint)
    group.command("bundle")(verify_bundle_file)
    group.command("status")(verify_status_file)
    app.add_typer(group, name="verify")


def verify_proof(
    file: Annotated[
        Path, typer.Argument(help="JSON with entry, index, path, checkpoint / 收录证明", exists=True)
    ],
    origin: Annotated[str, typer.Option("--origin", help="origin of the log, pinned / 账本标识")],
    key: Annotated[str, typer.Option("--key", help="the log's verifier key, pinned / 账本验签公钥")],
    as_json: AsJSON = False,
) -> None:
    """Check an inclusion proof against a pinned log, offline; says *included*, nothing more."""
    from chemtrace.entrypoints.cli import offline

    raise typer.Exit(offline.judge_entry_proof(file, origin=origin, key=key, as_json=as_json))


def verify_backup(
    folder: Annotated[Path, typer.Argument(help="backup folder / 备份目录", exists=True, file_okay=False)],
    as_json: AsJSON = False,
) -> None:
    """Check a backup folder against its manifest, and the log inside it."""
    from chemtrace.bootstrap import maintenance
    from chemtrace.config import DATABASE_FILE, sqlite_url

    manifest = maintenance.verify_backup(folder)
    with progress_bar("核验 verifying", shown=not as_json) as progress:
        url = sqlite_url(folder.absolute() / DATABASE_FILE)
        report = maintenance.audit_ledger(database_url=url, data_dir=folder, progress=progress)
    result = {"taken": manifest.taken, "sha256": manifest.sha256, **report.to_json()}
    if as_json:
        print_json(result)
    else:
        print_report({**result, "seconds": None})
    raise typer.Exit(ExitCode.OK if report.verified else ExitCode.NEGATIVE)
