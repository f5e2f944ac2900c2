"""What a label may say, and how labels lie on a sheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.codes import make_code
from chemtrace.core.errors import LabelError
from chemtrace.core.label import (
    A4_BOTTLE,
    A4_DRUM,
    BOTTLE,
    DRUM,
    HAZARD_NAMES,
    LabelContent,
    LabelSheet,
    LabelSize,
    hazard_names,
)
from chemtrace.core.label_layout import Line, QRArea, Shape, arrange

GOOD = {
    "url": "HTTPS://CX.EXAMPLE.CN/I/BJ1P0057K2M4QX9T3CF",
    "code": make_code(kind="P", slot="005", issuer="7K2M", serial="4QX9T3C").pretty,
    "name_zh": "氯",
    "name_en": "chlorine",
    "tdg_class": "2.3",
    "subsidiary": ("5.1", "8"),
    "un": "1017",
    "packing_group": None,
    "quantity": "50 kg",
    "maker": "示例化工厂",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "https://x.cn/i/x"),
        ("url", ""),
        ("url", "A" * 151),
        ("name_zh", ""),
        ("name_zh", "氯\n"),
        ("name_en", " "),
        ("maker", "甲\u2028乙"),
        ("maker", "x" * 81),
        ("quantity", "50\x00kg"),
        ("tdg_class", "2.4"),
        ("tdg_class", "1.7"),
        ("subsidiary", ("10",)),
        ("un", "UN1017"),
        ("un", "１０１７"),
        ("packing_group", "IV"),
    ],
)
def test_refuses_content_that_cannot_be_printed(field: str, value: object) -> None:
    LabelContent(**GOOD)
    with pytest.raises(LabelError) as caught:
        LabelContent(**{**GOOD, field: value})
    assert caught.value.fields["field"] in {field, "tdg_class"}


@pytest.mark.parametrize("size", [(44, 30), (50, 27), (211, 100), (100, 298)])
def test_refuses_a_size_no_label_has(size: tuple[float, float]) -> None:
    with pytest.raises(LabelError):
        LabelSize(*size)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": 3},
        {"rows": 5},
        {"columns": 0},
        {"margin_left_mm": -1},
        {"gap_x_mm": -0.1},
        {"margin_top_mm": 27},
        {"offset_x_mm": 10.1},
        {"offset_y_mm": -11},
    ],
)
def test_refuses_a_sheet_that_does_not_fit_its_page(changes: dict[str, float]) -> None:
    grid = {"columns": 2, "rows": 4, "label": A4_DRUM.label, "margin_left_mm": 4.65, "margin_top_mm": 13.1}
    LabelSheet(**grid)
    with pytest.raises(LabelError):
        LabelSheet(**{**grid, **changes})


@pytest.mark.parametrize("sheet", [A4_DRUM, A4_BOTTLE])
def test_no_two_places_of_a_sheet_overlap(sheet: LabelSheet) -> None:
    places = [sheet.place(n) for n in range(sheet.per_page)]
    for n, (x, y) in enumerate(places):
        for other_x, other_y in places[:n]:
            apart_x = abs(x - other_x) >= sheet.label.width_mm - 1e-9
            assert apart_x or abs(y - other_y) >= sheet.label.height_mm - 1e-9


def test_every_division_of_class_1_is_called_explosive() -> None:
    assert {hazard_names(f"1.{n}") for n in range(1, 7)} == {HAZARD_NAMES["1"]}


@given(
    st.builds(
        LabelSize,
        st.floats(min_value=45, max_value=210, allow_nan=False),
        st.floats(min_value=28, max_value=297, allow_nan=False),
    ),
    st.booleans(),
    st.sampled_from([None, "I", "II", "III"]),
)
def test_nothing_is_drawn_outside_the_label(size: LabelSize, coloured: bool, group: str | None) -> None:
    for element in arrange(LabelContent(**{**GOOD, "packing_group": group}), size, coloured=coloured):
        if isinstance(element, Shape):
            corners = element.corners
        elif isinstance(element, QRArea):
            corners = ((element.x, element.y), (element.x + element.side, element.y + element.side))
        else:
            corners = ((element.x, element.y),)
        for x, y in corners:
            assert 0 <= x <= size.width_mm
            assert 0 <= y <= size.height_mm


@pytest.mark.parametrize("size", [DRUM, BOTTLE])
def test_goods_that_are_not_dangerous_have_a_label_without_diamonds(size: LabelSize) -> None:
    plain = LabelContent(**{**GOOD, "tdg_class": None, "subsidiary": (), "un": None})
    texts = " ".join(element.text for element in arrange(plain, size) if isinstance(element, Line))
    assert "UN" not in texts
    assert "Class" not in texts
    assert plain.code in texts


def test_the_text_of_the_qr_code_is_in_no_repr_because_it_holds_the_seal() -> None:
    content = LabelContent(**GOOD)
    assert GOOD["url"] not in repr(content)
    assert GOOD["url"] not in repr(arrange(content, DRUM))
