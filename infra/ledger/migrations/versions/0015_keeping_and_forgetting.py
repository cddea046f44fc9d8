"""What was removed because it is no longer kept, and learners who were forgotten (OPS-9)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removals",
        sa.Column("key", sa.Text(), nullable=False, comment="of a file of the store that is no longer kept (OPS-9)"),
        sa.Column("kind", sa.Text(), nullable=False, comment="one of rules.keeping.KEEPING"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the instant for which it was removed"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_removals")),
    )
    op.create_table(
        "erasures",
        sa.Column(
            "number",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="1, 2, ...: it is in the stand-in's UCI",
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the instant for which the learner was forgotten",
        ),
        sa.Column(
            "last", sa.DateTime(timezone=True), nullable=False, comment="the last thing on record about the learner"
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasures")),
    )


def downgrade() -> None:
    op.drop_table("erasures")
    op.drop_table("removals")
