"""Every setting is documented where an operator looks for it."""

from __future__ import annotations

from chemtrace.config import Settings
from tests.architecture.sources import ROOT, refuse

PAGE = ROOT / "docs" / "reference" / "settings.md"


def environment_names() -> set[str]:
    """The environment variable of every setting."""
    prefix = Settings.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper() for name in Settings.model_fields}


def test_every_setting_stands_in_the_reference() -> None:
    """docs/reference/settings.md names each variable in code quotes."""
    page = PAGE.read_text(encoding="utf-8")
    refuse({name for name in environment_names() if f"`{name}`" not in page})


def test_settings_are_frozen() -> None:
    """They are read once; nothing changes them while the program runs."""
    assert Settings.model_config.get("frozen") is True
