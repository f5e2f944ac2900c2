"""Wrong questions: bad cursors, tokens, ids and paths get a problem with its own code, never a trace or a 500."""

import httpx
import pytest

from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import open_application
from tests.api.bad_world import picture
from tests.seeded_ledger import seed_ledger, serving

UNKNOWN = "0" * 64

GETS = {
    "bad_cursor": ("/v1/refusals?cursor=x", "request.cursor"),
    "negative_cursor": ("/v1/refusals?cursor=-1", "request.cursor"),
    "cursor_of_another_alphabet": ("/v1/refusals?cursor=%D9%A1", "request.cursor"),
    "alert_cursor_of_another_page": ("/v1/alerts?cursor=%27%20OR%201=1", "request.cursor"),
    "oversize_cursor": ("/v1/items?cursor=" + "A" * 200, "request.invalid"),
    "limit_zero": ("/v1/items?limit=0", "request.invalid"),
    "limit_too_large": ("/v1/items?limit=100000", "request.invalid"),
    "limit_no_number": ("/v1/items?limit=ten", "request.invalid"),
    "code_with_a_wrong_check_sign": ("/v1/items/BJ1P0057K2M00000000", "code.check"),
    "code_too_short": ("/v1/items/BJ1P", "code.format"),
    "path_traversal_in_a_code": ("/v1/items/..%2F..%2Fetc%2Fpasswd", "request.no-such-path"),
    "sql_in_a_code": ("/v1/items/%27%20OR%201%3D1--/history", "code.format"),
    "nul_in_a_code": ("/v1/items/BJ1%00/history", "request.invalid"),
    "trace_in_no_direction": ("/v1/items/BJ1P0057K2M0000000C/trace?direction=sideways", "request.invalid"),
    "event_id_of_31_bytes": ("/v1/events/" + UNKNOWN[:62], "event.not-found"),
    "event_id_not_hex": ("/v1/events/" + "zz" * 32, "event.not-found"),
    "event_unknown": ("/v1/events/" + UNKNOWN, "event.not-found"),
    "negative_entry": ("/v1/entries/-1", "request.invalid"),
    "entry_beyond_the_log": ("/v1/entries/999999", "entry.not-found"),
    "entry_beyond_64_bits": ("/v1/entries/99999999999999999999999", "request.invalid"),
    "enterprise_unknown": ("/v1/enterprises/91110000MA000009XX", "enterprise.not-found"),
    "enterprise_with_sql": ("/v1/enterprises/%27%3BDROP%20TABLE%20entry%3B--", "enterprise.not-found"),
    "enterprise_with_nul": ("/v1/enterprises/9%001", "request.invalid"),
    "site_unknown": ("/v1/sites/S-NOWHERE", "site.not-found"),
    "site_with_nul": ("/v1/sites/S%00", "request.invalid"),
    "stock_of_an_unknown_site": ("/v1/sites/..%252F/stock", "site.not-found"),
    "filter_with_nul": ("/v1/items?holder=%00", "request.invalid"),
    "waybill_unknown": ("/v1/waybills/WB-404", "waybill.not-found"),
    "alert_unknown": ("/v1/alerts/" + UNKNOWN, "alert.not-found"),
    "alert_with_sql": ("/v1/alerts/x%27%20OR%20%271", "alert.not-found"),
    "no_such_path": ("/v1/nothing", "request.no-such-path"),
    "path_traversal": ("/v1/../../../etc/passwd", "request.no-such-path"),
}

POSTS = {
    "heads_without_subjects": (b"{}", "wire.invalid"),
    "heads_of_nothing": (b'{"subjects":[]}', "wire.invalid"),
    "heads_of_too_many": (b'{"subjects":[' + b",".join([b'"x"'] * 1001) + b"]}", "wire.invalid"),
    "heads_malformed": (b'{"subjects":["x"', "wire.invalid"),
    "heads_not_utf8": (b'{"subjects":["\xff"]}', "wire.invalid"),
    "heads_lone_surrogate": (b'{"subjects":["\\ud800"]}', "wire.invalid"),
    "heads_deeply_nested": (b'{"subjects":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "wire.invalid"),
    "heads_of_no_code": (b'{"subjects":["x"]}', "code.format"),
    "heads_of_no_subject": (b'{"subjects":["site:../../etc/passwd"]}', "subject.invalid"),
    "heads_with_nul": (b'{"subjects":["site:\\u0000"]}', "subject.invalid"),
    "heads_oversize": (b'{"subjects":["' + b"x" * 300_000 + b'"]}', "request.too-large"),
}


@pytest.fixture(scope="module")
def door(tmp_path_factory, module_database_url):
    folder = tmp_path_factory.mktemp("questions") / "ledger"
    seeded = seed_ledger(folder, codes=10, database_url=module_database_url)
    database = Database(module_database_url)
    application = open_application(seeded.settings)
    token = {"Authorization": f"Bearer {seeded.founded.token}"}
    with serving(application) as url, httpx.Client(base_url=url, timeout=30, headers=token) as http:
        yield http, database
    application.close()
    database.close()


def problem_of(answer: httpx.Response) -> dict:
    assert answer.headers["content-type"] == "application/problem+json", (
        answer.status_code,
        answer.text[:300],
    )
    assert 400 <= answer.status_code < 500
    assert answer.status_code == answer.json()["status"]
    return answer.json()


@pytest.mark.parametrize("name", GETS)
def test_a_wrong_question_is_named(door, name):
    http, _ = door
    path, code = GETS[name]
    assert code == problem_of(http.get(path))["code"]


@pytest.mark.parametrize("name", POSTS)
def test_a_wrong_question_about_heads_is_named(door, name):
    http, _ = door
    body, code = POSTS[name]
    assert (
        code
        == problem_of(http.post("/v1/heads", content=body, headers={"Content-Type": "application/json"}))[
            "code"
        ]
    )


@pytest.mark.parametrize(
    "authorization", ["Bearer wrong", "Bearer", "Basic YTpi", "Bearer " + "A" * 4000, "bearer ' OR 1=1", ""]
)
@pytest.mark.parametrize("path", ["/v1/items", "/v1/entries/0", "/v1/enterprises", "/v1/refusals"])
def test_reading_without_a_right_token_is_refused(door, authorization, path):
    http, _ = door
    answer = http.get(path, headers={"Authorization": authorization})
    problem = problem_of(answer)
    assert ("access.token", 401) == (problem["code"], problem["status"])
    assert "Bearer" in answer.headers["www-authenticate"]


def test_another_method_is_refused(door):
    http, _ = door
    for method, path in (("DELETE", "/v1/entries/0"), ("PUT", "/v1/events"), ("PATCH", "/v1/items/x")):
        problem = problem_of(http.request(method, path))
        assert "request.method" == problem["code"]


def test_no_question_changes_the_ledger(door):
    http, database = door
    before = picture(database)
    for path, _ in GETS.values():
        http.get(path)
    for body, _ in POSTS.values():
        http.post("/v1/heads", content=body, headers={"Content-Type": "application/json"})
    assert before == picture(database)
