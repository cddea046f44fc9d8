"""The balance before results are issued (AWD-7): every entry and claim against its result, and what stands in the way.

A row of `EXCEPTIONS` is something that blocks the results of a series: about a learner, a cohort or a qualification.
A person may accept those of a code, by component or by centre, unless the code says that nobody can.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from attrs import frozen

from rules import terms
from rules.frames import Frame

EXCEPTIONS: Frame = dict.fromkeys(("code", "centre", "component", "candidate", "uci", "said"), pl.String)
"""What blocks: `code` of `CODES`; `component`: the code it is about, of a component, a claim or a qualification; what
does not apply is empty; `said`: in words."""


@frozen(kw_only=True)
class ExceptionCode:
    """Why results cannot be built: what it means, and what to do. `acceptable`: a person may accept it."""

    code: str
    rule: str
    words: str
    remedy: str
    acceptable: bool = True


CODES = {
    code.code: code
    for code in (
        ExceptionCode(
            code="BOARD_MARK_MISSING", rule="MRK-1",
            words="the board has no mark yet for an external component",
            remedy="Find the mark, or accept that the result is issued as pending (Q) and follows.",
        ),
        ExceptionCode(
            code="CENTRE_MARK_MISSING", rule="MRK-3",
            words="the centre has sent no mark for an internal component",
            remedy="Chase the centre, or accept that the result is issued as pending (Q) and follows.",
        ),
        ExceptionCode(
            code="MODERATION_OPEN", rule="MOD-2",
            words="the moderation of a cohort has not begun or not ended",
            remedy="Wait for the moderator or the centre (marks that came since, or no sample: for the next run of "
            "moderation), or accept the marks as they stand.",
        ),
        ExceptionCode(
            code="ADJUSTMENT_WAITS", rule="MOD-2",
            words="an adjustment of a cohort waits for a decision",
            remedy="Decide it (`resultsday approvals list`), or accept the centre's marks as they stand.",
        ),
        ExceptionCode(
            code="ADJUSTMENT_NOT_APPLIED", rule="MOD-2",
            words="the cohort's adjustment is approved, and this mark was not adjusted",
            remedy="Look at how the mark came in after the adjustment, or accept it as it stands.",
        ),
        ExceptionCode(
            code="GRADE_SHIFT", rule="AWD-7",
            words="the grades of a qualification have moved further than the threshold",
            remedy="Look at boundaries and marks in the preview, and accept the shift if it is right.",
        ),
        ExceptionCode(
            code="STALE", rule="AWD-5",
            words="the ledger says something else than the version by now",
            remedy="Withdraw the version if it is built, and award again.",
            acceptable=False,
        ),
        ExceptionCode(
            code="NO_RESULT", rule="AWD-7",
            words="an entry or claim that was there at the award has no result",
            remedy="Award again; if it is there again, something is wrong with the desk: call its people.",
            acceptable=False,
        ),
        ExceptionCode(
            code="NO_ENTRY", rule="AWD-7",
            words="a result has no entry or claim",
            remedy="Award again; if it is there again, something is wrong with the desk: call its people.",
            acceptable=False,
        ),
        ExceptionCode(
            code="COUNTED_TWICE", rule="AWD-7",
            words="a learner has two results for one entry or claim",
            remedy="Something is wrong with the desk: call its people.",
            acceptable=False,
        ),
        ExceptionCode(
            code="COMPUTED_OTHERWISE", rule="AWD-7",
            words="the second computation comes to something else",
            remedy="Something is wrong with the desk: call its people.",
            acceptable=False,
        ),
    )
}  # fmt: skip
"""Every reason to block, in the order in which they are shown."""

_RESULT = ["centre", "uci", "component"]
_COHORT = ["centre", "component"]
NEVER_DRAWN = "no sample was drawn"
"""What is said of a cohort that was never moderated (MOD-1)."""


def none() -> pl.DataFrame:
    """No exception."""
    return pl.DataFrame(schema=EXCEPTIONS)


def exceptions(rows: pl.DataFrame, code: str, said: pl.Expr | str = "") -> pl.DataFrame:
    """Rows as exceptions of a code; columns that they lack are empty."""
    words = pl.lit(said) if isinstance(said, str) else said
    given = {"code": pl.lit(code), "said": words}
    return rows.select(
        given.get(name, pl.col(name) if name in rows.columns else pl.lit("")).cast(kind).alias(name)
        for name, kind in EXCEPTIONS.items()
    )


# --- Entries and claims ----------------------------------------------------------------------------------------------


def unmatched(held: pl.DataFrame, results: pl.DataFrame, awards: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """AWD-7: entries and claims without a result, results without one, and what is there twice. `held`:
    `rules.frames.HELD`; `results`, `awards`: of the version that was awarded at `at` (aware). What was received later
    is awarded later. Two numbers of a centre, after a merge, are two entries with a result each (REG-8)."""
    key = [*_RESULT, "candidate"]
    claim = pl.col("kind") == terms.CASH_IN
    keyed = held.rename({"option": "component"}).select(*key, "received", claim.alias("claim"))
    found = []
    for rows, its in (
        (results, keyed.filter(~pl.col("claim"))),
        (awards.rename({"cash_in": "component"}), keyed.filter("claim")),
    ):
        its = its.select(*key, "received")
        there = rows.select(*key)
        before = its.filter(pl.col("received") <= at)
        found += [
            exceptions(before.join(there, on=key, how="anti"), "NO_RESULT"),
            exceptions(there.join(its, on=key, how="anti"), "NO_ENTRY"),
            exceptions(there.filter(pl.struct(key).is_duplicated()).unique(), "COUNTED_TWICE"),
        ]
    return pl.concat(found)


def missing_marks(results: pl.DataFrame, external: Sequence[str]) -> pl.DataFrame:
    """AWD-7: results that wait for a mark. `external`: the external components."""
    waits = results.filter(pl.col("outcome") == terms.PENDING)
    board = pl.col("component").is_in(external)
    status = pl.when(pl.col("status") == "N").then(pl.lit("not yet available")).otherwise(pl.lit("no mark"))
    return pl.concat([
        exceptions(waits.filter(board), "BOARD_MARK_MISSING", status),
        exceptions(waits.filter(~board), "CENTRE_MARK_MISSING", status),
    ])  # fmt: skip


# --- Moderation ------------------------------------------------------------------------------------------------------


def moderation(cohorts: pl.DataFrame, results: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """AWD-7: cohorts of which no sample was drawn, that are not decided, or are to be looked at again because marks
    came since, and marks of adjusted cohorts that were not adjusted. `cohorts`: `centre`, `component`, `state`,
    `moved`; `marks`: `rules.frames.MARKS`."""
    here = cohorts.join(results.select(_COHORT).unique(), on=_COHORT, how="semi")
    state = pl.col("state")
    stage = marks.select(pl.col("id").alias("mark_id"), "stage")
    marked = results.filter(pl.col("raw").is_not_null()).join(stage, on="mark_id")
    never = marked.filter(pl.col("stage").is_in(terms.CENTRE_STAGES)).join(cohorts, on=_COHORT, how="anti")
    adjusted = marked.join(here.filter(state == terms.ADJUSTED), on=_COHORT, how="semi")
    not_applied = adjusted.filter(pl.col("stage") != terms.ADJUSTED)
    return pl.concat([
        exceptions(never.select(_COHORT).unique(), "MODERATION_OPEN", NEVER_DRAWN),
        exceptions(here.filter(state.is_in([terms.SAMPLED, terms.FEEDBACK])), "MODERATION_OPEN", state),
        exceptions(here.filter("moved"), "MODERATION_OPEN", pl.format("{}, and marks have come since", state)),
        exceptions(here.filter(state == terms.PROPOSED), "ADJUSTMENT_WAITS", state),
        exceptions(not_applied, "ADJUSTMENT_NOT_APPLIED", pl.col("stage")),
    ])  # fmt: skip


# --- Grades ----------------------------------------------------------------------------------------------------------


def shifted(shares: pl.DataFrame, order: Sequence[str], points: int, least: int) -> pl.DataFrame:
    """AWD-7: qualifications whose share of awards at some grade or above differs from before by more than `points` (per
    cent of the awards), where both have `least` awards. `shares`: a row a grade, from the highest down (`order`):
    `registration`, `grade`, `awards`, `before` (null where there is nothing to compare with)."""
    known = pl.Enum(list(order))
    of = shares.drop_nulls().with_columns(pl.col("grade").cast(known)).sort("registration", "grade")
    per_cent = [
        (pl.col(name).cum_sum().over("registration") * 100 / pl.col(name).sum().over("registration")).alias(f"{name}_%")
        for name in ("awards", "before")
    ]
    enough = pl.all_horizontal(pl.col(name).sum().over("registration") >= least for name in ("awards", "before"))
    moved = (
        of.with_columns(*per_cent, enough.alias("enough"))
        .filter("enough")
        .with_columns((pl.col("awards_%") - pl.col("before_%")).abs().alias("by"))
        .sort("registration", "by", descending=[False, True], maintain_order=True)
        .unique("registration", keep="first", maintain_order=True)
        .filter(pl.col("by") > points)
    )
    now, then = (pl.col(f"{name}_%").round(1).cast(pl.String) for name in ("awards", "before"))
    said = pl.concat_str(pl.col("grade").cast(pl.String), pl.lit(" and above: "), now, pl.lit(" %, before "), then,
                         pl.lit(" %"))  # fmt: skip
    return exceptions(moved.rename({"registration": "component"}), "GRADE_SHIFT", said)


# --- The second computation ------------------------------------------------------------------------------------------


def computed_otherwise(
    results: pl.DataFrame, awards: pl.DataFrame, again: pl.DataFrame, claims_again: pl.DataFrame
) -> pl.DataFrame:
    """AWD-7: results and claims of a version of which the second computation (`rules.recount`) says something else."""
    found = []
    for rows, key, other in (
        (results, [*_RESULT, "candidate"], again),
        (awards.rename({"cash_in": "component"}), ["claim_id"], claims_again),
    ):
        same = ["ums", "grade", "outcome"]
        both = rows.select(*dict.fromkeys([*_RESULT, "candidate", *key]), *same).join(
            other.select(pl.col(name).cast(rows.schema[name]) for name in [*key, *same]).with_columns(
                there=pl.lit(value=True)
            ),
            on=key, how="left", suffix="_again",
        )  # fmt: skip
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_again")) for name in same)
        wrong = both.filter(pl.col("there").is_null() | differs)
        found.append(exceptions(wrong, "COMPUTED_OTHERWISE", _said("_again")))
    return pl.concat(found)


def _said(other: str) -> pl.Expr:
    def words(end: str) -> pl.Expr:
        ums = pl.col(f"ums{end}").cast(pl.String).fill_null("")
        parts = (pl.col(f"outcome{end}").fill_null("nothing"), pl.col(f"grade{end}").fill_null(""), ums)
        return pl.concat_str(parts, separator=" ").str.strip_chars()

    return pl.concat_str(words(""), pl.lit("; again: "), words(other))
