"""Who has no award on results day, and why (RES-1, OPS-1): for everybody entered or claiming in a series."""

from __future__ import annotations

from typing import Any

import polars as pl

from rules import terms
from rules.certification import REASONS as OF_CLAIMS
from rules.reasons import Reason, listed

UNAWARDED: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "code": pl.String,
    "about": pl.String,
}
"""A row a learner, qualification and reason: `code` is one of `REASONS`, `about` the codes it is about, by comma."""

NO_CLAIM = Reason(
    code="NO_CLAIM",
    rule="CRT-1",
    words="certification was not claimed; the component results stand",
    remedy="Claim in the late certification window, online, or in the series of a later external sitting.",
)
AFTER_CUT_OFF = Reason(
    code="AFTER_CUT_OFF",
    rule="CRT-6",
    words="the entry or claim came after the results were awarded",
    remedy="It is awarded within the day after the release; a component without boundaries waits for them.",
)
COMPONENT_PENDING = Reason(
    code="COMPONENT_PENDING",
    rule="AWD-4",
    words="there is no mark yet for a component, so it has no result; nothing was claimed",
    remedy="The result follows when the mark is there.",
)
REASONS = OF_CLAIMS | listed(NO_CLAIM, COMPONENT_PENDING, AFTER_CUT_OFF)
"""Every reason for which a learner can be without an award."""

_LEARNER = ["centre", "candidate", "uci", "registration"]


def unawarded(
    results: pl.DataFrame, awards: pl.DataFrame, entered: pl.DataFrame, claims: pl.DataFrame, parts: pl.DataFrame
) -> pl.DataFrame:
    """RES-1, OPS-1: who is without an award (`UNAWARDED`), by centre, candidate, qualification and reason.

    `results`, `awards`: of the awarding (`rules.awarding.RESULTS`, `rules.certification.AWARDS`); `entered`, `claims`:
    what is in force now in the series alone (`ENTERED` and `CLAIMS` of `rules.frames`); `parts`:
    `rules.awarding.PARTS`.
    """
    # Nobody is owed an award that they no longer claim.
    in_force = pl.col("claim_id").is_in(claims["id"].implode())
    awards = awards.filter((pl.col("outcome") == terms.AWARDED) | in_force)
    refused = awards.filter(pl.col("outcome") != terms.AWARDED).select(
        *_LEARNER, pl.col("reason").alias("code"), "about"
    )
    unclaimed = results.join(awards, on=["uci", "registration"], how="anti")
    # Nobody owes a result of what is withdrawn before its mark came.
    pending = unclaimed.filter(pl.col("outcome") == terms.PENDING).join(
        entered, left_on=["centre", "candidate", "component"], right_on=["centre", "candidate", "option"], how="semi"
    )
    withheld = pl.col("status") == terms.WITHHELD_STATUS
    of_cash_in = parts.select(pl.col("cash_in").alias("option"), "registration").unique()
    claimed = claims.join(of_cash_in, on="option")
    not_claimed = unclaimed.join(claimed, on=["uci", "registration"], how="anti").unique(_LEARNER)
    of_component = parts.select(pl.col("component").alias("option"), "registration")
    late = pl.concat([
        claimed.join(awards, left_on="id", right_on="claim_id", how="anti").select(*_LEARNER, "option"),
        entered.join(results, left_on=["centre", "uci", "option"], right_on=["centre", "uci", "component"], how="anti")
        .join(of_component, on="option").select(*_LEARNER, "option"),
    ])  # fmt: skip
    return pl.concat([
        refused,
        not_claimed.select(*_LEARNER, code=pl.lit(NO_CLAIM.code), about=pl.lit("")),
        _because(pending.filter(~withheld).rename({"component": "option"}), COMPONENT_PENDING),
        _because(pending.filter(withheld).rename({"component": "option"}), OF_CLAIMS["WITHHELD"]),
        _because(late, AFTER_CUT_OFF),
    ]).select(pl.col(name).cast(kind) for name, kind in UNAWARDED.items()).sort(*_LEARNER, "code")  # fmt: skip


def _because(rows: pl.DataFrame, reason: Reason) -> pl.DataFrame:
    about = pl.col("option").unique().sort().str.join(", ").alias("about")
    return rows.group_by(_LEARNER).agg(about).select(*_LEARNER, code=pl.lit(reason.code), about="about")
