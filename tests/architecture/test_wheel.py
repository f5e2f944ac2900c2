"""What a user installs: the wheel, outside the checkout, with and without the extras. No network is used.

The wheel is built without isolation by the hatchling of the test environment, and installed with `--no-deps` into a new
virtual environment. The packages that it needs are lent to that environment as links, one by one: exactly those that
the wheel's own metadata asks for, followed to the end. So a dependency that was not declared is missing there.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.architecture.sources import ROOT

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""
LOCATE = """
from chemtrace.adapters.data_files import contracts_dir, migrations_dir
print(contracts_dir(), migrations_dir())
"""
SERVER_PACKAGES_FOUND = """
import importlib.util
print([name for name in ("sqlalchemy", "fastapi", "typer", "httpx") if importlib.util.find_spec(name)])
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the checkout, with nothing of this environment but the path."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", "COLUMNS": "120"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def needed(site_packages: Path, extras: frozenset[str]) -> set[str]:
    """The names of all distributions that the wheel installed there needs with these extras, followed to the end."""
    (installed,) = importlib.metadata.distributions(path=[str(site_packages)])
    found: set[str] = set()
    waiting = [(installed.requires or [], extras)]
    while waiting:
        requirements, wanted = waiting.pop()
        for text in requirements:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in ["", *wanted]):
                continue
            child = requirement.name.lower()
            if child not in found or requirement.extras:
                found.add(child)
                source = installed if child == "chemtrace" else importlib.metadata.distribution(child)
                waiting.append((source.requires or [], frozenset(requirement.extras)))
    return found - {"chemtrace"}


def lend(distributions: set[str], site_packages: Path) -> None:
    """Link the files of these distributions of the test environment into another one."""
    for name in distributions:
        files = importlib.metadata.files(name) or []
        for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
            link = site_packages / top
            if not link.exists():
                link.symlink_to(Path(str(importlib.metadata.distribution(name).locate_file(top))).resolve())


def install(wheel: Path, folder: Path, extras: frozenset[str]) -> Path:
    """A new virtual environment with the wheel and what it declares; its folder of programs."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    install_into = ("-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    run(sys.executable, *install_into, "--no-index", "--no-deps", wheel, cwd=folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    lend(needed(site_packages, extras), site_packages)
    return folder / "bin"


def test_the_base_install_holds_core_and_nothing_else_is_needed(wheel: Path, tmp_path: Path) -> None:
    """core imports whole with the four base packages."""
    programs = install(wheel, tmp_path, frozenset())
    run(programs / "python", "-W", "error", "-c", IMPORT_ALL, "chemtrace.core", cwd=tmp_path)
    assert run(programs / "python", "-c", SERVER_PACKAGES_FOUND, cwd=tmp_path).strip() == "[]"


def test_the_base_install_verifies_proof_files(wheel: Path, tmp_path: Path) -> None:
    """The program `chemtrace` of the base install checks a bundle, and says what else it would need."""
    programs = install(wheel, tmp_path, frozenset())
    vector = json.loads((ROOT / "contracts/vectors/bundle/good-one-event.json").read_text(encoding="utf-8"))
    (tmp_path / "drum.json").write_text(vector["input"]["text"], encoding="utf-8")
    (tmp_path / "trust.json").write_text(vector["input"]["trust"], encoding="utf-8")
    told = run(programs / "chemtrace", "verify", "bundle", "drum.json", "--trust", "trust.json", cwd=tmp_path)
    assert "Authentic" in told
    assert "chemtrace[server]" in run("sh", "-c", f"{programs}/chemtrace serve 2>&1 || true", cwd=tmp_path)


def test_scanners_install_without_the_server(wheel: Path, tmp_path: Path) -> None:
    """The extra `scan` is enough for the label readers and the client."""
    programs = install(wheel, tmp_path, frozenset({"scan"}))
    run(programs / "python", "-W", "error", "-c", IMPORT_ALL, "scanners", cwd=tmp_path)


def test_the_full_install_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """The command starts, and contracts and migrations travel inside the wheel."""
    programs = install(wheel, tmp_path, frozenset({"all"}))
    run(programs / "python", "-c", IMPORT_ALL, "chemtrace", cwd=tmp_path)
    places = run(programs / "python", "-c", LOCATE, cwd=tmp_path).split()
    assert [Path(place).parts[-3:] for place in places] == [
        ("chemtrace", "_data", "contracts"),
        ("chemtrace", "_data", "migrations"),
    ]
    assert all(list(Path(place).rglob("*")) for place in places)
    assert "verify" in run(programs / "chemtrace", "--help", cwd=tmp_path)
    run(programs / "chemtrace", "verifier", "export", tmp_path / "verify.html", cwd=tmp_path)
    assert (tmp_path / "verify.html").stat().st_size > 500_000


def test_the_wheel_holds_no_tests_and_no_tools(wheel: Path) -> None:
    """Only the packages and their data travel."""
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"chemtrace", "scanners"}
