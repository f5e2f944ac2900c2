"""What became of a statement: admitted with a receipt, or refused with a named error."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from chemtrace.core.errors import ChemtraceError


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """The event is durable at `index`. The receipt is what its sender keeps; `findings` are rule ids.

    `duplicate` says that it was there before: receipt and signature are the first ones, byte for byte.
    """

    receipt_bytes: bytes
    signature: bytes
    kid: bytes
    index: int
    duplicate: bool
    findings: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """Nothing was changed; `error` says why and what to do."""

    error: ChemtraceError


Outcome: TypeAlias = Admitted | Refused
