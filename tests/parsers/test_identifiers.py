"""Identifiers and file names: the worked examples of the JCQ formats, both sides of each limit, any text at all."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from parsers.identifiers import candidate, centre, filename, sequence, series, uci, uln, upn
from parsers.identifiers.errors import InvalidCheck, InvalidComponent, InvalidFormat, InvalidIdentifier, InvalidLength
from parsers.identifiers.explanation import Explanation, Part
from parsers.identifiers.filename import FileName
from parsers.identifiers.series import SeriesKey

MODULES = [candidate, centre, filename, sequence, series, uci, uln, upn]
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
NEARLY = st.text(f"{DIGITS}{CAPITALS}", max_size=14) | st.text(f"{DIGITS}abcxyz _-./()", max_size=14)
ANY_TEXT = st.text(max_size=40) | NEARLY
ULNS = st.integers(100_000_000, 999_999_999).map(str).filter(lambda nine: _weighted(nine) % 11).map(
    lambda nine: f"{nine}{10 - _weighted(nine) % 11}"
)  # fmt: skip
CORES = st.from_regex(r"\A[0-9]{5}[0-9A-Z][0-9]{6}\Z")
UCIS = CORES.map(uci.complete)
UPNS = st.from_regex(r"\A[0-9]{12}\Z").map(
    lambda digits: next(letter + digits for letter in upn.LETTERS if upn.is_valid(letter + digits))
)


def _weighted(nine: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))


def _rows(*texts: str, width: int) -> NDArray[np.uint8]:
    joined = "".join(text.ljust(width) for text in texts).encode("ascii")
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), width)


# Every identifier


@pytest.mark.parametrize("module", MODULES)
@given(text=ANY_TEXT)
def test_any_text_is_judged_and_explained(module: ModuleType, text: str) -> None:
    told: Explanation = module.explain(text)
    assert told.valid is module.is_valid(text)
    assert told.given == text
    assert told.normal == module.compact(text) == module.compact(told.normal)
    assert (told.problem is None) is (told.remedy is None) is told.valid
    assert all(line.isprintable() for line in told.text().split("\n"))


@pytest.mark.parametrize("module", MODULES)
@given(text=ANY_TEXT)
def test_a_validated_text_is_its_normal_form(module: ModuleType, text: str) -> None:
    try:
        normal = module.validate(text)
    except InvalidIdentifier:
        assert not module.is_valid(text)
    else:
        assert normal == module.compact(text) == module.validate(normal)


@pytest.mark.parametrize("module", MODULES)
@given(text=NEARLY)
def test_parts_stand_where_they_say(module: ModuleType, text: str) -> None:
    told: Explanation = module.explain(text)
    assert all(told.normal[part.first - 1 : part.last] == part.text for part in told.parts)


def test_an_error_repeats_nothing_but_the_identifier() -> None:
    for module in MODULES:
        with pytest.raises(InvalidIdentifier) as wrong:
            module.validate("DE SOUZA:WEI 07700 900123")
        assert "SOUZA" not in str(wrong.value).upper()


def test_an_explanation_is_a_few_aligned_lines() -> None:
    lines = Explanation(
        kind="UCI",
        given="ab\n",
        normal="AB\n",
        valid=False,
        parts=(Part("A", 1, 1, "first"), Part("B\n", 2, 3, "rest")),
        problem="wrong",
        remedy="correct it",
    ).text()
    assert lines.split("\n") == [
        "UCI AB\N{REPLACEMENT CHARACTER}: not valid",
        "  1        A   first",
        "  2-3      B\N{REPLACEMENT CHARACTER}  rest",
        "  problem  wrong",
        "  remedy   correct it",
    ]


# UCI


@pytest.mark.parametrize("whole", ["689990980001D", "681990012058G"])
def test_reg_4_uci_worked_examples(whole: str) -> None:
    assert uci.validate(whole) == whole
    assert uci.complete(whole[:12]) == uci.complete(whole) == whole
    assert uci.check_letter(whole[:12]) == whole[12]


def test_reg_4_a_uci_may_be_written_in_groups() -> None:
    assert uci.validate("68199 0 01 2058 g") == uci.compact("68199-0-01-2058.G") == "681990012058G"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidLength),
        ("689990980001", InvalidLength),
        ("689990980001DD", InvalidLength),
        ("6899909800011", InvalidFormat),
        ("68999?980001D", InvalidFormat),
        ("689A90980001D", InvalidFormat),
        ("６89990980001D", InvalidFormat),
        ("689990980001E", InvalidCheck),
    ],
)
def test_reg_4_why_a_uci_is_refused(text: str, error: type[InvalidIdentifier]) -> None:
    with pytest.raises(error):
        uci.validate(text)


@pytest.mark.parametrize("core", ["", "68999098000", "6899A0980001", "ABCDEFGHIJKL", "68999a980001"])
def test_reg_4_what_is_no_uci_has_no_check_letter(core: str) -> None:
    assert uci.check_letter(core) is None
    assert uci.check_letters(_rows(core, width=12))[0] == 0


def test_reg_4_a_blank_check_letter_is_filled_in_not_a_wrong_one() -> None:
    with pytest.raises(InvalidCheck, match="letter D"):
        uci.complete("689990980001E")
    assert uci.explain("689990980001").remedy == "Complete it: 689990980001D."


@given(st.lists(st.text(f"{DIGITS}{CAPITALS} ", min_size=12, max_size=12) | CORES, min_size=1, max_size=8))
def test_reg_4_uci_letters_of_rows_and_of_single_texts_agree(cores: list[str]) -> None:
    letters = uci.check_letters(_rows(*cores, width=14)).tolist()
    assert letters == [ord(uci.check_letter(core) or "\0") for core in cores]


def test_reg_4_uci_letters_of_more_rows_than_are_taken_at_once() -> None:
    cores = [f"64123{n % 10}{n:06d}" for n in range(20_000)]
    assert "".join(map(chr, uci.check_letters(_rows(*cores, width=12)))) == "".join(
        uci.complete(core)[12] for core in cores
    )


def test_reg_4_no_rows_have_no_letters() -> None:
    assert uci.check_letters(np.empty((0, 13), dtype=np.uint8)).shape == (0,)


@given(CORES)
def test_reg_4_uci_arithmetic_is_written_out(core: str) -> None:
    (step,) = uci.explain(core).steps
    terms, total = step.split(" modulo ")[0].split("; ")[0].split(" = ")
    products = [term.split("×") for term in terms.split(" + ")]
    assert sum(int(value) * int(weight) for value, weight in products) == int(total)
    assert [int(weight) for _, weight in products] == list(range(16, 4, -1))
    assert uci.LETTERS[int(total) % 17] == uci.check_letter(core)


def test_reg_4_uci_arithmetic_of_the_worked_example() -> None:
    (step,) = uci.explain("689990980001D").steps
    assert "= 734; 734 modulo 17 = 3; letter D of" in step


@pytest.mark.parametrize(
    ("letter", "value"), [("A", 1), ("P", 16), ("Q", 10), ("W", 16), ("X", 10), ("Y", 11), ("Z", 12)]
)
def test_reg_4_letters_in_column_six_have_values(letter: str, value: int) -> None:
    assert uci.check_letter(f"00000{letter}000000") == uci.LETTERS[value * 11 % 17]


@pytest.mark.parametrize(
    ("letter", "board"), [("A", "OCR"), ("B", "Pearson"), ("C", "AQA"), ("E", "WJEC"), ("G", "CCEA")]
)
def test_reg_4_the_letter_in_column_six_names_the_awarding_body(letter: str, board: str) -> None:
    assert board in uci.explain(f"68999{letter}980001").parts[1].meaning


@pytest.mark.parametrize(("remainder", "vendor", "right"), [(8, "I", "K"), (9, "J", "L"), (10, "K", "M")])
def test_reg_4_letters_of_the_other_convention_are_recognised(remainder: int, vendor: str, right: str) -> None:
    core = next(
        core for n in range(100) if uci.LETTERS.index(uci.complete(core := f"6412302200{n:02d}")[12]) == remainder
    )
    told = uci.explain(core + vendor)
    assert not told.valid
    assert told.problem
    assert "I, J, K" in told.problem
    assert told.remedy
    assert core + right in told.remedy


def test_reg_4_letters_that_both_conventions_share_are_not_blamed_on_the_other() -> None:
    told = uci.explain("689990980001K")
    assert told.problem == "expected check letter D after 689990980001"


@given(UCIS, st.integers(0, 10))
def test_reg_4_two_exchanged_digits_of_a_uci_are_found(whole: str, at: int) -> None:
    swapped = whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :]
    if swapped != whole:
        remedy = uci.explain(swapped).remedy
        assert not uci.is_valid(swapped)
        assert remedy
        assert whole in remedy


def test_reg_4_a_letter_o_in_column_six_may_be_a_zero() -> None:
    remedy = uci.explain("68999O980001D").remedy
    assert remedy
    assert "689990980001D" in remedy


@given(UCIS, st.sampled_from([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]), st.sampled_from("OISBZ?"))
def test_reg_4_a_letter_among_the_digits_of_a_uci_is_corrected(whole: str, at: int, typed: str) -> None:
    remedy = uci.explain(whole[:at] + typed + whole[at + 1 :]).remedy
    assert remedy
    assert whole in remedy


# ULN


def test_reg_4_uln_worked_example() -> None:
    assert uln.validate("9276 308 686") == "9276308686"
    assert "= 296; 296 modulo 11 = 10" in uln.explain("9276308686").steps[0]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidLength),
        ("927630868", InvalidLength),
        ("92763086861", InvalidLength),
        ("0276308686", InvalidFormat),
        ("927630868X", InvalidFormat),
        ("9276308668", InvalidCheck),
    ],
)
def test_reg_4_why_a_uln_is_refused(text: str, error: type[InvalidIdentifier]) -> None:
    with pytest.raises(error):
        uln.validate(text)


def test_reg_4_nine_digits_with_no_remainder_have_no_check_digit() -> None:
    nine = next(str(n) for n in range(100_000_000, 100_000_100) if _weighted(str(n)) % 11 == 0)
    assert not any(uln.is_valid(f"{nine}{digit}") for digit in DIGITS)


@given(st.lists(st.text(f"{DIGITS}A", min_size=10, max_size=10) | ULNS, min_size=1, max_size=8))
def test_reg_4_ulns_of_rows_and_single_ones_agree(texts: list[str]) -> None:
    assert uln.valid_rows(_rows(*texts, width=10)).tolist() == [uln.is_valid(text) for text in texts]


@given(ULNS)
def test_reg_4_a_uln_with_its_check_digit_is_valid(text: str) -> None:
    assert uln.is_valid(text)


@given(ULNS, st.integers(0, 8))
def test_reg_4_two_exchanged_digits_of_a_uln_are_found(text: str, at: int) -> None:
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if swapped != text:
        remedy = uln.explain(swapped).remedy
        assert not uln.is_valid(swapped)
        assert remedy
        assert text in remedy


def test_reg_4_a_letter_in_a_uln_is_corrected() -> None:
    assert uln.explain("92763O8686").remedy == "One character mistyped? 9276308686 would be valid."


# UPN


def test_reg_4_upn_is_a_letter_for_twelve_digits() -> None:
    total = sum(int(digit) * weight for digit, weight in zip("820432108099", range(2, 14), strict=True))
    whole = upn.LETTERS[total % 23] + "820432108099"
    assert upn.validate(whole.lower()) == whole
    assert f"= {total}; {total} modulo 23" in upn.explain(whole).steps[0]
    assert "this project's own reading" in upn.explain(whole).steps[0]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidLength),
        ("A00000000000", InvalidLength),
        ("A0000000000000", InvalidLength),
        ("S000000000000", InvalidFormat),
        ("A00000000000A", InvalidFormat),
        ("B000000000000", InvalidCheck),
    ],
)
def test_reg_4_why_a_upn_is_refused(text: str, error: type[InvalidIdentifier]) -> None:
    with pytest.raises(error):
        upn.validate(text)
    assert upn.is_valid("A000000000000")


def test_reg_4_a_temporary_upn_is_recognised() -> None:
    assert "temporary" in (upn.explain("A00000000000A").remedy or "")


@given(st.lists(st.from_regex(r"\A[A-Z][0-9]{11}[0-9A]\Z") | UPNS, min_size=1, max_size=8))
def test_reg_4_upns_of_rows_and_single_ones_agree(texts: list[str]) -> None:
    assert upn.valid_rows(_rows(*texts, width=13)).tolist() == [upn.is_valid(text) for text in texts]


# Centre, candidate, series, sequence


@pytest.mark.parametrize("number", ["64123", "00123", "00000", "99999"])
def test_reg_5_a_centre_number_is_five_digits_and_keeps_its_zeros(number: str) -> None:
    assert centre.validate(f" {number} ") == number


@pytest.mark.parametrize("number", ["", "6412", "641234", "6412A", "６4123", "6412.0"])
def test_reg_5_other_centre_numbers_are_refused(number: str) -> None:
    assert not centre.is_valid(number)


def test_reg_5_lost_zeros_of_a_centre_number_are_asked_about() -> None:
    assert centre.explain("123").remedy == "Zeros in front lost in a spreadsheet? 00123 would be valid."
    assert centre.explain("99999").parts[0].meaning == "a dummy of documentation"


@pytest.mark.parametrize(("text", "number"), [("1", "0001"), ("0001", "0001"), ("9999", "9999")])
def test_reg_5_candidate_numbers_are_filled_with_zeros(text: str, number: str) -> None:
    assert candidate.validate(text) == number


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidLength),
        ("0", InvalidComponent),
        ("0000", InvalidComponent),
        ("10000", InvalidLength),
        ("00001", InvalidLength),
        ("1.0", InvalidFormat),
        ("-1", InvalidFormat),
        ("²", InvalidFormat),
    ],
)
def test_reg_5_why_a_candidate_number_is_refused(text: str, error: type[InvalidIdentifier]) -> None:
    with pytest.raises(error):
        candidate.validate(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("6B24", SeriesKey("6", "B", "24")),
        ("6b23_", SeriesKey("6", "B", "23", "_")),
        ("cz99w", SeriesKey("C", "Z", "99", "W")),
        ("1B24C", SeriesKey("1", "B", "24", "C")),
        ("BG24B", SeriesKey("B", "G", "24", "B")),
    ],
)
def test_fil_2_a_series_key_has_a_month_a_letter_a_year_and_a_language(text: str, key: SeriesKey) -> None:
    assert series.parse(text) == key
    assert series.validate(text) == str(key) == text.upper()


@pytest.mark.parametrize("text", ["", "6B2", "6B24__", "0B24", "DB24", "6124", "6B2A", "6B24E", "64123"])
def test_fil_2_other_texts_are_no_series_key(text: str) -> None:
    assert series.parse(text) is None
    assert not series.is_valid(text)


def test_fil_2_a_series_key_is_explained() -> None:
    meanings = [part.meaning for part in series.explain("AB23W").parts]
    assert meanings == ["October", "the awarding body's letter", "calendar year 2023, not the school year", "Welsh"]


@pytest.mark.parametrize(("text", "number"), [("1", "001"), ("001", "001"), ("999", "999")])
def test_fil_2_sequence_numbers_are_filled_with_zeros(text: str, number: str) -> None:
    assert sequence.validate(text) == number


@pytest.mark.parametrize("text", ["", "0", "000", "1000", "0001", "1.0", "A"])
def test_fil_2_other_sequence_numbers_are_refused(text: str) -> None:
    assert not sequence.is_valid(text)


@pytest.mark.parametrize(("number", "suffix"), [(1, "01"), (99, "99"), (100, "00"), (101, "01"), (999, "99")])
def test_fil_2_a_name_ends_in_the_last_two_digits_of_the_number(number: int, suffix: str) -> None:
    assert sequence.suffix(number) == suffix


@pytest.mark.parametrize("number", [-1, 0, 1000])
def test_fil_2_a_number_out_of_range_has_no_suffix(number: int) -> None:
    with pytest.raises(InvalidComponent):
        sequence.suffix(number)


@given(st.integers(1, 999))
def test_fil_2_a_number_is_among_those_of_its_suffix(number: int) -> None:
    numbers = sequence.numbers_of(sequence.suffix(number))
    assert number in numbers
    assert list(numbers) == sorted(n for n in range(1, 1000) if n % 100 == number % 100)


@pytest.mark.parametrize("suffix", ["", "1", "001", "A1", "²1"])
def test_fil_2_other_suffixes_have_no_numbers(suffix: str) -> None:
    with pytest.raises(InvalidFormat):
        sequence.numbers_of(suffix)


@pytest.mark.parametrize(
    ("last", "suffix", "following"),
    [
        (0, "01", 1),
        (1, "01", 101),
        (98, "99", 99),
        (99, "00", 100),
        (99, "01", 101),
        (100, "00", 200),
        (900, "00", None),
        (901, "01", None),
        (998, "99", 999),
    ],
)
def test_fil_2_the_suffix_begins_again_after_99(last: int, suffix: str, following: int | None) -> None:
    assert sequence.after(last, suffix) == following


# File names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("E6412315.X01", FileName("E", "64123", "15", "01")),
        ("a6412315.x99", FileName("A", "64123", "15", "99")),
        ("F6412315.X02", FileName("F", "64123", "15", "02")),
        ("M6412315.X00", FileName("M", "64123", "15", "00")),
        ("X6412370.X01", FileName("X", "64123", "70", "01")),
        ("R6412315.X01", FileName("R", "64123", "15", "01")),
        ("R6B23_15.X01", FileName("R", "6B23_", "15", "01")),
        ("S6B23_15.X01", FileName("S", "6B23_", "15", "01")),
        ("o6b23w15.x01", FileName("O", "6B23W", "15", "01")),
        ("CBG24B10.X01", FileName("C", "BG24B", "10", "01")),
        ("L6B23_15.X01", FileName("L", "6B23_", "15", "01")),
        ("D6B23_15.X01", FileName("D", "6B23_", "15", "01")),
        ("Z6A16_70.zip", FileName("Z", "6A16_", "70", "")),
    ],
)
def test_fil_2_file_names_have_parts(text: str, name: FileName) -> None:
    assert filename.parse(text) == filename.original(text) == name
    assert filename.validate(text) == str(name) == text.upper()
    assert filename.explain(text).valid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "report.pdf",
        "E641231.X01",
        "E64123150.X01",
        "E6412315.X1",
        "E6412315.X001",
        "E6412315.Y01",
        "E6412315.X01.exe",
        "../E6412315.X01",
        "B6412315.X01",
        "S6412315.X01",
        "E6B23_15.X01",
        "X6B23_15.X01",
        "S0B23_15.X01",
        "Z6412370.ZIP",
        "Z6A16_70.X01",
        "S6B23_15.ZIP",
        "E641231５.X01",
    ],
)
def test_fil_2_other_names_are_none(text: str) -> None:
    assert filename.parse(text) is None
    assert filename.original(text) is None
    assert not filename.is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "E6412315 (1).X01",
        "E6412315(12).x01",
        "Copy of E6412315.X01",
        "E6412315 - Copy.X01",
        "E6412315 - Copy (2).X01",
        "E6412315.X01.txt",
        "E6412315.X01 (1)",
        "E6412315_1.X01",
        "E6412315_X01",
        "e6412315_x01.txt",
        "E6412315-X01.TXT",
        "E6412315X01",
        "E6412315.X01.TXT",
    ],
)
def test_fil_4_a_renamed_file_is_recognised(text: str) -> None:
    assert filename.parse(text) is None
    assert str(filename.original(text)) == "E6412315.X01"
    assert filename.explain(text).remedy == "Renamed on the way? Send it as E6412315.X01."


@pytest.mark.parametrize(("text", "name"), [("R6B23_15_1.X01", "R6B23_15.X01"), ("Z6A16_70 (1).zip", "Z6A16_70.ZIP")])
def test_fil_4_renamed_files_for_many_centres_are_recognised(text: str, name: str) -> None:
    assert str(filename.original(text)) == name


@given(
    ANY_TEXT
    | st.from_regex(rf"\A[{''.join(filename.LETTERS)}]([0-9]{{5}}|[1-9A-C][A-Z]24[_BW])15\.(X[0-9]{{2,3}}|zip)\Z")
)
def test_fil_2_a_parsed_name_is_written_as_it_was(text: str) -> None:
    name = filename.parse(text)
    assert (name is not None) is filename.is_valid(text)
    assert name is None or str(name) == filename.compact(text)


def test_fil_1_names_of_replies_go_on_after_ninety_nine() -> None:
    assert filename.parse("X6412315.X100") == FileName("X", "64123", "15", "100")
    assert filename.explain("X6412315.X100").parts[3].meaning == "sequence number 100"
    assert filename.parse("X6412315.X001") is filename.parse("A6412315.X100") is None


def test_fil_2_a_file_name_is_explained() -> None:
    of_centre = [part.meaning for part in filename.explain("E6412301.X99").parts]
    assert of_centre[1:3] == ["centre", "OCR"]
    assert of_centre[3].startswith("sequence number 099, 199, ")
    assert of_centre[3].endswith(" or 999")
    broadcast = [part.meaning for part in filename.explain("Z6A16_70.zip").parts]
    assert broadcast[1:] == ["series A of June 2016, English", "AQA"]
