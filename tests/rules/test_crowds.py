"""Many records under one number, one ULN or one UCI: each is told of one other, however many there are. That this takes
no more than its share of memory is for tests/test_load.py."""

from __future__ import annotations

import polars as pl
import pytest

from parsers.findings import Finding, Found
from rules import marks
from rules.registration import one_uci_one_number, one_uln_one_uci
from tests.support import CENTRE, codes

NOBODY = pl.DataFrame(schema=dict.fromkeys(("centre", "series", "candidate", "uci"), pl.String))
NO_LEARNERS = pl.DataFrame(schema=dict.fromkeys(("uln", "uci", "centre"), pl.String))


def records(candidates: str, ucis: str, centre: str = CENTRE) -> pl.DataFrame:
    """A record for each letter, from line 3 on; all have one ULN."""
    whose = pl.DataFrame({"candidate": list(candidates), "uci": list(ucis)})
    return whose.with_row_index("line", offset=3).with_columns(
        pl.lit(0, pl.UInt32).alias("file"), centre=pl.lit(centre), series=pl.lit("2024-06"), uln=pl.lit("9")
    )


def told(found: Found) -> list[tuple[str, int | None, str]]:
    """Code, line and the last word of each message."""
    findings: tuple[Finding, ...] = found.of(0)
    return sorted((finding.code, finding.line, finding.message.rsplit(maxsplit=1)[-1]) for finding in findings)


def test_reg_5_each_candidate_under_one_number_is_told_of_another() -> None:
    found = Found([""])
    one_uci_one_number(records("111", "ABC"), NOBODY, found)
    code = "CANDIDATE_NUMBER_SHARED"
    assert told(found) == [(code, 3, "B"), (code, 4, "A"), (code, 5, "A")]


def test_reg_5_of_two_records_of_one_candidate_and_one_of_another_all_are_told() -> None:
    found = Found([""])
    one_uci_one_number(records("111", "AAB"), NOBODY, found)
    code = "CANDIDATE_NUMBER_SHARED"
    assert told(found) == [(code, 3, "B"), (code, 4, "B"), (code, 5, "A")]


def test_reg_4_what_is_held_counts_as_another() -> None:
    held = NOBODY.clear().vstack(
        pl.DataFrame({"centre": [CENTRE], "series": ["2024-06"], "candidate": ["1"], "uci": ["Z"]})
    )
    found = Found([""])
    one_uci_one_number(records("12", "AB"), held, found)
    assert told(found) == [("CANDIDATE_NUMBER_SHARED", 3, "Z")]


def test_fil_6_a_record_of_another_centre_shares_no_number_with_ours() -> None:
    found = Found([""])
    both = pl.concat([records("1", "A"), records("1", "B", centre="")])
    one_uci_one_number(both, NOBODY, found)
    assert codes(found.of(0)) == []


@pytest.mark.parametrize("count", [2, 3])
def test_reg_4_each_uci_of_one_uln_is_told_of_another(count: int) -> None:
    found = Found([""])
    one_uln_one_uci(records("123"[:count], "ABC"[:count]), NO_LEARNERS, found)
    assert codes(found.of(0)) == ["ULN_TWO_UCIS"] * count
    assert all(" and " in finding.message for finding in found.of(0))


def test_mrk_1_of_many_marks_for_one_learner_ten_lines_are_named() -> None:
    rows = records("1" * 12, "A" * 12).with_columns(component=pl.lit("BEN01"))
    twice = marks.twice(rows)
    assert twice.height == 12
    assert set(twice["lines"]) == {"3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more"}
    assert set(marks.twice(rows.head(10))["lines"]) == {"3, 4, 5, 6, 7, 8, 9, 10, 11, 12"}
