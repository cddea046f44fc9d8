"""The made-up season: the same for the same seed, as its truth says, and played through the desk's jobs without
Airflow."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import floor
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import frozen

from fixtures.season import JANUARY, JUNE, Season, season
from fixtures.season.people import PER_MILLE, SUBJECTS
from infra.ledger import migrate
from infra.postgres import EmbeddedPostgres
from infra.settings import Settings
from parsers.reader import read
from pipeline import moderation, release
from pipeline.after_results import late_claims, updated
from pipeline.award import approve_boundaries, award, take_boundaries
from pipeline.demo import SAMPLES
from pipeline.desk import Desk, open_desk
from pipeline.ingest import ingest
from pipeline.marks import take_external
from pipeline.rehearsal import Step, happen, late_centre, steps
from pipeline.replay import empty_desk, replay
from tests.rules import slow_awarding

LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)


def moderate(desk: Desk, now: datetime) -> None:
    """What the DAG `moderation` does."""
    take_external(desk, now)
    for series in desk.catalogue.all_series():
        moderation.sample(desk, series, now)
    moderation.take(desk, now)
    moderation.review(desk, now)


def award_series(desk: Desk, step: Step) -> None:
    """What the DAG `award` does, its questions answered."""
    series = desk.catalogue.series_by_id(step.series)
    assert series
    take_boundaries(desk, step.at)
    approve_boundaries(desk, series, "A. Approver", "as proposed", step.at)
    awarded = award(desk, series, step.at)
    assert awarded.warnings == ()
    built = release.build(desk, awarded.awarding, step.at)
    release.approve(desk, built.awarding, "A. Approver", "looked at", step.at)


def run(desk: Desk, made: Season, step: Step) -> None:
    """A job, as its DAG does it."""
    series = desk.catalogue.series_by_id(step.series)
    assert series
    if step.job == "ingest":
        ingest(desk, step.at)
    elif step.job == "moderation":
        moderate(desk, step.at)
    elif step.job == "award":
        award_series(desk, step)
    elif step.job == "results_day":
        release.release(desk, series, "learners" if "learners" in step.title else "centres", step.at)
    elif step.job == "late_claims":
        late_claims(desk, step.at)
    else:
        assert step.job == "updated_results"
        updated(desk, [late_centre(made)], step.at, series, "J. Clerk", "the centre asked for it")


@frozen
class Played:
    """A desk on which a season was played."""

    desk: Desk
    season: Season

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.desk.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    postgres.create_database("season")
    migrate(postgres.url("season"))
    state = tmp_path_factory.mktemp("season")
    made = season(seed=1)
    with open_desk(Settings(state=state, database_url=postgres.url("season"))) as desk:
        before = LONG_AGO
        for step in steps(desk.catalogue):
            for event in made.between(before, step.at):
                happen(desk, made, event)
            before = step.at
            run(desk, made, step)
        yield Played(desk, made)


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


def test_fil_1_every_file_becomes_what_the_season_says(played: Played) -> None:
    told = Counter(
        (str(key), received, str(outcome))
        for key, received, outcome in played.rows("select landing_key, received, outcome from submissions")
    )
    files = [one for one in played.season.events if one.kind in ("file", "portal")]
    expected = Counter((one.name, one.at.astimezone(UTC), one.outcome) for one in files)
    staff = [one for one in told.elements() if one[0].startswith("feeds/staff/")]
    assert sorted((told - Counter(staff)).elements()) == sorted(expected.elements())
    assert len(staff) == sum(one.kind == "staff" for one in played.season.events)
    assert {outcome for _, _, outcome in staff} <= {"accepted", "accepted with warnings"}


def test_fil_1_what_was_planted_is_found(played: Played) -> None:
    found = played.rows(
        "select landing_key, received, code from submissions join findings on submission_id = submissions.id"
    )
    for event in played.season.events:
        mine = {code for key, received, code in found if (key, received) == (event.name, event.at.astimezone(UTC))}
        assert mine - {"LATE_FEE", "WITHDRAWN"} == event.codes, event


def test_fil_3_holdings_are_those_of_the_truth(played: Played) -> None:
    for table, expected in (
        ("registrations", played.season.truth.registrations),
        ("entries", played.season.truth.entries),
    ):
        held = played.rows(f"select centre, series, candidate, uci, option from {table} where ended_by is null")
        assert sorted(held) == sorted((o.centre, o.series, o.candidate, o.uci, o.option) for o in expected)


def test_mrk_2_mod_2_final_marks_are_those_of_the_truth(played: Played) -> None:
    held = pl.concat([played.desk.results.marks(series) for series in (JANUARY, JUNE)]).unique()
    names = ("series", "centre", "candidate", "uci", "component", "mark", "status")
    final = {tuple(one) for one in held.select(names).iter_rows()}
    truth = {tuple(getattr(one, name) for name in names) for one in played.season.truth.marks}
    assert final == truth


def test_crt_1_claims_are_those_of_the_truth(played: Played) -> None:
    held = [
        (one["centre"], series, one["candidate"], one["uci"], one["option"], one["received"], one["channel"])
        for series in (JANUARY, JUNE)
        for one in played.desk.results.claims(series).iter_rows(named=True)
    ]
    truth = [(o.centre, o.series, o.candidate, o.uci, o.option, o.at, o.channel) for o in played.season.truth.claims]
    assert sorted(held) == sorted(truth)


# --- Results ---------------------------------------------------------------------------------------------------------

SCALE = (80, 70, 60, 50, 40, 30)
"""Per cent of a component's UMS for its six grades."""


def ums_tables(made: Season) -> dict[tuple[str, str], Callable[[int], int]]:
    """UMS by raw mark, by series and component: AWD-1 once more from its sentence, in plain Python."""
    tables: dict[tuple[str, str], Callable[[int], int]] = {}
    most = {code: 120 for one in SUBJECTS for code in [one.external]}
    most |= {code: 90 if len(one.internal) == 2 else 180 for one in SUBJECTS for code in one.internal}
    for event in made.events:
        if event.kind == "boundaries":
            rows = list(csv.DictReader(io.StringIO(event.data.decode())))
            for series, component in {(one["series"], one["component"]) for one in rows if one["component"] in most}:
                marks = [int(one["raw_mark"]) for one in rows if one["component"] == component]
                points = [(0, 0), *zip(marks[::-1], (most[component] * one // 100 for one in SCALE[::-1]), strict=True)]
                cap = marks[0] + 2 * (marks[0] - marks[1])
                points += [(cap, most[component])] if cap < 60 else []
                tables[series, component] = partial(on_lines, [*points, (60, most[component])])
    return tables


def on_lines(points: list[tuple[int, int]], raw: int) -> int:
    (low, low_ums), (high, high_ums) = next(pair for pair in pairwise(points) if pair[0][0] <= raw <= pair[1][0])
    return floor(low_ums + Fraction((raw - low) * (high_ums - low_ums), high - low) + Fraction(1, 2))


@pytest.mark.parametrize("series", [JANUARY, JUNE])
def test_crt_2_awards_are_those_of_a_slow_awarding_of_the_truth(played: Played, series: str) -> None:
    truth, ums = played.season.truth, ums_tables(played.season)
    expected = {}
    for claim in truth.claims:
        if claim.series == series:
            subject = truth.subject_of(claim.option)
            taken = [
                slow_awarding.Sitting(
                    one.component,
                    one.series,
                    0 if one.status == "A" else None if one.mark is None else ums[one.series, one.component](one.mark),
                    one.status == "A",
                )
                for one in truth.sittings(claim.uci, subject)
            ]
            result = slow_awarding.award(series, subject.internal, subject.external, taken)
            expected[claim.uci, subject.registration] = (result.outcome, result.reason, result.ums, result.grade)
    awards = played.desk.results.current(series)["awards"]
    found = {(one["uci"], one["registration"]): (one["outcome"], one["reason"], one["ums"], one["grade"] or "")
             for one in awards.iter_rows(named=True)}  # fmt: skip
    assert found == expected
    assert len({outcome for outcome, *_ in expected.values()}) > (series == JUNE)


def test_res_1_res_3_every_centre_has_its_results_files_and_the_one_that_asked_an_updated_one(played: Played) -> None:
    store = played.desk.store
    entering = {(one.centre, one.series) for one in played.season.truth.entries}
    for centre in played.season.centres:
        names = [one.key.rpartition("/")[2] for one in store.list(f"outbox/{centre.number}/R") if one.kind == "file"]
        series = [one for one in (JANUARY, JUNE) if (centre.number, one) in entering]
        again = centre.number == late_centre(played.season)
        files = [f"R{centre.number}15.X{number:02d}" for number in range(1, len(series) + again + 1)]
        assert sorted(names) == files + [f"{files[-1]}.txt"] * again
        for name in files:
            assert read(name, store.get(f"outbox/{centre.number}/{name}")).findings == ()


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
