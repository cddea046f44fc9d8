"""The journal's comment names the module that declares jobs"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_BEFORE, _AFTER = "one of pipeline.journal.JOBS", "one of those that pipeline.jobs declares"


def upgrade() -> None:
    """Names `pipeline.jobs`."""
    op.alter_column("journal", "job", comment=_AFTER, existing_comment=_BEFORE)


def downgrade() -> None:
    """Names where they were declared before."""
    op.alter_column("journal", "job", comment=_BEFORE, existing_comment=_AFTER)
