"""`chemtrace keys`: make keys where they are used, register and end them in the log; reading tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemtrace.entrypoints.cli import tokens
from chemtrace.entrypoints.cli.desk import opened_desk, replace_service_key
from chemtrace.entrypoints.cli.door import opened_door
from chemtrace.entrypoints.cli.key_export import export_key
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import write_file, writing_to
from chemtrace.entrypoints.cli.output import print_json, print_note, print_table, print_text
from chemtrace.entrypoints.cli.passphrase import Passphrase, load_passphrase

if TYPE_CHECKING:
    from chemtrace.core.keys import KeyRequest
    from chemtrace.entrypoints.cli.door import Answer
    from chemtrace.registry.records import KeyRecord
    from chemtrace.registry.state import Registry

Enterprise = Annotated[str, typer.Option(help="credit code of the enterprise / 企业统一社会信用代码")]
Role = Annotated[str, typer.Option(help="enterprise or device / 企业密钥或设备密钥")]
Kid = Annotated[str, typer.Argument(help="key id, 64 hex digits / 密钥标识")]
HOUR_US = 3_600_000_000
MAX_GRACE_H = 72


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="signing keys and reading tokens / 密钥与令牌", no_args_is_help=True)
    group.command("new")(new)
    group.command("request")(request)
    group.command("register")(register_key)
    group.command("retire")(retire)
    group.command("compromised")(compromised)
    group.command("list")(list_keys)
    group.command("export")(export_key)
    group.add_typer(tokens.create_group(), name="token")
    app.add_typer(group, name="keys")


def new(
    enterprise: Enterprise,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="new file for the private key / 私钥文件")
    ],
    role: Role = "enterprise",
    algorithm: Annotated[str, typer.Option(help="ed25519, p256 or sm2 / 签名算法")] = "ed25519",
    request_file: Annotated[
        Path | None, typer.Option("--request", metavar="FILE", help="the request; default: FILE.request.json")
    ] = None,
    passphrase_file: Passphrase = None,
    as_json: AsJSON = False,
) -> None:
    """Make a private key (it stays here, mode 0600) and the request to register it / 生成密钥."""
    from chemtrace.bootstrap import store_private_key
    from chemtrace.core.keys import generate_key, make_key_request

    key = generate_key(algorithm)
    body = make_key_request(key, enterprise, role)
    target = request_file or out.with_suffix(".request.json")
    with writing_to(out, folder_mode=0o700):
        store_private_key(out.absolute(), key, load_passphrase(passphrase_file))
    write_file(target, body)
    if as_json:
        print_json({"kid": key.kid.hex(), "algorithm": algorithm, "key": str(out), "request": str(target)})
        return
    print_text(f"kid: {key.kid.hex()}")
    print_text(f"私钥 private key: {out} (0600，切勿外传 never give it away)")
    print_text(f"登记申请 request: {target} (交主管机关 give this to the authority)")


def request(
    key_file: Annotated[Path, typer.Argument(help="private key file / 私钥文件")],
    enterprise: Enterprise,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="file for the request / 申请文件")],
    role: Role = "enterprise",
    passphrase_file: Passphrase = None,
    as_json: AsJSON = False,
) -> None:
    """Write the request to register a key that is already here / 生成登记申请."""
    from chemtrace.bootstrap import load_private_key
    from chemtrace.core.keys import make_key_request

    key = load_private_key(key_file, load_passphrase(passphrase_file))
    write_file(out, make_key_request(key, enterprise, role))
    if as_json:
        print_json({"kid": key.kid.hex(), "algorithm": key.public.alg, "request": str(out)})
    else:
        print_text(f"登记申请 request: {out}, kid {key.kid.hex()}")


def register_key(
    file: Annotated[Path, typer.Argument(help="request file / 申请文件", exists=True, dir_okay=False)],
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="may speak for ext:NAMESPACE:… (importers); repeat / 代报命名空间"),
    ] = None,
    replaces: Annotated[str | None, typer.Option(help="kid of the key it replaces / 所替换的密钥")] = None,
    recovery: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="sign with the recovery key: to replace the authority's or itself / 恢复密钥"
        ),
    ] = None,
    passphrase_file: Passphrase = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Register the key of a request; its sender has proved to hold it / 登记密钥."""
    from chemtrace.registry import office

    body = file.read_bytes()
    asked = _asked(file, body)
    facts: dict[str, Any] = {"request": body, "namespaces": tuple(namespace or ())}
    if recovery is None:
        with opened_desk(data) as desk:
            _require_new(desk.registry, asked.public_key.kid.hex())
            former = None if replaces is None else desk.authority.head(f"key:{replaces}")
            answer = desk.file(office.register_key, **facts, replaces=replaces, replaces_prev=former)
    else:
        with opened_door(data) as door:
            answer = replace_service_key(
                door, asked.role, recovery, load_passphrase(passphrase_file), replaces, facts
            )
    kid = asked.public_key.kid.hex()
    _print_filed(answer, {"kid": kid, "party": asked.enterprise, "role": asked.role}, as_json=as_json)


def _asked(file: Path, body: bytes) -> KeyRequest:
    """What a request file asks for; a private key in its place is named, for it must not travel."""
    from chemtrace.core.errors import FormError, KeyRequestError
    from chemtrace.core.keys import verify_key_request

    if b"PRIVATE KEY-----" in body[:200]:
        raise KeyRequestError(
            f"{file} is a private key, not a request: never give it away; if it has left the machine that uses it, make"
            f" a new one. The request stands beside it, {file.with_suffix('.request.json').name}"
            " / 这是私钥而不是登记申请，切勿外传",
            file=str(file),
        )
    try:
        return verify_key_request(body)
    except FormError as error:
        raise type(error)(f"{file}: {error.message}", **error.fields) from error


def _require_new(registry: Registry, kid: str) -> None:
    from chemtrace.core.errors import KeyTakenError

    known = registry.key(kid)
    if known is not None:
        raise KeyTakenError(
            "this key is registered already / 该密钥已登记", kid=kid, owner=known.party, role=known.role
        )


def retire(
    kid: Kid,
    grace_hours: Annotated[
        int,
        typer.Option(min=0, max=MAX_GRACE_H, help="hours in which earlier signatures still count / 宽限小时"),
    ] = MAX_GRACE_H,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """End a key in order: what it signed before now is taken for some hours more / 停用密钥."""
    _end(kid, "retire", grace_hours * HOUR_US, data, as_json=as_json)


def compromised(kid: Kid, data: Data = None, as_json: AsJSON = False) -> None:
    """End a key at once: somebody else may have it / 密钥泄露，立即失效."""
    _end(kid, "compromised", None, data, as_json=as_json)


def list_keys(
    party: Annotated[str | None, typer.Option(help="credit code / 企业")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """List the registered keys and how they stand / 密钥列表."""
    with opened(data) as application:
        books = application.registry.books
        rows = [
            _row(record, books.silent_since(record))
            for record in books.keys.values()
            if party in (None, record.party)
        ]
    rows.sort(key=lambda row: int(str(row["from_index"])))
    if as_json:
        print_json({"keys": rows})
        return
    columns = ("kid", "party", "role", "algorithm", "state", "from_index")
    print_table("keys / 密钥", columns, [tuple(row[name] for name in columns) for row in rows])


def _end(kid: str, phase: str, grace_us: int | None, data: Path | None, *, as_json: bool) -> None:
    from chemtrace.core.errors import KeyUnknownError
    from chemtrace.registry import office

    with opened_desk(data) as desk:
        record = desk.registry.key(kid)
        if record is None:
            raise KeyUnknownError("no such key is registered", kid=kid)
        answer = desk.file(
            office.end_key, subject=f"key:{kid}", record=record, phase=phase, grace_us=grace_us
        )
    _print_filed(answer, {"kid": kid, "state": phase}, as_json=as_json)


def _print_filed(answer: Answer, facts: dict[str, str], *, as_json: bool) -> None:
    receipt = answer.require()
    if as_json:
        print_json({**facts, **answer.as_json()})
        return
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    print_text(f"已记录 recorded as entry {receipt.index}: {told}")
    for finding in receipt.findings:
        print_note(f"  finding: {finding}")


def _row(record: KeyRecord, silent_since: int | None) -> dict[str, object]:
    from chemtrace.core.times import format_utc

    state = "valid"
    if record.revoked_index is not None:
        state = f"compromised at entry {record.revoked_index}"
    elif silent_since is not None:
        state = f"device revoked at entry {silent_since}"
    elif record.grace_end_us is not None:
        state = f"retired, grace until {format_utc(record.grace_end_us)}"
    elif record.retired_at_us is not None:
        state = "retired"
    return {
        "kid": record.kid,
        "party": record.party,
        "role": record.role,
        "algorithm": record.algorithm,
        "namespaces": list(record.namespaces),
        "state": state,
        "from_index": record.from_index,
    }
