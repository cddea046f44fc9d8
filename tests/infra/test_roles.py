"""The desk's own role in the database (OPS-7), on a real PostgreSQL: it reads and adds, and can do no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from infra.ledger.roles import RoleError, can_do_more
from infra.ledger.sealed import FROZEN, SEALED
from infra.ledger.sql import open_engine
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def ledger(postgres: EmbeddedPostgres) -> str:
    """The name of a ledger with a role for the desk."""
    postgres.create_database("roles")
    for _ in range(2):  # as every start does
        migrate(postgres.url("roles"), postgres.desk_url("roles"))
    return "roles"


@pytest.fixture(scope="module")
def desk(postgres: EmbeddedPostgres, ledger: str) -> Iterator[sa.Engine]:
    """Connections of the desk's role."""
    engine = open_engine(postgres.desk_url(ledger))
    yield engine
    engine.dispose()


REFUSED = [
    *(f"DELETE FROM {name}" for name in (*SEALED, *FROZEN, "seals")),
    *(f"TRUNCATE {name} CASCADE" for name in (*SEALED, *FROZEN, "seals")),
    *(f'UPDATE {name} SET "{of.fixed[-1]}" = NULL' for name, of in SEALED.items()),
    "UPDATE results SET grade = 'L2D'",
    "INSERT INTO seals (table_name, columns, keys) VALUES ('marks', '{}', '{}')",
    "UPDATE seals SET digests = NULL",
    "INSERT INTO states (table_name, key, said) VALUES ('awardings', '1', '{}')",
    "ALTER TABLE marks DISABLE TRIGGER ALL",
    "ALTER TABLE marks OWNER TO desk",
    "DROP TABLE marks CASCADE",
    "DROP TRIGGER seal_same ON marks",
    "CREATE OR REPLACE FUNCTION seal_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET session_replication_role = replica",
    "SET ROLE resultsday",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_ops_7_the_desks_role_is_refused(desk: sa.Engine, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"42501|42P17"), desk.begin() as connection:
        connection.exec_driver_sql(statement)


def test_ops_7_nor_does_it_help_to_say_that_learners_are_forgotten(desk: sa.Engine) -> None:
    for statement in (
        "SET resultsday.forgetting = 'yes'; UPDATE marks SET mark = 60",
        "SELECT seal_forget('{641230220001D}', '{641230220002K}')",
        "SELECT seal_forget('{641230220001D}', '{ERASED0000017}')",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="42501"), desk.begin() as connection:
            connection.exec_driver_sql(statement)


def test_ops_7_it_can_add_and_what_it_adds_is_sealed(desk: sa.Engine) -> None:
    assert can_do_more(desk) == ""
    with desk.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO actions (at, who, why, action, centre) VALUES (now(), 'A. Clerk', 'w', 'extension', '64123')"
        )
    with desk.begin() as connection:
        assert connection.exec_driver_sql("SELECT number FROM seals WHERE table_name = 'actions'").scalars().all() == [
            1
        ]


def test_ops_7_who_owns_the_tables_is_told(postgres: EmbeddedPostgres, ledger: str) -> None:
    owner = open_engine(postgres.url(ledger))
    assert can_do_more(owner) == "the desk works as resultsday, who is a superuser"
    with owner.begin() as connection:
        connection.exec_driver_sql("GRANT UPDATE ON marks TO desk")
    desk = open_engine(postgres.desk_url(ledger))
    assert can_do_more(desk) == "the desk's role can change or remove rows of marks"
    migrate(postgres.url(ledger), postgres.desk_url(ledger))
    assert can_do_more(desk) == ""
    for engine in (owner, desk):
        engine.dispose()


def test_ops_7_a_superuser_is_no_role_for_the_desk(postgres: EmbeddedPostgres, ledger: str) -> None:
    owner = sa.create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE mighty LOGIN SUPERUSER PASSWORD 'x'")
    owner.dispose()
    mighty = sa.make_url(postgres.url(ledger)).set(username="mighty", password="x")
    with pytest.raises(RoleError, match="mighty is a superuser"):
        migrate(postgres.url(ledger), mighty.render_as_string(hide_password=False))
