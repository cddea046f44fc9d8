"""The drawings of the docs: boxes on a grid and arrows between them, as SVG that is legible on light and dark pages.

They are files in the repository, to be shown on a code host and on the docs' own site, which fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Literal

from attrs import frozen

CELL_WIDTH, CELL_HEIGHT, BOX_WIDTH, BOX_HEIGHT, EDGE, FRAME_EDGE = 190, 92, 144, 60, 16, 14
LINE = 20
"""Units are pixels of the drawing."""

Kind = Literal["step", "store", "person", "frame"]
Bend = Literal["across", "down"]

_FILLS: Mapping[Kind, tuple[str, str, int]] = {
    "step": ("#ffffff", "#5b7fb8", 8),
    "store": ("#dfe8f6", "#5b7fb8", 3),
    "person": ("#fdf0da", "#b7791f", 30),
    "frame": ("#edf1f7", "#b9c6da", 12),
}
"""Fill, stroke and roundness of a box."""


@frozen
class Box:
    """The content of a cell: its text, a line each; `store` is a place where things stay, `person` somebody outside.

    A box may be `columns` wide and `rows` high; a `frame` is drawn below others and has its text at its upper edge.
    """

    column: float
    row: float
    text: tuple[str, ...]
    kind: Kind = "step"
    columns: int = 1
    rows: float = 1

    @property
    def centre(self) -> tuple[float, float]:
        """In pixels from the upper left."""
        return EDGE + (self.column + self.columns / 2) * CELL_WIDTH, EDGE + (self.row + self.rows / 2) * CELL_HEIGHT

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        outside = FRAME_EDGE if self.kind == "frame" else 0
        width, height = (self.columns - 1) * CELL_WIDTH + BOX_WIDTH, (self.rows - 1) * CELL_HEIGHT + BOX_HEIGHT
        return width + 2 * outside, height + 2 * outside


@frozen
class Arrow:
    """An arrow from box to box, by name. If they share neither row nor column it goes `across` first, or `down` (or
    up)."""

    start: str
    end: str
    label: str = ""
    bend: Bend = "across"
    both: bool = False


@frozen
class Diagram:
    """A drawing; `title` says what it shows, in one sentence."""

    title: str
    boxes: Mapping[str, Box]
    arrows: Sequence[Arrow]


def _step(column: int, row: int, *text: str) -> Box:
    return Box(column, row, text)


def _store(column: int, row: int, *text: str) -> Box:
    return Box(column, row, text, "store")


def _person(column: int, row: int, *text: str) -> Box:
    return Box(column, row, text, "person")


DESK = Diagram(
    "From files to results: files are archived, read, judged and booked; every file gets a reply; results go out at "
    "one instant",
    {
        "portal": _person(0, 2, "portal, staff"),
        "catalogue": _store(3, 0, "catalogue,", "calendar, tariff"),
        "school": _person(0, 0, "school software"),
        "inbox": _store(0, 1, "inbox"),
        "archive": _store(1, 1, "archive"),
        "parse": _step(2, 1, "parse", "Lark + Polars"),
        "rules": _step(3, 1, "rules"),
        "ledger": _store(4, 1, "ledger", "PostgreSQL"),
        "moderation": _step(5, 1, "moderation"),
        "outbox": _store(1, 3, "outbox"),
        "reply": _step(3, 2, "reply:", "every finding"),
        "award": _step(4, 2, "marks to UMS", "to awards"),
        "embargo": _store(4, 3, "embargo:", "files, manifest"),
        "approver": _person(5, 3, "a person", "approves"),
    },
    [
        Arrow("school", "inbox"),
        Arrow("portal", "inbox", "feeds"),
        Arrow("inbox", "archive"),
        Arrow("archive", "parse"),
        Arrow("parse", "rules"),
        Arrow("catalogue", "rules"),
        Arrow("rules", "ledger"),
        Arrow("ledger", "moderation", both=True),
        Arrow("rules", "reply"),
        Arrow("reply", "outbox"),
        Arrow("ledger", "award"),
        Arrow("award", "embargo"),
        Arrow("approver", "embargo"),
        Arrow("embargo", "outbox", "at the instant"),
    ],
)

FILE = Diagram(
    "How a file flows: settled, archived, booked as received, read, judged, booked in one transaction, answered",
    {
        "known": _store(4, 0, "catalogue;", "what is known"),
        "school": _person(0, 0, "school software"),
        "inbox": _store(0, 1, "inbox/", "centre"),
        "archive": _store(1, 1, "archive/", "sha256"),
        "order": _step(2, 1, "order of records", "Lark"),
        "columns": _step(3, 1, "fields, columns", "Polars"),
        "rules": _step(4, 1, "rules"),
        "booked": _store(5, 1, "ledger: one", "transaction"),
        "received": _store(1, 2, "ledger:", "received"),
        "first": _store(2, 2, "outbox:", "received"),
        "held": _store(4, 2, "quarantine"),
        "reply": _store(5, 2, "outbox: reply", "and JSON twin"),
    },
    [
        Arrow("school", "inbox", "E, A, M"),
        Arrow("inbox", "archive", "settled"),
        Arrow("archive", "order"),
        Arrow("archive", "received"),
        Arrow("received", "first"),
        Arrow("order", "columns"),
        Arrow("columns", "rules"),
        Arrow("known", "rules"),
        Arrow("rules", "booked"),
        Arrow("booked", "reply"),
        Arrow("reply", "held", "if held"),
    ],
)

RESULTS = Diagram(
    "How results flow: a frozen version is built under embargo, approved by a person, published at its instant",
    {
        "ledger": _store(0, 0, "ledger: entries,", "marks, claims"),
        "award": _step(1, 0, "award:", "a frozen version"),
        "build": _step(2, 0, "build"),
        "embargo": _store(3, 0, "embargo/"),
        "gate": _step(4, 0, "instant reached,", "hashes the same"),
        "out": _store(5, 0, "centres' outbox,", "learners' portal"),
        "later": _step(5, 1, "later claims,", "updated files"),
        "manifest": _store(2, 1, "manifest,", "hashed"),
        "approver": _person(4, 1, "a person", "approves"),
    },
    [
        Arrow("ledger", "award"),
        Arrow("award", "build"),
        Arrow("build", "embargo"),
        Arrow("build", "manifest"),
        Arrow("manifest", "approver"),
        Arrow("embargo", "gate"),
        Arrow("approver", "gate"),
        Arrow("gate", "out"),
        Arrow("out", "later"),
    ],
)

PRODUCTION = Diagram(
    "The desk in production: the landing service, the store, the jobs, PostgreSQL and Airflow",
    {
        "centres": _person(0, 0, "centres"),
        "landing": _step(1, 0, "landing service", "or managed"),
        "store": _store(2, 0, "store: S3"),
        "staff": _person(0, 1, "staff"),
        "airflow": _step(1, 1, "Airflow's", "components"),
        "jobs": _step(2, 1, "jobs: Celery", "workers or pods"),
        "database": _store(2, 2, "PostgreSQL:", "ledger, Airflow"),
    },
    [
        Arrow("centres", "landing", "SFTP"),
        Arrow("landing", "store"),
        Arrow("staff", "airflow", "web"),
        Arrow("airflow", "jobs", "tasks"),
        Arrow("jobs", "store", both=True),
        Arrow("jobs", "database", both=True),
        Arrow("airflow", "database", bend="down"),
    ],
)


def ends(start: Box, end: Box, bend: Bend) -> list[tuple[float, float]]:
    """The corners of an arrow's line, from edge to edge. Boxes that are beside or below each other in part are joined
    in the middle of that part."""
    (x, y), (to_x, to_y) = start.centre, end.centre
    (width, height), (to_width, to_height) = start.size, end.size
    right, below = (1 if to_x > x else -1), (1 if to_y > y else -1)
    out_x, out_y, in_x, in_y = (
        x + right * width / 2,
        y + below * height / 2,
        to_x - right * to_width / 2,
        to_y - below * to_height / 2,
    )
    if abs(y - to_y) < max(height, to_height) / 2:
        level = y if height < to_height else to_y
        return [(out_x, level), (in_x, level)]
    if abs(x - to_x) < max(width, to_width) / 2:
        level = x if width < to_width else to_x
        return [(level, out_y), (level, in_y)]
    return [(out_x, y), (to_x, y), (to_x, in_y)] if bend == "across" else [(x, out_y), (x, to_y), (in_x, to_y)]


def _arrow(start: Box, end: Box, arrow: Arrow) -> Iterator[str]:
    corners = ends(start, end, arrow.bend)
    path = " ".join(f"{'L' if number else 'M'}{x:g} {y:g}" for number, (x, y) in enumerate(corners))
    tail = ' marker-start="url(#tip)"' if arrow.both else ""
    yield f'<path d="{path}" class="line" marker-end="url(#tip)"{tail}/>'
    if arrow.label:
        (x, y), (to_x, to_y) = corners[:2]
        if x == to_x:
            yield f'<text x="{x + 8:g}" y="{(y + to_y) / 2 + 4:g}" class="label">{escape(arrow.label)}</text>'
        else:
            yield (
                f'<text x="{(x + to_x) / 2:g}" y="{y - 6:g}" class="label" text-anchor="middle">'
                f"{escape(arrow.label)}</text>"
            )


def _box(box: Box) -> Iterator[str]:
    fill, stroke, round_ = _FILLS[box.kind]
    (x, y), (width, height) = box.centre, box.size
    yield (
        f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" '
        f'rx="{round_}" fill="{fill}" stroke="{stroke}"/>'
    )
    first = y - height / 2 + LINE + 4 if box.kind == "frame" else y - (len(box.text) - 1) * LINE / 2 + 6
    for number, line in enumerate(box.text):
        yield f'<text x="{x:g}" y="{first + number * LINE:g}" text-anchor="middle">{escape(line)}</text>'


def svg(diagram: Diagram) -> Iterator[str]:
    """The drawing, on a light card, so that it does not depend on the page around it."""
    width = 2 * EDGE + max(box.column + box.columns for box in diagram.boxes.values()) * CELL_WIDTH
    height = 2 * EDGE + max(box.row + box.rows for box in diagram.boxes.values()) * CELL_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
        f"<title>{escape(diagram.title)}</title>",
        "<style>text { font: 17px system-ui, sans-serif; fill: #1d2530; } .label { font-size: 13px; fill: #55606e; } "
        ".line { stroke: #7a8594; stroke-width: 1.6; fill: none; }</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#7a8594"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" rx="12" fill="#f6f8fb"/>',
    ]
    for box in diagram.boxes.values():
        if box.kind == "frame":
            lines += _box(box)
    for arrow in diagram.arrows:
        lines += _arrow(diagram.boxes[arrow.start], diagram.boxes[arrow.end], arrow)
    for box in diagram.boxes.values():
        if box.kind != "frame":
            lines += _box(box)
    yield "\n".join([*lines, "</svg>"])
