"""The world outside fails while a job is at work: it fails loudly or not at all, and run again it leaves what an
undisturbed run leaves (FIL-5, RES-2)."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from attrs import evolve
from botocore.config import Config
from sqlalchemy.exc import DBAPIError

from bench.compared import TABLE, State, differences
from bench.crash_season import ENTERED, MARKED, MINUTE, STAGES, TAKEN, TO_CENTRES, land
from bench.crashes import (
    Beginning,
    Ground,
    Trace,
    alone,
    copy_store,
    ended,
    fresh_process,
    process,
    settings_of,
    state,
    undisturbed,
)
from bench.ledgers import put_back
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from infra.store import S3Store, StoreError
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.results.release import ReleaseError, release
from pipeline.steps import Step, watched
from tests.instruments import Fault, Proxy, at_port, can_mount, new_bucket, proxy, small_disk
from tests.pipeline.ledger_rows import rows
from tests.support import CENTRE, centre_file, registration_file


def beginning(season: Ground, stage: str) -> Beginning:
    [found] = [one for one in season.beginnings if one.stage.name == stage]
    return found


@pytest.fixture(scope="module")
def left(season: Ground, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], State]:
    """What an undisturbed run of a stage leaves on a folder store."""
    place, known = tmp_path_factory.mktemp("undisturbed"), dict[str, State]()

    def of(stage: str) -> State:
        if stage not in known:
            known[stage] = undisturbed(season, beginning(season, stage), str(place)).left
        return known[stage]

    return of


def again(stage: str, settings: Settings) -> State:
    """What is left when the job is run again."""
    [job] = [one.play for one in STAGES if one.name == stage]
    with open_desk(settings) as desk:
        job(desk)
    return state(settings)


# --- A full disk -----------------------------------------------------------------------------------------------------

FULL = 77
"""The exit code of a process for which a file was too large."""


def play(stage: str, settings: Settings, most: int = 2**30) -> None:
    """Plays a stage in a process of its own, which can write no file of more than so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    [job] = [one.play for one in STAGES if one.name == stage]
    try:
        with open_desk(settings) as desk:
            job(desk)
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EFBIG:
            os._exit(FULL)
        raise


def written(start: Beginning, left: State) -> list[int]:
    """The sizes of the files that a stage writes, each once, in order."""

    def before(key: str) -> bytes | None:
        path = start.store / key
        return path.read_bytes() if path.is_file() else None

    return sorted({len(data) for key, data in left.items() if not key.startswith(TABLE) and before(key) != data})


@pytest.mark.parametrize("stage", ["ingest", "build"])
def test_fil_5_a_disk_that_takes_no_more_fails_the_run_and_costs_nothing(
    season: Ground, left: Callable[[str], State], tmp_path: Path, stage: str
) -> None:
    sizes = written(beginning(season, stage), left(stage))
    with season.start(beginning(season, stage), str(tmp_path)) as settings:
        for most in (sizes[len(sizes) // 4], sizes[len(sizes) // 2], sizes[-2]):
            playing = fresh_process(play, stage, settings, most)
            assert ended(playing) == FULL
            alone(settings.database_url)
        assert differences(again(stage, settings), left(stage)) == ()


if can_mount():

    @pytest.mark.parametrize("stage", ["ingest", "build"])
    def test_fil_5_a_disk_that_is_full_fails_the_run_and_costs_nothing(
        season: Ground, left: Callable[[str], State], tmp_path: Path, stage: str
    ) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        page = os.sysconf("SC_PAGE_SIZE")
        with small_disk(disk, 1024 * page) as grow, season.start(beginning(season, stage), str(disk)) as settings:
            used = page * (1024 - os.statvfs(disk).f_bfree)
            for more in (1, 2, 4):
                grow(used + more * page)
                with open_desk(settings) as desk, pytest.raises(StoreError, match="No space left on device"):
                    beginning(season, stage).stage.play(desk)
            grow(2048 * page)
            assert differences(again(stage, settings), left(stage)) == ()


# --- A store that fails ----------------------------------------------------------------------------------------------


@pytest.fixture
def before_s3(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy in front of the S3 server; whoever speaks to S3 speaks to it."""
    with proxy(s3_port) as standing:
        at_port(monkeypatch, standing.server_port)
        yield standing


def patient(desk: Desk) -> Desk:
    """The same desk, its client of S3 as it is, but for waiting seconds instead of minutes."""
    assert isinstance(desk.store, S3Store)
    desk.store.client = boto3.client(
        "s3", config=Config(retries={"mode": "standard"}, read_timeout=0.5, s3={"addressing_style": "path"})
    )
    return desk


NOW_AND_THEN: dict[int, Fault] = {3: "500", 8: "lost", 11: "stall", 20: "lost", 33: "500", 45: "stall", 60: "lost"}


@pytest.mark.parametrize("stage", ["ingest", "release to centres"])
def test_fil_5_an_s3_that_fails_now_and_then_is_not_even_noticed(season: Ground, before_s3: Proxy, stage: str) -> None:
    base, start = new_bucket(f"moods-{stage.replace(' ', '-')}"), beginning(season, stage)
    expected = undisturbed(season, start, base).left
    with season.start(start, base) as settings, open_desk(settings) as desk:
        before_s3.fail(lambda number: NOW_AND_THEN.get(number, ""))
        start.stage.play(patient(desk))
        assert before_s3.failed >= 3
        before_s3.heal()
        assert differences(state(settings), expected) == ()


@pytest.mark.parametrize(
    ("stage", "fault", "served"), [("ingest", "500", 3), ("ingest", "stall", 12), ("release to centres", "lost", 8)]
)
def test_fil_5_an_s3_that_fails_for_good_fails_the_run_and_costs_nothing(
    season: Ground, before_s3: Proxy, stage: str, fault: Fault, served: int
) -> None:
    base, start = new_bucket(f"gone-{fault}"), beginning(season, stage)
    expected = undisturbed(season, start, base).left
    with season.start(start, base) as settings:
        with open_desk(settings) as desk:
            before_s3.fail(lambda number: fault if number > served else "")
            with pytest.raises(StoreError, match="cannot"):
                start.stage.play(patient(desk))
        before_s3.heal()
        assert differences(again(stage, settings), expected) == ()


# --- A database that is gone -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of its own, which can be killed: a durable one, as what it has committed has to stay."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("mortal"))
    try:
        server.start()
        server.create_database("mortal")
        migrate(server.url("mortal"))
        yield server
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("stage", "at"),
    [("ingest", "ingest: received"), ("ingest", "ingest: booked"), ("release to centres", "embargo: out")],
)
def test_fil_5_a_database_that_is_killed_fails_the_run_and_costs_nothing(
    season: Ground, mortal: EmbeddedPostgres, tmp_path: Path, stage: str, at: str
) -> None:
    start = beginning(season, stage)

    def at_the_beginning(name: str) -> Settings:
        copy_store(start.store, str(tmp_path / name))
        put_back(mortal.url("mortal"), start.ledger)
        return settings_of(str(tmp_path / name), mortal.url("mortal"))

    expected = again(stage, at_the_beginning("undisturbed"))

    def kill(step: Step) -> None:
        if str(step) == at and (running := mortal._process):
            running.send_signal(signal.SIGKILL)
            running.wait()

    settings = at_the_beginning("killed")
    with open_desk(settings) as desk, watched(kill), pytest.raises(DBAPIError):
        start.stage.play(desk)
    assert not mortal.alive()
    mortal.start()
    settings = evolve(settings, database_url=mortal.url("mortal"))
    assert differences(again(stage, settings), expected) == ()


# --- Two at once -----------------------------------------------------------------------------------------------------


def test_fil_5_a_second_ingest_beside_the_first_leaves_everything_to_it(
    season: Ground, left: Callable[[str], State], tmp_path: Path
) -> None:
    start = beginning(season, "ingest")
    with season.start(start, str(tmp_path)) as settings:
        beside = list[tuple[int, Trace]]()

        def second(step: Step) -> None:
            if not beside and str(step) == "ingest: received":
                before = state(settings)
                beside.append(process(start.stage, settings))
                assert differences(state(settings), before) == ()

        with open_desk(settings) as desk, watched(second):
            start.stage.play(desk)
        [(code, trace)] = beside
        assert (code, {one.partition(":")[0] for one in trace.passed}) == (0, {"journal"})
        assert differences(state(settings), left("ingest")) == ()


def test_fil_5_ingests_that_begin_at_the_same_time_apply_everything_once(
    season: Ground, left: Callable[[str], State], tmp_path: Path
) -> None:
    with season.start(beginning(season, "ingest"), str(tmp_path)) as settings:
        both = [fresh_process(play, "ingest", settings) for _ in range(3)]
        assert [ended(one) for one in both] == [0, 0, 0]
        assert differences(state(settings), left("ingest")) == ()


@pytest.mark.parametrize("stage", ["build", "release to centres", "later claims"])
def test_res_2_two_runs_of_the_same_job_publish_everything_once(
    season: Ground, left: Callable[[str], State], tmp_path: Path, stage: str
) -> None:
    with season.start(beginning(season, stage), str(tmp_path)) as settings:
        both = [fresh_process(play, stage, settings) for _ in range(2)]
        assert [ended(one) for one in both] == [0, 0]
        assert differences(state(settings), left(stage)) == ()


# --- A clock that jumps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [timedelta(days=400), MARKED + MINUTE - TAKEN])
def test_fil_1_a_clock_that_jumps_between_two_runs_changes_no_receipt(
    season: Ground, left: Callable[[str], State], tmp_path: Path, jump: timedelta
) -> None:
    """Forwards by more than a year, and backwards to when the last file had just settled."""
    start = beginning(season, "ingest")
    for step in ("archive: archived", "ingest: received", "ingest: booked"):
        with season.start(start, str(tmp_path)) as settings:
            code, _ = process(start.stage, settings, (step, 2))
            assert code == -signal.SIGKILL
            alone(settings.database_url)
            with open_desk(settings) as desk:
                ingest(desk, TAKEN + jump)
            assert differences(state(settings), left("ingest")) == (), step


def test_res_2_a_clock_that_jumps_back_over_the_instant_publishes_and_takes_back_nothing(
    season: Ground, tmp_path: Path
) -> None:
    start = beginning(season, "release to learners")
    with season.start(start, str(tmp_path)) as settings, open_desk(settings) as desk:
        before, series = state(settings), desk.catalogue.series_by_id("2024-06")
        assert series
        for audience in ("centres", "learners"):
            with pytest.raises(ReleaseError, match="under embargo"):
                release(desk, series, audience, TO_CENTRES - timedelta(seconds=1))
        assert differences(state(settings), before) == ()


# --- The same thing twice --------------------------------------------------------------------------------------------


def test_fil_3_the_same_file_under_several_names_is_answered_each_time_and_applied_once(work: Desk) -> None:
    land(work, f"inbox/{CENTRE}/E{CENTRE}13.X01", registration_file(), ENTERED - timedelta(days=100))
    names = (f"E{CENTRE}15.X01", f"E{CENTRE}15 (1).X01", f"Copy of E{CENTRE}15.X01", "upload/E.X01", "e6412315.x01")
    for name in names:
        land(work, f"inbox/{CENTRE}/{name}", centre_file(), ENTERED)
    ingest(work, TAKEN)
    assert rows(work, "SELECT count(*), count(DISTINCT name) FROM replies") == [(6, 6)]
    assert rows(work, "SELECT count(*), count(DISTINCT (uci, option)) FROM entries") == [(12, 12)]
    assert rows(work, "SELECT count(*) FROM submissions WHERE booked AND letter = 'E' AND series = '6B24'") == [(1,)]
    replies = [stored.key for stored in work.store.list(f"outbox/{CENTRE}/X") if not stored.key.endswith(".json")]
    assert len(replies) == 6
    assert list(work.store.list("inbox/")) == [
        stored for stored in work.store.list("inbox/") if stored.kind == "folder"
    ]


def test_fil_3_the_same_bytes_in_two_folders_of_centres_at_once_are_two_files(work: Desk) -> None:
    for centre in (CENTRE, "58201"):
        land(work, f"inbox/{centre}/E{CENTRE}13.X01", registration_file(), ENTERED)
    assert ingest(work, TAKEN).outcomes == {"accepted": 1, "refused": 1}
    assert rows(work, "SELECT DISTINCT centre FROM registrations") == [(CENTRE,)]
    assert len(list(work.store.list("archive/"))) == 1
