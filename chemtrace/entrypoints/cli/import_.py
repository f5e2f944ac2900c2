"""`chemtrace import`: past movements from a spreadsheet, as signed events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.output import print_json, print_note, print_table, print_text, progress_bar

if TYPE_CHECKING:
    from chemtrace.bootstrap import Application
    from chemtrace.entrypoints.cli.door import Answer, Door
    from chemtrace.intake.campaign import Campaign
    from chemtrace.intake.mapping import Mapping
    from chemtrace.intake.office import ImportOffice
    from chemtrace.intake.reading import Movement, RefusedRow

_SHOWN = 20
"""Refusals shown to people; `--json` has them all."""

_PUBLISH_AFTER = 10_000
"""Statements between two checkpoints when no server publishes."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_sheet)


def import_sheet(
    file: Annotated[Path, typer.Argument(help="CSV, CSV in gzip, or Excel workbook / 表格文件")],
    mapping: Annotated[
        Path, typer.Option("--mapping", help="JSON that says what the columns mean / 字段对应文件")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="read and report, write nothing / 只检查不写入")
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Import past movements: every row an event or a refusal with its line; a second run adds nothing / 导入表格."""
    started = time.monotonic()
    sheet_map, rows, digest = _read(file, mapping, dry_run=dry_run)
    facts = {"file": file.name, "sha256": digest, "mapping": sheet_map.id, "dry_run": dry_run}
    result = _rehearse(data, sheet_map, rows) if dry_run else _run(data, sheet_map, rows, quiet=as_json)
    report = {**facts, **result, "seconds": round(time.monotonic() - started, 3)}
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    raise typer.Exit(ExitCode.OK if report["equal"] or dry_run else ExitCode.NEGATIVE)


def _read(file: Path, mapping: Path, *, dry_run: bool) -> tuple[Mapping, list[Movement | RefusedRow], str]:
    from chemtrace.bootstrap import SystemClock, spreadsheets
    from chemtrace.core.errors import MappingError
    from chemtrace.core.times import MAX_US
    from chemtrace.intake.mapping import parse_mapping
    from chemtrace.intake.reading import identified, read_row
    from chemtrace.trace.judge import FUTURE_LIMIT_US

    try:
        text = mapping.read_bytes()
    except OSError as error:
        raise MappingError(f"{mapping} cannot be read: {error.strerror}", name=mapping.name) from error
    sheet_map = parse_mapping(text)
    rows, digest = spreadsheets.load_rows(file, sheet_map.sheet, sheet_map.columns)
    # The ledger refuses what has not happened yet, by its own clock; a rehearsal must say so as well.
    latest_us = SystemClock().now_us() + FUTURE_LIMIT_US if dry_run else MAX_US
    read = [read_row(sheet_map, row, identity, latest_us=latest_us) for row, identity in identified(rows)]
    return sheet_map, read, digest


def _run(
    data: Path | None, mapping: Mapping, rows: list[Movement | RefusedRow], *, quiet: bool
) -> dict[str, Any]:
    from chemtrace.entrypoints.cli.door import opened_door
    from chemtrace.ledger.ledger import Ledger

    with opened_door(data) as door:
        application = _required(door)
        _check_catalogue(application, mapping)
        campaign, office = _prepared(application, door, mapping, rows)
        times = office.lot_times([known.code for known in campaign.opened().values()])
        with progress_bar("导入 importing", shown=not quiet) as progress:
            try:
                campaign.run(
                    submit=_publishing(application, door),
                    take_codes=office.take_codes,
                    lot_times=times,
                    progress=progress,
                )
            except KeyboardInterrupt:
                print_note(
                    f"已中断：本次写入 {campaign.outcome.added} 行，原有 {campaign.outcome.known} 行；再次运行即继续"
                    f" broken off: {campaign.outcome.added} rows are in from this run, {campaign.outcome.known} were in"
                    " before; run the same command again to go on, nothing is entered twice"
                )
                raise
        if isinstance(application.ledger, Ledger):
            application.ledger.publish()
        return {**campaign.account(), "codes_issued": office.issued, "size": application.ledger.size}


def _prepared(
    application: Application, door: Door, mapping: Mapping, rows: list[Movement | RefusedRow]
) -> tuple[Campaign, ImportOffice]:
    from chemtrace.bootstrap import importer_keys
    from chemtrace.intake.campaign import Campaign
    from chemtrace.intake.office import ImportOffice
    from chemtrace.intake.statements import Signer

    data_dir, authority = application.settings.data_dir, application.authority
    secret = importer_keys.derive_import_secret(data_dir)
    key = importer_keys.load_importer_key(data_dir, mapping.namespace)
    signer = Signer(authority.enterprise, key, secret, mapping.namespace)
    campaign = Campaign(mapping=mapping, rows=rows, signer=signer, reads=application.reads)
    office = ImportOffice(
        mapping=mapping,
        registry=application.registry,
        reads=application.reads,
        submit=door.submit,
        signing=authority.signing,
        generate=authority.codes,
    )
    if campaign.waiting():
        office.register(key)
    return campaign, office


def _publishing(application: Application, door: Door) -> Callable[[Sequence[bytes]], Sequence[Answer]]:
    """Submit, and publish now and then where no server does: detectors and checkpoints keep pace."""
    from chemtrace.ledger.ledger import Ledger

    ledger = application.ledger
    sent = 0

    def submit(wires: Sequence[bytes]) -> Sequence[Answer]:
        nonlocal sent
        answers = door.submit(wires)
        sent += len(wires)
        if sent >= _PUBLISH_AFTER and isinstance(ledger, Ledger):
            ledger.publish()
            sent = 0
        return answers

    return submit


def _rehearse(data: Path | None, mapping: Mapping, rows: list[Movement | RefusedRow]) -> dict[str, Any]:
    """What an import would do; without a ledger in the data folder every row counts as new."""
    from chemtrace.bootstrap import importer_keys
    from chemtrace.core.errors import LedgerMissingError
    from chemtrace.core.keys import generate_key
    from chemtrace.intake.campaign import Campaign
    from chemtrace.intake.statements import Signer

    nobody = generate_key("ed25519")
    try:
        with opened(data) as application:
            secret = importer_keys.derive_import_secret(application.settings.data_dir)
            signer = Signer("", nobody, secret, mapping.namespace)
            reads = application.reads
            return Campaign(mapping=mapping, rows=rows, signer=signer, reads=reads).rehearse()
    except LedgerMissingError:
        signer = Signer("", nobody, nobody.secret, mapping.namespace)
        return Campaign(mapping=mapping, rows=rows, signer=signer, reads=None).rehearse()


def _required(door: Door) -> Application:
    from chemtrace.core.errors import LedgerMissingError

    if door.application is None:
        raise LedgerMissingError("an import runs beside the data folder of its ledger: give --data")
    return door.application


def _check_catalogue(application: Application, mapping: Mapping) -> None:
    """Refuse a slot that the catalogue in force gives to another substance; one it does not know is allowed."""
    from chemtrace.core.errors import MappingError

    for substance in mapping.substance.values.values():
        known = application.catalogue.by_slot.get(substance.slot)
        if known is None:
            print_note(
                f"目录中无 {substance.slot} 号物质，页面将只显示编号 slot {substance.slot} is not in the catalogue in"
                " force: pages show the number without a name"
            )
        elif known.cas != substance.cas:
            raise MappingError(
                f"slot {substance.slot} is {known.name_en} in the catalogue in force",
                found=substance.cas,
                expected=known.cas,
            )


def _print_report(report: dict[str, Any]) -> None:
    mass, verb = report["mass"], "将写入 would add" if report["dry_run"] else "写入 added"
    print_text(f"{report['file']} ({report['mapping']}), sha256 {report['sha256']}")
    print_text(
        f"  行 rows {report['rows']} = 事件 events {report['events']} + 拒收 refused {report['refused']};"
        f" {verb} {report['added']}, 已在账 known {report['known']}"
    )
    print_text(
        f"  质量 mass {mass['mass_rows']} = {mass['mass_events']} + {mass['mass_refused']} {mass['unit']}"
        f" ({'各申报人各年度均相符 equal by reporter and year' if report['equal'] else '不相符 NOT EQUAL'})"
    )
    unread = sum(row["value"] is None for row in report["refusals"])
    if unread:
        print_text(
            f"  数量无法读出的 {unread} 行不在质量合计中 {unread} rows without a readable amount are not in the sum"
        )
    for rule, count in report["findings"].items():
        print_text(f"  发现 finding {rule}: {count}")
    for reason, count in report["refusals_by_reason"].items():
        print_text(f"  拒收 refused {reason}: {count}")
    for row in report["refusals"][:_SHOWN]:
        print_text(f"    行 line {row['line']}: {row['reason']}: {row['detail']}")
    if len(report["refusals"]) > _SHOWN:
        print_text(f"    … {len(report['refusals']) - _SHOWN} more / 其余见 --json")
    columns = (
        "reporter",
        "year",
        "rows",
        "events",
        "refused",
        "mass_rows",
        "mass_events",
        "mass_refused",
        "equal",
    )
    lines = [tuple(line[name] for name in columns) for line in report["by_reporter_year"]]
    print_table("by reporter and year / 按申报人和年度", columns, lines)
    print_text(f"  {report['seconds']} s")
