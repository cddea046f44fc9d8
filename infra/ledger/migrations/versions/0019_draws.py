"""Every draw of a sample is kept, with the reason for it (MOD-3)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, and in it the draws made before: all of them at the deadline."""
    op.create_table(
        "draws",
        sa.Column("cohort_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="1, 2, ... of this cohort; the last is in force (MOD-3)"
        ),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="highest, lowest or drawn"),
        sa.Column("centre_mark", sa.Integer(), nullable=False, comment="raw mark at the draw"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "why", sa.Text(), nullable=False, comment="deadline, all_marked or complete; of a later draw, in words"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_draws_cohort_id_cohorts")),
        sa.PrimaryKeyConstraint("cohort_id", "number", "uci", name=op.f("pk_draws")),
    )
    op.execute(
        """
        INSERT INTO draws (cohort_id, number, uci, candidate, reason, centre_mark, drawn_at, why)
        SELECT c.id, 1, s.uci, s.candidate, s.reason, s.centre_mark, c.sampled_at, 'deadline'
        FROM cohorts AS c JOIN samples AS s ON s.cohort_id = c.id
        """
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("draws")
