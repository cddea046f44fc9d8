"""Channels, staff actions, marks, moderation, checkpoints"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="what was done (OPS-3), one of rules.actions.ACTIONS"),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column(
            "series", sa.Text(), server_default=sa.text("''"), nullable=False, comment="year and month; empty: all"
        ),
        sa.Column("uci", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "option",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="component, cash-in or registration code",
        ),
        sa.Column(
            "event",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="milestone that an extension moves",
        ),
        sa.Column(
            "until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="an extension's new end: the first instant after it",
        ),
        sa.Column("number", sa.Integer(), nullable=True, comment="of extra sittings granted"),
        sa.Column(
            "file_name",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="of the feed file it went in by",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )
    op.create_index("ix_actions_centre", "actions", ["centre", "action"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column(
            "event", sa.Text(), nullable=False, comment="on_time_deadline, window_closes, marks_deadline or award"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the instant it speaks of"),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="learners by reason, and centres that are silent",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
        sa.UniqueConstraint("series", "event", "at", name=op.f("uq_checkpoints_series_event_at")),
    )
    op.create_table(
        "cohorts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="sampled, agreed, feedback, proposed, adjusted"),
        sa.Column("size", sa.Integer(), nullable=False, comment="learners with a mark when the sample was drawn"),
        sa.Column(
            "tolerance",
            sa.Integer(),
            nullable=True,
            comment="raw marks; null until the moderator's marks have been compared",
        ),
        sa.Column(
            "difference",
            sa.Integer(),
            nullable=True,
            comment="largest difference in the sample, moderator's mark less centre's",
        ),
        sa.Column(
            "adjustment",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the points of the proposed adjustment: centre mark to moderated mark",
        ),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "feedback_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="marks may be amended before this (MRK-2)",
        ),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        sa.UniqueConstraint("centre", "series", "component", name=op.f("uq_cohorts_centre_series_component")),
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="1, 2, ... of this learner's mark; nothing is overwritten (MRK-2)",
        ),
        sa.Column("stage", sa.Text(), nullable=False, comment="submitted, amended, adjusted or external"),
        sa.Column("mark", sa.Integer(), nullable=True, comment="raw mark; null when there is none"),
        sa.Column("status", sa.Text(), nullable=False, comment="empty marked, A absent, N not yet available"),
        sa.Column(
            "tasks", sa.Text(), server_default=sa.text("''"), nullable=False, comment="raw marks of the tasks, by comma"
        ),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of the file or feed it came in, or the moderation's id",
        ),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint(
            "centre", "series", "uci", "component", "version", name=op.f("uq_marks_centre_series_uci_component_version")
        ),
    )
    op.create_index("ix_marks_series_component", "marks", ["series", "component"], unique=False)
    op.create_table(
        "samples",
        sa.Column("cohort_id", sa.BigInteger(), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="highest, lowest or drawn"),
        sa.Column("centre_mark", sa.Integer(), nullable=False, comment="raw mark when the sample was drawn"),
        sa.Column("moderated_mark", sa.Integer(), nullable=True, comment="the moderator's"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_samples_cohort_id")),
        sa.PrimaryKeyConstraint("cohort_id", "uci", name=op.f("pk_samples")),
    )
    op.add_column(
        "submissions",
        sa.Column(
            "channel", sa.Text(), server_default=sa.text("'edi'"), nullable=False, comment="edi, online or staff"
        ),
    )
