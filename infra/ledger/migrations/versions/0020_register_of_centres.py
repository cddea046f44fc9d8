"""The register of centres, and what they are approved for (REG-1, REG-10)

Before, a catalogue file said what centres were approved for, and a centre that it did not name was approved for
everything. Every centre that the ledger knows is put into the register, so that it goes on as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

WHY = "known to the ledger before there was a register of centres"
# What the project's own approvals.csv said of single centres; of all others it said: everything, from 1 September 2022.
OWN = {"40807": ("*", "fast_track", "2022-09-01"), "77777": ("BEN22", "full", "2024-01-15")}


def upgrade() -> None:
    op.create_table(
        "centres",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False, comment="address for letters and e-mail"),
        sa.Column(
            "gcse_years",
            sa.Text(),
            nullable=False,
            comment="years in which academic years with our GCSEs began, by space",
        ),
        sa.Column("active_from", sa.Date(), nullable=False),
        sa.Column("active_to", sa.Date(), nullable=True, comment="last day; null: open"),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="on record from this instant on; versions add up",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="SHA-256 of the register's file, order, or catalogue"),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centres")),
        sa.UniqueConstraint("number", "at", "source", name=op.f("uq_centres_number_at_source")),
    )
    op.create_table(
        "centre_approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("qualification", sa.Text(), nullable=False, comment="registration code; *: every qualification"),
        sa.Column("decision", sa.Text(), nullable=False, comment="asked, granted, denied or ended"),
        sa.Column("route", sa.Text(), nullable=False, comment="fast_track or full"),
        sa.Column(
            "since",
            sa.Date(),
            nullable=False,
            comment="holds from this day on; of what is asked, the day of asking",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="order, or catalogue"),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_approvals")),
    )
    op.create_index("ix_centre_approvals_centre", "centre_approvals", ["centre"])
    _known_centres()


def _known_centres() -> None:
    op.execute(
        f"""
        INSERT INTO centres (number, name, postcode, contact, gcse_years, active_from, at, source, who, why)
        SELECT DISTINCT centre, '', '', '', '', DATE '2022-09-01', TIMESTAMPTZ '2022-09-01 00:00:00+01', 'catalogue',
               'the desk', '{WHY}'
        FROM (SELECT centre FROM submissions WHERE booked UNION SELECT centre FROM registrations) AS known
        WHERE centre <> '00000' ORDER BY centre
        """  # noqa: S608 -- our own words
    )
    cases = {
        column: " ".join(f"WHEN '{centre}' THEN '{its[place]}'" for centre, its in OWN.items())
        for place, column in enumerate(("qualification", "route", "since"))
    }
    op.execute(
        f"""
        INSERT INTO centre_approvals (centre, qualification, decision, route, since, at, source, who, why)
        SELECT number, CASE number {cases["qualification"]} ELSE '*' END, 'granted',
               CASE number {cases["route"]} ELSE 'full' END,
               (CASE number {cases["since"]} ELSE '2022-09-01' END)::date, at, source, who, why
        FROM centres ORDER BY number
        """  # noqa: S608 -- our own words
    )


def downgrade() -> None:
    op.drop_table("centre_approvals")
    op.drop_table("centres")
