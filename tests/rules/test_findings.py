"""The desk's own codes of findings."""

from __future__ import annotations

import pytest

from parsers.findings import Code, Reach
from rules.findings import DESK, LATE_FEE
from tests.support import has_a_rule_and_three_sentences


@pytest.mark.parametrize("code", DESK.values(), ids=DESK.keys())
def test_every_code_has_a_rule_and_three_sentences(code: Code) -> None:
    assert DESK[code.name] is code
    has_a_rule_and_three_sentences(code)


def test_a_fee_is_told_and_refuses_nothing() -> None:
    assert LATE_FEE.reach is Reach.NOTE
