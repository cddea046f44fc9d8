"""The made-up season: the same for the same seed, as its truth says, and played through the desk's jobs without
Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve

from bench.reliability import RECORD
from fixtures.season import season
from fixtures.season.people import PER_MILLE
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from parsers.reader import read
from pipeline.demo.demo import SAMPLES
from pipeline.demo.rehearsal import happen, steps
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from pipeline.replay import empty_desk, replay
from pipeline.results.audit import audit as seals_audit
from tests.catalogue import FROZEN
from tests.conservation.audit import IN_THE_END, audit
from tests.conservation.changes import play_with_changes
from tests.conservation.play import LONG_AGO, Played, play

LONG_AFTER = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    postgres.create_database("season")
    migrate(postgres.url("season"))
    state = tmp_path_factory.mktemp("season")
    made = season(seed=1)
    with open_desk(Settings(catalogue=FROZEN, state=state, database_url=postgres.url("season"))) as desk:
        yield play(desk, made)


# --- The generator ---------------------------------------------------------------------------------------------------


def test_a_season_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert season(3, centres=4, learners_per_centre=5) == season(3, centres=4, learners_per_centre=5)
    assert season(3, centres=4, learners_per_centre=5).events != season(4, centres=4, learners_per_centre=5).events


def test_twelve_centres_have_every_plan_and_every_mishap() -> None:
    made = season(1)
    assert len({one.plan.name for one in made.truth.learners}) == 19
    assert {one.mishap for one in made.centres} == set(PER_MILLE)
    assert {one.marking for one in made.centres} == {"fair", "generous", "generous, then mended"}


def test_no_two_learners_share_a_uci_or_uln_not_even_with_the_samples() -> None:
    people = [one.person for one in season(1).truth.learners]
    samples = "".join(path.read_text("ascii") for path in Path(SAMPLES).glob("[0-9]*/E*"))
    for name in ("uci", "uln"):
        values = [one[name] for one in people if one[name]]
        assert len(set(values)) == len(values) > 100
        assert not [one for one in values if one in samples]


def test_fil_2_files_have_no_findings_but_those_that_were_planted() -> None:
    """Names, counts and widths need no ledger; the other planted findings are the rules'."""
    by_reader = {"FILE_RENAMED", "COUNT_WRONG", "FILE_CUT"}
    for event in season(2).events:
        if event.kind == "file":
            found = read(event.name.rpartition("/")[2], event.data).findings
            assert {one.code for one in found} == event.codes & by_reader, event


# --- Played ----------------------------------------------------------------------------------------------------------


def test_fil_1_what_was_planted_is_found(played: Played) -> None:
    found = played.rows(
        "select landing_key, received, code from submissions join findings on submission_id = submissions.id"
    )
    for event in played.season.events:
        mine = {code for key, received, code in found if (key, received) == (event.name, event.at.astimezone(UTC))}
        assert mine - {"LATE_FEE", "WITHDRAWN"} == event.codes, event


def test_fil_1_fil_3_fee_5_crt_2_res_1_nothing_is_lost_or_doubled_and_every_result_is_that_of_the_truth(
    played: Played,
) -> None:
    balance = audit(played)
    assert balance.wrong == ()
    # The page about reliability shows these very counts.
    assert balance.counted == json.loads(RECORD.read_text(encoding="utf-8"))["conservation"]["seasons"][0]["counted"]
    assert balance.counted["files landed"] == sum(one.kind in ("file", "portal") for one in played.season.events)
    # Each kind of end that a statement or a claim can have does occur.
    assert all(
        balance.counted[what]
        for what in (
            "statements applied", "statements repeated", "statements withdrawn", "statements refused",
            "claims awarded", "claims not eligible", "claims pending",
        )
    )  # fmt: skip


def test_awd_5_res_7_res_8_a_season_that_changes_after_each_milestone_ends_as_the_truth_of_its_changes(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres.create_database("changing")
    migrate(postgres.url("changing"))
    with open_desk(Settings(catalogue=FROZEN, state=tmp_path, database_url=postgres.url("changing"))) as desk:
        made = season(seed=2, centres=3, learners_per_centre=4)
        changed, done = play_with_changes(desk, made)
        assert audit(changed, IN_THE_END).wrong == ()
        before = {words.partition(":")[0] for words in audit(Played(desk, made), IN_THE_END).wrong}
        assert before == {"marks", "awards"}, "by the truth without its changes it would be otherwise"
        assert set(done) == {"corrected", "marked again", "withheld", "released"}
        assert seals_audit(desk, LONG_AFTER).differences == ()


SPOILT = {
    "replies": "update submissions set outcome = 'refused' where id = (select max(id) from submissions)",
    "said": "update findings set code = 'SEX' where code = 'NAME_MISMATCH'",
    "holdings": "update entries set ended_by = submission_id where id = (select max(id) from entries)",
    "marks": "update marks set mark = mark + 1 where id = (select max(id) from marks where mark is not null)",
    "claims": "update submissions set received = received + interval '1 second' where channel = 'online'",
    "fees": "update fee_lines set pence = pence + 1 where id = (select max(id) from fee_lines)",
    "awards": "update awards set ums = ums + 1 where ums is not null",
}


@pytest.mark.parametrize("check", SPOILT)
def test_the_audit_notices_what_is_spoilt_in_the_ledger(postgres: EmbeddedPostgres, played: Played, check: str) -> None:
    played.desk.ledger.engine.dispose()
    settings = evolve(played.desk.settings, database_url=postgres.url(f"spoilt_{check}"))
    server = sa.create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE spoilt_{check} TEMPLATE season"))
    server.dispose()
    with open_desk(settings) as desk:
        with desk.ledger.engine.begin() as connection:
            # As the owner of the database can: sealed rows cannot be changed otherwise (OPS-7).
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            assert connection.execute(sa.text(SPOILT[check])).rowcount
        noticed = {one.partition(":")[0] for one in audit(Played(desk, played.season)).wrong}
    assert check in noticed


def test_the_audit_notices_what_is_spoilt_in_the_outbox(played: Played) -> None:
    store = played.desk.store
    key = next(one.key for one in store.list("outbox/") if "/R" in one.key)
    before = store.get(key)
    try:
        store.put(key, before.replace(b"D2 ", b"M2 ", 1).replace(b"P1 ", b"U  ", 1))
        assert [one.partition(":")[0] for one in audit(played).wrong] == ["results_files"]
    finally:
        store.put(key, before)


def test_played_again_nothing_changes(played: Played) -> None:
    """Of the actions of staff there is a second record, and nothing else."""
    tables = ("submissions", "entries", "registrations", "marks", "fee_lines", "awardings", "results", "awards")

    def state() -> list[object]:
        counts = [played.rows(f"select count(*) from {table}") for table in tables]
        return [*counts, {one.key: one.size for one in played.desk.store.list("outbox/")}]

    before = state()
    ingests = [one for one in steps(played.desk.catalogue) if one.job == "ingest"]
    last = LONG_AGO
    for step in ingests:
        for event in played.season.between(last, step.at):
            if event.kind in ("file", "portal", "staff"):
                happen(played.desk, played.season, event)
        assert ingest(played.desk, step.at).outcomes == {}
        last = step.at
    assert state() == before


# --- Once more -------------------------------------------------------------------------------------------------------


def test_res_6_the_whole_season_replayed_gives_the_same_bytes(played: Played, tmp_path: Path) -> None:
    with empty_desk(played.desk.settings, tmp_path / "again", "season_again") as empty:
        came = replay(played.desk, empty)
    assert came.differences == ()
    assert came.jobs > 30
    assert came.files > 400
