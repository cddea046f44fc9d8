"""Bars for people who decide about results: plain inline SVG in the colours of `pipeline.report_page`, readable in
light and dark and in black and white on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 330, 176
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 48, 22
LETTERS = 44
"""Letters of a title that fit above a chart."""

PLOT = HEIGHT - TOP - BOTTOM

STYLE = """
:root { --now: #1f5fbf; --before: #b9c4d2; --edge: #a65f00; }
@media screen and (prefers-color-scheme: dark) { :root { --now: #79b0ff; --before: #4a5666; --edge: #ffb454; } }
.charts { display: flex; flex-wrap: wrap; gap: 4mm 6mm; margin: 2mm 0 4mm; }
.charts svg { width: 87mm; height: auto; break-inside: avoid; font: 11px system-ui, "Liberation Sans", sans-serif; }
.charts text { fill: var(--ink); } .charts .quiet { fill: var(--quiet); }
.charts .head { font-size: 12px; font-weight: 600; }
.charts .now { fill: var(--now); } .charts .before { fill: var(--before); stroke: var(--quiet); stroke-width: .5; }
.charts .base { stroke: var(--quiet); } .charts .edge { stroke: var(--edge); stroke-width: 1.5; }
.charts .edge-name { fill: var(--edge); font-size: 9px; font-weight: 600; }
"""


def grade_bars(
    title: str,
    grades: Sequence[str],
    now: Mapping[str, float],
    before: Mapping[str, float],
    names: tuple[str, str],
) -> str:
    """How the awards of a subject fall to grades, in per cent: this series' bars beside those of the series before, if
    any. `names`: what the two are called."""
    most = max([*now.values(), *before.values(), 1.0])
    step = (WIDTH - LEFT - RIGHT) / len(grades)
    wide = step * (0.36 if before else 0.6)
    parts = [_legend(names, shown=bool(before))]
    for number, grade in enumerate(grades):
        middle = LEFT + step * (number + 0.5)
        share = now.get(grade, 0.0)
        if before:
            parts.append(_bar("before", middle - wide, wide, before.get(grade, 0.0) / most, f"{names[1]}, {grade}"))
        parts.append(_bar("now", middle - (0 if before else wide / 2), wide, share / most, f"{names[0]}, {grade}"))
        # Each figure is above its bar.
        top, side = TOP + PLOT * (1 - share / most) - 4, "start" if before else "middle"
        parts.append(f'<text x="{middle:.1f}" y="{top:.1f}" text-anchor="{side}">{share:.1f}</text>')
        place = f'x="{middle:.1f}" y="{HEIGHT - 8}"'
        parts.append(f'<text class="quiet" {place} text-anchor="middle">{escape(grade)}</text>')
    return _svg(title, f"{title}: per cent of awards by grade", parts)


def mark_bars(title: str, note: str, counts: Sequence[int], boundaries: Sequence[tuple[str, int]]) -> str:
    """How many learners have each raw mark, from 0, and where the boundaries are (grade, least mark). `note` appears
    under the title."""
    most = max([*counts, 1])
    step = (WIDTH - LEFT - RIGHT) / len(counts)
    parts = [f'<text class="quiet" x="{LEFT}" y="27">{escape(note)}</text>']
    parts += [
        _bar("now", LEFT + step * mark + step * 0.1, step * 0.8, count / most, f"{mark} marks: {count:,}")
        for mark, count in enumerate(counts)
        if count
    ]
    for number, (grade, mark) in enumerate(boundaries):
        # Names of neighbours are at two heights, so that boundaries close together stay readable.
        x, top = LEFT + step * mark, TOP - 8 * (number % 2)
        parts.append(f'<line class="edge" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{TOP + PLOT}"/>')
        parts.append(f'<text class="edge-name" x="{x:.1f}" y="{top - 2}" text-anchor="middle">{escape(grade)}</text>')
    last = len(counts) - 1
    for mark in range(0, last + 1, 10 if last <= 120 else 20):
        x = LEFT + step * (mark + 0.5)
        parts.append(f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{mark}</text>')
    return _svg(title, f"{title}: learners by raw mark", parts)


def side_by_side(charts: Sequence[str]) -> str:
    """Charts side by side."""
    return f'<div class="charts">\n{"".join(charts)}</div>\n' if charts else ""


def _bar(kind: str, left: float, wide: float, share: float, words: str) -> str:
    tall = PLOT * share
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{TOP + PLOT - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}">'
        f"<title>{escape(words)}</title></rect>"
    )


def _legend(names: tuple[str, str], *, shown: bool) -> str:
    """On the line under the title."""
    if not shown:
        return ""
    now, before = names
    return (
        f'<rect class="before" x="{LEFT}" y="20" width="8" height="8"/>'
        f'<text class="quiet" x="{LEFT + 12}" y="28">{escape(before)}</text>'
        f'<rect class="now" x="{LEFT + 150}" y="20" width="8" height="8"/>'
        f'<text class="quiet" x="{LEFT + 162}" y="28">{escape(now)}</text>'
    )


def _svg(title: str, words: str, parts: Sequence[str]) -> str:
    short = title if len(title) <= LETTERS else f"{title[: LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"

    def lines() -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(words)}">'
        )
        yield f'<text class="head" x="{LEFT}" y="13">{escape(short)}</text>'
        yield from parts
        yield f'<line class="base" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{TOP + PLOT}" y2="{TOP + PLOT}"/>'
        yield "</svg>"

    return "\n".join(lines()) + "\n"
