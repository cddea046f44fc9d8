"""Conversion tables, awardings with their results, awards and choices, released files; the journal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "awardings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, ... of the results of this series"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="series: everybody's; claims: of learners who claimed later"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the instant whose ledger it awards"),
        sa.Column("conversions_sha256", sa.Text(), nullable=False, comment="of the conversion tables it used"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the results in their canonical order"),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="proposed, built, approved, withdrawn or released"),
        sa.Column(
            "manifest_sha256",
            sa.Text(),
            nullable=True,
            comment="of the manifest of the files built from it, which is what is approved",
        ),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awardings")),
        sa.UniqueConstraint("series", "version", name=op.f("uq_awardings_series_version")),
    )
    op.create_table(
        "conversions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="1, 2, ... of this component's table; nothing is overwritten",
        ),
        sa.Column("raw_max", sa.Integer(), nullable=False),
        sa.Column("ums_max", sa.Integer(), nullable=False),
        sa.Column(
            "boundaries",
            postgresql.JSONB(),
            nullable=False,
            comment="the least raw mark of each grade, the highest grade first",
        ),
        sa.Column("ums", postgresql.JSONB(), nullable=False, comment="UMS by raw mark, from 0"),
        sa.Column("grades", postgresql.JSONB(), nullable=False, comment="grades by raw mark, from 0"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the table in its canonical form"),
        sa.Column(
            "placeholder", sa.Boolean(), nullable=False, comment="the boundaries are ours, nobody published them"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="where the boundaries come from"),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversions")),
        sa.UniqueConstraint("series", "component", "version", name=op.f("uq_conversions_series_component_version")),
    )
    op.create_table(
        "choices",
        sa.Column("awarding_id", sa.BigInteger(), nullable=False, comment="of the table of awardings"),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False, comment="of the sitting"),
        sa.Column("raw", sa.Integer(), nullable=True),
        sa.Column("ums", sa.Integer(), nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False, comment="the sitting is used for the award"),
        sa.Column("why", sa.Text(), nullable=False, comment="the rule's word for it"),
    )
    op.create_index("ix_choices_awarding", "choices", ["awarding_id"], unique=False, postgresql_using="brin")
    op.create_table(
        "release_files",
        sa.Column("awarding_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False, comment="the key it is published under"),
        sa.Column("embargoed", sa.Text(), nullable=False, comment="the key it waits under, which no centre can read"),
        sa.Column("audience", sa.Text(), nullable=False, comment="centres or learners: whose instant publishes it"),
        sa.Column("centre", sa.Text(), nullable=False, comment="empty: of all centres"),
        sa.Column(
            "awarding_body", sa.Text(), server_default=sa.text("''"), nullable=False, comment="of a results file"
        ),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column(
            "sequence", sa.Integer(), nullable=True, comment="of a results file, counted by centre and awarding body"
        ),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["awarding_id"], ["awardings.id"], name=op.f("fk_release_files_awarding_id")),
        sa.PrimaryKeyConstraint("awarding_id", "place", name=op.f("pk_release_files")),
    )
    op.create_index(
        "ix_release_files_unpublished",
        "release_files",
        ["awarding_id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_index(
        "uq_release_files_sequence",
        "release_files",
        ["centre", "awarding_body", "sequence"],
        unique=True,
        postgresql_where=sa.text("sequence IS NOT NULL"),
    )
    op.create_table(
        "results",
        sa.Column("awarding_id", sa.BigInteger(), nullable=False, comment="of the table of awardings"),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("raw", sa.Integer(), nullable=True, comment="null when absent or pending"),
        sa.Column("status", sa.Text(), nullable=False, comment="of the mark: empty, A or N"),
        sa.Column("mark_id", sa.BigInteger(), nullable=True, comment="the version of the mark; null: there is none"),
        sa.Column("ums", sa.Integer(), nullable=True, comment="null when pending; 0 when absent (AWD-4)"),
        sa.Column("grade", sa.Text(), nullable=False, comment="empty when pending"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="graded, absent or pending"),
    )
    op.create_index("ix_results_awarding", "results", ["awarding_id"], unique=False, postgresql_using="brin")
    op.create_table(
        "awards",
        sa.Column("awarding_id", sa.BigInteger(), nullable=False, comment="of the table of awardings"),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("cash_in", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False, comment="the entry of the cash-in code"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False, comment="receipt of the claim"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ums", sa.Integer(), nullable=True, comment="null when not awarded"),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="awarded, not_eligible or pending"),
        sa.Column("reason", sa.Text(), nullable=False, comment="empty when awarded"),
        sa.Column("about", sa.Text(), nullable=False, comment="components the reason is about, by comma"),
        sa.Column(
            "partial_absence", sa.Boolean(), nullable=False, comment="absent from a component, which counts as 0 UMS"
        ),
        sa.Column("performance", sa.Boolean(), nullable=False, comment="the one for performance tables (CRT-4)"),
    )
    op.create_index("ix_awards_awarding", "awards", ["awarding_id"], unique=False, postgresql_using="brin")
    op.create_index("ix_awards_uci", "awards", ["uci"], unique=False)
    op.drop_index("uq_submissions_content", table_name="submissions")
    op.create_index(
        "uq_submissions_content",
        "submissions",
        ["centre", "sha256"],
        unique=True,
        postgresql_where=sa.text("booked AND channel = 'edi'"),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the instant the job was run for"),
        sa.Column("job", sa.Text(), nullable=False, comment="one of pipeline.journal.JOBS"),
        sa.Column("arguments", postgresql.JSONB(), nullable=False, comment="what it was run with, besides the instant"),
        sa.Column("taken", postgresql.JSONB(), nullable=False, comment="feed files it took in: key, receipt, SHA-256"),
        sa.Column(
            "landed",
            sa.BigInteger(),
            nullable=True,
            comment="id of the last submission when a job that receives had ended",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
