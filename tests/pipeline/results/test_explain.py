"""How an outcome came about, from file and line to grade (RES-5)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures.generate import people
from pipeline.awarding.award import award
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.results.explain import Unexplained, as_page, explain, text
from pipeline.results.release import approve, release
from rules.catalogue import LONDON
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    build,
    play,
    series,
)


@pytest.fixture
def released(work: Desk) -> Desk:
    """The season up to results day."""
    play(work)
    built = build(work, award(work, series(work), AWARDED).awarding, BUILT)
    approve(work, built.awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    return work


def told(desk: Desk, candidate: str, qualification: str | None = None) -> str:
    lines = text(explain(desk, CENTRE, candidate, qualification))
    # Sentences are wrapped; what is looked for is not.
    return " ".join(" ".join(lines).split())


def test_res_5_every_step_from_file_and_line_to_grade_with_its_rule(released: Desk) -> None:
    said = told(released, "0002")
    for step in (
        "registered as candidate 0002 (REG-2) E6412313.X01 line",
        "entered as candidate 0002, on time, GBP 7.00 (FEE-1) (ENT-1) E6412315.X01 line",
        "raw mark, version 1 (submitted): 50 (MRK-1) M6412315.X02 line",
        "50 raw is 75 UMS, L2D [placeholder]: on the line from 48 raw = 72 UMS to 60 raw = 90 UMS (AWD-1) conversion "
        "table BEN01 2024-06 version 1, approved by J. Clerk",
        "raw mark, version 1 (external): 50 (MRK-1) the board's marking",
        "counts for the claim in May/June 2024: the only sitting (CRT-2) results of 2024-06 version 1 (released, "
        "approved by J. Clerk)",
        "counts for the claim in May/June 2024: the external of the series claimed in (CRT-2)",
        "claimed as candidate 0002, on time, GBP 0.00 (FEE-1) (CRT-1)",
        "online, received 16 February 2024 12:10 GMT",
        "this certification is the one for performance tables (CRT-4)",
        "published in outbox/64123/R6412315.X01 (RES-2) 21 August 2024 00:01 BST",
    ):
        assert step in said, step
    awards = released.results.current("2024-06")["awards"]
    [total] = [row["ums"] for row in awards.iter_rows(named=True) if row["candidate"] == "0002" and row["ums"]]
    assert f"= {total} UMS: L2D" in said


def test_res_5_an_absence_and_a_missing_mark_are_told(released: Desk) -> None:
    assert "absent is 0 UMS, and flagged (AWD-4)" in told(released, "0001")
    assert "partly absent (#) (CRT-3)" in told(released, "0001")
    pending = told(released, "0003")
    assert "BEN03 Marketing and finance for enterprise (external)" in pending
    assert "no mark (MRK-3)" in pending
    assert "pending: there is no mark yet for a component (BEN03) (AWD-4)" in pending


def test_res_5_who_claims_nothing_is_told_so(released: Desk) -> None:
    assert "BEN99 [placeholder] claim for Enterprise not claimed (CRT-1)" in told(released, "0004")


@pytest.mark.parametrize("named", ["Enterprise", "enterprise", "BEN22", "BEN99", "BEN02", "ben03"])
def test_res_5_a_qualification_is_named_by_subject_or_any_code(released: Desk, named: str) -> None:
    assert "How it came about: Enterprise" in told(released, "0002", named)


@pytest.mark.parametrize(
    ("candidate", "named", "words"),
    [
        ("0099", None, "has registered or entered nobody as candidate 0099"),
        ("0002", "Alchemy", "Alchemy is no qualification"),
        ("0002", "Sport", "candidate 0002 of centre 64123 has nothing of Sport"),
    ],
)
def test_res_5_what_cannot_be_explained_is_said(released: Desk, candidate: str, named: str | None, words: str) -> None:
    with pytest.raises(Unexplained, match=words):
        explain(released, CENTRE, candidate, named)


def test_res_5_the_page_says_the_same_and_holds_no_name(released: Desk, tmp_path: Path) -> None:
    found = explain(released, CENTRE, "0002")
    page = as_page(found, datetime(2024, 9, 1, tzinfo=LONDON)).decode()
    for section in found.sections:
        assert section.steps
        assert section.title.replace("'", "&#x27;") in page
    surname = next(person["name"] for person in people(CENTRE, 2, seed=1) if person["candidate"] == "0002").split(":")[
        0
    ]
    assert surname not in page
    target = tmp_path / "page.html"
    environment = released.settings.environment()
    words = ["explain", "--centre", CENTRE, "--candidate", "0002"]
    assert CliRunner().invoke(main, [*words, "--html", str(target)], env=environment).exit_code == 0
    assert "R6412315.X01" in target.read_text(encoding="utf-8")
    printed = CliRunner().invoke(main, words, env=environment)
    assert printed.output.startswith("How it came about: Enterprise\n")
    assert CliRunner().invoke(main, [*words[:-1], "0099"], env=environment).exit_code == 1
