"""Numbers of things in English sentences: 1 entry, 2 entries. Chinese needs none of it."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`number` and the noun in its form: `1 entry`, `2 entries`, `0 events`; only regular nouns."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"
