"""A season of one centre and two learners, at today's date: what is sent, and the calendar by which it is judged.

In a bucket, a file has the time at which it came, so the season is played now. Its dates lie ahead while files are
sent. Then they are moved, as dates are (CAL-2): a new version, in force from today, has results minutes away.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen

from fixtures.generate import GRADES, people
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, record, single
from rules.calendar import LONDON
from tests.rehearsal.documents import ROOT

CENTRE = "64123"
INTERNAL, EXTERNAL, CLAIM, REGISTRATION = ("BEN01", "BEN02"), "BEN03", "BEN99", "BEN22"
MARKS = {"0001": 50, "0002": 40}
_HEADER = ["series", "event", "component", "date", "time", "time_placeholder", "in_force_from", "placeholder", "source"]
_DEADLINES = (
    "on_time_deadline", "high_late_from", "window_closes", "moderation_opens", "marks_deadline",
    "marks_amendment_deadline", "moderation_closes",
)  # fmt: skip


@frozen
class Season:
    """The season of an instant (aware): May/June of its year, whatever the month is, for learners registered the
    autumn before."""

    now: datetime

    @property
    def series(self) -> str:
        """Its id."""
        return f"{self.now.year}-06"

    @property
    def key(self) -> str:
        """What files carry for it."""
        return f"6B{self.now:%y}"

    @property
    def autumn(self) -> int:
        """The year of the registrations."""
        return self.now.year - 1

    def files(self) -> dict[str, bytes]:
        """What the centre sends, by name, in order: registrations, entries with claims, marks."""
        learners = list(people(CENTRE, len(MARKS), seed=1))
        made = f"{self.now:%d%m%y}"

        def entry(options: Sequence[str], body: str, key: str) -> bytes:
            lines = [line for learner in learners for line in candidate_records("E", CENTRE, learner, options)]
            return single("E", CENTRE, block(lines), awarding_body=body, series_key=key, sequence=1, produced=made)

        marks = [
            record(MARK, {
                "data_type": "M", "record_type": "5", "centre": CENTRE, "candidate": learner["candidate"],
                "uci": learner["uci"], "component": component, "mark": str(MARKS[learner["candidate"]]),
            })
            for learner in learners
            for component in INTERNAL
        ]  # fmt: skip
        sheet = single("M", CENTRE, block(marks), awarding_body="15", series_key=self.key, sequence=1, produced=made)
        return {
            f"E{CENTRE}13.X01": entry((REGISTRATION,), "13", f"9B{self.autumn % 100:02d}"),
            f"E{CENTRE}15.X01": entry((*INTERNAL, EXTERNAL, CLAIM), "15", self.key),
            f"M{CENTRE}15.X01": sheet,
        }

    def feeds(self) -> dict[str, bytes]:
        """What the board's own systems leave in the store, by key: the register, its marks, the boundaries."""
        years = " ".join(str(self.now.year - back) for back in range(4))
        centre = [(CENTRE, "Riverside School", "CF24 3QX", "exams@riverside.example", years, "2022-09-01", "")]
        marks = [
            (self.series, CENTRE, learner["candidate"], learner["uci"], EXTERNAL, MARKS[learner["candidate"]], "")
            for learner in people(CENTRE, len(MARKS), seed=1)
        ]
        boundaries = [
            (self.series, component, grade, 48 - 6 * step, "Y", "ours: the rehearsal")
            for component in (*INTERNAL, EXTERNAL)
            for step, grade in enumerate(GRADES)
        ]
        return {
            "feeds/centres/rehearsal.csv": _csv(
                ["number", "name", "postcode", "contact", "gcse_years", "active_from", "active_to"], centre
            ),
            "feeds/external-marks/rehearsal.csv": _csv(
                ["series", "centre", "candidate", "uci", "component", "mark", "status"], marks
            ),
            "feeds/boundaries/rehearsal.csv": _csv(
                ["series", "component", "grade", "raw_mark", "placeholder", "source"], boundaries
            ),
        }

    def write_catalogue(self, folder: Path, results: datetime | None = None) -> None:
        """The project's catalogue with a calendar of the season, and with the version that has results at `results`
        (aware) and, a minute later, results day, if it is given."""
        if not folder.exists():
            shutil.copytree(ROOT / "fixtures" / "catalogue", folder)
        today = self.now.astimezone(LONDON)
        before, ahead = today - timedelta(days=60), today + timedelta(days=30)
        rows = [
            _date(f"{self.autumn}-09", "window_opens", before, before),
            _date(f"{self.autumn}-09", "window_closes", ahead, before),
            _date(self.series, "window_opens", before, before),
            *(_date(self.series, event, ahead, before) for event in _DEADLINES),
            _date(self.series, "results_to_centres", ahead + timedelta(days=30), before),
            _date(self.series, "results_to_learners", ahead + timedelta(days=31), before),
        ]
        if results:
            rows += [_date(self.series, event, results - timedelta(minutes=1), today) for event in _DEADLINES]
            rows.append(_date(self.series, "results_to_centres", results, today))
            rows.append(_date(self.series, "results_to_learners", results + timedelta(minutes=1), today))
        draft = folder / ".calendar"
        draft.write_bytes(_csv(_HEADER, rows))
        draft.replace(folder / "calendar.csv")


def _date(series: str, event: str, at: datetime, in_force_from: datetime) -> tuple[str, ...]:
    at = at.astimezone(LONDON)
    return (series, event, "*", f"{at:%Y-%m-%d}", f"{at:%H:%M}", "Y", f"{in_force_from:%Y-%m-%d}", "Y", "ours")


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def outcome(reply: bytes) -> str:
    """What a reply says of its file."""
    found = re.search(rb"^  Outcome +(.+)$", reply, re.MULTILINE)
    return found[1].decode().strip() if found else ""
