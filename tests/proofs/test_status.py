"""Status and absence proofs of a real ledger: every form says the same, and none says more than it proves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chemtrace.core.bundle.absence import parse_absence, verify_absence
from chemtrace.core.bundle.verify import verify_status
from chemtrace.core.errors import ChemtraceError, MapProofError, ProofStaleError
from scanners.decode import scan_file
from tests.proofs.town import Town
from tests.seeded_ledger import MAKER


def test_text_compact_and_qr_form_of_a_status_proof_say_the_same(town: Town, tmp_path: Path) -> None:
    code, trust = town.make(), town.trust()
    town.tell(town.hands.statement(MAKER, "inspect", "done", {"items": [{"code": code}], "result": "pass"}))
    size = town.publish()
    text = verify_status(town.status(code).content, trust)
    compact = town.http.get(
        f"/v1/subjects/{code}/status", headers={"Accept": "application/vnd.chemtrace.status+cbor"}
    )
    assert compact.headers["content-type"] == "application/vnd.chemtrace.status+cbor"
    assert verify_status(compact.content, trust) == text
    picture = tmp_path / "status.png"
    picture.write_bytes(town.status(code, qr="png").content)
    (read,) = scan_file(picture).codes
    assert verify_status(read.text.encode(), trust) == text
    assert (text.count, text.size, text.authentic.value) == (2, size, "not_said")


def test_a_status_proof_counts_what_the_bundle_shows(town: Town) -> None:
    code = town.make()
    town.publish()
    for subject in (code, f"enterprise:{MAKER}", f"key:{town.hands.keys[MAKER].kid.hex()}", "batch:B-LIFE"):
        status, bundle = town.status_verdict(subject), town.verdict(subject)
        assert (status.count, status.last) == (bundle.count, bundle.last)


def absence(town: Town, subject: str) -> bytes:
    answer = town.http.get(f"/v1/subjects/{subject}/absence")
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize(
    "other", ["drum", "key:" + "7" * 64, "batch:NEVER", "device:D-NONE", "waybill:WB-NONE"]
)
def test_what_no_entry_names_is_proved_absent_until_one_does(town: Town, other: str) -> None:
    town.publish()
    subject = town.drum() if other == "drum" else other
    verdict = verify_absence(absence(town, subject), town.trust())
    assert (verdict.subject, verdict.size) == (subject, town.life.application.ledger.size)
    assert subject in verdict.zh
    assert "as the operator states" in verdict.en
    if other == "drum":
        old = absence(town, subject)
        town.tell(town.made(subject))
        town.publish()
        answer = town.http.get(f"/v1/subjects/{subject}/absence")
        assert (answer.status_code, answer.json()["code"]) == (409, "subject.known")
        trust = msgspec.structs.replace(town.trust(), max_age_s=60)
        assert verify_absence(old, trust).size < town.life.application.ledger.size
        with pytest.raises(ProofStaleError):
            verify_absence(old, trust, now_us=verify_absence(old, trust).as_of_us + 61_000_000)


def test_an_absence_proof_of_one_subject_is_none_of_another(town: Town) -> None:
    made = town.make()
    town.publish()
    document = json.loads(absence(town, "batch:NEVER"))
    for subject in (made, f"enterprise:{MAKER}"):
        with pytest.raises(MapProofError):
            verify_absence(canonical({**document, "subject": subject}), town.trust())


def test_every_change_of_an_absence_proof_is_refused(town: Town) -> None:
    town.publish()
    data, trust = absence(town, "batch:NEVER"), town.trust()
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(ChemtraceError):
            verify_absence(bytes(changed), trust)
    for other in (data + b" ", data[:-1], b"", b"[]", data.replace(b'"depth":', b'"depth": ', 1)):
        with pytest.raises(ChemtraceError):
            parse_absence(other)


def canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
