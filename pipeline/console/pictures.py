"""The console's pictures: inline SVG without its own style, coloured by the console's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import polars as pl

from rules.calendar import Milestone

ACROSS, CELL = 100, 10
"""Cells in a row of the overview, and the space for each."""

LINE_WIDTH, LINE_HEIGHT, MARGIN = 900, 64, 14
LABEL = 15.0
"""The space for a date's number."""


def overview(centres: pl.DataFrame, to: str, query: str) -> str:
    """Every centre as a cell, in the order of `centres` (`centre`, `reached`, `held`): the more milestones complete,
    the darker; framed if a file is held. Each cell links to the centre's page, at `to` plus its number. The tab key
    skips the cells, because the table has the same links."""
    rows = -(-max(centres.height, 1) // ACROSS)
    place = pl.int_range(pl.len())
    x, y = (place % ACROSS) * CELL, (place // ACROSS) * CELL
    cell = pl.format(
        '<a href="{}{}{}" tabindex="-1"><rect class="r{}{}" x="{}" y="{}"><title>{}: {} of 6{}</title></rect></a>',
        pl.lit(to), "centre", pl.lit(query), "reached",
        pl.when(pl.col("held") > 0).then(pl.lit(" held")).otherwise(pl.lit("")),
        x + 1, y + 1, "centre", "reached",
        pl.when(pl.col("held") > 0).then(pl.lit(", a file is held")).otherwise(pl.lit("")),
    )  # fmt: skip
    cells = centres.select(cell.str.join("")).item() if centres.height else ""
    words = f"{centres.height} centres by the number of milestones completed"
    wide, tall = min(max(centres.height, 40), ACROSS) * CELL, rows * CELL
    return f'<svg class="overview" viewBox="0 0 {wide} {tall}" role="group" aria-label="{words}">{cells}</svg>'


def calendar_line(dates: Sequence[Milestone], now: datetime) -> str:
    """The dates of a series on a line, numbered as in the list below it, and the position of `now`."""
    if not dates:
        return ""
    first, last = dates[0].at, dates[-1].at
    span = (last - first).total_seconds() or 1.0

    def x(at: datetime) -> float:
        return MARGIN + (LINE_WIDTH - 2 * MARGIN) * min(max((at - first).total_seconds() / span, 0), 1)

    middle = LINE_HEIGHT / 2
    parts = [f'<line class="axis" x1="{MARGIN}" x2="{LINE_WIDTH - MARGIN}" y1="{middle}" y2="{middle}"/>']
    if first <= now:
        parts.append(f'<line class="gone" x1="{MARGIN}" x2="{x(now):.1f}" y1="{middle}" y2="{middle}"/>')
    taken = [-LABEL, -LABEL]
    for number, date in enumerate(dates, 1):
        at = x(date.at)
        # A label goes above the line, or below it if there is no room, or else beside the last label there.
        free = [max(at, one_before + LABEL) for one_before in taken]
        side = free.index(min(free))
        taken[side] = free[side]
        kind = "past" if date.at <= now else "ahead"
        parts.append(
            f'<circle class="{kind}" cx="{at:.1f}" cy="{middle}" r="5"><title>{escape(f"{date.event}: {date.text}")}'
            f'</title></circle><text x="{taken[side]:.1f}" y="{middle + (20 if side else -12)}">{number}</text>'
        )
    if first <= now <= last:
        parts.append(f'<path class="now" d="M{x(now):.1f} 8 V{LINE_HEIGHT - 8}"><title>now</title></path>')
    words = "The dates of the series on a line; the list has them in words"
    return (
        f'<svg class="dates" viewBox="0 0 {LINE_WIDTH} {LINE_HEIGHT}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )
