"""The metrics of a small season, read by Prometheus' own parser."""

from __future__ import annotations

from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from pipeline.awarding.award import award
from pipeline.desk import Desk
from pipeline.results.release import approve, release
from pipeline.watching.alerts import FILES_HELD, alert, tell
from pipeline.watching.metrics import METRICS, exposition
from rules.catalogue import LONDON
from tests.pipeline.results_season import AWARDED, BUILT, SECOND, TO_CENTRES, WHO, WHY, build, play, series

Labels = tuple[tuple[str, str], ...]


def measured(desk: Desk, now: datetime) -> dict[tuple[str, Labels], float]:
    """Every value by name and labels."""
    text = exposition(desk, now).decode()
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_every_metric_of_a_season_says_what_is_there(work: Desk) -> None:
    season = play(work)
    found = measured(work, datetime(2024, 5, 1, 13, 5, tzinfo=LONDON))
    decided = {labels: value for (name, labels), value in found.items() if name == "resultsday_decided_files"}
    assert decided == {
        (("outcome", "accepted"), ("window", "hour")): 3, (("outcome", "accepted"), ("window", "day")): 4,
    }  # fmt: skip
    awarding = build(work, award(work, series(work), AWARDED).awarding, BUILT).awarding
    book, now = work.watch, TO_CENTRES + timedelta(minutes=30)
    approve(work, awarding, WHO, WHY, BUILT)
    release(work, series(work), "centres", TO_CENTRES + SECOND)
    season.land("inbox/64123/E6412315.X09", b"?", now - timedelta(seconds=90))
    season.land("inbox/64123/E6412315.X10.partial", b"?", now - timedelta(seconds=900))
    book.beat("ingest", now - timedelta(seconds=40))
    work.door.reached({("sessions", "64123"): 3, ("sessions", "58201"): 1, ("buffer", "64123"): 2}, now)
    work.door.reached({("sessions", "64123"): 5}, now - timedelta(hours=2))
    work.door.reached({("sessions", "64123"): 100}, now - timedelta(hours=26))
    tell(work.settings, book, [alert(FILES_HELD, count=1, hours=30)], now - timedelta(hours=2))

    found = measured(work, now)
    assert found["resultsday_inbox_files", ()] == 1
    assert found["resultsday_inbox_age_seconds", ()] == 90
    for empty in ("undecided_files", "undecided_age_seconds", "unpublished_replies", "held_files", "held_age_seconds"):
        assert found[f"resultsday_{empty}", ()] == 0
    assert found["resultsday_job_age_seconds", (("job", "ingest"),)] == 40
    assert found["resultsday_door_limits", (("limit", "sessions"),)] == 9
    assert found["resultsday_door_limits", (("limit", "buffer"),)] == 2
    assert found["resultsday_alerts", (("code", "FILES_HELD"),)] == 1
    states = {labels: value for (name, labels), value in found.items() if name == "resultsday_results_state" and value}
    assert states == {(("series", "2024-06"), ("state", "approved")): 1}
    waiting = [("audience", "centres"), ("series", "2024-06")], [("audience", "learners"), ("series", "2024-06")]
    assert [found["resultsday_unpublished_results_files", tuple(one)] for one in waiting] == [0, 2]
    learners = (("event", "results_to_learners"), ("series", "2024-06"))
    assert found["resultsday_next_instant_seconds", learners] == timedelta(hours=23, minutes=30).total_seconds()
    assert found["resultsday_disk_free_bytes", (("place", "store"),)] > 0


def test_every_metric_has_a_name_of_its_own_and_one_of_the_units() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for one in METRICS:
        assert one.unit in ("files", "seconds", "replies", "alerts", "bytes", "tasks", "workers", "1")
        assert one.unit not in ("seconds", "bytes") or one.name.endswith(one.unit)
