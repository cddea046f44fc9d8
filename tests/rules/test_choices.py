"""What a learner who has everything can choose, and the worst and best of each (OPS-5, CRT-4)."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from rules.awarding import PARTS
from rules.choices import CHOICES, COMPLETE, choices, hypothetical
from rules.frames import ALLOWANCES, CLAIMS
from tests.catalogue import CATALOGUE

REGISTRATION, CASH_IN = "BEN22", "BEN99"
COMPONENTS = {"BEN01": (60, 90), "BEN02": (60, 90), "BEN03": (80, 120)}
"""UMS that count now, and the most there is."""


def chosen(
    times: dict[str, int] | None = None,
    entered: tuple[str, ...] = (),
    allowed: dict[str, int] | None = None,
    offered: bool = True,
) -> dict[str, tuple[int, int]]:
    """The worst and the best UMS of each choice of one learner, who has sat each component so many times."""
    text = {"uci": pl.String, "component": pl.String}
    sat = [("U", component) for component in COMPONENTS for _ in range((times or {}).get(component, 1))]
    whole = pl.DataFrame([("64123", "0001", "U", REGISTRATION, CASH_IN, 200, "L2P")], schema=COMPLETE, orient="row")
    counting = pl.DataFrame(
        [("U", REGISTRATION, component, ums) for component, (ums, _) in COMPONENTS.items()],
        schema={"uci": pl.String, "registration": pl.String, "component": pl.String, "ums": pl.Int32}, orient="row",
    )  # fmt: skip
    granted: list[dict[str, Any]] = [
        {"uci": "U", "option": component, "number": number} for component, number in (allowed or {}).items()
    ]
    found = choices(
        whole,
        counting,
        pl.DataFrame(sat, schema=text, orient="row"),
        pl.DataFrame(granted, schema=ALLOWANCES),
        pl.DataFrame([("U", component) for component in entered], schema=text, orient="row"),
        pl.DataFrame([(code, REGISTRATION, CASH_IN, code == "BEN03", 1) for code in COMPONENTS], PARTS, orient="row"),
        pl.DataFrame(
            [(code, most, offered) for code, (_, most) in COMPONENTS.items()],
            schema={"component": pl.String, "ums_max": pl.Int32, "offered": pl.Boolean}, orient="row",
        ),
        CATALOGUE.scale("qualification"),
        limit=2,
    )  # fmt: skip
    assert found.columns == list(CHOICES)
    return {row["choice"]: (row["worst_ums"], row["best_ums"]) for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("facts", "later"),
    [
        ({}, (120, 300)),
        ({"times": {"BEN03": 2}}, None),
        ({"times": {"BEN03": 2}, "allowed": {"BEN03": 1}}, (120, 300)),
        ({"times": {"BEN03": 2}, "entered": ("BEN03",)}, (120, 300)),
        ({"times": {"BEN01": 2}}, (120, 270)),
        ({"times": {"BEN01": 2, "BEN02": 2}}, (120, 240)),
        ({"offered": False}, None),
        ({"offered": False, "entered": ("BEN03",)}, (120, 240)),
    ],
)
def test_ops_5_later_and_both_are_choices_where_the_external_may_be_sat_again(
    facts: dict[str, Any], later: tuple[int, int] | None
) -> None:
    expected = {"now": (200, 200)} | ({"later": later, "both": later} if later else {})
    assert chosen(**facts) == expected


def test_ops_5_a_claim_is_supposed_once_for_each_qualification_that_nobody_claimed() -> None:
    parts = pl.DataFrame(
        [
            ("BEN01", "BEN22", "BEN99", False, 1), ("BEN03", "BEN22", "BEN99", True, 3),
            ("BZM03", "BZM22", "BZM99", True, 3),
        ],
        PARTS, orient="row",
    )  # fmt: skip
    results = pl.DataFrame(
        [("64123", "0001", "A", "BEN22"), ("64123", "0001", "A", "BEN22"), ("64123", "0001", "A", "BZM22"),
         ("64123", "0002", "B", "BEN22")],
        schema=["centre", "candidate", "uci", "registration"], orient="row",
    )  # fmt: skip
    held = pl.DataFrame(
        [{"id": 7, "centre": "64123", "candidate": "0002", "uci": "B", "option": "BEN99"}], schema=CLAIMS
    )
    supposed = hypothetical(results, held, parts)
    assert supposed.select("id", "uci", "option").rows() == [(-1, "A", "BEN99"), (-2, "A", "BZM99")]
