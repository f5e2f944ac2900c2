"""The unified social credit code: canonical 18 signs or a named refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.credit_code import make_credit_code, verify_credit_code
from chemtrace.core.errors import CreditCodeError

BODY = "91110000000000001"
CODE = make_credit_code(BODY)

bodies = st.from_regex(rf"\A[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{9}}\Z")


def test_forgives_case_spaces_and_full_width() -> None:
    spaced = f" {CODE[:6].lower()} {CODE[6:12]}-{CODE[12:]} "
    assert CODE == verify_credit_code(CODE) == verify_credit_code(spaced)
    assert verify_credit_code("".join(chr(ord(sign) + 0xFEE0) for sign in CODE)) == CODE


@pytest.mark.parametrize("text", ["", CODE[:17], CODE + "0", "9" * 200])
def test_refuses_a_wrong_length(text: str) -> None:
    with pytest.raises(CreditCodeError) as caught:
        verify_credit_code(text)
    assert caught.value.fields["expected_length"] == 18


@pytest.mark.parametrize(
    ("text", "position"), [("O" + CODE[1:], 1), (CODE[:2] + "A" + CODE[3:], 3), (CODE[:17] + "Z", 18)]
)
def test_says_which_sign_is_wrong(text: str, position: int) -> None:
    with pytest.raises(CreditCodeError) as caught:
        verify_credit_code(text)
    assert caught.value.fields["position"] == position


@pytest.mark.parametrize("body", [BODY[:16], BODY + "0", BODY.replace("1", "I"), "9A" + "X" * 15])
def test_refuses_to_complete_a_body_that_is_none(body: str) -> None:
    with pytest.raises(CreditCodeError):
        make_credit_code(body)


@given(bodies)
def test_a_completed_body_verifies_and_a_wrong_sign_does_not(body: str) -> None:
    code = make_credit_code(body)
    assert verify_credit_code(code) == code
    for place in range(18):
        for sign in ALPHABET:
            if sign != code[place]:
                with pytest.raises(CreditCodeError):
                    verify_credit_code(code[:place] + sign + code[place + 1 :])


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        code = verify_credit_code(text)
    except CreditCodeError:
        return
    assert verify_credit_code(code) == code
