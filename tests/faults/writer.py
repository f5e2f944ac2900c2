"""A process that writes into a ledger as fast as it can and says what was acknowledged; made to be killed.

Usage: python -m tests.faults.writer DATA_DIR
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from chemtrace.bootstrap import open_application
from chemtrace.config import Settings
from chemtrace.core.key_files import parse_private_pem
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted

BATCH = 20


def main(data_dir: Path) -> None:
    """Send inspections of one drum, in batches, publish after each, and print every acknowledged (index, event)."""
    application = open_application(Settings(data_dir=data_dir))
    key = parse_private_pem((data_dir / "maker.pem").read_bytes())
    code, enterprise = (data_dir / "maker.txt").read_text().split()
    while True:
        wires = []
        for _ in range(BATCH):
            now = format_utc(application.clock.now_us())
            payload = {
                "at": now,
                "nonce": secrets.token_hex(16),
                "items": [{"code": code}],
                "result": "pass",
            }
            statement = build_statement(
                kind="inspect",
                phase="done",
                enterprise=enterprise,
                signers=[key],
                iat=now,
                subjects=[(code, None)],
                payload=payload,
            )
            wires.append(encode_wire(statement))
        outcomes = application.ledger.submit_many(wires)
        lines = []
        for outcome in outcomes:
            if not isinstance(outcome, Admitted):
                raise outcome.error
            lines.append(f"{outcome.index} {outcome.receipt_bytes.hex()}\n")
        # One write: what reached the pipe was acknowledged.
        os.write(1, "".join(lines).encode())
        application.ledger.publish()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
