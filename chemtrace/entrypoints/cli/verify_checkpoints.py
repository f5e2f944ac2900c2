"""`chemtrace verify checkpoint`: who has signed a checkpoint, and whether several are of one history; offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text
from chemtrace.entrypoints.cli.verify_proofs import TrustFile

if TYPE_CHECKING:
    from chemtrace.core.gossip import Seen
    from chemtrace.core.policy import Policy


def verify_checkpoint(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            help="checkpoints that people have kept / 各方留存的检查点",
        ),
    ],
    trust: TrustFile,
    as_json: AsJSON = False,
) -> None:
    """Verify checkpoints under a pinned trust file, with no network, and compare them / 离线核验并比对检查点.

    Two roots of one size are evidence against the log; too few witnesses under any of them ends with an error.
    """
    from chemtrace.core.bundle.trust import parse_trust_file
    from chemtrace.core.gossip import check_one_history, read_checkpoint
    from chemtrace.core.policy import parse_policy

    pinned = parse_trust_file(trust.read_bytes(), str(trust))
    policy = None if pinned.policy is None else parse_policy(pinned.policy)
    seen = [read_checkpoint(file.read_bytes(), pinned.origin, pinned.log_verifier, policy) for file in files]
    check_one_history(seen)
    if policy is not None:
        for one in seen:
            policy.needed(one.witnesses)
    if as_json:
        print_json({"checkpoints": [_row(file, one) for file, one in zip(files, seen, strict=True)]})
        return
    for file, one in zip(files, seen, strict=True):
        print_text(
            f"{file.name}: 核验通过 verified: {counted(one.checkpoint.size, 'entry')}, root {one.checkpoint.root.hex()}"
        )
        for line in _witness_lines(one, policy):
            print_text(f"  {line}")
    if policy is None:
        print_note(
            "信任文件未指定见证方 the trust file names no witness: that there is one log is the operator's word"
        )


def _witness_lines(seen: Seen, policy: Policy | None) -> list[str]:
    from chemtrace.core.times import format_utc

    found = []
    for one in seen.cosignatures:
        witness = None if policy is None else policy.find(one.verifier.name, one.verifier.key_hash)
        name = one.verifier.name if witness is None else witness.name
        found.append(f"见证 cosigned by {name} at {format_utc(one.time_s * 1_000_000)}")
    return found


def _row(file: Path, seen: Seen) -> dict[str, object]:
    from chemtrace.core.times import format_utc

    return {
        "file": str(file),
        "origin": seen.checkpoint.origin,
        "size": seen.checkpoint.size,
        "root": seen.checkpoint.root.hex(),
        "witnesses": [
            {"key": one.verifier.name, "time": format_utc(one.time_s * 1_000_000)}
            for one in seen.cosignatures
        ],
    }
