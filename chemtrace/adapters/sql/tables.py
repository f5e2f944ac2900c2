"""The tables of a ledger, the same on SQLite and PostgreSQL.

Facts (`entry`, `payload`, `epoch`, `checkpoint`, `refusal`, `cosignature`, `fork_evidence`) are append-only, see
`guards`. Everything else is a fold over them: it can be dropped and rebuilt. Blobs are raw bytes, times are
microseconds UTC, digests are 32 raw bytes, quantities are decimal text. Rows are written by the stores of this package
through SQL text of their own (the write path) and read by `reads`; nothing here is an entity.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

# SQLite numbers rows by itself only in a column of type INTEGER; elsewhere an index needs 64 bits.
Number: Final = BigInteger().with_variant(Integer(), "sqlite")


def _index(*, primary_key: bool = False) -> Column[Any]:
    return Column("idx", Number, primary_key=primary_key, autoincrement=False, nullable=False)


def _filled(name: str, *columns: str) -> Index:
    """An index over the rows that have a value in its first column: most have none, and it is asked by equality."""
    filled = text(f"{columns[0]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=filled, postgresql_where=filled)


ledger = Table(
    "ledger",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="what never changes: origin, label host, form",
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("epoch_number", Number, nullable=False),
    Column("epoch_index", Number, nullable=False),
    Column("log_time_us", Number, nullable=False),
    Column("registry_index", Number, nullable=False),
    Column("subjects", Number, nullable=False),
    comment="one row; its lock orders all writers",
)

entry = Table(
    "entry",
    metadata,
    _index(primary_key=True),
    Column("event_id", LargeBinary, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("received_us", Number, nullable=False),
    Column("effective_us", Number, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("counterparty", String(128)),
    Column("body", LargeBinary, nullable=False),
    Column("receipt", LargeBinary),
    Column("receipt_signature", LargeBinary),
    Index("ix_entry_actor_idx", "actor", "idx"),
    _filled("ix_entry_counterparty_idx", "counterparty", "idx"),
)

payload = Table("payload", metadata, _index(primary_key=True), Column("body", LargeBinary, nullable=False))

opening = Table(
    "opening",
    metadata,
    _index(primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("value", Text, nullable=False),
    comment="personal values; the only facts that may be deleted",
)

subject_head = Table(
    "subject_head",
    metadata,
    Column("subject", String(128), primary_key=True),
    _index(),
    Column("event_id", LargeBinary, nullable=False),
    Column("effective_us", Number, nullable=False),
    Column("count", Number, nullable=False),
    sqlite_with_rowid=False,
)

subject_entry = Table(
    "subject_entry",
    metadata,
    Column("subject", String(128), primary_key=True),
    _index(primary_key=True),
    Column("effect", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

item = Table(
    "item",
    metadata,
    Column("code", String(19), primary_key=True),
    Column("slot", String(3), nullable=False),
    Column("status", String(16), nullable=False),
    Column("holder", String(128)),
    Column("site", String(32)),
    Column("quantity", String(32), nullable=False),
    Column("unit", String(3), nullable=False),
    Column("parent", String(19)),
    Column("offered_to", String(128)),
    Column("waybill", String(32)),
    Column("last_idx", Number, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Index("ix_item_holder_code", "holder", "code"),
    _filled("ix_item_site_code", "site", "code"),
    _filled("ix_item_parent", "parent"),
    _filled("ix_item_waybill", "waybill"),
    sqlite_with_rowid=False,
)

waybill = Table(
    "waybill",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("carrier", String(128), nullable=False),
    Column("vehicle", String(16), nullable=False),
    Column("consignor", String(128), nullable=False),
    Column("consignee", String(128), nullable=False),
    Column("last_idx", Number, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Index("ix_waybill_vehicle_state", "vehicle", "state"),
    Index("ix_waybill_last_idx", "last_idx"),
)

finding = Table(
    "finding",
    metadata,
    _index(primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", String(64), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Column("resolved_by", Number),
    Index("ix_finding_code_idx", "code", "idx"),
    Index("ix_finding_rule_idx", "rule", "idx"),
    Index("ix_finding_resolved_by", "resolved_by"),
)

refusal = Table(
    "refusal",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at_size", Number, nullable=False),
    Column("received_us", Number, nullable=False),
    Column("event_id", LargeBinary, nullable=False),
    Column("enterprise", String(128), nullable=False),
    Column("code", String(64), nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Index("ix_refusal_event_id", "event_id"),
    Index("ix_refusal_enterprise_id", "enterprise", "id"),
    comment="validly signed statements that were refused, kept as evidence",
)


def _record(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", String(128), primary_key=True),
        Column("last_idx", Number, nullable=False),
        Column("doc", LargeBinary, nullable=False),
    )


enterprise = _record("enterprise")
site = _record("site")
key = _record("key")
batch = _record("batch")
licence = _record("licence")
device = _record("device")

epoch = Table(
    "epoch",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("idx", Number, nullable=False, unique=True),
    Column("log_time_us", Number, nullable=False),
    Column("first_idx", Number),
    Column("last_idx", Number),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)

tile = Table(
    "tile",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

subject_tree = Table(
    "subject_tree",
    metadata,
    Column("subject", String(128), primary_key=True),
    Column("count", Number, nullable=False),
    Column("last_idx", Number, nullable=False),
    Column("nodes", LargeBinary, nullable=False),
    comment="the tree of each subject's entries, as far as appending needs it",
    sqlite_with_rowid=False,
)

map_page = Table(
    "map_page",
    metadata,
    Column("path", String(64), primary_key=True),
    Column("version", Number, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    comment="pages of the subject map; version: index of the epoch record that first commits this content",
)

cosignature = Table(
    "cosignature",
    metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("name", String(256), primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("line", Text, nullable=False),
    Column("added_us", Number, nullable=False),
    comment="lines that witnesses added to the checkpoint of a size",
)

fork_evidence = Table(
    "fork_evidence",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("found_us", Number, nullable=False),
    Column("code", String(64), nullable=False),
    Column("first_note", LargeBinary, nullable=False),
    Column("second_note", LargeBinary, nullable=False),
    comment="two checkpoints that contradict each other, kept as evidence",
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("detector", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("enterprise", String(128)),
    Column("chemical", String(3)),
    Column("raised_us", Number, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Index("ix_alert_raised_us_id", "raised_us", "id"),
    Index("ix_alert_status_raised_us", "status", "raised_us"),
    Index("ix_alert_enterprise_raised_us", "enterprise", "raised_us"),
)

watch = Table(
    "watch",
    metadata,
    Column("key", String(256), primary_key=True),
    Column("detector", String(8), nullable=False),
    Column("due_us", Number),
    Column("doc", LargeBinary, nullable=False),
)

flow_position = Table(
    "flow_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _index(),
    Column("refusal_id", Number, nullable=False),
    comment="how far the detectors have read: entries below idx, refusals up to refusal_id",
)

token = Table(
    "token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_us", Number, nullable=False),
    Column("revoked_us", Number),
    comment="bearer tokens: SHA-256 of 256 random bits, never the token",
)
