"""Pictures for people who decide: plain SVG and HTML, readable in light and dark, without a learner's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from xml.sax.saxutils import escape

import polars as pl
from attrs import frozen

from rules.catalogue import PLACEHOLDER
from rules.moderation import Adjustment, Comparison

SIZE, LEFT, BOTTOM, TOP, RIGHT = 620, 64, 56, 44, 24
WIDTH, HEIGHT = LEFT + SIZE + RIGHT, TOP + SIZE + BOTTOM
LETTER, LINE = 6.4, 13
"""The width of a letter and the height of a line of a label, in pixels."""
LEGEND = 290

STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5d6978; --grid: #e3e7ec; --paper: #ffffff;
  --band: #2f7d4f; --dot: #1f5fbf; --out: #b3261e; --curve: #a65f00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a3afbd; --grid: #323b46; --paper: #161b22;
  --band: #4cb27a; --dot: #79b0ff; --out: #ff8a80; --curve: #ffb454; } }
svg { font: 12px system-ui, sans-serif; background: var(--paper); }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .title { font-size: 15px; font-weight: 600; }
.grid { stroke: var(--grid); } .frame { stroke: var(--soft); fill: none; }
.same { stroke: var(--soft); stroke-dasharray: 5 4; } .band { fill: var(--band); fill-opacity: .16; }
.curve { stroke: var(--curve); stroke-width: 2.5; fill: none; }
.plate { fill: var(--paper); fill-opacity: .85; stroke: var(--grid); }
.label { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.dot { fill: var(--dot); stroke: var(--paper); } .out { fill: var(--out); stroke: var(--paper); }
"""
PAGE_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } svg { max-width: 100%; height: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; } dt { color: var(--soft); }
dd { margin: 0; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem .8rem; border-bottom: 1px solid var(--grid); }
th { color: var(--soft); font-weight: 600; } .text { text-align: left; } td.far { color: var(--out); font-weight: 600; }
.curves { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
"""


def scatter(
    sample: pl.DataFrame,
    tolerance: int,
    adjustment: Adjustment | None,
    raw_max: int,
    title: str,
    *,
    placeholder: bool = False,
) -> str:
    """The sample as SVG: the centre's mark across, the moderator's up; the line on which both agree, the band of the
    tolerance, and the adjustment if any. `sample` has `candidate`, `centre_mark` and `moderated_mark` (raw
    marks, none missing); each dot is labelled with its candidate numbers. `placeholder`: nobody
    published the tolerance."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        *_axes(raw_max),
        _band(tolerance, raw_max),
        f'<line class="same" {_ends((0, 0), (raw_max, raw_max), raw_max)}/>',
    ]
    if adjustment is not None:
        curve = " ".join(
            f"{_x(mark, raw_max):.1f},{_y(float(adjustment.exactly(mark)), raw_max):.1f}" for mark in range(raw_max + 1)
        )
        parts.append(f'<polyline class="curve" points="{curve}"/>')
    dots = _dots(sample, tolerance, raw_max)
    entries = _legend_entries(tolerance, PLACEHOLDER if placeholder else "", adjustment is not None)
    legend = _legend_box(dots, len(entries))
    parts.extend(_legend(entries, legend))
    parts.extend(_labelled(dots, legend))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _x(mark: float, raw_max: int) -> float:
    return LEFT + SIZE * mark / raw_max


def _y(mark: float, raw_max: int) -> float:
    return TOP + SIZE - SIZE * mark / raw_max


def _ends(start: tuple[float, float], end: tuple[float, float], raw_max: int) -> str:
    return (
        f'x1="{_x(start[0], raw_max):.1f}" y1="{_y(start[1], raw_max):.1f}" '
        f'x2="{_x(end[0], raw_max):.1f}" y2="{_y(end[1], raw_max):.1f}"'
    )


def _axes(raw_max: int) -> Iterator[str]:
    step = 10 if raw_max > 30 else 5
    for mark in range(0, raw_max + 1, step):
        yield f'<line class="grid" {_ends((mark, 0), (mark, raw_max), raw_max)}/>'
        yield f'<line class="grid" {_ends((0, mark), (raw_max, mark), raw_max)}/>'
        yield f'<text class="soft" text-anchor="middle" x="{_x(mark, raw_max):.1f}" y="{TOP + SIZE + 18}">{mark}</text>'
        yield f'<text class="soft" text-anchor="end" x="{LEFT - 8}" y="{_y(mark, raw_max) + 4:.1f}">{mark}</text>'
    yield f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{SIZE}" height="{SIZE}"/>'
    middle = TOP + SIZE / 2
    yield f'<text text-anchor="middle" x="{LEFT + SIZE / 2}" y="{HEIGHT - 14}">centre&#8217;s mark</text>'
    turned = f'text-anchor="middle" x="20" y="{middle}" transform="rotate(-90 20 {middle})"'
    yield f"<text {turned}>moderator&#8217;s mark</text>"


def _band(tolerance: int, raw_max: int) -> str:
    most = raw_max - tolerance
    corners = [(0, 0), (0, tolerance), (most, raw_max), (raw_max, raw_max), (raw_max, most), (tolerance, 0)]
    points = " ".join(f"{_x(across, raw_max):.1f},{_y(up, raw_max):.1f}" for across, up in corners)
    return f'<polygon class="band" points="{points}"/>'


@frozen
class _Dot:
    """Learners with the same two marks."""

    x: float
    y: float
    label: str
    outside: bool


def _dots(sample: pl.DataFrame, tolerance: int, raw_max: int) -> list[_Dot]:
    places = (
        sample.sort("candidate")
        .group_by("centre_mark", "moderated_mark", maintain_order=True)
        .agg("candidate")
        .sort("centre_mark", "moderated_mark")
    )
    return [
        _Dot(_x(centre, raw_max), _y(moderated, raw_max), ", ".join(candidates), abs(moderated - centre) > tolerance)
        for centre, moderated, candidates in places.iter_rows()
    ]


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _labelled(dots: list[_Dot], legend: Box) -> Iterator[str]:
    """The dots, with labels where there is room; pointing at a dot also shows its label."""
    for dot in dots:
        yield (
            f'<circle class="{"out" if dot.outside else "dot"}" cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="5">'
            f"<title>{escape(dot.label)}</title></circle>"
        )
    taken = [legend, *((dot.x - 6, dot.y - 6, dot.x + 6, dot.y + 6) for dot in dots)]
    for dot in dots:
        width = LETTER * len(dot.label) + 2
        choices = [
            (dot.x + side * 9 - (width if side < 0 else 0), dot.y + LINE * lines - 6)
            for lines, side in product((0, -1, 1, -2, 2, -3, 3), (1, -1))
        ]
        boxes = [(left, top, left + width, top + LINE) for left, top in choices]
        free = [box for box in boxes if _within(box) and not any(_overlap(box, other) for other in taken)]
        for box in free[:1]:
            taken.append(box)
            yield f'<text class="label" x="{box[0]:.1f}" y="{box[1] + 10:.1f}">{escape(dot.label)}</text>'


def _within(box: Box) -> bool:
    return box[0] > LEFT and box[1] > TOP and box[2] < LEFT + SIZE and box[3] < TOP + SIZE


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _legend_box(dots: list[_Dot], lines: int) -> Box:
    """Bottom right, unless there are dots because the centre is far too generous; then top left."""
    height, gap = 18 * lines + 10, 10
    right, low = LEFT + SIZE - gap, TOP + SIZE - gap
    corner = (right - LEGEND, low - height, right, low)
    if any(_overlap(corner, (dot.x - 6, dot.y - 6, dot.x + 6, dot.y + 6)) for dot in dots):
        return (LEFT + gap, TOP + gap, LEFT + gap + LEGEND, TOP + gap + height)
    return corner


def _legend_entries(tolerance: int, mark: str, adjusted: bool) -> list[tuple[str, str]]:
    entries = [
        ('<line class="same" x1="0" x2="26" y1="0" y2="0"/>', "both agree"),
        ('<rect class="band" width="26" height="12" y="-6"/>', f"tolerance, {tolerance} either way{mark}"),
        ('<circle class="dot" cx="13" r="5"/>', "learner within it"),
        ('<circle class="out" cx="13" r="5"/>', "learner outside it"),
    ]
    if adjusted:
        entries.append(('<line class="curve" x1="0" x2="26" y1="0" y2="0"/>', "proposed adjustment"))
    return entries


def _legend(entries: list[tuple[str, str]], box: Box) -> Iterator[str]:
    left, top, right, bottom = box
    yield f'<rect class="plate" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="4"/>'
    for number, (sign, words) in enumerate(entries):
        place = f"translate({left + 10} {top + 18 * number + 14})"
        yield f'<g transform="{place}">{sign}<text x="36" y="4">{escape(words)}</text></g>'


def approval_page(
    title: str,
    facts: Iterable[tuple[str, str]],
    sample: pl.DataFrame,
    comparison: Comparison,
    adjustment: Adjustment,
    *,
    placeholder: bool = False,
) -> str:
    """The page from which a person decides about an adjustment (MOD-2), as HTML: `facts` (what, value), the picture,
    the sample and the whole curve. `sample` has `candidate`, `reason`, `centre_mark` and `moderated_mark`."""
    picture = scatter(
        sample, comparison.tolerance, adjustment, adjustment.raw_max, "Sample and proposed adjustment",
        placeholder=placeholder,
    )  # fmt: skip
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en-GB"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{PAGE_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            "<dl>",
            *(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts),
            "</dl>",
            picture,
            "<h2>The sample</h2>",
            *_sample_table(sample, comparison.tolerance, adjustment),
            "<h2>What the adjustment makes of every mark</h2>",
            *_curve_table(adjustment),
            "</body></html>",
            "",
        ]
    )


def _sample_table(sample: pl.DataFrame, tolerance: int, adjustment: Adjustment) -> Iterator[str]:
    yield '<table><tr><th class="text">candidate</th><th class="text">in the sample as</th><th>centre</th>'
    yield "<th>moderator</th><th>difference</th><th>adjusted</th></tr>"
    columns = sample.select("candidate", "reason", "centre_mark", "moderated_mark")
    for candidate, reason, centre, moderated in columns.iter_rows():
        far = ' class="far"' if abs(moderated - centre) > tolerance else ""
        yield (
            f'<tr><td class="text">{escape(candidate)}</td><td class="text">{escape(reason)}</td><td>{centre}</td>'
            f"<td>{moderated}</td><td{far}>{_signed(moderated - centre)}</td><td>{adjustment.at(centre)}</td></tr>"
        )
    yield "</table>"


def _curve_table(adjustment: Adjustment) -> Iterator[str]:
    rows = list(adjustment.table().iter_rows())
    length = -(-len(rows) // 4)
    yield '<div class="curves">'
    for start in range(0, len(rows), length):
        yield "<table><tr><th>centre</th><th>adjusted</th></tr>"
        yield from (f"<tr><td>{mark}</td><td>{to}</td></tr>" for mark, to in rows[start : start + length])
        yield "</table>"
    yield "</div>"


def _signed(number: int) -> str:
    """The number with its sign: a plus, or a true minus."""
    return f"+{number}" if number > 0 else f"\N{MINUS SIGN}{-number}" if number else "0"
