"""Approvals are acts of the desk: what was shown, who approved it, when and how they were known (OPS-4)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds proposals and what people said about them; what was approved before stays approved."""
    op.create_table(
        "proposals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="boundaries, results, adjustment ... (OPS-4)"),
        sa.Column("subject", sa.Text(), nullable=False, comment="which, in the words of its kind"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of exactly what is shown to whoever decides"),
        sa.Column("people", sa.Integer(), nullable=False, comment="how many must approve it"),
        sa.Column("counts", sa.Boolean(), nullable=False, comment="whether who has put it forward is one of them"),
        sa.Column("who", sa.Text(), nullable=False, comment="who has put it forward"),
        sa.Column(
            "how", sa.Text(), nullable=False, comment="how the desk knows them: console, account, desk or played"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="by the desk's clock"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_kind_subject", "proposals", ["kind", "subject"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("proposal_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False, comment="approved or rejected"),
        sa.Column("people", sa.Integer(), nullable=False, comment="how many were asked for when this was said"),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False, comment="how the desk knows them: console, account or played"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="by the desk's clock"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_approvals_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("proposal_id", "who", "verdict", name=op.f("uq_approvals_proposal_id_who_verdict")),
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("approvals")
    op.drop_table("proposals")
