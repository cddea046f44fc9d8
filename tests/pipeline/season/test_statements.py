"""Statements and invoices (FEE-5): the same pence as the replies, and tables nobody can be tricked with."""

from __future__ import annotations

import csv
import io
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.report_page import Cells, CsvLines, Grid, csv_bytes, gbp, page
from pipeline.season.statements import statements
from rules.catalogue import Series
from tests.pipeline.inbox import land, land_samples
from tests.support import REGISTERED, centre_file, registration_file

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CENTRE = "64123"


def series(desk: Desk, series_id: str) -> Series:
    found = desk.catalogue.series_by_id(series_id)
    assert found
    return found


def rows(desk: Desk, what: str, series_id: str, centre: str = CENTRE) -> list[dict[str, str]]:
    data = desk.store.get(f"outbox/{centre}/{what}-{series_id}.csv").decode()
    return list(csv.DictReader(io.StringIO(data)))


def invoiced(desk: Desk, series_id: str, centre: str = CENTRE) -> Decimal:
    """The invoice's total; its lines add up to it."""
    *lines, total = rows(desk, "invoice", series_id, centre)
    assert total["reply"] == "total"
    assert sum(Decimal(line["GBP"]) for line in lines) == Decimal(total["GBP"])
    assert all(int(line["count"]) * Decimal(line["each GBP"]) == Decimal(line["GBP"]) for line in lines)
    return Decimal(total["GBP"])


def replied(desk: Desk) -> dict[tuple[str, str], Decimal]:
    """The replies' fee totals, from their JSON twins, by centre and series id."""
    sums: dict[tuple[str, str], int] = {}
    with desk.ledger.engine.connect() as connection:
        told = connection.execute(
            sa.text(
                "select s.centre, s.series, s.awarding_body, r.name from submissions s "
                "join replies r on r.submission_id = s.id"
            )
        ).all()
    for centre, key, body, name in told:
        meant = desk.catalogue.series(key, body)
        assert meant
        twin = json.loads(desk.store.get(f"outbox/{centre}/{name}.json"))
        sums[centre, meant.id] = sums.get((centre, meant.id), 0) + twin["fee_total_pence"]
    return {key: Decimal(pence) / 100 for key, pence in sums.items()}


def test_fee_5_invoices_of_the_samples_are_the_sum_of_their_replies(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    told = replied(work)
    assert {series_id for _, series_id in told} == {"2023-09", "2024-06"}
    for series_id in ("2023-09", "2024-06"):
        assert statements(work, series(work, series_id), NOW) == 3
    for (centre, series_id), total in told.items():
        assert invoiced(work, series_id, centre) == total
    assert any(Decimal(row["GBP"]) < 0 for row in rows(work, "invoice", "2024-06"))


def test_fee_5_amendment_after_amendment_the_invoice_follows_the_replies(work: Desk) -> None:
    land(work, f"{CENTRE}/E{CENTRE}13.X01", registration_file(), REGISTERED)
    steps: list[tuple[tuple[str, ...], str]] = [
        (("BEN01", "BEN02", "BEN03"), "2024-02-15T12:00:00+00:00"),
        (("BEN01",), "2024-03-01T12:00:00+00:00"),
        (("BEN01", "BEN03", "BEN99"), "2024-03-05T12:00:00+00:00"),
        (("BEN02", "BEN03"), "2024-04-23T12:00:00+01:00"),
        ((), "2024-05-01T12:00:00+01:00"),
    ]
    totals = []
    for number, (options, received) in enumerate(steps, 1):
        letter = "E" if number == 1 else "A"
        data = centre_file(options, letter=letter, sequence=number)
        land(work, f"{CENTRE}/{letter}{CENTRE}15.X{number:02d}", data, datetime.fromisoformat(received))
        ingest(work, NOW + timedelta(minutes=number))
        assert statements(work, series(work, "2024-06"), NOW) == 1
        totals.append(invoiced(work, "2024-06"))
        assert totals[-1] == replied(work)[CENTRE, "2024-06"]
        assert len(rows(work, "statement", "2024-06")) == 3 * len(options)
    assert len(set(totals)) > 3
    assert totals[1] < totals[0]


def test_fee_5_a_statement_lists_what_is_in_force(work: Desk) -> None:
    land(work, f"{CENTRE}/E{CENTRE}13.X01", registration_file(), REGISTERED)
    land(work, f"{CENTRE}/E{CENTRE}15.X01", centre_file(), datetime.fromisoformat("2024-02-15T12:00:00+00:00"))
    ingest(work, NOW)
    statements(work, series(work, "2024-06"), NOW)
    with work.ledger.engine.connect() as connection:
        held = connection.execute(sa.text("select candidate, option, band, pence from entries")).all()
        registered = connection.execute(sa.text("select candidate, name from registrations")).all()
    stated = rows(work, "statement", "2024-06")
    assert [(one["candidate"], one["code"], one["band"], Decimal(one["GBP"]) * 100) for one in stated] == sorted(
        (candidate, option, band.replace("_", " "), pence) for candidate, option, band, pence in held
    )
    assert {one["candidate"]: one["name"] for one in stated} == {row.candidate: row.name for row in registered}
    assert {one["title"] for one in stated if one["code"] == "BEN03"} == {"Marketing and finance for enterprise"}
    assert not any(one["note"] for one in stated)


def test_ent_6_a_statement_marks_practice_sittings(work: Desk) -> None:
    land(work, f"{CENTRE}/E{CENTRE}13.X01", registration_file(), REGISTERED)
    data = centre_file(("BEN01", "BEN03"))
    land(work, f"{CENTRE}/E{CENTRE}15.X01", data, datetime.fromisoformat("2024-02-15T12:00:00+00:00"))
    ingest(work, NOW)
    statements(work, series(work, "2024-06"), NOW)
    notes = {(row["code"], row["note"]) for row in rows(work, "statement", "2024-06")}
    assert notes == {("BEN01", ""), ("BEN03", "practice sitting")}
    shown = work.store.get(f"outbox/{CENTRE}/statement-2024-06.html").decode()
    assert shown.count("Marketing and finance for enterprise (practice sitting)") == 3


def test_fee_5_placeholder_prices_say_so(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    statements(work, series(work, "2024-06"), NOW)
    with work.ledger.engine.connect() as connection:
        unpublished = connection.execute(
            sa.text("select count(*) from fee_lines where placeholder and centre = '64123' and series = '2024-06'")
        ).scalar_one()
    *lines, _ = rows(work, "invoice", "2024-06")
    marked = [line for line in lines if line["price"] == "[placeholder]"]
    assert sum(int(row["count"]) for row in marked) == unpublished > 0
    assert " [placeholder]</td>" in work.store.get("outbox/64123/invoice-2024-06.html").decode()


def test_res_6_written_again_they_are_the_same_bytes(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    names = [f"outbox/{CENTRE}/{what}-2024-06.{kind}" for what in ("statement", "invoice") for kind in ("csv", "html")]
    statements(work, series(work, "2024-06"), NOW)
    before = [work.store.get(name) for name in names]
    statements(work, series(work, "2024-06"), NOW)
    assert [work.store.get(name) for name in names] == before


def test_a_series_without_anything_has_no_statements(work: Desk) -> None:
    assert statements(work, series(work, "2024-01"), NOW) == 0
    assert not [stored for stored in work.store.list("outbox/") if stored.kind == "file"]


def test_the_log_of_statements_holds_no_names(work: Desk, caplog: pytest.LogCaptureFixture) -> None:
    land_samples(work)
    ingest(work, NOW)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        statements(work, series(work, "2024-06"), NOW)
    with work.ledger.engine.connect() as connection:
        names = list(connection.execute(sa.text("select name from registrations")).scalars())
    assert "for 3 centres" in caplog.text
    assert not [name for name in names if name in caplog.text]


# --- Tables ----------------------------------------------------------------------------------------------------------

FORMULA = ("=", "+", "-", "@", "\t", "\r")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(FORMULA)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_csv_reads_back_and_no_cell_is_a_formula(cells: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(cells, schema={"a": pl.String, "b": pl.String}, orient="row")
    read = list(csv.reader(io.StringIO(csv_bytes(frame).decode(), newline="")))
    assert read[0] == ["a", "b"]
    guarded = [[f"'{one}" if one.startswith(FORMULA) else one for one in row] for row in cells]
    assert read[1:] == guarded
    # Of many centres each gets its part of what is written once, to the byte what it would be alone.
    lines, shown = CsvLines.of(frame), Cells.of(frame)
    for part in (slice(0), slice(1), slice(1, None)):
        assert lines.part(part) == csv_bytes(frame[part])
        grids = [Grid(title="t", frame=Cells(shown.names, shown.rows[part])), Grid(title="t", frame=frame[part])]
        assert len({page("t", [], [grid]) for grid in grids}) == 1


@pytest.mark.parametrize("text", ["=1+1", "+44", "-2", "@x", "\tx", "\rx"])
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    data = csv_bytes(pl.DataFrame({"a": [text, f"x{text}"]})).decode()
    assert list(csv.reader(io.StringIO(data, newline=""))) == [["a"], [f"'{text}"], [f"x{text}"]]


@settings(derandomize=True, deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_fee_5_pounds_are_the_pence_exactly(pence: int) -> None:
    told = csv_bytes(pl.DataFrame({"a": [pence]}).select(gbp("a"))).decode().split()[1]
    assert Decimal(told) * 100 == pence
    assert told[-3] == "."


class _Texts(HTMLParser):
    """The tags of a page, and the text in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_shows_markup_as_text_and_asks_for_nothing_from_elsewhere() -> None:
    text = "<img src='//x'>&amp;\"</td>"
    grid = Grid(title=f"1{text}", frame=pl.DataFrame({f"2{text}": [f"3{text}"]}), total=f"4{text}")
    data = page(f"5{text}", [(f"6{text}", f"7{text}")], [grid], [f"8{text}"]).decode()
    parser = _Texts()
    parser.feed(data)
    assert all(f"{place}{text}" in parser.text for place in range(1, 9))
    assert not parser.tags & {"img", "script", "link", "iframe"}
    assert "url(" not in data
    assert "@import" not in data
