"""A founded ledger to import into, the command run in this process, and sums counted without the importer."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from chemtrace.bootstrap import init_ledger, open_application
from chemtrace.config import Settings
from chemtrace.entrypoints.cli.main import create_app

ROOT = Path(__file__).resolve().parents[2]
ARCOS_FILE = ROOT.parent / "shared" / "data" / "arcos" / "arcos_methadone_2006_2014.csv.gz"
ARCOS_MAPPING = ROOT / "contracts" / "mappings" / "arcos.json"


def found_ledger(folder: Path) -> Path:
    init_ledger(
        Settings(data_dir=folder),
        authority_name_zh="测试监管局",
        authority_name_en="Test Authority",
        credit_code="91110000MA0000000H",
        origin="import.example/1",
        label_host="cx.example.cn",
    )
    return folder


def run(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """Run a command and read its JSON; an error of the tree is raised as it is."""
    result = CliRunner().invoke(create_app(), [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code == result.exit_code, result.output
    return json.loads(result.stdout)


def import_file(file: Path, mapping: Path, data: Path, *more: str) -> dict[str, Any]:
    return run("import", file, "--mapping", mapping, "--data", data, "--json", *more)


def shape_of(data: Path) -> tuple[Any, ...]:
    """What must stay as it is when nothing is added."""
    application = open_application(Settings(data_dir=data), read_only=True)
    try:
        stats = application.reads.stats()
        return application.ledger.size, application.ledger.checkpoint(), stats["items"], stats["findings"]
    finally:
        application.close()


def arcos_rows() -> list[dict[str, str]]:
    with gzip.open(ARCOS_FILE, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def arcos_sums(rows: list[dict[str, str]]) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Rows and grams by reporter and year, straight from the cells."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    masses: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        key = row["REPORTER_DEA_NO"], row["TRANSACTION_DATE"][:4]
        counts[key] += 1
        masses[key] += Decimal(row["CALC_BASE_WT_IN_GM"])
    return {key: (counts[key], masses[key]) for key in counts}


def log_sums(data: Path, namespace: str) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Movements and amounts by party and year, straight from the entries of the log."""
    sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
    application = open_application(Settings(data_dir=data), read_only=True)
    try:
        cursor = 0
        while entries := application.reads.entries(cursor, limit=1000):
            cursor = entries[-1].index + 1
            for entry in entries:
                if entry.actor.startswith(f"ext:{namespace}:") and entry.phase != "opening":
                    assert entry.payload is not None
                    key = entry.actor.rpartition(":")[2], entry.payload["at"][:4]
                    count, mass = sums.get(key, (0, Decimal(0)))
                    amount = Decimal(entry.payload["items"][0]["quantity"]["value"])
                    sums[key] = count + 1, mass + amount
    finally:
        application.close()
    return sums


def assert_exact(data: Path, report: dict[str, Any], rows: list[dict[str, str]]) -> None:
    """Accepted (in the log) plus refused (in the report) is the file, by reporter and year, to the last digit."""
    logged = log_sums(data, "arcos")
    together = {key: list(value) for key, value in logged.items()}
    for refused in report["refusals"]:
        line = together.setdefault((refused["reporter"], refused["year"]), [0, Decimal(0)])
        line[0] += 1
        line[1] += Decimal(refused["value"])
    assert arcos_sums(rows) == {key: tuple(value) for key, value in together.items()}
