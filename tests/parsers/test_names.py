"""Names of candidates are compared in one spelling."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.names import NAME_CHARACTERS, ascii_letter, normal_name


@pytest.mark.parametrize(
    ("spelt", "kept"),
    [("O’Brien : José", "O'BRIEN:JOSE"), ("SMITH-JONES:ANNA  MAY", "SMITH-JONES:ANNA MAY"), ("LI*:WEI2", "LI:WEI")],
)
def test_reg_3_names_are_compared_after_the_same_normalisation(spelt: str, kept: str) -> None:
    assert normal_name(spelt) == kept


@given(st.text(max_size=40))
def test_reg_3_a_name_holds_only_the_characters_allowed(name: str) -> None:
    assert not re.search(f"[^{NAME_CHARACTERS}]", normal_name(name))


@given(st.characters())
def test_reg_3_every_character_has_one_ascii_character(character: str) -> None:
    plain = ascii_letter(character)
    assert " " <= plain <= "~"
    assert len(plain) == 1
