"""The watch: what is due and not done is told once, with what to do; what is done is not told."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from attrs import evolve
from fastapi.routing import APIRoute

from fixtures.generate import people
from infra.host import free_port
from infra.ledger import tables as t
from infra.ledger.alerts import WatchBook
from infra.ledger.sql import copy, open_engine
from infra.settings import Settings
from pipeline.awarding.award import award
from pipeline.console.routes import routes
from pipeline.desk import Desk, open_desk
from pipeline.results.release import approve, release
from pipeline.season.checkpoints import checkpoint
from pipeline.watching.alerts import ALERTS, DISK_LOW, INGEST_SILENT, TEST, alert, tell
from pipeline.watching.callbacks import PAGES
from pipeline.watching.watch import INGEST, WATCH, Watched, conditions, watch
from rules.catalogue import LONDON
from tests.mailbox import Hook, webhook
from tests.pipeline.results_season import CENTRE, TO_CENTRES, TO_LEARNERS, WHO, WHY, build, play, series

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2024, 1, 10, 12, tzinfo=LONDON)
RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as listening:
        yield listening


@pytest.fixture
def told(fresh: Settings, hook: Hook) -> Iterator[Desk]:
    """A desk whose alerts go to the webhook, with room on its disk."""
    with open_desk(evolve(fresh, alert_webhook=hook.url, alert_seconds=5, free_disk_bytes=1)) as desk:
        yield desk


def look(desk: Desk, now: datetime) -> Watched:
    """A watch in a desk that is at work: the jobs ran five minutes ago."""
    book = desk.watch
    for job in (INGEST, WATCH):
        book.beat(job, now - 5 * MINUTE)
    return watch(desk, now)


def codes(found: Watched) -> list[str]:
    return [one.code for one in found.wrong]


def test_res_2_from_the_award_to_the_release_every_step_that_is_due_and_not_done_is_told_once(
    told: Desk, hook: Hook
) -> None:
    play(told)
    may_june = series(told)
    # What fell due before anybody watched is history.
    assert list(conditions(told, told.watch, TO_LEARNERS + DAY)) == []
    assert look(told, datetime(2024, 8, 1, tzinfo=LONDON)).note() == "Nothing is late."

    at = TO_CENTRES - 5 * DAY
    assert look(told, at).note() == (
        "AWARD_MISSING (new): The results of 2024-06 go to centres in 5 days, and nothing is built: nothing is awarded."
    )
    assert codes(look(told, at + HOUR)) == ["AWARD_MISSING"]
    awarding = build(told, award(told, may_june, at).awarding, at).awarding
    assert codes(look(told, at + 2 * HOUR)) == []

    assert codes(look(told, TO_CENTRES - 25 * HOUR)) == []
    assert look(told, TO_CENTRES - 24 * HOUR).fresh[0].happened == (
        "The results of 2024-06 go to centres in 1 day, and they are not approved: version 1 is built."
    )
    approve(told, awarding, WHO, WHY, TO_CENTRES - 3 * HOUR)
    assert codes(look(told, TO_CENTRES - HOUR)) == []

    assert codes(look(told, TO_CENTRES + 9 * MINUTE)) == []
    late = look(told, TO_CENTRES + 10 * MINUTE)
    assert [one.key for one in late.fresh] == ["RESULTS_LATE:2024-06:centres"]
    release(told, may_june, "centres", TO_CENTRES + 11 * MINUTE)
    assert codes(look(told, TO_CENTRES + 15 * MINUTE)) == []
    assert [one.key for one in look(told, TO_LEARNERS + HOUR).fresh] == ["RESULTS_LATE:2024-06:learners"]
    release(told, may_june, "learners", TO_LEARNERS + HOUR)
    assert codes(look(told, TO_LEARNERS + 2 * HOUR)) == []

    contents = [content for _, content in hook.taken]
    assert [one["code"] for one in contents] == [
        "AWARD_MISSING",
        "RESULTS_NOT_APPROVED",
        "RESULTS_LATE",
        "RESULTS_LATE",
    ]
    assert contents[2]["commands"] == ["resultsday release 2024-06 --audience centres"]
    assert contents[2]["runbook"] == "docs/runbook/results-not-out.md"
    for person in people(CENTRE, 4, seed=1):
        assert not any(part in str(contents) for part in (*str(person["name"]).split(":"), str(person["uci"])))


def test_an_ingest_that_does_not_succeed_is_told_once_and_again_when_it_happens_again(told: Desk) -> None:
    book = told.watch
    for minutes in (0, 5, 10):
        assert codes(watch(told, NOON + minutes * MINUTE)) == []
    first = watch(told, NOON + 15 * MINUTE)
    assert first.note() == "INGEST_SILENT (new): No ingest has succeeded for 15 minutes."
    second = watch(told, NOON + 20 * MINUTE)
    assert (codes(second), second.fresh) == (["INGEST_SILENT"], ())
    book.beat(INGEST, NOON + 21 * MINUTE)
    assert watch(told, NOON + 25 * MINUTE).wrong == ()
    for minutes in (30, 35):
        watch(told, NOON + minutes * MINUTE)
    assert [one.code for one in watch(told, NOON + 36 * MINUTE).fresh] == ["INGEST_SILENT"]
    # The whole desk was down, and has just come up again.
    assert watch(told, NOON + DAY).wrong == ()


def test_ops_1_a_checkpoint_that_was_not_taken_is_told_until_it_is(told: Desk) -> None:
    may_june = series(told)
    deadline = told.catalogue.milestone(may_june, "on_time_deadline", NOON)
    assert deadline
    look(told, deadline.at - 2 * DAY)
    assert look(told, deadline.at + HOUR).wrong == ()
    late = look(told, deadline.at + 3 * HOUR)
    assert [one.happened for one in late.fresh] == [
        "The checkpoint on_time_deadline of 2024-06 was due 3 hours ago and has not been taken."
    ]
    checkpoint(told, may_june, "on_time_deadline", deadline.at + 4 * HOUR)
    assert look(told, deadline.at + 5 * HOUR).wrong == ()


def test_fil_1_files_that_are_held_for_a_day_are_told_once_a_day(told: Desk) -> None:
    held = {
        "centre": CENTRE, "file_name": "E6412315.X01", "landing_key": f"inbox/{CENTRE}/E6412315.X01", "kind": "file",
        "received": NOON, "modified": NOON, "size": 1, "sha256": "1" * 64, "reply_stream": "15",
        "outcome": "quarantined",
    }  # fmt: skip
    rows = [{**held, "reply_number": number, "sha256": str(number) * 64} for number in (1, 2)]
    with told.ledger.engine.begin() as connection:
        copy(connection, t.submissions, pl.DataFrame([{**row, "id": 900 + n} for n, row in enumerate(rows)]))
    assert look(told, NOON + 23 * HOUR).wrong == ()
    found = look(told, NOON + 25 * HOUR)
    assert found.note() == "FILES_HELD (new): Files are held in quarantine: 2, the oldest for 1 day 1 hour."
    assert look(told, NOON + 26 * HOUR).fresh == ()
    assert [one.code for one in look(told, NOON + 49 * HOUR).fresh] == ["FILES_HELD"]


def test_a_limit_of_file_transfer_is_told_once_a_day_for_each_centre(told: Desk) -> None:
    told.door.reached({("sessions", CENTRE): 12, ("login connections", ""): 3}, NOON)
    found = look(told, NOON + MINUTE)
    assert [one.happened for one in found.fresh] == [
        "Somebody who has not logged in reached a limit of file transfer within a day, 3 times: login connections.",
        f"Centre {CENTRE} reached a limit of file transfer within a day, 12 times: sessions.",
    ]
    told.door.reached({("sessions", CENTRE): 1}, NOON + HOUR)
    assert look(told, NOON + HOUR).fresh == ()
    assert look(told, NOON + 26 * HOUR).wrong == ()


def test_a_disk_that_fills_up_is_told(told: Desk) -> None:
    desk = evolve(told, settings=evolve(told.settings, free_disk_bytes=2**62))
    found = list(conditions(desk, desk.watch, NOON))
    assert {one.code for one in found} == {DISK_LOW.name}
    for one, folder in zip(found, (desk.settings.state, Path(desk.settings.store_location)), strict=True):
        assert one.subject == f"disk nearly full on {platform.node()}: {folder.absolute()}"
        assert f"{2**62 // 2**20:,} MiB of RESULTSDAY_FREE_DISK_BYTES" in one.happened


def test_what_nobody_took_is_told_again_and_what_one_has_taken_is_not(told: Desk, hook: Hook) -> None:
    book = told.watch
    hook.answer = 503
    assert len(tell(told.settings, book, [alert(TEST)], NOON)) == 1
    [said] = book.said()
    assert said.sent_at is None
    hook.answer = 204
    half = evolve(told.settings, alert_mail_to="ops@example.org", alert_smtp_port=free_port())
    assert len(tell(half, book, [alert(TEST)], NOON + HOUR)) == 1
    assert tell(half, book, [alert(TEST)], NOON + 2 * HOUR) == []
    [said] = book.said()
    assert (said.at, said.sent_at) == (NOON, NOON + HOUR)
    assert len(hook.taken) == 2


def test_a_ledger_that_is_out_of_reach_keeps_nobody_from_being_told(told: Desk, hook: Hook) -> None:
    gone = open_engine(f"postgresql+psycopg2://nobody@127.0.0.1:{free_port()}/none")
    assert len(tell(told.settings, WatchBook(gone), [alert(TEST)], NOON)) == 1
    assert len(hook.taken) == 1


def test_every_alert_has_a_page_in_the_runbook_and_all_its_words_are_filled_in() -> None:
    words = {
        "dag": "ingest", "run": "scheduled", "why": "task failure", "series": "2024-06", "audience": "centres",
        "minutes": 1, "hours": 1, "state": "built", "event": "window_closes", "count": 1, "free": 1, "place": "store",
        "seconds": 60, "files": 1, "part": "scheduler", "who": "Centre 64123", "times": 1, "limit": "sessions",
        "version": 1, "learners": 1, "centres": "64123", "centre": "64123", "asked": "1 May", "command": "resultsday",
        "job": "ingest", "holder": "a process", "undecided": 1, "unpublished": 1, "queue": "release",
        "first": "marks: id 1", "host": "desk-1", "path": "/var/store",
    }  # fmt: skip
    settings = Settings(
        alert_runbook="https://runbook.example/{page}.html", console_url="https://desk.example//resultsday/"
    )
    for one in ALERTS.values():
        message = alert(one, **words).message(settings, NOON)
        assert (RUNBOOK / f"{one.page}.md").exists(), one.page
        assert "{" not in message.text + message.subject
        assert message.subject.startswith("Resultsday: ")
        assert len(message.subject) <= 78, "a line of an e-mail"
        assert re.search(r"Seen \d.* (GMT|BST)\.", message.text)
        _a_page_of_ours(message.content["console"].removeprefix("https://desk.example"))
        assert message.text.endswith(f"https://runbook.example/{one.page}.html\n")
    for dag, page in PAGES.items():
        assert (RUNBOOK.parents[1] / "dags" / f"{dag}.py").exists(), dag
        assert (RUNBOOK / f"{page}.md").exists(), page


def _a_page_of_ours(address: str) -> None:
    """Fails for an address at which neither the console nor Airflow has a page."""
    below = address.removeprefix("/resultsday/")
    if below == address:
        assert re.fullmatch(r"/|/dags(/ingest(/runs/scheduled)?)?", address), address
        return
    path, query = urlsplit(below).path, parse_qs(urlsplit(below).query)
    pages = [route for route in routes.routes if isinstance(route, APIRoute) and "GET" in route.methods]
    [route] = [page for page in pages if page.path == f"/{path}"]
    assert set(query) <= {param.name for param in route.dependant.query_params}, address


def test_times_are_told_as_people_say_them() -> None:
    said = alert(INGEST_SILENT, minutes=2 * 24 * 60 + 61)
    assert said.happened == "No ingest has succeeded for 2 days 1 hour."
