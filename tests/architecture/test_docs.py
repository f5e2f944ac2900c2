"""The pages: every link leads somewhere, every page can be reached, every decision has its parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, refuse

DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
DECISION_PARTS = (
    "Status",
    "Area",
    "Date",
    "## Context",
    "## Decision",
    "## Consequences",
    "## Alternatives",
    "Enforced by",
)


def pages() -> list[Path]:
    """README, the change log and every page of docs/ and contracts/."""
    top = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    return top + sorted(DOCS.rglob("*.md")) + sorted((ROOT / "contracts").rglob("*.md"))


def targets(page: Path) -> list[str]:
    """The relative links and pictures of a page, without their anchors."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    links = LINK.findall(text) + IMAGE.findall(text)
    return [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]


def test_every_link_leads_to_a_file() -> None:
    """A reader never meets a dead end."""
    dead = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages()
        for target in targets(page)
        if not (page.parent / target).exists()
    ]
    refuse(dead)


def test_every_page_can_be_reached_from_the_index() -> None:
    """What is not linked is not read."""
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [page.parent / target for target in targets(page)]
    unreached = (
        {page.resolve() for page in DOCS.rglob("*.md")} - reached - {(DOCS / "adr" / "template.md").resolve()}
    )
    refuse(sorted(str(page.relative_to(ROOT)) for page in unreached))


def decisions() -> list[Path]:
    """The decision records."""
    return sorted((DOCS / "adr").glob("[0-9][0-9][0-9][0-9]-*.md"))


@pytest.mark.parametrize("page", decisions(), ids=lambda page: page.stem)
def test_a_decision_record_has_all_its_parts(page: Path) -> None:
    """Status, area, date, context, decision, consequences, alternatives, and what enforces it."""
    text = page.read_text(encoding="utf-8")
    refuse([part for part in DECISION_PARTS if part not in text])


def test_decision_records_are_numbered_without_gaps() -> None:
    """A number names one decision for good."""
    assert [int(page.name[:4]) for page in decisions()] == list(range(1, len(decisions()) + 1))


def test_the_glossary_is_bilingual() -> None:
    """The glossary gives every word in both languages."""
    rows = re.findall(
        r"^\| .+ \|$", (DOCS / "explanation" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )[2:]
    assert rows
    refuse([row for row in rows if not re.search(r"[一-鿿]", row)])
