"""Measure codes, serials, seals and labels; each rate beside a limit or another way taken in the same run.

Run: python benchmarks/codes.py [number of codes, default 1,000,000]
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chemtrace.adapters.labels import render_pdf_sheet, render_png, render_qr_png, render_svg, render_zpl
from chemtrace.core import ff1
from chemtrace.core.catalogue import parse_catalogue
from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.codes import canonical_code, parse_code
from chemtrace.core.label import A4_DRUM, label_content
from chemtrace.core.seal import derive_issuer_key, make_seal, verify_seal
from chemtrace.core.serials import CHUNK, issue_codes, serial_key, serial_number

MASTER = bytes(range(32))
SERIES = {"kind": "P", "slot": "005", "issuer": "7K2M"}


def seconds_each(work: Callable[[], object], repeats: int) -> float:
    """Best of three: processor seconds of one call."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in range(repeats):
            work()
        best = min(best, (time.process_time() - start) / repeats)
    return best


def row(name: str, each_s: float, beside: str = "") -> None:
    print(f"{name:<44}{each_s * 1e6:>12,.2f} us {1 / each_s:>14,.0f}/s   {beside}")


def measure_serials(count: int) -> None:
    start = time.process_time()
    for _ in issue_codes(master=MASTER, start=0, count=count, **SERIES):
        pass
    each = (time.process_time() - start) / count
    key, blocks = serial_key(MASTER), bytes(16 * CHUNK)
    aes = seconds_each(lambda: ff1.aes_blocks(key, blocks), 5) * ff1.ROUNDS / CHUNK
    single = seconds_each(lambda: ff1.encrypt(key, b"1P0057K2M", (0, 0, 0, 0, 0, 1, 2), radix=31), 200)
    row(f"issue_codes, {count:,} in {each * count:.2f} s", each, f"{single / each:.0f} x FF1 one by one")
    row("  its AES alone (limit)", aes, f"{aes / each:.2f} of the time is AES")
    code = parse_code(next(issue_codes(master=MASTER, start=7, count=1, **SERIES)))
    row("serial_number (code back to its number)", seconds_each(lambda: serial_number(MASTER, code), 200))


def measure_codes() -> None:
    text = next(issue_codes(master=MASTER, start=1, count=1, **SERIES))
    form = re.compile(rf"[{ALPHABET}]{{19}}")
    limit = seconds_each(lambda: form.fullmatch(text), 100_000)
    each = seconds_each(lambda: canonical_code(text), 100_000)
    row("canonical_code (hot path)", each, f"{each / limit:.1f} x a bare pattern match without check sign")
    url = f"https://cx.example.cn/i/{text}0123456789".lower()
    row("parse_code of a label URL", seconds_each(lambda: parse_code(url), 20_000))
    key = derive_issuer_key(MASTER, "7K2M", 2026)
    seal = make_seal(issuer_key=key, code=text)
    row("verify_seal", seconds_each(lambda: verify_seal(issuer_key=key, code=text, seal=seal), 5_000))


def measure_labels() -> None:
    data = Path(__file__).parents[1] / "contracts" / "chemicals" / "beijing-35.json"
    chemical = parse_catalogue(data.read_bytes()).by_slot["005"]
    codes = [parse_code(text) for text in issue_codes(master=MASTER, start=0, count=24, **SERIES)]
    contents = [
        label_content(
            host="cx.example.cn",
            code=code,
            seal="0123456789",
            chemical=chemical,
            quantity="50 kg",
            maker="示例化工厂",
        )
        for code in codes
    ]
    one = contents[0]
    bare = seconds_each(lambda: render_qr_png(one.url, 4), 10)
    row("render_qr_png (limit of every rendering)", bare)
    for name, work in (
        ("render_png 100 x 70 mm, 300 dpi", lambda: render_png(one)),
        ("render_zpl 100 x 70 mm, 203 dpi", lambda: render_zpl(one)),
        ("render_svg 100 x 70 mm", lambda: render_svg(one)),
    ):
        each = seconds_each(work, 5)
        row(name, each, f"{each / bare:.1f} x its QR code")
    sheet = seconds_each(lambda: render_pdf_sheet(contents, A4_DRUM), 1) / len(contents)
    row("render_pdf_sheet, a label of 24", sheet, f"{sheet / bare:.1f} x its QR code")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure_codes()
    measure_serials(count)
    measure_labels()


if __name__ == "__main__":
    main()
