"""The drawings of the docs: boxes on a grid and arrows between them, as SVG that reads on light and dark pages.

They are files of ours because they must show on a code host and on the docs' own site, which fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Literal

from attrs import frozen

CELL_WIDTH, CELL_HEIGHT, BOX_WIDTH, BOX_HEIGHT, EDGE = 190, 92, 144, 60, 16
LINE = 20
"""Units are pixels of the drawing."""

Kind = Literal["step", "store", "person"]
Bend = Literal["across", "down"]

_FILLS: Mapping[Kind, tuple[str, str, int]] = {
    "step": ("#ffffff", "#5b7fb8", 8),
    "store": ("#dfe8f6", "#5b7fb8", 3),
    "person": ("#fdf0da", "#b7791f", 30),
}
"""Fill, stroke and roundness of a box."""


@frozen
class Box:
    """What stands in a cell: its text, a line each; `store` is a place where things stay, `person` somebody outside."""

    column: int
    row: int
    text: tuple[str, ...]
    kind: Kind = "step"

    @property
    def centre(self) -> tuple[float, float]:
        return EDGE + (self.column + 0.5) * CELL_WIDTH, EDGE + (self.row + 0.5) * CELL_HEIGHT


@frozen
class Arrow:
    """From box to box, by name. Where they share neither row nor column it goes `across` first, or `down` (or up)."""

    start: str
    end: str
    label: str = ""
    bend: Bend = "across"
    both: bool = False


@frozen
class Diagram:
    """A drawing; `title` says in a sentence what it shows."""

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
    """The corners of an arrow's line, from edge to edge."""
    (x, y), (to_x, to_y) = start.centre, end.centre
    right, below = (1 if to_x > x else -1), (1 if to_y > y else -1)
    half_width, half_height = BOX_WIDTH / 2, BOX_HEIGHT / 2
    if start.row == end.row:
        return [(x + right * half_width, y), (to_x - right * half_width, y)]
    if start.column == end.column:
        return [(x, y + below * half_height), (x, to_y - below * half_height)]
    if bend == "across":
        return [(x + right * half_width, y), (to_x, y), (to_x, to_y - below * half_height)]
    return [(x, y + below * half_height), (x, to_y), (to_x - right * half_width, to_y)]


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
    x, y = box.centre
    yield (
        f'<rect x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
        f'rx="{round_}" fill="{fill}" stroke="{stroke}"/>'
    )
    first = y - (len(box.text) - 1) * LINE / 2 + 6
    for number, line in enumerate(box.text):
        yield f'<text x="{x:g}" y="{first + number * LINE:g}" text-anchor="middle">{escape(line)}</text>'


def svg(diagram: Diagram) -> Iterator[str]:
    """The drawing, on a light card, so that it needs to know nothing of the page around it."""
    width = 2 * EDGE + (1 + max(one.column for one in diagram.boxes.values())) * CELL_WIDTH
    height = 2 * EDGE + (1 + max(one.row for one in diagram.boxes.values())) * CELL_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(diagram.title)}</title>",
        "<style>text { font: 17px system-ui, sans-serif; fill: #1d2530; } .label { font-size: 13px; fill: #55606e; } "
        ".line { stroke: #7a8594; stroke-width: 1.6; fill: none; }</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#7a8594"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="12" fill="#f6f8fb"/>',
    ]
    for arrow in diagram.arrows:
        lines += _arrow(diagram.boxes[arrow.start], diagram.boxes[arrow.end], arrow)
    for box in diagram.boxes.values():
        lines += _box(box)
    yield "\n".join([*lines, "</svg>"])
