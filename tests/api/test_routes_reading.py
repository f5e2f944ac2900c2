"""Lists, filters and pages through HTTP while the log grows; what may be kept by the reader; health."""

import gzip
import json

import httpx
import pytest

from chemtrace.bootstrap import open_application
from tests.api.life import DISPOSER, NUMBER, REGULATOR, TRUCK, Life, fresh_drums, live, living
from tests.seeded_ledger import AUTHORITY, CARRIER, DEALER, MAKER, SLOT, USER, serving


@pytest.fixture(scope="module")
def life(tmp_path_factory, module_database_url):
    with living(tmp_path_factory.mktemp("reading") / "ledger", module_database_url) as life:
        live(life)
        life.say("offer", DEALER, "trade/sell", "d4", counterparty=CARRIER)
        life.say("hand to a stranger", CARRIER, "use/consume", ("d1", "1"), site="S-CARRIER")
        yield life


def names_of(life: Life, **query: str) -> set[str]:
    """The drums that a filter lets through, by name."""
    names = {code: name for name, code in life.codes.items()}
    return {names[item["code"]] for item in life.pages("/v1/items", "items", limit=4, **query)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"holder": USER}, {"d1"}),
        ({"holder": MAKER}, {"pallet", "d10", "d11", "d12", "d13", "d14"}),
        ({"site": "S-DEALER"}, {"d2", "d3", "d4", "d5"}),
        ({"holder": DEALER, "site": "S-MAKER"}, set()),
        ({"state": "spent"}, {"d10", "d11"}),
        ({"state": "void"}, {"d20"}),
        ({"state": "closed"}, {"d0"}),
        ({"pending": USER}, {"d3"}),
        ({"pending": CARRIER}, {"d4"}),
        ({"chemical": "001"}, set()),
        ({"holder": "' OR 1=1 --"}, set()),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_items_are_filtered(life: Life, query, expected):
    assert expected == names_of(life, **query)


def test_items_of_a_chemical_are_all_there_are(life: Life):
    everything = names_of(life)
    assert everything == names_of(life, chemical=SLOT)
    assert {"pallet", "d0", "d5", "d14", "d20"} <= everything


def test_what_is_on_the_way_is_pending_at_its_consignee(life: Life):
    drum = next(fresh_drums(life))
    life.tell("make to send", drum)
    life.say("sell to send", MAKER, "trade/sell", "d30", counterparty=DEALER)
    assert names_of(life, pending=DEALER) == {"d30"}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 1),
        ({"state": "arrived"}, 1),
        ({"state": "void"}, 0),
        ({"carrier": CARRIER}, 1),
        ({"vehicle": TRUCK}, 1),
        ({"vehicle": "京Z99999"}, 0),
        ({"party": DEALER}, 1),
        ({"party": USER}, 0),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "",
)
def test_waybills_are_filtered(life: Life, query, count):
    assert [NUMBER] * count == [note["number"] for note in life.pages("/v1/waybills", "waybills", **query)]


@pytest.mark.parametrize(
    ("query", "detectors"),
    [
        ({"status": "confirmed"}, ["C3"]),
        ({"status": "open"}, []),
        ({"detector": "C4"}, ["C4"]),
        ({"severity": 4}, []),
        ({"chemical": SLOT, "enterprise": DEALER}, ["C3", "C4"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_alerts_are_filtered(life: Life, query, detectors):
    rows = life.pages("/v1/alerts", "alerts", limit=1, **query)
    assert detectors == sorted(alert["detector"] for alert in rows)


def test_refusals_are_filtered(life: Life):
    rows = life.pages("/v1/refusals", "refusals", limit=1)
    assert [DEALER, MAKER] == [row["enterprise"] for row in rows]
    assert rows[:1] == life.pages("/v1/refusals", "refusals", enterprise=DEALER)
    assert rows[1:] == life.pages("/v1/refusals", "refusals", code="item.void")
    assert [] == life.pages("/v1/refusals", "refusals", code="no.such")


def test_every_item_comes_exactly_once_while_the_log_grows(life: Life):
    before = {item["code"] for item in life.pages("/v1/items", "items", limit=500)}
    drums = (number for number in range(31, 45))

    def grow():
        number = next(drums, None)
        if number is not None:
            life.say(f"grow {number}", MAKER, "produce/make", (f"d{number}", "25"), site="S-MAKER")

    codes = [item["code"] for item in life.pages("/v1/items", "items", between=grow, limit=2)]
    assert codes == sorted(set(codes))
    assert before <= set(codes)
    assert len(before) < len(life.get("/v1/items", limit=500)["items"])


def test_every_event_of_a_party_comes_exactly_once_while_the_log_grows(life: Life):
    path = f"/v1/enterprises/{MAKER}/events"
    before = [event["index"] for event in life.pages(path, "events", limit=500)]
    drums = (number for number in range(45, 60))

    def grow():
        number = next(drums, None)
        if number is not None:
            life.say(f"grow {number}", MAKER, "produce/make", (f"d{number}", "25"), site="S-MAKER")

    events = life.pages(path, "events", between=grow, limit=3)
    indices = [event["index"] for event in events]
    assert indices == sorted(set(indices))
    # Oldest first: what came meanwhile follows what was there.
    assert before == indices[: len(before)]
    assert len(indices) > len(before)
    assert all(MAKER in (event["actor"], event["counterparty"]) for event in events)


def test_enterprises_come_in_the_order_of_their_codes(life: Life):
    rows = [row["id"] for row in life.pages("/v1/enterprises", "enterprises", limit=1)]
    assert rows == sorted(set(rows))
    assert {AUTHORITY, MAKER, DEALER, USER, CARRIER, DISPOSER, REGULATOR} <= set(rows)


def test_an_event_is_not_sent_again_to_who_has_it(life: Life):
    path = f"/v1/events/{life.told['make'][0].event_id.hex()}"
    first = life.http.get(path)
    tag = first.headers["etag"]
    for offered in (tag, tag.removeprefix("W/"), f'"another", {tag}', "*"):
        again = life.http.get(path, headers={"If-None-Match": offered})
        assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    other = life.http.get(path, headers={"If-None-Match": '"another"'})
    assert (200, first.content) == (other.status_code, other.content)
    assert "private, no-cache" == first.headers["cache-control"]


def test_a_proof_is_sent_again_once_the_checkpoint_has_grown(life: Life):
    life.application.ledger.publish(force=True)
    first = life.http.get("/v1/entries/3")
    offer = {"If-None-Match": first.headers["etag"]}
    assert 304 == life.http.get("/v1/entries/3", headers=offer).status_code
    life.application.ledger.publish(force=True)
    again = life.http.get("/v1/entries/3", headers=offer)
    assert 200 == again.status_code
    assert first.json()["entry"] == again.json()["entry"]
    assert first.headers["etag"] != again.headers["etag"]


def test_a_tag_opens_nothing_to_who_has_no_token(life: Life):
    path = f"/v1/events/{life.told['make'][0].event_id.hex()}"
    offer = {"If-None-Match": life.http.get(path).headers["etag"]}
    assert 401 == life.stranger.get(path, headers=offer).status_code


def test_long_answers_travel_compressed_to_who_takes_that(life: Life):
    path = f"/v1/items/{life.codes['d0']}/history"
    with life.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert "gzip" == answer.headers["content-encoding"]
        assert "Accept-Encoding" in answer.headers["vary"]
        packed = b"".join(answer.iter_raw())
    plain = life.http.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(packed)
    assert len(packed) < len(plain.content)


def test_a_monitor_sees_life_readiness_and_counts(life: Life):
    assert {"status": "ok"} == life.stranger.get("/healthz").json()
    ready = life.stranger.get("/readyz")
    assert (200, True, life.application.ledger.size) == (
        ready.status_code,
        ready.json()["writable"],
        ready.json()["size"],
    )
    metrics = life.stranger.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert f"chemtrace_log_entries {float(life.application.ledger.size)}" in metrics.text
    assert 'route="/v1/items/{code}"' in metrics.text


def test_no_code_or_seal_becomes_a_name_in_the_counts(life: Life):
    life.item("d0")
    assert life.codes["d0"] not in life.stranger.get("/metrics").text


def test_a_server_that_only_reads_is_alive_but_not_ready(life: Life):
    reader = open_application(life.seeded.settings, read_only=True)
    token = {"Authorization": f"Bearer {life.seeded.founded.token}"}
    try:
        with serving(reader) as url, httpx.Client(base_url=url, timeout=30, headers=token) as http:
            assert [200, 503] == [http.get(path).status_code for path in ("/healthz", "/readyz")]
            assert life.item("d1") == http.get(f"/v1/items/{life.codes['d1']}").json()
            refused = http.post("/v1/events", json={"header": "", "payload": "", "signatures": [""]})
            assert 503 == refused.status_code
            assert refused.headers["retry-after"]
            assert "application/problem+json" == refused.headers["content-type"]
    finally:
        reader.close()
