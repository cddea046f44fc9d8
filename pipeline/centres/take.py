"""Takes the register of centres, which comes as a feed (REG-10)."""

from __future__ import annotations

import logging
from datetime import date, datetime

import polars as pl
from attrs import evolve, frozen

from infra.ledger.register import CentreRow
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
    rows = _readable(rows, found)
    twice = rows.table.filter(pl.col("number").is_duplicated()).unique("number", keep="first", maintain_order=True)
    for row in twice.iter_rows(named=True):
        found.add(f.REGISTER_TWICE, row["line"], value=row["number"], field="number")
    table = rows.table.filter(~pl.col("number").is_duplicated()).sort("number")
    newest = desk.register.newest(table["number"].to_list())
    said = [_version(row, file) for row in table.iter_rows(named=True)]
    if "told" in rows.absent:
        said = [evolve(one, told=newest[one.number].told) if one.number in newest else one for one in said]
    # Of two files, the one that was received later counts, whichever is taken first.
    fresh = [
        one
        for one in said
        if one.number not in newest or (newest[one.number].at < one.at and newest[one.number].says() != one.says())
    ]
    desk.register.add(fresh)
    REGISTERED.passed()
    # What a run that died booked is reported as that run would have reported it.
    new, changed = desk.register.of_file(file.sha256, file.received)
    refused = rows.unread + rows.table.height - table.height
    return _Booked(new, changed, len(said) - new - changed, refused)


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
