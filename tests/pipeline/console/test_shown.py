"""What pages repeat of what the desk says (OPS-3)."""

from __future__ import annotations

import pytest

from pipeline.console.shown import without_ucis

UCI = "641230220002K"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (["0002", "58201"], "UCI \N{BULLET}\N{BULLET}\N{BULLET}\N{BULLET}\N{BULLET}\N{BULLET} holds nothing at 64123"),
        (["64123 022 0002k"], f"UCI {UCI} holds nothing at 64123"),
    ],
)
def test_ops_3_a_refusal_names_no_uci_that_was_not_typed(typed: list[str], shown: str) -> None:
    assert without_ucis(f"UCI {UCI} holds nothing at 64123", typed) == shown
