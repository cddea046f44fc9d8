"""Layouts: widths, columns without gap or overlap, and records written with them."""

from __future__ import annotations

import pytest

from parsers.columns import columns
from parsers.findings import Found
from parsers.identifiers.filename import BUNDLE, LETTERS
from parsers.layouts import CANDIDATE, ENVELOPE, FILE_TYPES, LAYOUTS, MARK, RESULT, SLOTS, Field, Layout, Overlay
from parsers.reader import read as read_file
from parsers.writer import block, record, single

WIDTHS = {"E": 192, "A": 192, "F": 61, "M": 80, "R": 59, "S": 45, "O": 115, "C": 75, "L": 26, "D": 26}


def test_widths_are_those_of_the_file_type() -> None:
    assert {letter: kind.detail.width for letter, kind in FILE_TYPES.items() if kind.detail} == WIDTHS


def test_a_file_name_is_explained_for_every_file_type_and_bundles_of_them() -> None:
    assert {*LETTERS} == {*FILE_TYPES, BUNDLE}


def test_a_reply_is_plain_text_and_has_no_records() -> None:
    assert [letter for letter, kind in FILE_TYPES.items() if kind.detail is None] == ["X"]


@pytest.mark.parametrize(("letter", "widths"), [("O", {"12": 114, "11": 89}), ("C", {"11": 72})])
def test_older_formats_versions_have_narrower_records(letter: str, widths: dict[str, int]) -> None:
    file_type = FILE_TYPES[letter]
    assert {version: layout.width for version, layout in file_type.older.items()} == widths
    for version, width in widths.items():
        known = file_type.at_width(width)
        assert known is not None
        assert known[0] == version


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_columns_follow_each_other_from_the_first_to_the_last(layout: Layout) -> None:
    columns = [column for field in layout.fields for column in range(field.first, field.last + 1)]
    assert columns == list(range(1, layout.width + 1))
    assert len({field.name for field in layout.fields}) == len(layout.fields)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_headers_and_trailers_fit_every_file_type(layout: Layout) -> None:
    if layout in ENVELOPE.values():
        assert layout.width <= min(WIDTHS.values())


@pytest.mark.parametrize(
    "fields",
    [
        (Field("a", 1, 1, "A", "R", ""), Field("b", 3, 1, "A", "R", "")),
        (Field("a", 1, 3, "A", "R", ""), Field("b", 3, 1, "A", "R", "")),
    ],
    ids=["gap", "overlap"],
)
def test_a_layout_with_a_gap_or_an_overlap_cannot_be_declared(fields: tuple[Field, ...]) -> None:
    with pytest.raises(ValueError, match="field b starts at column 3"):
        Layout("X", "broken", fields)


def test_an_overlay_must_cover_its_field() -> None:
    short = Overlay("U", "too short", (Field("score", 48, 3, "N", "R", ""),))
    with pytest.raises(ValueError, match=r"overlay U covers columns \(48, 50\)"):
        Layout("X", "broken", RESULT.fields, "result_type", "result_block", (short,))


@pytest.mark.parametrize("types", ["123", "UM", "BC"])
def test_the_result_block_is_divided_by_the_result_type(types: str) -> None:
    [overlay] = [known for known in RESULT.overlays if known.types == types]
    columns = [column for field in overlay.fields for column in range(field.first, field.last + 1)]
    assert columns == list(range(48, 60))


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("name", (13, 52)), ("born", (54, 59)), ("uci", (60, 72)), ("upn", (73, 85)), ("uln", (86, 95)),
        ("option_1", (109, 114)), ("option_2", (116, 121)), ("option_12", (186, 191)), ("suffix_12", (192, 192)),
        ("reserved", (96, 108)),
    ],
)  # fmt: skip
def test_columns_of_a_candidate_record_as_the_booklet_prints_them(name: str, columns: tuple[int, int]) -> None:
    assert CANDIDATE[name].columns == columns


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_what_is_written_into_a_field_is_cut_out_of_it(layout: Layout) -> None:
    values = {field.name: "7" * field.width for field in layout.fields if field.name != layout.overlaid}
    text = record(layout, values, layout.width)
    values |= {name: layout[name].cut(text) for name in [layout.overlaid] if name}
    assert {field.name: field.cut(text) for field in layout.fields} == values


def test_text_is_filled_up_on_the_right_and_numbers_on_the_left() -> None:
    text = record(CANDIDATE, {"candidate": "7", "name": "LI:WEI"}, 192)
    assert len(text) == 192
    assert text[8:52] == "0007LI:WEI" + " " * 34
    assert CANDIDATE["uln"].cut(text) == " " * 10


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="name takes 40 columns"):
        record(CANDIDATE, {"name": "X" * 41}, 192)
    with pytest.raises(ValueError, match="has no field nmae"):
        record(CANDIDATE, {"nmae": "X"}, 192)


def test_there_are_twelve_option_slots() -> None:
    assert SLOTS == sum(field.name.startswith("option_") for field in CANDIDATE.fields) == 12


@pytest.mark.parametrize(("code", "read"), [("U078b", "U078b"), ("U078B", "U078B"), ("8300/1F", "8300/1F")])
def test_a_component_keeps_its_own_case_and_may_hold_a_stroke(code: str, read: str) -> None:
    mark = {"data_type": "M", "record_type": "5", "centre": "64123", "candidate": "0001", "uci": "641230220001D",
            "component": code, "mark": "7"}  # fmt: skip
    details = block([record(MARK, mark)])
    data = single("M", "64123", details, awarding_body="15", series_key="6B24", sequence=1, produced="150524")
    submission = read_file("M6412315.X01", data)
    found = Found([submission.named])
    records = columns([submission], MARK, found).records
    assert (records["component"].to_list(), found.of(0)) == ([read], ())
    # Where there is not one capital in a file, they were all made small.
    [finding] = read_file("M6412315.X01", data.lower()).findings
    assert finding.code == "LETTERS_SMALL"
