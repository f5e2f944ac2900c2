"""What became of a statement, as an HTTP answer or as one line of a batch's answer."""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

import orjson
from fastapi import Response

from chemtrace.core.base64url import encode_base64url
from chemtrace.entrypoints.api.problems import problem_of, problem_response
from chemtrace.entrypoints.api.waiting import APPLIED_HEADER
from chemtrace.ledger.outcome import Admitted, Outcome

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


def receipt_body(outcome: Admitted) -> dict[str, str]:
    """The receipt as it travels: its bytes, the signature over them and the receipt key's id."""
    return {
        "kid": outcome.kid.hex(),
        "receipt": encode_base64url(outcome.receipt_bytes),
        "signature": encode_base64url(outcome.signature),
    }


def response_of(outcome: Outcome) -> Response:
    """201 for a new entry, 200 for one that was there, else the problem."""
    if isinstance(outcome, Admitted):
        status = 200 if outcome.duplicate else 201
        return Response(orjson.dumps(receipt_body(outcome)), status, media_type="application/json")
    return problem_response(outcome.error)


def published_response(outcome: Outcome, note: str, wait_s: int) -> Response:
    """`response_of` with the checkpoint that covers the entry, which the sender has waited for."""
    if not isinstance(outcome, Admitted):
        return response_of(outcome)
    return Response(
        orjson.dumps({**receipt_body(outcome), "checkpoint": note}),
        200 if outcome.duplicate else 201,
        media_type="application/json",
        headers={APPLIED_HEADER: f"wait={wait_s}"},
    )


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=")


def line_of(number: int, outcome: Outcome) -> bytes:
    """One NDJSON line: `{line, status, receipt, signature, kid}` or `{line, status, problem}`."""
    if isinstance(outcome, Admitted):
        # Numbers, hex and base64url need no escaping: written out, they cost a third of what an encoder takes.
        return b'{"line":%d,"status":%d,"kid":"%b","receipt":"%b","signature":"%b"}\n' % (
            number,
            200 if outcome.duplicate else 201,
            outcome.kid.hex().encode(),
            _base64url(outcome.receipt_bytes),
            _base64url(outcome.signature),
        )
    problem = problem_of(outcome.error)
    body = {"line": number, "status": problem["status"], "problem": problem}
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
