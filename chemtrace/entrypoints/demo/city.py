"""Enterprises, sites and vehicles of the demo city, made by rule from a seed: no real company, no person.

Names are a sexagenary year word, a trade and a district, so that nobody is meant; credit codes are well formed
but of a region code that is not given out. Positions lie inside the district they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from chemtrace.core.credit_code import make_credit_code

_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
_STEMS_EN: Final = ("Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui")
_BRANCHES_EN: Final = ("zi", "chou", "yin", "mao", "chen", "si", "wu", "wei", "shen", "you", "xu", "hai")


@dataclass(frozen=True, slots=True)
class District:
    """A district of the city: code, names, and a point in it (WGS-84, millionths of a degree)."""

    code: str
    zh: str
    en: str
    lat_e6: int
    lon_e6: int


DISTRICTS: Final = (
    District("110105", "朝阳", "Chaoyang", 39_921_000, 116_486_000),
    District("110106", "丰台", "Fengtai", 39_842_000, 116_287_000),
    District("110107", "石景山", "Shijingshan", 39_913_000, 116_195_000),
    District("110108", "海淀", "Haidian", 39_985_000, 116_298_000),
    District("110109", "门头沟", "Mentougou", 39_937_000, 116_106_000),
    District("110111", "房山", "Fangshan", 39_735_000, 115_993_000),
    District("110112", "通州", "Tongzhou", 39_902_000, 116_663_000),
    District("110113", "顺义", "Shunyi", 40_128_000, 116_654_000),
    District("110114", "昌平", "Changping", 40_218_000, 116_235_000),
    District("110115", "大兴", "Daxing", 39_728_000, 116_338_000),
    District("110116", "怀柔", "Huairou", 40_324_000, 116_637_000),
    District("110117", "平谷", "Pinggu", 40_144_000, 117_112_000),
    District("110118", "密云", "Miyun", 40_377_000, 116_843_000),
    District("110119", "延庆", "Yanqing", 40_457_000, 115_975_000),
    District("110101", "东城", "Dongcheng", 39_917_000, 116_418_000),
    District("110102", "西城", "Xicheng", 39_915_000, 116_366_000),
)
"""The 16 districts of Beijing (GB/T 2260 codes); points are rounded centres."""

_TRADES: Final = {
    "producer": ("化工", "Chemical Works", (5, 9, 7, 11), 12),
    "trader": ("化工经营", "Chemical Trading", (0, 1, 6, 9), 12),
    "warehouse": ("危化品仓储", "Hazmat Storage", (5, 6, 9), 5),
    "carrier": ("危货运输", "Hazmat Transport", (1, 6, 7, 9), 9),
    "user": ("制造", "Manufacturing", tuple(range(14)), 22),
    "disposer": ("环保处置", "Waste Treatment", (5, 8, 12), 4),
    "regulator": ("应急检查", "Inspection", (6,), 1),
}
"""Role: Chinese and English trade word, districts where it stands (places in DISTRICTS), how many."""

_ALGORITHMS: Final = ("ed25519", "ed25519", "ed25519", "ed25519", "ed25519", "ed25519", "p256", "sm2")
_UNGIVEN_REGION: Final = "110199"


@dataclass(frozen=True, slots=True)
class Place:
    """A site: id and position."""

    id: str
    zh: str
    en: str
    lat_e6: int
    lon_e6: int


@dataclass(frozen=True, slots=True)
class Firm:
    """An enterprise of the city. `issuer` is set for makers; `vehicles` for carriers."""

    credit_code: str
    zh: str
    en: str
    role: str
    district: District
    algorithm: str
    site: Place
    issuer: str | None
    vehicles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class City:
    """All firms, by role."""

    firms: tuple[Firm, ...]

    def of_role(self, role: str) -> tuple[Firm, ...]:
        """The firms of one role, in the order they were made."""
        return tuple(firm for firm in self.firms if firm.role == role)

    def by_code(self, credit_code: str) -> Firm:
        """The firm with a credit code; raises `KeyError`."""
        return {firm.credit_code: firm for firm in self.firms}[credit_code]


def make_city(random: Random) -> City:
    """Make the 65 enterprises of the city."""
    firms: list[Firm] = []
    for role, (_, _, districts, count) in _TRADES.items():
        for number in range(count):
            firms.append(_make_firm(random, len(firms), role, DISTRICTS[districts[number % len(districts)]]))
    return City(tuple(firms))


def _make_firm(random: Random, number: int, role: str, district: District) -> Firm:
    zh, en = _TRADES[role][:2]
    word_zh = _STEMS[number % 10] + _BRANCHES[number % 12]
    word_en = _STEMS_EN[number % 10] + _BRANCHES_EN[number % 12]
    if number >= 60:
        word_zh, word_en = f"新{word_zh}", f"Xin{word_en}"
    name_zh = f"{district.zh}{word_zh}{zh}有限公司"
    name_en = f"{word_en} {en} ({district.en}) Co., Ltd."
    place = Place(
        id=f"{district.code}-{number:03d}",
        zh=f"{name_zh}{'厂区' if role in ('producer', 'user') else '库区'}",
        en=f"{word_en} yard, {district.en}",
        lat_e6=district.lat_e6 + random.randint(-30_000, 30_000),
        lon_e6=district.lon_e6 + random.randint(-30_000, 30_000),
    )
    vehicles = tuple(f"京A{number:02d}{unit:03d}挂" for unit in range(1, 7)) if role == "carrier" else ()
    return Firm(
        credit_code=make_credit_code(f"91{_UNGIVEN_REGION}{number:09d}"),
        zh=name_zh,
        en=name_en,
        role=role,
        district=district,
        algorithm=_ALGORITHMS[number % len(_ALGORITHMS)],
        site=place,
        issuer=f"{number + 1:04d}" if role in ("producer", "trader", "user") else None,
        vehicles=vehicles,
    )
