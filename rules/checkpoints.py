"""Who would get no result, and why, while it can still be mended (OPS-1); who has sent nothing (OPS-2)."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from rules import terms
from rules.catalogue import Catalogue, Series
from rules.entries import after_terminal, practice_sittings
from rules.reasons import Reason, listed

Event = Literal["on_time_deadline", "window_closes", "marks_deadline", "award"]
"""The dates before which a checkpoint is taken."""

NO_EXTERNAL = Reason(
    code="NO_EXTERNAL",
    rule="CRT-2",
    words="the external component is not entered in this series, so nothing can be awarded in it",
    remedy="Enter it in an amendment (A) file if this is the learner's final series. If it is not, withdraw a claim "
    "that is made and leave the rest as it is.",
    event="window_closes",
)
INTERNAL_NEVER_TAKEN = Reason(
    code="INTERNAL_NEVER_TAKEN",
    rule="CRT-2",
    words="this internal component was never taken and is not entered now",
    remedy="Enter it in an amendment (A) file and send its mark, or plan the award for a later series.",
    event="window_closes",
)
PRACTICE = Reason(
    code="PRACTICE",
    rule="ENT-6",
    words="the external is a practice sitting, which never counts for an award",
    remedy="Enter the internal components that are missing, or withdraw the external: it uses up one of two sittings.",
    event="window_closes",
)
TERMINAL = Reason(
    code="TERMINAL",
    rule="ENT-5",
    words="this internal component comes after the terminal external and cannot be used without the external again",
    remedy="Enter the external in this series as well, or withdraw the internal component.",
    event="window_closes",
)
NO_CASH_IN = Reason(
    code="NO_CASH_IN",
    rule="CRT-1",
    words="every component will be complete, but certification is not claimed",
    remedy="Claim it with this cash-in code in an amendment (A) file.",
    event="window_closes",
)
CLAIM_INCOMPLETE = Reason(
    code="CLAIM_INCOMPLETE",
    rule="CRT-2",
    words="certification is claimed, but not every component will have a result",
    remedy="Enter what is missing, or withdraw the claim and make it in the learner's final series.",
    event="window_closes",
)
NAME_REFUSED = Reason(
    code="NAME_REFUSED",
    rule="REG-3",
    words="the candidate was refused because the name is not the one registered, and nothing has been entered since",
    remedy="Correct the name, or the registration first, and send the candidate in an amendment (A) file.",
    event="window_closes",
)
MISSING_MARK = Reason(
    code="MISSING_MARK",
    rule="MRK-1",
    words="there is no mark for this internal component",
    remedy="Send the mark, or that the learner was absent, in a file of marks (M).",
    event="marks_deadline",
)
BOARD_MARK = Reason(
    code="BOARD_MARK",
    rule="AWD-4",
    words="the board has no mark yet for the external component, so the result would be pending",
    remedy="For staff: have the paper marked, or record the absence.",
    event="marks_deadline",
)
REASONS = listed(
    NAME_REFUSED, NO_EXTERNAL, INTERNAL_NEVER_TAKEN, PRACTICE, TERMINAL, NO_CASH_IN, CLAIM_INCOMPLETE,
    MISSING_MARK, BOARD_MARK,
)  # fmt: skip
"""The closed list of reasons, in the order in which they are told."""

WITHOUT: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "option": pl.String,
    "code": pl.String,
    "words": pl.String,
    "remedy": pl.String,
}
_LEARNER = ["centre", "uci", "registration"]


def without_result(
    entries: pl.DataFrame,
    registrations: pl.DataFrame,
    sittings: pl.DataFrame,
    marked: pl.DataFrame,
    refused: pl.DataFrame,
    series: Series,
    catalogue: Catalogue,
) -> pl.DataFrame:
    """OPS-1: every learner who would get no result in `series`, a row a reason (`WITHOUT`; `option` is what it is
    about), by centre, candidate and the order of `REASONS`. A learner can have several.

    `entries`: in force in the series, claims too (`centre`, `candidate`, `uci`, `option`). The others are frames of
    `rules.frames`: `registrations` (`REGISTERED`), of any year; `sittings` (`SITTINGS`), in any series up to this one;
    `marked` (`LAST_MARKS`), of the series; `refused` (`NAMES_REFUSED`), in this series.

    Ours: nobody says which series is a learner's last, so the external is reported missing only where certification is
    claimed, or where every internal component is taken, the external has not been sat since and is offered in the
    series. An absence is a result; a mark not yet available is none.
    """
    parts = _components(series, catalogue)
    options = catalogue.options(series).select("option", "kind", "registration")
    held = entries.select("centre", "candidate", "uci", "option").join(options, on="option")
    # The rules about sittings tell learners apart by file and candidate; here the centre takes the place of the file.
    stated = held.with_columns(pl.col("centre").alias("file"))
    taken = (
        pl.concat([
            sittings.filter(pl.col("series") <= series.id).select("uci", "option", "series"),
            held.filter(pl.col("kind") != terms.CASH_IN).select("uci", "option", pl.lit(series.id).alias("series")),
        ])
        .group_by("uci", "option")
        .agg(pl.col("series").min().alias("first"), pl.col("series").max().alias("last"))
    )  # fmt: skip
    claims = held.filter(pl.col("kind") == terms.CASH_IN)
    externals = held.filter(pl.col("kind") == terms.EXTERNAL)
    internals = parts.filter(~pl.col("external"))
    final = pl.concat([claims, externals]).unique(_LEARNER, keep="first", maintain_order=True)

    never = _missing(final, internals, taken)
    practice = practice_sittings(stated, sittings, series, catalogue)
    terminal = after_terminal(stated, sittings, series, catalogue)
    incomplete = pl.concat([
        _missing(claims, internals, taken).select(_LEARNER),
        claims.join(externals, on=_LEARNER, how="anti").select(_LEARNER),
    ])  # fmt: skip
    whole = externals.join(never, on=_LEARNER, how="anti").join(claims, on=_LEARNER, how="anti")
    cash_ins = parts.select("registration", "cash_in").unique()
    found = [
        _said(NAME_REFUSED, _not_mended(refused, held)),
        _said(NO_EXTERNAL, _no_external(held, registrations, terminal, taken, parts)),
        _said(INTERNAL_NEVER_TAKEN, never),
        _said(PRACTICE, practice),
        _said(TERMINAL, terminal),
        _said(NO_CASH_IN, whole.drop("option").join(cash_ins, on="registration").rename({"cash_in": "option"})),
        _said(CLAIM_INCOMPLETE, claims.join(incomplete, on=_LEARNER, how="semi")),
        _said(MISSING_MARK, _unmarked(held, marked, terms.INTERNAL)),
        _said(BOARD_MARK, _unmarked(held, marked, terms.EXTERNAL)),
    ]
    order = pl.Enum(list(REASONS))
    return pl.concat(found).sort("centre", "candidate", "uci", pl.col("code").cast(order), "registration", "option")


def _components(series: Series, catalogue: Catalogue) -> pl.DataFrame:
    rows = [
        (
            qualification.registration_code,
            qualification.cash_in_code,
            part.code,
            part.external,
            part.why_not(series) is None,
        )
        for qualification in catalogue.qualifications
        for part in qualification.components
    ]
    schema = {
        "registration": pl.String,
        "cash_in": pl.String,
        "part": pl.String,
        "external": pl.Boolean,
        "offered": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _missing(learners: pl.DataFrame, parts: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """The learners' components that are not taken by the end of the series, a row each."""
    return (
        learners.drop("option")
        .join(parts.select("registration", pl.col("part").alias("option")), on="registration")
        .join(taken, on=["uci", "option"], how="anti")
    )


def _no_external(
    held: pl.DataFrame, registrations: pl.DataFrame, terminal: pl.DataFrame, taken: pl.DataFrame, parts: pl.DataFrame
) -> pl.DataFrame:
    """CRT-2: learners whose external component is wanted in the series and not entered. Those whom the terminal rule
    stops are told that instead."""
    claimed = held.filter(pl.col("kind") == terms.CASH_IN).drop("option", "kind")
    known = registrations.select("centre", "candidate", "uci", pl.col("option").alias("registration"))
    internals, external = parts.filter(~pl.col("external")), parts.filter("external")
    taken_parts = taken.rename({"option": "part"})
    complete = (
        known.join(internals, on="registration")
        .join(taken_parts, on=["uci", "part"], how="left")
        .group_by(_LEARNER)
        .agg(
            pl.col("candidate").min(),
            pl.col("first").is_not_null().all().alias("complete"),
            pl.col("first").max().alias("completed"),
        )
        .filter("complete")
        .join(external.filter("offered"), on="registration")
        .join(taken_parts.select("uci", "part", "last"), on=["uci", "part"], how="left")
        .filter(pl.col("last").is_null() | (pl.col("last") < pl.col("completed")))
    )
    # Candidate numbers belong to a series: where there is a number of this series, that is shown.
    numbers = held.unique(_LEARNER, keep="first", maintain_order=True).select(
        *_LEARNER, pl.col("candidate").alias("now")
    )
    complete = complete.join(numbers, on=_LEARNER, how="left").with_columns(
        pl.coalesce("now", "candidate").alias("candidate")
    )
    columns = ["centre", "candidate", "uci", "registration"]
    return (
        pl.concat([claimed.select(columns), complete.select(columns)])
        .unique(_LEARNER, keep="first", maintain_order=True)
        .join(held.filter(pl.col("kind") == terms.EXTERNAL), on=_LEARNER, how="anti")
        .join(terminal, on=_LEARNER, how="anti")
        .join(external.select("registration", pl.col("part").alias("option")), on="registration")
    )


def _unmarked(held: pl.DataFrame, marked: pl.DataFrame, kind: str) -> pl.DataFrame:
    """MRK-1, AWD-4: entries for components of a kind without a mark; an absence counts as a mark."""
    given = marked.filter(pl.col("mark").is_not_null() | (pl.col("status") == "A"))
    given = given.select("centre", "uci", pl.col("component").alias("option"))
    return held.filter(pl.col("kind") == kind).join(given, on=["centre", "uci", "option"], how="anti")


def _not_mended(refused: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """REG-3: refused candidates without any entry in force. Which learner and qualification were meant is not known."""
    stopped = refused.unique(["centre", "candidate"]).join(held, on=["centre", "candidate"], how="anti")
    return stopped.with_columns(pl.lit("").alias(name) for name in ("uci", "registration", "option"))


def _said(reason: Reason, rows: pl.DataFrame) -> pl.DataFrame:
    said = rows.with_columns(
        pl.lit(reason.code).alias("code"), pl.lit(reason.words).alias("words"), pl.lit(reason.remedy).alias("remedy")
    )
    return said.select(pl.col(name).cast(kind) for name, kind in WITHOUT.items())


def season_before(series: Series, catalogue: Catalogue) -> Series | None:
    """The last series of the same season; None when it has no calendar."""
    return catalogue.series_by_id(f"{series.year - 1}-{series.month:02d}")


def silent(previous: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """OPS-2: centres (`centre`) of `previous`, who sent something in the last series of the same season, that are not
    among those who have sent something `now`; each once, in order."""
    return previous.select("centre").unique().join(now, on="centre", how="anti").sort("centre")
