"""A component whose own date is undone has none again, and so the date of all components"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_BEFORE = "Europe/London"
_NOW = "Europe/London; null: the component is to have no date of its own"


def upgrade() -> None:
    """A change without a day."""
    op.alter_column(
        "calendar_changes", "day", existing_type=sa.Date(), nullable=True, comment=_NOW, existing_comment=_BEFORE
    )


def downgrade() -> None:
    """Takes it back; fails where a component has been given the date of all, which no earlier release knows."""
    op.alter_column(
        "calendar_changes", "day", existing_type=sa.Date(), nullable=False, comment=_BEFORE, existing_comment=_NOW
    )
