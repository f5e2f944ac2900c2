"""${message}

Forward only. Import nothing of chemtrace here: this file must still run in five years. Keep locks short; a table
rebuilt on SQLite loses its triggers, so create its guards again in the same migration.

Revision: ${up_revision}
Follows: ${down_revision | comma,n}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    message = "migrations go forward only: restore a backup, see docs/runbooks/restore.md"
    raise RuntimeError(message)
