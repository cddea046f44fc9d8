"""Keys with which centres log in to the landing service"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "centre_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False, comment="who logs in to the landing service with it"),
        sa.Column("kind", sa.Text(), nullable=False, comment="for example ssh-ed25519"),
        sa.Column("public_key", sa.Text(), nullable=False, comment="kind and data, as in an OpenSSH public key file"),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="SHA256:..., as ssh-keygen -l prints it"),
        sa.Column("comment", sa.Text(), nullable=False, comment="whose key it is, in the centre's words"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_why", sa.Text(), nullable=False),
        sa.Column(
            "ends_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="not valid from here on: rotated out; null: open",
        ),
        sa.Column("ends_by", sa.Text(), nullable=True),
        sa.Column("ends_why", sa.Text(), nullable=True),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="not valid from here on; null: not removed",
        ),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_keys")),
    )
    op.create_index(
        "uq_centre_keys_held",
        "centre_keys",
        ["centre", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
