"""What the OpenAPI document promises of answers, real answers keep; and every route says how it can fail."""

import copy
import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from chemtrace.core.statement import encode_wire
from chemtrace.entrypoints.api.app import create_app
from chemtrace.entrypoints.api.schemas import alerts, items, waybills
from chemtrace.flow import alert as flow_alert
from chemtrace.trace.state import Status as ItemStatus
from chemtrace.trace.waybill import WaybillStatus
from tests.api.life import JSON, NDJSON, NUMBER, Life, lines_of, live, living, note_of
from tests.seeded_ledger import CARRIER, DEALER, HOUR_US, MAKER, USER, now_us

DOCUMENT: dict[str, Any] = create_app(None).openapi()  # type: ignore[arg-type]  # no ledger is needed to describe it
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
SIGNED = {("POST", "/v1/events"), ("POST", "/v1/events/batch"), ("POST", "/v1/waybills")}
READING = {name for name, operation in OPERATIONS.items() if operation.get("security")}


def closed(schema: Any) -> Any:
    """The schema without room for members that it does not name: what is answered must all be described."""
    if isinstance(schema, dict):
        schema = {name: closed(value) for name, value in schema.items()}
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(value) for value in schema]
    return schema


STRICT = closed(copy.deepcopy(DOCUMENT["components"]))


def check(schema: dict[str, Any], value: Any) -> None:
    """Hold a value to a schema of the document, all its members described."""
    validator = Draft202012Validator({**schema, "components": STRICT})
    faults = [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(value)]
    assert [] == faults


def check_answer(method: str, template: str, answer: httpx.Response) -> None:
    """Hold an answer to what its route says of its status and media type."""
    promised = OPERATIONS[method, template]["responses"]
    assert str(answer.status_code) in promised, (method, template, answer.status_code)
    media_type = answer.headers["content-type"].partition(";")[0]
    content = promised[str(answer.status_code)]["content"]
    assert media_type in content
    if media_type in ("application/json", "application/problem+json"):
        check(content[media_type]["schema"], answer.json())


@pytest.fixture(scope="module")
def life(tmp_path_factory, module_database_url):
    with living(tmp_path_factory.mktemp("openapi") / "ledger", module_database_url) as life:
        live(life)
        authority = life.application.authority
        valid = (now_us() - HOUR_US, now_us() + HOUR_US)
        authority.grant_licence("L-1", enterprise=MAKER, type_="safety", scope=("005",), valid=valid)
        authority.register_device("P-1", enterprise=MAKER, kind="phone")
        spare = note_of(life, "WB-SPARE", "京C00001", ["d12"])
        life.tell("spare", life.seeded.hands.statement(MAKER, "waybill", "scheduled", spare), "/v1/waybills")
        life.application.ledger.publish(force=True)
        yield life


def paths_of(life: Life) -> dict[str, list[str]]:
    """Addresses to ask for each template, so that all that an answer can hold is in one of them."""
    codes = {name: life.codes[name] for name in ("d0", "d1", "d2", "d12", "d14", "d20", "pallet")}
    alert_ids = [alert["id"] for alert in life.get("/v1/alerts")["alerts"]]
    events = [statement.event_id.hex() for statement, _ in life.told.values()]
    size = life.application.ledger.size
    return {
        "/healthz": [""],
        "/readyz": [""],
        "/metrics": [""],
        "/log/checkpoint": [""],
        "/v1/log/checkpoint": [""],
        "/v1/items": ["", "?limit=2", f"?holder={DEALER}", f"?pending={USER}"],
        "/v1/items/{code}": list(codes.values()),
        "/v1/items/{code}/bundle": list(codes.values()),
        "/v1/subjects/{subject}/bundle": [codes["d0"], f"enterprise:{MAKER}"],
        "/v1/subjects/{subject}/status": [codes["d0"], f"{codes['d0']}?qr=png"],
        "/v1/subjects/{subject}/absence": [f"key:{'0' * 64}", "batch:NONE"],
        "/log/trust": [""],
        "/log/tile/{level}/{path}": [f"/log/tile/0/000.p/{size}"],
        "/log/tile/entries/{path}": [f"000.p/{size}"],
        "/log/registry": ["?first=0&count=3"],
        "/v1/items/{code}/history": list(codes.values()),
        "/v1/items/{code}/trace": [
            f"{code}?direction={way}" for code in codes.values() for way in ("up", "down")
        ],
        "/v1/events/{event_id}": events,
        "/v1/entries/{index}": [str(index) for index in range(size)],
        "/v1/enterprises": ["", "?limit=1"],
        "/v1/enterprises/{party}": [MAKER, DEALER, CARRIER],
        "/v1/enterprises/{party}/events": [MAKER, f"{DEALER}?limit=2"],
        "/v1/sites/{site}": ["S-MAKER"],
        "/v1/sites/{site}/stock": ["S-MAKER", "S-DEALER", "S-CARRIER"],
        "/v1/waybills": ["", "?limit=1"],
        "/v1/waybills/{number}": [NUMBER, "WB-SPARE"],
        "/v1/alerts": ["", "?limit=1"],
        "/v1/alerts/{alert_id}": alert_ids,
        "/v1/refusals": ["", "?limit=1"],
    }


def test_real_answers_are_as_the_document_says(life: Life):
    paths = paths_of(life)
    assert {path for method, path in OPERATIONS if method == "GET"} == set(paths)
    for template, endings in paths.items():
        for ending in endings:
            head, brace, tail = template.partition("{")
            rest = tail.partition("}")[2]
            value, _, query = ending.partition("?")
            path = f"{head}{value}{rest}?{query}" if brace else template + ending
            if "{" in rest:
                path = ending
            check_answer("GET", template, life.http.get(path))


def test_what_came_of_a_statement_is_as_the_document_says(life: Life):
    statement, _ = life.told["make"]
    for answer in (*(first for _, first in life.told.values()), *life.refused.values(), life.post(statement)):
        check_answer("POST", "/v1/events", answer)
    note, first = life.told["waybill"]
    for answer in (first, life.post(note, "/v1/waybills")):
        check_answer("POST", "/v1/waybills", answer)
    heads = life.http.post("/v1/heads", json={"subjects": [life.codes["d0"], "site:S-NOWHERE"]})
    check_answer("POST", "/v1/heads", heads)


@pytest.mark.parametrize("path", ["/v1/events/batch", "/v1/waybills"])
def test_lines_of_a_batch_are_as_the_document_says(life: Life, path):
    lines = b"\n".join([b"{", *(encode_wire(life.told[name][0]) for name in ("waybill", "make"))])
    answer = life.stranger.post(path, content=lines, headers=NDJSON)
    check_answer("POST", path, answer)
    for line in lines_of(answer):
        check({"$ref": "#/components/schemas/BatchLine"}, line)


def test_problems_are_as_the_document_says(life: Life):
    size = life.application.settings.batch_bytes + 1
    asked = [
        ("GET", "/v1/items", life.stranger.get("/v1/items"), 401),
        ("GET", "/v1/items", life.http.get("/v1/items?limit=x"), 422),
        ("GET", "/v1/items/{code}", life.http.get(f"/v1/items/{life.codes['d59']}"), 404),
        ("GET", "/v1/entries/{index}", life.http.get("/v1/entries/99999"), 404),
        ("POST", "/v1/events", life.stranger.post("/v1/events", content=b"{", headers=JSON), 422),
        (
            "POST",
            "/v1/events/batch",
            life.stranger.post("/v1/events/batch", content=bytes(size), headers=NDJSON),
            413,
        ),
        ("GET", "/healthz", life.http.get("/healthz?x=%00"), 422),
    ]
    for method, template, answer, status in asked:
        assert status == answer.status_code
        assert "application/problem+json" == answer.headers["content-type"]
        check_answer(method, template, answer)
        assert status == answer.json()["status"]


def test_a_statement_that_is_sent_is_as_the_document_says(life: Life):
    for statement, _ in life.told.values():
        check({"$ref": "#/components/schemas/Statement"}, json.loads(encode_wire(statement)))


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_a_route_describes_its_answers_and_names_its_problems(method, path):
    operation = OPERATIONS[method, path]
    statuses = set(operation["responses"])
    assert operation["summary"]
    assert operation["description"]
    assert "default" not in statuses
    assert "422" in statuses
    for status, answer in operation["responses"].items():
        assert answer["description"]
        if status == "304":
            assert "content" not in answer
            continue
        for media_type, content in answer["content"].items():
            assert {} != content["schema"], (status, media_type)
        # /readyz tells its state with 503; a form of its own, and no problem.
        if status >= "400" and (path, status) != ("/readyz", "503"):
            assert ["application/problem+json"] == list(answer["content"])


def test_routes_that_take_a_token_say_so():
    assert READING == {name for name in OPERATIONS if name[1].startswith("/v1")} - SIGNED - {
        ("GET", "/v1/log/checkpoint")
    } | {("GET", "/log/registry"), ("GET", "/log/tile/entries/{path}")}
    for name in READING:
        assert {"401", "429", "500", "503"} <= set(OPERATIONS[name]["responses"])


def test_routes_with_a_body_describe_it():
    for (method, _), operation in OPERATIONS.items():
        assert (method == "POST") == ("requestBody" in operation)


@pytest.mark.parametrize(
    ("documented", "known"),
    [
        (items.STATUSES, ItemStatus),
        (waybills.STATES, WaybillStatus),
        (alerts.STATUSES, flow_alert.Status),
    ],
    ids=["items", "waybills", "alerts"],
)
def test_the_states_documented_are_all_there_are(documented, known):
    assert set(documented) == set(known.__args__)


def test_every_form_in_the_document_is_used():
    text = json.dumps(DOCUMENT)
    # Lines of a batch have no place of their own in OpenAPI 3.1; the text of the answer names their form.
    unused = {name for name in DOCUMENT["components"]["schemas"] if f'schemas/{name}"' not in text}
    assert {"BatchLine"} == unused
