"""Who has no result although results are out, and since when (RES-8): one list over the series, with the reason, whose
turn it is, and the letter that the centre has had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.desk import Desk
from pipeline.results.claim_lists import unclaimed
from pipeline.results.release import is_released
from pipeline.results.result_files import typed
from rules import terms
from rules.awarding import parts
from rules.catalogue import Series, instant_text
from rules.choices import NOW
from rules.unawarded import AFTER_CUT_OFF, COMPONENT_PENDING, NO_CLAIM, REASONS, unawarded

PENDING, LATE, NOT_ELIGIBLE, UNCLAIMED = "pending", "late", "not eligible", "never claimed"
STATES = (PENDING, terms.WITHHELD, LATE, NOT_ELIGIBLE, UNCLAIMED)
BOARD, CENTRE, DESK = "the board", "the centre", "the desk"

OWED: dict[str, Any] = {
    "series": pl.String,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "state": pl.String,
    "code": pl.String,
    "about": pl.String,
    "since": pl.Datetime("us", "UTC"),
    "turn": pl.String,
    "letter": pl.String,
    "sent": pl.Datetime("us", "UTC"),
    "fetched": pl.Datetime("us", "UTC"),
    "fetched_by": pl.String,
}
"""A row a learner, qualification and reason. `state`: one of `STATES`; `code`: of `rules.unawarded.REASONS`; `about`:
the codes it is about, by comma; `since`: the learners' results day, or when the claim came if that was later, or when
it was withheld; `turn`: who has to act; `letter`: the newest file in the centre's outbox that tells it of this, when
it was `sent`, and when and by whose key it was `fetched`, if it was."""

_LETTERS: Mapping[str, str] = {
    PENDING: "missing-marks-{series}-",
    terms.WITHHELD: "",
    LATE: "",
    NOT_ELIGIBLE: "checkpoint-{series}-award",
    UNCLAIMED: "claims-{series}",
}
_LEARNER = ["uci", "registration"]


def owed(desk: Desk, now: datetime, only: str = "") -> pl.DataFrame:
    """RES-8: who is without a result or an award at `now` (aware) in the series whose results are out (`OWED`), or in
    one of them, by series, centre and candidate. An award that was made since, in whatever series, ends it."""
    every = [series for series in desk.catalogue.all_series() if is_released(desk, series.id)]
    awarded = [_awarded(desk, series) for series in every]
    letters = _letters(desk).with_columns(written=pl.col("sent").dt.truncate("1s"))
    fetched = desk.door.letters().rename({"by": "fetched_by"})
    letters = letters.join(fetched, on=["centre", "letter", "written"], how="left").drop("written")
    frames = [pl.DataFrame(schema=OWED)]
    for series in every:
        if only in ("", series.id):
            rows = _of_series(desk, series, now)
            for has in awarded:
                # Their result of a component may still be pending.
                rows = pl.concat([
                    rows.filter(pl.col("code") == COMPONENT_PENDING.code),
                    rows.filter(pl.col("code") != COMPONENT_PENDING.code).join(has, on=_LEARNER, how="anti"),
                ])  # fmt: skip
            frames.append(_with_letters(rows, series, letters))
    return pl.concat(frames).sort("series", "centre", "candidate", *_LEARNER, "code")


def _awarded(desk: Desk, series: Series) -> pl.DataFrame:
    awards = desk.results.current(series.id, released=True)["awards"]
    return awards.filter(pl.col("outcome") == terms.AWARDED).select(pl.col(_LEARNER).cast(pl.String)).unique()


def _of_series(desk: Desk, series: Series, now: datetime) -> pl.DataFrame:
    current = desk.results.current(series.id, released=True)
    results, awards = typed({name: frame.drop("awarding_id") for name, frame in current.items()})
    entered = desk.results.entered(series.id).filter(pl.col("series") == series.id)
    claims = desk.results.claims(series.id)
    found = unawarded(results, awards, entered, claims, parts(desk.catalogue))
    # Who has not everything yet goes on to a later series, and is owed nothing.
    whole = unclaimed(desk, series, now).filter(pl.col("choice") == NOW).select(*_LEARNER, "centre", "candidate")
    found = pl.concat([
        found.filter(pl.col("code") != NO_CLAIM.code),
        # It is the turn of the centre where they are registered now: no other can claim.
        found.filter(pl.col("code") == NO_CLAIM.code).drop("centre", "candidate").join(whole, on=_LEARNER)
        .select(found.columns),
    ])  # fmt: skip
    day = desk.catalogue.milestone(series, "results_to_learners", now)
    held = desk.catalogue.qualifications
    external = [part.code for qualification in held for part in qualification.components if part.external]
    came = claims.join(
        parts(desk.catalogue).select(pl.col("cash_in").alias("option"), "registration").unique(), on="option"
    ).select(*(pl.col(name).cast(pl.String) for name in _LEARNER), pl.col("received").cast(OWED["since"]))
    pending = pl.col("code").is_in(["MARK_PENDING", COMPONENT_PENDING.code])
    withheld = pl.col("code") == "WITHHELD"
    found = found.with_columns(_withheld_since(desk, series, found))
    of_board = pl.col("about").str.split(", ").list.eval(pl.element().is_in(external)).list.any()
    return found.join(came.group_by(_LEARNER).agg(pl.col("received").min()), on=_LEARNER, how="left").with_columns(
        series=pl.lit(series.id),
        state=pl.when(pending).then(pl.lit(PENDING)).when(withheld).then(pl.lit(terms.WITHHELD))
        .when(pl.col("code") == AFTER_CUT_OFF.code).then(pl.lit(LATE))
        .when(pl.col("code") == NO_CLAIM.code).then(pl.lit(UNCLAIMED)).otherwise(pl.lit(NOT_ELIGIBLE)),
        since=pl.coalesce(
            "held", pl.max_horizontal(pl.lit(day.at if day else now).cast(OWED["since"]), "received")
        ),
        turn=pl.when((pending & of_board) | withheld).then(pl.lit(BOARD)).when(pl.col("code") == AFTER_CUT_OFF.code)
        .then(pl.lit(DESK)).otherwise(pl.lit(CENTRE)),
    ).drop("received", "held")  # fmt: skip


def _withheld_since(desk: Desk, series: Series, rows: pl.DataFrame) -> pl.Series:
    """Since when each row with the code WITHHELD is, `held`: by itself, or for the components it is about."""
    holds = desk.actions.holds(series.id).filter(pl.col("state") == terms.WITHHELD)
    whole = {each.registration_code: each for each in desk.catalogue.qualifications}
    times: list[datetime | None] = []
    for row in rows.iter_rows(named=True):
        of = whole[row["registration"]]
        about = row["about"].split(", ") if row["about"] else [part.code for part in of.components]
        codes = {"", of.cash_in_code, *about}
        mine = [
            hold["at"]
            for hold in holds.iter_rows(named=True)
            if hold["option"] in codes
            and (hold["uci"] == row["uci"] if hold["uci"] else hold["centre"] in ("", row["centre"]))
        ]  # fmt: skip
        times.append(min(mine, default=None) if row["code"] == "WITHHELD" else None)
    return pl.Series("held", times, dtype=OWED["since"])


def _letters(desk: Desk) -> pl.DataFrame:
    """The files in the outboxes that a state can have a letter among: `centre`, `letter`, `sent`."""
    starts = tuple(start.partition("{")[0] for start in _LETTERS.values() if start)
    rows = []
    for stored in desk.store.list("outbox/"):
        _, centre, name = [*stored.key.split("/"), "", ""][:3]
        if name.startswith(starts) and name.endswith(".txt"):
            rows.append((centre, name, stored.modified))
    return pl.DataFrame(rows, schema={"centre": pl.String, "letter": pl.String, "sent": OWED["sent"]}, orient="row")


def _with_letters(rows: pl.DataFrame, series: Series, letters: pl.DataFrame) -> pl.DataFrame:
    kinds = [
        letters.filter(pl.col("letter").str.starts_with(start.format(series=series.id))).with_columns(
            state=pl.lit(state)
        )
        for state, start in _LETTERS.items()
        if start
    ]
    newest = pl.concat(kinds).sort("sent", "letter").unique(["centre", "state"], keep="last", maintain_order=True)
    joined = rows.join(newest, on=["centre", "state"], how="left", maintain_order="left")
    return joined.select(pl.col(name).cast(kind) for name, kind in OWED.items()).with_columns(
        pl.col("letter", "fetched_by").fill_null("")
    )


def lines_of(rows: pl.DataFrame) -> Iterator[str]:
    """The list for staff: counts by series and state, then a learner a line, without names."""
    if rows.is_empty():
        yield "Nobody is owed a result."
        return
    counts = rows.unique(["series", *_LEARNER, "state"]).group_by("series", "state").len().sort("series", "state")
    for series, state, count in counts.iter_rows():
        yield f"{series}  {state}: {count:,}"
    for row in rows.iter_rows(named=True):
        reason = REASONS[row["code"]]
        about = f" ({row['about']})" if row["about"] else ""
        letter = f"{row['letter']} of {instant_text(row['sent'])}" if row["letter"] else "none"
        if row["letter"]:
            by = f"fetched {instant_text(row['fetched'])} by {row['fetched_by']}" if row["fetched"] else "not fetched"
            letter = f"{letter}, {by}"
        learner = f"centre {row['centre']}  candidate {row['candidate']}  {row['uci']}  {row['registration']}"
        why = f"{reason.words}{about} ({reason.rule}, {row['code']})"
        yield ""
        yield f"{row['series']}  {learner}"
        yield f"  {row['state']} since {instant_text(row['since'])}: {why}"
        yield f"  Turn: {row['turn']}. {reason.remedy} Letter: {letter}."
