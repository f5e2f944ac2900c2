"""How a test vector of the core is run: by its `op`, to `{"want": ...}` or `{"error": code}`."""

from collections.abc import Callable
from typing import Any

from chemtrace.core.algorithms import verify
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.chain import CHAIN_START, fold_chain
from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.entry import encode_entry, leaf_hash, parse_entry
from chemtrace.core.epoch import epoch_entry, parse_epoch
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.keys import parse_spki, verify_key_request
from chemtrace.core.merkle import (
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from chemtrace.core.note import parse_vkey
from chemtrace.core.receipt import verify_signed_receipt
from chemtrace.core.statement import (
    check_openings,
    check_payload_digest,
    parse_payload_object,
    parse_wire,
    verify_signatures,
)
from tests.vectors.map_runner import MAP_OPERATIONS
from tests.vectors.witness_runner import WITNESS_OPERATIONS


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


def _canonical(given: dict[str, Any]) -> Any:
    return parse_canonical(_bytes(given["bytes"]), 1_000_000)


def _statement(given: dict[str, Any]) -> Any:
    statement = parse_wire(given["wire"].encode())
    check_payload_digest(statement)
    check_openings(statement, parse_payload_object(statement))
    keys = {parse_spki(_bytes(spki)).kid.hex(): parse_spki(_bytes(spki)) for spki in given["spki"]}
    verify_signatures(statement, keys)
    kids = [_bytes(kid) for kid in statement.header.signers]
    entry = encode_entry(statement.header_bytes, tuple(zip(kids, statement.signatures, strict=True)))
    return {
        "event_id": statement.event_id.hex(),
        "signed": statement.signed_bytes.hex(),
        "leaf": leaf_hash(entry).hex(),
    }


def _entry(given: dict[str, Any]) -> Any:
    entry = parse_entry(_bytes(given["bytes"]))
    return {
        "header": entry.header_bytes.hex(),
        "signatures": [[kid.hex(), signature.hex()] for kid, signature in entry.signatures],
        "leaf": leaf_hash(_bytes(given["bytes"])).hex(),
    }


def _key(given: dict[str, Any]) -> Any:
    key = parse_spki(_bytes(given["spki"]))
    return {"alg": key.alg, "kid": key.kid.hex()}


def _signature(given: dict[str, Any]) -> Any:
    key = parse_spki(_bytes(given["spki"]), given.get("sm2_id", ""))
    verify(key, _bytes(given["message"]), _bytes(given["signature"]))
    return True


def _key_request(given: dict[str, Any]) -> Any:
    request = verify_key_request(given["request"].encode())
    return {"enterprise": request.enterprise, "role": request.role, "kid": request.public_key.kid.hex()}


def _inclusion(given: dict[str, Any]) -> Any:
    verify_inclusion(
        leaf_hash=_bytes(given["leaf"]),
        index=given["index"],
        size=given["size"],
        path=[_bytes(text) for text in given["path"]],
        root=_bytes(given["root"]),
    )
    return True


def _consistency(given: dict[str, Any]) -> Any:
    verify_consistency(
        old_size=given["old_size"],
        new_size=given["new_size"],
        old_root=_bytes(given["old_root"]),
        new_root=_bytes(given["new_root"]),
        path=[_bytes(text) for text in given["path"]],
    )
    return True


def _chain(given: dict[str, Any]) -> Any:
    return fold_chain(CHAIN_START, [_bytes(text) for text in given["leaves"]]).hex()


def _root(given: dict[str, Any]) -> Any:
    return tree_root([_bytes(text) for text in given["leaves"]]).hex()


def _epoch(given: dict[str, Any]) -> Any:
    record = parse_epoch(given["header"].encode())
    entry = epoch_entry(record)
    return {"number": record.number, "entry": entry.hex(), "leaf": leaf_hash(entry).hex()}


def _checkpoint(given: dict[str, Any]) -> Any:
    checkpoint, _ = verify_checkpoint(given["note"].encode(), given["origin"], [parse_vkey(given["vkey"])])
    return {"size": checkpoint.size, "root": checkpoint.root.hex()}


def _receipt(given: dict[str, Any]) -> Any:
    receipt = verify_signed_receipt(given["receipt"].encode(), parse_spki(_bytes(given["spki"])))
    return {"event": receipt.event, "index": receipt.index, "leaf": receipt.leaf}


OPERATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "canonical": _canonical,
    "statement": _statement,
    "entry": _entry,
    "key": _key,
    "signature": _signature,
    "key-request": _key_request,
    "inclusion": _inclusion,
    "consistency": _consistency,
    "chain": _chain,
    "root": _root,
    "epoch": _epoch,
    "checkpoint": _checkpoint,
    "receipt": _receipt,
    **MAP_OPERATIONS,
    **WITNESS_OPERATIONS,
}


def run(case: dict[str, Any]) -> dict[str, Any]:
    """Run one case: `{"want": ...}` or `{"error": code}`."""
    try:
        return {"want": OPERATIONS[case["op"]](case["input"])}
    except ChemtraceError as error:
        return {"error": error.code}
