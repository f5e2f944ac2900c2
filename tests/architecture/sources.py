"""The project's own source files, as syntax trees and as importable names."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chemtrace", "scanners")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def source_files(*folders: str) -> tuple[Path, ...]:
    """Every Python file of the folders (of the packages, when none is named)."""
    found = [path for folder in folders or PACKAGES for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(path for path in found if "node_modules" not in path.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    """A clickable place: file and line, relative to the checkout."""
    line = getattr(node, "lineno", 1)
    return f"{path.relative_to(ROOT)}:{line}"


def module_names() -> Iterator[str]:
    """The dotted name of every module of the packages."""
    for package in PACKAGES:
        yield package
        for module in pkgutil.walk_packages([str(ROOT / package)], prefix=f"{package}."):
            yield module.name


def public_definitions(
    body: list[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The public functions and classes of a module, and the public methods of those classes."""
    for node in body:
        if not isinstance(node, DOCUMENTED) or node.name.startswith("_"):
            continue
        if any(getattr(decorator, "id", "") == "overload" for decorator in node.decorator_list):
            continue
        if any(getattr(decorator, "attr", "") in {"setter", "deleter"} for decorator in node.decorator_list):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body)


def dotted(node: ast.expr) -> str:
    """The dotted text of a name or attribute, as `datetime.now`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return ""


def refuse(found: Iterable[object]) -> None:
    """Fail with one line for each thing found."""
    lines = [str(each) for each in (found.items() if isinstance(found, dict) else found)]
    assert not lines, "\n" + "\n".join(lines)
