"""Centres are told what is new in their outboxes, and a webhook what became of each file"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the column of the register, empty as nobody has asked for it, and the tables of what was told."""
    told = "who is told what is new in the outbox: an e-mail address or https://...; empty: nobody"
    op.add_column("centres", sa.Column("told", sa.Text(), nullable=False, server_default=sa.text("''"), comment=told))
    op.create_table(
        "notices",
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of a file in its outbox"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of that file: what says the same is told once"),
        sa.Column("written", _INSTANT, nullable=False, comment="when the store last saw it written"),
        sa.Column("kind", sa.Text(), nullable=False, comment="one of pipeline.watching.news.KINDS"),
        sa.Column(
            "words", sa.Text(), nullable=False,
            comment="the line that the centre is told: identifiers and outcomes only",
        ),
        sa.Column("seen", _INSTANT, nullable=False, comment="when the desk first saw it"),
        sa.Column("tried_at", _INSTANT, nullable=True, comment="when the centre was last to be told and was not"),
        sa.Column("answer", sa.Text(), nullable=True, comment="what came of that"),
        sa.Column(
            "refused", sa.Boolean(), nullable=False, server_default=sa.text("false"), comment="nobody takes it there"
        ),
        sa.Column("sent_at", _INSTANT, nullable=True, comment="null: the centre has not been told yet"),
        sa.PrimaryKeyConstraint("centre", "name", "sha256", name=op.f("pk_notices")),
    )  # fmt: skip
    op.create_index("ix_notices_waiting", "notices", ["centre"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_table(
        "events_posted",
        sa.Column(
            "submission_id", sa.BigInteger(), nullable=False,
            comment="whose outcome was posted to the desk's own webhook",
        ),
        sa.Column("at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_events_posted_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_events_posted")),
    )  # fmt: skip


def downgrade() -> None:
    """Takes it back; what watches over the column goes first."""
    op.drop_table("events_posted")
    op.drop_table("notices")
    op.execute("DROP TRIGGER IF EXISTS seal_same ON centres")
    op.drop_column("centres", "told")
