"""Pictures of the pages, on a phone and on a desk, from a small seeded ledger: `make screenshots`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.web.seed import Seeded, seed  # noqa: E402 the checkout is put on the path above
from tests.web.serving import chromium, serving  # noqa: E402 likewise
from tests.web.verifier_page import load_cases, opened, proof_file, trust_file  # noqa: E402 likewise

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


def shots(seeded: Seeded) -> list[tuple[str, str, str, dict[str, int], str]]:
    """Name, path, language, size and colour scheme of every picture."""
    reads, codes = seeded.application.reads, seeded.codes
    seal = seeded.application.seals.seal(codes["drum1"])
    clone = reads.alerts(detector="C2").rows[-1]["id"]
    return [
        ("label-phone-zh", f"/i/{codes['drum1']}{seal}", "zh", PHONE, "light"),
        ("label-phone-en", f"/i/{codes['cylinder1']}", "en", PHONE, "light"),
        ("label-phone-dark", f"/i/{codes['toxic0']}", "zh", PHONE, "dark"),
        ("label-misread-phone", "/i/BJ1P034OOO1M32QUW0C", "zh", PHONE, "light"),
        ("login-phone", "/desk/login", "zh", PHONE, "light"),
        ("home-desk", "/desk", "zh", DESK, "light"),
        ("item-desk-zh", f"/desk/items/{codes['drum0']}", "zh", DESK, "light"),
        ("item-desk-en", f"/desk/items/{codes['drum0']}", "en", DESK, "light"),
        ("item-phone", f"/desk/items/{codes['cylinder0']}", "zh", PHONE, "light"),
        ("trace-desk", f"/desk/items/{codes['pallet0']}/trace", "zh", DESK, "light"),
        ("waybill-desk", f"/desk/waybills/{seeded.waybill}", "zh", DESK, "light"),
        ("alerts-desk", "/desk/alerts", "zh", DESK, "light"),
        ("alert-desk-zh", f"/desk/alerts/{clone}", "zh", DESK, "light"),
        ("alert-desk-dark", f"/desk/alerts/{clone}", "en", DESK, "dark"),
        ("alert-phone", f"/desk/alerts/{clone}", "zh", PHONE, "light"),
        ("site-desk", f"/desk/sites/{seeded.sites['maker']}", "zh", DESK, "light"),
        ("site-phone", f"/desk/sites/{seeded.sites['maker']}", "en", PHONE, "light"),
        ("enterprise-desk", f"/desk/enterprises/{seeded.firms['maker']}", "zh", DESK, "light"),
        ("log-desk", "/desk/log", "zh", DESK, "light"),
    ]


PROOFS = (
    ("verify-good-phone", "good-cosigned-by-mirror", "zh-CN", "light"),
    ("verify-good-phone-dark", "good-cosigned-by-mirror", "en-GB", "dark"),
    ("verify-operator-phone", "good-three-algorithms-in-two-containers", "zh-CN", "light"),
    ("verify-stale-phone", "stale", "zh-CN", "light"),
    ("verify-tampered-phone", "payload-changed", "zh-CN", "light"),
    ("verify-status-phone-en", "status-good-qr", "en-GB", "light"),
)
"""Pictures of the inspector's page, opened from disk with no network: name, published vector, language, colours."""


def take_proof(browser: Any, shot: tuple[str, str, str, str], folder: Path, scratch: Path) -> None:
    """Take one picture of the answer of the inspector's page about a published vector."""
    name, vector, locale, scheme = shot
    case = load_cases("bundle", vector)[vector]
    with opened(browser, viewport=PHONE, locale=locale, color_scheme=scheme) as page:
        page.clock.set_fixed_time(case["input"].get("now_us", 1_772_328_000_000_000) // 1_000_000)
        page.set_input_files("#trust-file", trust_file(case, scratch))
        page.wait_for_selector("#trust-box .source.kept")
        page.set_input_files("#proof-file", proof_file(case, scratch))
        page.wait_for_selector("[data-verdict]")
        page.evaluate("scrollTo(0, 0)")
        save(page, folder / f"{name}.png")


def save(page: Any, path_out: Path) -> None:
    """Write the picture of a whole page. It has few colours: a palette makes the file a third as large."""
    page.screenshot(path=path_out, full_page=True)
    with Image.open(path_out) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path_out, optimize=True)
    print(path_out)


def take(
    browser: Any, url: str, token: str, shot: tuple[str, str, str, dict[str, int], str], folder: Path
) -> None:
    """Take one picture of a whole page."""
    name, path, language, size, scheme = shot
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    if path.startswith("/desk") and path != "/desk/login":
        page.goto(f"{url}/desk/login")
        page.fill("#token", token)
        page.click("form.login button")
    page.goto(f"{url}{path}?lang={language}")
    for picture in page.query_selector_all("main img:visible"):
        picture.scroll_into_view_if_needed()  # those far down load only when they come into view
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    save(page, folder / f"{name}.png")
    context.close()


def main() -> None:
    """Seed, serve, take all pictures (or those whose name begins with `--only`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        seeded = seed(Path(folder))
        try:
            with serving(seeded.application) as url, chromium() as browser:
                for shot in shots(seeded):
                    if shot[0].startswith(chosen.only):
                        take(browser, url, seeded.token, shot, chosen.out)
                for proof in PROOFS:
                    if proof[0].startswith(chosen.only):
                        take_proof(browser, proof, chosen.out, Path(folder))
        finally:
            seeded.application.close()


if __name__ == "__main__":
    main()
