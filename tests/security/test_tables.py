"""What people open: no CSV the desk writes makes a spreadsheet calculate, and no page shows markup that is not ours."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import attrs
import polars as pl
import pytest

from pipeline.awarding.charts import grade_bars, mark_bars
from pipeline.files.convert import guarded, unguarded
from pipeline.marking.approval_page import approval_page, scatter
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.results.explain import as_page, explain
from pipeline.results.release_report import report
from rules.moderation import Adjustment, Comparison
from tests.security import hostile
from tests.security.conftest import Season, Taken

ROOT = Path(__file__).parents[2]
NOW = datetime(2024, 2, 15, 12, tzinfo=UTC)
PACKAGES = ("parsers", "rules", "pipeline", "infra", "dags")

# --- CSV -------------------------------------------------------------------------------------------------------------

WRITES_CSV = {
    ("pipeline/report_page.py", "write_csv"): "csv_bytes, which everything people open goes through",
    ("pipeline/files/convert.py", "sink_csv"): "convert, through its own guard, which can be undone to the letter",
    ("pipeline/awarding/award.py", "write_csv"): "a digest; nobody sees it",
    ("pipeline/awarding/balance.py", "write_csv"): "a digest; nobody sees it",
    ("pipeline/corrections/effect.py", "write_csv"): "a digest; nobody sees it",
    ("infra/ledger/sql.py", "write_csv"): "rows for COPY, read by PostgreSQL",
    ("parsers/feed.py", "DictWriter"): "the desk's own feed, read by the desk",
}
"""Every place that writes CSV. A new one goes through `pipeline.report_page.csv_bytes`, or is put here with its
reason."""


def writers() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                name = getattr(called, "attr", getattr(called, "id", ""))
                of_csv = isinstance(getattr(called, "value", None), ast.Name) and called.value.id == "csv"  # type: ignore[union-attr]
                if name in ("write_csv", "sink_csv", "to_csv", "DictWriter") or (name == "writer" and of_csv):
                    yield path.relative_to(ROOT).as_posix(), name


def test_every_place_that_writes_csv_is_known() -> None:
    assert sorted(writers()) == sorted(WRITES_CSV)


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}SUM(A1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x","y")',
)
_BEGINS = re.compile(f"[{re.escape(''.join(sorted({formula[0] for formula in FORMULAS})))}]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def formulas(data: bytes) -> list[str]:
    """The cells a spreadsheet would calculate."""
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8"), newline="")) for cell in row]
    return [cell for cell in cells if _BEGINS.match(cell) and not _NUMBER.fullmatch(cell)]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text(text: str) -> None:
    data = csv_bytes(pl.DataFrame({"what": [text, f"a,{text}", f'"{text}'], "n": [-1, 0, 1]}))
    assert formulas(data) == []
    assert f"'{text}" in {cell for row in csv.reader(io.StringIO(data.decode(), newline="")) for cell in row}


def test_what_convert_writes_is_text_and_comes_back_to_the_letter() -> None:
    frame = pl.DataFrame(
        {"what": [*hostile.SQL, *(formula for formula in FORMULAS if formula.isascii()), "'=1", "''", "plain"]}
    )
    made = guarded(frame)
    assert [cell for cell in made["what"] if re.match(r"[=+\-@\t\r]", cell)] == []
    assert unguarded(made).equals(frame)


def test_no_csv_of_a_season_holds_a_formula(played: Season) -> None:
    tables = [stored.key for stored in played.desk.store.list("") if stored.key.endswith(".csv")]
    kinds = {re.sub(r"[0-9]+", "", key.rpartition("/")[2]) for key in tables}
    assert len(kinds) > 12, kinds
    for key in tables:
        assert formulas(played.desk.store.get(key)) == [], key


# --- HTML ------------------------------------------------------------------------------------------------------------

MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(1)</script></td></svg><!--&amp;"
FORBIDDEN = {"script", "img", "iframe", "object", "embed", "link", "base", "form", "a", "foreignobject", "use", "image"}

MAKES_MARKUP = (
    "pipeline/report_page.py",
    "pipeline/marking/approval_page.py",
    "pipeline/awarding/charts.py",
    "pipeline/console/",
    "pipeline/docs/diagrams.py",
)
"""Where markup is made; everything else hands text to these. The console has tests of its own."""


class Seen(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, data: bytes | str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.comments = 0
        self.feed(data if isinstance(data, str) else data.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1


def harmless(data: bytes | str) -> Seen:
    seen = Seen(data)
    assert not seen.elements & FORBIDDEN
    assert not [name for name in seen.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert seen.comments == 0
    return seen


_ELEMENT = re.compile(
    r"<(?:/|!doctype )?(?:html|td|tr|p|div|svg|text|table|h1|h2|span|b|title|circle)\b", re.IGNORECASE
)


def test_markup_is_made_in_few_places() -> None:
    made = set()
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if _ELEMENT.search(text):
                made.add(path.relative_to(ROOT).as_posix())
    assert {name for name in made if not name.startswith(MAKES_MARKUP)} == set()
    assert len(made) >= 3


SAMPLE = pl.DataFrame(
    {"candidate": [MARKUP, "0002"], "reason": [MARKUP, "drawn"], "centre_mark": [40, 50], "moderated_mark": [30, 50]}
)


def pages() -> Iterator[tuple[str, bytes | str]]:
    frame = pl.DataFrame({MARKUP: [MARKUP, None], "n": [1, 2]})
    grid = Grid(title=MARKUP, frame=frame, numbers=["n"], total=MARKUP, words=MARKUP)
    yield "page", page(MARKUP, [(MARKUP, MARKUP)], [grid, attrs.evolve(grid, folded=True)], [MARKUP])
    adjustment = Adjustment(((0, Fraction(0)), (40, Fraction(30)), (60, Fraction(60))), 60)
    compared = Comparison(
        tolerance=3, differences=(-10, 0), largest=-10, verdict="outside", direction="generous", in_order=True
    )
    yield "scatter", scatter(SAMPLE, 3, adjustment, 60, MARKUP, placeholder=True)
    yield "approval", approval_page(MARKUP, [(MARKUP, MARKUP)], SAMPLE, compared, adjustment, placeholder=True)
    yield "bars", grade_bars(MARKUP, [MARKUP, "U"], {MARKUP: 50.0, "U": 50.0}, {MARKUP: 1.0}, (MARKUP, MARKUP))
    yield "marks", mark_bars(MARKUP, MARKUP, [1, 2, 3], [(MARKUP, 1)])


@pytest.mark.parametrize(("what", "made"), [pytest.param(*shown, id=shown[0]) for shown in pages()])
def test_markup_in_a_value_is_shown_as_text(what: str, made: bytes | str) -> None:
    seen = harmless(made)
    assert "onerror=alert(1)" in seen.text


def test_the_explanation_of_an_outcome_shows_names_and_reasons_as_text(taken: Taken) -> None:
    made = as_page(explain(taken.desk, hostile.FIELDS, "0001"), NOW)
    assert "<b>=1+1</b>" in harmless(made).text


def test_the_report_of_a_release_shows_who_approved_it_and_why_as_text(played: Season) -> None:
    series = played.desk.catalogue.series_by_id("2024-06")
    awarding = played.desk.results.newest("2024-06")
    assert series
    assert awarding
    said = attrs.evolve(awarding, version=99, decided_by=MARKUP, why=MARKUP)
    report(played.desk, series, said, "centres", MARKUP, [])
    assert harmless(played.desk.store.get("reports/results/2024-06/99/centres.html")).text.count("alert(1)") >= 4


def test_no_page_of_a_season_asks_for_anything_from_elsewhere(played: Season) -> None:
    found = [stored.key for stored in played.desk.store.list("") if stored.key.endswith((".html", ".svg"))]
    assert len({re.sub(r"[0-9]+", "", key.rpartition("/")[2]) for key in found}) > 6
    for key in found:
        harmless(played.desk.store.get(key))
