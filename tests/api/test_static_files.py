"""The log as static files through HTTP: what C2SP tlog-tiles asks, and nothing beyond the newest checkpoint."""

import json

import httpx
import pytest

from chemtrace.bootstrap import open_application
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.entry import is_epoch_header, leaf_hash, parse_entry
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.header import parse_header
from chemtrace.core.merkle import tree_root
from chemtrace.core.note import parse_note
from chemtrace.core.statement import encode_wire
from chemtrace.core.tiles import parse_bundle
from tests.seeded_ledger import MAKER, seed_ledger, serving


@pytest.fixture(scope="module")
def world(tmp_path_factory, module_database_url):
    seeded = seed_ledger(tmp_path_factory.mktemp("static") / "ledger", database_url=module_database_url)
    application = open_application(seeded.settings)
    for code in seeded.take_codes(300):
        statement = seeded.hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER")
        application.ledger.submit(encode_wire(statement))
    application.ledger.publish(force=True)
    unpublished = seeded.hands.items(
        MAKER, "produce", "make", (seeded.take_codes(1)[0], "25"), site="S-MAKER"
    )
    application.ledger.submit(encode_wire(unpublished))
    with serving(application) as url, httpx.Client(base_url=url) as client:
        client.headers["Authorization"] = f"Bearer {seeded.founded.token}"
        yield client
    application.close()


def newest(client):
    return parse_checkpoint(parse_note(client.get("/log/checkpoint").content).text)


def all_entries(client):
    size, entries = newest(client).size, []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        path = f"{number:03}" + ("" if width == 256 else f".p/{width}")
        entries += parse_bundle(client.get(f"/log/tile/entries/{path}").content)
    return entries


def test_entries_and_tiles_give_the_root_of_the_checkpoint(world):
    checkpoint = newest(world)
    leaves = [leaf_hash(entry) for entry in all_entries(world)]
    assert checkpoint.root == tree_root(leaves)
    full = world.get("/log/tile/0/000")
    assert full.content == b"".join(leaves[:256])
    assert world.get("/log/tile/1/000.p/1").content == tree_root(leaves[:256])


def test_files_never_change_and_say_so(world):
    assert "immutable" in world.get("/log/tile/0/000").headers["cache-control"]
    assert world.get("/log/tile/0/000").headers["cache-control"].startswith("public")
    assert world.get("/log/tile/entries/000").headers["cache-control"].startswith("private")
    assert world.get("/log/tile/0/000.p/7").content == world.get("/log/tile/0/000").content[: 7 * 32]


@pytest.mark.parametrize(
    "path",
    [
        "0/002", "1/000", "2/000.p/1", "0/x001/000", "0/0", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/x000/000",
        "0/001", "0/000.p", "0/000/", "0/-01", "entries/001", "entries/000.p/0",
    ],
)  # fmt: skip
def test_refuses_what_no_checkpoint_covers_and_other_spellings(world, path):
    answer = world.get(f"/log/tile/{path}")
    assert 404 == answer.status_code
    assert answer.json()["code"] in {"tile.path", "tile.not-found"}


@pytest.mark.parametrize("level", ["00", "64", "x"])
def test_refuses_a_level_that_is_none(world, level):
    assert 422 == world.get(f"/log/tile/{level}/000").status_code


def test_nothing_is_shown_beyond_the_checkpoint(world):
    edge = newest(world).size % 256
    assert 200 == world.get(f"/log/tile/0/001.p/{edge}").status_code
    assert 404 == world.get(f"/log/tile/0/001.p/{edge + 1}").status_code
    assert 404 == world.get(f"/log/tile/entries/001.p/{edge + 1}").status_code


def test_hashes_are_public_entries_and_registry_are_not(world):
    with httpx.Client(base_url=world.base_url) as stranger:
        assert 200 == stranger.get("/log/tile/0/000").status_code
        assert 401 == stranger.get("/log/tile/entries/000").status_code
        assert 401 == stranger.get("/log/registry?first=0").status_code


def test_registry_gives_all_payloads_of_the_authority_and_no_others(world):
    wanted = []
    for index, entry in enumerate(all_entries(world)):
        header_bytes = parse_entry(entry).header_bytes
        if not is_epoch_header(header_bytes) and parse_header(header_bytes).kind in AUTHORITY_KINDS:
            wanted.append((index, parse_header(header_bytes).payload.size))
    found = []
    for first in range(0, newest(world).size, 100):
        lines = world.get("/log/registry", params={"first": first, "count": 100}).text.splitlines()
        found += [(line["index"], len(decode_base64url(line["payload"]))) for line in map(json.loads, lines)]
    assert wanted == found


def test_an_answer_with_payloads_ends_early_and_says_where_to_go_on(world, monkeypatch):
    whole = world.get("/log/registry", params={"first": 0, "count": 1000}).content.splitlines()
    monkeypatch.setattr("chemtrace.ledger.static.registry_answer.__defaults__", (len(whole[0]) + 2,))
    found, first = [], 0
    while first is not None:
        answer = world.get(
            "/log/registry", params={"first": first, "count": 1000 - first}
        ).content.splitlines()
        *lines, last = answer
        first = json.loads(last).get("next")
        found += answer if first is None else lines
    assert len(whole) > 2
    assert whole == found
