"""A payload from a JSON file and from options: `--item CODE=25KGM --set site=S-1`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from chemtrace.core.errors import PayloadError, RefusedError

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
    body: bytes | None,
    items: Sequence[str],
    inputs: Sequence[str],
    fields: Sequence[str],
    *,
    file: str | None = None,
) -> dict[str, Any]:
    """The members of a payload: those of the file, then lines of items and inputs, then single fields over them.

    Raises:
        PayloadError: not a JSON object, or an option of the wrong form.
        CodeFormatError, CodeVersionError, CodeCheckError: not a code; forgiving as scanners are.
    """
    payload = {} if body is None else _parse_object(body, file or "the payload")
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
    """`CODE` or `CODE=25KGM` as the payload's item line; the code may be typed as it is printed, all of it full-width.

    Raises:
        PayloadError: what stands behind the code is no quantity. Otherwise as `parse_code`.
    """
    from chemtrace.core.codes import parse_code

    head, equals, amount = unicodedata.normalize("NFKC", text).rpartition("=")
    found = _AMOUNT.fullmatch(amount.strip())
    if equals and found is not None:
        return {"code": parse_code(head).text, "quantity": {"value": found[1], "unit": found[2]}}
    try:
        return {"code": parse_code(text).text}
    except RefusedError:
        if not equals:
            raise
        parse_code(head)
        raise PayloadError(
            "a quantity is a number and a unit code in capitals, like 25KGM: KGM kilogram, GRM gram, LTR litre, H87"
            " pieces / 数量写作数字加大写单位代码，如 25KGM",
            found=amount[:40],
            expected="25KGM",
        ) from None


def _parse_object(body: bytes, file: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise PayloadError(f"{file} is not JSON: {error}", file=file) from error
    if not isinstance(value, dict):
        raise PayloadError(f"{file} is to be a JSON object", file=file, found=type(value).__name__)
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
