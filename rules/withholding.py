"""Results that are withheld (RES-8): for a learner, a component, a cohort or a centre, until a person releases or voids
them. A withheld result is pending, and nothing else of it is in any version.

A row of `rules.frames.HOLDS` is the newest word about one scope. What is voided is no result: it is no sitting for a
claim, and an award that is voided is not made. It stays so until it is given back, which is said of what was voided or
of a part of it: of one learner where a cohort was voided.
"""

from __future__ import annotations

import polars as pl

from rules import terms
from rules.reasons import Reason, listed

REASONS = listed(
    Reason(
        code="AWARD_VOIDED", rule="RES-8",
        words="the award was withheld, and voided",
        remedy="Ask our staff; the decision says how to appeal.",
    ),
    Reason(
        code="WITHHELD", rule="RES-8",
        words="the result is withheld for now",
        remedy="It follows when it is decided; nothing need be done.",
    ),
)  # fmt: skip
"""Why a claim is not awarded, or not yet."""

HELD_AS = {terms.WITHHELD: "withheld", terms.HOLD_VOIDED: "voided"}
"""What `standing` says, in words."""

_NONE, _NEWEST = -1, 2**62
"""The number of a word that was never said, and of one that is only proposed."""

_CLOSED = {"raw": pl.Int32, "mark_id": pl.Int64, "ums": pl.Int32}


def standing(rows: pl.DataFrame, holds: pl.DataFrame) -> pl.Series:
    """What stands for each row (`series`, `centre`, `uci`, `option`): `withheld`, `voided`, or null. A hold with an
    empty centre, learner or option is about every one; one about a learner follows the learner to another centre. What
    was voided and then given back stands no longer."""
    withheld, voided, back = (
        last_word_about(rows, holds.filter(pl.col("state") == state))
        for state in (terms.WITHHELD, terms.HOLD_VOIDED, terms.HOLD_GIVEN_BACK)
    )
    return pl.select(
        pl.when(withheld.is_not_null()).then(pl.lit(terms.WITHHELD))
        .when(voided.is_not_null() & (voided > back.fill_null(_NONE))).then(pl.lit(terms.HOLD_VOIDED))
        .otherwise(pl.lit(None, pl.String)).alias("state")
    )["state"]  # fmt: skip


def last_word_about(rows: pl.DataFrame, holds: pl.DataFrame) -> pl.Series:
    """Which of these words, whatever they say, is the last about each row (as `standing`): its number, or null."""
    found = rows.select("series", "centre", "uci", "option", pl.lit(None, pl.Int64).alias("last"))
    shape = pl.struct(pl.col("uci") != "", pl.col("centre") != "", pl.col("option") != "")
    for part in holds.with_columns(shape.alias("shape"), pl.col("id").fill_null(_NEWEST)).partition_by("shape"):
        first = part.row(0, named=True)
        learner, centre, option = first["uci"] != "", first["centre"] != "", first["option"] != ""
        key = ["series", *(["uci"] if learner else ["centre"] if centre else []), *(["option"] if option else [])]
        words = part.group_by(key).agg(pl.col("id").max())
        found = found.join(words, on=key, how="left", maintain_order="left")
        found = found.with_columns(pl.max_horizontal("last", "id").alias("last")).drop("id")
    return found["last"]


def masked(sittings: pl.DataFrame, holds: pl.DataFrame) -> pl.DataFrame:
    """RES-8: the sittings (`rules.awarding.SITTINGS`) as they may be shown: a withheld one is pending, one that is
    voided has no result, and neither has a mark, UMS or grade."""
    if holds.is_empty():
        return sittings
    state = standing(sittings.rename({"component": "option"}), holds)
    if state.null_count() == sittings.height:
        return sittings
    closed, withheld = pl.col("state").is_not_null(), pl.col("state") == terms.WITHHELD
    return sittings.with_columns(state).with_columns(
        *(pl.when(closed).then(pl.lit(None, kind)).otherwise(name).alias(name) for name, kind in _CLOSED.items()),
        pl.when(closed).then(pl.lit("")).otherwise("grade").alias("grade"),
        pl.when(withheld).then(pl.lit(terms.WITHHELD_STATUS)).when(closed).then(pl.lit("")).otherwise("status")
        .alias("status"),
        pl.when(withheld).then(pl.lit(terms.PENDING)).when(closed).then(pl.lit(terms.VOIDED)).otherwise("outcome")
        .alias("outcome"),
    ).drop("state")  # fmt: skip


def masked_awards(awards: pl.DataFrame, sittings: pl.DataFrame, holds: pl.DataFrame, series: str) -> pl.DataFrame:
    """RES-8: the claims of a series (`rules.certification.AWARDS`) as they may be shown. A claim waits that is withheld
    itself, or for a component that is (`sittings`: `masked`)."""
    if holds.is_empty() or awards.is_empty():
        return awards
    state = standing(awards.with_columns(pl.lit(series).alias("series"), pl.col("cash_in").alias("option")), holds)
    waits_for = sittings.filter(pl.col("status") == terms.WITHHELD_STATUS).select("uci", "registration").unique()
    found = awards.with_columns(state).join(
        waits_for.with_columns(part=pl.lit(value=True)), on=["uci", "registration"], how="left", maintain_order="left"
    )
    closed = pl.col("state").is_not_null()
    voided = pl.col("state") == terms.HOLD_VOIDED
    withheld = (pl.col("state") == terms.WITHHELD).fill_null(value=False) | (
        pl.col("part").fill_null(value=False) & (pl.col("reason") == "MARK_PENDING")
    )
    return found.with_columns(
        pl.when(closed).then(None).otherwise("ums").alias("ums"),
        pl.when(closed).then(pl.lit("")).otherwise("grade").alias("grade"),
        pl.when(voided).then(pl.lit(terms.NOT_ELIGIBLE)).when(withheld).then(pl.lit(terms.PENDING))
        .otherwise("outcome").alias("outcome"),
        pl.when(voided).then(pl.lit("AWARD_VOIDED")).when(withheld).then(pl.lit("WITHHELD")).otherwise("reason")
        .alias("reason"),
        pl.when(closed).then(pl.lit("")).otherwise("about").alias("about"),
        *(pl.when(closed).then(pl.lit(value=False)).otherwise(name).alias(name)
          for name in ("partial_absence", "performance")),
    ).select(awards.columns).cast(awards.schema)  # fmt: skip


def touched(entered: pl.DataFrame, claims: pl.DataFrame, holds: pl.DataFrame, series: str) -> pl.Series:
    """The learners (`uci`) of whom something is withheld or voided: a sitting in any series, a claim in `series` (its
    id). `entered`, `claims`: `ENTERED` and `CLAIMS` of `rules.frames`."""
    names = ["series", "centre", "uci", "option"]
    rows = pl.concat([entered.select(names), claims.with_columns(pl.lit(series).alias("series")).select(names)])
    return rows.filter(standing(rows, holds).is_not_null())["uci"].unique()
