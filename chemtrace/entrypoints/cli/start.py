"""Where the program `chemtrace` starts: the whole command line, or the offline verifier where only that is installed.

The base install holds no command-line package: it verifies proof files, which is all that an inspector needs.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import NoReturn

from chemtrace.entrypoints.cli import offline
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.output import print_note


def main() -> NoReturn:
    """Run the command of `sys.argv` and exit with a code of `exit_codes`."""
    if importlib.util.find_spec("typer") is not None:
        from chemtrace.entrypoints.cli import main as command_line

        command_line.main()
    if not offline.answers(sys.argv[1:]):
        print_note(
            "chemtrace: this is the base install; it verifies proof files:"
            " chemtrace verify bundle|status FILE --trust FILE, chemtrace verify proof FILE --origin … --key …\n"
            "for everything else: pip install 'chemtrace[server]' / 仅装有离线核验；其余命令请安装 chemtrace[server]"
        )
        sys.exit(ExitCode.UNAVAILABLE)
    sys.exit(offline.run(sys.argv[1:]))
