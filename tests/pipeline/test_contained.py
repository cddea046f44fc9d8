"""FIL-7: what our own code fails at is held by itself, whatever the exception; what fails outside blames no file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import psycopg2
import psycopg2.errors
import pytest
from attrs import evolve
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from infra.ledger.sql import CopyError
from infra.store import Missing, StoreError
from parsers.feed import EXAMPLE, read_feed, write_feed
from parsers.findings import Finding
from pipeline.contained import contained, outside
from pipeline.desk import Desk
from pipeline.doors import DOORS
from pipeline.feeds import BoardFeed, FeedFile, report_key, take_feed
from pipeline.intake import ingest as intake
from pipeline.intake.ingest import ingest
from tests.pipeline.inbox import land, outbox
from tests.support import CENTRE, ON_TIME, REGISTERED, registration_file

NOW = datetime(2100, 1, 1, tzinfo=UTC)
BOARD_FEEDS = [door.feed for door in DOORS if isinstance(door.feed, BoardFeed)]
SECRET = "QUILLIAM:ZEPHYRINE"


class _Refused(psycopg2.Error):
    """PostgreSQL's refusal with a SQLSTATE; only the server can make the real one."""

    pgcode = "23505"


class _NotThere(psycopg2.Error):
    pgcode = "42P01"


OURS = (
    ValueError("A string literal cannot contain NUL (0x00) characters."),
    KeyError("mark"),
    RecursionError(),
    MemoryError(),
    NotImplementedError(),
    pl.exceptions.ComputeError("overflow"),
    pl.exceptions.PanicException("index out of bounds"),
    CopyError("5 rows", "22021"),
    CopyError("5 rows", "54000"),
    IntegrityError("INSERT", None, _Refused()),
    DataError("INSERT", None, psycopg2.DataError()),
    ProgrammingError("INSERT", None, psycopg2.ProgrammingError("can't adapt type")),
)
THE_WORLD = (
    StoreError("the disk is full"),
    Missing("there is no file"),
    OSError(28, "no space"),
    OperationalError("SELECT", None, psycopg2.OperationalError("server closed the connection")),
    ProgrammingError("SELECT", None, _NotThere()),
    psycopg2.InterfaceError("connection already closed"),
    CopyError("5 rows", None),
)


@pytest.mark.parametrize("error", OURS, ids=repr)
def test_fil_7_what_our_own_code_fails_at_twice_is_held(error: BaseException) -> None:
    tried = []

    def work() -> str:
        tried.append(1)
        raise error

    assert not outside(error)
    assert contained(work, lambda held: type(held).__name__) == type(error).__name__
    assert len(tried) == 2


@pytest.mark.parametrize("error", THE_WORLD, ids=repr)
def test_fil_7_what_fails_outside_ends_the_run_and_blames_nothing(error: BaseException) -> None:
    def work() -> str:
        raise error

    assert outside(error)
    with pytest.raises(type(error)):
        contained(work, lambda _: pytest.fail("held"))


# --- The board's feeds -----------------------------------------------------------------------------------------------


def poisoned(feed: BoardFeed[Any], error: BaseException, name: str = "b.csv") -> tuple[BoardFeed[Any], list[str]]:
    """The feed, in whose file of that name our own code fails; and the files it was tried with."""
    tried: list[str] = []

    def take(desk: Desk, file: FeedFile, *rest: Any) -> Any:
        tried.append(file.name)
        if file.name == name:
            raise error
        return feed.take(desk, file, *rest)

    return evolve(feed, take=take), tried


@pytest.mark.parametrize("feed", BOARD_FEEDS, ids=lambda feed: feed.place)
def test_fil_7_a_file_that_our_code_fails_at_is_told_and_passed_over(
    work: Desk, feed: BoardFeed[Any], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        work.store.put(f"{feed.place}{name}", b"")
    broken, tried = poisoned(feed, pl.exceptions.PanicException(SECRET))
    taken = take_feed(work, broken, NOW)
    assert (taken.files, taken.failed) == (3, 1)
    assert tried == ["a.csv", "b.csv", "b.csv", "c.csv"]
    told = {name: work.store.get(report_key(feed.reports, name)).decode() for name in ("a.csv", "b.csv", "c.csv")}
    assert {name for name, text in told.items() if "FEED_FAILED" in text} == {"b.csv"}
    assert "PanicException" in told["b.csv"]
    assert "PanicException" in caplog.text
    assert SECRET not in caplog.text + told["b.csv"]
    assert take_feed(work, broken, NOW).files == 0


@pytest.mark.parametrize("feed", BOARD_FEEDS, ids=lambda feed: feed.place)
def test_fil_7_no_file_of_a_feed_takes_away_what_was_said_of_another(work: Desk, feed: BoardFeed[Any]) -> None:
    names = ("a b.csv", "a_b.csv", "a?b.csv", "A_B.CSV", "A_B.csv", f"{'n' * 120}1.csv", f"{'n' * 120}2.csv")
    for name in (*names, "missing-2024-06-2024-04-30.csv"):
        work.store.put(f"{feed.place}{name}", b"")
    ours = f"{feed.reports}missing-2024-06-2024-04-30.txt"
    work.store.put(ours, b"a report of the desk's own")
    assert take_feed(work, feed, NOW).files == len(names) + 1
    assert work.store.get(ours) == b"a report of the desk's own"
    told = [work.store.get(report_key(feed.reports, name)).decode() for name in names]
    assert all(f"  {name}\r\n" in text for name, text in zip(names, told, strict=True))
    assert len(list(work.store.list(feed.reports))) == len(names) + 2


@pytest.mark.parametrize("feed", BOARD_FEEDS, ids=lambda feed: feed.place)
def test_fil_7_a_store_that_fails_ends_the_run_and_the_file_is_taken_by_the_next(
    work: Desk, feed: BoardFeed[Any]
) -> None:
    for name in ("a.csv", "b.csv"):
        work.store.put(f"{feed.place}{name}", b"")
    broken, _ = poisoned(feed, StoreError("the disk is full"))
    with pytest.raises(StoreError, match="the disk is full"):
        take_feed(work, broken, NOW)
    taken = take_feed(work, feed, NOW)
    assert (taken.files, taken.failed) == (1, 0)


# --- The ingest ------------------------------------------------------------------------------------------------------


def portal(desk: Desk, name: str) -> None:
    land(desk, f"../feeds/online/{CENTRE}/{name}", write_feed([EXAMPLE | {"option": name[:5]}]), ON_TIME)


def test_fil_7_a_feed_that_our_code_panics_at_is_held_and_the_others_are_taken(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    portal(work, "BEN01.csv")
    portal(work, "BEN02.csv")

    def poisoned_feed(name: str, data: bytes) -> Any:
        if name == "BEN01.csv":
            raise pl.exceptions.PanicException(SECRET)
        return read_feed(name, data)

    monkeypatch.setattr(intake, "read_feed", poisoned_feed)
    assert ingest(work, NOW).outcomes == {"accepted": 2, "quarantined": 1}
    assert sum("FILE_FAILED" in text for text in outbox(work).values()) == 1
    assert ingest(work, NOW).outcomes == {}


def test_fil_7_a_file_that_the_driver_cannot_write_down_is_held_and_the_others_are_booked(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for centre in ("40807", "58201", CENTRE):
        land(work, f"{centre}/E{centre}15.X01", b"E1 no such file", ON_TIME)
    real = intake._finding_row

    def row(one: Finding) -> dict[str, Any]:
        nul = "58201" in one.file and one.code != "FILE_FAILED"
        return real(one) | ({"value": "\0"} if nul else {})

    monkeypatch.setattr(intake, "_finding_row", row)
    assert ingest(work, NOW).outcomes == {"refused": 2, "quarantined": 1}
    assert ingest(work, NOW).outcomes == {}
