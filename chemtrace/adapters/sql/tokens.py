"""Bearer tokens of people and programs that read: made once, shown once, kept only as their SHA-256.

A token is 256 random bits, so its plain digest is as strong as the token (no slow password hash is needed) and
a look-up by digest tells a stranger's clock nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.tables import token as table
from chemtrace.core.errors import TokenError

PREFIX: Final = "ctr_"
"""Start of every token, so that scanners for leaked secrets can know one."""
TOKEN_BYTES: Final = 32
MAX_NAME: Final = 128


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as it may be listed: never the token itself. Times are microseconds UTC."""

    id: str
    name: str
    created_us: int
    revoked_us: int | None


class Tokens:
    """The tokens of one ledger; every call is one short transaction."""

    def __init__(self, database: Database) -> None:
        """Use the token table of `database`."""
        self._database = database

    def create(self, name: str, *, now_us: int) -> tuple[str, TokenRecord]:
        """Make a token for `name` and return it with its record; it can never be shown again.

        Raises:
            TokenError: a name that is empty or longer than 128 signs.
        """
        if not 0 < len(name) <= MAX_NAME:
            raise TokenError(f"a token needs a name of 1 to {MAX_NAME} signs", size=len(name))
        text, row = new_token(name, now_us=now_us)
        with self._database.write() as connection:
            connection.execute(insert(table).values(**row))
        return text, TokenRecord(str(row["id"]), name, now_us, None)

    def verify(self, text: str) -> str:
        """Return the name of the owner of a token.

        Raises:
            TokenError: unknown, malformed or revoked; the token itself is in no field.
        """
        query = select(table.c.name, table.c.revoked_us).where(table.c.digest == _digest(text))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None or row.revoked_us is not None:
            raise TokenError(
                "this token is not valid here: it is unknown or was revoked; ask the operator for one"
            )
        return str(row.name)

    def revoke(self, token_id: str, *, now_us: int) -> TokenRecord:
        """End a token at once and return its record; ending it again changes nothing.

        Raises:
            TokenError: no token with this id.
        """
        with self._database.write() as connection:
            live = (table.c.id == token_id) & table.c.revoked_us.is_(None)
            connection.execute(update(table).where(live).values(revoked_us=now_us))
        for record in self.list():
            if record.id == token_id:
                return record
        raise TokenError("there is no token with this id", id=token_id[:32])

    def list(self) -> tuple[TokenRecord, ...]:
        """All tokens ever made, oldest first."""
        query = select(table.c.id, table.c.name, table.c.created_us, table.c.revoked_us)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.c.created_us, table.c.id)).all()
        return tuple(TokenRecord(row.id, row.name, row.created_us, row.revoked_us) for row in rows)


def new_token(name: str, *, now_us: int) -> tuple[str, dict[str, object]]:
    """Return a fresh token and the row to store for it (for a caller that has a transaction of its own)."""
    text = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    digest = _digest(text)
    row = {"id": digest.hex()[:16], "name": name, "digest": digest, "created_us": now_us, "revoked_us": None}
    return text, row


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
