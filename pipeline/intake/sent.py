"""The index of a centre's outbox: every file it has sent, what became of it, its reply, and what to send next.

A reply's name counts replies and cannot follow the file's: two files would meet under one name. So the index says which
reply answers which file. It is made from the ledger alone, and written anew with every reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl

from parsers.findings import visible
from pipeline.desk import Desk
from pipeline.report_page import Cells, CsvLines, Grid, page, stacked
from rules import files
from rules.catalogue import Catalogue
from rules.frames import spans_by_centre

LONDON = ZoneInfo("Europe/London")
MOST = 500
"""So many files of a centre are listed, the newest."""
LAST_NUMBER = 999

INDEX = {
    "file": pl.String,
    "received": pl.String,
    "series": pl.String,
    "number": pl.String,
    "outcome": pl.String,
    "reply": pl.String,
    "send_next": pl.String,
}
"""A row of `index.csv`: `received` in Europe/London; `number` is the file's own in its series; `send_next` the name and
number of the next file of its kind, where there is one."""


def index_files(desk: Desk, centres: Sequence[str]) -> list[tuple[str, bytes]]:
    """Key and bytes of `index.csv` and `index.html` of each of these centres, from what the ledger says now."""
    sent, numbers = desk.ledger.sent(centres, MOST), desk.ledger.numbers(centres)
    rows, of = indexed(sent, numbers, desk.catalogue), spans_by_centre(sent)
    lines, shown = CsvLines.of(rows), Cells.of(rows.rename(dict(zip(INDEX, _TITLES, strict=True))))
    written = []
    for centre in centres:
        its = of.get(centre, slice(0))
        written += [
            (f"outbox/{centre}/index.csv", lines.part(its)),
            (f"outbox/{centre}/index.html", _page(centre, Cells(shown.names, shown.rows[its]))),
        ]
    return written


def indexed(sent: pl.DataFrame, numbers: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The index of each centre (`INDEX`), one after the other, the newest file first. `sent` as
    `infra.ledger.submissions.SENT`, `numbers` as `NUMBERS`: the highest number of what was applied."""
    last = {
        (row["centre"], row["body"], row["series"], row["marks"]): row["last"] for row in numbers.iter_rows(named=True)
    }
    rows = []
    for row in sent.iter_rows(named=True):
        series = catalogue.series(row["series"], row["body"]) if row["series"] and row["body"] else None
        rows.append(
            (
                visible(row["file_name"]),
                f"{row['received'].astimezone(LONDON):%Y-%m-%d %H:%M:%S %Z}",
                f"{series.title} ({row['series']})" if series else "",
                f"{row['sequence']:03d}" if row["sequence"] and row["letter"] else "",
                row["outcome"] or "received, not decided yet",
                row["reply"],
                _next(row["centre"], row["letter"], row["body"], row["series"], last) if series else "",
            )
        )
    return pl.DataFrame(rows, schema=INDEX, orient="row")


def _next(centre: str, letter: str, body: str, series: str, last: dict[tuple[str, str, str, bool], int]) -> str:
    """The name and number of the next file: entries and amendments share one numbering, marks have their own."""
    if letter not in (*files.BOOKED, files.MARKS):
        return ""
    marks = letter == files.MARKS
    number = last.get((centre, body, series, marks), 0) + 1
    if number > LAST_NUMBER:
        return ""
    kind = files.MARKS if marks else "E" if number == 1 else "A"
    return f"{kind}{centre}{body}.X{number % 100:02d} (number {number:03d})"


def _page(centre: str, rows: Cells) -> bytes:
    return page(
        f"Files sent by centre {centre}",
        [("Centre", centre), ("Files listed", str(rows.height))],
        [Grid(title="Newest first", frame=rows, words=_WHAT_TO_DO)],
        [f"At most the newest {MOST} files are listed. Times are London times."],
        _STYLE,
    )


_TITLES = ("File", "Received", "For", "Number", "What became of it", "Reply", "Send next")
_STYLE = stacked(_TITLES)
_WHAT_TO_DO = "Fetch the reply that is named beside your file. Its first lines say what to do next."
