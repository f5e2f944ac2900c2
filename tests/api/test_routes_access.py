"""Who may: all but a short list of routes refuse who has no token; wrong tokens are limited, right ones never."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from chemtrace.bootstrap import open_application
from chemtrace.entrypoints.api.app import create_app
from chemtrace.entrypoints.api.auth import COOKIE, WRONG_AT_ONCE
from chemtrace.entrypoints.api_reference import FOREIGN_PAGES
from chemtrace.entrypoints.web.router import create_web_router
from tests.seeded_ledger import now_us, seed_ledger, serving

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/log/checkpoint"),
    ("GET", "/v1/log/checkpoint"),
    # Hashes tell nothing; what to pin, and the page that verifies with no network.
    ("GET", "/log/tile/{level}/{path:path}"),
    ("GET", "/log/trust"),
    ("GET", "/verify"),
    # What the interface is.
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    # A statement authenticates itself by its signatures.
    ("POST", "/v1/events"),
    ("POST", "/v1/events/batch"),
    ("POST", "/v1/waybills"),
    # What anyone may know about a label, and the way in and out.
    ("GET", "/"),
    ("GET", "/i/{label:path}"),
    ("GET", "/I/{label:path}"),
    ("GET", "/assets/{name}"),
    ("GET", "/favicon.ico"),
    ("GET", "/desk/login"),
    ("POST", "/desk/login"),
    ("POST", "/desk/logout"),
    # Says of any other page that there is none.
    ("GET", "/desk/{rest:path}"),
}
BODIES = {"/v1/heads": {"subjects": ["site:S-MAKER"]}}
EXAMPLES = {
    "{code}": "BJ1P0057K2M4QX9T3CF",
    "{event_id}": "0" * 64,
    "{alert_id}": "0" * 64,
    "{index}": "0",
    "{party}": "91110000MA0000018B",
    "{site}": "S-MAKER",
    "{number}": "WB-1",
    "{subject}": "BJ1P0057K2M4QX9T3CF",
    "{level}": "0",
    "{path:path}": "000",
}


def routes(router: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route that a request can reach, included routers and hidden routes too."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router)
        elif isinstance(route, Route):
            yield from ((method, route.path) for method in (route.methods or ()) if method != "HEAD")


REPLACED = FOREIGN_PAGES - {"/docs"}
ALL = {*routes(create_app(None).router), *routes(create_web_router())}
ASKING = sorted(route for route in ALL - PUBLIC if route[1] not in REPLACED)


class Door:
    """The wired application behind a server, its address, and tokens that are good and that were."""

    def __init__(self, application: Any, http: httpx.Client, token: str) -> None:
        self.application, self.http, self.token = application, http, token
        self.revoked, record = application.tokens.create("leaver", now_us=now_us())
        assert "leaver" == application.tokens.verify(self.revoked)
        application.tokens.revoke(record.id, now_us=now_us())

    def ask(
        self, method: str, path: str, token: str | None = None, cookie: str | None = None
    ) -> httpx.Response:
        """One request for a route by its template."""
        for name, value in EXAMPLES.items():
            path = path.replace(name, value)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= {} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"}
        return self.http.request(method, path, json=BODIES.get(path), headers=headers)


def opened(folder, database_url) -> Iterator[Door]:
    seeded = seed_ledger(folder / "ledger", codes=2, database_url=database_url)
    application = open_application(seeded.settings)
    with serving(application) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Door(application, http, seeded.founded.token)
    application.close()


@pytest.fixture(scope="module")
def door(tmp_path_factory, module_database_url):
    yield from opened(tmp_path_factory.mktemp("access"), module_database_url)


@pytest.fixture
def fresh_door(tmp_path):
    """A server to which no wrong token has come yet."""
    yield from opened(tmp_path, "")


def refuses(answer: httpx.Response) -> bool:
    """The interface says 401 and how to come in; a page leads to the login form."""
    if answer.request.url.path.startswith("/desk"):
        return answer.status_code == 303 and answer.headers["location"].startswith("/desk/login")
    problem = answer.json()
    return (401, "access.token", "Bearer") == (
        answer.status_code,
        problem["code"],
        answer.headers["www-authenticate"],
    )


def test_the_list_of_what_is_public_names_routes_that_exist():
    assert set() == PUBLIC - ALL
    assert len(ASKING) > 30


@pytest.mark.parametrize(("method", "path"), ASKING)
def test_a_route_refuses_who_has_no_token(door: Door, method, path):
    assert refuses(door.ask(method, path))


# As many at once as one address may ask with a wrong token.
@pytest.mark.parametrize("first", range(0, len(ASKING), WRONG_AT_ONCE))
def test_every_route_refuses_a_revoked_token(fresh_door: Door, first):
    asked = ASKING[first : first + WRONG_AT_ONCE]
    refused = {path: fresh_door.ask(method, path, fresh_door.revoked) for method, path in asked}
    assert [] == [path for path, answer in refused.items() if not refuses(answer)]


# The login form itself answers 401 to a form without a right token.
@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC - {("POST", "/desk/login")}))
def test_a_public_route_asks_for_no_token(door: Door, method, path):
    assert door.ask(method, path).status_code not in (401, 403)


def test_reading_with_a_right_token_is_not_limited(fresh_door: Door):
    for _ in range(5 * WRONG_AT_ONCE):
        assert 200 == fresh_door.ask("GET", "/v1/items", fresh_door.token).status_code


def test_wrong_tokens_are_limited_and_right_ones_beside_them_are_not(fresh_door: Door):
    wrong = [fresh_door.ask("GET", "/v1/items", f"guess {number}") for number in range(WRONG_AT_ONCE + 1)]
    assert [401] * WRONG_AT_ONCE + [429] == [answer.status_code for answer in wrong]
    problem = wrong[-1].json()
    assert "rate.limited" == problem["code"]
    assert int(wrong[-1].headers["retry-after"]) == problem["fields"]["retry_after_s"] > 0
    assert 200 == fresh_door.ask("GET", "/v1/items", fresh_door.token).status_code


def test_a_request_without_a_token_is_no_guess(fresh_door: Door):
    for _ in range(2 * WRONG_AT_ONCE):
        assert 401 == fresh_door.ask("GET", "/v1/items").status_code
    assert 401 == fresh_door.ask("GET", "/v1/items", "a first guess").status_code


def test_a_wrong_token_in_a_cookie_counts_as_one(fresh_door: Door):
    for _ in range(WRONG_AT_ONCE):
        assert 401 == fresh_door.ask("GET", "/v1/items", cookie="guess").status_code
    assert 429 == fresh_door.ask("GET", "/v1/items", "guess").status_code


def test_no_answer_repeats_the_token(fresh_door: Door):
    for path in ("/v1/items", "/v1/entries/0"):
        assert "secret-guess" not in fresh_door.ask("GET", path, "secret-guess").text
