"""`chemtrace audit`: the whole ledger recomputed from its entries."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON, Data, load_settings
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text, progress_bar

STATE_FILE = "audit.state"
RESTORE_PAGE = "docs/runbooks/restore.md"


def register(app: typer.Typer) -> None:
    """Add the command; `chemtrace verify log` is the same."""
    app.command("audit")(audit)


def audit(
    alert: Annotated[
        bool, typer.Option("--alert", help="write what differs as alerts D4 into this ledger / 写入 D4 预警")
    ] = False,
    alerts: Annotated[
        bool,
        typer.Option(
            "--alerts", help="then fold all alerts once more, too (slow) / 再次推算全部预警（较慢）"
        ),
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", help="keep in FILE what was verified / 记录已核验部分", dir_okay=False
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="go on from --state, or audit.state in the data folder / 从上次中断处继续"
        ),
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Recompute the whole ledger from its entries; exit code 1 and the first wrong index if any differs / 全面核验.

    With --alerts, the alerts are folded again from the log and the kept refusals, about a millisecond an entry; alerts
    D4, which audits write, and alerts of another version of a detector are for people to judge.
    With --resume, signatures of entries that are byte for byte as the state file says are not verified again.
    """
    from chemtrace.bootstrap import maintenance

    settings = load_settings(data)
    started = time.monotonic()
    with progress_bar("核验 verifying", shown=not as_json) as progress:
        report = maintenance.audit_ledger(
            database_url=settings.database_url,
            data_dir=settings.data_dir,
            catalogue=settings.catalogue,
            progress=progress,
            state=state or (settings.data_dir / STATE_FILE if resume else None),
            resume=resume,
        )
    if alerts:
        with progress_bar("推算预警 alerts", shown=not as_json) as progress:
            report = maintenance.audit_alerts(
                database_url=settings.database_url,
                data_dir=settings.data_dir,
                report=report,
                progress=progress,
            )
    if alert and not report.verified:
        maintenance.record_audit(database_url=settings.database_url, report=report)
    seconds = round(time.monotonic() - started, 3)
    result = {**report.to_json(), "seconds": seconds}
    if as_json:
        print_json(result)
    else:
        print_report(result)
    raise typer.Exit(ExitCode.OK if report.verified else ExitCode.NEGATIVE)


def print_report(result: dict[str, Any]) -> None:
    """Print a report of an audit as text: the outcome, the figures, the faults."""
    if result["verified"]:
        print_text("核验通过 verified: every entry, signature, epoch, tile, checkpoint and row agrees")
    else:
        print_text(
            f"核验不通过 NOT verified: {counted(result['fault_count'], 'fault')}, "
            f"first wrong index {result['first_bad_index']}"
        )
    took = "" if result["seconds"] is None else f" in {result['seconds']} s"
    print_text(
        f"  entries {result['entries']}, epochs {result['epochs']}, signatures {result['signatures']}{took}"
    )
    checkpoint = result["checkpoint"]
    if checkpoint is not None:
        print_text(f"  checkpoint {checkpoint['origin']} size {checkpoint['size']} root {checkpoint['root']}")
    for fault in result["faults"]:
        print_note(f"  [{fault['index']}] {fault['code']}: {fault['detail']}")
    if not result["verified"]:
        print_note("  停止写入，按手册处理 stop writing; see docs/runbooks/chain-break.md")
        if any(RESTORE_PAGE in fault["detail"] for fault in result["faults"]):
            print_note(f"  若恢复了旧备份 where an old backup was restored: {RESTORE_PAGE}")
