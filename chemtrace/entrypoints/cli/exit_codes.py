"""Exit codes of the command line: scripts branch on these numbers, so they never change once released."""

from __future__ import annotations

from enum import IntEnum

from chemtrace.core.errors import ChemtraceError, EvidenceError, RefusedError, UnavailableError


class ExitCode(IntEnum):
    """What a command says with its exit status (documented in docs/reference/cli.md)."""

    OK = 0
    """Done; for a check: everything holds."""
    NEGATIVE = 1
    """The command ran and its answer is no: a check found faults."""
    USAGE = 2
    """The command line itself is wrong (given by the argument parser)."""
    REFUSED = 3
    """What was handed in is not accepted; nothing was changed."""
    UNAVAILABLE = 4
    """Not possible now or on this machine: locked, full, missing part."""
    EVIDENCE = 5
    """Our own records contradict themselves: stop writing, call a person."""
    INTERRUPTED = 130
    """Stopped at the keyboard."""


_BRANCHES = (
    (RefusedError, ExitCode.REFUSED),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (EvidenceError, ExitCode.EVIDENCE),
)


def exit_code(error: ChemtraceError) -> ExitCode:
    """The exit code of an error: decided by its branch of the error tree."""
    return next((code for branch, code in _BRANCHES if isinstance(error, branch)), ExitCode.EVIDENCE)
