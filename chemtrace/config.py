"""Settings: read once, frozen, every limit with its unit and bounds. No secret has a default; secrets live in files.

Each setting is an environment variable with the prefix `CHEMTRACE_`, documented in docs/reference/settings.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DATABASE_FILE: Final = "ledger.db"


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file; what would end or change a path inside a URL is escaped (RFC 3986 section 2.1)."""
    return f"sqlite:///{quote(os.fsencode(path))}"


class Settings(BaseSettings):
    """All there is to set."""

    model_config = SettingsConfigDict(env_prefix="CHEMTRACE_", frozen=True, extra="forbid")

    data_dir: Path = Path("chemtrace-data")
    database_url: str = ""
    label_host: str | None = None
    catalogue: Path | None = None

    bind: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    allowed_hosts: tuple[str, ...] = ()

    publish_interval_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    max_publish_delay_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    heartbeat_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    policy: Path | None = None
    witness_mode: Literal["open", "required"] = "open"
    mirrors: tuple[str, ...] = ()
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

    @field_validator("database_url")
    @classmethod
    def _know_the_database(cls, value: str) -> str:
        if value.startswith("postgresql://"):
            return value.replace("postgresql://", "postgresql+psycopg://", 1)
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            message = "the database is sqlite:///FILE or postgresql://USER@HOST/NAME"
            raise ValueError(message)
        return value

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
            message = (
                "max_publish_delay_s is promised in receipts: it cannot be shorter than publish_interval_s"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _require_whom(self) -> Settings:
        if self.witness_mode == "required" and self.policy is None:
            message = "witness_mode is required, but there is no policy that says which witnesses"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _place_the_database(self) -> Settings:
        if not self.database_url:
            object.__setattr__(self, "database_url", sqlite_url(self.data_dir / DATABASE_FILE))
        return self
