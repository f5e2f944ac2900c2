"""The pages in a real Chromium: by keyboard, on a phone, on paper, in the dark, with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from tests.web.seed import Seeded

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
"""320 CSS pixels is where WCAG 1.4.10 wants pages without scrolling sideways; a phone of 390 is wider."""
DESK = {"width": 1280, "height": 900}
LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, server_url: str, seeded_ledger: Seeded) -> Iterator[Open]:
    """Opens logged-in pages, and at the end demands an empty console and no request to anywhere else."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def watch(page: Any) -> None:
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(server_url) else complaints.append(f"foreign: {request.url}")
            ),
        )

    def opened(*, logged_in: bool = True, **options: Any) -> Any:
        context = browser.new_context(base_url=server_url, **({"viewport": DESK} | options))
        contexts.append(context)
        if logged_in:
            context.request.post("/desk/login", form={"token": seeded_ledger.token}, max_redirects=0)
        page = context.new_page()
        watch(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [] == complaints


def one_of_each(seeded: Seeded) -> list[str]:
    """One page of every kind."""
    codes, alerts = seeded.codes, seeded.application.reads.alerts().rows
    seal = seeded.application.seals.seal(codes["drum1"])
    return [
        "/desk",
        "/desk/items",
        f"/desk/items/{codes['drum0']}",
        f"/desk/items/{codes['cylinder0']}",
        f"/desk/items/{codes['pallet0']}/trace",
        "/desk/waybills",
        f"/desk/waybills/{seeded.waybill}",
        "/desk/alerts",
        *(f"/desk/alerts/{alert['id']}" for alert in alerts),
        "/desk/sites",
        f"/desk/sites/{seeded.sites['maker']}",
        "/desk/enterprises",
        f"/desk/enterprises/{seeded.firms['maker']}",
        "/desk/log",
        "/desk/refusals",
        "/desk/events",
        "/desk/entries/40",
        "/desk/login",
        f"/i/{codes['drum1']}{seal}",
        f"/i/{codes['cylinder2']}",
        f"/I/{codes['cylinder1'].lower()}",
    ]


def test_a_worker_logs_in_and_finds_an_item_by_scanner_and_keyboard_alone(
    open_page: Open, seeded_ledger: Seeded
) -> None:
    page = open_page(logged_in=False)
    page.goto("/desk")
    assert "/desk/login" in page.url
    _wait_for_the_field(page)
    page.keyboard.type(seeded_ledger.token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")
    _wait_for_the_field(page)
    # A handheld scanner types the label's whole text and ends with Enter; the field has the focus already.
    code = seeded_ledger.codes["drum0"]
    page.keyboard.type(
        f"HTTPS://TRACE.EXAMPLE.CN/I/{code}{seeded_ledger.application.seals.seal(code)}", delay=2
    )
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/desk/items/{code}")
    assert page.locator("ol.timeline > li").count() == 10
    assert "丙酮" in page.locator("h1").inner_text()


def _wait_for_the_field(page: Any) -> None:
    """The browser gives the marked field the focus a moment after the page has loaded; a person types later."""
    page.wait_for_function("document.activeElement.tagName === 'INPUT'")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page: Open, seeded_ledger: Seeded) -> None:
    page = open_page()
    page.goto(f"/desk/items/{seeded_ledger.codes['drum0']}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def test_every_stop_of_the_keyboard_can_be_seen(open_page: Open, seeded_ledger: Seeded) -> None:
    page = open_page(viewport=PHONE)
    page.goto(f"/desk/alerts/{seeded_ledger.application.reads.alerts().rows[-1]['id']}")
    stops = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => { const el = document.activeElement; if (el === document.body) return null;
            const r = el.getBoundingClientRect(), s = getComputedStyle(el);
            return {ring: parseFloat(s.outlineWidth), inside: r.bottom > 0 && r.top < innerHeight,
            what: el.outerHTML.slice(0, 80)}; }"""
        )
        if seen is None:
            break
        stops += 1
        assert seen["ring"] >= 2, seen
        assert seen["inside"], seen
    assert stops >= 15


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_scrolls_sideways_on_a_phone(open_page: Open, seeded_ledger: Seeded, language: str) -> None:
    page = open_page(viewport=NARROW)
    wide = []
    for path in one_of_each(seeded_ledger):
        page.goto(f"{path}?lang={language}")
        for size in (NARROW, PHONE):
            page.set_viewport_size(size)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append((path, size["width"]))
    assert [] == wide


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_can_be_read_and_touched(
    open_page: Open, seeded_ledger: Seeded, scheme: str, size: dict[str, int]
) -> None:
    page = open_page(viewport=size, color_scheme=scheme)
    found = {}
    language = "zh" if scheme == "light" else "en"
    for path in one_of_each(seeded_ledger):
        page.goto(f"{path}?lang={language}")
        if faults := page.evaluate(LOOK):
            found[path] = faults
    assert {} == found


def test_text_twice_as_large_still_fits(open_page: Open, seeded_ledger: Seeded) -> None:
    page = open_page(viewport={"width": 640, "height": 900})
    for path in (
        f"/desk/items/{seeded_ledger.codes['drum0']}",
        f"/i/{seeded_ledger.codes['drum1']}",
        "/desk/alerts",
    ):
        page.goto(f"{path}?lang=en")
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path


def test_the_reader_switches_language_and_colours_without_a_script(
    open_page: Open, seeded_ledger: Seeded
) -> None:
    code = seeded_ledger.codes["drum1"]
    seal = seeded_ledger.application.seals.seal(code)
    page = open_page(java_script_enabled=False, logged_in=False, viewport=PHONE)
    page.goto(f"/i/{code}{seal}")
    page.get_by_role("link", name="English").click()
    assert page.get_by_text("The seal is right").is_visible()
    page.get_by_role("link", name="dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.goto("/desk/login")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "en"


def test_an_alert_is_found_by_its_filters_and_read(open_page: Open) -> None:
    page = open_page()
    page.goto("/desk/alerts?lang=en")
    page.get_by_label("Detector").select_option("C2")
    page.get_by_role("button", name="Filter").click()
    assert "detector=C2" in page.url
    page.locator("tbody a[href^='/desk/alerts/']").last.click()
    assert page.locator(".chains > div").count() == 2
    for place in (0, 1):
        assert page.locator(".chains > div").nth(place).locator(".exhibit").count() >= 1


def test_on_paper_there_is_the_record_and_nothing_to_click(open_page: Open, seeded_ledger: Seeded) -> None:
    page = open_page(color_scheme="dark")
    for path, expected in (
        (f"/desk/items/{seeded_ledger.codes['drum0']}", "京A00001挂"),
        (f"/desk/sites/{seeded_ledger.sites['maker']}", "UN 1689"),
        (f"/i/{seeded_ledger.codes['drum1']}", "119"),
    ):
        page.goto(path)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator(".rooms, .find, .langs, .actions, .themes").locator("visible=true").count()
        document = pypdfium2.PdfDocument(page.pdf(format="A4"))
        text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
        document.close()
        assert expected in text
        page.emulate_media(media="screen")


def test_a_site_on_paper_lists_every_item(open_page: Open, seeded_ledger: Seeded) -> None:
    page = open_page()
    page.goto(f"/desk/sites/{seeded_ledger.sites['maker']}")
    document = pypdfium2.PdfDocument(page.pdf(format="A4"))
    text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
    document.close()
    assert seeded_ledger.codes["toxic0"][11:18] in text
