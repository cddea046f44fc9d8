"""Which reply answers which file: the index in a centre's outbox."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from attrs import evolve

from infra.store import FolderStore
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.steps import INDEX_OUT, REPLY_OUT, Step, watched
from tests.pipeline.inbox import NOW, land, land_samples, outbox
from tests.support import CENTRE, REGISTERED, centre_file, registration_file


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
