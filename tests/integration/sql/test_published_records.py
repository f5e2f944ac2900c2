"""Rule sets and anchors are records of the authority like all others: admitted, in order, and audited."""

from __future__ import annotations

from pathlib import Path

from chemtrace.bootstrap import maintenance, open_application
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted, Refused
from tests.seeded_ledger import AUTHORITY, MAKER, seed_ledger


def test_the_authority_publishes_rule_sets_and_anchors(tmp_path: Path) -> None:
    """Each joins the history of the authority's own record; an enterprise cannot publish either."""
    seeded = seed_ledger(tmp_path / "ledger", codes=10)
    app = open_application(seeded.settings)
    desk = app.authority
    by = desk.signing()
    common = {"at": format_utc(by.now_us), "nonce": by.nonce}
    records = {
        ("rules", "publish"): {**common, "digest": "ab" * 32, "valid_from": common["at"], "title": "2026 v1"},
        ("anchor", "timestamp"): {**common, "size": 6, "root": "cd" * 32, "service": "TSA", "token": "AAAA"},
    }
    try:
        for (kind, phase), payload in records.items():
            statement = build_statement(
                kind=kind,
                phase=phase,
                enterprise=AUTHORITY,
                signers=[by.key],
                iat=format_utc(by.now_us),
                subjects=[(f"enterprise:{AUTHORITY}", desk.head(f"enterprise:{AUTHORITY}"))],
                payload=payload,
            )
            assert isinstance(app.ledger.submit(encode_wire(statement)), Admitted)
            forged = build_statement(
                kind=kind,
                phase=phase,
                enterprise=MAKER,
                signers=[seeded.hands.keys[MAKER]],
                iat=format_utc(by.now_us),
                subjects=[(f"enterprise:{MAKER}", desk.head(f"enterprise:{MAKER}"))],
                payload=payload,
            )
            assert isinstance(app.ledger.submit(encode_wire(forged)), Refused)
        app.ledger.publish(force=True)
        settings = app.settings
        report = maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir)
        assert report.faults == ()
    finally:
        app.close()
