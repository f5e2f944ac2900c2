"""Whatever is wrong with what comes in: a problem with its own code, and nothing in the log has changed.

Through a real server on the loopback. A refusal that is validly signed is kept once as evidence, and nothing else is.
"""

from typing import NamedTuple

import httpx
import pytest

import tests.api.bad_deeds  # registers its cases
import tests.api.bad_forms  # noqa: F401  # registers its cases
from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import Application, open_application
from tests.api.bad_case import CASES, NDJSON, Case, World, encode_wire
from tests.api.bad_world import fill_world, picture
from tests.seeded_ledger import MAKER, seed_ledger, serving

EVIDENCE = "refusal"


class Door(NamedTuple):
    """The world, the wired application behind the server, and a client of the server."""

    world: World
    application: Application
    http: httpx.Client

    database: Database

    def refusals(self) -> int:
        with self.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM refusal").scalar_one())

    def facts(self) -> dict[str, object]:
        """Size, checkpoint and the digest of every table but the kept refusals."""
        tables = dict(picture(self.database))
        del tables[EVIDENCE]
        return {
            "size": self.application.ledger.size,
            "checkpoint": self.application.ledger.checkpoint(),
            **tables,
        }


@pytest.fixture(scope="module")
def door(tmp_path_factory, module_database_url):
    seeded = seed_ledger(tmp_path_factory.mktemp("bad") / "ledger", database_url=module_database_url)
    database = Database(module_database_url)
    application = open_application(seeded.settings)
    world = fill_world(seeded, application)
    token = {"Authorization": f"Bearer {seeded.founded.token}"}
    with serving(application) as url, httpx.Client(base_url=url, timeout=30, headers=token) as http:
        yield Door(world, application, http, database)
    application.close()
    database.close()


def problem_in(answer: httpx.Response, path: str) -> dict:
    """The problem of a single answer, or of a batch's only line."""
    if path.endswith("/batch") and answer.status_code == 200:
        return answer.json()["problem"]
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
    return answer.json()


def code_of(problem: dict) -> str:
    """The rule's id where a rule refuses, else the problem's own code."""
    return problem["fields"].get("rule_id", problem["code"])


def is_one_line(case: Case) -> bool:
    """Whether the case can stand as a line among others."""
    of_the_body = case.name in ("empty_body", "gzip_bomb") or case.code.startswith("request.")
    return case.path == "/v1/events" and not of_the_body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_named_and_changes_nothing(door, case: Case):
    before, kept = door.facts(), door.refusals()
    body = case.make(door.world)
    answer = door.http.post(case.path, content=body, headers={"Content-Type": case.media_type})
    problem = problem_in(answer, case.path)
    assert case.code == code_of(problem), problem
    assert 400 <= problem["status"] < 500
    assert {"type", "title", "status", "code", "detail", "fields"} <= set(problem)
    if case.status is not None:
        assert case.status == answer.status_code
    assert before == door.facts()
    assert kept + case.kept == door.refusals()


@pytest.mark.parametrize("case", [case for case in CASES if is_one_line(case)], ids=lambda case: case.name)
def test_a_bad_line_of_a_batch_is_named_alike_and_leaves_its_neighbours_alone(door, case: Case):
    body = case.make(door.world)
    good = door.world.hands.items(
        MAKER, "inspect", "done", (door.world.codes["witness"], None), result="pass"
    )
    before = door.application.ledger.size
    lines = b"\n".join([body, encode_wire(good), body])
    answer = door.http.post("/v1/events/batch", content=lines, headers={"Content-Type": NDJSON})
    first, middle, last = [httpx.Response(200, content=line).json() for line in answer.content.splitlines()]
    door.world.hands.follow(good)
    assert [case.code] * 2 == [code_of(first["problem"]), code_of(last["problem"])]
    assert 201 == middle["status"]
    assert before + 1 == door.application.ledger.size


def test_there_are_many_kinds_of_bad_input():
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
