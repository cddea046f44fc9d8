"""The journal tells jobs that died from those that ended, and has their feed files (RES-6)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds whether a job ended; an earlier one that died has no file on record, and counts as ended."""
    ended: sa.Column[bool] = sa.Column(
        "ended", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="the job came to its end"
    )
    op.add_column("journal", ended)
    op.execute("UPDATE journal SET ended = true")


def downgrade() -> None:
    """Takes it back."""
    op.drop_column("journal", "ended")
