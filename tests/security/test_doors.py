"""The doors of the real server against hostile senders: what they bring, what they show, what stays in the logs."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import httpx
import pytest

from chemtrace.adapters.logs import redact_text
from chemtrace.bootstrap import configure_logs, open_application
from chemtrace.core.statement import encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted
from tests.seeded_ledger import CARRIER, HOUR_US, MAKER, USER, Seeded, now_us, seed_ledger, serving

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SEAL = "HJ2K3M4N5P"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed_ledger(tmp_path_factory.mktemp("doors") / "ledger", codes=5)


@pytest.fixture(scope="module")
def code(seeded: Seeded) -> str:
    return seeded.take_codes(1)[0]


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    """What the server writes to its log; the test's own client stays out of it."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logs(stream=stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def url(seeded: Seeded, code: str, log: io.StringIO) -> Iterator[str]:
    application = open_application(seeded.settings)
    hands = seeded.hands
    goods = {
        "name": SCRIPT, "class": "3", "package": SCRIPT, "count": 1, "mass": {"value": "25", "unit": "KGM"},
    }  # fmt: skip
    trip = {
        "number": "W-1", "consignor": MAKER, "consignee": USER, "carrier": CARRIER, "origin": "S-MAKER",
        "load_at": format_utc(now_us()), "arrive_by": format_utc(now_us() + HOUR_US),
        "vehicle": {"plate": "京A12345"}, "emergency_phone": SCRIPT, "goods": [goods],
    }  # fmt: skip
    made = hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER", note=SCRIPT, batch=SCRIPT)
    hands.follow(made)
    lost = hands.items(USER, "report", "loss", (code, None), remark=SCRIPT, device=SCRIPT)
    for story in (made, lost, hands.statement(MAKER, "waybill", "scheduled", trip)):
        assert isinstance(application.ledger.submit(encode_wire(story)), Admitted)
    with serving(application) as address:
        yield address
    application.close()


@pytest.fixture(scope="module")
def reader(url: str, seeded: Seeded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {seeded.founded.token}"}) as client:
        yield client


def test_pages_show_what_was_signed_as_text_and_miss_nothing_optional(reader, code) -> None:
    for path in (
        f"/desk/items/{code}",
        "/desk/waybills/W-1",
        "/desk/events",
        "/desk/enterprises",
        "/desk/alerts",
    ):
        for language in ("zh", "en"):
            page = reader.get(path, params={"lang": language})
            assert page.status_code == 200, (path, page.text[:200])
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text


def whole_form() -> Iterator[bytes]:
    yield b"token="
    for _ in range(40):
        yield b"A" * 1024


@pytest.mark.parametrize("path", ["/desk/login", "/desk/logout", "/desk/no/such/page"])
def test_a_form_without_end_is_not_read(url: str, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(url + path, content=whole_form(), headers=form).status_code == 413
    assert httpx.post(url + path, content=b"".join(whole_form()), headers=form).status_code == 413
    upload = {"file": ("f", b"A" * 100_000)}
    assert httpx.post(url + path, files=upload).json()["code"] == "request.too-large"


def test_a_form_of_its_size_is_read(url: str, seeded: Seeded) -> None:
    assert httpx.post(f"{url}/desk/login", data={"token": "wrong"}).status_code == 401
    assert httpx.post(f"{url}/desk/login", data={"token": seeded.founded.token}).status_code == 303
    assert httpx.post(f"{url}/desk/logout").status_code == 303


@pytest.mark.parametrize(
    "target", ["//evil.example", "https:evil.example", "/\\evil.example", "javascript:1", "/i/x"]
)
def test_a_login_leads_nowhere_else(url: str, seeded: Seeded, target: str) -> None:
    answer = httpx.post(f"{url}/desk/login", data={"token": seeded.founded.token, "next": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(url: str, seeded: Seeded, headers: dict[str, str]) -> None:
    token = seeded.founded.token
    answer = httpx.post(f"{url}/desk/login", data={"token": token}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert httpx.post(f"{url}/desk/logout", headers=headers).status_code == 401


def test_no_seal_and_no_token_reaches_log_or_metrics(
    reader, url: str, code: str, seeded: Seeded, log
) -> None:
    label = code + SEAL
    dashed = f"{code[:4]}-{code[4:7]}-{code[7:11]}-{code[11:18]}-{code[18]}-{SEAL}"
    places = (
        "/i/",
        "/I/",
        "/no/such/",
        "/v1/items/",
        "/v1/sites/",
        "/v1/entries/",
        "/desk/items/",
        "/i/x/",
        "/desk/find?q=",
    )
    for text in (label, label.lower(), dashed, label + "/", f"https:%2F%2Fcx.example.cn%2FI%2F{label}"):
        for place in places:
            for method in ("GET", "HEAD", "POST", "TRACE"):
                reader.request(
                    method, place + text, headers={"Referer": f"{url}/I/{label}", "User-Agent": label}
                )
    metrics = httpx.get(f"{url}/metrics").text
    written = log.getvalue()
    assert "/i/{label:path}" in written
    for secret in (SEAL, SEAL.lower(), SEAL[:8], seeded.founded.token, seeded.founded.token[4:]):
        assert secret not in written
        assert secret not in metrics


def test_a_seal_behind_dashes_is_taken_out_of_any_text() -> None:
    code = "BJ1P-005-7K2M-4QX9T3C-F"
    for bare in (code, code.replace("-", ""), code.lower()):
        assert SEAL not in redact_text(f"error at {bare}-{SEAL}: no such")
        assert SEAL.lower() not in redact_text(f"error at {bare}{SEAL.lower()}: no such")
        assert redact_text(f"error at {bare}: no such") == f"error at {bare}: no such"
    assert redact_text(f"{code}-{SEAL[:9]}") == f"{code}-{SEAL[:9]}", "nine signs are no seal"


def test_a_path_out_of_the_assets_leads_nowhere(url: str) -> None:
    for path in ("/assets/..%2f..%2fconfig.py", "/assets/%2e%2e/rendering.py", "/..%2f..%2fetc/passwd"):
        assert httpx.get(url + path).status_code == 404


@pytest.mark.parametrize("path", ["/log/registry/", "/log/checkpoint/", "/desk/", "/v1/events/"])
def test_no_answer_sends_anybody_to_a_host_that_the_request_named(url: str, path: str) -> None:
    answer = httpx.get(url + path, headers={"Host": "elsewhere.test"}, follow_redirects=False)
    assert "elsewhere.test" not in answer.headers.get("Location", "")
