"""What staff enter is on record with the feed file it goes in by, so that none is lost between the two (OPS-3)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the file; those of earlier actions have been written."""
    op.add_column("actions", sa.Column("feed", sa.Text(), comment="that file, which is written again if it was not"))
    op.alter_column("actions", "action", comment="what was done, in a word (OPS-3)")


def downgrade() -> None:
    """Forgets the files."""
    op.alter_column("actions", "action", comment="what was done (OPS-3), one of rules.actions.ACTIONS")
    op.drop_column("actions", "feed")
