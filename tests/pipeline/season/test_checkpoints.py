"""Checkpoints over a real ledger and store (OPS-1, OPS-2): who would get no result, told in time and once."""

from __future__ import annotations

import csv
import io
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bench.ledgers import rewritten
from infra.ledger.actions import Action
from infra.ledger.tables import checkpoints, entries
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.orders import Order
from pipeline.season import moving
from pipeline.season.changes import DateChange
from pipeline.season.checkpoints import CheckpointCounts, by_when, checkpoint, passed_over
from pipeline.season.schedule import SCHEDULES
from rules import checkpoints as rules
from rules.catalogue import Series
from tests.pipeline.inbox import land, land_samples
from tests.support import REGISTERED, centre_file, registration_file

NOW = datetime(2024, 4, 29, 9, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 12, tzinfo=UTC)
CENTRE = "64123"
SECOND = timedelta(seconds=1)


def summer(desk: Desk, year: int = 2024) -> Series:
    series = desk.catalogue.series_by_id(f"{year}-06")
    assert series
    return series


def take(desk: Desk, event: str = "window_closes", now: datetime = NOW) -> CheckpointCounts:
    return checkpoint(desk, summer(desk), event, now)


def letter(desk: Desk, event: str = "window_closes", centre: str = CENTRE) -> str:
    return desk.store.get(f"outbox/{centre}/checkpoint-2024-06-{event}.txt").decode()


def report(desk: Desk, event: str = "window_closes") -> list[dict[str, str]]:
    data = desk.store.get(f"reports/checkpoints/2024-06-{event}.csv").decode()
    return list(csv.DictReader(io.StringIO(data)))


def written(desk: Desk) -> dict[str, bytes]:
    """What checkpoints have written."""
    keys = [
        stored.key for prefix in ("outbox/", "reports/") for stored in desk.store.list(prefix) if stored.kind == "file"
    ]
    return {key: desk.store.get(key) for key in keys if "checkpoint" in key}


def enter(desk: Desk, options: tuple[str, ...], centre: str = CENTRE) -> None:
    """Three learners of a centre, registered and entered on time."""
    land(desk, f"{centre}/E{centre}13.X01", registration_file(centre), REGISTERED)
    data = centre_file(options, centre=centre)
    land(desk, f"{centre}/E{centre}15.X01", data, datetime(2024, 2, 15, 12, tzinfo=UTC))
    ingest(desk, LATER)


def test_ops_1_the_samples_say_who_would_get_no_result_and_why(work: Desk) -> None:
    land_samples(work)
    ingest(work, LATER)
    summary = take(work)
    assert summary.reasons == {"NAME_REFUSED": 1, "NO_CASH_IN": 8}
    assert (summary.learners, summary.centres) == (9, 2)
    assert [(row["centre"], row["code"], row["learners"]) for row in report(work)] == [
        ("40807", "NAME_REFUSED", "1"), ("40807", "NO_CASH_IN", "7"), (CENTRE, "NO_CASH_IN", "1"),
    ]  # fmt: skip
    # Candidate 0008 of the amendment keeps every component and loses the claim.
    assert "  0008  " in letter(work)


def test_ops_1_a_letter_names_learner_reason_remedy_and_date(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    assert take(work).reasons == {"NO_CASH_IN": 3}
    text = letter(work)
    assert "3 learners at your centre would get no result on results day" in text
    assert "Every component will be complete, but certification is not claimed. (CRT-1, NO_CASH_IN)" in text
    assert "To do: Claim it with this cash-in code in an amendment (A) file." in text
    assert "By:    2 May 2024." in text
    with work.ledger.engine.connect() as connection:
        rows = connection.execute(sa.text("select candidate, name from registrations")).all()
    assert len(rows) == 3
    for candidate, name in rows:
        assert f"{candidate}  {name}" in text


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2024-03-20T00:00:00+00:00", "44 days left"),  # in the calendar's days, although the clocks change between
        ("2024-04-19T00:00:00+01:00", "14 days left"),
        ("2024-04-19T00:00:01+01:00", "13 days left"),
        ("2024-05-02T00:00:00+01:00", "1 day left"),
        ("2024-05-02T23:59:59+01:00", "less than a day left"),
        ("2024-05-03T00:00:00+01:00", None),
    ],
)
def test_ops_1_before_the_date_letter_and_report_say_of_which_instant_and_what_is_left(
    work: Desk, now: str, left: str | None
) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    take(work, now=datetime.fromisoformat(now))
    page = work.store.get("reports/checkpoints/2024-06-window_closes.html").decode()
    for text in (letter(work), page):
        assert bool(re.search("days? left", text)) == ("what came after it is not in it" in text) == (left is not None)
        assert left is None or left in text


def test_ops_1_who_is_whole_is_not_on_the_list(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03", "BEN99"))
    assert take(work) == CheckpointCounts(series="2024-06", event="window_closes")
    assert report(work) == []


def test_ops_1_marks_are_asked_for_once_they_are_due(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03", "BEN99"))
    due = datetime.fromisoformat("2024-05-16T00:00:00+01:00")
    assert take(work, now=due - SECOND).reasons == {}
    assert take(work, now=due).reasons == {"MISSING_MARK": 3}
    assert take(work, "marks_deadline", due - SECOND).reasons == {"MISSING_MARK": 3}
    assert "By:    15 May 2024." in letter(work, "marks_deadline")
    assert take(work, "award", due).reasons == {"MISSING_MARK": 3, "BOARD_MARK": 3}
    # What only the board can mend is for staff.
    assert "BOARD_MARK" in {row["code"] for row in report(work, "award")}
    assert "BOARD_MARK" not in letter(work, "award")
    assert "only our staff can still do it" in letter(work, "award")


def test_ops_1_taken_twice_it_changes_nothing(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    first = take(work)
    before = written(work)
    with rewritten(work.settings.owner_url, work.store) as connection:
        connection.execute(entries.delete())
    again = take(work)
    assert written(work) == before
    assert (again.taken, again.reasons, again.learners) == (False, first.reasons, first.learners)
    with work.ledger.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(checkpoints)).scalar_one() == 1


def test_ops_1_a_checkpoint_that_died_before_its_record_writes_the_same_again(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    take(work)
    before = written(work)
    with work.ledger.engine.begin() as connection:
        connection.execute(checkpoints.delete())
    assert take(work).taken
    assert written(work) == before


def test_ops_1_a_centre_that_has_mended_it_is_told_so(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    take(work)
    data = centre_file(("BEN01", "BEN02", "BEN03", "BEN99"), letter="A", sequence=2)
    land(work, f"{CENTRE}/A{CENTRE}15.X02", data, NOW + SECOND)
    ingest(work, LATER)
    assert take(work, now=NOW + timedelta(hours=1)).learners == 0
    assert "Nobody at your centre would be without a result any more." in letter(work)


def test_ops_1_report_and_log_hold_no_names(work: Desk, caplog: pytest.LogCaptureFixture) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    with caplog.at_level(logging.DEBUG):
        take(work)
    with work.ledger.engine.connect() as connection:
        names = list(connection.execute(sa.text("select name from registrations")).scalars())
    told = caplog.text + "".join(data.decode() for key, data in written(work).items() if key.startswith("reports/"))
    assert "NO_CASH_IN x3" in caplog.text
    assert not [name for name in names if name in told or name.split(":")[0] in told]


def test_ops_2_a_centre_that_sent_last_year_and_not_now_is_silent(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03", "BEN99"))
    for centre in (CENTRE, "58201"):
        data = centre_file(("BEN01",), centre=centre, series="6B23")
        land(work, f"{centre}/E{centre}15.X01", data, datetime(2023, 2, 1, 12, tzinfo=UTC))
    ingest(work, LATER)
    summary = take(work)
    assert (summary.silent, summary.centres) == (1, 0)
    assert [(row["centre"], row["code"]) for row in report(work)] == [("58201", "SILENT")]
    assert "No file of this series has reached us from your centre" in letter(work, centre="58201")


def test_ops_1_by_when_follows_window_extension_and_late_claims(work: Desk) -> None:
    series = summer(work)
    closes = datetime.fromisoformat("2024-05-03T00:00:00+01:00")
    over = datetime.fromisoformat("2024-07-06T00:00:00+01:00")
    claim, internal = rules.NO_CASH_IN, rules.INTERNAL_NEVER_TAKEN
    assert by_when(work, claim, series, closes - SECOND, CENTRE, {}) == "2 May 2024"
    assert by_when(work, claim, series, closes, CENTRE, {}).startswith("5 July 2024, in the late claim window")
    assert by_when(work, claim, series, over - SECOND, CENTRE, {}).startswith("5 July 2024")
    assert "only our staff" in by_when(work, claim, series, over, CENTRE, {})
    assert "only our staff" in by_when(work, internal, series, closes, CENTRE, {})
    extended = {(CENTRE, series.id, "window_closes"): closes + timedelta(days=2)}
    said = "4 May 2024, as extended for your centre"
    assert by_when(work, internal, series, closes, CENTRE, extended) == said
    assert "only our staff" in by_when(work, internal, series, closes, "58201", extended)


def test_ops_1_a_letter_shows_the_extension_staff_have_granted(work: Desk) -> None:
    enter(work, ("BEN01", "BEN02", "BEN03"))
    until = datetime.fromisoformat("2024-05-10T00:00:00+01:00")
    work.actions.record(
        Action(
            at=NOW - SECOND, who="a", why="b", action="extension", centre=CENTRE, series="2024-06",
            event="window_closes", until=until,
        )
    )  # fmt: skip
    take(work)
    assert "By:    9 May 2024, as extended for your centre." in letter(work)


def test_ops_1_cal_7_a_reminder_that_has_passed_when_its_date_is_moved_is_taken_by_the_next_run(work: Desk) -> None:
    reminded = SCHEDULES["checkpoints"].days_before
    ordered = Order("J. Clerk", "exams moved", datetime(2024, 4, 10, 9, tzinfo=UTC))
    earlier = DateChange(series="2024-06", event="marks_deadline", day="2024-04-20")
    moving.ask(work, earlier, ordered)
    moving.confirm(work, earlier, ordered)
    with open_desk(work.settings) as desk:
        assert passed_over(desk, reminded, ordered.at - timedelta(days=5)) == []
        assert passed_over(desk, reminded, ordered.at) == [("2024-06", "marks_deadline")]
        take(desk, "marks_deadline", ordered.at)
        assert passed_over(desk, reminded, ordered.at + timedelta(days=1)) == []


def test_ops_1_an_unknown_checkpoint_is_an_error(work: Desk) -> None:
    with pytest.raises(ValueError, match="results is not a checkpoint"):
        take(work, "results")
