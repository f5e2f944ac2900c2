"""Founding a log: its first five entries and its first epoch.

0 the authority's key, signed by itself; 1 its offline recovery key, which alone can replace it; 2 the authority's own
record; 3 the log key; 4 the receipt key; then the epoch. From entry 1 on every key proves that its holder has it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chemtrace.core.chain import CHAIN_START
from chemtrace.core.errors import LedgerExistsError, LedgerMissingError
from chemtrace.core.keys import PrivateKey, make_key_request
from chemtrace.core.statement import Statement
from chemtrace.ledger.ports import Head, Store
from chemtrace.registry import office

ORIGIN: str = "origin"
LABEL_HOST: str = "label_host"
"""Names of the two facts that are fixed at the founding."""


class Founding(msgspec.Struct, frozen=True, kw_only=True):
    """What a log is founded with; four keys, each for one purpose."""

    origin: str
    label_host: str
    credit_code: str
    name_zh: str
    name_en: str
    authority: PrivateKey
    recovery: PrivateKey
    log: PrivateKey
    receipt: PrivateKey


def prepare_log(store: Store, founding: Founding) -> None:
    """Write the facts and the head row of an empty log.

    Raises:
        LedgerExistsError: this database holds a ledger already.
    """
    with store.write() as transaction:
        try:
            found = transaction.head()
        except LedgerMissingError:
            pass
        else:
            raise LedgerExistsError("this database holds a ledger already", size=found.size)
        transaction.set_fact(ORIGIN, founding.origin)
        transaction.set_fact(LABEL_HOST, founding.label_host)
        transaction.set_head(
            Head(
                size=0,
                chain=CHAIN_START,
                epoch_number=-1,
                epoch_index=-1,
                log_time_us=0,
                registry_index=-1,
                subjects=0,
            )
        )


def founding_statements(
    founding: Founding, *, now_us: int, nonce: Callable[[], str]
) -> tuple[Statement, ...]:
    """The first five statements, in order."""
    code = founding.credit_code

    def by() -> office.Signing:
        return office.Signing(key=founding.authority, enterprise=code, now_us=now_us, nonce=nonce())

    def registered(key: PrivateKey, role: str) -> Statement:
        return office.register_key(by(), request=make_key_request(key, code, role))

    return (
        office.found_authority(by()),
        registered(founding.recovery, "recovery"),
        office.register_enterprise(
            by(), enterprise=code, name_zh=founding.name_zh, name_en=founding.name_en, roles=("regulator",)
        ),
        registered(founding.log, "log"),
        registered(founding.receipt, "receipt"),
    )
