"""The built page is the sources': it names their digest, its own policy fits it, and a rebuild gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chemtrace.core.bundle.trust import parse_trust
from chemtrace.core.events import PAYLOADS
from chemtrace.entrypoints.verifier.page import PAGE_FILE, page_policy, render_verifier
from tests.architecture.sources import ROOT
from tests.web.verifier_page import SOURCES, load_cases

PAGE = PAGE_FILE.read_text(encoding="utf-8")
MOST_BYTES = 1_500_000


def digest_of_sources() -> str:
    """As build.mjs computes it: SHA-256 over a line `path sha256` for each source, in order of path."""
    paths = ["build.mjs", "package-lock.json", *[f"src/{path.name}" for path in (SOURCES / "src").iterdir()]]
    lines = [
        f"{path} {hashlib.sha256((SOURCES / path).read_bytes()).hexdigest()}\n" for path in sorted(paths)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_page_was_built_from_the_sources_beside_it() -> None:
    stated = re.search(r'<meta name="chemtrace-sources" content="([0-9a-f]{64})">', PAGE)
    assert stated is not None
    assert digest_of_sources() == stated[1], "run: npm ci --ignore-scripts && npm run build"


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return  # no Node here: the digest of the sources, above, is what is held
    folder = tmp_path / "scanners" / "web" / "verifier"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "LICENSE", tmp_path)
    installed = SOURCES / "node_modules"
    if installed.is_dir() and _holds_the_locked(installed):
        (folder / "node_modules").symlink_to(installed)
    elif subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=folder, check=False).returncode:
        return  # no registry within reach
    target = tmp_path / "verify.html"
    subprocess.run([node, "build.mjs", str(target)], cwd=folder, check=True, capture_output=True)
    assert target.read_text(encoding="utf-8") == PAGE


def _holds_the_locked(folder: Path) -> bool:
    record = folder / ".package-lock.json"
    if not record.is_file():
        return False
    locked = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    found = json.loads(record.read_text(encoding="utf-8"))["packages"]
    return all(locked.get(name, {}).get("integrity") == one.get("integrity") for name, one in found.items())


def test_the_lock_names_no_registry_and_pins_every_package() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    pinned = {name: one for name, one in packages.items() if name}
    assert len(pinned) > 5
    assert all(one["integrity"].startswith("sha512-") for one in pinned.values())
    assert not any("resolved" in one for one in pinned.values())
    wanted = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


def test_the_policy_lets_only_this_script_and_style_run_and_nothing_be_fetched() -> None:
    policy = page_policy()
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    for loose in ("unsafe-inline", "'unsafe-eval'", "connect-src", "http:", "https:", "*"):
        assert loose not in policy
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", PAGE)


def test_the_page_fits_its_budget() -> None:
    assert len(PAGE.encode()) <= MOST_BYTES


def test_a_trust_file_travels_in_the_page_and_changes_nothing_else() -> None:
    trust = parse_trust(load_cases("bundle", "trust-good")["trust-good"]["input"]["trust"].encode())
    page = render_verifier(trust, "exported").decode()
    slot = re.search(
        r'<script type="text/plain" id="trust" data-source="exported">([A-Za-z0-9+/=]+)</script>', page
    )
    assert slot is not None
    assert parse_trust(base64.b64decode(slot[1])) == trust
    empty = '<script type="text/plain" id="trust" data-source="none"></script>'
    assert page.replace(slot[0], empty) == PAGE == render_verifier().decode()


def test_the_page_has_words_for_every_kind_of_event_and_every_listed_chemical() -> None:
    kinds = json.loads((SOURCES / "src" / "kinds.json").read_text(encoding="utf-8"))
    assert {f"{kind}.{phase}" for kind, phase in PAYLOADS} == kinds.keys()
    listed = json.loads((ROOT / "contracts" / "chemicals" / "beijing-35.json").read_text(encoding="utf-8"))
    wanted = {
        one["slot"]: [one["name_zh"], one["name_en"], one["un"], one["tdg_class"]]
        for one in listed["chemicals"]
    }
    assert wanted == json.loads((SOURCES / "src" / "substances.json").read_text(encoding="utf-8"))
