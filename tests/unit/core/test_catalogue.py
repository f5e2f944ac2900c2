"""The catalogue: strict to read, true to its derivation, replaceable by a deployment's own."""

import copy
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.catalogue import Catalogue, CatalogueDocument, parse_catalogue, verify_cas
from chemtrace.core.errors import CatalogueError

FOLDER = Path(__file__).parents[3] / "contracts" / "chemicals"
DATA = (FOLDER / "beijing-35.json").read_bytes()


@pytest.fixture(scope="module")
def beijing() -> Catalogue:
    return parse_catalogue(DATA)


def changed(**members: object) -> bytes:
    """The file with members of its first entry (or of the whole, by a leading underscore) replaced."""
    document: dict[str, Any] = json.loads(DATA)
    for name, value in members.items():
        target = document if name.startswith("_") else document["chemicals"][0]
        target[name.removeprefix("_")] = value
    return json.dumps(document).encode()


def test_the_list_keeps_the_counts_of_its_derivation(beijing: Catalogue) -> None:
    flags = Counter(flag for chemical in beijing.chemicals for flag in chemical.flags)
    assert [chemical.slot for chemical in beijing.chemicals] == [f"{n:03d}" for n in range(1, 36)]
    assert flags == {
        "special-control": 20,
        "key-supervised": 22,
        "highly-toxic": 4,
        "explosive-precursor": 6,
        "drug-precursor-2": 1,
        "drug-precursor-3": 4,
        "civil-explosive-trade": 1,
        "gas": 15,
    }


def test_every_entry_speaks_both_languages_and_can_go_on_a_drum(beijing: Catalogue) -> None:
    for chemical in beijing.chemicals:
        assert not chemical.name_zh.isascii()
        assert chemical.name_en.isascii()
        assert chemical.un is not None
        assert chemical.tdg_class is not None
        assert bool(chemical.note_zh) == bool(chemical.note_en)
        assert (chemical.packing_group is None) == (chemical.tdg_class in {"2.1", "2.2", "2.3"})


def test_chlorine_is_found_by_slot_and_by_cas(beijing: Catalogue) -> None:
    chlorine = beijing.by_slot["005"]
    assert chlorine is beijing.by_cas["7782-50-5"]
    assert (chlorine.un, chlorine.tdg_class, chlorine.subsidiary) == ("1017", "2.3", ("5.1", "8"))
    assert str(chlorine.critical_quantity) == "5"
    assert chlorine.has_flag("highly-toxic")
    assert beijing.by_slot["022"].critical_quantity is None


def test_the_published_schema_is_the_one_the_reader_checks() -> None:
    published = json.loads((FOLDER / "catalogue.schema.json").read_text(encoding="utf-8"))
    published.pop("$schema")
    assert published == json.loads(json.dumps(msgspec.json.schema(CatalogueDocument)))


def test_a_catalogue_applies_from_its_first_day_to_before_its_last() -> None:
    dated = parse_catalogue(changed(_valid_from="2026-01-01", _valid_to="2027-01-01"))
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))
    assert [dated.is_in_force(day) for day in days] == [False, True, True, False]


def test_another_city_may_list_chemicals_without_cas_and_un() -> None:
    own = {
        "typ": "chemtrace/catalogue/1",
        "id": "own-1",
        "title_zh": "自定目录",
        "title_en": "own list",
        "valid_from": "2026-01-01",
        "valid_to": None,
        "source": "the city's own decision",
        "chemicals": [
            {"slot": "999", "name_zh": "混合物", "name_en": "a mixture", "tdg_class": None, "unit": "LTR"}
        ],
    }
    catalogue = parse_catalogue(json.dumps(own).encode())
    assert catalogue.by_slot["999"].cas is None
    assert catalogue.by_cas == {}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"cas": "6484-52-3"}, "cas"),
        ({"cas": "6484-522"}, None),
        ({"slot": "000"}, None),
        ({"slot": "36"}, None),
        ({"slot": "002"}, "slot"),
        ({"cas": "7782-50-5"}, "cas"),
        ({"un": "UN1942"}, None),
        ({"un": None}, "un"),
        ({"tdg_class": "5"}, None),
        ({"tdg_class": None}, "tdg_class"),
        ({"tdg_class": "2.2"}, "packing_group"),
        ({"subsidiary": ["5.1"]}, "subsidiary"),
        ({"packing_group": "IV"}, None),
        ({"critical_quantity_t": 50}, None),
        ({"critical_quantity_t": "0"}, "critical_quantity_t"),
        ({"critical_quantity_t": "5e1"}, None),
        ({"critical_quantity_t": "5\n"}, None),
        ({"flags": ["special-control", "special-control"]}, "flags"),
        ({"flags": ["dangerous"]}, None),
        ({"kinds": []}, "kinds"),
        ({"unit": "kg"}, None),
        ({"name_zh": ""}, None),
        ({"colour": "white"}, None),
        ({"_typ": "chemtrace/catalogue/2"}, None),
        ({"_valid_from": "2026-02-30"}, "valid_from"),
        ({"_valid_to": "2020-05-30"}, "valid_to"),
        ({"_chemicals": []}, None),
        ({"_more": 1}, None),
    ],
)
def test_refuses_a_catalogue_with_one_defect(members: dict[str, object], field: str | None) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(changed(**members))
    if field is not None:
        assert caught.value.fields["field"] == field


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{", b"\xff", DATA[:-3], b"[" * 100_000, b" " * (4 * 1024 * 1024 + 1)]
)
def test_refuses_what_is_no_catalogue_at_all(data: bytes) -> None:
    with pytest.raises(CatalogueError):
        parse_catalogue(data)


def test_refuses_a_member_that_stands_twice() -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(DATA.replace(b'"slot": "001",', b'"slot": "001", "slot": "001",', 1))
    assert caught.value.fields["field"] == "slot"


def test_refuses_an_entry_with_a_member_left_out() -> None:
    document = copy.deepcopy(json.loads(DATA))
    del document["chemicals"][3]["name_zh"]
    with pytest.raises(CatalogueError):
        parse_catalogue(json.dumps(document).encode())


def test_every_wrong_digit_of_a_cas_number_is_caught(beijing: Catalogue) -> None:
    for cas in beijing.by_cas:
        wrong = cas[:-1] + str((int(cas[-1]) + 1) % 10)
        with pytest.raises(CatalogueError) as caught:
            verify_cas(wrong)
        assert caught.value.fields["expected"] == cas[-1]


@given(st.text(max_size=15))
def test_any_text_is_a_cas_number_or_refused_by_name(text: str) -> None:
    try:
        assert verify_cas(text) == text
    except CatalogueError as error:
        assert error.code == "catalogue.invalid"  # noqa: PT017  # either outcome is right, both are checked
