"""Dates of the calendar that staff have set (CAL-7)

The calendar file of the catalogue stays the seed. What staff set is a version of its own, in force once confirmed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_changes",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="for people; without gaps"),
        sa.Column("series", sa.Text(), nullable=False, comment="year and month, for example 2024-06"),
        sa.Column("event", sa.Text(), nullable=False, comment="one of rules.calendar.EVENTS"),
        sa.Column(
            "component",
            sa.Text(),
            nullable=False,
            comment="a component's code; *: every one without a date of its own",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="Europe/London"),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="in force from; null: from when it is confirmed",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it was asked for"),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "decision",
            sa.Text(),
            nullable=True,
            comment="confirmed or dropped; null: it waits, and nothing of it is in force",
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_who", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calendar_changes")),
    )


def downgrade() -> None:
    op.drop_table("calendar_changes")
