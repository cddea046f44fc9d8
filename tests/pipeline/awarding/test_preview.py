"""The page from which results are approved, and what a moved boundary would do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.awarding.award import AwardError, award, conversion_frame, conversion_row, ground, judge, take_boundaries
from pipeline.awarding.preview import near, preview
from pipeline.awarding.what_if import Moves, effect, moves_of, what_if
from pipeline.cli import main
from pipeline.desk import Desk
from rules.awarding import RESULTS
from rules.certification import AWARDS, CHOICES
from tests.catalogue import CATALOGUE
from tests.pipeline.results_of import BOUNDARIES, NOW, feed, june, played, with_boundaries
from tests.scenario_language import Season


@pytest.fixture
def season(work: Desk) -> Season:
    found = played(work)
    with_boundaries(work)
    return found


def shown(desk: Desk) -> tuple[str, dict[str, pl.DataFrame]]:
    """The page and the tables of the newest results."""
    awarding = desk.results.newest("2024-06") or award(desk, june(desk), NOW).awarding
    first, *others = preview(desk, awarding)
    tables = {key.rpartition("/")[2]: pl.read_csv(desk.store.get(key), infer_schema=False) for key in others}
    return desk.store.get(first).decode(), tables


def svgs(page: str) -> list[ElementTree.Element]:
    """The pictures, which must be well-formed."""
    return [ElementTree.fromstring(picture) for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def section(page: str, title: str) -> str:
    [found] = [section for section in page.split("<section>") if f"<h2>{title}</h2>" in section]
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


# --- The preview -----------------------------------------------------------------------------------------------------


def test_res_2_the_preview_lies_where_no_centre_reads(season: Season) -> None:
    awarding = award(season.desk, june(season.desk), NOW).awarding
    keys = preview(season.desk, awarding)
    names = ("index.html", "grades.csv", "boundaries.csv", "marks.csv", "not-awarded.csv", "near.csv")
    assert keys == tuple(f"reports/award/2024-06/1/{name}" for name in names)
    assert not [stored for stored in season.desk.store.list("outbox/") if "award" in stored.key]


def test_the_page_tells_the_hash_the_counts_and_what_to_look_at(season: Season) -> None:
    page, tables = shown(season.desk)
    awarding = season.desk.results.newest("2024-06")
    assert awarding
    assert awarding.sha256 in page
    assert "4 of 5" in page
    watch = section(page, "To look at before deciding")
    assert "1 component results pending: no mark yet AWD-4" in watch
    assert "3 conversion tables rest on boundaries nobody published [placeholder]" in watch
    assert "Enterprise (BEN22) 5 4 0 1" in section(page, "Claims by subject")
    assert "BEN03 Marketing and finance for enterprise [placeholder] 60 48 42 36 30 24 18 1" in section(
        page, "Boundaries"
    )
    assert "BEN03 Marketing and finance for enterprise 2 0 1 0 0 0 0 1 1" in section(page, "Component grades")
    shares = tables["grades.csv"].filter(pl.col("awards") != "0").select("grade", "awards", "per_cent").rows()
    assert shares == [("L2D", "1", "25.0"), ("L2M", "1", "25.0"), ("L2P", "1", "25.0"), ("L1M", "1", "25.0")]


def test_the_pictures_are_drawn_from_the_counts(season: Season) -> None:
    page, _ = shown(season.desk)
    pictures = svgs(page)
    assert [picture.get("aria-label") for picture in pictures] == [
        "Enterprise (4): per cent of awards by grade",
        "BEN01 Exploring enterprises: learners by raw mark",
        "BEN02 Planning and presenting a micro-enterprise idea: learners by raw mark",
        "BEN03 Marketing and finance for enterprise: learners by raw mark",
    ]
    said = [[text.text for text in picture.iter("{http://www.w3.org/2000/svg}title")] for picture in pictures]
    assert said[1] == ["40 marks: 5"]
    assert said[3] == ["40 marks: 1", "50 marks: 1", "60 marks: 1"]
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_awd_4_who_is_not_awarded_is_listed_by_reason_without_names(season: Season) -> None:
    page, tables = shown(season.desk)
    row = tables["not-awarded.csv"].row(0, named=True)
    assert (row["reason"], row["rule"], row["centre"], row["candidate"], row["about"]) == (
        "MARK_PENDING", "AWD-4", "64123", "0005", "BEN03",
    )  # fmt: skip
    assert "there is no mark yet for a component AWD-4 MARK_PENDING 1" in section(page, "Not awarded")
    assert "64123 BEN99 BEN03 0005 1" in section(page, "MARK_PENDING: who")
    everything = page + "".join(table.write_csv() for table in tables.values())
    names = {part for learner in season.learners.values() for part in learner["name"].split(":")}
    assert not [name for name in names if len(name) > 3 and name in everything]
    assert not [learner["uci"] for learner in season.learners.values() if learner["uci"] in everything]


@pytest.mark.parametrize(
    ("issued", "compared"),
    [(("2023-06",), "2023-06"), (("2024-01",), "2024-01"), (("2023-06", "2024-01"), "2023-06"), ((), "")],
)
def test_results_are_held_against_the_same_season_a_year_before_else_the_latest(
    season: Season, issued: tuple[str, ...], compared: str
) -> None:
    schemas = {"results": RESULTS, "awards": AWARDS, "choices": CHOICES}
    empty = {name: pl.DataFrame(schema=schema) for name, schema in schemas.items()}
    for series in issued:
        season.desk.results.record(
            series=series, kind="series", at=NOW, conversions_sha256="", sha256=series, frames=empty, state="released",
            counts={"qualifications": {"BEN22": {"L2D": 3, "L2M": 1, "pending": 7}}},
        )  # fmt: skip
    page, tables = shown(season.desk)
    l2d = tables["grades.csv"].filter(pl.col("grade") == "L2D").row(0, named=True)
    if compared:
        assert f"the change since {compared}, in points" in section(page, "Grades by subject")
        assert (l2d["before"], l2d["before_per_cent"]) == ("3", "75.0")
        assert "25.0 (−50.0)" in page
    else:
        assert "nothing: no earlier results" in page
        assert l2d["before"] is None


def test_awd_3_a_preview_on_other_tables_than_were_awarded_is_refused(season: Season) -> None:
    awarding = award(season.desk, june(season.desk), NOW).awarding
    with_boundaries(season.desk, {"BEN03": {**BOUNDARIES, "L2P": 35}})
    with pytest.raises(AwardError, match="have changed since version 1: award again"):
        preview(season.desk, awarding)


# --- Near another grade ----------------------------------------------------------------------------------------------

TABLE = conversion_frame(
    [
        conversion_row(CATALOGUE, "2024-06", code, BOUNDARIES, NOW, placeholder=True, source="ours")
        for code in ("BEN01", "BEN02", "BEN03")
    ]
)
UMS = {(code, raw): ums for code, raw, ums in TABLE.select("component", "raw", "ums").iter_rows()}
SCALE = CATALOGUE.scale("qualification")


def judged_on(marks: Mapping[str, int], better: Mapping[str, int] | None = None) -> pl.DataFrame:
    """Who is near another grade, of one learner with these marks; `better`: UMS of sittings passed over."""
    total = sum(UMS[code, raw] for code, raw in marks.items())
    learner = {"centre": "64123", "uci": "641230220001D", "registration": "BEN22"}
    awards = pl.DataFrame(
        [
            learner
            | {"candidate": "0001", "ums": total, "grade": SCALE.grade_of(total), "outcome": "awarded", "reason": ""}
        ],
        schema_overrides={"ums": pl.Int32},
    )
    rows = [
        learner | {"component": code, "series": "2024-06", "raw": raw, "ums": UMS[code, raw], "counts": True, "why": ""}
        for code, raw in marks.items()
    ]
    rows += [
        learner | {"component": code, "series": "2024-01", "raw": 1, "ums": ums, "counts": False, "why": "LOWER"}
        for code, ums in (better or {}).items()
    ]
    kinds = {name: kind for name, kind in (AWARDS | CHOICES).items() if name in ("raw", "ums")}
    return near(awards, pl.DataFrame(rows, schema_overrides=kinds), TABLE, SCALE)


def test_a_learner_two_marks_below_a_grade_is_listed_and_three_marks_below_is_not() -> None:
    # BEN03 is worth 2 UMS a mark, the others 1.5; L2P begins at 180.
    two = judged_on({"BEN01": 36, "BEN02": 36, "BEN03": 34})
    assert two.filter(pl.col("marks") > 0).select("grade", "would_be", "marks", "component").rows() == [
        ("L1D", "L2P", 2, "BEN03")
    ]
    three = judged_on({"BEN01": 36, "BEN02": 36, "BEN03": 33})
    assert three.filter(pl.col("marks") > 0).is_empty()


def test_a_learner_on_the_threshold_is_one_mark_above_the_grade_below() -> None:
    on_it = judged_on({"BEN01": 36, "BEN02": 36, "BEN03": 36}).filter(pl.col("marks") < 0)
    assert on_it.select("grade", "would_be", "marks", "component").rows() == [("L2P", "L1D", -1, "BEN01")]


def test_a_lowered_mark_counts_no_less_than_the_sitting_in_its_place() -> None:
    marks = {"BEN01": 36, "BEN02": 36, "BEN03": 36}
    backed = judged_on(marks, {"BEN01": 54, "BEN02": 54})
    assert backed.filter(pl.col("marks") < 0)["component"].to_list() == ["BEN03"]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(marks=st.fixed_dictionaries({code: st.integers(0, 60) for code in ("BEN01", "BEN02", "BEN03")}))
def test_near_is_what_trying_every_mark_says(marks: dict[str, int]) -> None:
    total = sum(UMS[code, raw] for code, raw in marks.items())
    grade = SCALE.grade_of(total)
    expected = {}
    for sign in (1, -1):
        for distance in (1, 2):
            changing = [
                code
                for code, raw in marks.items()
                if (code, raw + sign * distance) in UMS
                and SCALE.grade_of(total - UMS[code, raw] + UMS[code, raw + sign * distance]) != grade
            ]
            if changing and sign not in expected:
                expected[sign] = (sign * distance, min(changing))
    found = {
        (1 if marks > 0 else -1): (marks, code)
        for marks, code in judged_on(marks).select("marks", "component").iter_rows()
    }
    assert found == expected


# --- What if ---------------------------------------------------------------------------------------------------------


def test_a_moved_boundary_shows_who_would_go_up_and_records_nothing(season: Season) -> None:
    before = season.desk.results.conversions(approved=False)
    found = what_if(season.desk, june(season.desk), {"BEN03": {"L2D": 44}}, NOW)
    # The cap falls to 48: the 50 raw marks of 0002 become 120 UMS, with 60 and 60 for the others.
    assert (found.up, found.down) == (1, 0)
    assert found.learners.select("candidate", "ums_before", "ums_after", "grade_before", "grade_after").rows() == [
        ("0002", 220, 240, "L2M", "L2D")
    ]
    assert season.desk.results.conversions(approved=False) == before
    assert season.desk.results.newest("2024-06") is None


def test_what_if_is_what_an_award_on_moved_boundaries_gives(season: Season) -> None:
    moved = {**BOUNDARIES, "L2P": 41, "L1D": 37}
    rests_on = ground(season.desk, june(season.desk))
    found = effect(rests_on, season.desk.catalogue, {"BEN01": {"L2P": 41, "L1D": 37}}, NOW)
    row = conversion_row(season.desk.catalogue, "2024-06", "BEN01", moved, NOW, placeholder=True, source="ours")
    others = tuple(conversion for conversion in rests_on.conversions if conversion.component != "BEN01")
    really = judge(evolve(rests_on, conversions=(*others, row)), season.desk.catalogue, NOW)
    counts = dict(really.awards.filter(pl.col("outcome") == "awarded").group_by("grade").len().iter_rows())
    after = dict(found.subjects.select("grade", "after").iter_rows())
    assert {grade: count for grade, count in after.items() if count} == counts
    assert found.down == found.learners.height > 0


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ({}, "move at least one boundary"),
        ({"BEN03": {"L2P": 42}}, "BEN03: the boundary 42 of L2P is not below 42 of L2M"),
        ({"BEN03": {"L9": 42}}, "BEN03: L9 is no grade of BEN03"),
        ({"BZS03": {"L2P": 31}}, "BZS03 has no boundaries in May/June 2024"),
    ],
)
def test_a_move_that_cannot_be_made_is_told(season: Season, moves: Moves, said: str) -> None:
    with pytest.raises(AwardError, match=re.escape(said)):
        what_if(season.desk, june(season.desk), moves, NOW)


def test_moves_are_read_as_they_are_written() -> None:
    assert moves_of(["BEN03", "L2P=31", "L1D=25", "BEN01", "L2D=50"]) == {
        "BEN03": {"L2P": 31, "L1D": 25},
        "BEN01": {"L2D": 50},
    }
    for words in (["L2P=31"], ["BEN03", "L2P=x"], ["BEN03", "L2P="]):
        with pytest.raises(AwardError, match="cannot be understood"):
            moves_of(words)


def test_boundaries_nobody_approved_can_be_tried(season: Season) -> None:
    season.desk.store.put("feeds/boundaries/june.csv", feed({"BEN03": {**BOUNDARIES, "L2P": 34}}))
    take_boundaries(season.desk, datetime.fromisoformat("2100-01-01T00:00:00+00:00"))
    found = what_if(season.desk, june(season.desk), {"BEN03": {"L2P": 35}}, NOW)
    assert str(found.moved[0]) == "BEN03 L2P from 34 [placeholder] to 35"


def test_what_if_by_hand_prints_a_table_and_writes_the_page(season: Season, tmp_path: Path) -> None:
    page = tmp_path / "what-if.html"
    result = CliRunner().invoke(
        main,
        ["what-if", "2024-06", "BEN03", "L2D=46", "--page", str(page)],
        env=season.desk.settings.environment(),
    )
    assert result.exit_code == 0, result.output
    assert "What if, May/June 2024: BEN03 L2D from 48 [placeholder] to 46" in result.output
    assert "learners up, 0 down. Nothing was recorded." in result.output
    assert len(svgs(page.read_text(encoding="utf-8"))) == 1
    refused = CliRunner().invoke(main, ["what-if", "2024-06", "L2D=46"], env=season.desk.settings.environment())
    assert (refused.exit_code, "cannot be understood" in refused.output) == (1, True)
