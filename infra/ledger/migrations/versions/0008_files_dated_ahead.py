"""Files dated ahead of the clock are one and the same when an interrupted run is repeated (FIL-5)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BEFORE = "uq_submissions_landing_key_received_sha256"
AFTER = "uq_submissions_landing_key_modified_sha256"


def upgrade() -> None:
    """Adds the time in the store, which until now was the receipt of all but the files dated ahead."""
    op.add_column(
        "submissions",
        sa.Column(
            "modified",
            sa.DateTime(timezone=True),
            comment="when the store says it was written: later than the receipt where its clock ran ahead",
        ),
    )
    op.execute("UPDATE submissions SET modified = received")
    op.alter_column("submissions", "modified", nullable=False)
    op.drop_constraint(op.f(BEFORE), "submissions")
    op.create_unique_constraint(op.f(AFTER), "submissions", ["landing_key", "modified", "sha256"])


def downgrade() -> None:
    """Makes the receipt the identity again."""
    op.drop_constraint(op.f(AFTER), "submissions")
    op.create_unique_constraint(op.f(BEFORE), "submissions", ["landing_key", "received", "sha256"])
    op.drop_column("submissions", "modified")
