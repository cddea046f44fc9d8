"""Which limits of the landing service were reached, by centre and hour"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of limits that were reached."""
    op.create_table(
        "door_limits",
        sa.Column("name", sa.Text(), nullable=False, comment="one of infra.landing.limits.LIMITS that was reached"),
        sa.Column("centre", sa.Text(), nullable=False, comment="by whom; empty: by somebody who had not logged in"),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False, comment="in the hour that begins then"),
        sa.Column("times", sa.BigInteger(), nullable=False, comment="how often"),
        sa.PrimaryKeyConstraint("name", "centre", "hour", name=op.f("pk_door_limits")),
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("door_limits")
