"""What people have been alerted of, and when the jobs that run every few minutes last succeeded"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text(), nullable=False, comment="what it is about; what has the same key is said once"),
        sa.Column("code", sa.Text(), nullable=False, comment="one of pipeline.watching.alerts.ALERTS"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it was first seen"),
        sa.Column(
            "said",
            sa.Text(),
            nullable=False,
            comment="what happened, in a sentence: counts, codes and identifiers only",
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True, comment="null: nobody has been told yet"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alerts")),
    )
    op.create_table(
        "beats",
        sa.Column("job", sa.Text(), nullable=False, comment="what runs every few minutes: ingest, watch"),
        sa.Column("first", sa.DateTime(timezone=True), nullable=False, comment="when it first succeeded"),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False, comment="when it last succeeded"),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_beats")),
    )
