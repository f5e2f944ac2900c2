"""How a vector of cosignatures, policies, proofs and requests to witnesses is run."""

from collections.abc import Callable
from typing import Any

from chemtrace.core.add_checkpoint import Held, check_add_checkpoint, parse_add_checkpoint
from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.cosignature import parse_witness_vkey, verify_cosignature
from chemtrace.core.note import encode_note, parse_signature_lines, parse_vkey
from chemtrace.core.policy import names_of, parse_policy, verify_cosigned
from chemtrace.core.tlog_proof import verify_tlog_proof


def _cosignature(given: dict[str, Any]) -> Any:
    (line,) = parse_signature_lines(given["line"].encode())
    return {"time_s": verify_cosignature(parse_witness_vkey(given["vkey"]), given["text"], line)}


def _policy(given: dict[str, Any]) -> Any:
    policy = parse_policy(bytes.fromhex(given["policy"]))
    return {"quorum": policy.describe(), "needed": sorted(policy.needed(given["names"]))}


def _cosigned(given: dict[str, Any]) -> Any:
    policy = parse_policy(given["policy"])
    found = verify_cosigned(given["note"].encode(), given["origin"], parse_vkey(given["vkey"]), policy)
    return {"size": found.checkpoint.size, "witnesses": sorted(names_of(policy, found.cosignatures))}


def _tlog_proof(given: dict[str, Any]) -> Any:
    checkpoint, index, _ = verify_tlog_proof(
        given["proof"].encode(),
        leaf_hash=bytes.fromhex(given["leaf"]),
        origin=given["origin"],
        log=parse_vkey(given["vkey"]),
        policy=parse_policy(given["policy"]),
    )
    return {"index": index, "size": checkpoint.size, "root": checkpoint.root.hex()}


def _add_checkpoint(given: dict[str, Any]) -> Any:
    """`held` is the note that the witness cosigned last, or null."""
    verifier, held = parse_vkey(given["vkey"]), None
    if given["held"] is not None:
        checkpoint, note = verify_checkpoint(given["held"].encode(), verifier.name, [verifier])
        held = Held(checkpoint, encode_note(note))
    after = check_add_checkpoint(parse_add_checkpoint(given["body"].encode()), [verifier], held)
    return {"size": after.checkpoint.size, "root": after.checkpoint.root.hex()}


WITNESS_OPERATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "cosignature": _cosignature,
    "policy": _policy,
    "cosigned": _cosigned,
    "tlog-proof": _tlog_proof,
    "add-checkpoint": _add_checkpoint,
}
