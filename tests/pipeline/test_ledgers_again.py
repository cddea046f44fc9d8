"""What the next test is given: a ledger as it was made, whatever the test before has done to it."""

from __future__ import annotations

import sqlalchemy as sa

from bench.ledgers import read_ledger
from infra.ledger import tables as t
from tests.ledgers import ENGINES, OWNERS, Ledgers


def test_a_ledger_that_is_used_again_holds_what_a_new_one_holds(ledgers: Ledgers) -> None:
    url = ledgers.take()
    made = read_ledger(url)
    with OWNERS[url].begin() as connection:
        connection.execute(t.own_store.insert().values(identity="a store of its own"))
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM centres")
        connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('submissions', 'id'), 40)")
    ledgers.give_back(url)
    assert ledgers.take() == url
    again = read_ledger(url)
    assert (again.rows, again.numbers) == (made.rows, made.numbers)
    with OWNERS[url].connect() as connection:
        assert connection.execute(sa.select(t.own_store)).all() == []
    ledgers.give_back(url)


def test_a_ledger_with_other_tables_or_rights_is_not_used_again(ledgers: Ledgers) -> None:
    for change in (
        "ALTER TABLE centres ADD COLUMN more text",
        "DROP FUNCTION seal_refuse() CASCADE",
        "GRANT UPDATE ON marks TO PUBLIC",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        url = ledgers.take()
        with OWNERS[url].begin() as connection:
            connection.exec_driver_sql(change)
        ledgers.give_back(url)
        assert ledgers.take() != url
        assert url not in ENGINES


def test_a_ledger_that_somebody_still_writes_to_is_not_used_again(ledgers: Ledgers) -> None:
    url = ledgers.take()
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("LOCK TABLE marks")
        ledgers.give_back(url)
        assert ledgers.take() != url
