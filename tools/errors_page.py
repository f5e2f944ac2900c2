"""Writes docs/reference/errors.md from the error tree: `python -m tools.errors_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chemtrace.core import errors
from chemtrace.core.errors import ChemtraceError, EvidenceError, RefusedError, UnavailableError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "errors.md"

_HEAD = """\
# Errors · 错误代码

Made from `chemtrace/core/errors.py` by `make pages`; a test keeps the two equal.

Every answer that is not a success carries a stable `code`, a message that says what was wrong and what to do, and
fields with both sides of a mismatch. Over HTTP it is an RFC 9457 problem document, on the command line the last
line of standard error (one JSON object with `--json`). Branch on the code, never on the message.

每个非成功应答都带有固定的代码 `code`、说明错误与处置办法的文字，以及不一致双方的字段。
程序应按代码分支，不要按文字分支。
"""
_BRANCHES: tuple[tuple[type[ChemtraceError], str], ...] = (
    (RefusedError, "Refused: the sender must change something · 拒收：提交方须更正"),
    (UnavailableError, "Unavailable: try again, or mend the machine · 暂不可用：稍后重试或排除故障"),
    (
        EvidenceError,
        "Evidence: the ledger's own records contradict themselves; writing stops · 账本自相矛盾：停止写入并上报",
    ),
)


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for branch, title in _BRANCHES:
        parts.append(f"\n## {title}\n\n| Code | Meaning | Branch |\n|---|---|---|\n")
        parts += [_row(error) for error in sorted(_leaves(branch), key=lambda error: error.code)]
    return "".join(parts)


def _leaves(base: type[ChemtraceError]) -> Iterator[type[ChemtraceError]]:
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _leaves(child)


def _row(error: type[ChemtraceError]) -> str:
    meaning = " ".join((error.__doc__ or "").split()).replace("|", "\\|")
    branch = next(base for base in error.__mro__[1:] if issubclass(base, ChemtraceError))
    return f"| `{error.code}` | {meaning} | `{branch.code}` |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
