"""A program that follows a log in small runs: to be killed at any moment. Arguments: folder, address, trust, token."""

from __future__ import annotations

import sys
from pathlib import Path

from chemtrace.bootstrap.mirroring import load_trust, opened_mirror
from chemtrace.mirror import fetch


def main() -> None:
    """Follow once; says how far it has come after every look."""
    folder, url, trust, token = sys.argv[1:]
    fetch.RUN = 32
    with opened_mirror(Path(folder), url=url, trust=load_trust(Path(trust)), token=token) as mirror:
        sys.stdout.write(f"{mirror.follower.position.size}\n")
        sys.stdout.flush()
        mirror.follower.follow()


if __name__ == "__main__":
    main()
