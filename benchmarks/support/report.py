"""What a benchmark prints, and keeps in `.bench/` for the page that `benchmarks.page` writes."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".bench"


def record(name: str, figures: dict[str, float]) -> None:
    """Print the figures and keep them as JSON."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=2))
    for key, value in figures.items():
        print(f"{key:<34}{value:>16,.3f}" if isinstance(value, float) else f"{key:<34}{value:>16,}")
