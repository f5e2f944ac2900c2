"""Whatever is asked within the OpenAPI document's terms, or just outside of them: a documented answer, and no 5xx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chemtrace.adapters.sql.engine import Database
from chemtrace.core.statement import encode_wire
from chemtrace.entrypoints.api.app import create_app
from tests.api.bad_world import picture
from tests.api.life import NUMBER, live, living
from tests.seeded_ledger import DEALER, MAKER

EXAMPLES = 12
"""Requests a route and database: `make test` has a minute for all of them; HYPOTHESIS_PROFILE does not raise it."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

SCHEMA: Any = schemathesis.openapi.from_dict(create_app(None).openapi())  # type: ignore[arg-type]  # no ledger needed
SCHEMA.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


class Door(NamedTuple):
    """A server over a small ledger, and ids that exist in it, by the name of their path parameter."""

    url: str
    token: str
    known: dict[str, list[str]]
    wire: bytes
    database: Database
    before: Mapping[str, str]


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: object) -> bytes:
    """The body of a batch is text already."""
    return str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def door(tmp_path_factory, module_database_url):
    database = Database(module_database_url)
    with living(tmp_path_factory.mktemp("fuzz") / "ledger", module_database_url) as life:
        live(life)
        known = {
            "code": [life.codes[name] for name in ("d0", "d1", "d10", "pallet", "d20", "d59")],
            "event_id": [statement.event_id.hex() for statement, _ in life.told.values()],
            "alert_id": [alert["id"] for alert in life.get("/v1/alerts")["alerts"]],
            "party": [MAKER, DEALER],
            "site": ["S-MAKER", "S-DEALER"],
            "number": [NUMBER],
            "index": [str(index) for index in range(life.application.ledger.size)],
        }
        wire = encode_wire(life.told["make"][0])
        token = life.seeded.founded.token
        yield Door(str(life.http.base_url), token, known, wire, database, picture(database))
    database.close()


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_a_documented_one(case, door: Door):
    case.call_and_validate(
        base_url=door.url, headers={"Authorization": f"Bearer {door.token}"}, checks=CHECKS
    )


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_about_what_exists_is_a_documented_one(case, door: Door):
    """The same with ids that are in the ledger, so that what is behind the look-up is reached."""
    for name in case.path_parameters or {}:
        choices = door.known.get(name)
        if choices:
            case.path_parameters[name] = choices[crc32(repr(case.query).encode()) % len(choices)]
    case.call_and_validate(
        base_url=door.url, headers={"Authorization": f"Bearer {door.token}"}, checks=CHECKS
    )


@pytest.mark.parametrize("path", ["/v1/events", "/v1/waybills", "/v1/events/batch"])
@given(data=st.data())
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_statement_gets_a_documented_answer(data, door: Door, path: str):
    """A real one with one byte changed, taken out or put in."""
    at = data.draw(st.integers(0, len(door.wire) - 1))
    cut = data.draw(st.integers(0, 1))
    put = data.draw(st.binary(max_size=1))
    body = door.wire[:at] + put + door.wire[at + cut :]
    media_type = "application/x-ndjson" if path.endswith("batch") else "application/json"
    answer = httpx.post(door.url + path, content=body, headers={"Content-Type": media_type})
    assert str(answer.status_code) in SCHEMA.raw_schema["paths"][path]["post"]["responses"]
    # Nothing new: either it is the statement that is there already, or it is refused.
    assert 201 != answer.status_code < 500


def test_nothing_that_was_asked_at_random_has_changed_the_ledger(door: Door):
    assert door.before == picture(door.database)
