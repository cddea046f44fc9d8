"""The desk's own CSV feed for single entries, claims and withdrawals: from the board's portal, and from staff.

It is no JCQ format (grade I throughout). A feed file is about one centre and one series; each row enters or withdraws
one option of one learner, and nothing else of that learner changes. Columns, in any order, with a header line:

`action` (`enter`, `withdraw`), `series` (series key, `6B24`), `awarding_body`, `centre`, `candidate`, `uci`, `option`,
`who` (portal user or member of staff), `why` (asked for from staff, may be blank from the portal).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import polars as pl

from . import findings as f
from . import forms
from .envelope import Header
from .findings import Found
from .identifiers import uci
from .reader import Submission

COLUMNS = ("action", "series", "awarding_body", "centre", "candidate", "uci", "option", "who", "why")
ACTIONS = ("enter", "withdraw")

ROWS: dict[str, pl.DataType] = {"line": pl.UInt32()} | {name: pl.String() for name in COLUMNS}
"""The frame of a feed's good rows: its columns as text, and the line each stands on."""


def read_feed(named: str, data: bytes) -> Submission:
    """The submission in a feed file: `feed` holds its good rows, `header` its centre, stream and series. Never raises;
    what is wrong is in `findings` (FIL-2)."""
    found = Found([named])
    good = [(line, row) for line, row in _rows(data, found) if _good(line, row, found)]
    header = _header([row for _, row in good], found)
    frame = pl.DataFrame([{"line": line} | row for line, row in good], schema=ROWS)
    return Submission(named=named, name=None, type=None, header=header, feed=frame, findings=found.of(0))


def write_feed(rows: list[dict[str, str]]) -> bytes:
    """A feed file of `rows`, each with the columns above (missing ones are blank)."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode("utf-8")


Row = dict[str, str]


def csv_rows(data: bytes, columns: Sequence[str]) -> tuple[list[tuple[int, Row]], list[str]]:
    """The rows of a CSV file in UTF-8, each with the line it ends on and its cells in `columns`, without spaces around
    them; or no rows, and what is missing or wrong with the file. Never raises."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restval="")
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            return [], missing
        return [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader], []
    except (UnicodeDecodeError, csv.Error) as error:
        return [], [type(error).__name__]


def csv_columns(data: bytes, columns: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """The rows of a large CSV file in UTF-8, each by itself: what is wrong with one leaves the others as they are. Or
    no rows, and which of `columns` are missing. Never raises.

    Beside `columns` (text, without spaces and quotation marks around it): `line`, `cells` (how many the row has) and
    `wanted` (how many the first line has). What is not UTF-8 becomes U+FFFD. Blank rows are left out. A line is a row:
    a cell that goes over the end of its line makes two that are wrong.
    """
    lines = pl.Series("text", data.decode("utf-8-sig", errors="replace").split("\n"))
    # With a comma before the first cell too, each is found by its comma, the empty ones as well.
    cells = (pl.lit(",") + pl.col("text").str.strip_chars_end("\r")).str.extract_all(_CELL)
    bare = pl.element().str.slice(1).str.strip_chars().str.replace(_QUOTED, "${1}").str.strip_chars()
    table = pl.DataFrame(lines).select(cells.list.eval(bare).alias("row")).with_row_index("line", offset=1)
    header = table["row"][0].to_list()
    missing = [name for name in columns if name not in header]
    if missing:
        table, header = table.clear(), list(columns)
    rows = table[1:].filter(pl.col("row").list.join("") != "")
    texts = (pl.col("row").list.get(header.index(name), null_on_oob=True).fill_null("").alias(name) for name in columns)
    counts = pl.col("row").list.len().alias("cells"), pl.lit(len(header), pl.UInt32).alias("wanted")
    return rows.select("line", *texts, *counts), missing


_QUOTED = '^"((?:[^"]|"")*)"$'
_CELL = ',(?:"(?:[^"]|"")*")?[^,]*'


def _rows(data: bytes, found: Found) -> list[tuple[int, Row]]:
    rows, missing = csv_rows(data, COLUMNS)
    if missing:
        found.add(f.FEED_COLUMNS, 1, value=", ".join(missing), wanted=", ".join(COLUMNS))
    return rows


_FORMS = {
    "action": forms.one_of(*ACTIONS),
    "series": forms.by_length("a series key, like 6B24", {4: "[1-9ABC][A-Za-z][0-9]{2}"}),
    "centre": forms.CENTRE,
    "candidate": forms.CANDIDATE_NUMBER,
    "uci": forms.UCI,
    "option": forms.OPTION,
    "who": forms.text("who asked for it"),
}


def _good(line: int, row: Row, found: Found) -> bool:
    wrong = [(name, form.words) for name, form in _FORMS.items() if not form.fits(row[name])]
    if not wrong and not uci.is_valid(row["uci"]):
        wrong = [("uci", "a UCI whose check letter is right")]
    for name, expected in wrong:
        found.add(f.FEED_ROW, line, value=row[name], field=name, candidate=row["candidate"] or None, wanted=expected)
    return not wrong


def _header(rows: list[Row], found: Found) -> Header | None:
    """The centre, stream and series of a feed; it is about one of each."""
    about = list(dict.fromkeys((row["centre"], row["awarding_body"], row["series"]) for row in rows))
    if not about:
        return None
    if len(about) > 1:
        found.add(f.FEED_MIXED, value="; ".join(" ".join(one) for one in about[:5]))
    centre, body, key = about[0]
    return Header(letter="", centre=centre, awarding_body=body, series=key[:2], year=key[2:], software="feed")
