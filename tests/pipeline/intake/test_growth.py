"""What a centre's files cost does not grow with the country that the ledger holds already: no question that is asked
about them reads a large table from end to end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bench.load import centre_files
from fixtures.generate import people
from infra.ledger.learners import LearnerBook
from infra.ledger.submissions import Ledger
from infra.ledger.tables import (
    awardings,
    awards,
    entries,
    learner_ucis,
    learner_versions,
    marks,
    registrations,
    replies,
    submissions,
)
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from tests.ledgers import disconnect
from tests.patience import until

LANDED = datetime(2024, 2, 15, 12, tzinfo=UTC)
FIRST = "58201"
LEARNERS = 3
COUNTRY = 3_000
"""Centres that the ledger holds beside the one whose files come."""
REPLIED = """INSERT INTO replies (submission_id, name, text, twin, published)
    SELECT id, '', '', '', true FROM submissions WHERE centre <> '58201'"""
CORRECTED = """INSERT INTO learner_ucis (uci, in_force, centre, since)
    SELECT 'OLD' || uci, uci, centre, since FROM learner_versions WHERE id % 10 = 0"""
LARGE = (submissions, replies, registrations, learner_versions, learner_ucis, entries, marks, awards)


def take(settings: Settings, centre: str) -> None:
    """Takes the registrations, entries, amendment and marks of a centre."""
    with open_desk(settings) as desk:
        assert isinstance(desk.store, FolderStore)
        folder = desk.store.root / "inbox" / centre
        folder.mkdir(parents=True)
        for name, data in centre_files(centre, list(people(centre, LEARNERS, seed=int(centre)))):
            (folder / name).write_bytes(data)
            os.utime(folder / name, (LANDED.timestamp(),) * 2)
        assert ingest(desk, datetime(2024, 7, 1, tzinfo=UTC)).outcomes == {"accepted": 4}


def multiply(connection: sa.Connection, table: sa.Table, **changes: str) -> None:
    """Adds the first centre's rows once more for every other centre of the country, number `n`, with these changes, in
    SQL."""
    changes = {"centre": "(20000 + n)::text", **changes}
    names = [column.name for column in table.c if column.name != "id"]
    values = ", ".join(changes.get(name, name) for name in names)
    connection.execute(
        sa.text(
            f"INSERT INTO {table.name} ({', '.join(names)}) "
            f"SELECT {values} FROM {table.name}, generate_series(1, {COUNTRY}) AS n WHERE centre = '{FIRST}'"
        )
    )


def fill(engine: sa.Engine) -> None:
    """Makes a country of what the ledger holds of the first centre, with marks and results of an earlier series."""
    learner = {"uci": "(20000 + n) || substr(uci, 6)"}
    with engine.begin() as connection:
        multiply(connection, submissions, landing_key="landing_key || n", sha256="sha256 || n")
        connection.execute(sa.text(REPLIED))
        multiply(connection, registrations, **learner, uln="uln || n")
        multiply(connection, learner_versions, **learner, uln="uln || n")
        # One in ten learners of the country had another UCI once.
        connection.execute(sa.text(CORRECTED))
        multiply(connection, entries, **learner)
        multiply(connection, marks, **learner)
        multiply(connection, marks, **learner, series="'2024-01'")
        issued = awardings.insert().values(
            series="2024-01", version=1, kind="series", at=LANDED, conversions_sha256="", sha256="", counts={},
            state="released",
        )  # fmt: skip
        t = entries.c
        given = {
            "awarding_id": sa.literal(connection.execute(issued.returning(awardings.c.id)).scalar_one()),
            **{name: t[name] for name in ("centre", "candidate", "uci")},
            "registration": sa.literal("BEN22"), "cash_in": t.option, "claim_id": t.id,
            "claimed_at": sa.literal(LANDED), "channel": sa.literal("edi"), "ums": sa.literal(100),
            "grade": sa.literal("L2P"), "outcome": sa.literal("awarded"), "reason": sa.literal(""),
            "about": sa.literal(""), "partial_absence": sa.false(), "performance": sa.true(),
        }  # fmt: skip
        rows = sa.select(*(value.label(name) for name, value in given.items())).where(t.kind == "cash_in")
        connection.execute(awards.insert().from_select(list(given), rows))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def counted(engine: sa.Engine) -> None:
    """Waits until PostgreSQL has counted what everybody else has read: it has when they are gone."""
    disconnect()
    others = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until(lambda: connection.execute(others).scalar_one() == 0)


@pytest.fixture
def country(fresh: Settings) -> Iterator[sa.Engine]:
    """The ledger of the settings, with a country in it."""
    take(fresh, FIRST)
    engine = sa.create_engine(fresh.database_url, poolclass=sa.NullPool)
    fill(engine)
    yield engine
    engine.dispose()


def read(engine: sa.Engine) -> Counter[str]:
    """How many rows have been read so far, by table."""
    counted(engine)
    asked = sa.text("SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables")
    with engine.connect() as connection:
        return Counter({name: rows for name, rows in connection.execute(asked) if name in {one.name for one in LARGE}})


def test_files_of_a_centre_are_judged_without_reading_the_country(fresh: Settings, country: sa.Engine) -> None:
    before = read(country)
    take(fresh, "64123")
    # It has 3 learners, so at most 15 rows in a table; several questions of each of its files may read each of them.
    assert {name: rows for name, rows in (read(country) - before).items() if rows > 400} == {}


MANY = 1_000
"""Of so many PostgreSQL would sooner read everybody than look them up."""


def test_reg_4_many_learners_are_looked_up_by_uln_one_by_one(fresh: Settings, country: sa.Engine) -> None:
    with country.connect() as connection:
        known = list(connection.execute(sa.select(learner_versions.c.uln).limit(MANY)).scalars())
    before = read(country)
    with Ledger(fresh.database_url) as ledger:
        assert set(LearnerBook(ledger.engine).of_ulns([*known, *map(str, range(MANY))])["uln"]) == set(known)
    counts = read(country) - before
    assert set(counts) <= {"learner_versions", "learner_ucis"}
    assert counts["learner_versions"] == MANY


def test_reg_7_many_learners_are_looked_up_by_uci_one_by_one(fresh: Settings, country: sa.Engine) -> None:
    with country.connect() as connection:
        known = list(connection.execute(sa.select(learner_versions.c.uci).limit(MANY)).scalars())
        old = list(connection.execute(sa.select(learner_ucis.c.uci).limit(10)).scalars())
    before = read(country)
    with Ledger(fresh.database_url) as ledger:
        book = LearnerBook(ledger.engine)
        assert set(book.people(known)["uci"]) == set(known)
        assert set(book.ucis([*known, *old])["uci"]) == set(old)
        assert book.taking(known) == set(known)
        assert set(book.registered(known)["uci"]) == set(known)
    counts = read(country) - before
    assert counts["learner_versions"] == MANY
    assert all(rows <= 4 * MANY for rows in counts.values()), counts


def test_reg_7_learners_are_looked_up_by_uci_before_postgresql_has_counted_them(fresh: Settings) -> None:
    take(fresh, FIRST)
    engine = sa.create_engine(fresh.database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        multiply(connection, learner_versions, uci="(20000 + n) || substr(uci, 6)", uln="uln || n")
        known = list(connection.execute(sa.select(learner_versions.c.uci).limit(MANY)).scalars())
    blocks = sa.text(
        "SELECT sum(idx_blks_read + idx_blks_hit) FROM pg_statio_user_indexes WHERE relname = 'learner_versions'"
    )
    counted(engine)
    with engine.connect() as connection:
        before = connection.execute(blocks).scalar_one()
    with Ledger(fresh.database_url) as ledger:
        assert set(LearnerBook(ledger.engine).people(known)["uci"]) == set(known)
    counted(engine)
    with engine.connect() as connection:
        # From the root of an index to the one row; it was the whole index for each learner.
        assert connection.execute(blocks).scalar_one() - before < 6 * MANY
    engine.dispose()


def test_ent_3_what_many_learners_sat_is_looked_up_one_by_one(fresh: Settings, country: sa.Engine) -> None:
    centres = [str(20_001 + number) for number in range(MANY // LEARNERS)]
    before = read(country)
    with Ledger(fresh.database_url) as ledger:
        assert ledger.sittings_of(centres).height == len(centres) * LEARNERS * 3
        assert ledger.marked(centres, ["2024-01"]).height == len(centres) * LEARNERS * 2
    own = len(centres) * LEARNERS
    # Of a learner: a registration, three entries, two marks in each of two series; asked for twice at most.
    assert all(rows <= 10 * own for rows in (read(country) - before).values())
