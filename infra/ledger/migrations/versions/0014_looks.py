"""The ledger knows when a version was compared with it, and which centres a release passed over (AWD-5)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the looks at versions and the centres that were kept back."""
    op.create_table(
        "kept_back",
        sa.Column("awarding_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "centre", sa.Text(), nullable=False, comment="whose results of this version are never issued (AWD-5)"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when the release passed it over"),
        sa.Column("learners", sa.Integer(), nullable=False, comment="of whom the ledger said something else then"),
        sa.ForeignKeyConstraint(["awarding_id"], ["awardings.id"], name=op.f("fk_kept_back_awarding_id")),
        sa.PrimaryKeyConstraint("awarding_id", "centre", name=op.f("pk_kept_back")),
    )
    op.create_table(
        "looks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("awarding_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when ledger and version were compared (AWD-5)",
        ),
        sa.Column("centres", JSONB(), nullable=False, comment="learners of whom they differ, by centre; empty: none"),
        sa.ForeignKeyConstraint(["awarding_id"], ["awardings.id"], name=op.f("fk_looks_awarding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
    )
    op.create_index("ix_looks_awarding", "looks", ["awarding_id"])


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("looks")
    op.drop_table("kept_back")
