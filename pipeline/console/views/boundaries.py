"""The boundaries of a series, beside those of before, and what moving one would do (AWD-1). Nothing is recorded here:
boundaries are decided about on the page of their proposal (OPS-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from infra.ledger.results import ConversionRow
from pipeline.awarding.award import AwardError
from pipeline.awarding.what_if import WhatIf, effect
from pipeline.console.visit import FROM_HERE, Approves, Visit
from pipeline.desk import Desk
from rules.catalogue import Series, series_title

routes = APIRouter()

NEAR = 2
"""Raw marks below a boundary that count as near it. Ours."""


@frozen(kw_only=True)
class Line:
    """A grade of a component: its least raw mark `now`, in the last series and a year ago (None: it had none), how
    many learners are `near`, up to two marks below it, and what somebody tries (`moved`)."""

    grade: str
    now: int
    last: int | None
    year_ago: int | None
    near: int
    moved: int


@routes.get("/boundaries")
def boundaries(visit: Approves, series: str = "", component: str = "") -> HTMLResponse:
    """The boundaries of each component."""
    return _page(visit, series, component, {})


@routes.post("/boundaries", dependencies=[FROM_HERE])
async def moved(visit: Approves, request: Request) -> HTMLResponse:
    """The same, with the effect of other marks for the grades of one component. They are under embargo (RES-2), and
    addresses are in logs: so they stand in none."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_page, visit, said.get("series", ""), said.get("component", ""), said)


def _page(visit: Visit, series: str, component: str, said: Mapping[str, str]) -> HTMLResponse:
    desk, its = visit.desk(), visit.series(series)
    tables = {table.component: table for table in desk.results.conversions(its.id, approved=False)}
    chosen = component if component in tables else min(tables, default="")
    marks = visit.console.marks(desk, its, chosen) if chosen else {}
    lines = _lines(desk, its, tables[chosen], marks, said) if chosen else []
    moves = {line.grade: line.moved for line in lines if line.moved != line.now}
    tried, refusal = _tried(visit, its, chosen, moves) if moves else (None, "")
    shown: dict[str, Any] = {
        "series": its,
        "tables": [tables[name] for name in sorted(tables)],
        "chosen": chosen,
        "table": tables.get(chosen),
        "lines": lines,
        "before": _names(desk, its, chosen),
        "near": NEAR,
        "tried": tried,
        "effects": _effects(tried) if tried else [],
        "refusal": refusal,
    }
    return visit.page("boundaries.html", desk, shown)


def _tried(visit: Visit, series: Series, component: str, moves: Mapping[str, int]) -> tuple[WhatIf | None, str]:
    """What the moves would do, or why they cannot be made."""
    desk = visit.desk()
    try:
        rests_on = visit.console.ground(desk, series)
        stands = visit.console.standing(desk, rests_on, component)
        return effect(rests_on, desk.catalogue, {component: moves}, visit.now, stands), ""
    except AwardError as error:
        return None, str(error).rstrip(".")


def _effects(tried: WhatIf) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """By subject and component: title, and for each grade how many learners have it and would have it."""
    frames = (("subject", tried.subjects), ("component", tried.components))
    return [
        (str(part[key][0]), list(part.select("grade", "before", "after").iter_rows()))
        for key, frame in frames
        for part in frame.partition_by(key, maintain_order=True)
    ]


def _lines(
    desk: Desk, series: Series, table: ConversionRow, marks: Mapping[int, int], tried: Mapping[str, str]
) -> list[Line]:
    last, year_ago = _before(desk, series, table.component)
    return [
        Line(
            grade=grade,
            now=least,
            last=last.boundaries.get(grade) if last else None,
            year_ago=year_ago.boundaries.get(grade) if year_ago else None,
            near=sum(marks.get(mark, 0) for mark in range(least - NEAR, least)),
            moved=_number(tried.get(grade, ""), least),
        )
        for grade, least in sorted(table.boundaries.items(), key=lambda each: -each[1])
    ]


def _number(said: str, otherwise: int) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else otherwise


def _before(desk: Desk, series: Series, component: str) -> tuple[ConversionRow | None, ConversionRow | None]:
    """The approved tables of a component in the last series that had one, and a year ago."""
    every = sorted(
        (table for table in desk.results.conversions() if table.component == component and table.series < series.id),
        key=lambda table: table.series,
    )
    year_ago = f"{series.year - 1}-{series.month:02d}"
    return every[-1] if every else None, next((table for table in every if table.series == year_ago), None)


def _names(desk: Desk, series: Series, component: str) -> Sequence[str]:
    """The titles of those two series; `none` for one that is not there."""
    return [series_title(table.series) if table else "none" for table in _before(desk, series, component)]
