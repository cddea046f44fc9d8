"""Which files of an ingest each of several decides"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, which is empty but while an ingest is shared."""
    op.create_table(
        "shares",
        sa.Column("submission_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "shard", sa.Integer(), nullable=True,
            comment="of centres, the ingest of which decides it by itself; null: it is left to the last",
        ),
        sa.Column("turn", sa.Integer(), nullable=False, comment="files of one turn would be decided together by one"),
        sa.Column("place", sa.Integer(), nullable=False, comment="among the files of its turn"),
        sa.Column(
            "orders", sa.BigInteger(), nullable=False, comment="so many orders about who learners are were known"
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), nullable=False, comment="the instant for which the files were taken in"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_shares_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_shares")),
    )  # fmt: skip


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("shares")
