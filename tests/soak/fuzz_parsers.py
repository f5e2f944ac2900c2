"""Coverage-driven fuzzing of every parser: `tools/fuzz SECONDS PARSER...`; each parser runs in a process of its own.

The laws are those of `tests/property/test_parsers.py`: a value or an error of ours, and one spelling.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KEPT = Path(".bench") / "fuzz"


def fuzz(name: str, seconds: int, corpus: str) -> None:
    """Fuzz one parser; never returns: the fuzzer ends the process, with 0 when no law was broken."""
    import atheris

    with atheris.instrument_imports(include=["chemtrace"]):
        from chemtrace.core.errors import ChemtraceError
        from tests.parsers import parsers
    parser = parsers()[name]

    def one(data: bytes) -> None:
        with suppress(ChemtraceError):
            value = parser.read(data)
            if parser.write is not None:
                written = parser.write(value)
                if parser.read(written) != value or data not in (
                    written,
                    written + b"\n" * (name == "trust"),
                ):
                    raise RuntimeError("two spellings of one thing")

    for number, seed in enumerate(parser.seeds):
        (Path(corpus) / f"seed-{number}").write_bytes(seed)
    largest = max(map(len, parser.seeds))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={2 * largest + 64}",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup(["fuzz", *options, f"-artifact_prefix={KEPT}/{_file_name(name)}-", corpus], one)
    atheris.Fuzz()


def _file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def main(arguments: list[str]) -> int:
    """Fuzz the parsers named, or all; the number of those that broke a law."""
    from tests.parsers import parsers

    seconds = int(arguments[0]) if arguments else 60
    names = arguments[1:] or sorted(parsers())
    KEPT.mkdir(parents=True, exist_ok=True)
    broken = []
    # A fresh interpreter for each: what was imported here is not instrumented there.
    spawn = multiprocessing.get_context("spawn")
    for name in names:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as corpus:
            process = spawn.Process(target=fuzz, args=(name, seconds, corpus))
            process.start()
            process.join()
        print(f"{name}: {round(time.monotonic() - started)} s, exit {process.exitcode}", flush=True)  # noqa: T201  # a tool
        if process.exitcode != 0:
            broken.append(name)
    print(f"{len(names)} parsers, broken: {broken or 'none'}")  # noqa: T201  # a tool
    return len(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
