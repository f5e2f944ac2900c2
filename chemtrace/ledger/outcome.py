"""What became of a statement: admitted with a receipt, or refused with a named error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from chemtrace.core.errors import ChemtraceError


@dataclass(frozen=True, slots=True)
class Admitted:
    """The event is durable at `index`. The receipt is what its sender keeps; `findings` are rule ids.

    `duplicate` says that it was there before: receipt and signature are the first ones, byte for byte.
    """

    receipt_bytes: bytes
    signature: bytes
    kid: bytes
    index: int
    duplicate: bool
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed; `error` says why and what to do."""

    error: ChemtraceError


Outcome: TypeAlias = Admitted | Refused
