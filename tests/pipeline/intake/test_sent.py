"""Which reply answers which file, and what is held: the lists in a centre's outbox."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from infra.store import FolderStore
from pipeline.demo.demo import samples
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.intake.sent import index_files
from pipeline.learners.orders import Details, correct_details, transfer
from pipeline.orders import Order
from pipeline.steps import HOLDINGS_OUT, INDEX_OUT, REPLY_OUT, Step, watched
from tests.browser import running
from tests.pipeline.inbox import NOW, land, land_samples, outbox
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, registration_file


def index(desk: Desk, centre: str = CENTRE) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.store.get(f"outbox/{centre}/index.csv").decode())))


def test_the_index_names_the_reply_to_each_file_and_the_next_to_send_the_newest_first(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    assert [(row["file"], row["reply"], row["outcome"], row["send_next"]) for row in index(work)] == [
        ("M6412315.X03", "X6412315.X03", "accepted", "M6412315.X04 (number 004)"),
        ("A6412315.X02", "X6412315.X02", "partly accepted", "A6412315.X03 (number 003)"),
        ("E6412315.X01", "X6412315.X01", "accepted", "A6412315.X03 (number 003)"),
        ("E6412313.X01", "X6412313.X01", "accepted", "A6412313.X02 (number 002)"),
    ]
    assert [row["received"] for row in index(work)][::3] == ["2024-04-30 12:00:00 BST", "2023-09-18 12:00:00 BST"]
    page = work.store.get(f"outbox/{CENTRE}/index.html").decode()
    assert page.index("M6412315.X03") < page.index("X6412315.X01")


TOUCHED: dict[str, Callable[[bytes], bytes]] = {
    "blank lines": lambda data: data.replace(b"\r\n", b"\r\n\r\n"),
    "no line ends": lambda data: data.replace(b"\r\n", b""),
    "quotation marks": lambda data: b"".join(b'"%s"\r\n' % line for line in data.splitlines()),
    "marks of a mail program": lambda data: b"".join(b"> %s\r\n" % line for line in data.splitlines()),
    "every line twice": lambda data: b"".join(b"%s\r\n" % line * 2 for line in data.splitlines()),
    "base64": base64.encodebytes,
}


@pytest.mark.parametrize("way", TOUCHED)
def test_fil_3_fil_4_a_file_has_its_number_whatever_has_happened_to_its_lines(work: Desk, way: str) -> None:
    """What it says is read from lines put right, and so it is on the books: the next file is judged by it, and the
    index, without which nobody has a reply, says what to send next."""
    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    ingest(work, NOW)
    for nth, (options, number, wanted) in enumerate([
        (("BEN01",), 1, None), (("BEN01",), 1, "ALREADY_PROCESSED"), (("BEN02",), 1, "NUMBER_REUSED"),
        (("BEN02",), 2, "SECOND_ENTRY_FILE"),
    ]):  # fmt: skip
        data = TOUCHED[way](centre_file(options, sequence=number))
        land(work, f"{CENTRE}/E6412315.X0{number}", data, ON_TIME + timedelta(hours=nth))
        codes = ingest(work, NOW).codes
        assert wanted is None or wanted in codes
        assert "FILE_FAILED" not in codes
    newest, *_, first, _ = index(work)
    assert (newest["number"], first["number"], first["send_next"]) == ("002", "001", "A6412315.X02 (number 002)")
    assert first["outcome"].startswith("accepted")
    assert "WITHDRAWN" not in codes


def test_fil_7_a_centre_at_whose_index_our_code_fails_keeps_nobody_from_a_reply(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(desk: Desk, centres: Sequence[str]) -> list[tuple[str, bytes]]:
        if "58201" in centres:
            raise TypeError(centres)
        return index_files(desk, centres)

    monkeypatch.setattr("pipeline.intake.ingest.index_files", failing)
    land_samples(work)
    ingest(work, NOW)
    assert work.ledger.unpublished() == []
    keys = {stored.key for stored in work.store.list("outbox/")}
    assert f"outbox/{CENTRE}/index.csv" in keys
    assert "outbox/58201/index.csv" not in keys
    assert any(key.startswith("outbox/58201/X") for key in keys)


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_index_fits_a_telephone_and_says_there_too_what_each_cell_is(work: Desk, width: int) -> None:
    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    ingest(work, NOW)
    with running() as browser:
        shown = browser.new_page(viewport={"width": width, "height": 900})
        shown.set_content(work.store.get(f"outbox/{CENTRE}/index.html").decode())
        assert shown.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        reply = shown.locator("td", has_text="X6412313.X01")
        label = reply.evaluate("it => getComputedStyle(it, '::before').content")
        assert (label == '"Reply: "', shown.locator("thead").is_visible()) == (width == 390, width > 390)
        browser.close()


def test_a_refused_file_leaves_its_number_free_and_a_name_from_outside_is_shown_as_it_can_be(work: Desk) -> None:
    land(work, f"{CENTRE}/E6412315.X01", centre_file())
    land(work, f"{CENTRE}/=what?.txt", b"nothing of ours")
    ingest(work, NOW)
    rows = {row["file"]: row for row in index(work)}
    assert rows["E6412315.X01"]["send_next"] == "E6412315.X01 (number 001)"
    assert rows["'=what?.txt"]["outcome"] == "refused"
    assert rows["'=what?.txt"]["send_next"] == ""


def test_the_index_of_one_centre_says_nothing_of_another(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    assert {row["reply"] for row in index(work, "58201")} == {"X5820113.X01", "X5820115.X01"}


def test_fil_5_a_run_that_dies_before_the_index_is_out_writes_it_the_next_time(work: Desk) -> None:
    class Died(Exception):  # noqa: N818
        """The process ends."""

    def die(step: Step) -> None:
        if step is REPLY_OUT:
            raise Died

    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    try:
        with watched(die):
            ingest(work, NOW)
    except Died:
        pass
    passed: list[Step] = []
    with watched(passed.append):
        ingest(work, NOW + timedelta(minutes=5))
    assert passed.count(INDEX_OUT) == 2
    assert [row["reply"] for row in index(work)] == [name.partition("/")[2] for name in outbox(work)]


def test_fil_4_a_file_that_the_store_has_written_is_whole_and_does_not_wait(work: Desk) -> None:
    assert isinstance(work.store, FolderStore)
    desk = evolve(work, settings=evolve(work.settings, settle_seconds=3600))
    work.store.put_if_absent(f"inbox/{CENTRE}/E6412313.X01", registration_file())
    written = next(work.store.list("inbox/")).modified
    land(work, f"{CENTRE}/E6412315.X01", centre_file(), written)
    done = ingest(desk, written + timedelta(seconds=1))
    assert (done.received, done.growing) == (1, 1)
    assert [row["file"] for row in index(work)] == ["E6412313.X01"]


def held(work: Desk, centre: str) -> list[dict[str, str]]:
    """The rows of a centre's list of what it holds."""
    return list(csv.DictReader(io.StringIO(work.store.get(f"outbox/{centre}/entries.csv").decode())))


def test_a_centre_finds_all_it_holds_in_its_own_outbox_and_nothing_of_others(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    rows = held(work, CENTRE)
    assert {row["for"] for row in rows} == {"May/June 2024", "registrations 2023/24"}
    assert rows[0]["for"] == "May/June 2024"
    of_one = [row for row in rows if row["candidate"] == "0001"]
    assert [(row["series"], row["code"]) for row in of_one] == [
        ("6B24", "BEN01"), ("6B24", "BEN02"), ("6B24", "BEN03"), ("6B24", "BEN99"), ("9B23", "BEN22"),
    ]  # fmt: skip
    assert all(row["name"] and row["what"] for row in rows)
    assert not [row for row in rows if row["candidate"] == "0003" and row["for"] == "May/June 2024"]
    page = work.store.get(f"outbox/{CENTRE}/entries.html").decode()
    assert rows[0]["name"] in page
    others = work.store.get("outbox/58201/entries.csv").decode()
    assert not {row["uci"] for row in rows} & set(others.replace("\r\n", ",").split(","))


def test_what_a_centre_holds_is_not_written_for_a_file_that_changes_nothing(work: Desk) -> None:
    land(work, f"{CENTRE}/E6412315.X01", b"nothing of ours")
    ingest(work, NOW)
    assert not list(work.store.list(f"outbox/{CENTRE}/entries"))


def test_reg_6_reg_8_what_staff_put_right_of_a_learner_is_in_the_lists_of_the_centres(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    before = {centre: held(work, centre) for centre in (CENTRE, "58201")}
    one, other = (rows[0] for rows in before.values())
    order = Order("J. Clerk", "told on the telephone", NOW)
    correct_details(work, one["uci"], Details(name="NEW NAME"), order)
    assert {row["name"] for row in held(work, CENTRE) if row["uci"] == one["uci"]} == {"NEW NAME"}
    assert held(work, "58201") == before["58201"]

    # The order died before the lists were written, and is given again.
    work.store.put(f"outbox/{CENTRE}/entries.csv", b"of yesterday")
    correct_details(work, one["uci"], Details(name="NEW NAME"), order)
    assert "NEW NAME" in {row["name"] for row in held(work, CENTRE)}

    transfer(work, other["uci"], "58201", CENTRE, "0999", order)
    assert other["uci"] not in {row["uci"] for row in held(work, "58201")}
    assert {row["candidate"] for row in held(work, CENTRE) if row["uci"] == other["uci"]} == {"0999"}


def test_fil_3_marks_change_nothing_of_what_a_centre_holds(work: Desk) -> None:
    written = []
    for marks in (False, True):
        for sample in samples():
            if ("/M" in sample.key) == marks:
                land(work, sample.key.removeprefix("inbox/"), sample.path.read_bytes(), sample.landed)
        passed: list[Step] = []
        with watched(passed.append):
            ingest(work, NOW)
        assert REPLY_OUT in passed
        written.append(HOLDINGS_OUT in passed)
    assert written == [True, False]
