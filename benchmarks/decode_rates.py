"""Measure how many degraded labels are read, by the ladder and by each engine alone, and write the reference page.

Run from the checkout: `python -m benchmarks.decode_rates [--count 20] [--write]`. The pictures are those of the tests.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from PIL import Image

from scanners.decode import decode_image
from scanners.ladder import LADDER, Step
from tests.scanners.degraded import CONDITIONS, codeless, picture

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "decode-rates.md"
COLUMNS: tuple[tuple[str, tuple[Step, ...]], ...] = (
    ("ladder", LADDER),
    ("zxing-cpp alone", LADDER[:1]),
    ("zxing-cpp, all its steps", tuple(step for step in LADDER if step.engine != "zbar")),
    ("zbar alone", tuple(step for step in LADDER if step.engine == "zbar")[:1]),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One condition: labels read in each column, wrong texts, and the ladder's times in milliseconds."""

    name: str
    read: tuple[int, ...]
    wrong: int
    times_ms: tuple[float, ...]


def measure(number: int, count: int) -> Row:
    """Read the first `count` pictures of a condition in every column."""
    read, wrong, times = [0] * len(COLUMNS), 0, []
    for i in range(count):
        image, text = picture(CONDITIONS[number], (number, i))
        for column, (_, steps) in enumerate(COLUMNS):
            started = time.perf_counter()
            texts = [code.text for code in decode_image(image, steps=steps)]
            if column == 0:
                times.append((time.perf_counter() - started) * 1e3)
            read[column] += text in texts
            wrong += any(found != text for found in texts)
    return Row(CONDITIONS[number].name, tuple(read), wrong, tuple(times))


def steps_that_read(count: int) -> dict[str, int]:
    """How many labels of the whole set each step of the ladder read first."""
    first: dict[str, int] = {}
    for number, condition in enumerate(CONDITIONS):
        for i in range(count):
            image, _ = picture(condition, (number, i))
            for code in decode_image(image):
                first[f"{code.engine}: {code.step}"] = first.get(f"{code.engine}: {code.step}", 0) + 1
    return first


def false_reads(count: int) -> int:
    """Texts read from pictures without a code."""
    return sum(len(decode_image(codeless(seed))) for seed in range(count))


def render(rows: Sequence[Row], firsts: dict[str, int], wrong_on_none: int, count: int) -> str:
    """Give the page in Markdown."""
    head = " | ".join(name for name, _ in COLUMNS)
    lines = [
        "# Decode rates of degraded labels · 受损标签识读率",
        "",
        "Written by `python -m benchmarks.decode_rates --write`; not edited by hand. Frame 960 x 720, payload",
        "`HTTPS://CX.EXAMPLE.CN/I/` + code + seal (53 signs, 33 modules at level Q), 4 px a module unless said, fixed",
        f"seeds, {count} pictures a condition, one core, times of the whole ladder in milliseconds.",
        f"Python {platform.python_version()}, zxing-cpp {version('zxing-cpp')}, pyzbar {version('pyzbar')},",
        f"Pillow {version('pillow')}. The pictures are drawn (`tests/scanners/degraded.py`), not photographed:",
        "they rank treatments and guard against getting worse; they promise nothing about a given camera.",
        "",
        f"| condition | {head} | wrong texts | median ms | slowest ms |",
        "|---|" + "---|" * (len(COLUMNS) + 3),
    ]
    for row in rows:
        cells = " | ".join(f"{read}/{count}" for read in row.read)
        median, slowest = statistics.median(row.times_ms), max(row.times_ms)
        lines.append(f"| {row.name} | {cells} | {row.wrong} | {median:.0f} | {slowest:.0f} |")
    total = " | ".join(f"{sum(row.read[c] for row in rows)}/{count * len(rows)}" for c in range(len(COLUMNS)))
    lines += [f"| **all** | {total} | {sum(row.wrong for row in rows)} | | |", ""]
    lines += [
        f"False reads on 50 pictures without a code: {wrong_on_none}.",
        "",
        "## Which step reads first",
        "",
    ]
    lines += ["| step | labels it read first |", "|---|---|"]
    order = [f"{step.engine}: {step.name}" for step in LADDER]
    lines += [f"| {name} | {firsts.get(name, 0)} |" for name in order]
    lines += [
        "",
        "A blot over 12 % of the code is beyond level M and within level Q: print labels at level Q.",
        "",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Measure, print the page, and with `--write` store it."""
    parser = argparse.ArgumentParser(description="Measure decode rates on the degraded label set.")
    parser.add_argument("--count", type=int, default=20, help="pictures a condition (20)")
    parser.add_argument(
        "--write", action="store_true", help="store the page in docs/reference/decode-rates.md"
    )
    options = parser.parse_args(arguments)
    Image.init()
    rows = [measure(number, options.count) for number in range(len(CONDITIONS))]
    page = render(rows, steps_that_read(options.count), false_reads(50), options.count)
    sys.stdout.write(page)
    if options.write:
        PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
