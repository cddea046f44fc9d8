"""The seal: what was decided is hashed row by row into one chain, and states become rows (OPS-7)

Functions, triggers and the seals of the rows that are there come from `infra.ledger.sealed`, after the last migration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _awarding() -> sa.Column[int]:
    return sa.Column("awarding_id", sa.BigInteger(), nullable=False, comment="of the table of awardings")


def upgrade() -> None:
    _seals()
    op.create_table(
        "frozen_rows",
        _id(),
        _awarding(),
        sa.Column("table_name", sa.Text(), nullable=False, comment="results, awards or choices"),
        sa.Column(
            "edition", sa.Integer(), nullable=False, comment="1; the next ones after learners were forgotten (OPS-9)"
        ),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the rows in their canonical form and order"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_rows")),
        sa.UniqueConstraint(
            "awarding_id", "table_name", "edition", name=op.f("uq_frozen_rows_awarding_id_table_name_edition")
        ),
    )
    op.create_table(
        "frozen_sums",
        sa.Column("frozen_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "sums",
            sa.LargeBinary(),
            nullable=False,
            comment="CRC-32 of each row, 4 bytes: by these a changed row is found",
        ),
        sa.ForeignKeyConstraint(["frozen_id"], ["frozen_rows.id"], name=op.f("fk_frozen_sums_frozen_id_frozen_rows")),
        sa.PrimaryKeyConstraint("frozen_id", name=op.f("pk_frozen_sums")),
    )
    op.create_table(
        "published_files",
        _id(),
        _awarding(),
        sa.Column("place", sa.Text(), nullable=False, comment="the key it was published under"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_files")),
        sa.UniqueConstraint("awarding_id", "place", name=op.f("uq_published_files_awarding_id_place")),
    )
    op.create_table(
        "audits",
        _id(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False, comment="everything was looked at, not only what was new"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="of the last seal it looked at"),
        sa.Column("head", sa.Text(), nullable=False, comment="of the chain then"),
        sa.Column("found", postgresql.JSONB(), nullable=False, comment="what differs; empty: nothing"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
    )
    op.execute(
        """
        INSERT INTO published_files (awarding_id, place, sha256, size, at)
        SELECT awarding_id, place, sha256, size, published_at FROM release_files
        WHERE published_at IS NOT NULL ORDER BY published_at, awarding_id, place
        """
    )


def _seals() -> None:
    op.create_table(
        "seals",
        _id(),
        sa.Column(
            "number",
            sa.BigInteger(),
            nullable=True,
            comment="place in the chain, from 1; null: the desk did not add the rows",
        ),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False, comment="that were hashed, in order"),
        sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=False, comment="of the rows"),
        sa.Column(
            "digests",
            sa.LargeBinary(),
            nullable=True,
            comment="16 bytes for each row; null: another seal replaces this one (OPS-9)",
        ),
        sa.Column("content_sha256", sa.Text(), nullable=False, comment="of columns, keys and digests"),
        sa.Column(
            "replaces",
            sa.BigInteger(),
            nullable=True,
            comment="the place of the seal whose rows it seals anew, without who it was",
        ),
        sa.Column("head", sa.Text(), nullable=True, comment="SHA-256 of the head before it and of this seal"),
        sa.Column(
            "transaction", sa.BigInteger(), nullable=True, comment="in which the rows were added, until it has a place"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seals")),
        sa.UniqueConstraint("number", name=op.f("uq_seals_number")),
    )
    op.create_index("ix_seals_unchained", "seals", ["transaction"], postgresql_where=sa.text("number IS NULL"))
    op.create_index("ix_seals_table_name", "seals", ["table_name", "number"])
    op.create_table(
        "states",
        _id(),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of the row that is in this state"),
        sa.Column("said", postgresql.JSONB(), nullable=False, comment="the columns that may change, from now on"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_states")),
    )
    op.create_index("ix_states_key", "states", ["table_name", "key"])


def downgrade() -> None:
    """Takes the triggers away first: they would refuse it."""
    op.execute(
        """
        DO $$ DECLARE f regprocedure; BEGIN
            FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p
                     WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'seal\\_%' LOOP
                EXECUTE 'DROP FUNCTION ' || f || ' CASCADE';
            END LOOP;
        END $$
        """
    )
    for table in ("audits", "published_files", "frozen_sums", "frozen_rows", "states", "seals"):
        op.drop_table(table)
