"""Settings: read once, frozen, every limit with its unit and bounds. No secret has a default; secrets live in files.

Each setting is an environment variable with the prefix `CHEMTRACE_`, documented in docs/reference/settings.md.
A setting that cannot be taken ends in `SettingError`, which names the variable, what it holds and what is wanted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chemtrace.core.codes import is_label_host
from chemtrace.core.errors import SettingError

PREFIX: Final = "CHEMTRACE_"
OTHER_VARIABLES: Final = (f"{PREFIX}TOKEN",)
"""Variables with our prefix that are no settings: the command line reads them itself."""
DATABASE_FILE: Final = "ledger.db"

_SECRET: Final = frozenset({"database_url"})
"""Settings that may hold a password: what they hold is never shown."""
_SHOWN: Final = 80
"""Signs of a wrong value that an error shows."""
_HOST: Final = re.compile(r"\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
"""What a Host header can be compared with: a name without port, all names below one, or any."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file; what would end or change a path inside a URL is escaped (RFC 3986 section 2.1)."""
    return f"sqlite:///{quote(os.fsencode(path))}"


def variable_of(setting: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{setting}".upper()


def unknown_variables(names: Iterable[str]) -> tuple[tuple[str, str | None], ...]:
    """Names with our prefix that nothing reads, in their order, each with the known one that it is most like."""
    known = {*map(variable_of, Settings.model_fields), *OTHER_VARIABLES}
    endings = sorted(name.removeprefix(PREFIX) for name in known)
    found: list[tuple[str, str | None]] = []
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            nearest = get_close_matches(name.upper().removeprefix(PREFIX), endings, n=1)
            found.append((name, PREFIX + nearest[0] if nearest else None))
    return tuple(found)


class Settings(BaseSettings):
    """All there is to set.

    Raises:
        SettingError: a value is of the wrong kind or outside its bounds, or two do not fit together.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Path("chemtrace-data")
    database_url: Annotated[str, Field(description="sqlite:///FILE or postgresql://USER@HOST/NAME")] = ""
    label_host: Annotated[str | None, Field(description="a host name, with an optional port")] = None
    catalogue: Path | None = None

    bind: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    allowed_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="host names without port, separated by commas, or a JSON list of them"),
    ] = ()

    publish_interval_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    max_publish_delay_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    heartbeat_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    policy: Path | None = None
    witness_mode: Literal["open", "required"] = "open"
    mirrors: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="names of witnesses, separated by commas, or a JSON list of them"),
    ] = ()
    proof_max_age_s: Annotated[int, Field(ge=1, le=316_224_000)] | None = None

    group_size: Annotated[int, Field(ge=1, le=10_000)] = 4000
    group_window_ms: Annotated[float, Field(ge=0, le=100)] = 0.0
    check_processes: Annotated[int, Field(ge=0, le=256)] = 0

    batch_lines: Annotated[int, Field(ge=1, le=10_000)] = 1000
    batch_bytes: Annotated[int, Field(ge=1024, le=256 * 1024 * 1024)] = 8 * 1024 * 1024
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("data_dir")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:  # nobody of that name: a folder is called so, as to a shell
            return value.absolute()

    @field_validator("label_host")
    @classmethod
    def _host_of_labels(cls, value: str | None) -> str | None:
        """Labels are printed once: what cannot stand in their address is told before."""
        if value is not None and not is_label_host(value):
            message = "no host for labels"
            raise ValueError(message)
        return value

    @field_validator("database_url")
    @classmethod
    def _know_the_database(cls, value: str) -> str:
        if value.startswith("postgresql://"):
            value = value.replace("postgresql://", "postgresql+psycopg://", 1)
        if value.startswith("postgresql+psycopg://"):
            _check_server(value)
        elif value and not value.startswith("sqlite:///"):
            message = "no database of ours"
            raise ValueError(message)
        return value

    @field_validator("allowed_hosts", "mirrors", mode="before")
    @classmethod
    def _read_list(cls, value: object) -> object:
        """A text is names separated by commas, or a JSON list."""
        if not isinstance(value, str):
            return value
        text = value.strip()
        if text.startswith("["):
            try:
                return json.loads(text)
            except RecursionError as error:
                message = "too deep"
                raise ValueError(message) from error
        return [name.strip() for name in text.split(",")]

    @field_validator("allowed_hosts", "mirrors")
    @classmethod
    def _no_empty_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value):
            message = "an empty name"
            raise ValueError(message)
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _names_of_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A name that no Host header can equal would shut everybody out."""
        names = tuple(name.lower() for name in value)
        if not all(map(_HOST.fullmatch, names)):
            message = "no name of a host"
            raise ValueError(message)
        return names

    @model_validator(mode="before")
    @classmethod
    def _no_empty_texts(cls, values: object) -> object:
        """An empty environment variable means not set."""
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value != ""}
        return values

    @model_validator(mode="after")
    def _keep_promises(self) -> Settings:
        if self.max_publish_delay_s < self.publish_interval_s:
            raise SettingError(
                f"{variable_of('max_publish_delay_s')} is {self.max_publish_delay_s}: it is promised in receipts and"
                f" cannot be shorter than {variable_of('publish_interval_s')}, which is {self.publish_interval_s:g}",
                setting="max_publish_delay_s",
                found=self.max_publish_delay_s,
                publish_interval_s=self.publish_interval_s,
            )
        return self

    @model_validator(mode="after")
    def _require_whom(self) -> Settings:
        if self.witness_mode == "required" and self.policy is None:
            raise SettingError(
                f"{variable_of('witness_mode')} is 'required', but no policy says which witnesses: name its file in"
                f" {variable_of('policy')}",
                setting="policy",
            )
        return self

    @model_validator(mode="after")
    def _place_the_database(self) -> Settings:
        if not self.database_url:
            object.__setattr__(self, "database_url", sqlite_url(self.data_dir / DATABASE_FILE))
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _tell_plainly(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Stands last, around all others."""
        try:
            return handler(values)
        except ValidationError as error:
            # Its trace and its text say where, in a library's words, and show values that are secret.
            raise _told(error) from None


def _check_server(url: str) -> None:
    """Read the address of a database server as those will who open it; raises `ValueError`."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(url)
        _, options = address.get_dialect()().create_connect_args(address)
        make_conninfo(**options)
    except (ArgumentError, ProgrammingError) as error:
        message = "no address of a server"
        raise ValueError(message) from error


def _told(error: ValidationError) -> Exception:
    """What an operator is told of values that cannot be taken: all in the message, the first one in the fields."""
    wrong: dict[str, object] = {}
    for one in error.errors(include_url=False, include_context=False):
        wrong.setdefault(str(one["loc"][0]) if one["loc"] else "", one["input"])
    if not wrong.keys() <= Settings.model_fields.keys():
        return error  # a name that some program made up, no setting
    first, found = next(iter(wrong.items()))
    return SettingError(
        "; ".join(_line(setting, value) for setting, value in wrong.items()),
        setting=first,
        **({} if first in _SECRET else {"found": str(found)[:_SHOWN]}),
        wanted=_wanted(first),
    )


def _line(setting: str, found: object) -> str:
    """One wrong setting: its variable, what it holds, what is wanted."""
    if setting in _SECRET:
        return (
            f"{variable_of(setting)} (not shown: it may hold a password) is wrong, wanted: {_wanted(setting)}"
        )
    return f"{variable_of(setting)} is {str(found)[:_SHOWN]!r}, wanted: {_wanted(setting)}"


def _wanted(setting: str) -> str:
    """What a setting takes, from its declaration, so that no bound is written twice."""
    schema = Settings.model_json_schema()["properties"][setting]
    kind = next(one for one in schema.get("anyOf", [schema]) if one.get("type") != "null")
    if "description" in schema:
        what = schema["description"]
    elif "enum" in kind:
        what = f"one of {', '.join(kind['enum'])}"
    elif "maximum" in kind:
        number = "a whole number" if kind["type"] == "integer" else "a number"
        low = f"from {kind['minimum']}" if "minimum" in kind else f"above {kind['exclusiveMinimum']},"
        what = f"{number} {low} to {kind['maximum']}"
    else:
        what = "a text"
    return str(what)
