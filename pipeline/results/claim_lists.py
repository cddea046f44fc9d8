"""Claims that nobody should forget (OPS-5): who has everything for an award and has not claimed it, and what each
choice would come to, for each centre as text and CSV, and in total for staff."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl
from attrs import evolve, frozen

from pipeline.awarding.award import ground, judge
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.register import named, title
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.results.release import is_released
from pipeline.steps import CLAIMS_LISTED
from rules import terms
from rules.awarding import parts
from rules.catalogue import Milestone, Series, instant_text
from rules.checkpoints import NO_CASH_IN, without_result
from rules.choices import CHOICES, LATER, NOW, choices, complete, hypothetical
from rules.entries import SITTINGS_ALLOWED
from rules.frames import rows_by_centre

log = logging.getLogger(__name__)

CLAIM_REPORTS = "reports/claims/"
WIDTH = 96


@frozen(kw_only=True)
class Listed:
    """A list of claims to make, in counts."""

    series: str
    learners: int
    centres: int
    may_resit: int

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        return (
            f"{self.series}: {self.learners:,} learners at {self.centres:,} centres have everything for an award and "
            f"have not claimed it; {self.may_resit:,} of them may also resit."
        )


@journaled
def claim_lists(desk: Desk, series: Series, now: datetime) -> Listed:
    """OPS-5: writes to every centre concerned `claims-<series>.txt` and `.csv`, and for staff
    `reports/claims/<series>.csv` and `.html` without names, as things stand at `now` (aware): by the results once they
    are released, before that by the entries alone. A centre that had a list and has nobody on it any more is told
    so."""
    released = is_released(desk, series.id)
    rows = unclaimed(desk, series, now) if released else _by_entries(desk, series)
    after = _next(desk, series)
    names = desk.accounts.registered().select("centre", "uci", pl.col("option").alias("registration"), "name")
    titles = desk.catalogue.options(series).select(pl.col("option").alias("cash_in"), "title")
    listed = (
        rows.join(names, on=["centre", "uci", "registration"], how="left", maintain_order="left")
        .join(titles, on="cash_in", how="left", maintain_order="left")
        .with_columns(pl.col("name", "title").fill_null(""))
    )
    of_centre = rows_by_centre(listed)
    name = f"claims-{series.id}"
    had = {stored.key.split("/")[1] for stored in desk.store.list("outbox/") if stored.key.endswith(f"/{name}.txt")}
    dates = _Dates.of(desk, series, after, now)
    for centre in sorted(of_centre.keys() | had):
        mine = of_centre.get(centre, listed.clear())
        place = f"outbox/{centre}/{name}"
        desk.put(CLAIMS_LISTED, f"{place}.csv", csv_bytes(_table(mine, dates)))
        text = "\n".join(_letter(mine, title(desk, centre), series, dates, now)) + "\n"
        desk.put(CLAIMS_LISTED, f"{place}.txt", text.encode())
    counts = Listed(
        series=series.id,
        learners=listed.filter(pl.col("choice") == NOW).height,
        centres=len(of_centre),
        may_resit=listed.filter(pl.col("choice") == LATER).height,
    )
    _report(desk, series, listed, dates, counts, now)
    log.info("%s", counts.note())
    return counts


# --- Who -------------------------------------------------------------------------------------------------------------


def unclaimed(desk: Desk, series: Series, now: datetime) -> pl.DataFrame:
    """Who would be awarded in a series whose results are out, and what each choice would come to (`CHOICES`), at the
    centre that can claim it: where the learner is registered now, under the candidate number there (REG-8)."""
    rests_on, components = ground(desk, series), parts(desk.catalogue)
    out = desk.results.current(series.id, released=True)["results"]
    # Of a learner with a result that is pending or withheld, nothing is said.
    key = ["uci", "registration"]
    out = out.select(pl.col("centre", "candidate", *key, "outcome").cast(pl.String))
    out = out.join(out.filter(pl.col("outcome") == terms.PENDING), on=key, how="anti")
    claims = hypothetical(out, rests_on.claims, components).with_columns(
        received=pl.lit(now).cast(rests_on.claims.schema["received"]), channel=pl.lit(terms.ONLINE)
    )
    later = desk.results.later(series.id, unclaimed=True)
    asked = evolve(rests_on, claims=claims.select(rests_on.claims.columns), later=later)
    judged = judge(asked, desk.catalogue, now)
    whole = _where_registered(complete(judged.awards), desk.accounts.registered())
    counting = judged.choices.filter("counts").select(pl.col("uci", "registration", "component").cast(pl.String), "ums")
    after = _next(desk, series)
    held = desk.accounts.held(after.id).select("uci", pl.col("option").alias("component")) if after else None
    taken = desk.accounts.sittings(series.id).filter(~pl.col("absent"))
    return choices(
        whole,
        counting.join(whole.select(key), on=key, how="semi"),
        taken.select("uci", pl.col("option").alias("component")),
        desk.actions.allowances(whole["centre"].unique().sort().to_list()),
        pl.DataFrame(schema={"uci": pl.String, "component": pl.String}) if held is None else held,
        components.with_columns(pl.col("component").cast(pl.String)),
        _maxima(desk, after, now),
        desk.catalogue.scale(terms.QUALIFICATION, now),
        SITTINGS_ALLOWED,
    )


def _where_registered(whole: pl.DataFrame, registered: pl.DataFrame) -> pl.DataFrame:
    """Learners (`COMPLETE`), those who are not registered any more where they sat at the centre where they are."""
    at = registered.rename({"option": "registration"})
    learner = ["uci", "registration"]
    gone = whole.select("centre", *learner).join(at, on=["centre", *learner], how="anti")
    now = (
        at.join(gone, on=learner, how="semi")
        .sort("centre", *learner)
        .unique(learner, keep="first", maintain_order=True)
        .select(*learner, pl.col("centre").alias("centre_now"), pl.col("candidate").alias("candidate_now"))
    )
    return (
        whole.join(now, on=learner, how="left", maintain_order="left")
        .with_columns(pl.coalesce(f"{name}_now", name).alias(name) for name in ("centre", "candidate"))
        .select(whole.columns)
    )


def _by_entries(desk: Desk, series: Series) -> pl.DataFrame:
    """Who will have everything when a series ends, by the entries alone (`CHOICES`, without UMS): claims to make now. A
    learner who missed the resit of an external that still stands is not on it (CRT-2)."""
    accounts = desk.accounts
    sittings, marked = accounts.sittings(series.id), accounts.marked(series.id)
    found = without_result(
        accounts.held(series.id), accounts.registered(), sittings, marked, _NOBODY_REFUSED, series, desk.catalogue
    ).filter(pl.col("code") == NO_CASH_IN.code)
    components = parts(desk.catalogue).filter("external").select("component", "registration")
    missed = marked.filter(pl.col("status") == "A").join(components, on="component").select("uci", "registration")
    before = sittings.filter((pl.col("series") < series.id) & ~pl.col("absent"))
    stands = before.join(components, left_on="option", right_on="component").select("uci", "registration")
    missed = missed.join(stands, on=["uci", "registration"], how="semi")
    return found.join(missed, on=["uci", "registration"], how="anti", maintain_order="left").select(
        (
            pl.col("option" if name == "cash_in" else name)
            if name in ("centre", "candidate", "uci", "registration", "cash_in")
            else pl.lit(NOW if name == "choice" else "" if kind == pl.String else None)
        )
        .cast(kind)
        .alias(name)
        for name, kind in CHOICES.items()
    )


_NOBODY_REFUSED = pl.DataFrame(schema={"centre": pl.String, "candidate": pl.String})


def _next(desk: Desk, series: Series) -> Series | None:
    """The exam series after one."""
    return next((other for other in desk.catalogue.all_series() if other.id > series.id), None)


def _maxima(desk: Desk, after: Series | None, now: datetime) -> pl.DataFrame:
    """The most UMS of every component, and whether it can still be entered in the series after."""
    closes = desk.catalogue.milestone(after, "window_closes", now) if after else None
    is_open = closes is not None and now < closes.at
    rows = [
        (part.code, part.ums_max, is_open and after is not None and part.why_not(after) is None)
        for qualification in desk.catalogue.qualifications
        for part in qualification.components
    ]
    return pl.DataFrame(rows, schema={"component": pl.String, "ums_max": pl.Int32, "offered": pl.Boolean}, orient="row")


# --- What they are told ----------------------------------------------------------------------------------------------


@frozen
class _Dates:
    """Until when claims can be made, in this series and the one after."""

    closes: Milestone | None
    after: Series | None
    by_file: Milestone | None
    online: Milestone | None

    @classmethod
    def of(cls, desk: Desk, series: Series, after: Series | None, now: datetime) -> _Dates:
        """The dates in the calendar in force at `now`."""
        ask = desk.catalogue.milestone
        return cls(
            ask(series, "late_claims_close", now),
            after,
            ask(after, "window_closes", now) if after else None,
            ask(after, "late_claims_close", now) if after else None,
        )

    @property
    def now(self) -> str:
        """Until when, and how, a claim can be made in this series."""
        until = f"by {self.closes.text}" if self.closes else "at once"
        return f"online, {until}; after that only our staff can claim (CRT-1)"

    @property
    def later(self) -> str:
        """The same, in the series after."""
        title = self.after.title if self.after else "the next series"
        file = f"in a file by {self.by_file.text}" if self.by_file else "in a file"
        online = f" or online by {self.online.text}" if self.online else ""
        return f"in {title}, {file}{online}"

    def by(self, choice: str) -> str:
        """How and until when a choice is taken."""
        return {NOW: self.now, LATER: self.later}.get(choice, f"{self.now}; again {self.later}")


def _table(mine: pl.DataFrame, dates: _Dates) -> pl.DataFrame:
    return mine.select(
        "candidate", "uci", "name", pl.col("cash_in").alias("code"), "title", "choice",
        pl.col("choice").map_elements(dates.by, return_dtype=pl.String).alias("how_and_by_when"),
        "worst_ums", "worst_grade", "best_ums", "best_grade",
    )  # fmt: skip


def _letter(mine: pl.DataFrame, to: str, series: Series, dates: _Dates, now: datetime) -> Iterator[str]:
    yield f"CLAIMS {series.title} ({series.key}): complete and not claimed"
    yield f"to centre {to}, as of {instant_text(now)}"
    yield ""
    if mine.is_empty():
        yield from _wrapped("Nobody at your centre has an award left to claim in this series. Nothing to do.", 0)
        return
    yield from _wrapped(
        "These learners have everything for an award and have not claimed it. Without a claim there is no award "
        "(CRT-1, OPS-5).",
        0,
    )
    for learner in mine.partition_by("candidate", "uci", "cash_in", maintain_order=True):
        first = learner.row(0, named=True)
        yield ""
        yield f"{first['candidate']}  {first['name']:<40}  {first['cash_in']}  {first['title']}".rstrip()
        for row in learner.iter_rows(named=True):
            yield from _wrapped(_sentence(row, dates), 3)


def _sentence(row: dict[str, object], dates: _Dates) -> str:
    span = f"from {row['worst_grade']} ({row['worst_ums']} UMS) to {row['best_grade']} ({row['best_ums']} UMS)"
    entered = "The external is entered again already." if row["entered"] else "Enter the external again."
    if row["choice"] == NOW:
        award = f"{row['grade']}, {row['ums']} UMS" if row["ums"] is not None else "known on results day"
        return f"Claim now: {award}. Claim {dates.now}."
    if row["choice"] == LATER:
        return (
            f"Claim later: {span}. {entered} Claim {dates.later}. The final sitting counts, even if it is lower; from "
            f"the day of the examination on, what is here now can no longer be chosen, unless the learner misses it "
            f"(CRT-4)."
        )
    return (
        f"Both: {row['grade']}, {row['ums']} UMS, now, which stays and is the award for performance tables; and "
        f"another later, {span}. Claim {dates.now}, and again {dates.later} (CRT-4)."
    )


def _wrapped(words: str, indent: int) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_on_hyphens=False
    )


def _report(desk: Desk, series: Series, listed: pl.DataFrame, dates: _Dates, counts: Listed, now: datetime) -> None:
    """Learners by centre; no names, no candidates and no grades."""
    choice = pl.col("choice")
    by_centre = (
        listed.group_by("centre")
        .agg((choice == NOW).sum().alias("learners"), (choice == LATER).sum().alias("may_resit"))
        .sort("centre")
    )
    place = f"{CLAIM_REPORTS}{series.id}"
    desk.put(CLAIMS_LISTED, f"{place}.csv", csv_bytes(by_centre))
    facts = [
        ("Series", f"{series.title} ({series.key})"),
        ("As of", instant_text(now)),
        ("Claims", dates.now),
        ("Learners", f"{counts.learners:,}"),
        ("Who may also resit", f"{counts.may_resit:,}"),
        ("Centres", f"{counts.centres:,}"),
    ]
    shown = by_centre.rename({"centre": "Centre", "learners": "Learners", "may_resit": "May also resit"})
    grid = Grid(title="Centres", frame=named(desk, shown), numbers=["Learners", "May also resit"])
    notes = ["Every centre named here has a list with names, and with what each choice would come to."]
    desk.put(CLAIMS_LISTED, f"{place}.html", page("Complete and not claimed", facts, [grid], notes))


def due_series(desk: Desk, days_before: Sequence[int], now: datetime) -> Iterator[Series]:
    """OPS-5: the series whose list is to be written at `now` (aware): those with a reminder that has passed, so many
    days before the end of the window in the calendar in force, and no list since then. A day that is moved to within
    them forgets nobody: the next run writes the list. January's also once its results are out. Only while claims can be
    made. What was written for `now` itself counts as not written: a run that is repeated does the same."""
    for series in desk.catalogue.all_series():
        opens = desk.catalogue.milestone(series, "late_claims_open", now)
        closes = desk.catalogue.milestone(series, "late_claims_close", now)
        if opens is None or closes is None or not opens.at <= now < closes.at:
            continue
        reminders = [evolve(closes, day=closes.day - timedelta(days=days)).at for days in days_before]
        if series.month == 1 and (out := desk.results.out_since(series.id)) is not None:
            reminders.append(out)
        passed = [at for at in reminders if at <= now]
        if passed and not desk.journal.ran("claim_lists", series.id, max(passed), now):
            yield series
