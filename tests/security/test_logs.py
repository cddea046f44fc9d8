"""No name, date of birth or identifier of a learner is in a log, a run's note or an error that ends in one."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from infra.ledger.sql import CopyError, open_engine
from infra.running.postgres import EmbeddedPostgres
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from rules import registration
from tests.security import hostile
from tests.security.conftest import Recorder, Season, Taken


def personal(person: Mapping[str, str]) -> Iterator[str]:
    """Everything about a learner that is nobody's business in a log, in every way it might be written."""
    surname, _, forenames = person["name"].partition(":")
    yield from (person["name"], f"{forenames} {surname}", f"{surname}, {forenames}")
    yield from (
        identifier for identifier in (person["uci"], person.get("uln", ""), person.get("upn", "")) if identifier
    )
    if person["born"]:
        born = datetime.strptime(person["born"], "%d%m%y").replace(tzinfo=UTC).date()
        yield from (born.isoformat(), f"{born:%d/%m/%Y}", f"datetime.date({born.year}, {born.month}, {born.day})")


def told(text: str, people: tuple[Mapping[str, str], ...] | list[dict[str, str]]) -> list[str]:
    return sorted({value for person in people for value in personal(person) if value.lower() in text.lower()})


# --- A season --------------------------------------------------------------------------------------------------------


def test_the_log_of_a_season_holds_nothing_personal(played: Season) -> None:
    assert len(played.people) > 10
    assert played.log.count("\n") > 50
    assert told(played.log, played.people) == []


def test_surnames_and_forenames_do_not_stand_alone_in_it_either(played: Season) -> None:
    words = {word for person in played.people for word in re.split("[: ]", person["name"]) if len(word) > 4}
    spoken = set(re.findall(r"\w+", f"{played.log} {played.notes}".upper()))
    assert len(words) > 8
    assert words & spoken == set()


def test_the_notes_of_the_runs_hold_nothing_personal(played: Season) -> None:
    assert len(played.notes) > 500
    assert told(played.notes, played.people) == []


def test_the_log_of_hostile_files_holds_nothing_personal(taken: Taken) -> None:
    people = [*hostile.learners(hostile.OURS), *hostile.learners(hostile.THEIRS, hostile.THEIR_NAMES)]
    assert told(taken.log, people) == []


def test_the_log_of_the_database_holds_nothing_personal(
    taken: Taken, played: Season, postgres: EmbeddedPostgres
) -> None:
    text = postgres.log_file.read_text(encoding="utf-8", errors="replace")
    assert "ready to accept connections" in text
    assert told(text, played.people) == []
    assert told(text, hostile.learners(hostile.THEIRS, hostile.THEIR_NAMES)) == []


# --- Where things fail -----------------------------------------------------------------------------------------------

REFUSALS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}', DETAIL = NEW::text, HINT = NEW::text;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def land(desk: Desk) -> list[dict[str, str]]:
    """Registrations, and entries whose findings and replies quote names; whose they are."""
    root = desk.settings.state / "store"
    for case in hostile.REGISTRATIONS:
        hostile.land(root, case)
    people = hostile.learners(hostile.THEIRS, hostile.THEIR_NAMES)
    other = hostile.sent("E", hostile.THEIRS, [person | {"name": "SOMEBODY:ELSE"} for person in people], ("BEN01",), 1)
    hostile.land(root, hostile.Case(hostile.THEIRS, b"E5820115.X01", other))
    return people


@pytest.mark.parametrize("table", ["registrations", "findings", "replies", "submissions"])
@pytest.mark.parametrize("sqlstate", ["53100", "23514"])
def test_a_database_that_quotes_rows_in_its_errors_is_not_quoted_by_us(
    work: Desk, recorded: Recorder, postgres: EmbeddedPostgres, table: str, sqlstate: str
) -> None:
    """A full disk ends the run, a broken constraint holds the file: in neither is a row in the log or the traceback."""
    people = land(work)
    with work.ledger.engine.begin() as connection:
        connection.execute(sa.text(REFUSALS.format(table=table, sqlstate=sqlstate)))
    try:
        ingest(work, hostile.NOW)
    except (DBAPIError, CopyError) as error:
        recorded.lines += traceback.format_exception(error)
    assert recorded.text.count(sqlstate) + recorded.text.count("failed with") > 0
    assert told(recorded.text, people) == []
    assert told(postgres.log_file.read_text(encoding="utf-8", errors="replace"), people) == []


def test_a_failure_of_ours_names_places_in_the_code_and_no_record(
    work: Desk, recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(records: Any, *_: Any) -> None:
        raise ValueError(str(records.rows()))

    people = land(work)
    monkeypatch.setattr(registration, "one_uci_one_number", poisoned)
    assert ingest(work, hostile.NOW).outcomes == {"quarantined": 4}
    assert "failed with ValueError" in recorded.text
    assert told(recorded.text, people) == []


def test_a_command_that_fails_prints_no_record(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    people = land(work)
    with work.ledger.engine.begin() as connection:
        connection.execute(sa.text(REFUSALS.format(table="replies", sqlstate="53100")))
    for name, value in work.settings.environment().items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["ingest"])
    assert result.exit_code == 1
    assert "the ledger cannot be used (OperationalError)" in result.output
    assert told(result.output, people) == []


def test_errors_of_the_ledger_hide_rows_and_parameters(work: Desk) -> None:
    engine, name = open_engine(work.settings.database_url), hostile.THEIR_NAMES[0]
    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(sa.text("SELECT CAST(:who AS integer)"), {"who": name})
    engine.dispose()
    said = "".join(traceback.format_exception(raised.value))
    assert name not in said
    assert "SQLSTATE 22P02" in said
