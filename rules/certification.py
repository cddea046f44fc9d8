"""From sittings to awards (CRT-2 to CRT-4): which sitting of each component counts for a claim, and why; the total and
its grade; who is not eligible, and why. For a whole series at once.

The warnings at entry (`rules.entries`) and what is decided here speak of the same rules: ENT-5, ENT-6.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import polars as pl
from attrs import field, frozen

from parsers.findings import Found
from rules import awarding, terms
from rules import findings as f
from rules.calendar import LONDON
from rules.catalogue import Catalogue
from rules.frames import INSTANT
from rules.reasons import Reason, listed
from rules.scales import Scale
from rules.withholding import REASONS as OF_WITHHOLDING

AWARDS: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "cash_in": pl.String,
    "claim_id": pl.Int64,
    "claimed_at": INSTANT,
    "channel": pl.String,
    "ums": pl.Int32,
    "grade": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "about": pl.String,
    "partial_absence": pl.Boolean,
    "performance": pl.Boolean,
}
"""`outcome`: `awarded`, `not_eligible` or `pending`; `reason`: a code of `REASONS`, empty when awarded; `about`: the
components it is about, by comma; `performance`: whether it is the award for performance tables (CRT-4)."""

CHOICES: dict[str, Any] = {
    "centre": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "component": pl.String,
    "series": pl.String,
    "raw": pl.Int32,
    "ums": pl.Int32,
    "counts": pl.Boolean,
    "why": pl.String,
}
"""Every sitting considered for a claim: `series` is the sitting's; `why` a code of `WHYS`."""


REASONS = listed(
    Reason(
        code="VOIDED", rule="RES-7",
        words="the result of a component was voided by a correction, and no other sitting takes its place",
        remedy="Ask us which sittings can be claimed; the letter on the correction says how to appeal.",
    ),
    Reason(
        code="SAT_AGAIN", rule="CRT-4",
        words="the external component was taken again in a later series, and this claim was made on the day of that "
        "examination or later, so the earlier sitting cannot be chosen any more",
        remedy="Claim in the series of the later sitting.",
    ),
    Reason(
        code="NO_EXTERNAL", rule="CRT-2",
        words="the external component was not taken in this series",
        remedy="Claim in the series in which it is taken.",
    ),
    Reason(
        code="EXTERNAL_ABSENT", rule="CRT-2",
        words="the learner was absent from the external component in this series, which replaces no earlier sitting",
        remedy="Claim in the series of the last external that the learner attended: it still stands.",
    ),
    Reason(
        code="COMPONENT_MISSING", rule="CRT-2",
        words="a component was never taken, so the external is a practice sitting (ENT-6)",
        remedy="Enter what is missing, with the external again, and claim in that series.",
    ),
    Reason(
        code="MARK_PENDING", rule="AWD-4",
        words="there is no mark yet for a component",
        remedy="The result follows when the mark is there.",
    ),
    Reason(
        code="ABSENT", rule="RES-4",
        words="the learner was absent from every component",
        remedy="Nothing can be awarded; withdraw the claim or claim in a later series.",
    ),
    Reason(
        code="CLAIMED_TWICE", rule="CRT-4",
        words="the learner has claimed it in this series at another centre or under another UCI too, and the same "
        "sittings are certificated once",
        remedy="Nothing to do: the claim that came first is awarded.",
    ),
    Reason(
        code="CLAIM_WITHDRAWN", rule="CRT-5",
        words="the claim waited when the results came out, and was withdrawn since",
        remedy="Nothing to do; the component results stand, and can be claimed on again.",
    ),
) | OF_WITHHOLDING  # fmt: skip
"""Why a claim is not awarded. Of several reasons the first in this list is given."""

WHYS = listed(
    Reason(code="ONLY", rule="CRT-2", words="the only sitting"),
    Reason(code="BEST", rule="CRT-2", words="the sitting with the most UMS"),
    Reason(code="EARLIEST", rule="CRT-2", words="the earliest of the sittings with the most UMS"),
    Reason(code="FINAL", rule="CRT-2", words="the external of the series claimed in"),
    Reason(code="LOWER", rule="CRT-2", words="another sitting has more UMS"),
    Reason(code="EQUAL", rule="CRT-2", words="an earlier sitting has as many UMS"),
    Reason(code="ABSENT", rule="AWD-4", words="absent; a sitting that was attended, or has UMS, comes before it"),
    Reason(code="BEFORE_FINAL", rule="CRT-2", words="the external of an earlier series; the final sitting counts"),
    Reason(
        code="STANDS",
        rule="CRT-2",
        words="the external of an earlier series; it still stands, because the resit was missed: claim in its series",
    ),
    Reason(code="PRACTICE", rule="ENT-6", words="a practice sitting: an internal component was not complete"),
    Reason(code="AFTER_TERMINAL", rule="ENT-5", words="after the terminal external, without the external again"),
    Reason(code="NO_MARK", rule="AWD-4", words="no mark"),
)
"""Why a sitting counts or does not."""


@frozen
class Certified:
    """The outcome of certification: `awards` (`AWARDS`) and `choices` (`CHOICES`), a row a claim and a row a
    sitting."""

    awards: pl.DataFrame = field(repr=False)
    choices: pl.DataFrame = field(repr=False)


_LEARNER = ["uci", "registration"]
_PART = ["claim_id", "component"]
_SITTING = ["claim_id", "component", "series"]


def certify(
    series: str,
    claims: pl.DataFrame,
    sittings: pl.DataFrame,
    parts: pl.DataFrame,
    earlier: pl.DataFrame,
    taken_later: pl.DataFrame,
    scale: Scale,
) -> Certified:
    """CRT-2 to CRT-4, AWD-4, ENT-5, ENT-6: awards the claims of a series (its id).

    Frames of `rules.frames`: `claims` (`CLAIMS`), `earlier` (`EARLIER`); of `rules.awarding`: `sittings` (`SITTINGS`),
    of this series and before, and `parts` (`PARTS`); `taken_later`: `sat_from` gives it. `scale`: that of
    qualifications.
    """
    parts = parts.with_columns(pl.col("component").cast(pl.Enum(parts["component"].sort())))
    of_cash_in = parts.select(pl.col("cash_in").alias("option"), "registration").unique()
    claimed = claims.join(of_cash_in, on="option").rename({"option": "cash_in", "id": "claim_id"})
    voided = sittings.filter(pl.col("outcome") == terms.VOIDED, pl.col("series") <= series)
    sittings = sittings.filter(pl.col("outcome") != terms.VOIDED)
    choices = _choices(series, claimed, sittings, parts)
    counting = choices.filter("counts")
    total = counting.group_by("claim_id").agg(
        pl.col("ums").sum().alias("total"),
        pl.col("absent").any().alias("some_absent"),
        pl.col("absent").all().alias("all_absent"),
    )
    reasons = pl.concat([
        _voided(claimed, voided, counting, parts),
        _sat_again(claimed, taken_later, parts),
        _no_external(series, claimed, choices, parts),
        _external_absent(choices),
        _component_missing(claimed, choices, parts),
        _pending(choices, counting),
        total.filter("all_absent").select("claim_id", about=pl.lit(""), reason=pl.lit("ABSENT")),
        _claimed_twice(claimed),
    ])  # fmt: skip
    first = (
        reasons.with_columns(pl.col("reason").cast(pl.Enum(list(REASONS))))
        .sort("reason", maintain_order=True)
        .unique("claim_id", keep="first", maintain_order=True)
        .with_columns(pl.col("reason").cast(pl.String))
    )
    before = earlier.select(_LEARNER).unique().with_columns(first_before=pl.lit(True))
    awarded = pl.col("reason") == ""
    awards = (
        claimed.join(total, on="claim_id", how="left")
        .join(first, on="claim_id", how="left")
        .join(before, on=_LEARNER, how="left")
        .with_columns(pl.col("reason", "about").fill_null(""))
        .with_columns(
            pl.when(awarded).then("total").alias("ums"),
            pl.when(awarded)
            .then(pl.lit(terms.AWARDED))
            .when(pl.col("reason") == "MARK_PENDING")
            .then(pl.lit(terms.PENDING))
            .otherwise(pl.lit(terms.NOT_ELIGIBLE))
            .alias("outcome"),
            pl.col("received").alias("claimed_at"),
            (awarded & pl.col("some_absent").fill_null(value=False)).alias("partial_absence"),
            _first(awarded).alias("performance"),
        )
        .with_columns(grade_of(pl.col("ums"), scale).alias("grade"))
        .select(pl.col(name).cast(kind) for name, kind in AWARDS.items())
        .sort("centre", "candidate", "cash_in", "uci")
    )
    once = choices.join(_claimed_twice(claimed), on="claim_id", how="anti")
    chosen = once.select(pl.col(name).cast(kind) for name, kind in CHOICES.items())
    return Certified(awards, chosen.sort("centre", "uci", "registration", "component", "series"))


def _first(awarded: pl.Expr) -> pl.Expr:
    """CRT-4: whether a claim is the learner's first, at whatever centre; a merged learner may have claimed twice."""
    order = pl.when(awarded).then(pl.struct("received", "claim_id"))
    first = awarded & pl.col("first_before").is_null() & (order.rank("ordinal").over(_LEARNER) == 1)
    return first.fill_null(value=False)


def grade_of(ums: pl.Expr, scale: Scale) -> pl.Expr:
    """CRT-3: the grade that a total of UMS reaches, empty where there is none."""
    found = pl.lit(scale.thresholds[-1].grade)
    for threshold in reversed(scale.thresholds[:-1]):
        found = pl.when(ums >= threshold.minimum).then(pl.lit(threshold.grade)).otherwise(found)
    return pl.when(ums.is_null()).then(pl.lit("")).otherwise(found)


# --- Which sitting counts --------------------------------------------------------------------------------------------


def _choices(series: str, claimed: pl.DataFrame, sittings: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Every sitting of the claimed qualifications, up to the series, with `claim_id`, `external`, `absent`, `late`,
    `counts`, `why`."""
    known = pl.Enum(sittings["series"].append(pl.Series([series])).unique().sort())
    up_to = (
        sittings.filter(pl.col("series") <= series)
        # The sittings of a whole country are joined and grouped faster by numbers than by text.
        .with_columns(pl.col("component").cast(parts.schema["component"]), pl.col("series").cast(known))
        .join(parts.select("component", "external"), on="component")
        .select("uci", "registration", "component", "series", "raw", "ums", "outcome", "external")
    )
    considered = (
        claimed.select("claim_id", "centre", *_LEARNER)
        .join(up_to, on=_LEARNER)
        # Sittings at any centre; of two in one series, which nobody should have, the better.
        .sort(*_SITTING, pl.col("ums").fill_null(-1).neg(), pl.col("outcome") == terms.ABSENT, "raw")
        .filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in _SITTING))
        .with_columns((pl.col("outcome") == terms.ABSENT).alias("absent"))
    )
    flagged = (
        considered.join(complete_since(considered, parts), on="claim_id", how="left")
        .join(_late_internals(considered, parts), on=_SITTING, how="left")
        .with_columns(pl.col("late").fill_null(value=False))
    )
    external, marked = pl.col("external"), pl.col("outcome") != terms.PENDING
    practice = external & (pl.col("complete").is_null() | (pl.col("series") < pl.col("complete")))
    # Ours: of 0 UMS for an absence and 0 UMS for work handed in, the latter is the better.
    worth = (2 * pl.col("ums") + (~pl.col("absent")).cast(pl.Int32)).alias("worth")
    usable = flagged.filter(~external & ~pl.col("late") & marked).select(*_SITTING, worth)
    most = usable.group_by(_PART).agg(pl.col("worth").max().alias("most"), pl.len().alias("sittings"))
    best = (
        usable.join(most, on=_PART)
        .filter(pl.col("worth") == pl.col("most"))
        .group_by(_PART)
        .agg(pl.col("series").min().alias("best"), pl.len().alias("equals"), pl.col("most", "sittings").first())
    )
    judged = _missed_resits(series, flagged, practice).join(best, on=_PART, how="left").with_columns(worth)
    stands = external & (pl.col("series") == pl.col("stands"))
    missed = external & (pl.col("series") == series) & pl.col("stands").is_not_null()
    final = external & (pl.col("series") == series) & ~practice & ~missed
    chosen = ~external & ~pl.col("late") & marked & (pl.col("series") == pl.col("best"))
    why = (
        pl.when(practice).then(pl.lit("PRACTICE"))
        .when(stands).then(pl.lit("STANDS"))
        .when(missed).then(pl.lit("ABSENT"))
        .when(final & ~marked).then(pl.lit("NO_MARK"))
        .when(final).then(pl.lit("FINAL"))
        .when(external).then(pl.lit("BEFORE_FINAL"))
        .when("late").then(pl.lit("AFTER_TERMINAL"))
        .when(~marked).then(pl.lit("NO_MARK"))
        .when(chosen & (pl.col("sittings") == 1)).then(pl.lit("ONLY"))
        .when(chosen & (pl.col("equals") > 1)).then(pl.lit("EARLIEST"))
        .when(chosen).then(pl.lit("BEST"))
        .when(pl.col("worth") == pl.col("most")).then(pl.lit("EQUAL"))
        .when("absent").then(pl.lit("ABSENT"))
        .otherwise(pl.lit("LOWER"))
    )  # fmt: skip
    counts = chosen.fill_null(value=False) | (final & marked)
    return judged.with_columns(counts.alias("counts"), why.alias("why"))


def _missed_resits(series: str, flagged: pl.DataFrame, practice: pl.Expr) -> pl.DataFrame:
    """CRT-2: an absence from the external in `series` after one that was attended, and was no practice sitting, is no
    sitting: the rows with `stands`, the series of the last one attended; null where the external was not missed."""
    missed = flagged.filter("external", "absent", pl.col("series") == series).select("claim_id")
    attended = flagged.filter("external", ~pl.col("absent"), pl.col("series") < series, ~practice)
    last = attended.join(missed, on="claim_id", how="semi").group_by("claim_id").agg(pl.col("series").max())
    return flagged.join(last.rename({"series": "stands"}), on="claim_id", how="left")


def complete_since(considered: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """ENT-6: since which series every internal component has been taken by the learner of a claim: `claim_id`,
    `complete`. A claim with a component not taken is left out; an absence counts as taken. `considered`: a row a
    sitting, with `claim_id`, `registration`, `component`, `series`, `external`."""
    needed = parts.filter(~pl.col("external")).group_by("registration").len("needed")
    return (
        considered.filter(~pl.col("external"))
        .group_by(*_PART, "registration")
        .agg(pl.col("series").min())
        .group_by("claim_id", "registration")
        .agg(pl.len().alias("taken"), pl.col("series").max().alias("complete"))
        .join(needed, on="registration")
        .filter(pl.col("taken") == pl.col("needed"))
        .select("claim_id", "complete")
    )


def _late_internals(considered: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """ENT-5: internal sittings after the terminal external (attended, all internals taken and attended by then) in a
    series in which the external was not attended: `claim_id`, `component`, `series`, `late`."""
    attended = considered.filter(~pl.col("absent"))
    terminal = (
        attended.filter("external")
        .join(complete_since(attended, parts), on="claim_id")
        .filter(pl.col("series") >= pl.col("complete"))
        .group_by("claim_id")
        .agg(pl.col("series").min().alias("terminal"))
    )
    with_external = attended.filter("external").select("claim_id", "series")
    return (
        considered.filter(~pl.col("external"))
        .join(terminal, on="claim_id")
        .filter(pl.col("series") > pl.col("terminal"))
        .join(with_external, on=["claim_id", "series"], how="anti")
        .select(*_SITTING, late=pl.lit(True))
    )


# --- Why a claim is not awarded: `claim_id`, `about`, `reason` -------------------------------------------------------


def _because(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    about = pl.col("component").cast(pl.String).unique().sort().str.join(", ").alias("about")
    return rows.group_by("claim_id", maintain_order=True).agg(about).with_columns(pl.lit(reason).alias("reason"))


def sat_from(later: pl.DataFrame, catalogue: Catalogue, at: datetime) -> pl.DataFrame:
    """CRT-4: from when on a later sitting of an external counts as taken: `uci`, `component`, `series`, `taken`.

    That is the day of its examination in the calendar in force at `at` (aware), or the last day of its task; ours: if
    the calendar has neither, when its first mark reached us. `later`: `rules.frames.LATER`; an absence is no sitting.
    """
    taken = later.filter(~pl.col("absent"))
    rows = [
        (component, series, _examined(catalogue, series, component, at))
        for component, series in taken.select("option", "series").unique().sort("option", "series").iter_rows()
    ]
    days = pl.DataFrame(rows, schema={"component": pl.String, "series": pl.String, "day": INSTANT}, orient="row")
    return (
        taken.rename({"option": "component"})
        .join(days, on=["component", "series"], how="left")
        .with_columns(pl.coalesce("day", "at").alias("taken"))
        .filter(pl.col("taken").is_not_null())
        .select("uci", "component", "series", "taken")
    )


def _examined(catalogue: Catalogue, series_id: str, component: str, at: datetime) -> datetime | None:
    """The first instant (UTC) of the day of an examination, or of the last day of a task; None without a date."""
    series = catalogue.series_by_id(series_id)
    for event in ("exam", "task_window_closes"):
        found = catalogue.milestone(series, event, at, component) if series else None
        if found:
            return datetime.combine(found.day, time.min, LONDON).astimezone(UTC)
    return None


def _voided(claimed: pl.DataFrame, voided: pl.DataFrame, counting: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """RES-7: a sitting that was voided counts for nothing; where no other does, there is no award."""
    kind = parts.schema["component"]
    gone = voided.select(*_LEARNER, pl.col("component").cast(kind)).unique()
    return _because(claimed.join(gone, on=_LEARNER).join(counting, on=_PART, how="anti"), "VOIDED")


def _sat_again(claimed: pl.DataFrame, taken: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """CRT-4: a learner who takes the external again in a later series cannot claim on the earlier sitting from the day
    of that examination on."""
    return _because(_after_the_resit(claimed, taken, parts), "SAT_AGAIN")


def _after_the_resit(claimed: pl.DataFrame, taken: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    external = parts.filter("external").select("registration", pl.col("component").cast(pl.String))
    again = claimed.join(taken.join(external, on="component"), on=_LEARNER)
    return again.filter(pl.col("received") >= pl.col("taken"))


def otherwise_by_calendar(
    claims: pl.DataFrame, later: pl.DataFrame, calendars: tuple[Catalogue, Catalogue], at: datetime
) -> pl.DataFrame:
    """CAL-7, CRT-4: claims that the resit stands in the way of by one calendar at `at` (aware) and not by the other:
    `uci`, `option`, `barred` (by the second). `claims`, `later`: `rules.frames.CLAIMS`, `LATER`."""
    components = awarding.parts(calendars[1])
    claimed = claims.join(components.select(pl.col("cash_in").alias("option"), "registration").unique(), on="option")
    barred = [
        _after_the_resit(claimed, sat_from(later, calendar, at), components)["id"].implode() for calendar in calendars
    ]
    was, will_be = (pl.col("id").is_in(ids) for ids in barred)
    return claimed.filter(was != will_be).select("uci", "option", will_be.alias("barred"))


def _no_external(series: str, claimed: pl.DataFrame, choices: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """CRT-2: the external is taken in the series claimed in."""
    external = parts.filter("external").select("registration", "component")
    taken = choices.filter(pl.col("series") == series)
    missing = claimed.join(external, on="registration").join(taken, on=_PART, how="anti")
    return _because(missing, "NO_EXTERNAL")


def _external_absent(choices: pl.DataFrame) -> pl.DataFrame:
    """CRT-2: the external was missed in the series claimed in, and an earlier one stands."""
    missed = pl.col("external") & (pl.col("why") == "ABSENT")
    return _because(choices.filter(missed), "EXTERNAL_ABSENT")


def _component_missing(claimed: pl.DataFrame, choices: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """CRT-2: every component has been taken."""
    wanted = claimed.join(parts.select("registration", "component"), on="registration")
    return _because(wanted.join(choices, on=_PART, how="anti"), "COMPONENT_MISSING")


def _pending(choices: pl.DataFrame, counting: pl.DataFrame) -> pl.DataFrame:
    """AWD-4, CRT-2: a mark that is missing leaves the award pending, unless another sitting of the component counts."""
    unmarked = choices.filter(pl.col("why") == "NO_MARK")
    return _because(unmarked.join(counting, on=_PART, how="anti"), "MARK_PENDING")


def _claimed_twice(claimed: pl.DataFrame) -> pl.DataFrame:
    """CRT-4: of several claims of a learner for a qualification in a series, which only a learner who was merged can
    have (REG-8), the first received is awarded."""
    place = pl.struct("received", "claim_id").rank("ordinal").over(_LEARNER)
    return claimed.filter(place > 1).select("claim_id", about=pl.lit(""), reason=pl.lit("CLAIMED_TWICE"))


# --- Claims that are taken back, or cannot be ------------------------------------------------------------------------


def withdrawn(issued: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """CRT-5, AWD-4: the awards (`AWARDS`) that were issued as pending and whose claim was withdrawn before there was a
    result: refused as that. Who has claimed again since is answered by that claim. `claims`: those in force in the
    series (`rules.frames.CLAIMS`)."""
    waited = issued.filter(pl.col("outcome") == terms.PENDING).select(
        pl.col(name).cast(kind) for name, kind in AWARDS.items()
    )
    again = ["centre", "uci", "option"]
    return (
        waited.join(claims, left_on="claim_id", right_on="id", how="anti", maintain_order="left")
        .join(claims, left_on=["centre", "uci", "cash_in"], right_on=again, how="anti", maintain_order="left")
        .with_columns(
            pl.lit(terms.NOT_ELIGIBLE).alias("outcome"), pl.lit("CLAIM_WITHDRAWN").alias("reason"),
            pl.lit("").alias("about"), pl.lit(value=False).alias("performance"),
        )
    )  # fmt: skip


def awarded_already(options: pl.DataFrame, issued: pl.DataFrame, found: Found) -> pl.DataFrame:
    """CRT-5: a claim that has been processed into a result cannot be withdrawn. `options`: a row an option, with
    `action`; `issued`: `rules.frames.ISSUED`. Returns the rows it refuses."""
    declined = options.filter(pl.col("action") == "withdraw").join(
        issued, on=["centre", "series", "uci", "option"], how="semi", maintain_order="left"
    )
    found.rows(f.CLAIM_AWARDED, declined.select("file", "line", "candidate", "option", pl.col("option").alias("value")))
    return declined


def result_out(options: pl.DataFrame, final: pl.DataFrame, found: Found) -> pl.DataFrame:
    """REG-9: an entry whose result is out cannot be withdrawn. `options`: a row an option, with `action`; `final`:
    `rules.frames.FINAL`. Returns the rows it refuses."""
    rests = options.filter(pl.col("action") == "withdraw").join(
        final.filter("out"), on=["centre", "series", "uci", "option"], how="semi", maintain_order="left"
    )
    found.rows(f.RESULT_OUT, rests.select("file", "line", "candidate", "option", pl.col("option").alias("value")))
    return rests
