"""`chemtrace`: finds the command modules of this package, runs one, and turns errors into exit codes.

A command is a module here with `register(app: typer.Typer) -> None`. Nothing else is needed to add one.
Modules import what they need inside their functions, so that `--help` answers at once and no part is
needed that is not used.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
from typing import NoReturn

import typer

from chemtrace.core.errors import ChemtraceError, LibraryMissingError
from chemtrace.entrypoints import cli
from chemtrace.entrypoints.cli.exit_codes import ExitCode, exit_code
from chemtrace.entrypoints.cli.output import print_error
from chemtrace.entrypoints.cli.refusals import print_in_chinese

_EXTRAS = {"psycopg": "postgres", "pyzbar": "scan", "zxingcpp": "scan"}
"""Packages of other extras than `server`, by the name that is imported."""

_HELP = "Tracing ledger for key hazardous chemicals / 重点危险化学品追溯账本"


def create_app() -> typer.Typer:
    """Build the command line from every module of this package that has `register`."""
    app = typer.Typer(
        name="chemtrace",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in sorted(pkgutil.iter_modules(cli.__path__), key=lambda found: found.name):
        register = getattr(importlib.import_module(f"{cli.__name__}.{module.name}"), "register", None)
        if register is not None:
            register(app)
    return app


def main() -> NoReturn:
    """Run the command of `sys.argv` and exit with a code of `exit_codes`; a known error shows no trace."""
    _show_what_can_be_shown()
    try:
        create_app()()
    except ChemtraceError as error:
        _end(error)
    except ModuleNotFoundError as error:
        _end(_missing(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(ExitCode.OK)


def _show_what_can_be_shown() -> None:
    """Escape what the terminal has no signs for: a command must not end over it when its work is done."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and out.errors == "strict":
        out.reconfigure(errors="backslashreplace")


def _end(error: ChemtraceError) -> NoReturn:
    as_json = "--json" in sys.argv
    print_error(error, as_json=as_json)
    print_in_chinese(error, as_json=as_json)
    sys.exit(exit_code(error))


def _missing(error: ModuleNotFoundError) -> LibraryMissingError:
    """The extra that brings a package which is not here; a missing part of our own is a defect and shows its trace."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "chemtrace", "scanners") or package in sys.stdlib_module_names:
        raise error
    extra = _EXTRAS.get(package, "server")
    return LibraryMissingError(
        f"this command needs the package {package}, which is not installed: pip install 'chemtrace[{extra}]'"
        f" / 此命令需要安装 chemtrace[{extra}]",
        package=package,
        extra=extra,
    )


if __name__ == "__main__":
    main()
