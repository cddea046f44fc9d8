"""Which letters centres have fetched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of letters fetched."""
    op.create_table(
        "letters_fetched",
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of a letter or list in the centre's outbox"),
        sa.Column(
            "written", sa.DateTime(timezone=True), nullable=False, comment="when it was: a letter may be written anew"
        ),
        sa.Column(
            "fingerprint", sa.Text(), nullable=False,
            comment="of the key it was fetched with; centre_keys has whose",
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), nullable=False, comment="when the last byte was fetched, the first time"
        ),
        sa.PrimaryKeyConstraint("centre", "name", "written", "fingerprint", name=op.f("pk_letters_fetched")),
    )  # fmt: skip


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("letters_fetched")
