"""The inspector's page in a real Chromium: from disk with no network, by file, paste, photograph and camera."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_Q

from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.trust import encode_trust
from tests.honest_log import MAKER, Log, amount, fixed_key, item
from tests.web.serving import ARGUMENTS, program
from tests.web.verifier_page import BUILT, load_cases, opened, proof_file, trust_file

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8").replace("? 3 : 4.5", "? 4.5 : 7")
"""The rough check of all pages, with the contrast that can be read in the sun (WCAG 1.4.6)."""
COSIGNED, STALE = "good-cosigned-by-mirror", "stale"
OPERATORS = "good-three-algorithms-in-two-containers"
STATUS = "status-good-qr"


def vector(name: str) -> dict[str, Any]:
    return load_cases("bundle", name)[name]


def hand_over(page: Any, case: dict[str, Any], folder: Path) -> None:
    """Load the trust file and choose the proof, as an inspector does."""
    now_us = case["input"].get("now_us", 1_772_327_882_000_000 + 60_000_000)
    page.clock.set_fixed_time(now_us // 1_000_000)  # seconds
    page.set_input_files("#trust-file", trust_file(case, folder))
    page.wait_for_selector("#trust-box .source.kept")
    page.set_input_files("#proof-file", proof_file(case, folder))
    page.wait_for_selector("[data-verdict]")


def verdict(page: Any) -> dict[str, str]:
    """The four statements as the page shows them."""
    found: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-statement]')]"
        ".map(one => [one.dataset.statement, one.dataset.value]))"
    )
    return found


def tone(page: Any) -> str:
    return str(page.get_attribute("[data-verdict]", "data-verdict"))


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with opened(browser) as page:
        yield page


def test_a_proof_cosigned_by_a_mirror_is_good_in_all_four(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector(COSIGNED), tmp_path)
    assert tone(page) == "yes"
    assert verdict(page) == {"authentic": "yes", "included": "yes", "complete": "yes", "current": "as_of"}
    text = page.inner_text("#verdict")
    assert "查验通过" in text
    assert "It checks out" in text
    assert "BJ1P-005-7K2M-0000006-T" in text
    assert "59 分钟前" in text or "60 分钟前" in text
    assert page.evaluate("document.activeElement.id") == "result-title"
    digest = hashlib.sha256((tmp_path / "proof").read_bytes()).hexdigest()
    assert page.locator("dd", has_text=digest).is_visible()
    assert "[object" not in text


def test_what_only_the_operator_says_is_marked_by_words_and_sign_not_by_colour_alone(
    page: Any, tmp_path: Path
) -> None:
    hand_over(page, vector(OPERATORS), tmp_path)
    assert tone(page) == "word"
    assert verdict(page)["complete"] == verdict(page)["current"] == "as_operator_states"
    row = page.locator("[data-statement=complete]")
    assert "运营方说" in row.inner_text()
    assert row.locator(".sign").inner_text() == "!"
    assert page.locator("[data-not-checked=mirror]").is_visible()
    assert page.locator("ol.events > li").first.is_visible()
    assert "装箱" in page.inner_text("#verdict")


def test_without_a_mirror_authentic_says_that_the_histories_of_keys_are_the_operators_word(
    page: Any, tmp_path: Path
) -> None:
    hand_over(page, vector(OPERATORS), tmp_path)
    assert verdict(page)["authentic"] == "yes"
    text = page.locator("[data-statement=authentic]").inner_text()
    assert "密钥历史是否完整，只是运营方的说法" in text
    assert "the histories of the keys are complete is as the operator states" in text


@pytest.mark.parametrize("name", [COSIGNED, STATUS])
def test_what_the_ledger_has_found_is_said_to_be_in_no_proof(page: Any, tmp_path: Path, name: str) -> None:
    hand_over(page, vector(name), tmp_path)
    text = page.locator("[data-not-checked=alerts]").inner_text()
    assert "预警或矛盾记录" in text
    assert "alerts or contradictions" in text


def test_units_are_words(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector(COSIGNED), tmp_path)
    text = page.inner_text(".events")
    assert "千克 kg" in text
    assert "KGM" not in text


def test_a_mirror_whose_clock_is_ahead_is_named(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector("mirror-clock-of-all-ahead"), tmp_path)
    assert tone(page) == "word"
    assert verdict(page)["complete"] == verdict(page)["current"] == "as_operator_states"
    text = page.locator("[data-not-checked=mirror-clock]").inner_text()
    assert "mirror (2096-10-02 15:06:40" in text
    assert "晚于本机时间" in text
    assert "after this device’s clock" in text


def test_a_changed_proof_is_refused_with_its_code_and_nothing_else_is_said(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector("payload-changed"), tmp_path)
    assert tone(page) == "bad"
    assert verdict(page) == {}
    text = page.inner_text("#verdict")
    assert "payload.digest-mismatch" in text
    assert "不要采信" in text
    assert "do not rely on it" in text


def test_a_proof_that_is_too_old_is_told_apart_from_a_false_one(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector(STALE), tmp_path)
    assert tone(page) == "old"
    assert "bundle.stale" in page.inner_text("#verdict")
    page.uncheck("#clock")
    page.wait_for_selector("[data-verdict=yes]")
    assert page.locator("[data-not-checked=age]").is_visible()


def test_a_file_of_another_kind_is_unreadable_not_false(page: Any, tmp_path: Path) -> None:
    case = vector(COSIGNED)
    hand_over(page, case, tmp_path)
    note = tmp_path / "letter.txt"
    note.write_text("dear inspector", encoding="utf-8")
    page.set_input_files("#proof-file", note)
    page.wait_for_selector("[data-code='bundle.format']")
    assert "读不懂" in page.inner_text("#verdict")


def test_a_proof_before_the_trust_file_waits_for_it(page: Any, tmp_path: Path) -> None:
    case = vector(OPERATORS)
    page.set_input_files("#proof-file", proof_file(case, tmp_path))
    page.get_by_text("请先载入信任文件", exact=False).wait_for()
    page.set_input_files("#trust-file", trust_file(case, tmp_path))
    page.wait_for_selector("[data-verdict=word]")


def test_a_trust_file_that_comes_as_a_proof_is_shown_and_taken_only_when_asked(
    page: Any, tmp_path: Path
) -> None:
    case = vector(OPERATORS)
    page.set_input_files("#proof-file", trust_file(case, tmp_path))
    page.wait_for_selector("[data-offer=trust]")
    assert page.locator("#trust-box .source.none").is_visible()
    page.click("[data-offer=trust] button")
    page.wait_for_selector("#trust-box .source.kept")


@pytest.mark.parametrize("name", [OPERATORS, STATUS, "status-example-compact"])
def test_a_proof_handed_in_as_the_trust_file_is_sent_to_step_2(page: Any, tmp_path: Path, name: str) -> None:
    page.set_input_files("#trust-file", proof_file(vector(name), tmp_path))
    text = page.inner_text("[data-misplaced=proof]")
    assert "这是证明，不是信任文件：请在第二步选择它。" in text
    assert "This is a proof, not a trust file: use step 2." in text
    assert page.locator("#trust-box .source.none").is_visible()
    assert page.locator("[data-verdict]").count() == 0


def test_a_trust_file_handed_in_as_a_proof_is_sent_to_step_1(page: Any, tmp_path: Path) -> None:
    page.set_input_files("#proof-file", trust_file(vector(OPERATORS), tmp_path))
    text = page.inner_text("[data-offer=trust]")
    assert "这是信任文件，不是证明：它属于第一步。" in text
    assert "This is a trust file, not a proof: it belongs to step 1." in text


@pytest.mark.parametrize("chooser", ["trust-file", "proof-file"])
def test_no_chooser_hides_a_file_by_its_name(page: Any, chooser: str) -> None:
    """Phones know no type for .cbor or .bundle, and chat programs rename files: what is listed is everything."""
    assert page.get_attribute(f"#{chooser}", "accept") in (None, "", "*/*")


def test_a_trust_file_in_a_picture_is_never_taken(page: Any, tmp_path: Path) -> None:
    case = vector("trust-good-without-policy")
    picture = tmp_path / "trap.png"
    qr_picture(case["input"]["trust"], 5).save(picture)
    page.set_input_files("#proof-photo", picture)
    page.locator("#message", has_text="未采用").wait_for()
    assert page.locator("#trust-box .source.none").is_visible()
    assert page.locator("[data-offer]").count() == 0


def test_a_short_status_proof_in_its_compact_form_is_no_label(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector("status-example-compact"), tmp_path)
    assert tone(page) == "word"


def test_the_trust_file_is_kept_and_can_be_removed(browser: Any, tmp_path: Path) -> None:
    with opened(browser) as page:
        page.set_input_files("#trust-file", trust_file(vector(COSIGNED), tmp_path))
        page.wait_for_selector("#trust-box .source.kept")
        page.reload()
        page.wait_for_selector("#trust-box .source.kept")
        page.click("#trust-box summary")
        page.click("#trust-box button")
        page.wait_for_selector("#trust-box .source.none")


def test_a_trust_file_that_contradicts_itself_is_not_taken(page: Any, tmp_path: Path) -> None:
    page.set_input_files("#trust-file", trust_file(vector("trust-origin-other"), tmp_path))
    page.wait_for_selector("[data-code='trust.format']")
    assert page.locator("#trust-box .source.none").is_visible()


def test_text_can_be_pasted(page: Any, tmp_path: Path) -> None:
    case = vector(STATUS)
    page.click("summary >> text=粘贴文字")
    page.fill("#paste-text", case["input"]["trust"])
    page.click("#paste button")
    page.click("[data-offer=trust] button")
    page.wait_for_selector("#trust-box .source.kept")
    page.fill("#paste-text", case["input"]["text"])
    page.click("#paste button")
    page.wait_for_selector("[data-verdict]")
    assert verdict(page)["authentic"] == "not_said"
    assert "5 条记录" in page.inner_text("#verdict")


def qr_picture(text: str, pixels: int = 4, level: int = ERROR_CORRECT_L) -> Image.Image:
    """A code as a page or label shows it."""
    code = QRCode(error_correction=level, border=4)
    code.add_data(text, optimize=0)
    rows = code.get_matrix()
    small = Image.new("L", (len(rows), len(rows)))
    small.putdata([0 if dark else 255 for row in rows for dark in row])
    side = len(rows) * pixels
    return small.resize((side, side), Image.Resampling.NEAREST)


def test_a_status_code_is_read_from_a_photograph(page: Any, tmp_path: Path) -> None:
    case = vector(STATUS)
    page.set_input_files("#trust-file", trust_file(case, tmp_path))
    shot = Image.new("L", (1600, 1200), 120)
    shot.paste(qr_picture(case["input"]["text"], 6).rotate(7, expand=True, fillcolor=120), (200, 60))
    path = tmp_path / "photo.jpg"
    shot.save(path, "JPEG", quality=80)
    page.set_input_files("#proof-photo", path)
    page.wait_for_selector("[data-verdict]")
    assert verdict(page)["current"] == "as_of"


def test_a_photograph_without_a_code_says_what_to_do(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    Image.new("L", (640, 480), 200).save(path)
    page.set_input_files("#proof-photo", path)
    page.get_by_text("没有识别出二维码", exact=False).wait_for()


def test_the_label_of_another_drum_is_noticed(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector(COSIGNED), tmp_path)
    for text, said in (
        ("HTTPS://TRACE.EXAMPLE.CN/I/BJ1P0057K2M0000006T", "一致"),
        ("BJ1P0057K2M0000001C", "不一致"),
    ):
        path = tmp_path / "label.png"
        qr_picture(text, 6, ERROR_CORRECT_Q).save(path)
        page.set_input_files("#proof-photo", path)
        page.locator("#message", has_text=said).wait_for()


def test_a_status_code_is_read_from_the_camera(browser: Any, tmp_path: Path) -> None:
    case = vector(STATUS)
    film = tmp_path / "film.mjpeg"
    blank = Image.new("L", (1280, 720), 90)
    shown = blank.copy()
    shown.paste(qr_picture(case["input"]["text"], 5), (280, 10))
    with film.open("wb") as stream:
        for frame in [blank] * 12 + [shown] * 90:
            frame.convert("RGB").save(stream, "JPEG", quality=85)
    camera = (
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )  # fmt: skip
    filming = browser.browser_type.launch(executable_path=program(), args=[*ARGUMENTS, *camera])
    try:
        with opened(filming) as page:
            page.set_input_files("#trust-file", trust_file(case, tmp_path))
            page.click("#camera-start")
            page.wait_for_selector("[data-verdict]", timeout=40_000)
            assert verdict(page)["included"] == "yes"
            assert page.locator("#camera").is_hidden()
    finally:
        filming.close()


def test_a_camera_that_is_not_allowed_leads_to_another_way(browser: Any) -> None:
    with opened(browser) as page:
        page.click("#camera-start")
        page.locator("#message", has_text=re.compile("摄像头|二维码")).wait_for()
        assert page.locator("#camera").is_hidden()


@pytest.mark.parametrize(("scheme", "locale"), [("light", "zh-CN"), ("dark", "en-GB")])
@pytest.mark.parametrize("name", [COSIGNED, OPERATORS, "payload-changed", STALE, STATUS])
def test_every_answer_can_be_read_in_the_sun_and_touched_with_gloves(
    browser: Any, tmp_path: Path, name: str, scheme: str, locale: str
) -> None:
    with opened(browser, locale=locale, color_scheme=scheme) as page:
        hand_over(page, vector(name), tmp_path)
        for summary in page.locator("summary").all():
            summary.click()
        assert [] == page.evaluate(LOOK)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert page.evaluate("document.documentElement.lang") == ("zh-CN" if locale == "zh-CN" else "en")
        small = page.evaluate(
            "[...document.querySelectorAll('body *')].filter(el => [...el.childNodes].some(n => n.nodeType === 3 && "
            "n.textContent.trim()) && el.getClientRects().length && parseFloat(getComputedStyle(el).fontSize) < 18)"
            ".map(el => el.outerHTML.slice(0, 80))"
        )
        assert [] == small


def test_the_language_changes_on_the_spot_and_is_kept(browser: Any, tmp_path: Path) -> None:
    with opened(browser) as page:
        hand_over(page, vector(OPERATORS), tmp_path)
        page.click("[data-language=en]")
        assert "Operator’s word" in page.inner_text("[data-statement=complete]")
        page.reload()
        page.wait_for_selector("html[lang=en]")


def test_everything_can_be_done_by_keyboard(page: Any, tmp_path: Path) -> None:
    stops = []
    for _ in range(14):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.trim().slice(0, 8)"
            )
        )
    for wanted in ("trust-file", "proof-file", "proof-photo", "camera-start", "clock"):
        assert wanted in stops


def test_what_a_proof_says_is_text_and_never_markup_or_turned_around(page: Any, tmp_path: Path) -> None:
    log, maker, drum = Log("markup"), fixed_key("markup maker"), item(1)
    log.found()
    log.enterprise(MAKER, "Maker")
    log.register(maker, MAKER)
    note = "<img src=x onerror=alert(1)> a\u202eb"
    log.tell("produce/make", [drum], {"items": [amount(drum)], "note": note}, by=maker, enterprise=MAKER)
    log.epoch()
    given = {
        "trust": encode_trust(log.trust()).decode(),
        "text": encode_bundle_text(log.bundle(drum)).decode(),
    }
    hand_over(page, {"input": given}, tmp_path)
    shown = page.inner_text("ol.events")
    assert "<img src=x onerror=alert(1)> a\ufffdb" in shown
    assert page.locator("#verdict img").count() == 0


def test_the_page_prints_the_verdict_without_its_buttons(page: Any, tmp_path: Path) -> None:
    hand_over(page, vector(COSIGNED), tmp_path)
    page.emulate_media(media="print")
    assert page.locator("#camera-start").is_hidden()
    assert page.locator("[data-statement=authentic]").is_visible()


def test_a_browser_core_of_2021_without_cryptography_of_its_own_gives_the_same_answer(
    browser: Any, tmp_path: Path
) -> None:
    with opened(browser) as page:
        page.add_init_script(
            "delete Object.hasOwn; delete Array.prototype.at; delete Uint8Array.prototype.at;"
            "delete Object.getPrototypeOf(Uint8Array).prototype.at; delete Uint8Array.prototype.toHex;"
            "delete String.prototype.isWellFormed; delete globalThis.DecompressionStream;"
            "delete globalThis.WebAssembly;"
            "Object.defineProperty(globalThis.crypto, 'subtle', { value: undefined });"
        )
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        assert page.evaluate("typeof crypto.subtle") == "undefined"
        for name, wanted in ((COSIGNED, "yes"), (OPERATORS, "word"), ("payload-changed", "bad")):
            hand_over(page, vector(name), tmp_path)
            page.wait_for_selector(f"[data-verdict={wanted}]")
        picture = tmp_path / "code.png"
        qr_picture(vector(STATUS)["input"]["text"]).save(picture)
        page.set_input_files("#proof-photo", picture)
        page.locator("#message", has_text="浏览器太旧").wait_for()


def test_the_page_on_disk_is_the_one_that_is_shipped(tmp_path: Path, browser: Any) -> None:
    copied = tmp_path / "查验 page.html"
    copied.write_bytes(BUILT.read_bytes())
    with opened(browser, copied) as page:
        assert page.evaluate("typeof chemtraceVerifier.verify") == "function"
