"""A small sheet of our own with everything in it that goes wrong in real ones, and the mapping for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COLUMNS = ("单号", "日期", "类型", "申报人", "对方", "物质", "千克", "备注")

MAPPING: dict[str, Any] = {
    "typ": "chemtrace/mapping/1",
    "id": "small",
    "title_zh": "小表",
    "title_en": "a small sheet",
    "source": "written for the tests",
    "namespace": "small",
    "reporter": {"column": "申报人", "pattern": "R[0-9]{3}"},
    "counterparty": {"column": "对方", "pattern": "B[0-9]{3}"},
    "date": {"column": "日期"},
    "substance": {"column": "物质", "values": {"氯": {"slot": "900"}}},
    "quantity": {"column": "千克", "unit": "KGM"},
    "kind": {
        "column": "类型",
        "values": {
            name: {"event": event, "opening": opening, "meaning_zh": name, "meaning_en": event}
            for name, event, opening in (
                ("售", "trade/sell", True),
                ("购", "trade/buy", False),
                ("退", "transport/arrive", False),
                ("失", "report/loss", True),
                ("毁", "dispose/done", True),
                ("缴", "dispose/hand_over", True),
            )
        },
    },
    "contract": "单号",
    "note": ["类型", "备注"],
}

GOOD: tuple[tuple[str, ...], ...] = (
    ("1", "2020-01-02", "售", "R001", "B001", "氯", "1.5", ""),
    ("1", "2020-01-02", "售", "R001", "B001", "氯", "1.5", ""),  # a repeat of the whole row
    ("1", "2020-03-04", "售", "R001", "B002", "氯", "0.000000001", "number used again"),
    ("2", "2020-03-05", "购", "R002", "B001", "氯", "0.25", ""),
    ("3", "2021-03-06", "退", "R001", "B002", "氯", "0.10", "trailing zero"),
    ("4", "2021-03-07", "失", "R001", "B003", "氯", "3", ""),
    ("5", "2021-03-08", "毁", "R002", "B003", "氯", "2", ""),
    ("6", "2021-03-09", "缴", "R002", "B003", "氯", "1e-3", "with, comma"),
)

BAD: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kind.unknown", ("7", "2021-04-01", "？", "R001", "B001", "氯", "1", "")),
    ("substance.unknown", ("8", "2021-04-01", "售", "R001", "B001", "水", "1", "")),
    ("party.invalid", ("9", "2021-04-01", "售", "R1", "B001", "氯", "1", "")),
    ("party.invalid", ("10", "2021-04-01", "售", "R001", "", "氯", "1", "")),
    ("date.invalid", ("11", "2021-02-30", "售", "R001", "B001", "氯", "1", "")),
    ("quantity.invalid", ("12", "2021-04-01", "售", "R001", "B001", "氯", "1,5", "")),
    ("quantity.invalid", ("13", "2021-04-01", "售", "R001", "B001", "氯", "NaN", "")),
    ("quantity.negative", ("14", "2021-04-01", "售", "R001", "B001", "氯", "-1", "")),
    ("quantity.zero", ("15", "2021-04-01", "售", "R001", "B001", "氯", "0.0", "")),
    ("quantity.digits", ("16", "2021-04-01", "售", "R001", "B001", "氯", "0.0000000001", "")),
    ("row.width", ("17", "2021-04-01", "售", "R001", "B001", "氯", "1", "", "beyond")),
    ("row.width", ("18", "2021-04-01", "售", "R001", "B001", "氯", "1")),
    ("text.too-long", ("x" * 201, "2021-04-01", "售", "R001", "B001", "氯", "1", "")),
)

FUTURE = ("19", "9000-01-01", "售", "R001", "B001", "氯", "1", "")
"""Read without fault, and refused by the ledger."""


def write_mapping(folder: Path, **changes: Any) -> Path:
    path = folder / "mapping.json"
    path.write_text(json.dumps({**MAPPING, **changes}, ensure_ascii=False), "utf-8")
    return path


def write_csv(path: Path, rows: Any, columns: tuple[str, ...] = COLUMNS) -> Path:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return path
