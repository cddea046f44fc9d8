"""Corrections of issued results, and the register of certificates (RES-7, CRT-8)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables; nothing has been corrected before."""
    op.create_table(
        "corrections",
        sa.Column(
            "number",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="1, 2, ... in the order they were opened",
        ),
        sa.Column("series", sa.Text(), nullable=False, comment="year and month of the results it is about (RES-7)"),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="SHA-256 of the feed file that opened it; empty: a person did"
        ),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False, comment="who opened it"),
        sa.Column(
            "how", sa.Text(), nullable=False, comment="how the desk knows them: console, account, desk or played"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_corrections")),
    )
    op.create_table(
        "correction_subjects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False, comment="empty: of every centre"),
        sa.Column("candidate", sa.Text(), nullable=False, comment="empty: everybody"),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column(
            "given",
            sa.Text(),
            nullable=False,
            comment="the mark or the boundaries that arrived; empty: a person opened it",
        ),
        sa.ForeignKeyConstraint(
            ["number"], ["corrections.number"], name=op.f("fk_correction_subjects_number_corrections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_subjects")),
    )
    op.create_index("ix_correction_subjects_number", "correction_subjects", ["number"])
    op.create_table(
        "correction_states",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="open, proposed, approved, rejected or done; the last row counts",
        ),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="one of rules.corrections.KINDS; empty: nobody has said yet"
        ),
        sa.Column("consent", sa.Date(), nullable=True, comment="day of the learner's consent"),
        sa.Column(
            "outcome", sa.Text(), nullable=False, comment="in words of rules.terms: confirmed, raised, lowered, voided"
        ),
        sa.Column(
            "plan",
            postgresql.JSONB(),
            nullable=False,
            comment="what is proposed: marks, boundaries, and who is left higher",
        ),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of its whole effect"),
        sa.Column(
            "files",
            postgresql.JSONB(),
            nullable=False,
            comment="SHA-256 of the pages that show the effect, by their keys",
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["corrections.number"], name=op.f("fk_correction_states_number_corrections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_states")),
    )
    op.create_index("ix_correction_states_number", "correction_states", ["number"])
    op.create_table(
        "correction_effects",
        sa.Column("number", sa.Integer(), nullable=False, comment="of the correction"),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="component or cash-in code"),
        sa.Column("raw_before", sa.Integer(), nullable=True),
        sa.Column("raw", sa.Integer(), nullable=True),
        sa.Column("ums_before", sa.Integer(), nullable=True),
        sa.Column("ums", sa.Integer(), nullable=True),
        sa.Column("grade_before", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("outcome_before", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False, comment="up, down or same"),
        sa.Column(
            "choice", sa.Text(), nullable=False, comment="corrected, or left_higher: the result stays as it was issued"
        ),
        sa.Column(
            "performance", sa.Boolean(), nullable=False, comment="an award that counts in performance tables (CRT-4)"
        ),
    )
    op.create_index("ix_correction_effects_centre", "correction_effects", ["centre", "candidate"])
    op.create_index("ix_correction_effects_number", "correction_effects", ["number"])
    op.create_table(
        "certificates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="of the certificate: series and six digits (CRT-8)"),
        sa.Column("state", sa.Text(), nullable=False, comment="due or recalled; the last row of a number counts"),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("cash_in", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column(
            "replaces", sa.Text(), nullable=False, comment="number of the certificate in whose place it comes; or empty"
        ),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_index("ix_certificates_series", "certificates", ["series"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("certificates")
    op.drop_table("correction_effects")
    op.drop_table("correction_states")
    op.drop_table("correction_subjects")
    op.drop_table("corrections")
