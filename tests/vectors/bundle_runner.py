"""How a vector of a bundle or status proof is run: to `{"want": verdict in short}` or `{"error": code}`."""

from __future__ import annotations

from typing import Any

from chemtrace.core.bundle.trust import parse_trust
from chemtrace.core.bundle.verdict import Verdict
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.errors import ChemtraceError

VERIFIERS = {"bundle": verify_bundle, "status": verify_status}


def shown_bytes(given: dict[str, Any]) -> bytes:
    """The proof file of a case: its text as it stands, or bytes in hex."""
    return given["text"].encode("utf-8") if "text" in given else bytes.fromhex(given["bytes"])


def short(verdict: Verdict) -> dict[str, Any]:
    """What of a verdict every verifier must agree on."""
    return {
        "subject": verdict.subject,
        "size": verdict.size,
        "count": verdict.count,
        "last": verdict.last,
        "as_of_us": verdict.as_of_us,
        "authentic": verdict.authentic.value,
        "included": verdict.included.value,
        "complete": verdict.complete.value,
        "current": verdict.current.value,
        "not_checked": [gap.code for gap in verdict.not_checked],
    }


def run(case: dict[str, Any]) -> dict[str, Any]:
    """The result of a case; an error that is not of ours is not caught."""
    given = case["input"]
    try:
        trust = parse_trust(given["trust"].encode("utf-8"))
        if case["op"] == "trust":
            return {"want": {"mirrors": list(trust.mirrors), "origin": trust.origin}}
        return {"want": short(VERIFIERS[case["op"]](shown_bytes(given), trust, now_us=given.get("now_us")))}
    except ChemtraceError as error:
        return {"error": error.code}
