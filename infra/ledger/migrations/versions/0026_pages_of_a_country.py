"""Indexes by which the pages of the console look up a learner, a file or a deed among those of a country

Each was a look at every row of a table: of entries that have ended, registrations, files of a series, deeds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_submissions_series",
        "submissions",
        ["series", "awarding_body", "received", "id"],
        postgresql_include=["outcome"],
    )
    op.create_index("ix_submissions_received", "submissions", ["received", "id"])
    op.create_index("ix_submissions_sha256", "submissions", ["sha256"], postgresql_where=sa.text("booked"))
    op.drop_index("ix_findings_code", "findings")
    op.create_index("ix_findings_code", "findings", ["code", "submission_id"])
    op.create_index("ix_registrations_uci", "registrations", ["uci"])
    op.create_index("ix_entries_ended_uci", "entries", ["uci"], postgresql_where=sa.text("ended_by IS NOT NULL"))
    op.drop_index("ix_choices_awarding", "choices")
    op.create_index("ix_choices_awarding", "choices", ["awarding_id", "centre"], postgresql_using="brin")
    op.create_index("ix_actions_action", "actions", ["action", "at"])
    op.create_index("ix_actions_who", "actions", ["who", "how"])
    op.create_index("ix_actions_at", "actions", ["at"])


def downgrade() -> None:
    """Takes it back."""
    for name in ("at", "who", "action"):
        op.drop_index(f"ix_actions_{name}", "actions")
    op.drop_index("ix_choices_awarding", "choices")
    op.create_index("ix_choices_awarding", "choices", ["awarding_id"], postgresql_using="brin")
    op.drop_index("ix_entries_ended_uci", "entries")
    op.drop_index("ix_registrations_uci", "registrations")
    op.drop_index("ix_findings_code", "findings")
    op.create_index("ix_findings_code", "findings", ["code"])
    op.drop_index("ix_submissions_sha256", "submissions")
    op.drop_index("ix_submissions_received", "submissions")
    op.drop_index("ix_submissions_series", "submissions")
