"""The portal's feed and staff actions go in by the same door as files (ENT-2, CAL-3, OPS-3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from infra.ledger.tables import actions
from infra.settings import Settings
from parsers.feed import write_feed
from pipeline.cli import main
from pipeline.cli.approvals import system_account
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.intake.staff import Entry, allow_sitting, change_entry
from pipeline.orders import Order, StaffError
from pipeline.season.extensions import extend
from pipeline.steps import RECORDED, Step, watched
from rules import terms
from rules.catalogue import instant_text
from tests.crashes import Crash
from tests.pipeline.inbox import answer, land, outbox
from tests.support import CENTRE, REGISTERED, centre_file, registration_file

LEARNER = "641230220001D"
OPEN = datetime(2024, 2, 15, 12, tzinfo=UTC)
CLOSED = datetime(2024, 5, 20, 12, tzinfo=UTC)
LATER = datetime(2024, 7, 1, tzinfo=UTC)


def row(**changed: str) -> dict[str, str]:
    return {
        "action": "enter", "series": "6B24", "awarding_body": "15", "centre": CENTRE, "candidate": "0001",
        "uci": LEARNER, "option": "BEN01", "who": "portal user 17", "why": "",
    } | changed  # fmt: skip


def feed(desk: Desk, *rows: dict[str, str], landed: datetime = OPEN, name: str = "basket-1.csv") -> None:
    """Puts a feed file where the portal does."""
    land(desk, f"../feeds/online/{CENTRE}/{name}", write_feed(list(rows)), landed)


def register(desk: Desk) -> None:
    land(desk, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)


def held(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.ledger.engine.connect() as connection:
        query = sa.text("select candidate, option, band from entries where ended_by is null order by candidate, option")
        return [tuple(one) for one in connection.execute(query)]


def test_ent_2_the_portal_enters_while_the_window_is_open(work: Desk) -> None:
    register(work)
    feed(work, row(), row(option="BEN02"))
    assert ingest(work, LATER).outcomes == {"accepted": 2}
    assert held(work) == [("0001", "BEN01", "on_time"), ("0001", "BEN02", "on_time")]


def test_a_feed_changes_only_the_rows_it_names(work: Desk) -> None:
    register(work)
    land(work, f"{CENTRE}/E6412315.X01", centre_file(count=1), OPEN)
    ingest(work, LATER)
    feed(work, row(action="withdraw", option="BEN99"), landed=datetime(2024, 3, 1, tzinfo=UTC))
    ingest(work, LATER)
    assert [option for _, option, _ in held(work)] == ["BEN01", "BEN02", "BEN03"]


def test_ent_2_after_the_window_the_portal_is_refused_and_staff_are_not(work: Desk) -> None:
    register(work)
    feed(work, row(), landed=CLOSED)
    ingest(work, LATER)
    assert held(work) == []
    change_entry(work, "entry", Entry(CENTRE, "2024-06", "0001", LEARNER, "BEN01"), Order("J. Clerk", "ill", LATER))
    ingest(work, LATER)
    assert held(work) == [("0001", "BEN01", "high_late")]


def test_fil_1_a_feed_gets_a_reply_that_says_what_it_is(work: Desk) -> None:
    feed(work, row(uci="641230220001A"))
    ingest(work, LATER)
    told = answer(work)
    assert told["outcome"] == "refused"
    assert [(finding["code"], finding["line"]) for finding in told["findings"]] == [("FEED_ROW", 2)]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\xff\xfe", "FEED_NOT_CSV"), (b"", "FEED_COLUMNS"), (b"a,b\r\n1,2\r\n", "FEED_COLUMNS")],
)
def test_fil_2_a_feed_that_cannot_be_read_is_refused(work: Desk, data: bytes, code: str) -> None:
    land(work, f"../feeds/online/{CENTRE}/x.csv", data, OPEN)
    assert ingest(work, LATER).codes[code] == 1


def test_fil_6_a_feed_in_another_centres_folder_is_refused(work: Desk) -> None:
    feed(work, row(centre="58201"))
    assert ingest(work, LATER).codes["OTHER_CENTRE"] == 1


def test_withdrawing_what_is_not_held_is_said(work: Desk) -> None:
    register(work)
    feed(work, row(action="withdraw"))
    assert ingest(work, LATER).codes["NOT_HELD"] == 1


def test_ent_3_a_further_sitting_is_granted_by_staff(work: Desk) -> None:
    said = allow_sitting(work, CENTRE, LEARNER, "BEN01", 1, Order("J. Clerk", "fire alarm", LATER))
    assert said == f"1 further sitting of BEN01 granted to {LEARNER}."
    assert work.actions.allowances([CENTRE]).rows() == [(LEARNER, "BEN01", 1)]


def test_ent_3_a_sitting_granted_once_more_in_the_same_words_is_one_sitting(work: Desk) -> None:
    """Whoever says it again may not have seen that it was done."""
    first, again = (Order("J. Clerk", "fire alarm", at) for at in (LATER, LATER + timedelta(minutes=1)))
    allow_sitting(work, CENTRE, LEARNER, "BEN01", 1, first)
    said = allow_sitting(work, CENTRE, LEARNER, "BEN01", 1, again)
    assert said.endswith(f"on {instant_text(LATER)}: nothing is added. To grant more, give another reason.")
    assert work.actions.allowances([CENTRE])["number"].to_list() == [1]
    allow_sitting(work, CENTRE, LEARNER, "BEN01", 1, Order("J. Clerk", "a second fire alarm", LATER))
    assert work.actions.allowances([CENTRE])["number"].to_list() == [1, 1]


def test_cal_3_an_extension_lets_a_late_file_in_and_is_on_record(work: Desk) -> None:
    register(work)
    order = Order("J. Clerk", "flood", datetime(2024, 5, 1, tzinfo=UTC))
    extend(work, CENTRE, "2024-06", "window_closes", datetime(2024, 5, 25, tzinfo=UTC), order)
    land(work, f"{CENTRE}/E6412315.X01", centre_file(("BEN01",), count=1), CLOSED)
    assert ingest(work, LATER).outcomes == {"accepted": 2}
    [recorded] = work.actions.everything(CENTRE).rows(named=True)
    assert (recorded["who"], recorded["why"], recorded["action"]) == ("J. Clerk", "flood", "extension")


@pytest.mark.parametrize(
    ("event", "until", "words"),
    [
        ("window_closes", datetime(2024, 5, 1, tzinfo=UTC), "is not later"),
        ("results_to_centres", datetime(2024, 9, 1, tzinfo=UTC), "no results_to_centres that can be extended"),
    ],
)
def test_cal_3_what_cannot_be_extended(work: Desk, event: str, until: datetime, words: str) -> None:
    with pytest.raises(StaffError, match=words):
        extend(work, CENTRE, "2024-06", event, until, Order("J. Clerk", "flood", LATER))


def test_ops_3_nothing_is_done_without_who_and_why(work: Desk) -> None:
    with pytest.raises(StaffError, match="who is doing this and why"):
        allow_sitting(work, CENTRE, LEARNER, "BEN01", 1, Order("", "because", LATER))


def test_ops_3_the_staff_commands_record_and_write_the_feed(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fresh.environment().items():
        monkeypatch.setenv(name, value)
    who = ["--centre", CENTRE, "--why", "by telephone"]
    about = ["--series", "2024-06", "--candidate", "0001", "--uci", LEARNER]
    results = [
        CliRunner().invoke(main, ["staff", *command])
        for command in (
            ["extension", "--yes", *who, "--series", "2024-06", "--event", "marks_deadline", "--until", "2024-05-20"],
            ["sitting", *who, "--uci", LEARNER, "--component", "BEN03"],
            ["claim", *who, *about, "--option", "BEN99"],
            ["withdrawal", *who, *about, "--option", "BEN99"],
            ["claim", *who, *about, "--option", "BEN01"],
        )
    ]
    assert [result.exit_code for result in results] == [0, 0, 0, 0, 1], [result.output for result in results]
    assert "extended for centre 64123 until 21 May 2024 00:00 BST" in results[0].output
    assert "BEN01 is not a cash-in code: use `staff entry`" in results[4].output
    with sa.create_engine(fresh.database_url).connect() as connection:
        rows = connection.execute(sa.select(actions).order_by(actions.c.id)).mappings().all()
    assert [row["action"] for row in rows] == ["extension", "extra_sitting", "claim", "withdrawal"]
    # OPS-4: who it was is the system's own word.
    assert {(row["who"], row["how"]) for row in rows} == {(system_account().who, terms.BY_ACCOUNT)}


def test_ops_3_what_staff_entered_goes_in_though_its_writer_ended_before_the_feed_file_was_written(work: Desk) -> None:
    register(work)
    ingest(work, LATER)

    def crash(step: Step) -> None:
        if step is RECORDED:
            raise Crash

    entry = Entry(CENTRE, "2024-06", "0001", LEARNER, "BEN01")
    with watched(crash), pytest.raises(Crash):
        change_entry(work, "entry", entry, Order("J. Clerk", "by telephone", LATER))
    assert ingest(work, LATER + timedelta(seconds=30)).received == 0  # whoever records it may be writing it just now
    assert ingest(work, LATER + timedelta(minutes=5)).outcomes == {"accepted": 1}
    assert [option for _, option, _ in held(work)] == ["BEN01"]
    assert ingest(work, LATER + timedelta(minutes=10)).received == 0
    assert work.actions.everything(CENTRE)["action"].to_list() == ["entry"]


def test_feeds_and_files_of_a_centre_are_answered_under_numbers_of_their_own(work: Desk) -> None:
    register(work)
    feed(work, row())
    ingest(work, LATER)
    assert sorted(outbox(work)) == [f"{CENTRE}/X6412300.X01", f"{CENTRE}/X6412313.X01"]
