"""Migrations run over a ledger in use: from the first schema there was, as its own code had filled it, to the newest.

`0001.sql` is what `pg_dump` wrote after the code of that revision had taken five of the sample files, and had received
a sixth without deciding it.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from infra.ledger import migrations
from infra.ledger.actions import Action
from infra.ledger.deeds import Sought
from infra.ledger.journal import Journal
from infra.ledger.submissions import migrate
from infra.ledger.tables import metadata
from infra.running.postgres import EmbeddedPostgres, packaged_binaries
from infra.settings import Settings
from infra.store import open_store
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.results.audit import audit
from tests.catalogue import FROZEN

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "fixtures" / "samples"
RECEIVED = "40807/E4080715 (1).X01"
REPLIES = ("40807/X4080715.X01", "64123/X6412315.X02", "64123/X6412315.X03")
LATER = ("64123/A6412315.X02", "64123/M6412315.X03")


def landings() -> dict[str, datetime]:
    """When each sample landed."""
    with (SAMPLES / "landings.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: datetime.fromisoformat(row["landed"]) for row in csv.DictReader(file)}


def rows(url: str) -> dict[str, list[dict[str, object]]]:
    """Every row of every table of ours, by table, sorted."""
    engine, there = sa.create_engine(url), sa.MetaData()
    with engine.connect() as connection:
        there.reflect(connection)
        found = {
            name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for name, table in there.tables.items()
            if name != "alembic_version"
        }
    engine.dispose()
    return {name: sorted(of, key=lambda row: str(sorted(row.items(), key=str))) for name, of in found.items()}


def of(connection: sa.Connection) -> Config:
    """Alembic's configuration, for going up and down in the transaction of a connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


@pytest.fixture(scope="module")
def first(postgres: EmbeddedPostgres) -> str:
    """A database as the first revision left it; its address."""
    postgres.create_database("first_release")
    url = postgres.url("first_release")
    where = make_url(url)
    command = [packaged_binaries() / "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", HERE / "0001.sql"]
    command += ["-h", where.host, "-p", str(where.port), "-U", where.username, where.database]
    environment = {**os.environ, "PGPASSWORD": str(where.password)}
    subprocess.run([str(word) for word in command], check=True, env=environment, stdout=subprocess.DEVNULL)
    return url


@pytest.fixture(scope="module")
def upgraded(
    first: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, list[dict[str, object]]], Desk]]:
    """What the database held before it was brought to the newest schema; and the desk on it afterwards."""
    before = rows(first)
    migrate(first)
    state = tmp_path_factory.mktemp("upgraded")
    data = (SAMPLES / RECEIVED).read_bytes()
    open_store(str(state / "store")).put(f"archive/{hashlib.sha256(data).hexdigest()}", data)
    with open_desk(Settings(catalogue=FROZEN, state=state, database_url=first, settle_seconds=0)) as desk:
        yield before, desk


def test_every_row_is_there_as_it_was(upgraded: tuple[dict[str, list[dict[str, object]]], Desk]) -> None:
    before, desk = upgraded
    after = rows(desk.settings.database_url)
    assert {name: len(of) for name, of in before.items()} == {
        "submissions": 6, "registrations": 62, "entries": 207, "fee_lines": 269, "findings": 7, "replies": 5,
    }  # fmt: skip
    for name, of in before.items():
        kept = [{column: row[column] for column in of[0]} for row in after[name]]
        assert sorted(map(str, kept)) == sorted(map(str, of)), name


def test_the_schema_is_the_newest(upgraded: tuple[dict[str, list[dict[str, object]]], Desk]) -> None:
    _, desk = upgraded
    with desk.ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_reg_6_every_registered_learner_has_a_version_of_the_details(
    upgraded: tuple[dict[str, list[dict[str, object]]], Desk],
) -> None:
    before, desk = upgraded
    details = ("centre", "uci", "name", "born", "sex", "uln", "upn", "submission_id", "line")
    versions = rows(desk.settings.database_url)["learner_versions"]
    said = {tuple(row[name] for name in details) for row in before["registrations"]}
    assert {tuple(row[name] for name in details) for row in versions} <= said
    assert len(versions) == len({(row["centre"], row["uci"]) for row in before["registrations"]}) == 52
    assert all(row["until"] is None for row in versions)


CHANGED = """
    INSERT INTO submissions (centre, file_name, landing_key, kind, received, modified, size, sha256, reply_stream,
                             reply_number)
    SELECT '64123', n::text, n::text, 'file', at, at, 1, n::text, '13', n
    FROM generate_series(1, 3) AS n, LATERAL (SELECT timestamptz '2023-09-01' + n * interval '1 day' AS at) AS days;
    INSERT INTO registrations (submission_id, line, centre, series, candidate, uci, uln, upn, name, sex, option,
                               ended_by)
    SELECT s.id, 3, '64123', '2023-09', '0001', uci, '', '', name, 'F', 'BEN22', e.id
    FROM (VALUES ('1', 'A', 'SMYTHE:ANNA', '2'), ('2', 'A', 'SMITH:ANNA', NULL), ('1', 'B', 'GONE:GIRL', '3'))
        AS rows (file, uci, name, ender)
    JOIN submissions s ON s.sha256 = file LEFT JOIN submissions e ON e.sha256 = ender;
"""
"""A learner whose name was another in a later registration, and one who was withdrawn, as revision 0017 has them."""


def test_reg_6_details_of_earlier_registrations_become_earlier_versions(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("earlier_details")
    url = postgres.url("earlier_details")
    migrate(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = of(connection)
        command.downgrade(config, "0017")
        connection.execute(sa.text(CHANGED))
        command.upgrade(config, "head")
        columns = "uci, name, extract(day FROM since), extract(day FROM until)"
        asked = f"SELECT {columns} FROM learner_versions ORDER BY uci, since"
        versions = [tuple(row) for row in connection.execute(sa.text(asked))]
    engine.dispose()
    assert versions == [("A", "SMYTHE:ANNA", 2, 3), ("A", "SMITH:ANNA", 3, None), ("B", "GONE:GIRL", 2, 4)]


def test_a_second_upgrade_changes_nothing(upgraded: tuple[dict[str, list[dict[str, object]]], Desk]) -> None:
    _, desk = upgraded
    before = rows(desk.settings.database_url)
    migrate(desk.settings.database_url)
    assert rows(desk.settings.database_url) == before


def test_the_upgraded_desk_goes_on(upgraded: tuple[dict[str, list[dict[str, object]]], Desk]) -> None:
    _, desk = upgraded
    for file in LATER:
        path = desk.settings.state / "store" / "inbox" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((SAMPLES / file).read_bytes())
        os.utime(path, (landings()[file].timestamp(),) * 2)
        ingest(desk, landings()[file] + timedelta(minutes=1))
    for reply in REPLIES:
        # No release had names of centres in its ledger.
        named = (SAMPLES / "replies" / reply).read_bytes()
        expected = re.sub(rb"^(to centre [0-9]{5}) School [0-9]{5} ", rb"\1 ", named, flags=re.MULTILINE)
        assert desk.store.get(f"outbox/{reply}") == expected, reply


NUMBERED = """
    INSERT INTO cohorts (centre, series, component, state, size, sampled_at)
    VALUES ('64123', '2024-06', 'BEN01', 'adjusted', 1, now());
    INSERT INTO marks (centre, series, candidate, uci, component, version, stage, mark, status, source, line, received)
    SELECT '64123', '2024-06', '0001', 'A', 'BEN01', 2, 'adjusted', 9, '', 'moderation ' || id, 0, now() FROM cohorts;
    INSERT INTO journal (at, job, arguments, taken)
    SELECT now(), job, jsonb_build_object('cohort_id', id, 'who', 'J. Chair', 'why', 'seen'), '[]'
    FROM cohorts, unnest(ARRAY['approve_adjustment', 'reject_adjustment']) AS job;
"""
"""A decision about a cohort, as revision 0010 recorded it."""


def test_res_6_the_journal_names_cohorts_that_it_had_numbered(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("numbered_cohorts")
    url = postgres.url("numbered_cohorts")
    migrate(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = of(connection)
        command.downgrade(config, "0010")
        connection.execute(sa.text(NUMBERED))
        numbered = connection.execute(sa.text("SELECT arguments FROM journal")).scalars().all()
        command.upgrade(config, "head")
    entries = Journal(engine).all()
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT source FROM marks")).scalars().all() == ["moderation"]
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        assert connection.execute(sa.text("SELECT arguments FROM journal")).scalars().all() == numbered
    engine.dispose()
    cohort = {"CohortName": {"series": "2024-06", "centre": "64123", "component": "BEN01"}}
    assert [one.job for one in entries] == ["approve_adjustment", "reject_adjustment"]
    assert all(one.arguments == {"cohort": cohort, "who": "J. Chair", "why": "seen"} for one in entries)


STATED = """
    INSERT INTO actions (at, who, why, action, centre) VALUES
        (now(), 'J. Clerk', 'flood', 'extension', '64123'), (now(), 'jane', 'seen', 'personal_data', '64123'),
        (now(), 'jane and system account john', 'seen', 'results_approved', '');
    INSERT INTO calendar_changes (number, series, event, component, day, at, who, why)
    VALUES (1, '2024-06', 'marks_deadline', '*', '2024-05-20', now(), 'J. Clerk', 'snow');
"""
"""What staff did, as revision 0023 recorded it."""


def test_ops_4_names_that_were_typed_count_as_stated(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    postgres.create_database("stated_names")
    url = postgres.url("stated_names")
    migrate(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = of(connection)
        command.downgrade(config, "0023")
        connection.execute(sa.text(STATED))
    engine.dispose()
    migrate(url)
    with open_desk(Settings(catalogue=FROZEN, state=tmp_path, database_url=url, settle_seconds=0)) as desk:
        [clerk, look, approved] = rows(url)["actions"]
        assert [row["how"] for row in (clerk, look, approved)] == ["stated", "console", "approval"]
        people = [deed["who"] for deed in desk.console.audit(Sought()).deeds.iter_rows(named=True)]
        assert sorted(set(people)) == ["J. Clerk (stated)", "jane", "jane and system account john"]
        assert str(desk.calendar.changes()[0].by) == "J. Clerk (stated)"
        desk.actions.record(Action(at=datetime.now(UTC), who="root", how="account", why="x", action="y", centre=""))
        assert audit(desk, datetime.now(UTC)).differences == ()


def test_the_command_makes_the_tables_and_airflows_database(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("new_desk")
    url = postgres.url("new_desk")
    result = CliRunner().invoke(main, ["migrate"], env={"RESULTSDAY_DATABASE_URL": url})
    assert (result.exit_code, result.output) == (0, "The ledger's tables are ready.\n")
    engine = sa.create_engine(url)
    assert set(sa.inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()
    airflow = sa.create_engine(postgres.url("airflow"))
    with airflow.connect() as connection:
        assert connection.scalar(sa.text("SELECT current_database()")) == "airflow"
    airflow.dispose()
