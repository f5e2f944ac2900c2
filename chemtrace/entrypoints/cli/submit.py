"""`chemtrace submit`: build, sign and hand in an event, or hand in statements that are signed already."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemtrace.entrypoints.cli.door import URL, Answer, Door, Token, opened_door
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON, Data
from chemtrace.entrypoints.cli.outfile import writing_to
from chemtrace.entrypoints.cli.output import (
    print_json,
    print_line,
    print_note,
    print_text,
    progress_bar,
    spoken,
)
from chemtrace.entrypoints.cli.passphrase import Passphrase, load_passphrase
from chemtrace.entrypoints.cli.payload import Input, Item, Set, build_payload

if TYPE_CHECKING:
    from chemtrace.core.keys import PrivateKey
    from chemtrace.core.statement import Statement

STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit")(submit)


def submit(
    statements: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="signed statements, one a line; - for standard input / 已签声明"
        ),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="kind of the event: produce, trade, … / 事件类别")] = None,
    phase: Annotated[str | None, typer.Option(help="its phase: make, sell, … / 阶段")] = None,
    payload: Annotated[
        str | None, typer.Option(metavar="FILE", help="JSON payload; - for standard input / 事件内容")
    ] = None,
    item: Item = None,
    input_: Input = None,
    set_: Set = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="private key that signs; repeat for more / 签名私钥"),
    ] = None,
    passphrase_file: Passphrase = None,
    enterprise: Annotated[
        str | None, typer.Option(help="who signs; default: whose key it is / 签名企业")
    ] = None,
    stance: Annotated[
        str, typer.Option(help="normal, or exception for what has happened against a rule")
    ] = "normal",
    subject: Annotated[
        list[str] | None,
        typer.Option(help="subjects of a correction or erasure; else from the payload / 主体"),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="append the signed statement here instead of sending it"),
    ] = None,
    url: URL = None,
    token: Token = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Sign an event upon the current heads and hand it in, or hand in a file of signed statements / 提交事件."""
    built = kind is not None or phase is not None
    if built == (statements is not None):
        raise typer.BadParameter("give --kind and --phase to build an event, or a FILE of signed statements")
    with opened_door(data, url, token) as door:
        if statements is not None:
            _submit_ready(door, _load(statements), as_json=as_json)
            return
        if kind is None or phase is None or not key:
            raise typer.BadParameter("an event needs --kind, --phase and --key")
        loaded = None if payload is None else _load(payload)
        statement = _sign(
            door,
            kind=kind,
            phase=phase,
            payload=build_payload(loaded, item or (), input_ or (), set_ or (), file=payload),
            keys=_load_keys(door, key, load_passphrase(passphrase_file)),
            enterprise=enterprise,
            stance=stance,
            subjects=subject,
        )
        _hand_in(door, statement, save, as_json=as_json)


def _hand_in(door: Door, statement: Statement, save: Path | None, *, as_json: bool) -> None:
    from chemtrace.core.errors import ServerUnavailableError
    from chemtrace.core.statement import encode_wire

    wire = encode_wire(statement)
    if save is not None:
        with writing_to(save), save.open("ab") as file:
            file.write(wire + b"\n")
        facts = {"event": statement.event_id.hex(), "saved": str(save)}
        print_json(facts) if as_json else print_text(f"已保存 saved event {facts['event']} in {save}")
        return
    try:
        answer = door.submit([wire])[0]
    except ServerUnavailableError:
        if not as_json:
            print_note(
                "这份报文没有保存，再次运行会另成一份 · this statement was not kept, and the command run again makes"
                " another: --save FILE keeps it, submit FILE sends the very same as often as it takes"
            )
        raise
    receipt = answer.require()
    if as_json:
        print_json(answer.as_json())
        return
    word = "已有 was there already" if answer.duplicate else "已入账 admitted"
    print_text(f"{word}: entry {receipt.index}, event {receipt.event}")
    for finding in receipt.findings:
        print_note(f"  疑点 finding: {finding}")
    if receipt.late:
        print_note("  迟到 late: an older event of this item, kept in the order of arrival")


def _submit_ready(door: Door, body: bytes, *, as_json: bool) -> None:
    """Hand in signed statements; one result a line, in their order, and exit code 3 if any is refused."""
    wires = [line for line in body.split(b"\n") if line.strip()]
    refused = known = 0
    with progress_bar("提交 submitting", shown=not as_json) as progress:
        for start in range(0, len(wires), 1000):
            answers = door.submit(wires[start : start + 1000])
            refused += sum(answer.error is not None for answer in answers)
            known += sum(answer.duplicate for answer in answers)
            _print_lines(answers, start + 1, as_json=as_json)
            progress(start + len(answers), len(wires))
    if not as_json:
        new = len(wires) - refused - known
        print_text(f"新入账 {new} new, 已在账 {known} known, 拒收 {refused} refused, 共 {len(wires)} in all")
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def _print_lines(answers: Sequence[Answer], first: int, *, as_json: bool) -> None:
    for number, answer in enumerate(answers, start=first):
        if as_json:
            print_line({"line": number, **answer.as_json()})
        elif answer.error is not None:
            said = spoken(answer.error)
            print_note(f"  line {number}: {said['detail']} [{said['code']}]")


def _sign(
    door: Door,
    *,
    kind: str,
    phase: str,
    payload: Mapping[str, Any],
    keys: Sequence[PrivateKey],
    enterprise: str | None,
    stance: str,
    subjects: list[str] | None,
) -> Statement:
    from scanners.events import build_event, complete_payload, subjects_of

    whole = complete_payload(payload)
    named = subjects or list(subjects_of(kind, phase, whole))
    if kind in {"correct", "erase"} and not subjects:
        named = _subjects_of_event(door, str(whole.get("event", "")))
    return build_event(
        kind=kind,
        phase=phase,
        enterprise=enterprise or _party_of(door, keys[0]),
        signers=keys,
        payload=whole,
        prevs=door.heads(named),
        subjects=named,
        stance=stance,
    )


def _subjects_of_event(door: Door, event: str) -> list[str]:
    """The subjects of the event that a correction names, from the ledger; by address alone they must be given."""
    from chemtrace.core.errors import EventNotFoundError

    if door.application is None:
        raise typer.BadParameter("give the subjects of the event that is meant", param_hint="--subject")
    try:
        event_id = bytes.fromhex(event)
    except ValueError as error:
        raise EventNotFoundError("an event id is 64 hex digits", event=event[:80]) from error
    header: Any = door.application.reads.event(event_id).header
    return [str(subject["id"]) for subject in header["subjects"]]


def _party_of(door: Door, key: PrivateKey) -> str:
    from chemtrace.core.errors import KeyUnknownError

    if door.application is None:
        raise typer.BadParameter(
            "name who signs: with --url nobody here can look up whose key it is", param_hint="--enterprise"
        )
    record = door.application.registry.key(key.kid.hex())
    if record is None:
        raise KeyUnknownError(
            "this key is not registered here: `chemtrace keys register` its request", kid=key.kid
        )
    return record.party


def _load_keys(door: Door, paths: Sequence[Path], passphrase: str | None) -> list[PrivateKey]:
    """The private keys; an SM2 key signs with the user id that its record in the log names."""
    from chemtrace.bootstrap import load_private_key

    keys = []
    for path in paths:
        key = load_private_key(path, passphrase)
        record = None if door.application is None else door.application.registry.key(key.kid.hex())
        if record is not None and record.public_key.sm2_id != key.public.sm2_id:
            key = load_private_key(path, passphrase, record.public_key.sm2_id)
        keys.append(key)
    return keys


def _load(name: str) -> bytes:
    """A file's bytes, or what comes in on standard input."""
    from chemtrace.core.errors import PayloadError

    if name == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise PayloadError(f"{name} cannot be read: {error.strerror}", file=name) from error
