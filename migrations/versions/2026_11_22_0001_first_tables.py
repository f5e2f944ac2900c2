"""Create the tables of a ledger and their append-only guards.

Forward only. Import nothing of chemtrace here: this file must still run in five years. Keep locks short; a table
rebuilt on SQLite loses its triggers, so create its guards again in the same migration.

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Rows of these never change; the values name what a second row of the same identity would collide with.
APPEND_ONLY = {
    "checkpoint": "size = NEW.size",
    "entry": "idx = NEW.idx) OR EXISTS (SELECT 1 FROM entry WHERE event_id = NEW.event_id",
    "epoch": "number = NEW.number) OR EXISTS (SELECT 1 FROM epoch WHERE idx = NEW.idx",
    "ledger": "name = NEW.name",
    "payload": "idx = NEW.idx",
    "refusal": "id = NEW.id",
}
# Personal values may be deleted, that is their purpose, but not changed.
UNCHANGEABLE = {"opening": "idx = NEW.idx AND n = NEW.n"}


def upgrade() -> None:
    create_tables()
    if op.get_bind().dialect.name == "sqlite":
        guard_sqlite()
    else:
        guard_postgresql()
    op.execute("INSERT INTO flow_position (id, idx, refusal_id) VALUES (1, 0, 0)")


def guard_sqlite() -> None:
    for table, same in {**APPEND_ONLY, **UNCHANGEABLE}.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
        op.execute(f"CREATE TRIGGER guard_{table}_update BEFORE UPDATE ON {table} {refuse}")
        if table in APPEND_ONLY:
            op.execute(f"CREATE TRIGGER guard_{table}_delete BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE removes the old row without firing a delete trigger.
        exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  # constants above
        op.execute(f"CREATE TRIGGER guard_{table}_replace BEFORE INSERT ON {table} {exists} {refuse}")


def guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME USING ERRCODE = '23001'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER guard_{table} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in UNCHANGEABLE:
        op.execute(
            f"CREATE TRIGGER guard_{table} BEFORE UPDATE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def create_tables() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("detector", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("enterprise", sa.String(length=128), nullable=True),
        sa.Column("chemical", sa.String(length=3), nullable=True),
        sa.Column("raised_us", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_enterprise_raised_us", "alert", ["enterprise", "raised_us"], unique=False)
    op.create_index("ix_alert_raised_us_id", "alert", ["raised_us", "id"], unique=False)
    op.create_index("ix_alert_status_raised_us", "alert", ["status", "raised_us"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", NUMBER, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    op.create_table(
        "enterprise",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprise")),
    )
    op.create_table(
        "entry",
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("received_us", NUMBER, nullable=False),
        sa.Column("effective_us", NUMBER, nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("counterparty", sa.String(length=128), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("receipt_signature", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_entry")),
        sa.UniqueConstraint("event_id", name=op.f("uq_entry_event_id")),
    )
    op.create_index("ix_entry_actor_idx", "entry", ["actor", "idx"], unique=False)
    op.create_index("ix_entry_counterparty_idx", "entry", ["counterparty", "idx"], unique=False)
    op.create_table(
        "epoch",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("idx", NUMBER, nullable=False),
        sa.Column("log_time_us", NUMBER, nullable=False),
        sa.Column("first_idx", NUMBER, nullable=True),
        sa.Column("last_idx", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_epoch")),
        sa.UniqueConstraint("idx", name=op.f("uq_epoch_idx")),
    )
    op.create_table(
        "finding",
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.Column("resolved_by", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("idx", "n", name=op.f("pk_finding")),
    )
    op.create_index("ix_finding_code_idx", "finding", ["code", "idx"], unique=False)
    op.create_index("ix_finding_resolved_by", "finding", ["resolved_by"], unique=False)
    op.create_index("ix_finding_rule_idx", "finding", ["rule", "idx"], unique=False)
    op.create_table(
        "flow_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("refusal_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_position")),
        comment="how far the detectors have read: entries below idx, refusals up to refusal_id",
    )
    op.create_table(
        "item",
        sa.Column("code", sa.String(length=19), nullable=False),
        sa.Column("slot", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=True),
        sa.Column("site", sa.String(length=32), nullable=True),
        sa.Column("quantity", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("parent", sa.String(length=19), nullable=True),
        sa.Column("offered_to", sa.String(length=128), nullable=True),
        sa.Column("waybill", sa.String(length=32), nullable=True),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_item")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_item_holder_code", "item", ["holder", "code"], unique=False)
    op.create_index("ix_item_parent", "item", ["parent"], unique=False)
    op.create_index("ix_item_site_code", "item", ["site", "code"], unique=False)
    op.create_index("ix_item_waybill", "item", ["waybill"], unique=False)
    op.create_table(
        "key",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key")),
    )
    op.create_table(
        "ledger",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger")),
        comment="what never changes: origin, label host, form",
    )
    op.create_table(
        "licence",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("epoch_number", NUMBER, nullable=False),
        sa.Column("epoch_index", NUMBER, nullable=False),
        sa.Column("log_time_us", NUMBER, nullable=False),
        sa.Column("registry_index", NUMBER, nullable=False),
        sa.Column("subjects", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
        comment="one row; its lock orders all writers",
    )
    op.create_table(
        "opening",
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("idx", "n", name=op.f("pk_opening")),
        comment="personal values; the only facts that may be deleted",
    )
    op.create_table(
        "payload",
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_payload")),
    )
    op.create_table(
        "refusal",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at_size", NUMBER, nullable=False),
        sa.Column("received_us", NUMBER, nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("enterprise", sa.String(length=128), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
        comment="validly signed statements that were refused, kept as evidence",
    )
    op.create_index("ix_refusal_enterprise_id", "refusal", ["enterprise", "id"], unique=False)
    op.create_index("ix_refusal_event_id", "refusal", ["event_id"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "subject_entry",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("effect", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "idx", name=op.f("pk_subject_entry")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subject_head",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("idx", NUMBER, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("effective_us", NUMBER, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_subject_head")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", NUMBER, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name=op.f("pk_tile")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", NUMBER, nullable=False),
        sa.Column("revoked_us", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_token_digest")),
        comment="bearer tokens: SHA-256 of 256 random bits, never the token",
    )
    op.create_table(
        "watch",
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("detector", sa.String(length=8), nullable=False),
        sa.Column("due_us", NUMBER, nullable=True),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_watch")),
    )
    op.create_table(
        "waybill",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("carrier", sa.String(length=128), nullable=False),
        sa.Column("vehicle", sa.String(length=16), nullable=False),
        sa.Column("consignor", sa.String(length=128), nullable=False),
        sa.Column("consignee", sa.String(length=128), nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_waybill")),
    )
    op.create_index("ix_waybill_last_idx", "waybill", ["last_idx"], unique=False)
    op.create_index("ix_waybill_vehicle_state", "waybill", ["vehicle", "state"], unique=False)


def downgrade() -> None:
    message = "migrations go forward only: restore a backup, see docs/runbooks/restore.md"
    raise RuntimeError(message)
