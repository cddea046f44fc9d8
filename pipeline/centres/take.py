"""Takes the register of centres, which comes as a feed (REG-10)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
from attrs import evolve, frozen

from infra.ledger.register import CATALOGUE, ORDER, CentreRow
from parsers.findings import Found
from parsers.identifiers import centre as identifier
from parsers.table import CODE, FeedLayout, Rows, Wrong
from pipeline.desk import Desk
from pipeline.feeds import SMALL, BoardFeed, FeedFile, Taken, report, take_feed
from pipeline.journal import journaled
from pipeline.steps import REGISTERED
from rules import findings as f
from rules.centres import LONGEST_ADDRESS, TELLS, TOLD

log = logging.getLogger(__name__)

NAME, CONTACT = 100, LONGEST_ADDRESS
"""The most characters of a name and of an address."""


@frozen
class _Booked:
    """What became of the rows of a file, in counts."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0


@journaled
def take_register(desk: Desk, now: datetime) -> Taken[_Booked]:
    """REG-10: takes the files of the register that have settled at `now` (aware). A centre that a file does not name
    stays as it is. Does nothing while another run is active."""
    done = take_feed(desk, REGISTER, now)
    if done.files:
        log.info("%d files of the register of centres taken", done.files)
    return done


def _book(desk: Desk, file: FeedFile, rows: Rows, found: Found) -> _Booked:
    """Judges the rows, and books each centre that is new or differs from its newest version. A file without the column
    `told` leaves it to each centre who is told."""
    rows = _once_each(_readable(rows, found), found)
    twice = rows.table.filter(pl.col("number").is_duplicated()).unique("number", keep="first", maintain_order=True)
    for row in twice.iter_rows(named=True):
        found.add(f.REGISTER_TWICE, row["line"], value=row["number"], field="number")
    table = rows.table.filter(~pl.col("number").is_duplicated()).sort("number")
    newest = desk.register.newest(table["number"].to_list())
    said = [_version(row, file) for row in table.iter_rows(named=True)]
    if "told" in rows.absent:
        said = [evolve(one, told=newest[one.number].told) if one.number in newest else one for one in said]
    other = [one for one in said if one.number not in newest or newest[one.number].says() != one.says()]
    stays = {one.number: newest[one.number] for one in other if one.number in newest and not _later(newest, one)}
    for line, number in table.filter(pl.col("number").is_in(list(stays))).select("line", "number").iter_rows():
        word = stays[number]
        found.add(f.REGISTER_LATER, line, value=number, field="number", said=_ORDERED.get(word.source, word.why))
    desk.register.add([one for one in other if one.number not in stays])
    REGISTERED.passed()
    # What a run that died booked is reported as that run would have reported it.
    new, changed = desk.register.of_file(file.sha256, file.received)
    refused = rows.unread + rows.table.height - table.height
    return _Booked(new, changed, len(said) - new - changed, refused)


_ORDERED = {ORDER: "an order of staff", CATALOGUE: "the catalogue"}
"""What says a version that came in no file."""


def _later(newest: Mapping[str, CentreRow], row: CentreRow) -> bool:
    """Whether a row is the later word about its centre, whichever file is taken first: the one received later, and of
    two files received in the same instant the later by name. An order of that instant stands."""
    held = newest[row.number]
    return held.at < row.at or (held.at == row.at and held.source not in _ORDERED and held.why < row.why)


def _version(row: dict[str, str], file: FeedFile) -> CentreRow:
    return CentreRow(
        number=row["number"],
        name=row["name"],
        postcode=row["postcode"],
        contact=row["contact"],
        told=row["told"],
        gcse_years=" ".join(sorted(set(row["gcse_years"].split()))),
        active_from=date.fromisoformat(row["active_from"]),
        active_to=date.fromisoformat(row["active_to"]) if row["active_to"] else None,
        at=file.received,
        source=file.sha256,
        who="the register",
        why=file.name,
    )


def _once_each(rows: Rows, found: Found) -> Rows:
    """A row that stands there more than once, each time the same in every column, counts once."""
    said = pl.struct(pl.exclude("line"))
    again = (said.n_unique().over("number") == 1) & ~said.is_first_distinct()
    for row in rows.table.filter(again).iter_rows(named=True):
        found.add(f.REGISTER_REPEATED, row["line"], value=row["number"], field="number")
    return evolve(rows, table=rows.table.filter(~again))


def _readable(rows: Rows, found: Found) -> Rows:
    """The rows that can be used; every other row is refused by itself."""
    c = pl.col
    begins, ends = (c(name).str.to_date("%Y-%m-%d", strict=False) for name in ("active_from", "active_to"))
    form = r"^\d{4}-\d{2}-\d{2}$"
    numbers = rows.table["number"].unique().to_list()
    valid = [number for number in numbers if identifier.is_valid(number) and number not in identifier.DUMMIES]
    return rows.without(
        found,
        Wrong("number", ~c("number").is_in(valid), "a centre number of five digits"),
        Wrong("name", c("name") == "", "the name of the centre"),
        Wrong("told", ~c("told").str.contains(TOLD), f"{TELLS}, or blank"),
        Wrong("postcode", ~c("postcode").str.contains(r"^[A-Z0-9 ]{0,8}$"), "a postcode, or blank"),
        Wrong(
            "gcse_years", ~c("gcse_years").str.contains(r"^(20\d\d( 20\d\d){0,19})?$"),
            "years in which academic years with our GCSEs began, like 2021 2022, or blank",
        ),
        Wrong("active_from", ~c("active_from").str.contains(form) | begins.is_null(), "a day, like 2022-09-01"),
        Wrong(
            "active_to",
            (c("active_to") != "") & (~c("active_to").str.contains(form) | ends.is_null() | (ends < begins)),
            "the last day, not before active_from, or blank",
        ),
    )  # fmt: skip


def _report(desk: Desk, file: FeedFile, booked: _Booked, found: Found) -> bytes:
    facts = (
        f"  Centres     {booked.new} new, {booked.changed} changed, {booked.unchanged} as they were, "
        f"{booked.refused} refused"
    )
    return report(REGISTER.title, file, [facts], found)


REGISTER = BoardFeed(
    place="feeds/centres/",
    layout=FeedLayout(
        {"number": CODE, "name": NAME, "postcode": CODE, "contact": CONTACT, "gcse_years": NAME, "active_from": CODE,
         "active_to": CODE, "told": CONTACT},
        row=f.REGISTER_ROW,
        optional=("told",),
    ),
    example=[
        {"number": "64123", "name": "Riverside School", "postcode": "CF24 3QX", "contact": "exams@riverside.example",
         "gcse_years": "2021 2022 2023", "active_from": "2022-09-01", "active_to": "", "told": ""},
    ],
    most_bytes=SMALL,
    title="REGISTER OF CENTRES",
    lock="register",
    reports="reports/centres/",
    nothing=_Booked(),
    take=_book,
    report=_report,
)  # fmt: skip
