"""UCIs by the file that corrected them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the index by which the centres are found that a file's corrections concern (REG-8)."""
    op.create_index(
        "ix_learner_ucis_submission_id", "learner_ucis", ["submission_id"], postgresql_where=sa.text("until IS NULL")
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_index("ix_learner_ucis_submission_id", "learner_ucis")
