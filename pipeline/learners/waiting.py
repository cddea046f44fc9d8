"""What waits for staff about learners (ENT-7, REG-7, REG-8): entries refused because the learner is entered at another
centre, with both centres, records that may be of two people, what a learner who was merged holds twice, was issued
twice (CRT-2) or was awarded twice as the first (CRT-4), awards that are nobody's first, rest on another person's
sittings or on less than the best (CRT-2), and what a move has left behind until its moderation was decided (MOD-2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.desk import Desk
from rules import findings as f

HELD_TWICE = "HELD_TWICE"
"""A learner whose UCIs were merged is entered for a component, or has claimed, twice in a series."""
FIRST_TWICE = "FIRST_TWICE"
"""A learner was awarded a qualification twice, each time as the first (CRT-4): under two UCIs, or the earlier last."""
FIRST_NOBODY = "FIRST_NOBODY"
"""A learner has an award, and the one that was the first is no longer one, or another person's (CRT-4)."""
OTHERS_SITTINGS = "OTHERS_SITTINGS"
"""An award that was issued on sittings of somebody who turned out to be another person (REG-8)."""
BETTER_SINCE = "BETTER_SINCE"
"""An award on one sitting while another of the component waited, which has come and is better (CRT-2)."""
ISSUED_TWICE = "ISSUED_TWICE"
"""A learner whose UCIs were merged was issued two different results of a component in one series (CRT-2)."""
LEFT_BEHIND = "LEFT_BEHIND"
"""An entry that stayed with its cohort when the learner moved to another centre, and can follow now (MOD-2)."""
TO_DO = {
    f.ENTERED_ELSEWHERE.name: "move the learner, or ask one of the centres to withdraw",
    f.UCI_TWO_PEOPLE.name: "ask the centre whose UCI it is",
    f.UCI_NOT_CORRECTED.name: "ask the centre which UCI is right, and correct it",
    HELD_TWICE: "ask one of the centres to withdraw",
    ISSUED_TWICE: "both stay as issued, the better counts; split the UCIs of two people, void by a correction what "
    "is not the learner's, or close this and say why both stand",
    FIRST_TWICE: "both awards stay; have the later one left out of the performance tables, then close this and say so",
    FIRST_NOBODY: "the award stays, and no other is the first; have it counted in the performance tables, then close "
    "this and say so",
    OTHERS_SITTINGS: "it rests on the sitting of another person; have it made anew by the learner's own: {anew}",
    BETTER_SINCE: "another sitting has come since and is better; have the award made anew: {anew}",
    LEFT_BEHIND: "its moderation is decided, so it can follow: move the learner again",
}
"""What staff do about each; `anew`: how an award is made anew, which `to_do` says."""
_ANEW = (
    "`resultsday withhold put {about} --why ...`, which another person approves (`resultsday correction approve`), "
    "then `resultsday withhold release {about} --why ...`, not by who withheld it; the later claims do the rest, "
    "within the hour"
)
CODES = (f.ENTERED_ELSEWHERE.name, f.UCI_TWO_PEOPLE.name, f.UCI_NOT_CORRECTED.name)


def waiting(desk: Desk) -> pl.DataFrame:
    """What waits, the oldest first: `received`, `centre`, `candidate`, `uci`, `option`, `series`, `code`, and for ENT-7
    `other`, the centre at which the learner is entered, and `number`, the candidate number there; `earlier` is the
    series of the first award (CRT-4), else empty. What has been solved since is left out."""
    none = pl.lit("").alias("earlier")
    every = [
        _doubts(desk).with_columns(none),
        _coded(desk.learners.held_twice().with_columns(none), HELD_TWICE),
        _coded(desk.learners.issued_twice().with_columns(none), ISSUED_TWICE),
        _coded(desk.learners.first_twice(), FIRST_TWICE),
        _coded(desk.learners.first_nobody().with_columns(none, *_NO_OTHER), FIRST_NOBODY),
        _coded(desk.learners.others_sittings().with_columns(none, *_NO_OTHER), OTHERS_SITTINGS),
        _coded(desk.learners.better_since().with_columns(none, *_NO_OTHER), BETTER_SINCE),
        _coded(desk.learners.left_behind().with_columns(none), LEFT_BEHIND),
    ]
    return pl.concat(every).sort("received", maintain_order=True)


def to_do(row: Mapping[str, Any]) -> str:
    """What staff do about a row of `waiting`, with the commands they type where it takes several."""
    about = f"{row['series']} --centre {row['centre']} --candidate {row['candidate']} --option {row['option']}"
    return TO_DO[row["code"]].format(anew=_ANEW.format(about=about))


def tie(row: Mapping[str, Any]) -> str:
    """What a row of `waiting` has to do with the other centre, in words that its name follows."""
    if row["code"] == LEFT_BEHIND:
        return "left behind by the move to"
    return f"awarded in {row['earlier']} at" if row["earlier"] else "held at"


def _coded(rows: pl.DataFrame, code: str) -> pl.DataFrame:
    """What a merge has brought to light, or a move has left, as `waiting` has it."""
    return rows.select(
        pl.col("since").alias("received"), *_WHO, "option", "series", pl.lit(code).alias("code"), *_OTHER, "earlier"
    )


_WHO = ("centre", "candidate", "uci")
_OTHER = ("other", "number")
_NO_OTHER = [pl.lit("").alias(name) for name in _OTHER]


def _doubts(desk: Desk) -> pl.DataFrame:
    """What findings have put in doubt, and nobody has solved."""
    rows = desk.learners.doubts(CODES)
    ids = {(series.key, series.awarding_body): series.id for series in desk.catalogue.all_series()}
    series = [ids.get((key, body), "") for key, body in rows.select("key", "awarding_body").iter_rows()]
    rows = rows.with_columns(pl.Series("series", series, dtype=pl.String))
    held = desk.learners.entered(rows["uci"].unique().to_list())
    key = ["uci", "series", "option"]
    own = rows.join(held, on=["centre", *key], how="semi").select("submission_id", "ordinal")
    elsewhere = rows.join(held.rename({"centre": "other", "candidate": "number"}), on=key).filter(
        pl.col("other") != pl.col("centre")
    )
    refused = elsewhere.select("submission_id", "ordinal", *_OTHER).unique(["submission_id", "ordinal"])
    of_entries = pl.col("code") == f.ENTERED_ELSEWHERE.name
    return (
        rows.join(own, on=["submission_id", "ordinal"], how="anti", maintain_order="left")
        .join(refused, on=["submission_id", "ordinal"], how="left", maintain_order="left")
        .filter(~of_entries | pl.col("other").is_not_null())
        .unique(["centre", "candidate", "series", "option", "code"], keep="last", maintain_order=True)
        .select("received", "centre", "candidate", "uci", "option", "series", "code", pl.col(*_OTHER).fill_null(""))
    )
