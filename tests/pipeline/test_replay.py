"""A season run once more from the journal and the archive (RES-6): every output the same, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_type_hints

import pytest
import sqlalchemy as sa
from attrs import evolve, fields, has
from click.testing import CliRunner, Result

import pipeline.intake.ingest as ingesting
from infra.ledger.actions import Action
from infra.ledger.alerts import SILENCED
from infra.ledger.door import Fetched
from infra.ledger.results import Awarding
from infra.ledger.tables import metadata
from infra.ledger.work import TAKEN
from infra.store import FolderStore, Stored, StoreError
from pipeline.awarding.award import approve_boundaries, award, take_boundaries
from pipeline.awarding.preview import preview
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.doors import DOORS, Door
from pipeline.intake.staff import Entry, change_entry
from pipeline.jobs import JOBS
from pipeline.marking.external import take_external
from pipeline.orders import Order
from pipeline.replay import Difference, ReplayError, replay
from pipeline.replayed_rows import NOT_REPLAYED
from pipeline.results.after_results import late_claims, updated
from pipeline.results.certificates import certificates
from pipeline.results.release import approve, release
from rules import terms
from rules.catalogue import Series
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    LINES,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    build,
    series,
)
from tests.scenario_language import Scenario, Season, scenarios

FIXTURES = Path(__file__).parents[2] / "fixtures" / "boundaries"
HOUR = timedelta(hours=1)
REPLAYED = ("MOD-2", "FIL-1", "FIL-3", "FEE-5", "OPS-1", "MRK-1", "MRK-3", "CRT-1", "ENT-3", "CAL-3", "CAL-7", "RES-7")


@pytest.fixture
def empty(work: Desk, new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Desk]:
    """A desk to replay into."""
    settings = evolve(work.settings, state=tmp_path / "again", database_url=new_ledger(), settle_seconds=0)
    with open_desk(settings) as desk:
        yield desk


@pytest.mark.parametrize("rule", REPLAYED)
def test_res_6_a_scenario_replayed_gives_the_same_bytes(work: Desk, empty: Desk, rule: str) -> None:
    played = next(scenario for scenario in reversed(list(scenarios())) if rule in scenario.rules)
    Season(work).play(played)
    came = replay(work, empty)
    assert came.files > 4
    assert came.differences == ()
    assert came.rows.compared > 4
    assert came.rows.first == ()


def test_ops_7_a_mark_that_no_file_gave_and_no_output_shows_yet_is_found(work: Desk, empty: Desk) -> None:
    season = Season(work)
    season.play(Scenario("results", "RES-6 a season", tuple(LINES.strip().splitlines())))
    with work.ledger.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in (
            "UPDATE marks SET mark = 59 WHERE candidate = '0004' AND component = 'BEN02'",
            "DELETE FROM entries WHERE candidate = '0002' AND kind = 'cash_in'",
        ):
            assert connection.exec_driver_sql(statement).rowcount == 1
    came = replay(work, empty)
    assert came.rows.differing == {"entries": 1, "marks": 1}
    found = {one.table: one for one in came.rows.first}
    entries, marks = found["entries"], found["marks"]
    assert (entries.what, marks.what) == ("new", "different")
    assert "candidate 0002, option BEN99" in entries.row
    assert "candidate 0004, component BEN02" in marks.row
    assert marks.row.endswith(": mark 59, replayed 40")
    said = list(came.lines())
    assert said[-3].endswith("rows of the ledger compared, 2 not the same.")
    assert [line for line in said if line.startswith("  different  marks: ")]


def test_ops_7_what_is_not_replayed_is_a_table_that_says_why() -> None:
    assert set(NOT_REPLAYED) < set(metadata.tables)
    assert all(NOT_REPLAYED.values())
    assert not set(NOT_REPLAYED) & {"marks", "results", "awards", "entries", "approvals", "actions", "submissions"}


def test_res_6_a_decision_about_a_cohort_is_replayed_although_cohorts_are_numbered_otherwise(
    work: Desk, empty: Desk
) -> None:
    """A run that died while it drew has used up numbers."""
    with work.ledger.engine.begin() as connection:
        connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('cohorts', 'id'), 40)"))
    adjusted = next(
        scenario for scenario in scenarios() if any("approves the adjustment" in line for line in scenario.lines)
    )
    Season(work).play(adjusted)
    assert replay(work, empty).differences == ()
    for desk in (work, empty):
        with desk.ledger.engine.connect() as connection:
            sources = connection.execute(sa.text("SELECT DISTINCT source FROM marks WHERE stage = 'adjusted'"))
            assert sources.scalars().all() == ["moderation"]


def test_res_6_no_job_is_given_the_number_of_a_row() -> None:
    """A replay numbers rows otherwise. Series and results go on record by id and version (`pipeline/journal.py`)."""
    numbers = set()
    for name, job in JOBS.items():
        given = {one: hint for one, hint in get_type_hints(job.resolved()).items() if one != "return"}
        classes = [one for one in given.values() if isinstance(one, type) and has(one)]
        parts = [part for its in classes if its not in (Awarding, Desk, Series) for part in fields(its)]
        said = [*given.items(), *((part.name, part.type) for part in parts)]
        numbers |= {(name, one) for one, hint in said if hint in (int, "int")}
    # How many people are asked, and cases, which the desk numbers itself and without gaps.
    not_of_rows = {(name, "people") for name in JOBS} | {(name, "number") for name in JOBS if "correction" in name}
    assert numbers - not_of_rows == {("extra_sitting", "number")}


def test_res_6_what_is_not_the_same_is_found(work: Desk, empty: Desk) -> None:
    Season(work).register([22, 23, 24])
    reply = next(stored.key for stored in work.store.list("outbox/") if stored.key.endswith(".X01"))
    work.store.put(reply, b"somebody's own words")
    work.store.put("outbox/64123/more.txt", b"")
    assert replay(work, empty).differences == (
        Difference(key=reply, what="different"), Difference(key="outbox/64123/more.txt", what="missing"),
    )  # fmt: skip


def test_res_6_nothing_is_replayed_over_something(work: Desk, empty: Desk) -> None:
    empty.store.put("outbox/64123/old.txt", b"")
    with pytest.raises(ReplayError, match="not empty"):
        replay(work, empty)


def test_a_run_with_nothing_to_do_is_not_on_record(work: Desk) -> None:
    Season(work).register([22, 23, 24])
    before = len(work.journal.all())
    JOBS["ingest"].run(work, work.journal.all()[-1].at)
    assert len(work.journal.all()) == before


@pytest.mark.parametrize("sent", ["centre sends E BEN01 BEN02", "staff enters 0001 BEN01"])
def test_res_6_a_run_that_died_loses_nothing_of_the_replay(
    work: Desk, empty: Desk, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    season = Season(work)
    season.register([22, 23, 24])
    entries = len(work.journal.all())
    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "complete", lambda *_: (_ for _ in ()).throw(StoreError("the disk is gone")))
        with pytest.raises(StoreError):
            season.step(f"2024-02-15 12:00 GMT | {sent}")
    season.step("2024-02-16 12:00 GMT | the desk looks | accepted")
    assert [run.ended for run in work.journal.all()[entries:] if run.job == "ingest"] == [False, True]
    assert replay(work, empty).differences == ()


def test_res_6_a_feed_file_that_a_run_had_done_with_before_it_died_is_replayed(
    work: Desk, empty: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    season, lines = Season(work), b"series,centre,candidate,uci,component,mark,status\r\n2024-06,64123,1,1,BEN03,9,\r\n"
    for name in ("first", "second"):
        season.land(f"feeds/external-marks/{name}.csv", lines, AWARDED - HOUR)
    taken_out = FolderStore.remove

    def die_at_the_second(store: FolderStore, stored: Stored) -> bool:
        if stored.key.endswith("second.csv"):
            raise StoreError("the disk is gone")
        return taken_out(store, stored)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "remove", die_at_the_second)
        with pytest.raises(StoreError):
            take_external(work, AWARDED)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.feeds.archive", lambda *_: (_ for _ in ()).throw(StoreError("the disk is gone")))
        with pytest.raises(StoreError):
            take_external(work, AWARDED)
    assert take_external(work, AWARDED).files == 1
    assert [(run.ended, len(run.taken)) for run in work.journal.all()] == [(False, 2), (False, 0), (True, 1)]
    came = replay(work, empty)
    assert (came.files, came.differences) == (3, ())


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.feed.place)
def test_res_6_fil_7_a_name_that_is_no_text_stops_no_feed_and_is_replayed(work: Desk, empty: Desk, door: Door) -> None:
    folder = f"{door.feed.place}{f'{CENTRE}/' if door.feed.by_centre else ''}"
    for name in (f"{chr(0xDCFF) * 200}1.csv", f"{chr(0xDCFF) * 200}2.csv", f"a{chr(0xDCC3)}.csv", "a\n\x1b.csv"):
        work.store.put(folder + name, b"")
    door.take(work, TO_CENTRES + timedelta(days=10_000))
    assert [one.key for one in work.store.list(folder) if one.kind == "file"] == []
    came = replay(work, empty)
    assert came.files > 4
    assert came.differences == ()


def test_res_6_the_command_replays_and_says_what_is_not_the_same(work: Desk, tmp_path: Path) -> None:
    Season(work).register([22, 23, 24])

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["replay", *words], env=work.settings.environment())

    result = run("--keep", str(tmp_path / "kept"))
    assert result.exit_code == 0, result.output
    assert "3 jobs run again, 13 outputs compared, 0 not the same." in result.output
    assert "rows of the ledger compared, 0 not the same." in result.output
    assert list((tmp_path / "kept" / "outbox" / "64123").iterdir())
    work.store.put("outbox/64123/more.txt", b"")
    result = run()
    assert result.exit_code == 3
    assert "missing    outbox/64123/more.txt" in result.output


def test_res_6_a_season_to_results_day_and_after_comes_out_again(work: Desk, empty: Desk) -> None:
    season = Season(work)
    season.play(Scenario("results", "RES-6 a season", tuple(LINES.strip().splitlines())))
    meant = series(work)
    season.land("feeds/boundaries/summer.csv", (FIXTURES / "2024-06.csv").read_bytes(), AWARDED - HOUR)
    assert take_boundaries(work, AWARDED).proposed
    approve_boundaries(work, meant, WHO, WHY, AWARDED)
    awarding = award(work, meant, AWARDED).awarding
    preview(work, awarding)
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    release(work, meant, "centres", TO_CENTRES)
    release(work, meant, "learners", TO_LEARNERS)
    learner = Entry(CENTRE, "2024-06", "0004", season.learners["0004"]["uci"], "BEN99")
    claimed = TO_LEARNERS + timedelta(days=11)
    change_entry(work, "claim", learner, Order(WHO, WHY, claimed), certificate=True)
    season.step("2024-09-03 00:00 BST | the desk looks | accepted")
    later = TO_LEARNERS + timedelta(days=12)
    assert late_claims(work, later).awarded == 1
    assert updated(work, [CENTRE], later + HOUR, meant, WHO, WHY).files == (f"outbox/{CENTRE}/R6412315.X02",)
    assert certificates(work, meant, later + 2 * HOUR) == 3

    came = replay(work, empty)
    assert came.differences == ()
    assert came.rows.first == ()
    assert len([stored for stored in empty.store.list("portal/") if stored.kind == "file"]) == 4


def test_res_6_what_people_looked_at_and_what_the_door_counts_is_no_difference(work: Desk) -> None:
    Season(work).register([22])
    at = datetime(2024, 1, 1, tzinfo=UTC)
    work.door.move("sent", {("64123", 0): 1_130})
    work.door.fetched([Fetched(centre="64123", name="letter.txt", written=at, fingerprint="SHA256:made-up", at=at)])
    for action in ("personal_data", TAKEN, SILENCED, terms.EXPORT, "store_adopted"):
        work.actions.record(Action(at=at, who="jane", how=terms.BY_CONSOLE, why="asked", action=action, centre="64123"))
    result = CliRunner().invoke(main, ["replay"], env=work.settings.environment())
    assert result.exit_code == 0, result.output
