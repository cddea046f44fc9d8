"""What centres have moved by file transfer within the day outlasts a restart of the service"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "door_bytes",
        sa.Column("way", sa.Text(), nullable=False, comment="the limit of infra.landing.limits that counts them"),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False, comment="in the hour that begins then"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="moved by the centre"),
        sa.PrimaryKeyConstraint("way", "centre", "hour", name=op.f("pk_door_bytes")),
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("door_bytes")
