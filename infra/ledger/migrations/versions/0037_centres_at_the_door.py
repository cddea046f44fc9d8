"""When a centre was last at the door: logged in, and fetched something"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0034"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the table, a row for each key."""
    op.create_table(
        "door_visits",
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="of the key: one row for each, whatever comes"),
        sa.Column("logged_in", _INSTANT, nullable=False, comment="when it last logged in with it"),
        sa.Column("fetched", _INSTANT, nullable=True, comment="when it last fetched a file; null: never"),
        sa.PrimaryKeyConstraint("centre", "fingerprint", name=op.f("pk_door_visits")),
    )  # fmt: skip


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("door_visits")
