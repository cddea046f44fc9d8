"""The season at a glance: its calendar, what comes next, what needs a person now, and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from infra.ledger.console import SeasonRows
from pipeline.console import pictures
from pipeline.console.visit import Looks
from rules import terms
from rules.catalogue import EVENTS, LONDON
from rules.decisions import Outcome

routes = APIRouter()

Tile = tuple[str, int, str, str]
"""A count: its title, the count, words below it, and the page that lists it."""


@routes.get("/")
def season(visit: Looks, series: str = "", on: str = "") -> HTMLResponse:
    """The season at a glance. `on`: a day (`2024-04-20`) whose calendar is shown instead of today's."""
    desk, its = visit.desk(), visit.series(series)
    now = _noon(on) or visit.now
    dates = [date for date in desk.catalogue.milestones_of(its, now) if date.component == "*"]
    dates.sort(key=lambda date: (date.at, date.event))
    ahead = [date for date in dates if date.at > now]
    snapshot = visit.console.snapshot(desk, its)
    rows = desk.console.season(its.id, its.key, its.awarding_body)
    shown = {
        "series": its,
        "asked": now,
        "as_on": on if _noon(on) else "",
        "dates": [(date, date.at <= now, date.at - now) for date in dates],
        "next": ahead[0] if ahead else None,
        "left": ahead[0].at - now if ahead else None,
        "meanings": EVENTS,
        "line": pictures.calendar_line(dates, now),
        "tiles": _tiles(snapshot.centres, rows.outcomes),
        "todo": _todo(rows, len(snapshot.silent)),
        "counted": snapshot.at,
    }
    return visit.page("season.html", desk, shown)


def _tiles(centres: pl.DataFrame, outcomes: Mapping[str, int]) -> list[Tile]:
    totals = centres.sum()
    count = {name: int(totals[name][0] or 0) for name in totals.columns if totals[name].dtype.is_integer()}
    return [
        ("Centres", centres.filter(pl.col("learners") > 0).height, "with entries", "centres"),
        ("Files received", sum(outcomes.values()), "of this series", "files"),
        ("Refused", outcomes.get(Outcome.REFUSED, 0), "files", f"files?outcome={Outcome.REFUSED}"),
        ("In quarantine", count["held"], "files of this series", "quarantine"),
        ("Entries", count["entries"], f"of {count['learners']:,} learners, claims included", "centres"),
        ("Marks in", count["marks"], f"of {count['internal']:,} for internal components", "centres?only=marks"),
        ("Outstanding", max(count["internal"] - count["marks"], 0), "marks of centres", "centres?only=marks"),
        ("Board\u2019s marks", count["board_marks"], f"of {count['external']:,} for external components", "watch"),
    ]


def _todo(rows: SeasonRows, silent: int) -> list[tuple[int, str, str]]:
    """What needs a person now: how many, what, and where."""
    states = rows.states
    waits = [
        (rows.held, "file is held in quarantine and waits for a decision (all series)",
         "files are held in quarantine and wait for a decision (all series)", "quarantine"),
        (rows.outcomes.get(terms.WAITING, 0), "file has been received and not decided yet",
         "files have been received and not decided yet", "files?outcome=waiting"),
        (states["cohorts"].get(terms.PROPOSED, 0), "adjustment of marks is proposed and waits for approval (MOD-2)",
         "adjustments of marks are proposed and wait for approval (MOD-2)", "approval"),
        (states["boundaries"].get(terms.PROPOSED, 0), "conversion table waits for approval (AWD-1)",
         "conversion tables wait for approval (AWD-1)", "approval"),
        (states["awardings"].get(terms.BUILT, 0),
         "version of the results is under embargo and waits for approval (RES-2)",
         "versions of the results are under embargo and wait for approval (RES-2)", "approval"),
        (silent, "centre that sent files a year ago has sent nothing (OPS-2)",
         "centres that sent files a year ago have sent nothing (OPS-2)", "watch"),
    ]  # fmt: skip
    return [(count, single if count == 1 else many, where) for count, single, many, where in waits if count]


def _noon(day: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=LONDON)
    except ValueError:
        return None
