"""Logs: one pipeline for our records and foreign ones, one JSON line each; secrets are taken out on the way.

Event names are constants, facts are fields. Seals, tokens, openings, keys and payloads never reach a line: they are
removed by field name, and by form where they hide in text (a seal behind a code, a bearer token).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

HIDDEN: Final = "[hidden]"
SECRET_FIELDS: Final = frozenset(
    {
        "authorization", "cookie", "issuer_key", "master", "openings", "opening", "passphrase", "password", "payload",
        "private_key", "salt", "seal", "secret", "set-cookie", "statement", "token", "wire",
    }
)  # fmt: skip
"""Field names whose values are never written."""

QUIET: Final = ("alembic",)
"""Libraries whose lines about what they do are of use to nobody here; their warnings are kept."""

_FORMS: Final = (
    # A seal is ten signs right behind a 19-sign code, in a URL or alone, in either case, with dashes or without.
    (
        re.compile(
            r"(BJ1-?[PCTWA](?:-?[0-9]){3}(?:-?[0-9A-Z]){12})(?:-?[0-9A-Z]){10}(?![0-9A-Z])", re.IGNORECASE
        ),
        r"\1" + HIDDEN,
    ),
    (re.compile(r"(bearer\s+)[^\s\"']+", re.IGNORECASE), r"\1" + HIDDEN),
    (re.compile(r"ctr_[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), HIDDEN),
)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of one record; a processor of structlog."""
    return {key: HIDDEN if key.lower() in SECRET_FIELDS else _clean(value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Take what has the form of a secret out of a text."""
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


def _clean(value: object) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if str(key).lower() in SECRET_FIELDS else _clean(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def configure_logs(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every record of this process, ours or a library's, through one pipeline to `stream` (standard error)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
