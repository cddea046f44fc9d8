"""What programs of schools would say of our files: each thing they stumble on is named, and good files pass (RES-4)."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import writer
from parsers.importers import in_words, remarks
from parsers.layouts import RESULT

NAME = "R6412315.X01"
UCI = "641230220001D"


def results(*rows: dict[str, object]) -> bytes:
    """An R file of one centre, its records changed as the rows say."""
    good = {"centre": "64123", "candidate": "0001", "uci": UCI, "option": "BEN01", "result_type": "U", "score": 47,
            "grade": "M2", "partial": ""}  # fmt: skip
    details = writer.details("R", RESULT, pl.DataFrame([good | row for row in rows], infer_schema_length=None))
    return writer.single(
        "R", "64123", details, awarding_body="15", series_key="6B24", sequence=1, produced="220824"
    )  # fmt: skip


def said(data: bytes, name: str = NAME, offered: tuple[str, ...] | None = None) -> list[tuple[str, int, bool]]:
    return [(remark.what, remark.line, remark.refuses) for remark in remarks({name: data}, offered)]


def test_a_good_file_of_results_passes() -> None:
    good = results({}, {"option": "BEN99", "result_type": "1", "score": None, "grade": "Q"})
    assert said(good, offered=("BEN01", "BEN99")) == []


@pytest.mark.parametrize(
    ("row", "what", "refuses"),
    [
        ({"score": None, "grade": "Q"}, "a score that is no number", True),
        ({"result_type": "B", "score": None, "grade": "Q"}, "a score that is no number", True),
        ({"result_type": "B", "partial": "#"}, "a partial absence", False),
        ({"uci": ""}, "no UCI to find the learner by", True),
        ({"uci": "641230220001X"}, "a UCI that is none", False),
        ({"grade": ""}, "a result without grade or indicator", False),
    ],
)
def test_res_4_what_a_record_lacks_for_an_importer_is_named_with_its_line(
    row: dict[str, object], what: str, refuses: bool
) -> None:
    assert said(results({"option": "BEN02"}, row)) == [(what, 4, refuses)]


def test_a_second_result_a_strange_code_and_a_strange_name_are_named() -> None:
    assert said(results({}, {})) == [("a second result of a learner for a code", 4, True)]
    assert said(results({}), offered=("BEN02",)) == [("a code that is not in the basedata", 3, False)]
    assert said(results({}), "R6412315 (1).X01") == [("a name it does not know", 1, True)]


def test_an_unknown_result_type_is_named() -> None:
    assert ("an unknown result type", 3, True) in said(results({"result_type": "Z"}))


def test_a_count_and_a_version_that_are_wrong_are_named() -> None:
    data = results({})
    assert said(data.replace(b"R7641230000003", b"R7641230000004")) == [
        ("a count that is not that of its records", 4, True)
    ]
    header, rest = data.split(b"\r\n", 1)
    assert header[24:26] == b"14"
    assert said(header[:24] + b"13" + header[26:] + b"\r\n" + rest) == [("a formats version that is not 14", 1, True)]


def test_warnings_are_a_sentence_a_kind_and_leave_out_what_must_be() -> None:
    files = {NAME: results({"score": None, "grade": "Q"}), "R6412415.X01": results({"score": None, "grade": "X"})}
    assert in_words(remarks(files)) == (
        "an exams system would refuse: a score that is no number, 2 in 2 files, first in R6412315.X01, line 3",
    )
    assert in_words(remarks({NAME: results({"result_type": "B", "partial": "#"})})) == ()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from([NAME, "S6B24_15.X01", "O6B24_15.X01", "C6B24_15.X01", "", "x"]), st.binary()))
def test_fil_7_no_bytes_stop_the_models(files: dict[str, bytes]) -> None:
    assert isinstance(remarks(files), list)
