"""The life of a drum through HTTP alone: real server, real signatures, both databases."""

import json

import pytest

from chemtrace.core.base64url import decode_base64url
from chemtrace.core.statement import encode_wire
from scanners.client import LedgerClient, Pins
from tests.api.life import (
    DISPOSER,
    JSON,
    NDJSON,
    NUMBER,
    REGULATOR,
    TRUCK,
    Life,
    lines_of,
    live,
    living,
    note_of,
)
from tests.seeded_ledger import CARRIER, DEALER, ISSUER, MAKER, ORIGIN, SLOT, USER


@pytest.fixture(scope="module")
def life(tmp_path_factory, module_database_url):
    with living(tmp_path_factory.mktemp("life") / "ledger", module_database_url) as life:
        live(life)
        yield life


def test_a_drum_from_its_making_to_its_end(life: Life):
    assert life.history("d0") == [
        "produce/make", "pack/done", "unpack/done", "trade/sell", "transport/load", "transport/arrive", "trade/buy",
        "store/in", "trade/sell", "trade/buy", "use/consume", "use/consume", "dispose/hand_over", "dispose/done",
        "use/consume",
    ]  # fmt: skip
    drum = life.item("d0")
    assert ("closed", "0", "KGM") == (drum["status"], drum["quantity"], drum["unit"])
    assert ["item.closed"] == [finding["rule"] for finding in drum["findings"]]


def test_nothing_lawful_is_found_fault_with(life: Life):
    found = [
        (name, json.loads(decode_base64url(answer.json()["receipt"]))["findings"])
        for name, (_, answer) in life.told.items()
    ]
    assert [("revive", ["item.closed"])] == [(name, rules) for name, rules in found if rules]


def test_items_stand_where_they_were_left(life: Life):
    facts = {name: life.item(name) for name in ("d1", "d2", "d5", "d10", "d11", "d12", "d14")}
    states = {name: (item["status"], item["holder"], item["quantity"]) for name, item in facts.items()}
    assert states == {
        "d1": ("held", USER, "25"),  # the wrong draw was corrected
        "d2": ("held", DEALER, "25"),
        "d5": ("held", DEALER, "25"),  # lost and found
        "d10": ("spent", MAKER, "0"),
        "d11": ("spent", MAKER, "0"),
        "d12": ("held", MAKER, "12"),
        "d14": ("held", MAKER, "25"),
    }
    assert ("S-DEALER", "chlorine") == (facts["d2"]["site"], facts["d2"]["name_en"])


def test_a_duplicate_gets_the_first_receipt_byte_for_byte(life: Life):
    size = life.application.ledger.size
    for statement, first in life.told.values():
        again = life.post(statement)
        assert (200, first.content) == (again.status_code, again.content)
    assert size == life.application.ledger.size


def test_a_duplicate_is_one_whatever_its_signatures_are(life: Life):
    statement, first = life.told["dispose"]
    wire = json.loads(encode_wire(statement)) | {"signatures": ["A" * 86]}
    again = life.stranger.post("/v1/events", json=wire)
    assert (200, first.content) == (again.status_code, again.content)


def test_a_batch_is_answered_line_by_line_in_its_order(life: Life):
    good = life.event(MAKER, "produce/make", ("d25", "25"), site="S-MAKER")
    known, first = life.told["make"]
    refused = life.event(DEALER, "trade/sell", "d12", counterparty=USER)
    lines = [encode_wire(good), encode_wire(known), b"{", encode_wire(refused), encode_wire(good)]
    # Empty lines do not count.
    answer = life.stranger.post("/v1/events/batch", content=b"\n\n".join(lines) + b"\n", headers=NDJSON)
    assert (200, "application/x-ndjson") == (answer.status_code, answer.headers["content-type"])
    results = lines_of(answer)
    life.seeded.hands.follow(good)
    assert [(1, 201), (2, 200), (3, 422), (4, 409), (5, 200)] == [
        (line["line"], line["status"]) for line in results
    ]
    assert first.json().items() <= results[1].items()
    assert results[0]["receipt"] == results[4]["receipt"]
    assert "item.not-holder" == results[3]["problem"]["fields"]["rule_id"]


def test_heads_are_what_the_last_signer_left(life: Life):
    subjects = [life.codes["d1"], f"waybill:{NUMBER}", f"enterprise:{DISPOSER}", "site:S-NOWHERE"]
    heads = life.http.post("/v1/heads", json={"subjects": subjects}).json()["heads"]
    assert subjects == list(heads)
    for subject in subjects[:2]:
        assert life.seeded.hands.heads[subject] == heads[subject]["event"]
    assert (1, None) == (heads[subjects[2]]["count"], heads[subjects[3]])


def test_an_event_tells_what_was_signed_and_where_it_stands(life: Life):
    statement, answer = life.told["load"]
    event = life.get(f"/v1/events/{statement.event_id.hex()}")
    assert ("transport", "load", MAKER, DEALER) == tuple(
        event[name] for name in ("kind", "phase", "actor", "counterparty")
    )
    assert json.loads(statement.header_bytes) == event["header"]
    assert json.loads(statement.payload_bytes) == event["payload"]
    assert answer.json()["receipt"] == event["receipt"]
    assert event["log_time"] >= event["received"]


def test_matter_is_traced_up_and_down_through_repacking_transforming_and_packing(life: Life):
    def edges(name: str, direction: str) -> list[tuple[str, str, str, str | None]]:
        tree = life.get(f"/v1/items/{life.codes[name]}/trace", direction=direction)
        names = {code: name for name, code in life.codes.items()}
        return [
            (edge["relation"], names[edge["source"]], names[edge["target"]], edge["quantity"])
            for edge in tree["edges"]
        ]

    assert [("repack", "d10", "d13", "25")] == edges("d13", "up")
    assert {("repack", "d10", "d12", "25"), ("repack", "d10", "d13", "25")} == set(edges("d10", "down"))
    assert [("transform", "d11", "d14", "25")] == edges("d11", "down")
    assert ("pack", "d0", "pallet", None) in edges("d0", "down")
    assert [] == edges("d2", "up")


def test_stock_says_what_a_fire_brigade_asks(life: Life):
    stock = life.get("/v1/sites/S-DEALER/stock")
    assert DEALER == stock["site"]["record"]["enterprise"]
    [line] = stock["chemicals"]
    assert ("1017", "2.3", ["5.1", "8"]) == (line["un"], line["hazard_class"], line["subsidiary"])
    drums = {life.codes[name] for name in ("d2", "d3", "d4", "d5")}
    assert drums == {item["code"] for item in line["items"]}
    assert (4, "100", "KGM") == (line["pieces"], line["quantity"], line["unit"])


def test_a_waybill_tells_what_was_planned_loaded_and_received(life: Life):
    note = life.get(f"/v1/waybills/{NUMBER}")
    drums = {life.codes[f"d{number}"] for number in range(6)}
    assert ("arrived", CARRIER, TRUCK, []) == tuple(
        note[name] for name in ("state", "carrier", "vehicle", "aboard")
    )
    for stage in ("loaded", "arrived"):
        assert {(code, "25") for code in drums} == {(code, mass) for code, mass, _ in note[stage]}
    phases = [f"{event['kind']}/{event['phase']}" for event in note["events"]]
    assert ["waybill/scheduled", "transport/load", "waybill/in_transit", "transport/arrive"] == phases


def test_waybills_come_singly_and_in_batches(life: Life):
    def note(number: str):
        return life.seeded.hands.statement(
            MAKER, "waybill", "scheduled", note_of(life, number, f"京B{number[-1]}0001", ["d12"])
        )

    notes = [note(f"WB-BATCH-{number}") for number in range(3)]
    stray = life.event(MAKER, "inspect/done", "d12", result="pass")
    lines = b"\n".join(map(encode_wire, [*notes, stray]))
    results = lines_of(life.stranger.post("/v1/waybills", content=lines, headers=NDJSON))
    assert [201, 201, 201, 422] == [line["status"] for line in results]
    assert "payload.invalid" == results[3]["problem"]["code"]
    refused = life.stranger.post("/v1/waybills", content=encode_wire(stray), headers=JSON)
    assert (422, "payload.invalid") == (refused.status_code, refused.json()["code"])
    again = life.post(notes[0], "/v1/waybills")
    assert (200, results[0]["receipt"]) == (again.status_code, again.json()["receipt"])
    assert 3 == len(life.pages("/v1/waybills", "waybills", state="scheduled", limit=1))


def test_an_alert_shows_its_evidence_and_what_became_of_it(life: Life):
    alerts = {alert["detector"]: alert for alert in life.get("/v1/alerts")["alerts"]}
    assert {"C3": "confirmed", "C4": "dismissed"} == {name: alert["status"] for name, alert in alerts.items()}
    revived = life.get(f"/v1/alerts/{alerts['C3']['id']}")
    assert revived["explanation_zh"]
    assert revived["explanation_en"]
    assert ["acknowledged", "confirmed"] == [step["status"] for step in revived["steps"]]
    assert {REGULATOR} == {step["actor"] for step in revived["steps"]}
    indices = [piece["index"] for piece in revived["evidence"] if piece["index"] is not None]
    assert life.get(f"/v1/events/{life.told['revive'][0].event_id.hex()}")["index"] in indices
    for piece in revived["evidence"]:
        event = life.get(f"/v1/events/{piece['event_id']}")
        assert (piece["leaf"], piece["index"]) == (event["leaf"], event["index"])


def test_a_refused_statement_stands_as_evidence(life: Life):
    [second] = [
        piece for piece in life.get("/v1/alerts", detector="C4")["alerts"][0]["evidence"] if piece["refusal"]
    ]
    refusals = {row["id"]: row for row in life.pages("/v1/refusals", "refusals", limit=1)}
    kept = refusals[second["refusal"]]
    assert (DEALER, second["event_id"]) == (kept["enterprise"], kept["event_id"])
    sent = json.loads(decode_base64url(kept["statement"]))
    assert {"header", "payload", "signatures"} <= set(sent)


@pytest.mark.parametrize("who", [DEALER, CARRIER])
def test_an_enterprise_does_not_decide_on_an_alert(life: Life, who):
    [alert] = life.get("/v1/alerts", detector="C3")["alerts"]
    statement = life.seeded.hands.statement(who, "alert", "dismiss", {"alert": alert["id"]})
    answer = life.post(statement)
    assert (403, "key.role") == (answer.status_code, answer.json()["code"])


def test_a_reprint_and_a_void_are_in_the_history_of_the_label(life: Life):
    assert "report/reprint" == life.history("d2")[-1]
    assert ["report/void"] == life.history("d20")
    assert ("void", "held") == (life.item("d20")["status"], life.item("d2")["status"])


def test_a_voided_code_is_refused_on_produce(life: Life):
    problem = life.refused["make voided"].json()
    assert ("item.void", "item.void") == (problem["code"], problem["fields"]["rule_id"])
    assert life.codes["d20"] == problem["fields"]["item"]


def test_a_living_drum_is_not_voided_but_who_said_so_is_found(life: Life):
    life.say("void a living one", MAKER, "report/void", "d14")
    assert "held" == life.item("d14")["status"]
    assert ["item.already-produced"] == [finding["rule"] for finding in life.item("d14")["findings"]]


def test_the_sdk_verifies_receipt_proof_and_checkpoint(life: Life):
    keys = life.application.registry.books
    receipt_key = keys.newest_key("receipt")
    assert receipt_key is not None
    pins = Pins(ORIGIN, receipt_key.public_key, life.application.log_vkey)
    with LedgerClient(str(life.http.base_url), life.seeded.founded.token, pins=pins) as client:
        posted = client.post(life.event(MAKER, "inspect/done", "d13", result="pass"))
        life.application.ledger.publish(force=True)
        checkpoint = client.verify_posted(posted)
        assert life.application.ledger.size == checkpoint.size
        life.seeded.hands.heads[life.codes["d13"]] = posted.receipt.event


def test_the_checkpoint_is_public_and_the_same_under_both_addresses(life: Life):
    notes = [life.stranger.get(path) for path in ("/log/checkpoint", "/v1/log/checkpoint")]
    assert {200} == {answer.status_code for answer in notes}
    assert notes[0].content == notes[1].content
    assert [ORIGIN, notes[0].text.split("\n")[1]] == notes[0].text.split("\n")[:2]


def test_an_enterprise_shows_its_sites_keys_and_codes(life: Life):
    maker = life.get(f"/v1/enterprises/{MAKER}")
    assert ["S-MAKER"] == [site["id"] for site in maker["sites"]]
    assert [life.seeded.hands.keys[MAKER].kid.hex()] == [key["id"] for key in maker["keys"]]
    assert {"B-1", "B-LIFE", "B-PALLETS"} == {batch["id"] for batch in maker["batches"]}
    assert {SLOT} == {batch["record"]["slot"] for batch in maker["batches"]}
    assert ISSUER == maker["record"]["issuer"]
    assert life.get("/v1/sites/S-DISPOSER")["record"]["enterprise"] == DISPOSER
