"""What a benchmark prints, and keeps for the page docs/reference/performance.md, which is written at once."""

from __future__ import annotations

import json

from benchmarks.support.page import FOLDER, write_page


def record(name: str, figures: dict[str, float]) -> None:
    """Print the figures, keep them as JSON and write the page again."""
    FOLDER.mkdir(exist_ok=True)
    # Notes tell how older figures were taken; they must not stand over new ones.
    (FOLDER / "notes.md").unlink(missing_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=2))
    write_page()
    for key, value in figures.items():
        print(f"{key:<34}{value:>16,.3f}" if isinstance(value, float) else f"{key:<34}{value:>16,}")
