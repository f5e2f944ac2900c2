"""Create the tables of subject trees, of the map's pages, of cosignatures and of evidence for forks.

Forward only. Import nothing of chemtrace here: this file must still run in five years. Trees and pages are folds over
the entries and start empty: the first epoch after this migration makes them of all entries there are.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Rows of these never change; the values name what a second row of the same identity would collide with.
APPEND_ONLY = {
    "cosignature": "size = NEW.size AND name = NEW.name AND key_hash = NEW.key_hash",
    "fork_evidence": "id = NEW.id",
}


# Indexes over columns that are mostly empty: rows without a value leave them, and are spared at every change.
FILLED = {
    "ix_entry_counterparty_idx": ("entry", ["counterparty", "idx"]),
    "ix_item_parent": ("item", ["parent"]),
    "ix_item_site_code": ("item", ["site", "code"]),
    "ix_item_waybill": ("item", ["waybill"]),
}


def upgrade() -> None:
    create_tables()
    narrow_indexes()
    if op.get_bind().dialect.name == "sqlite":
        guard_sqlite()
    else:
        guard_postgresql()


def narrow_indexes() -> None:
    for name, (table, columns) in FILLED.items():
        filled = sa.text(f"{columns[0]} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=filled, postgresql_where=filled)


def guard_sqlite() -> None:
    for table, same in APPEND_ONLY.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
        op.execute(f"CREATE TRIGGER guard_{table}_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER guard_{table}_delete BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE removes the old row without firing a delete trigger.
        exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  # constants above
        op.execute(f"CREATE TRIGGER guard_{table}_replace BEFORE INSERT ON {table} {exists} {refuse}")


def guard_postgresql() -> None:
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER guard_{table} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def create_tables() -> None:
    op.create_table(
        "subject_tree",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.Column("last_idx", NUMBER, nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_subject_tree")),
        comment="the tree of each subject's entries, as far as appending needs it",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "map_page",
        sa.Column("path", sa.String(length=64), nullable=False),
        sa.Column("version", NUMBER, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("path", "version", name=op.f("pk_map_page")),
        comment="pages of the subject map; version: index of the epoch record that first commits this content",
    )
    op.create_table(
        "cosignature",
        sa.Column("size", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("added_us", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("size", "name", "key_hash", name=op.f("pk_cosignature")),
        comment="lines that witnesses added to the checkpoint of a size",
    )
    op.create_table(
        "fork_evidence",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("found_us", NUMBER, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("first_note", sa.LargeBinary(), nullable=False),
        sa.Column("second_note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fork_evidence")),
        comment="two checkpoints that contradict each other, kept as evidence",
    )


def downgrade() -> None:
    message = "migrations go forward only: restore a backup, see docs/runbooks/restore.md"
    raise RuntimeError(message)
