"""An index for the sittings of learners"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index."""
    op.create_index("ix_entries_uci", "entries", ["uci"], postgresql_where=sa.text("ended_by IS NULL"))


def downgrade() -> None:
    """Removes it."""
    op.drop_index("ix_entries_uci", table_name="entries", postgresql_where=sa.text("ended_by IS NULL"))
