"""Words and numbers as people read them: kinds of events, local times, distances, both languages."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from chemtrace.core.times import format_utc

BEIJING_US: Final = 8 * 3_600_000_000
"""UTC+8 without daylight saving: the one zone of the city."""

MINUTE_US: Final = 60_000_000

_KINDS: Final = {
    "produce/make": ("生产", "production"),
    "produce/fill": ("充装", "filling"),
    "produce/repack": ("分装", "repacking"),
    "trade/sell": ("销售", "sale"),
    "trade/buy": ("购入", "purchase"),
    "store/in": ("入库", "entry into store"),
    "store/out": ("出库", "leaving the store"),
    "store/opening": ("期初登记", "opening balance"),
    "transport/load": ("装车", "loading"),
    "transport/arrive": ("到货", "arrival"),
    "use/consume": ("使用", "use"),
    "use/return": ("空瓶退回", "return of the empty"),
    "dispose/hand_over": ("移交处置", "hand-over for disposal"),
    "dispose/done": ("处置", "disposal"),
    "dispose/empty": ("清空", "emptying"),
    "pack/done": ("装箱", "packing"),
    "unpack/done": ("拆箱", "unpacking"),
    "transform/done": ("加工", "transformation"),
    "inspect/done": ("检查", "inspection"),
    "count/done": ("盘点", "stock-taking"),
    "report/loss": ("报失", "report of loss"),
    "report/theft": ("报盗", "report of theft"),
    "report/spill": ("报泄漏", "report of a spill"),
    "report/found": ("报找回", "report of a find"),
    "correct/done": ("更正", "correction"),
}


def kind_zh(kind: str, phase: str) -> str:
    """What happened, in Chinese."""
    name = f"{kind}/{phase}"
    return _KINDS.get(name, (name, name))[0]


def kind_en(kind: str, phase: str) -> str:
    """What happened, in English."""
    name = f"{kind}/{phase}"
    return _KINDS.get(name, (name, name))[1]


def local_minute(at_us: int) -> str:
    """A moment as Beijing reads it: `2026-11-22 13:10`."""
    return format_utc(at_us + BEIJING_US)[:16].replace("T", " ")


def local_day(at_us: int) -> str:
    """The Beijing day of a moment: `2026-11-22`."""
    return format_utc(at_us + BEIJING_US)[:10]


def tenths(value: int, unit: int) -> str:
    """`value` counted in `unit`, rounded to one decimal, by integers alone: `tenths(5_400, 1_000)` is `5.4`."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod((abs(value) * 10 + unit // 2) // unit, 10)
    return f"{sign}{whole}.{rest}"


def amount(value: Decimal) -> str:
    """A quantity without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
