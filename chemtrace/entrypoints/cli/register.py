"""`chemtrace register`: enterprises and sites, one by one or from a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.desk import Desk, opened_desk
from chemtrace.entrypoints.cli.door import Answer
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON, Data
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text, progress_bar
from chemtrace.entrypoints.cli.rows import load_rows, parse_degrees, require_column

Phase = Annotated[str, typer.Option(help="register, update or close / 登记、变更、注销")]
CSVFile = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="one row each, columns named like the options / 批量"),
]
Row = Mapping[str, str]
File = Callable[[Desk, Row], Answer]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="enterprises and their sites / 登记企业与场所", no_args_is_help=True)
    group.command("enterprise")(register_enterprise)
    group.command("site")(register_site)
    app.add_typer(group, name="register")


def register_enterprise(
    code: Annotated[str | None, typer.Argument(help="credit code / 统一社会信用代码")] = None,
    name_zh: Annotated[str, typer.Option(help="name in Chinese / 中文名称")] = "",
    name_en: Annotated[str, typer.Option(help="name in English / 英文名称")] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(help="producer, trader, warehouse, carrier, user, disposer, importer; repeat / 角色"),
    ] = None,
    issuer: Annotated[
        str, typer.Option(help="its number in trace codes (4 signs), or 'new' for a free one / 发码编号")
    ] = "",
    district: Annotated[str, typer.Option(help="district / 区")] = "",
    phase: Phase = "register",
    csv: CSVFile = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Register an enterprise, or one for each row of a CSV file (roles apart by spaces) / 登记企业."""
    row = {
        "code": code or "",
        "name_zh": name_zh,
        "name_en": name_en,
        "roles": " ".join(role or ()),
        "issuer": issuer,
        "district": district,
    }
    _file_rows(csv, row, lambda desk, one: _file_enterprise(desk, one, phase), data, as_json=as_json)


def register_site(
    site: Annotated[str | None, typer.Argument(help="id of the site, upper case / 场所编号")] = None,
    enterprise: Annotated[str, typer.Option(help="credit code of its enterprise / 所属企业")] = "",
    name_zh: Annotated[str, typer.Option(help="name in Chinese / 中文名称")] = "",
    name_en: Annotated[str, typer.Option(help="name in English / 英文名称")] = "",
    lat: Annotated[str, typer.Option(help="latitude, WGS-84, at most 6 decimals / 纬度")] = "",
    lon: Annotated[str, typer.Option(help="longitude / 经度")] = "",
    district: Annotated[str, typer.Option(help="district / 区")] = "",
    address: Annotated[str, typer.Option(help="address / 地址")] = "",
    phase: Phase = "register",
    csv: CSVFile = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Register a site of an enterprise, or one for each row of a CSV file / 登记场所."""
    row = {
        "site": site or "",
        "enterprise": enterprise,
        "name_zh": name_zh,
        "name_en": name_en,
        "lat": lat,
        "lon": lon,
        "district": district,
        "address": address,
    }
    _file_rows(csv, row, lambda desk, one: _file_site(desk, one, phase), data, as_json=as_json)


def _file_enterprise(desk: Desk, row: Row, phase: str) -> Answer:
    from chemtrace.registry import office

    code = require_column(row, "code")
    roles = tuple(require_column(row, "roles").split())
    _check_roles(roles)
    issuer = row.get("issuer", "")
    return desk.file(
        office.register_enterprise,
        subject=f"enterprise:{code}",
        enterprise=code,
        name_zh=require_column(row, "name_zh"),
        name_en=require_column(row, "name_en"),
        roles=roles,
        issuer=_free_issuer(desk, code) if issuer == "new" else issuer or None,
        district=row.get("district") or None,
        phase=phase,
    )


def _check_roles(roles: tuple[str, ...]) -> None:
    from typing import get_args

    from chemtrace.core.errors import PayloadError
    from chemtrace.core.events.authority import Role

    unknown = [role for role in roles if role not in get_args(Role)]
    if unknown:
        raise PayloadError(
            f"{unknown[0]!r} is no role of an enterprise: {', '.join(get_args(Role))} / 没有此角色",
            field="roles",
            found=unknown,
            expected=list(get_args(Role)),
        )


def _file_site(desk: Desk, row: Row, phase: str) -> Answer:
    from chemtrace.registry import office

    site = require_column(row, "site")
    return desk.file(
        office.register_site,
        subject=f"site:{site}",
        site=site,
        enterprise=require_column(row, "enterprise"),
        name_zh=require_column(row, "name_zh"),
        name_en=require_column(row, "name_en"),
        place=(parse_degrees("lat", row.get("lat", "")), parse_degrees("lon", row.get("lon", ""))),
        district=row.get("district") or None,
        address=row.get("address") or None,
        phase=phase,
    )


def _free_issuer(desk: Desk, code: str) -> str:
    """An issuer number that is nobody's: drawn from the credit code, so that asking twice gives the same."""
    from hashlib import sha256

    from chemtrace.core.check_sign import ALPHABET, RADIX

    taken = desk.registry.books.issuers
    number = int.from_bytes(sha256(code.encode()).digest()[:8], "big")
    while True:
        signs, rest = "", number
        for _ in range(4):
            rest, sign = divmod(rest, RADIX)
            signs += ALPHABET[sign]
        if taken.get(signs, code) == code:
            return signs
        number += 1


def _file_rows(csv: Path | None, row: Row, file: File, data: Path | None, *, as_json: bool) -> None:
    """File one row, raising what refuses it; or all rows of a file, with one result each and a sum."""
    if csv is None:
        with opened_desk(data) as desk:
            answer = file(desk, row)
            receipt = answer.require()
        if as_json:
            print_json(answer.as_json())
        else:
            print_text(f"已登记 registered: entry {receipt.index}, event {receipt.event}")
        return
    rows = load_rows(csv)
    results: list[dict[str, Any]] = []
    with opened_desk(data) as desk, progress_bar("登记 registering", shown=not as_json) as progress:
        for number, one in enumerate(rows, start=2):
            results.append({"line": number, **_filed(desk, one, file)})
            progress(len(results), len(rows))
    refused = [result for result in results if not result["admitted"]]
    if as_json:
        print_json({"rows": len(rows), "admitted": len(rows) - len(refused), "results": results})
    else:
        for result in refused:
            problem = result["problem"]
            print_note(f"  line {result['line']}: {problem['detail']} [{problem['code']}]")
        print_text(f"已登记 registered {len(rows) - len(refused)} of {len(rows)} rows")
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def _filed(desk: Desk, row: Row, file: File) -> dict[str, Any]:
    """The result of one row; a row of the wrong form does not keep the others out."""
    from chemtrace.core.errors import RefusedError

    try:
        return file(desk, row).as_json()
    except RefusedError as error:
        return {"admitted": False, "problem": error.problem()}
