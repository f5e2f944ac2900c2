"""The public page behind a label: what anybody may know, and nothing else."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import httpx
import pytest
import structlog

from chemtrace.bootstrap import configure_logs
from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.codes import make_code, parse_code
from chemtrace.core.errors import CodeCheckError, CodeFormatError, CodeVersionError
from chemtrace.entrypoints.web.code_words import explain
from chemtrace.entrypoints.web.language import Words
from tests.web.seed import Seeded

STATES = {
    "drum1": ("流通中", "In circulation"),
    "cylinder1": ("已用完", "Used up"),
    "drum0": ("已处置", "Disposed of"),
    "cylinder2": ("已报失", "Reported missing"),
    "drum6": ("标签已作废", "This label is void"),
    "cylinder3": ("尚无生产记录", "Not produced yet"),
    "drum5": ("来源不明", "Of unknown origin"),
}


@pytest.mark.parametrize("name", STATES)
def test_says_the_state_in_plain_words(stranger: httpx.Client, seeded_ledger: Seeded, name: str) -> None:
    zh, en = STATES[name]
    code = seeded_ledger.codes[name]
    answer = stranger.get(f"/i/{code}")
    assert answer.status_code == 200
    assert f"{zh}</h2>" in answer.text
    assert f"{en}</h2>" in stranger.get(f"/i/{code}", params={"lang": "en"}).text


def test_a_code_that_was_never_issued_is_told_apart(stranger: httpx.Client) -> None:
    code = make_code(kind="P", slot="034", issuer="0001", serial="7777777").text
    assert "This code was never issued" in stranger.get(f"/i/{code}?lang=en").text


def test_shows_substance_number_class_and_advice(stranger: httpx.Client, seeded_ledger: Seeded) -> None:
    text = stranger.get(f"/i/{seeded_ledger.codes['cylinder1']}?lang=en").text
    for expected in (
        "chlorine",
        "氯",
        "UN 1017",
        "Toxic gas",
        "Corrosive",
        "tel:119",
        "tel:110",
        "tel:120",
        "100 m",
    ):
        assert expected in text


@pytest.mark.parametrize("name", [*STATES, "pallet0", "toxic0", "drum3"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_never_says_who_where_or_how_much(
    stranger: httpx.Client, seeded_ledger: Seeded, name: str, language: str
) -> None:
    text = stranger.get(f"/i/{seeded_ledger.codes[name]}", params={"lang": language}).text
    secrets = [*seeded_ledger.firms.values(), *seeded_ledger.sites.values(), seeded_ledger.waybill]
    secrets += ["化工有限公司", "Chemical Works", "房山", "Fangshan", "Jiazi", "Yichou"]
    assert [] == [secret for secret in secrets if secret in text]
    assert not re.search(r"\b(160|50|25|12\.5)(\.0)? ?(kg|千克)", text)


def test_a_container_shows_what_is_in_it(stranger: httpx.Client, seeded_ledger: Seeded) -> None:
    assert "UN 1090" in stranger.get(f"/i/{seeded_ledger.codes['pallet0']}").text


@pytest.mark.parametrize("path", ["/i/", "/I/"])
def test_any_case_and_spelling_leads_to_the_same_page(
    stranger: httpx.Client, seeded_ledger: Seeded, path: str
) -> None:
    code = parse_code(seeded_ledger.codes["drum1"])
    for spelling in (code.text, code.text.lower(), code.pretty, code.pretty.lower()):
        answer = stranger.get(path + spelling)
        assert (200, True) == (answer.status_code, code.pretty in answer.text)


# ------------------------------------------------------------------ seals


def test_a_right_seal_is_confirmed_and_never_written(stranger: httpx.Client, seeded_ledger: Seeded) -> None:
    code = seeded_ledger.codes["drum1"]
    seal = seeded_ledger.application.seals.seal(code)
    for spelling in (code + seal, (code + seal).lower(), f"{parse_code(code).pretty}-{seal}"):
        answer = stranger.get(f"/i/{spelling}?lang=en")
        assert "The seal is right" in answer.text
        everything = answer.text + str(answer.headers)
        assert seal.lower() not in everything.lower()


def test_a_wrong_seal_warns_and_is_never_written(stranger: httpx.Client, seeded_ledger: Seeded) -> None:
    code = seeded_ledger.codes["drum2"]
    right = seeded_ledger.application.seals.seal(code)
    wrong = ALPHABET[(ALPHABET.index(right[0]) + 1) % 31] + right[1:]
    answer = stranger.get(f"/I/{code}{wrong}?lang=en")
    assert answer.status_code == 200
    assert "The seal is wrong" in answer.text
    assert "UN 1090" in answer.text
    assert wrong not in answer.text + str(answer.headers)


def test_without_a_seal_it_says_that_nothing_was_checked(
    stranger: httpx.Client, seeded_ledger: Seeded
) -> None:
    assert "was not checked" in stranger.get(f"/i/{seeded_ledger.codes['drum1']}?lang=en").text


def test_guessing_a_seal_is_slowed_down_but_the_advice_stays(
    stranger: httpx.Client, seeded_ledger: Seeded
) -> None:
    code = seeded_ledger.codes["toxic0"]
    answers = [stranger.get(f"/i/{code}{ALPHABET[place] * 10}?lang=en") for place in range(11)]
    assert [200] * 10 == [answer.status_code for answer in answers[:10]]
    last = answers[10]
    assert last.status_code == 429
    assert 0 < int(last.headers["retry-after"]) <= 60
    assert "UN 1689" in last.text
    assert "tel:119" in last.text
    assert "The seal is" not in last.text


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What the server's process writes into its log at the finest level; the client of the tests is kept out of it."""
    root, client = logging.getLogger(), [logging.getLogger(name) for name in ("httpx", "httpcore")]
    before = (root.handlers[:], root.level, [logger.level for logger in client])
    lines = io.StringIO()
    configure_logs(level="DEBUG", stream=lines)
    for logger in client:
        logger.setLevel(logging.CRITICAL)
    yield lines
    root.handlers[:], root.level = before[0], before[1]
    for logger, level in zip(client, before[2], strict=True):
        logger.setLevel(level)
    structlog.reset_defaults()


def test_a_seal_reaches_no_log_line(
    stranger: httpx.Client, seeded_ledger: Seeded, log_lines: io.StringIO
) -> None:
    code = seeded_ledger.codes["drum1"]
    seal = seeded_ledger.application.seals.seal(code)
    pretty = parse_code(code).pretty
    for path in (f"/i/{code}{seal}", f"/i/{pretty.lower()}-{seal.lower()}", f"/desk/find?q={code}{seal}"):
        stranger.get(path)
    assert "request" in log_lines.getvalue()
    assert seal.lower() not in log_lines.getvalue().lower()


def test_the_page_links_nowhere_that_could_leak_the_address(
    stranger: httpx.Client, seeded_ledger: Seeded
) -> None:
    code = seeded_ledger.codes["drum1"]
    answer = stranger.get(f"/i/{code}{seeded_ledger.application.seals.seal(code)}")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert [] == [link for link in re.findall(r'href="([^"]+)"', answer.text) if "//" in link]


# ------------------------------------------------------------------ codes that are none


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (
            "BJ1P034OOO1M32QUW0C",
            "Sign 8, “O”, cannot stand in a trace code. O is never used; did you mean 0?",
        ),
        ("BJ1X0340001M32QUW0C", "Sign 4, “X”, should be one of P, C, T, W, A."),
        ("BJ1P0A40001M32QUW0C", "Sign 6, “A”, should be a digit"),
        ("SH1P0340001M32QUW0C", "Sign 1, “S”, cannot stand in a trace code."),
        ("TJ1P0340001M32QUW0C", "begins with TJ1"),
        ("BJ1P034", "7 signs were typed; a trace code has 19, or 29 with its seal."),
    ],
)
def test_a_bad_code_is_refused_by_naming_the_sign(stranger: httpx.Client, label: str, expected: str) -> None:
    answer = stranger.get(f"/i/{label}?lang=en")
    assert answer.status_code == 422
    assert expected in " ".join(re.sub(r"<[^>]+>", "", answer.text).split())
    assert "tel:119" in answer.text


def test_a_wrong_check_sign_says_what_it_should_be(stranger: httpx.Client, seeded_ledger: Seeded) -> None:
    code = seeded_ledger.codes["drum1"]
    wrong = ALPHABET[(ALPHABET.index(code[18]) + 5) % 31]
    text = stranger.get(f"/i/{code[:18]}{wrong}?lang=en").text
    assert f"Sign 19, the check sign, is {wrong}, but the 18 before it ask for {code[18]}" in text
    assert f"<mark>{wrong}</mark>" in text


def test_a_misread_seal_is_named_by_place_and_not_shown(
    stranger: httpx.Client, seeded_ledger: Seeded
) -> None:
    code = seeded_ledger.codes["drum1"]
    answer = stranger.get(f"/i/{code}ABCDZFGH12?lang=en")
    assert answer.status_code == 422
    assert "Sign 5 of the seal" in answer.text
    assert "ABCDZ" not in answer.text


def test_what_was_typed_is_escaped(stranger: httpx.Client) -> None:
    answer = stranger.get("/i/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.status_code == 422
    assert "<script" not in answer.text.lower()


@pytest.mark.parametrize("kind", [CodeFormatError, CodeVersionError, CodeCheckError])
def test_every_defect_has_a_sentence_in_both_languages(kind: type[Exception]) -> None:
    texts = {
        CodeFormatError: "BJ1P034OOO1M32QUW0C",
        CodeVersionError: "TJ1P0340001M32QUW0C",
        CodeCheckError: "BJ1P0057K2M4QX9T3CC",
    }
    with pytest.raises(kind) as caught:
        parse_code(texts[kind])
    zh, en = (explain(caught.value, Words(language)).text for language in ("zh", "en"))  # type: ignore[arg-type]  # parametrized
    assert zh != en
