"""Where the files stand that travel with the program: `contracts/` and `migrations/`.

In a checkout they stand beside the package; the wheel carries them inside it, under `chemtrace/_data`. Nobody else
needs to know which of the two it is.
"""

from pathlib import Path

from chemtrace.core.errors import DataFilesError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_data", _PACKAGE.parent)


def contracts_dir() -> Path:
    """The folder with event schemas, specifications, rule data and the chemical list.

    Raises:
        DataFilesError: this installation does not have it; fields `name` and `places`.
    """
    return _find("contracts")


def migrations_dir() -> Path:
    """The folder with the Alembic environment and its versions.

    Raises:
        DataFilesError: this installation does not have it; fields `name` and `places`.
    """
    return _find("migrations")


def _find(name: str) -> Path:
    for place in _PLACES:
        if (place / name).is_dir():
            return place / name
    places = [str(place / name) for place in _PLACES]
    raise DataFilesError(f"the folder {name} is missing; install chemtrace again", name=name, places=places)
