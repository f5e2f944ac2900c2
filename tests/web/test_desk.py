"""The desk through real HTTP: login, search, every page in both languages, headers and refusals."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest

from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.codes import parse_code
from chemtrace.entrypoints.web.rendering import FOLDER, load_asset
from chemtrace.entrypoints.web.session import local_target
from scanners.decode import scan_file
from tests.web.seed import Seeded

LISTS = ("", "/items", "/waybills", "/alerts", "/sites", "/enterprises", "/log", "/refusals", "/events")
FULL = "/desk/items/{drum0}"


def every_path(seeded: Seeded) -> list[str]:
    """Every kind of page that the desk has."""
    reads = seeded.application.reads
    paths = [f"/desk{name}" for name in LISTS]
    paths += [f"/desk/items/{code}" for name, code in seeded.codes.items() if name != "cylinder3"]
    paths += [f"/desk/items/{seeded.codes[name]}/trace" for name in ("pallet0", "drum3")]
    paths += [f"/desk/sites/{site}" for site in seeded.sites.values()]
    paths += [f"/desk/enterprises/{firm}" for firm in seeded.firms.values()]
    paths += [f"/desk/alerts/{alert['id']}" for alert in reads.alerts().rows]
    paths += [f"/desk/waybills/{seeded.waybill}", "/desk/entries/0", "/desk/entries/5", "/desk/entries/50"]
    return paths


# ------------------------------------------------------------------ login


@pytest.mark.parametrize("path", ["/desk", "/desk/items", "/desk/log", "/desk/alerts?status=open"])
def test_a_stranger_is_sent_to_the_login_and_back(
    stranger: httpx.Client, seeded_ledger: Seeded, path: str
) -> None:
    first = stranger.get(path)
    assert first.status_code == 303
    assert first.headers["location"].startswith("/desk/login?next=%2Fdesk")
    form = stranger.get(first.headers["location"])
    target = html.unescape(re.findall(r'name="next" value="([^"]+)"', form.text)[0])
    answer = stranger.post("/desk/login", data={"token": seeded_ledger.token, "next": target})
    assert (303, path) == (answer.status_code, answer.headers["location"])


def test_the_token_stays_out_of_reach_of_scripts_and_other_sites(
    stranger: httpx.Client, seeded_ledger: Seeded
) -> None:
    answer = stranger.post("/desk/login", data={"token": f" {seeded_ledger.token} "})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert seeded_ledger.token not in answer.headers["location"]


@pytest.mark.parametrize("token", ["", "ctr_wrong", "' OR 1=1 --", "\u4e2d\u6587"])
def test_a_wrong_token_is_refused_without_a_cookie(stranger: httpx.Client, token: str) -> None:
    answer = stranger.post("/desk/login?lang=en", data={"token": token})
    assert answer.status_code == 401
    assert "not valid here" in answer.text
    assert "chemtrace_token" not in answer.headers.get("set-cookie", "")


def test_a_token_too_long_is_refused(stranger: httpx.Client) -> None:
    assert stranger.post("/desk/login", data={"token": "x" * 5000}).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
@pytest.mark.parametrize("path", ["/desk/login", "/desk/logout"])
def test_a_form_of_another_site_is_refused(
    stranger: httpx.Client, seeded_ledger: Seeded, headers: dict[str, str], path: str
) -> None:
    answer = stranger.post(path, data={"token": seeded_ledger.token}, headers=headers)
    assert answer.status_code in {401, 403}
    assert "access.cross-site" in answer.text
    assert "set-cookie" not in answer.headers


def test_logging_out_ends_it(desk: httpx.Client) -> None:
    assert desk.get("/desk").status_code == 200
    assert desk.post("/desk/logout").status_code == 303
    assert desk.get("/desk").status_code == 303


@pytest.mark.parametrize(
    "wish",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/i/x",
        "/desk\r\nX: y",
    ],
)
def test_login_leads_nowhere_but_to_the_desk(wish: str) -> None:
    assert local_target(wish) == "/desk"


def test_an_old_cookie_shows_the_login_again(stranger: httpx.Client) -> None:
    stranger.cookies.set("chemtrace_token", "ctr_revoked")
    assert stranger.get("/desk").status_code == 303


# ------------------------------------------------------------------ every page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_answers_in_its_language_without_anything_foreign(
    desk: httpx.Client, seeded_ledger: Seeded, language: str
) -> None:
    for path in every_path(seeded_ledger):
        answer = desk.get(path, params={"lang": language})
        assert answer.status_code == 200, path
        text = answer.text
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in text, path
        assert not re.search(r"<script|\son[a-z]+=|\sstyle=|javascript:", text), path
        assert [] == re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', text), path
        assert text.count("<h1") == 1, path
        assert "Undefined" not in text, path


def test_every_answer_carries_the_policy(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    for path in ("/desk", "/desk/login", "/desk/nowhere", f"/i/{seeded_ledger.codes['drum0']}", "/i/x"):
        policy = desk.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_the_language_is_remembered(desk: httpx.Client) -> None:
    assert "Open alerts" in desk.get("/desk?lang=en").text or "open alerts" in desk.get("/desk?lang=en").text
    assert '<html lang="en"' in desk.get("/desk/items").text
    assert '<html lang="zh-CN"' in desk.get("/desk/items?lang=zh").text


def test_chinese_is_what_a_stranger_gets(stranger: httpx.Client) -> None:
    assert '<html lang="zh-CN"' in stranger.get("/desk/login", headers={"accept-language": "en"}).text


def test_a_language_that_is_none_changes_nothing(stranger: httpx.Client) -> None:
    answer = stranger.get("/desk/login?lang=%3Cxx%3E")
    assert '<html lang="zh-CN"' in answer.text
    assert "set-cookie" not in answer.headers


# ------------------------------------------------------------------ search


def test_search_takes_a_code_in_any_spelling(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    code = parse_code(seeded_ledger.codes["drum0"])
    seal = seeded_ledger.application.seals.seal(code.text)
    for typed in (
        code.text.lower(),
        f" {code.pretty} ",
        f"HTTPS://ELSEWHERE.CN/I/{code.text}{seal}",
        f"(21){code.text}",
    ):
        answer = desk.get("/desk/find", params={"q": typed})
        assert (303, f"/desk/items/{code.text}") == (answer.status_code, answer.headers["location"])


def test_search_finds_other_things_by_their_number(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    alert = seeded_ledger.application.reads.alerts().rows[0]["id"]
    event = seeded_ledger.application.reads.entry(3).event_id
    for typed, expected in (
        (seeded_ledger.waybill.lower(), f"/desk/waybills/{seeded_ledger.waybill}"),
        (seeded_ledger.sites["maker"], f"/desk/sites/{seeded_ledger.sites['maker']}"),
        (seeded_ledger.firms["maker"], f"/desk/enterprises/{seeded_ledger.firms['maker']}"),
        (alert, f"/desk/alerts/{alert}"),
        (event, f"/desk/events/{event}"),
        ("12", "/desk/entries/12"),
    ):
        assert expected == desk.get("/desk/find", params={"q": typed}).headers["location"]


def test_search_says_which_sign_is_wrong(desk: httpx.Client) -> None:
    answer = desk.get("/desk/find", params={"q": "BJ1P034OOO1M32QUW0C", "lang": "en"})
    assert answer.status_code == 422
    assert "Sign 8" in answer.text
    assert 'value="BJ1P034OOO1M32QUW0C"' in answer.text


@pytest.mark.parametrize("typed", ["王芳", "Dingmao Works", "D-17"])
def test_search_for_what_is_no_code_says_what_can_be_found(desk: httpx.Client, typed: str) -> None:
    zh, en = (desk.get("/desk/find", params={"q": typed, "lang": lang}) for lang in ("zh", "en"))
    assert (422, 422) == (zh.status_code, en.status_code)
    assert "个人姓名不可查询" in zh.text
    assert "共有" not in zh.text
    assert "Names of persons cannot be searched" in en.text
    assert f'value="{typed}"' in en.text


def test_search_never_shows_what_may_be_a_seal(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    wrong = "BJ1P034OOO1M32QUW0C" + "ABCDEFGH12"
    text = desk.get("/desk/find", params={"q": wrong}).text
    assert "ABCDEFGH12" not in text


@pytest.mark.parametrize(
    "typed", ["<img src=x onerror=alert(1)>", "../../etc/passwd", "\x00", "'; DROP TABLE item; --", "😀" * 50]
)
def test_search_survives_hostile_text(desk: httpx.Client, typed: str) -> None:
    answer = desk.get("/desk/find", params={"q": typed})
    assert answer.status_code == 422
    assert "<img src=x" not in answer.text


# ------------------------------------------------------------------ what the pages say


def test_an_items_life_is_whole_on_one_page(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    code = seeded_ledger.codes["drum0"]
    text = desk.get(f"/desk/items/{code}?lang=en").text
    history = seeded_ledger.application.reads.history(code)
    assert len(history) >= 10
    assert [f'id="e{line.index}"' for line in history if f'id="e{line.index}"' not in text] == []
    for expected in (
        "produced",
        "sold",
        "loaded",
        "arrived",
        "bought",
        "used",
        "emptied and closed",
        "160 kg",
        "60 kg",
    ):
        assert expected in text
    for expected in (seeded_ledger.waybill, "京A00001挂", "Yichou Trading Co., Ltd.", "Jiazi yard"):
        assert expected in text


def test_a_finding_stands_beside_its_event_in_the_readers_language(
    desk: httpx.Client, seeded_ledger: Seeded
) -> None:
    path = f"/desk/items/{seeded_ledger.codes['cylinder0']}"
    zh, en = desk.get(f"{path}?lang=zh").text, desk.get(f"{path}?lang=en").text
    assert "item.not-holder" in zh
    assert "双方记录均予保留" in zh
    assert "Both records are kept" in en
    assert "Dingmao Works Co., Ltd. says" in en


def test_a_late_event_is_marked(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    assert "30 h late" in desk.get(f"/desk/items/{seeded_ledger.codes['drum2']}?lang=en").text


def test_an_item_without_history_says_why(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    answer = desk.get(f"/desk/items/{seeded_ledger.codes['cylinder3']}?lang=en")
    assert answer.status_code == 404
    assert "Not produced yet" in answer.text
    assert "item.not-found" in answer.text


def test_the_label_preview_has_no_seal(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    answer = desk.get(f"/desk/items/{seeded_ledger.codes['drum0']}/label.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert parse_code(seeded_ledger.codes["drum0"]).pretty in answer.text


def test_an_alert_shows_both_chains_and_accuses_nobody(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    for alert in seeded_ledger.application.reads.alerts(detector="C2").rows:
        text = desk.get(f"/desk/alerts/{alert['id']}?lang=en").text
        for expected in (
            "Both chains",
            "On record",
            "Said against it",
            "accuses nobody",
            "Basis",
            "Threshold",
        ):
            assert expected in text
        assert "Nothing on record" not in text
        assert alert["basis_en"] in html.unescape(text)


def test_alerts_are_filtered_by_address(desk: httpx.Client) -> None:
    everything = desk.get("/desk/alerts").text.count('href="/desk/alerts/')
    clones = desk.get("/desk/alerts?detector=C2&status=open&severity=1&chemical=&enterprise=").text
    assert 0 < clones.count('href="/desk/alerts/') < everything
    assert '<option value="C2" selected>' in clones
    assert desk.get("/desk/alerts?status=dismissed").text.count('href="/desk/alerts/') == 0


def test_a_firefighter_reads_the_site(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    text = desk.get(f"/desk/sites/{seeded_ledger.sites['maker']}?lang=en").text
    for expected in (
        "UN 1090",
        "UN 1689",
        "UN 1017",
        "Flammable liquid",
        "Toxic",
        "320 kg",
        "tel:119",
        "100 m",
    ):
        assert expected in text


def test_the_log_page_shows_checkpoint_findings_and_refusals(
    desk: httpx.Client, seeded_ledger: Seeded
) -> None:
    text = desk.get("/desk/log?lang=en").text
    note = (seeded_ledger.application.ledger.checkpoint() or b"").decode()
    assert note.splitlines()[2] in html.unescape(text)
    assert "item.not-holder" in text
    assert "item.unknown" in text
    assert "Dingmao Works" in desk.get("/desk/refusals?code=item.not-holder&lang=en").text


def test_a_forged_claim_is_shown_with_who_signed_it(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    signer = seeded_ledger.firms["user"]
    assert "key.foreign" in seeded_ledger.refused
    text = desk.get("/desk/refusals?code=key.foreign&lang=zh").text
    assert "用一家企业的密钥冒充另一家企业签名" in text
    assert text.index("签名密钥属于") < text.index(f"/desk/enterprises/{signer}")


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/desk/nowhere", 404, "request.no-such-path"),
        ("/desk/items/BJ1", 422, "code.format"),
        ("/desk/waybills/NO-SUCH", 404, "waybill.not-found"),
        ("/desk/alerts/" + "0" * 64, 404, "alert.not-found"),
        ("/desk/sites/NO-SUCH", 404, "site.not-found"),
        ("/desk/enterprises/NO-SUCH", 404, "enterprise.not-found"),
        ("/desk/entries/999999", 404, "entry.not-found"),
        ("/desk/entries/-1", 422, "request.invalid"),
        ("/desk/events/zz", 404, "event.not-found"),
        ("/desk/items?cursor=" + "x" * 60, 422, "request.cursor"),
        ("/desk/alerts?cursor=bad", 422, "request.cursor"),
        ("/assets/words.json", 404, "request.no-such-path"),
    ],
)
def test_a_refusal_is_a_page_with_its_code(desk: httpx.Client, path: str, status: int, code: str) -> None:
    answer = desk.get(path)
    assert status == answer.status_code
    assert answer.headers["content-type"].startswith("text/html")
    assert code in answer.text


@pytest.mark.parametrize(("path", "target"), [("/desk/", "/desk"), ("/desk/items/", "/desk/items")])
def test_a_slash_too_many_is_forgiven(desk: httpx.Client, path: str, target: str) -> None:
    answer = desk.get(path)
    assert (308, target) == (answer.status_code, answer.headers["location"])


def test_a_preview_of_a_link_gets_the_headers_alone(desk: httpx.Client, seeded_ledger: Seeded) -> None:
    answer = desk.head(f"/i/{seeded_ledger.codes['drum0']}")
    assert (200, b"") == (answer.status_code, answer.content)


# ------------------------------------------------------------------ size


def test_the_style_sheet_stays_small_and_fetches_nothing() -> None:
    css = load_asset("desk.css")
    assert len(css) <= 20_000
    assert b"url(" not in css
    assert b"@import" not in css


def test_no_page_brings_a_script() -> None:
    assert [] == [path.name for path in FOLDER.rglob("*") if path.suffix in {".js", ".mjs"}]


def test_an_item_page_gives_the_bundle_and_a_status_code_that_verify(
    desk: httpx.Client, seeded_ledger: Seeded, tmp_path: Path
) -> None:
    seeded_ledger.application.ledger.publish(force=True)
    trust, code = seeded_ledger.application.trust, seeded_ledger.codes["drum0"]
    page = desk.get(f"/desk/items/{code}").text
    for name in ("bundle.json", "status.png"):
        assert f"/desk/items/{code}/{name}" in page
    assert [f"/desk/items/{code}/bundle.json"] == re.findall(r'href="([^"]+)" download', page)
    bundle = desk.get(f"/desk/items/{code}/bundle.json")
    assert f'filename="{code}.bundle.json"' in bundle.headers["content-disposition"]
    assert verify_bundle(bundle.content, trust).subject == code
    picture = tmp_path / "status.png"
    picture.write_bytes(desk.get(f"/desk/items/{code}/status.png").content)
    (read,) = scan_file(picture).codes
    assert verify_status(read.text.encode(), trust).subject == code
