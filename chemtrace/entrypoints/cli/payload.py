"""A payload from a JSON file and from options: `--item CODE=25KGM --set site=S-1`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from chemtrace.core.errors import PayloadError

Item = Annotated[
    list[str] | None,
    typer.Option("--item", metavar="CODE[=25KGM]", help="an item, with its quantity; repeat / 物品与数量"),
]
Input = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="CODE=25KGM", help="what goes in (repack, transform); repeat / 投入物"),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="a field: text, or JSON for numbers and objects; repeat / 字段"
    ),
]

_AMOUNT: Final = re.compile(r"([0-9.]+)\s*([A-Z0-9]{3})")
_JSON_START: Final = ("{", "[", '"')


def build_payload(
    body: bytes | None, items: Sequence[str], inputs: Sequence[str], fields: Sequence[str]
) -> dict[str, Any]:
    """The members of a payload: those of the file, then lines of items and inputs, then single fields over them.

    Raises:
        PayloadError: not a JSON object, or an option of the wrong form.
        CodeFormatError, CodeVersionError, CodeCheckError: not a code; forgiving as scanners are.
    """
    payload = {} if body is None else _parse_object(body)
    for name, lines in (("items", items), ("inputs", inputs)):
        if lines:
            payload[name] = [*payload.get(name, ()), *map(parse_line, lines)]
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals or not name:
            raise PayloadError("a field is given as NAME=VALUE", found=field[:80])
        payload[name] = _parse_value(name, value)
    return payload


def parse_line(text: str) -> dict[str, Any]:
    """`CODE` or `CODE=25KGM` as the payload's item line; the code may be typed as it is printed."""
    from chemtrace.core.codes import parse_code

    code, equals, amount = (
        text.rpartition("=") if _AMOUNT.fullmatch(text.rpartition("=")[2]) else (text, "", "")
    )
    line: dict[str, Any] = {"code": parse_code(code).text}
    if equals:
        found = _AMOUNT.fullmatch(amount)
        if found is None:
            raise PayloadError("a quantity is a number and a unit code, like 25KGM", found=amount[:40])
        line["quantity"] = {"value": found[1], "unit": found[2]}
    return line


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise PayloadError(f"the payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PayloadError("the payload is a JSON object", found=type(value).__name__)
    return value


def _parse_value(name: str, value: str) -> Any:
    """Text, unless it begins like a JSON object, list or string, or is a whole number behind a colon (`:5`)."""
    if value.startswith(":"):
        value = value[1:]
    elif not value.startswith(_JSON_START):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise PayloadError(f"{name} begins like JSON but is none: {error}", field=name) from error
