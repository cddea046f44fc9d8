"""The moderator's marks are only added to, and a change of state keeps what stood there before (OPS-7)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the moderator's marks over from the samples in force."""
    op.add_column("states", sa.Column("was", postgresql.JSONB(), nullable=True, comment="what they said before"))
    op.create_table(
        "moderator_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cohort_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column(
            "mark",
            sa.Integer(),
            nullable=True,
            comment="raw mark (MOD-2), the last row counts; null: no longer in the sample",
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_moderator_marks_cohort_id_cohorts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderator_marks")),
    )
    op.create_index("ix_moderator_marks_cohort", "moderator_marks", ["cohort_id"])
    op.execute(
        "INSERT INTO moderator_marks (cohort_id, candidate, mark) SELECT cohort_id, candidate, moderated_mark "
        "FROM samples WHERE moderated_mark IS NOT NULL ORDER BY cohort_id, candidate"
    )


def downgrade() -> None:
    """Takes the triggers away first: they name these columns."""
    op.execute(
        """
        DO $$ DECLARE f regprocedure; BEGIN
            FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p
                     WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'seal\\_%' LOOP
                EXECUTE 'DROP FUNCTION ' || f || ' CASCADE';
            END LOOP;
        END $$
        """
    )
    op.drop_table("moderator_marks")
    op.drop_column("states", "was")
