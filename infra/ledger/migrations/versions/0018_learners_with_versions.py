"""Learners have details with versions (REG-6), and UCIs that were corrected lead to them (REG-8)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_IN_FORCE = sa.text("until IS NULL")

FILLED = """
    WITH said AS (
        SELECT r.*, s.received,
            (r.name, r.born, r.sex, r.uln, r.upn) IS DISTINCT FROM
            lag((r.name, r.born, r.sex, r.uln, r.upn)) OVER learner AS changed
        FROM registrations r JOIN submissions s ON s.id = r.submission_id
        WINDOW learner AS (PARTITION BY r.centre, r.uci ORDER BY r.id)
    ),
    held AS (
        SELECT r.centre, r.uci, bool_or(r.ended_by IS NULL) AS held, max(e.received) AS ended
        FROM registrations r LEFT JOIN submissions e ON e.id = r.ended_by GROUP BY r.centre, r.uci
    )
    INSERT INTO learner_versions (uci, centre, name, born, sex, uln, upn, submission_id, line, since, until)
    SELECT v.uci, v.centre, v.name, v.born, v.sex, v.uln, v.upn, v.submission_id, v.line, v.received,
        coalesce(lead(v.received) OVER (PARTITION BY v.centre, v.uci ORDER BY v.id),
                 CASE WHEN held.held THEN NULL ELSE held.ended END)
    FROM said v JOIN held ON held.centre = v.centre AND held.uci = v.uci
    WHERE v.changed
    ORDER BY v.id
"""
"""A version for every registration whose details were others than those of the one before, at the same centre."""


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("submission_id", sa.BigInteger(), sa.ForeignKey("submissions.id"), nullable=True),
        sa.Column("line", sa.Integer(), comment="of the file; null: a staff order"),
        sa.Column(
            "since", sa.DateTime(timezone=True), nullable=False, comment="receipt of the file, or instant of the order"
        ),
        sa.Column(
            "who", sa.Text(), nullable=False, server_default=sa.text("''"),
            comment="who ordered it; empty: the centre's file",
        ),
        sa.Column("why", sa.Text(), nullable=False, server_default=sa.text("''")),
    )  # fmt: skip


def upgrade() -> None:
    """Makes the tables, and versions of the registrations that are there."""
    op.create_table(
        "learner_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False, comment="under which it came; learner_ucis says where it leads"),
        sa.Column(
            "centre", sa.Text(), nullable=False,
            comment="that registered the learner: it holds for that centre (REG-6)",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="normalised (REG-3)"),
        sa.Column("born", sa.Date()),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("uln", sa.Text(), nullable=False, comment="empty when there is none"),
        sa.Column("upn", sa.Text(), nullable=False),
        *_columns(),
        sa.Column(
            "until", sa.DateTime(timezone=True), comment="replaced or no longer registered; null: in force"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_learner_versions"),
    )  # fmt: skip
    op.create_table(
        "learner_ucis",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uci", sa.Text(), nullable=False, comment="that was corrected or merged (REG-8)"),
        sa.Column("in_force", sa.Text(), nullable=False, comment="the UCI in force of the learner it leads to"),
        sa.Column("centre", sa.Text(), nullable=False, comment="whose file or for whom the order was"),
        *_columns(),
        sa.Column("until", sa.DateTime(timezone=True), comment="undone, or led on; null: in force"),
        sa.PrimaryKeyConstraint("id", name="pk_learner_ucis"),
    )
    op.execute(FILLED)
    op.create_index("uq_learner_versions_held", "learner_versions", ["centre", "uci"], unique=True,
                    postgresql_where=_IN_FORCE)  # fmt: skip
    op.create_index("ix_learner_versions_uci", "learner_versions", ["uci"])
    op.create_index("ix_learner_versions_uln", "learner_versions", ["uln"],
                    postgresql_where=sa.text("uln <> '' AND until IS NULL"))  # fmt: skip
    op.create_index("uq_learner_ucis_held", "learner_ucis", ["uci"], unique=True, postgresql_where=_IN_FORCE)
    op.create_index("ix_learner_ucis_in_force", "learner_ucis", ["in_force"], postgresql_where=_IN_FORCE)
    op.drop_index("ix_registrations_uln", "registrations")
    op.create_index("ix_actions_uci", "actions", ["uci"], postgresql_where=sa.text("uci <> ''"))


def downgrade() -> None:
    """Takes them away: registrations are as they came."""
    op.drop_index("ix_actions_uci", "actions")
    op.create_index("ix_registrations_uln", "registrations", ["uln"],
                    postgresql_where=sa.text("uln <> '' AND ended_by IS NULL"))  # fmt: skip
    op.drop_table("learner_ucis")
    op.drop_table("learner_versions")
