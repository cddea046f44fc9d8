"""Indexes by which a file's questions about learners and centres are answered, however much the ledger holds"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEX, _TABLE = "ix_registrations_uln", "registrations"


def upgrade() -> None:
    """Makes those of marks and awards, and has that of ULNs leave out what has ended, which nobody asks for."""
    op.drop_index(_INDEX, table_name=_TABLE)
    op.create_index(_INDEX, _TABLE, ["uln"], postgresql_where=sa.text("uln <> '' AND ended_by IS NULL"))
    op.create_index("ix_marks_uci", "marks", ["uci"])
    op.create_index("ix_awards_centre", "awards", ["centre"])


def downgrade() -> None:
    """Removes the two, and has that of ULNs hold what has ended."""
    op.drop_index("ix_awards_centre", table_name="awards")
    op.drop_index("ix_marks_uci", table_name="marks")
    op.drop_index(_INDEX, table_name=_TABLE)
    op.create_index(_INDEX, _TABLE, ["uln"], postgresql_where=sa.text("uln <> ''"))
