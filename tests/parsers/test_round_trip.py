"""What is written is read and what is read is written, for every file type, layout and version; and whatever is done to
a file, it is read without a word that cannot be (FIL-2, FIL-4, REG-3, REG-4, REG-5)."""

from __future__ import annotations

import re
import time
import tracemalloc
from datetime import date
from random import Random
from typing import Any

import attrs
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import forms, writer
from parsers.bundle import read_bundle, write_bundle
from parsers.checks import Examination, Suspect, problems
from parsers.columns import Columns, columns, with_slots
from parsers.envelope import Centre, Header
from parsers.findings import Finding, Found
from parsers.layouts import BASEDATA, FILE_TYPES, FORMATS_VERSION, LAYOUTS, RESULT, Field, Layout
from parsers.names import normal_name
from parsers.reader import Submission, read
from tests.fuzz import findings_of, sound
from tests.parsers.strategies import EXAMPLES, KINDS, Kind, canonical, field_texts, mutate, mutated, records
from tests.support import centre_file, name_of

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]} {kind[1]}")
DETAILS = pytest.mark.parametrize(
    "layout", [layout for layout in LAYOUTS if "5" in layout.record], ids=lambda layout: layout.record
)


def read_whole(data: bytes) -> tuple[Submission, Columns, tuple[Finding, ...]]:
    submission = read(name_of(data), data)
    assert submission.layout
    found = Found([submission.named])
    result = columns([submission], submission.layout, found)
    return submission, result, (*submission.findings, *found.of(0))


def rows_of(result: Columns, layout: Layout) -> pl.DataFrame:
    return with_slots(result, layout) if layout.slots else result.records


# --- Bytes to columns to bytes -----------------------------------------------------------------------------


@EVERY_KIND
def test_fil_2_a_canonical_file_has_no_findings_and_is_written_again_byte_for_byte(kind: Kind) -> None:
    @EXAMPLES
    @given(canonical(st.just(kind)))
    def check(data: bytes) -> None:
        submission, result, findings = read_whole(data)
        wanted = [] if kind[1] == FORMATS_VERSION else ["OLD_FORMAT"]
        assert [finding.code for finding in findings] == wanted
        assert submission.header
        assert submission.layout is kind[2]
        assert writer.file(submission.header, submission.centres, submission.layout) == data
        frame = rows_of(result, kind[2])
        again = [
            attrs.evolve(
                centre, details=writer.details(kind[0], kind[2], frame.filter(pl.col("line").is_in(centre.lines)))
            )
            for centre in submission.centres
        ]
        assert writer.file(submission.header, again, submission.layout) == data

    check()


# --- Columns to bytes to columns ---------------------------------------------------------------------------


def typed(place: Field, text: str, year: int) -> Any:
    """The value of a field's text, by other means than those of parsers/columns.py."""
    text = text.rstrip(" ")
    if place.number:
        return int(text) if text else None
    if place.kind != "D":
        return text
    if not text or text == "000000":
        return None
    century = 1900 if place.form is forms.BORN and 2000 + int(text[4:]) > year - 10 else 2000
    return date(century + int(text[4:]), int(text[2:4]), int(text[:2]))


def frame_of(drawn: list[str], layout: Layout, year: int) -> pl.DataFrame:
    """Records as typed columns; fields of overlays are null in records of other types."""
    schema = columns([], layout, Found([])).records.drop("file", "line").schema
    rows = []
    for record in drawn:
        places = [field for field in layout.fields if field.name != layout.overlaid and field.name not in _IDENTITY]
        row = {field.name: typed(field, field.cut(record), year) for field in (*places, *layout.overlay(record))}
        if "kept" in schema:
            row["kept"] = normal_name(row["name"])
        rows.append(row)
    slots = {slot.name: pl.String() for slot in layout.slots}
    return pl.DataFrame(rows, schema={**schema, **slots}, orient="row")


_IDENTITY = ("data_type", "record_type")


@EVERY_KIND
def test_fil_2_typed_columns_come_back_as_they_were_written(kind: Kind) -> None:
    letter, version, layout = kind
    centre = "6B24_" if letter in BASEDATA else "64123"

    @EXAMPLES
    @given(st.lists(records(layout), max_size=5), st.integers(2010, 2099))
    def check(drawn: list[str], year: int) -> None:
        frame = frame_of(drawn, layout, year)
        header = Header(letter=letter, centre=centre, awarding_body="15", series="6B", year=str(year)[2:],
                        formats_version=version)  # fmt: skip
        details = writer.details(letter, layout, frame)
        part = Centre(number=centre, sequence=1, produced="150224", details=details)
        data = writer.file(header, [part], layout)
        submission, result, findings = read_whole(data)
        assert [finding.code for finding in findings if finding.code != "OLD_FORMAT"] == []
        assert submission.header == header
        if drawn or version == FORMATS_VERSION:
            assert rows_of(result, layout).drop("file", "line").equals(frame)
            assert [attrs.evolve(centre, line=0, lines=()) for centre in submission.centres] == [part]

    check()


# --- The quick look hides nothing --------------------------------------------------------------------------


def loosely(place: Field) -> st.SearchStrategy[str]:
    """Field texts of the record pattern itself: any check character, any date."""
    pattern = re.compile(place.form.padded(place.width, required=place.required))
    printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    drawn = st.from_regex(pattern, fullmatch=True, alphabet=printable)
    if place.form is forms.NAME:
        drawn = drawn.map(lambda text: text.rstrip(" ").ljust(place.width))
        return drawn.filter(lambda text: len(text) == place.width)
    return drawn | field_texts(place)


_CHECKED = (forms.UCI, forms.ULN, forms.UPN, forms.BORN, forms.DATE)


@DETAILS
def test_reg_4_in_what_the_record_pattern_passes_there_is_nothing_to_find(layout: Layout) -> None:
    """Check characters and days of the calendar apart, which are reckoned."""

    @EXAMPLES
    @given(records(layout, loosely))
    def check(record: str) -> None:
        assert re.match(layout.pattern, record[: layout.judged])
        found = [(code.name, place.name) for code, place, _ in problems(record, layout) if place.form not in _CHECKED]
        assert found == []

    check()


@EVERY_KIND
def test_reg_4_the_quick_look_finds_what_a_close_look_at_every_record_finds(kind: Kind) -> None:
    letter, _, layout = kind

    def changed(record: str, other: str, chance: Random) -> str:
        data = mutate(record.encode("ascii"), [other.encode("ascii")], chance).decode("latin-1")
        return "".join(letter if " " <= letter <= "~" else " " for letter in data).ljust(layout.width)[: layout.width]

    any_record = records(layout) | records(layout, loosely)
    broken = st.builds(changed, any_record, any_record, st.randoms(use_true_random=False))

    @EXAMPLES
    @given(st.lists(any_record | broken, min_size=1, max_size=5), canonical(st.just(kind)))
    def check(drawn: list[str], around: bytes) -> None:
        lines = [f"{letter}5{text[2:]}" for text in drawn]
        held = around.decode("ascii").split("\r\n")
        data = "".join(f"{line}\r\n" for line in [*held[:2], *lines, *held[-3:-1]]).encode("ascii")
        submission = read(name_of(data), data)
        assert [record for part in submission.centres for record in part.records] == lines
        quick, close = Found([submission.named]), Found([submission.named])
        result = columns([submission], layout, quick)
        examination = Examination(layout, {0: len(lines)})
        readable = examination.examine([Suspect(at, 0, at + 3, line) for at, line in enumerate(lines)])
        examination.report(close)
        assert quick.of(0) == close.of(0)
        assert result.records["line"].to_list() == [suspect.line for suspect in readable]

    check()


def test_fil_2_a_small_letter_in_a_score_record_is_read_alike_in_good_and_bad_records() -> None:
    score = {"data_type": "R", "record_type": "5", "centre": "64123", "candidate": "0001", "option": "BEN99",
             "uci": "641230220001D", "result_type": "B", "score": "100", "grade": "P", "unidentified": "x"}  # fmt: skip
    good = writer.record(RESULT, score)
    bad = writer.record(RESULT, score | {"candidate": "0000"})
    header = Header(letter="R", centre="64123", awarding_body="15", series="6B", year="24")
    data = writer.file(header, [Centre(number="64123", sequence=1, details=writer.block([good, bad]))])
    _, result, _ = read_whole(data)
    assert result.records["unidentified"].n_unique() == 1


# --- Whatever is done to a file ----------------------------------------------------------------------------

NAMES = st.sampled_from(["", "E6412315.X01", "S6B24_15.X01", "X6412315.X01", "E6412315 (1).X01", "report.pdf"])


@EVERY_KIND
def test_fil_4_a_broken_file_is_read_and_every_finding_lies_in_it(kind: Kind) -> None:
    @EXAMPLES
    @given(mutated(canonical(st.just(kind)) | canonical()), NAMES)
    def check(data: bytes, named: str) -> None:
        sound(named or f"{kind[0]}6412315.X01", data)

    check()


@EXAMPLES
@given(st.binary(max_size=600), NAMES)
def test_fil_2_any_bytes_are_read(data: bytes, named: str) -> None:
    sound(named, data)


@EXAMPLES
@given(st.binary(max_size=300), st.sampled_from([f"{letter}164123156B24" for letter in FILE_TYPES]), NAMES)
def test_fil_2_any_bytes_after_a_beginning_are_read(data: bytes, start: str, named: str) -> None:
    sound(named, start.encode("ascii") + data)
    sound(named, start.encode("ascii") + b"S\r\n" + start.replace("1", "3", 1).encode("ascii") + data)


@EXAMPLES
@given(
    st.lists(mutated(canonical(st.sampled_from([kind for kind in KINDS if kind[0] in "SOCLD"]))), max_size=5),
    st.randoms(use_true_random=False),
)
def test_fil_2_a_broken_bundle_is_read(members: list[bytes], chance: Random) -> None:
    letters = [chance.choice("SOCLD") for _ in members]
    names = [f"{letter}6B24_15.X{at:02d}" for at, letter in enumerate(letters)]
    data = write_bundle(list(zip(names, members, strict=True)))
    for whole in (data, mutate(data, [data], chance)):
        bundle = read_bundle("Z6B24_15.zip", whole)
        assert all(
            finding.message.isprintable() and finding.line is None and finding.columns is None
            for finding in bundle.findings
        )
    assert len(read_bundle("Z6B24_15.zip", data).members) == len(members)


# --- Memory ------------------------------------------------------------------------------------------------

GOOD = centre_file()
START = b"".join(GOOD.splitlines(keepends=True)[:2])
PER_BYTE, BESIDE = 60, 4 << 20


def peak(data: bytes) -> int:
    tracemalloc.start()
    try:
        findings_of("E6412315.X01", data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]} {kind[1]}")
def test_fil_4_broken_files_take_little_memory(kind: Kind) -> None:
    @EXAMPLES
    @given(mutated(canonical(st.just(kind))), st.integers(1, 200))
    def check(data: bytes, times: int) -> None:
        data = (data * times)[:200_000]
        assert peak(data) <= PER_BYTE * len(data) + BESIDE

    check()


@pytest.mark.parametrize(
    "line",
    [b"a\n", b"\n", b"E7\n", b"E5\n", b"E3\nE7\n"],
    ids=["no records", "empty lines", "trailers", "details", "centres"],
)
def test_fil_4_a_file_of_short_lines_takes_little_memory(line: bytes) -> None:
    data = (START + line * 100_000)[:99_999] + b"x"
    tracemalloc.start()
    read("E6412315.X01", data)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A line costs some hundred bytes, however short it is.
    assert held <= 500 * data.count(b"\n") + BESIDE


def test_fil_4_strangers_between_details_take_time_as_the_file_is_long() -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        read("E6412315.X01", START + b"E5C64123\nx\n" * count)
        return time.process_time() - start

    # Sixteen times the lines: sixteen times as long, or 256 times if each line looks back at those before it. The best
    # of three, and a bound far from either, so that a machine that is busy with something else decides nothing.
    short, long = (min(seconds(count) for _ in range(3)) for count in (1_000, 16_000))
    assert long < 64 * short


def test_fil_4_further_findings_of_a_code_are_counted_once() -> None:
    details = [line[:12] + line[12:52].lower() + line[52:] for line in GOOD.splitlines(keepends=True)[2:-2] * 20]
    data = START + b"".join(b"e" + line[1:] for line in details) + b"".join(GOOD.splitlines(keepends=True)[-2:])
    _, findings = findings_of("E6412315.X01", data)
    further = [finding.message.partition(" ")[2] for finding in findings if finding.code == "MORE_OF_THE_SAME"]
    assert len(further) == len(set(further))
