"""The frames that the ledger hands to the rules, each said once: names of columns and their types.

Ground floor as `rules.terms` is: `infra` may use this module too, and it uses nothing of ours. Times are UTC. Frames
that only the rules make, or only the ledger, are declared there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

Frame = Mapping[str, Any]
"""Types by the names of columns."""

INSTANT = pl.Datetime(time_unit="us", time_zone="UTC")


def rows_by_centre(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The rows of each centre (`centre`), in their order."""
    return {str(part["centre"][0]): part for part in rows.partition_by("centre", maintain_order=True)}


def spans_by_centre(rows: pl.DataFrame) -> dict[str, slice]:
    """Where the rows of each centre (`centre`) are, which are next to each other."""
    runs = rows["centre"].rle().struct.unnest()
    ends = runs["len"].cum_sum().to_list()
    return {
        centre: slice(end - count, end)
        for centre, count, end in zip(runs["value"].to_list(), runs["len"].to_list(), ends, strict=True)
    }


# What a file is decided by.

FILES: Frame = {
    "centre": pl.String,
    "awarding_body": pl.String,
    "series": pl.String,
    "letter": pl.String,
    "sequence": pl.Int32,
    "sha256": pl.String,
    "received": INSTANT,
    "reply": pl.String,
    "booked": pl.Boolean,
}
"""Files that were booked, or are held for a person (`booked` is false)."""

REGISTRATIONS: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "uln": pl.String,
    "upn": pl.String,
    "name": pl.String,
    "born": pl.Date,
    "sex": pl.String,
    "option": pl.String,
    "since": INSTANT,
}
"""Registrations in force, with the learner's details in force at that centre (REG-6): `option` is the registration
code, `since` the receipt of the file it came in."""

ENTRIES: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "pence": pl.Int64,
    "entry_pence": pl.Int64,
}
"""Entries in force: `pence` were charged for it, `entry_pence` of that without the surcharge."""

SITTINGS: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "absent": pl.Boolean,
    "marked": pl.Boolean,
}
"""Entries for components in force; by the newest mark `absent`, or `marked`: there is a raw mark."""

ALLOWANCES: Frame = {"uci": pl.String, "option": pl.String, "number": pl.Int32}
"""Extra sittings that staff have granted."""

SAT: Frame = {"uci": pl.String, "option": pl.String, "series": pl.String}
"""Components with a mark."""

LEARNERS: Frame = {"uln": pl.String, "uci": pl.String, "centre": pl.String}
"""UCIs registered for a ULN."""

PEOPLE: Frame = {
    "uci": pl.String,
    "centre": pl.String,
    "name": pl.String,
    "born": pl.Date,
    "sex": pl.String,
    "uln": pl.String,
    "upn": pl.String,
}
"""The details in force of learners, a row for each centre that registered them (REG-6)."""

UCIS: Frame = {"uci": pl.String, "in_force": pl.String}
"""UCIs that were corrected or merged, and the UCI in force of the learner they lead to (REG-8)."""

TO_MARK: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
}
"""Entries in force as the rules about marks need them."""

MARKED: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "version": pl.Int32,
    "mark": pl.Int32,
    "status": pl.String,
    "tasks": pl.String,
}
"""The mark of each learner and component as it was last given. `version` is that of the newest, adjusted ones too;
`tasks` are the marks of the tasks, by comma."""

WINDOWS: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "component": pl.String,
    "opens": INSTANT,
    "until": INSTANT,
    "closed": INSTANT,
}
"""Where moderation feedback has opened the amendment window: from `opens` to before `until`. `closed`: when the sample
was compared again, which ended it for good; then there is no `opens`."""

SAMPLED: Frame = {"centre": pl.String, "series": pl.String, "component": pl.String, "drawn": INSTANT}
"""Cohorts whose sample was drawn, that were given no feedback, and when."""

ISSUED: Frame = {"centre": pl.String, "series": pl.String, "uci": pl.String, "option": pl.String}
"""Claims that have been processed into results: `option` is the cash-in code."""

FINAL: Frame = {"centre": pl.String, "series": pl.String, "uci": pl.String, "option": pl.String, "out": pl.Boolean}
"""Component results that are approved, the pending ones not among them; `out`: its centre has it."""

FINAL_OR_HELD: Frame = {**FINAL, "waits": pl.Boolean}
"""The same with what was withheld. `waits`: there was no mark when it was decided, so that it is pending (AWD-4), and
not final unless it is voided (RES-8)."""

HOLDINGS: Frame = {"centre": pl.String, "series": pl.String, "uci": pl.String, "option": pl.String}
"""Entries or claims of learners, at any centre."""

# What a series is awarded by.

ENTERED: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "kind": pl.String,
}
"""Entries for components in force, in the series awarded and before it."""

MARKS: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "mark": pl.Int32,
    "status": pl.String,
    "version": pl.Int32,
    "stage": pl.String,
}
"""The final version of every mark."""

CLAIMS: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "received": INSTANT,
    "channel": pl.String,
}
"""Claims in force in the series awarded: `option` is the cash-in code, `received` the receipt of the claim."""

HELD: Frame = {
    "id": pl.Int64,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "kind": pl.String,
    "received": INSTANT,
}
"""Entries and claims in force in the series awarded, and when each was received."""

EARLIER: Frame = {"uci": pl.String, "registration": pl.String, "series": pl.String}
"""Awards of earlier series that were issued."""

LATER: Frame = {"uci": pl.String, "option": pl.String, "series": pl.String, "absent": pl.Boolean, "at": INSTANT}
"""External components entered in later series: `absent` by the newest mark, `at` when the first mark reached us, null
when none has."""

AS_ISSUED: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "raw": pl.Int32,
    "status": pl.String,
    "mark_id": pl.Int64,
    "ums": pl.Int32,
    "grade": pl.String,
    "outcome": pl.String,
}
"""Component results as they were issued last, the pending ones too."""

HOLDS: Frame = {
    "id": pl.Int64,
    "series": pl.String,
    "centre": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "state": pl.String,
    "at": INSTANT,
    "who": pl.String,
    "why": pl.String,
}
"""What is withheld (RES-8), the newest word of each scope, and when what was voided of it was given back: what is empty
is every one; `state` as in `rules.terms`; `id` is null of what is only proposed."""

ASKED: Frame = {"centre": pl.String, "uci": pl.String, "option": pl.String}
"""Claims with which a certificate was asked for: `option` is the cash-in code."""

# What a checkpoint counts.

REGISTERED: Frame = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "name": pl.String,
}
"""Registrations in force, the newest of each learner and code at a centre."""

LAST_MARKS: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "mark": pl.Int32,
    "status": pl.String,
}
"""The newest mark of each learner and component."""

NAMES_REFUSED: Frame = {"centre": pl.String, "candidate": pl.String}
"""Candidates refused for their name."""
