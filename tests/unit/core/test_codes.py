"""The trace code: forgiving to read, strict in what it accepts, exact about what is wrong."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.check_sign import ALPHABET, check_sign_of
from chemtrace.core.codes import (
    TraceCode,
    canonical_code,
    label_url,
    make_code,
    parse_code,
    parse_label,
)
from chemtrace.core.errors import CodeCheckError, CodeFormatError, CodeVersionError, FormError

EXAMPLE = "BJ1P0057K2M4QX9T3CF"
SEAL = "0123456789"

signs = st.sampled_from(ALPHABET)


@st.composite
def codes(draw: st.DrawFn) -> TraceCode:
    kind = draw(st.sampled_from("PCTWA"))
    slot = draw(st.integers(min_value=0 if kind == "A" else 1, max_value=999))
    issuer = "".join(draw(st.lists(signs, min_size=4, max_size=4)))
    serial = "".join(draw(st.lists(signs, min_size=7, max_size=7)))
    return make_code(kind=kind, slot=f"{slot:03d}", issuer=issuer, serial=serial)


def naive_check_sign(body: str) -> str:
    """The rule as the standard words it, one sign at a time."""
    total = sum(ALPHABET.index(sign) * pow(3, place) for place, sign in enumerate(body))
    rest = 31 - total % 31
    return ALPHABET[0 if rest == 31 else rest]


def test_the_published_example_is_read_in_parts() -> None:
    code = parse_code("BJ1P-005-7K2M-4QX9T3C-F")
    assert TraceCode("BJ", "1", "P", "005", "7K2M", "4QX9T3C", "F") == code
    assert EXAMPLE == code.text == str(code)
    assert code.pretty == "BJ1P-005-7K2M-4QX9T3C-F"


@pytest.mark.parametrize(
    "text",
    [
        "bj1p-005-7k2m-4qx9t3c-f",
        " BJ1P 005 7K2M 4QX9T3C F\r\n",
        "ＢＪ１Ｐ－００５－７Ｋ２Ｍ－４ＱＸ９Ｔ３Ｃ－Ｆ",
        "BJ1P\u2013005\u20147K2M\u30004QX9T3C\u00adF",
        "https://cx.example.cn/i/bj1p0057k2m4qx9t3cf",
        "HTTPS://OLD.EXAMPLE/BJ1P0057K2M4QX9T3CF",
        "http://localhost:8000/i/BJ1P-005-7K2M-4QX9T3C-F/?utm=1#x",
        "HTTPS：／／CX．EXAMPLE．CN／I／BJ1P0057K2M4QX9T3CF",
        "HTTPS://ID.EXAMPLE.CN/01/06901234000009/21/BJ1P0057K2M4QX9T3CF",
        "(01)06901234000009(21)BJ1P0057K2M4QX9T3CF",
        "(8004)6901234BJ1P0057K2M4QX9T3CF",
        "urn:epc:id:sgtin:6901234.056789.BJ1P0057K2M4QX9T3CF",
    ],
)
def test_forgives_the_ways_people_and_scanners_write_a_code(text: str) -> None:
    assert parse_code(text).text == EXAMPLE


def test_a_label_gives_code_and_seal() -> None:
    url = label_url("cx.example.cn", parse_code(EXAMPLE), SEAL)
    assert url == f"HTTPS://CX.EXAMPLE.CN/I/{EXAMPLE}{SEAL}"
    assert parse_label(url) == (parse_code(EXAMPLE), SEAL)
    assert parse_label(url.lower()) == (parse_code(EXAMPLE), SEAL)
    assert parse_label(EXAMPLE) == (parse_code(EXAMPLE), None)


@pytest.mark.parametrize(
    ("text", "position", "got"),
    [
        ("BJ1P0057K2M4QX9T3OF", 18, "O"),
        ("BJ1Q0057K2M4QX9T3CF", 4, "Q"),
        ("BJ1P00A7K2M4QX9T3CF", 7, "A"),
        ("BJ1P0007K2M4QX9T3CF", 7, "0"),
        ("BJ1P0057K2M4QX9T3C氯", 19, "氯"),
        ("BJ1P0057K2M4QX9T3CF012345678I", 29, "I"),
    ],
)
def test_says_which_sign_is_wrong(text: str, position: int, got: str) -> None:
    with pytest.raises(CodeFormatError) as caught:
        parse_label(text)
    assert caught.value.code == "code.format"
    assert (caught.value.fields["position"], caught.value.fields["got"]) == (position, got)


@pytest.mark.parametrize("text", ["", "BJ1", EXAMPLE[:-1], EXAMPLE + "0", EXAMPLE + SEAL + "0", "x" * 600])
def test_refuses_a_wrong_length(text: str) -> None:
    with pytest.raises(CodeFormatError) as caught:
        parse_label(text)
    assert caught.value.fields["expected_length"] == 19


@pytest.mark.parametrize("text", ["BJ2P0057K2M4QX9T3CF", "TJ1P0057K2M4QX9T3CF"])
def test_refuses_another_city_or_version_by_its_own_name(text: str) -> None:
    with pytest.raises(CodeVersionError) as caught:
        canonical_code(text)
    assert (caught.value.fields["got"], caught.value.fields["expected"]) == (text[:3], "BJ1")


def test_a_wrong_check_sign_carries_both_sides() -> None:
    with pytest.raises(CodeCheckError) as caught:
        parse_code(EXAMPLE[:-1] + "G")
    assert (caught.value.fields["got"], caught.value.fields["expected"]) == ("G", "F")


@pytest.mark.parametrize("text", [EXAMPLE.lower(), EXAMPLE + "\n", " " + EXAMPLE, "BJ1P-005-7K2M-4QX9T3C-F"])
def test_the_hot_path_forgives_nothing(text: str) -> None:
    with pytest.raises(CodeFormatError):
        canonical_code(text)


def test_an_error_never_carries_more_than_the_code_of_a_sealed_label() -> None:
    for text in (EXAMPLE + SEAL + "7", EXAMPLE[:-1] + "G" + SEAL, EXAMPLE[:10] + "O" + EXAMPLE[11:] + SEAL):
        with pytest.raises(FormError) as caught:
            parse_label(text)
        assert SEAL not in str(caught.value.problem())


@pytest.mark.parametrize(
    "parts",
    [
        {"kind": "PP"},
        {"kind": "X"},
        {"slot": "5"},
        {"slot": "000"},
        {"slot": "٠٠٥"},
        {"issuer": "7K2"},
        {"issuer": "7k2m"},
        {"serial": "4QX9T3O"},
    ],
)
def test_refuses_to_build_a_code_from_wrong_parts(parts: dict[str, str]) -> None:
    good = {"kind": "P", "slot": "005", "issuer": "7K2M", "serial": "4QX9T3C"}
    assert make_code(**good).text == EXAMPLE
    with pytest.raises(CodeFormatError):
        make_code(**{**good, **parts})


def test_only_aggregates_may_have_slot_000() -> None:
    assert make_code(kind="A", slot="000", issuer="7K2M", serial="4QX9T3C").slot == "000"


@pytest.mark.parametrize("host", ["", "a b", "ex/ample", "-x.cn", "例子.cn", "x" * 120, "x.cn:123456"])
def test_refuses_a_host_that_cannot_stand_on_a_label(host: str) -> None:
    with pytest.raises(CodeFormatError):
        label_url(host, parse_code(EXAMPLE), None)


@pytest.mark.parametrize("seal", ["", "012345678", "012345678O", "abcdefghkl"])
def test_refuses_a_seal_that_is_none(seal: str) -> None:
    with pytest.raises(CodeFormatError):
        label_url("x.cn", parse_code(EXAMPLE), seal)


@given(codes())
def test_a_code_reads_back_from_every_form_it_is_shown_in(code: TraceCode) -> None:
    assert canonical_code(code.text) == code.text
    assert parse_code(code.text) == parse_code(code.pretty) == parse_code(code.pretty.lower()) == code
    assert parse_code(label_url("x.cn", code, None)) == code


@given(codes())
def test_the_check_sign_agrees_with_the_words_of_the_standard(code: TraceCode) -> None:
    assert naive_check_sign(code.text[:18]) == code.check == check_sign_of(code.text[:18])


@given(codes())
def test_every_single_wrong_sign_is_refused(code: TraceCode) -> None:
    for place, sign in itertools.product(range(19), ALPHABET):
        wrong = code.text[:place] + sign + code.text[place + 1 :]
        if wrong != code.text:
            with pytest.raises(FormError):
                canonical_code(wrong)


@given(codes())
def test_every_swap_of_two_signs_is_refused(code: TraceCode) -> None:
    for left, right in itertools.combinations(range(19), 2):
        swapped = list(code.text)
        swapped[left], swapped[right] = swapped[right], swapped[left]
        if (wrong := "".join(swapped)) != code.text:
            with pytest.raises(FormError):
                canonical_code(wrong)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name_and_reading_is_idempotent(text: str) -> None:
    try:
        code = parse_code(text)
    except (CodeFormatError, CodeVersionError, CodeCheckError):
        return
    assert parse_code(code.text) == code


@given(st.text(alphabet=ALPHABET + "-", min_size=15, max_size=20))
def test_the_fast_and_the_forgiving_reader_agree_on_canonical_text(tail: str) -> None:
    text = ("BJ1P" + tail)[:19]
    try:
        fast: str | None = canonical_code(text)
    except FormError:
        fast = None
    try:
        slow = parse_code(text).text
    except FormError:
        slow = None
    assert fast == (slow if slow == text else None)
