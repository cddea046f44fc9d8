"""What people decide about held files; indexes for the console"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold_decisions",
        sa.Column("submission_id", sa.BigInteger(), nullable=False, comment="the held file"),
        sa.Column(
            "successor_id",
            sa.BigInteger(),
            nullable=False,
            comment="the same file once more, by which it is decided and answered",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="again, ignore or release"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name=op.f("fk_hold_decisions_submission_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["submissions.id"], name=op.f("fk_hold_decisions_successor_id")),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_hold_decisions")),
        sa.UniqueConstraint("successor_id", name=op.f("uq_hold_decisions_successor_id")),
    )
    op.create_index(
        "ix_submissions_held", "submissions", ["centre"], postgresql_where=sa.text("outcome = 'quarantined'")
    )
    for table in ("entries", "registrations"):
        op.create_index(f"ix_{table}_ended", table, ["centre"], postgresql_where=sa.text("ended_by IS NOT NULL"))
