"""The inspector's page as tests open it: from disk, with no network, every complaint of the browser collected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "chemtrace" / "entrypoints" / "verifier" / "verify.html"
SOURCES = ROOT / "scanners" / "web" / "verifier"
RUNNER = Path(__file__).with_name("verifier_vectors.js").read_text(encoding="utf-8")
PHONE = {"width": 360, "height": 780}


@contextmanager
def opened(browser: Any, path: Path = BUILT, **options: Any) -> Iterator[Any]:
    """The page from a file, offline; at the end the console is empty and nothing was asked of anybody."""
    complaints: list[str] = []
    context = browser.new_context(**({"viewport": PHONE, "locale": "zh-CN"} | options))
    context.set_offline(True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", lambda request: _note_request(complaints, request.url))
    try:
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        yield page
    finally:
        context.close()
    assert [] == complaints


def _note_request(complaints: list[str], url: str) -> None:
    if not url.startswith(("file:", "blob:", "data:")):
        complaints.append(f"request: {url}")


def run_cases(page: Any, cases: list[dict[str, Any]], *, browser: bool = True) -> list[dict[str, Any]]:
    """Results of vectors in the page; `browser` False leaves the browser's own cryptography out."""
    slim = [{"op": case["op"], "input": case["input"]} for case in cases]
    results: list[dict[str, Any]] = page.evaluate(RUNNER, {"cases": slim, "browser": browser})
    return results


def load_cases(folder: str, name: str = "*") -> dict[str, dict[str, Any]]:
    """The published vectors of a folder by file name."""
    files = sorted((ROOT / "contracts" / "vectors" / folder).glob(f"{name}.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def stated(case: dict[str, Any]) -> dict[str, Any]:
    """What a vector says must come out."""
    return {name: case[name] for name in ("want", "error") if name in case}


def proof_file(case: dict[str, Any], folder: Path, name: str = "proof") -> Path:
    """The proof of a vector as a file."""
    path = folder / name
    given = case["input"]
    path.write_bytes(given["text"].encode() if "text" in given else bytes.fromhex(given["bytes"]))
    return path


def trust_file(case: dict[str, Any], folder: Path) -> Path:
    """The trust file of a vector as a file."""
    path = folder / "trust.json"
    path.write_text(case["input"]["trust"], encoding="utf-8")
    return path
