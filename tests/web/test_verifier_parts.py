"""Parts of the page's verifier that were written for speed: each gives what the plain way gives."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.trust import encode_trust
from tests.honest_log import MAKER, Log, amount, fixed_key, item
from tests.web.verifier_page import opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VERIFY = """async ({ text, trust, place }) => {
  const v = chemtraceVerifier, signatures = new v.keys.Signatures(), start = signatures.start.bind(signatures);
  const entries = v.forms.parseBundle(v.octets.utf8(text)).sections[0].entries;
  let number = 0;
  signatures.start = (key, message, signature) => {
    const changed = signature.slice();
    if (number++ === place) changed[40] ^= 1;
    return start(key, message, changed);
  };
  const given = { trust: v.parseTrust(v.octets.utf8(trust)), now: null, signatures, onProgress: () => {} };
  try {
    const verdict = await v.verifyBundle(v.octets.utf8(text), given);
    return [verdict.authentic, signatures.count];
  } catch (error) {
    return [error.code, error.fields.index === entries[place].index];
  }
}"""
DECODE = """text => {
  try {
    return Array.from(new chemtraceVerifier.octets.Decoder(text.length).take(text));
  } catch (error) {
    return error.code;
  }
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with opened(browser) as page:
        yield page


@pytest.fixture(scope="module")
def history() -> dict[str, str]:
    """A drum of 200 events of one key: more than one lot of signatures."""
    log, maker, drum = Log("parts"), fixed_key("parts maker"), item(1)
    log.found()
    log.enterprise(MAKER, "Maker")
    log.register(maker, MAKER)
    for number in range(200):
        kind = "use/consume" if number else "produce/make"
        log.tell(kind, [drum], {"items": [amount(drum)]}, by=maker, enterprise=MAKER)
    log.epoch()
    trust, text = encode_trust(log.trust()), encode_bundle_text(log.bundle(drum))
    return {"trust": trust.decode(), "text": text.decode()}


def test_every_signature_of_a_long_history_is_checked_once(page: Any, history: dict[str, str]) -> None:
    assert ["yes", 203] == page.evaluate(VERIFY, history | {"place": -1})


@pytest.mark.parametrize("place", [0, 1, 127, 128, 199])
def test_a_wrong_signature_is_found_wherever_it_stands(
    page: Any, history: dict[str, str], place: int
) -> None:
    """Changed on its way to the check, so that only that step can see it."""
    assert ["signature.invalid", True] == page.evaluate(VERIFY, history | {"place": place})


def test_sha256_of_every_length_about_a_block(page: Any) -> None:
    """Against another implementation, with octets of all values."""
    sizes = [*range(130), 1000, 65_536, 70_000]
    inputs = [bytes((number * 7 + size) % 256 for number in range(size)) for size in sizes]
    found = page.evaluate(
        "all => all.map(given => chemtraceVerifier.octets.toHex("
        "chemtraceVerifier.merkle.sha256(chemtraceVerifier.octets.fromHex(given))))",
        [octets.hex() for octets in inputs],
    )
    assert [hashlib.sha256(octets).hexdigest() for octets in inputs] == found


@pytest.mark.parametrize("size", range(8))
def test_base64_decoded_by_the_browser_has_one_spelling_too(page: Any, size: int) -> None:
    data = bytes((251 - 3 * number) % 256 for number in range(size))
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert list(data) == page.evaluate(DECODE, text)
    odd = [
        text + "=",
        text + "A" * ((5 - len(text)) % 4),
        " " + text,
        text + "\n",
        text[:2] + " \t" + text[2:],
    ]
    odd += [text + "===", text[:-1] + "+", text[:-1] + "/", text[:-1] + "\u0141", text + "    "]
    if len(text) % 4:
        odd.append(text[:-1] + chr(ord(text[-1]) + 1))
    wrong = [one for one in odd if not _is_base64url(one)]
    assert ["wire.invalid"] * len(wrong) == [page.evaluate(DECODE, one) for one in wrong]


def _is_base64url(text: str) -> bool:
    try:
        octets = base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode())
    except ValueError:
        return False
    return base64.urlsafe_b64encode(octets).decode().rstrip("=") == text
