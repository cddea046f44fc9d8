"""The desk's own CSV feed for single entries, claims and withdrawals: from the board's portal, and from staff.

It is not a JCQ format (grade I throughout). A feed file is about one centre and one series; each row enters or
withdraws one option of one learner, and nothing else of that learner changes. A row `complete` says that the centre has
marked all of a component (MOD-3): the component is its `option`, and it has neither `candidate` nor `uci`. Columns, in
any order, with a header line:

`action` (`enter`, `withdraw`, `complete`), `series` (series key, `6B24`), `awarding_body`, `centre`, `candidate`,
`uci`, `option`, `who` (portal user or member of staff), `why` (required from staff, may be blank from the portal).
"""

from __future__ import annotations

import csv
import io
from typing import Any

import polars as pl

from . import findings as f
from . import forms
from .envelope import Header
from .findings import Found
from .identifiers import uci
from .reader import Submission
from .table import CODE, TEXT, FeedLayout, read_rows

COLUMNS = ("action", "series", "awarding_body", "centre", "candidate", "uci", "option", "who", "why")
COMPLETE = "complete"
ACTIONS = ("enter", "withdraw", COMPLETE)

LAYOUT = FeedLayout(dict.fromkeys(COLUMNS, CODE) | {"who": TEXT, "why": TEXT})

EXAMPLE = {
    "action": "enter", "series": "6B24", "awarding_body": "15", "centre": "64123", "candidate": "0002",
    "uci": "641230220002K", "option": "BEN01", "who": "portal user 17", "why": "",
}  # fmt: skip
"""A row of a feed file, as it might be."""
EXAMPLE_COMPLETE = EXAMPLE | {"action": COMPLETE, "candidate": "", "uci": "", "who": "marking system"}
"""A row by which a centre's system says that it has marked everybody."""

ROWS: dict[str, pl.DataType] = {"line": pl.UInt32()} | {name: pl.String() for name in COLUMNS}
"""The frame of a feed's good rows: its columns as text, and the line each is on."""


def read_feed(named: str, data: bytes) -> Submission:
    """The submission in a feed file: `feed` holds its good rows, `header` its centre, stream and series. Never raises;
    what is wrong is in `findings` (FIL-2, FIL-7)."""
    found = Found([named])
    good = [row for row in read_rows(data, LAYOUT, found).table.iter_rows(named=True) if _good(row, found)]
    header = _header(good, found)
    frame = pl.DataFrame(good, schema=ROWS)
    return Submission(named=named, name=None, type=None, header=header, feed=frame, findings=found.of(0))


def write_feed(rows: list[dict[str, str]]) -> bytes:
    """A feed file of `rows`, each with the columns above (missing ones are blank)."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode("utf-8")


_FORMS = {
    "action": forms.one_of(*ACTIONS),
    "series": forms.by_length("a series key, like 6B24", {4: "[1-9ABC][A-Za-z][0-9]{2}"}),
    "centre": forms.CENTRE,
    "candidate": forms.CANDIDATE_NUMBER,
    "uci": forms.UCI,
    "option": forms.OPTION,
    "who": forms.text("who asked for it"),
}


Row = dict[str, Any]


def _good(row: Row, found: Found) -> bool:
    complete = row["action"] == COMPLETE
    learner = ("candidate", "uci") if complete else ()
    wrong = [(name, form.words) for name, form in _FORMS.items() if name not in learner and not form.fits(row[name])]
    wrong += [(name, "nothing: what is complete is about no single learner") for name in learner if row[name]]
    if not wrong and not complete and not uci.is_valid(row["uci"]):
        wrong = [("uci", "a UCI whose check letter is right")]
    for name, expected in wrong:
        found.add(
            f.FEED_ROW, row["line"], value=row[name], field=name, candidate=row["candidate"] or None, wanted=expected
        )
    return not wrong


def _header(rows: list[Row], found: Found) -> Header | None:
    """The centre, stream and series of a feed; it is about one of each."""
    about = list(dict.fromkeys((row["centre"], row["awarding_body"], row["series"]) for row in rows))
    if not about:
        return None
    if len(about) > 1:
        found.add(f.FEED_MIXED, value="; ".join(" ".join(parts) for parts in about[:5]))
    centre, body, key = about[0]
    return Header(letter="", centre=centre, awarding_body=body, series=key[:2], year=key[2:], software="feed")
