"""Identifiers and file names: the worked examples of the formats reference."""

from __future__ import annotations

import polars as pl
import pytest

from parsers.identifiers import file_name, normal_name, normal_names, original_file_name, uci_check_letter, uln_valid


@pytest.mark.parametrize(("core", "letter"), [("689990980001", "D"), ("681990012058", "G")])
def test_reg_4_uci_check_letter(core: str, letter: str) -> None:
    assert uci_check_letter(core) == letter


@pytest.mark.parametrize("core", ["", "68999098000", "6899A0980001", "ABCDEFGHIJKL"])
def test_reg_4_what_is_no_uci_has_no_check_letter(core: str) -> None:
    assert uci_check_letter(core) is None


def test_reg_4_uln() -> None:
    wrong = ["9276308668", "0276308686", "927630868", "", "92763086861"]
    assert uln_valid(pl.Series(["9276308686", *wrong])).to_list() == [True, *[False] * len(wrong)]


@pytest.mark.parametrize(
    ("spelt", "kept"),
    [("O’Brien : José", "O'BRIEN:JOSE"), ("SMITH-JONES:ANNA  MAY", "SMITH-JONES:ANNA MAY"), ("LI*:WEI2", "LI:WEI")],
)
def test_reg_3_names_are_compared_after_the_same_normalisation(spelt: str, kept: str) -> None:
    assert normal_name(spelt) == kept


def test_reg_3_both_normalisations_agree_on_ascii() -> None:
    names = ["smith : jo", " DE  SOUZA:WEI ", "O'NEILL:X!", ":", ""]
    column = pl.DataFrame({"name": names}).select(normal_names(pl.col("name")))["name"].to_list()
    assert column == [normal_name(one) for one in names]


@pytest.mark.parametrize("named", ["E6412315.X01", "e6412315.x01"])
def test_fil_2_names_are_not_case_sensitive(named: str) -> None:
    assert str(file_name(named)) == "E6412315.X01"


@pytest.mark.parametrize(
    "named",
    [
        "E6412315 (1).X01",
        "E6412315(12).x01",
        "Copy of E6412315.X01",
        "E6412315 - Copy.X01",
        "E6412315.X01.txt",
        "E6412315_1.X01",
    ],
)
def test_fil_4_a_renamed_file_is_recognised(named: str) -> None:
    assert file_name(named) is None
    assert str(original_file_name(named)) == "E6412315.X01"


@pytest.mark.parametrize("named", ["report.pdf", "E641231.X01", "E6412315.X1", "E6412315.X01.exe", "../E6412315.X01"])
def test_fil_2_other_names_are_none(named: str) -> None:
    assert original_file_name(named) is None
