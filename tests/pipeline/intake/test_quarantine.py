"""Held files and the person who decides about them (FIL-1, FIL-3, OPS-3), over the real ingest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.ledger.console import ConsoleBook
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.intake.quarantine import Done, QuarantineError, again, held_file, ignore, release
from pipeline.orders import Order
from pipeline.replay import replay
from rules import registration
from tests.catalogue import FROZEN
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, registration_file

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
ORDER = Order("J. Clerk", "the centre sent a wrong file first", NOW)


def take(desk: Desk, name: str, data: bytes, received: datetime) -> None:
    """A file as its centre sends it, and the ingest after it."""
    assert isinstance(desk.store, FolderStore)
    path = desk.store.root / "inbox" / CENTRE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (received.timestamp(), received.timestamp()))
    ingest(desk, received + timedelta(minutes=5))


def book(desk: Desk) -> ConsoleBook:
    return desk.console


def held(desk: Desk) -> int:
    """The number of the only held file."""
    [number] = book(desk).held()["id"].to_list()
    return int(number)


def answer(desk: Desk, reply: str) -> dict[str, Any]:
    """A reply's twin in the outbox."""
    twin: dict[str, Any] = json.loads(desk.store.get(f"outbox/{CENTRE}/{reply}.json"))
    return twin


def entered(desk: Desk) -> list[str]:
    rows = desk.ledger.entries_of([CENTRE], ["2024-06"])
    return sorted(set(rows["option"].to_list()))


@pytest.fixture
def second_entry_file(work: Desk) -> Desk:
    """A desk that holds a second entry file: the first has BEN01 to BEN03 and a claim, the second BEN02 only."""
    take(work, f"E{CENTRE}13.X01", registration_file(), REGISTERED)
    take(work, f"E{CENTRE}15.X01", centre_file(), ON_TIME)
    take(work, f"E{CENTRE}15.X02", centre_file(("BEN02",), sequence=2), ON_TIME + timedelta(hours=1))
    return work


def test_fil_3_a_released_entry_file_replaces_what_its_candidates_held(second_entry_file: Desk) -> None:
    desk = second_entry_file
    assert book(desk).held()["codes"].to_list() == [["SECOND_ENTRY_FILE"]]
    done = release(desk, held_file(desk, held(desk)), ORDER)
    assert (done.outcome, done.fresh) == ("accepted with warnings", True)
    assert entered(desk) == ["BEN02"]
    said = answer(desk, done.reply)
    assert {finding["code"] for finding in said["findings"]} == {"HELD_RELEASED", "WITHDRAWN"}
    assert ORDER.why in said["findings"][0]["message"]
    assert ORDER.who not in json.dumps(said)
    assert said["received"] == "15 February 2024 13:00 GMT"
    assert book(desk).held().is_empty()


def test_fil_1_an_ignored_file_is_closed_and_its_centre_told_why(second_entry_file: Desk) -> None:
    desk = second_entry_file
    number = held(desk)
    first = book(desk).submission(number)
    assert first
    done = ignore(desk, held_file(desk, number), ORDER)
    assert done.outcome == "refused"
    assert entered(desk) == ["BEN01", "BEN02", "BEN03", "BEN99"]
    [finding] = answer(desk, done.reply)["findings"]
    assert finding["code"] == "HELD_CLOSED"
    assert ORDER.why in finding["message"]
    # The first reply stays as it was.
    assert answer(desk, first["reply"])["outcome"] == "quarantined"
    [row] = book(desk).decided().iter_rows(named=True)
    assert (row["who"], row["why"], row["at"], row["action"]) == (f"{ORDER.who} (stated)", ORDER.why, NOW, "ignore")


def test_fil_1_what_a_person_did_twice_was_done_once(second_entry_file: Desk) -> None:
    desk = second_entry_file
    meant = held_file(desk, held(desk))
    first = ignore(desk, meant, ORDER)
    later = release(desk, meant, Order("A. Nother", "in a hurry", NOW + timedelta(seconds=1)))
    assert later == Done(
        submission=first.submission,
        outcome="refused",
        reply=first.reply,
        action="ignore",
        who=str(ORDER.by),
        fresh=False,
    )
    assert "Already decided" in later.note()
    assert book(desk).received(centre=CENTRE)[1] == 4


def test_fil_1_a_file_that_failed_is_decided_again_after_the_mend(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    take(work, f"E{CENTRE}13.X01", registration_file(), REGISTERED)

    def fail(*_: object) -> None:
        raise ValueError("a mistake of ours")

    with monkeypatch.context() as broken:
        broken.setattr(registration, "registered", fail)
        take(work, f"E{CENTRE}15.X01", centre_file(), ON_TIME)
    number = held(work)
    assert book(work).held()["codes"].to_list() == [["FILE_FAILED"]]
    with pytest.raises(QuarantineError, match="only a second entry file"):
        release(work, held_file(work, number), ORDER)
    done = again(work, held_file(work, number), ORDER)
    assert done.outcome == "accepted"
    assert entered(work) == ["BEN01", "BEN02", "BEN03", "BEN99"]


def test_fil_1_a_file_can_be_held_once_more(second_entry_file: Desk) -> None:
    desk = second_entry_file
    number = held(desk)
    done = again(desk, held_file(desk, number), ORDER)
    assert done.outcome == "quarantined"
    assert held(desk) == done.submission != number
    assert release(desk, held_file(desk, done.submission), ORDER).outcome == "accepted with warnings"


def test_fil_3_a_number_used_before_cannot_be_released(work: Desk) -> None:
    take(work, f"E{CENTRE}13.X01", registration_file(), REGISTERED)
    take(work, f"E{CENTRE}15.X01", centre_file(), ON_TIME)
    take(work, f"E{CENTRE}15.X01", centre_file(("BEN02",)), ON_TIME + timedelta(hours=1))
    assert book(work).held()["codes"].to_list() == [["NUMBER_REUSED"]]
    with pytest.raises(QuarantineError, match="decide this file again, or ignore it"):
        release(work, held_file(work, held(work)), ORDER)
    assert book(work).held().height == 1


@pytest.mark.parametrize(
    ("who", "why", "said"),
    [(" ", "x", "who is doing this and why"), ("x", " ", "who is doing this and why"), ("x", "y" * 501, "at most 500"),
     ("x", "caf\u00e9", "plain ASCII")],
)  # fmt: skip
def test_ops_3_no_decision_without_who_and_why(second_entry_file: Desk, who: str, why: str, said: str) -> None:
    desk = second_entry_file
    with pytest.raises(QuarantineError, match=said):
        ignore(desk, held_file(desk, held(desk)), Order(who, why, NOW))
    assert book(desk).held().height == 1


def test_nothing_is_decided_while_an_ingest_is_at_work(second_entry_file: Desk) -> None:
    desk = second_entry_file
    with desk.ledger.exclusive("ingest"), pytest.raises(QuarantineError, match="an ingest is running"):
        ignore(desk, held_file(desk, held(desk)), ORDER)
    assert book(desk).held().height == 1


def test_only_held_files_are_decided(second_entry_file: Desk) -> None:
    with pytest.raises(QuarantineError, match="no file with the number 1 is held"):
        held_file(second_entry_file, 1)


def test_res_6_decisions_about_held_files_are_replayed(
    second_entry_file: Desk, new_ledger: Callable[[], str], tmp_path: Path
) -> None:
    desk = second_entry_file
    done = again(desk, held_file(desk, held(desk)), ORDER)
    release(desk, held_file(desk, done.submission), ORDER)
    take(desk, f"A{CENTRE}15.X03", centre_file(letter="A", sequence=3), ON_TIME + timedelta(hours=2))
    settings = Settings(catalogue=FROZEN, state=tmp_path / "again", database_url=new_ledger(), settle_seconds=0)
    with open_desk(settings) as empty:
        replayed = replay(desk, empty)
    assert replayed.differences == ()
    assert replayed.files > 10


def test_the_command_line_lists_and_decides(second_entry_file: Desk) -> None:
    desk = second_entry_file
    environment = desk.settings.environment()
    listed = CliRunner().invoke(main, ["quarantine", "list"], env=environment)
    number = held(desk)
    assert f"{number:>6}  {CENTRE}  15 February 2024 13:00 GMT  SECOND_ENTRY_FILE  E{CENTRE}15.X02" in listed.output
    said = ["--why", "sent in error"]
    ended = CliRunner().invoke(main, ["quarantine", "ignore", str(number), *said], env=environment)
    assert ended.output.startswith("ignore: refused, reply X")
    refused = CliRunner().invoke(main, ["quarantine", "release", "999", *said], env=environment)
    assert (refused.exit_code, "no file with the number 999 is held" in refused.output) == (1, True)
    assert "No file is held." in CliRunner().invoke(main, ["quarantine", "list"], env=environment).output
