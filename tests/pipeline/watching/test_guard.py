"""The guard outside Airflow (RES-2, OPS-6): what is approved is out a minute after its instant, whoever publishes it,
and once; what nobody approved stays where it is, and people are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from attrs import evolve
from cattrs.preconf.json import make_converter
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from infra.host import LOCALHOST, free_port
from infra.notify import all_is_well
from infra.running.parts import PartState, states_file, states_of
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.approvals import Signature, sign
from pipeline.awarding.award import award
from pipeline.awarding.preview import preview
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.results.exhibit import result_exhibit
from pipeline.results.release import approve, release
from pipeline.watching.guard import Guard, guard
from pipeline.watching.watch import GUARD_MINUTES, INGEST, WATCH, watch
from rules import terms
from tests.mailbox import Hook, webhook
from tests.monitors import airflow_tables, scheduler_beating
from tests.pipeline.ledger_rows import rows
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    SECOND,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    build,
    outside,
    play,
    series,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as listening:
        yield listening


@pytest.fixture
def settings(fresh: Settings, hook: Hook, postgres: EmbeddedPostgres) -> Settings:
    tables = airflow_tables(postgres)
    return evolve(fresh, alert_webhook=hook.url, alert_seconds=5, free_disk_bytes=1, airflow_database_url=tables)


@pytest.fixture
def told(settings: Settings) -> Iterator[Desk]:
    """A desk that has been watched since summer, whose alerts go to the webhook."""
    with open_desk(settings) as desk:
        play(desk)
        desk.watch.beat(WATCH, AWARDED)
        yield desk


def approved(desk: Desk) -> None:
    built = build(desk, award(desk, series(desk), AWARDED).awarding, BUILT)
    approve(desk, built.awarding, WHO, WHY, APPROVED)


def codes(hook: Hook) -> list[str]:
    return [content["code"] for _, content in hook.taken]


def test_res_2_what_is_approved_is_published_a_minute_after_its_instant_and_people_are_told_once(
    told: Desk, hook: Hook
) -> None:
    approved(told)
    for early in (TO_CENTRES - SECOND, TO_CENTRES, TO_CENTRES + 59 * SECOND):
        assert guard(told, early).note() == "Everything that is due is out."
        assert outside(told) == {}
    done = guard(told, TO_CENTRES + MINUTE)
    assert done.note() == (
        "The guard has published the results of 2024-06 to centres, 60 seconds after their instant: 3 files."
    )
    assert sorted(outside(told)) == [
        "outbox/64123/R6412315.X01",
        "portal/centres/2024-06/1/58201.csv",
        "portal/centres/2024-06/1/64123.csv",
    ]
    again = guard(told, TO_CENTRES + 2 * MINUTE)
    assert (again.released, again.said) == ((), ())
    [learners] = guard(told, TO_LEARNERS + MINUTE).released
    assert (learners.audience, learners.fresh) == ("learners", 2)
    assert codes(hook) == ["RELEASED_BY_GUARD", "RELEASED_BY_GUARD"]
    assert hook.taken[0][1]["runbook"] == "docs/runbook/results-not-out.md"


def test_res_2_what_the_dag_has_published_the_guard_leaves_and_says_nothing(told: Desk, hook: Hook) -> None:
    approved(told)
    release(told, series(told), "centres", TO_CENTRES + SECOND)
    before = outside(told)
    assert guard(told, TO_CENTRES + MINUTE).said == ()
    assert (outside(told), hook.taken) == (before, [])


def test_res_2_what_went_out_in_part_is_completed(told: Desk) -> None:
    approved(told)
    [file, *_] = [file for file in told.results.files(told.results.every("2024-06")[-1]) if file.audience == "centres"]
    told.store.put(file.place, told.store.get(file.embargoed))  # a run that died after its first file
    [done] = guard(told, TO_CENTRES + MINUTE).released
    assert done.fresh == 3
    assert len(outside(told)) == 3


def test_res_2_the_dag_and_the_guard_at_once_publish_once(told: Desk, settings: Settings) -> None:
    approved(told)
    fresh: list[int] = []
    start = threading.Barrier(2)

    def at_once(publishes: Callable[[Desk], int]) -> None:
        with open_desk(settings) as desk:
            start.wait()
            fresh.append(publishes(desk))

    now = TO_CENTRES + MINUTE
    both: list[Callable[[Desk], int]] = [
        lambda desk: release(desk, series(desk), "centres", now).fresh,
        lambda desk: sum(done.fresh for done in guard(desk, now).released),
    ]
    threads = [threading.Thread(target=at_once, args=(publishes,)) for publishes in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fresh) == [0, 3]
    assert len(outside(told)) == 3
    # The replay runs one release: whoever published nothing is not on record.
    assert rows(told, "SELECT count(*) FROM journal WHERE job = 'release'") == [(1,)]


def test_ops_4_what_nobody_approved_is_not_published_and_people_are_told_once(told: Desk, hook: Hook) -> None:
    found = guard(told, TO_CENTRES + MINUTE)
    assert found.note().endswith("the guard cannot publish them: nothing is awarded.")
    build(told, award(told, series(told), AWARDED).awarding, BUILT)
    tables = [f"SELECT * FROM {name} ORDER BY id" for name in ("awardings", "journal")]
    before = [rows(told, table) for table in tables]
    for minutes in (2, 3, 4):
        found = guard(told, TO_CENTRES + minutes * MINUTE)
        assert found.note() == (
            "The instant of the results of 2024-06 to centres has come, and the guard cannot publish them: version 1 "
            "is built, and nobody has approved it."
        )
        assert (outside(told), found.released) == ({}, ())
    assert [rows(told, table) for table in tables] == before
    assert codes(hook) == ["GUARD_REFUSED", "GUARD_REFUSED"]  # once for each reason
    assert hook.taken[1][1]["commands"][1] == "resultsday release 2024-06 --audience centres"


def test_ops_4_what_people_approved_where_the_console_could_not_reach_the_embargo_is_published(told: Desk) -> None:
    awarding = build(told, award(told, series(told), AWARDED).awarding, BUILT).awarding
    sign(told, result_exhibit(told, awarding), terms.APPROVED, WHO, WHY, APPROVED, Signature(how=terms.BY_CONSOLE))
    [done] = guard(told, TO_CENTRES + MINUTE).released
    newest = told.results.newest("2024-06")
    assert newest
    assert (done.fresh, newest.decided_by, newest.decided_at) == (3, WHO, APPROVED)


def test_ops_4_what_has_changed_since_people_approved_it_is_not_published(told: Desk, hook: Hook) -> None:
    awarding = build(told, award(told, series(told), AWARDED).awarding, BUILT).awarding
    sign(told, result_exhibit(told, awarding), terms.APPROVED, WHO, WHY, APPROVED, Signature(how=terms.BY_CONSOLE))
    preview(told, awarding)
    assert "what people decided cannot take effect" in guard(told, TO_CENTRES + MINUTE).note()
    assert (outside(told), codes(hook)) == ({}, ["GUARD_REFUSED"])


def test_res_2_what_was_changed_under_embargo_is_not_published_and_people_are_told(told: Desk, hook: Hook) -> None:
    approved(told)
    [file, *_] = told.results.files(told.results.every("2024-06")[-1])
    told.store.put(file.embargoed, b"another grade")
    assert "are missing or not as they were built" in guard(told, TO_CENTRES + MINUTE).note()
    assert (outside(told), codes(hook)) == ({}, ["GUARD_REFUSED"])


def test_what_was_due_before_anybody_watched_is_history(settings: Settings) -> None:
    with open_desk(settings) as desk:
        play(desk)
        approved(desk)
        assert guard(desk, TO_CENTRES + MINUTE).said == ()
        assert outside(desk) == {}


def test_ops_6_a_ledger_out_of_reach_when_results_are_due_is_told_once_an_hour(
    told: Desk, settings: Settings, hook: Hook
) -> None:
    gone = Guard(evolve(settings, database_url=f"postgresql+psycopg2://nobody@{LOCALHOST}:{free_port()}/none"), "")
    assert gone.look(TO_CENTRES - MINUTE).note == (
        "The guard cannot look: the ledger cannot be used (OperationalError)."
    )
    assert hook.taken == []
    for minutes in (1, 2, 3):
        assert gone.look(TO_CENTRES + minutes * MINUTE).kept_back
    assert codes(hook) == ["GUARD_BLIND"]
    assert told.watch.said() == []


def test_ops_6_a_guard_that_gives_no_sign_of_life_is_told(told: Desk) -> None:
    def codes_at(minutes: float) -> list[str]:
        now = TO_LEARNERS + timedelta(days=60, minutes=minutes)
        for job in (INGEST, WATCH):
            told.watch.beat(job, now - MINUTE)
        return [found.code for found in watch(told, now).wrong if found.code.startswith("GUARD")]

    assert codes_at(0) == []  # there is none
    guard(told, TO_LEARNERS + timedelta(days=60))
    assert codes_at(GUARD_MINUTES / MINUTE - 1) == []
    assert codes_at(GUARD_MINUTES / MINUTE) == ["GUARD_SILENT"]


def test_ops_6_the_monitor_outside_is_told_once_a_minute_that_all_is_well_and_never_when_it_is_not(
    settings: Settings, hook: Hook, postgres: EmbeddedPostgres
) -> None:
    now = TO_LEARNERS
    with open_desk(settings) as desk:
        for job in (INGEST, WATCH):
            desk.watch.beat(job, now)
    desk_url = postgres.desk_url(str(make_url(settings.database_url).database))
    monitored = evolve(settings, alive_url=hook.url, database_url=desk_url)
    with scheduler_beating(now + 30 * SECOND) as url:
        guarding = Guard(monitored, url)
        for seconds in (0, 10, 59, 60, 65):
            assert guarding.monitored(now + seconds * SECOND) == ()
        assert [content for _, content in hook.taken] == [{"desk": "all is well"}] * 2
        # A minute later the scheduler has given no sign of life: silence is what the monitor calls people for.
        [part] = guarding.monitored(now + 125 * SECOND)
        assert part.name == "scheduler"
        assert Guard(settings, url).monitored(now) == ()  # no monitor is set
    assert len(hook.taken) == 2
    hook.answer = 500
    assert not all_is_well(monitored)


def test_res_2_the_command_looks_once_and_says_whether_anything_is_kept_back(told: Desk, settings: Settings) -> None:
    result = CliRunner().invoke(main, ["guard", "--once"], env=settings.environment())
    assert (result.output, result.exit_code) == ("Everything that is due is out.\n", 0)


def test_a_part_of_the_desk_that_ended_is_told_once_an_hour_and_one_that_is_given_up_at_once(
    settings: Settings, hook: Hook
) -> None:
    now = TO_LEARNERS
    ended = PartState(name="scheduler", ended=1, at=now, why="signal 9", up=True, given_up=False)

    def became(*states: PartState) -> None:
        file = states_file(settings)
        file.parent.mkdir(exist_ok=True)
        file.write_text(make_converter().dumps(list(states)), encoding="utf-8")

    guarding = Guard(settings, "")
    guarding.parts(now)
    assert hook.taken == []  # none has ended
    for minutes in (0, 5):
        became(evolve(ended, at=now + minutes * MINUTE))
        guarding.parts(now + minutes * MINUTE)
    Guard(settings, "").parts(now)  # one that was started anew finds in the ledger what people were told
    became(ended, evolve(ended, name="triggerer", ended=10, why="exit code 1", up=False, given_up=True))
    guarding.parts(now + 6 * MINUTE)
    assert [content["happened"] for _, content in hook.taken] == [
        "A part of the desk has ended by itself: scheduler (signal 9). It is started again.",
        "A part of the desk has ended 10 times in a row and is given up: triggerer (exit code 1).",
    ]
    assert states_of(evolve(settings, state=settings.state / "none")) == []


def test_ops_6_the_guard_tells_that_a_dag_does_not_come_for_the_watch_is_one_itself(
    settings: Settings, hook: Hook
) -> None:
    engine = sa.create_engine(settings.airflow_database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO dag VALUES ('watch', false, false, :due)"), {"due": TO_LEARNERS})
    engine.dispose()
    guarding = Guard(settings, "")
    # A desk that has just been started makes up for what it has missed first.
    for minutes, told in ((11, 0), (20, 0), (21, 1), (22, 1), (23, 1)):
        guarding.progress(TO_LEARNERS + minutes * MINUTE)
        assert len(hook.taken) == told, minutes
    assert hook.taken[0][1]["happened"].startswith("The DAG watch has not come, 21 minutes after it was due: ")
