"""What the accepted files of a round change: options added, ended and kept, with what they cost.

A file states all that its candidates hold, so what it leaves out ends (FIL-3); a feed states only what changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
from attrs import field, frozen

from parsers.findings import Reach
from rules import certification, details, fees, identity, resting, terms
from rules import findings as f
from rules.catalogue import LONDON, Series, day_text, instant_text
from rules.deadlines import deadline
from rules.frames import Frame
from rules.rounds import Round

ADDED = {
    "file": pl.UInt32,
    "line": pl.UInt32,
    "candidate": pl.String,
    "name": pl.String,
    "born": pl.Date,
    "sex": pl.String,
    "uci": pl.String,
    "uci_in_force": pl.String,
    "upn": pl.String,
    "uln": pl.String,
    "option": pl.String,
    "kind": pl.String,
    "band": pl.String,
    "pence": pl.Int64,
    "entry_pence": pl.Int64,
    "placeholder": pl.Boolean,
}
ENDED = {"file": pl.UInt32, "id": pl.Int64, "candidate": pl.String, "option": pl.String, "refund": pl.Int64}
_SCHEMAS: dict[str, Frame] = {"added": ADDED, "ended": ENDED, "versions": details.VERSIONS, "dropped": details.DROPPED}
_NOTHING = {name: pl.DataFrame(schema=schema) for name, schema in _SCHEMAS.items()}


@frozen(kw_only=True)
class Change:
    """What one file changes. Frames hold a row per option of a candidate:

    `added`: `line`, `candidate`, `name`, `born`, `sex`, `uci` (as it stands in the file), `uci_in_force`, `upn`, `uln`,
    `option`, `kind`, `band`, `pence`, `entry_pence`, `placeholder`. `versions` and `dropped`: what changes in the
    details of learners (`rules.details`). `ended`: `id` (of the ledger), `candidate`, `option`, `refund` (pence, not
    negative). `kept` counts options that were held before and stay; `applied`, options that are in force after it and
    candidates of whom nothing was refused; `charges` is what the file costs.
    """

    candidates: int = 0
    candidates_refused: int = 0
    options_refused: int = 0
    applied: int = 0
    kept: int = 0
    added: pl.DataFrame = field(repr=False, default=_NOTHING["added"])
    ended: pl.DataFrame = field(repr=False, default=_NOTHING["ended"])
    versions: pl.DataFrame = field(repr=False, default=_NOTHING["versions"])
    dropped: pl.DataFrame = field(repr=False, default=_NOTHING["dropped"])
    charges: tuple[fees.Charge, ...] = ()

    @property
    def pence(self) -> int:
        """What the file costs: charges less refunds, in pence (FEE-5)."""
        return sum(charge.pence for charge in self.charges)


@frozen(kw_only=True)
class Changes:
    """What the files of a round change. `standing`: the files that nothing stops as a whole. The counts are by file."""

    standing: list[int]
    candidates: Mapping[int, int]
    candidates_refused: Mapping[int, int]
    unread: Mapping[int, int]
    options_refused: Mapping[int, int]
    applied: Mapping[int, int]
    kept: Mapping[int, int]
    added: Mapping[int, pl.DataFrame]
    ended: Mapping[int, pl.DataFrame]
    versions: Mapping[int, pl.DataFrame]
    dropped: Mapping[int, pl.DataFrame]
    charges: Mapping[int, tuple[fees.Charge, ...]]

    def of(self, file: int) -> Change:
        """What one file changes."""
        # Shifted records are refused without being read, so they are not among the candidates.
        unread = self.unread.get(file, 0)
        return Change(
            candidates=self.candidates.get(file, 0) + unread,
            candidates_refused=self.candidates_refused.get(file, 0) + unread,
            options_refused=self.options_refused.get(file, 0),
            applied=self.applied.get(file, 0),
            kept=self.kept.get(file, 0),
            added=self.added.get(file, _NOTHING["added"]),
            ended=self.ended.get(file, _NOTHING["ended"]),
            versions=self.versions.get(file, _NOTHING["versions"]),
            dropped=self.dropped.get(file, _NOTHING["dropped"]),
            charges=self.charges.get(file, ()),
        )


_CANDIDATE = ["file", "candidate"]
_OPTION = ["file", "candidate", "option"]


def changes(current: Round, records: pl.DataFrame, options: pl.DataFrame) -> Changes:
    """Applies what is not refused: an option not held before is added, a held one the candidate's records no longer
    name is ended (FIL-3). `records` and `options` are those of the round, once every rule has judged them."""
    found = current.found
    standing = _standing(current)
    candidates = records.select(_CANDIDATE).unique()
    refused, refused_options = found.refused_candidates(), found.refused_entries()
    accepted = candidates.join(refused, on=_CANDIDATE, how="anti").filter(pl.col("file").is_in(standing))
    stated = options.join(accepted, on=_CANDIDATE, how="semi", maintain_order="left")
    good = stated.join(refused_options, on=_OPTION, how="anti", maintain_order="left")
    entered, withdrawn = good.filter(pl.col("action") == "enter"), good.filter(pl.col("action") == "withdraw")
    held = _held(accepted, current)
    ended = _undeclined(_ended(held, stated, withdrawn, current), records, current)
    ended = _refunded(resting.free(ended, records, current), current)
    # A candidate whose records name no option is applied too: that is a withdrawal.
    untouched = accepted.join(found.refused_entries(), on=_CANDIDATE, how="anti")
    _tell_not_held(withdrawn, held, current)
    _tell_nothing_held(accepted, stated, held, records, current)
    added = _priced(entered.join(held, on=_OPTION, how="anti", maintain_order="left"), records, current)
    added = _transferred(added, ended, current)
    versions = details.versions(records, accepted, added, ended, current)
    _tell_withdrawn(ended, records, current)
    _tell_late_fees(added, current)
    _tell_registered_already(added, ended, current)
    not_marks = refused.filter(~pl.col("file").is_in(current.of_marks))
    return Changes(
        standing=standing,
        candidates=_count(candidates),
        candidates_refused=_count(refused.join(candidates, on=_CANDIDATE, how="semi")),
        unread=_count(not_marks.join(candidates, on=_CANDIDATE, how="anti")),
        options_refused=_count(found.refused_entries().join(refused, on=_CANDIDATE, how="anti")),
        applied=_count(pl.concat([frame.select("file") for frame in (entered, untouched, versions, ended)])),
        kept=_count(entered.join(held, on=_OPTION, how="semi")),
        added=by_file(added),
        ended=by_file(ended),
        versions=by_file(versions),
        dropped=by_file(details.dropped(added, ended, current)),
        charges=fees.charges(added, ended),
    )


def _standing(current: Round) -> list[int]:
    """The files that no finding stops as a whole, and that say something (FIL-8)."""
    stopping, found = {Reach.HOLD, Reach.FILE}, current.found
    return [
        file
        for file in current.series
        if not found.reaches(file) & stopping and not found.made(file, f.ALREADY_PROCESSED, f.FILE_SAYS_NOTHING)
    ]


def _held(accepted: pl.DataFrame, current: Round) -> pl.DataFrame:
    """What the accepted candidates hold already in the file's series: `file`, `candidate`, `option`, `id`,
    `entry_pence`, `pence`."""
    where = pl.DataFrame(
        [(file, current.arrivals[file].centre, series.id) for file, series in current.series.items()],
        schema={"file": pl.UInt32, "centre": pl.String, "series": pl.String},
        orient="row",
    )
    free = {"pence": pl.lit(0, pl.Int64), "entry_pence": pl.lit(0, pl.Int64)}
    columns = ["id", "centre", "series", "candidate", "option", "pence", "entry_pence"]
    known = current.known
    both = pl.concat([known.registrations.with_columns(**free).select(columns), known.entries.select(columns)])
    mine = accepted.join(where, on="file")
    return mine.join(both, on=["centre", "series", "candidate"]).select(*_OPTION, "id", "pence", "entry_pence")


# --- What ends -------------------------------------------------------------------------------------------------------


def _ended(held: pl.DataFrame, stated: pl.DataFrame, withdrawn: pl.DataFrame, current: Round) -> pl.DataFrame:
    """FIL-3: what a file's candidates hold and it no longer states, and what a feed withdraws."""
    left_out = held.filter(~pl.col("file").is_in(current.feeds)).join(
        stated, on=_OPTION, how="anti", maintain_order="left"
    )
    return pl.concat([left_out, held.join(withdrawn, on=_OPTION, how="semi", maintain_order="left")])


def _undeclined(ended: pl.DataFrame, records: pl.DataFrame, current: Round) -> pl.DataFrame:
    """CRT-5, REG-9: what ends, without the claims and entries that files leave out though their results are out: these
    stay."""
    issued, final = current.known.issued, current.known.final
    if issued.is_empty() and final.is_empty():
        return ended
    whose = records.group_by(_CANDIDATE).agg(pl.col("line", "centre", "series", "uci").first())
    claims = ended.join(whose, on=_CANDIDATE).with_columns(pl.lit("withdraw").alias("action"))
    declined = pl.concat([
        certification.awarded_already(claims, issued, current.found),
        certification.result_out(claims, final, current.found),
    ])  # fmt: skip
    return ended.join(declined, on=_OPTION, how="anti", maintain_order="left")


def _refunded(ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """Ended options with what comes back for them (FEE-4): the entry fee in time, never the surcharge."""
    paid_back = [
        file
        for file, series in current.series.items()
        if fees.refund_share(series, current.arrivals[file].received, current.catalogue)
    ]
    refund = pl.when(pl.col("file").is_in(paid_back)).then(pl.min_horizontal("pence", "entry_pence")).otherwise(0)
    return ended.with_columns(refund.cast(pl.Int64).alias("refund")).select(*ENDED)


def _tell_not_held(withdrawn: pl.DataFrame, held: pl.DataFrame, current: Round) -> None:
    """What a feed withdraws though nobody holds it."""
    not_held = withdrawn.join(held, on=_OPTION, how="anti", maintain_order="left")
    current.found.rows(
        f.NOT_HELD, not_held.select("file", "line", "candidate", pl.col("option").alias("value"), "option")
    )


def _tell_nothing_held(
    accepted: pl.DataFrame, stated: pl.DataFrame, held: pl.DataFrame, records: pl.DataFrame, current: Round
) -> None:
    """Whom an amendment withdraws from everything though they hold nothing; a feed names each option."""
    titles = {
        file: series.title
        for file, series in current.series.items()
        if (kind := current.arrivals[file].submission.type) and kind.letter == "A"
    }
    blank = accepted.filter(pl.col("file").is_in(list(titles)))
    for others in (stated, held, current.found.refused_entries()):
        blank = blank.join(others, on=_CANDIDATE, how="anti")
    lines = records.group_by(_CANDIDATE).agg(pl.col("line").min())
    told = blank.join(lines, on=_CANDIDATE).sort(_CANDIDATE)
    value = pl.col("file").replace_strict(titles, return_dtype=pl.String, default="").alias("value")
    current.found.rows(f.NOTHING_HELD, told.select("file", "line", "candidate", value))


def _tell_withdrawn(ended: pl.DataFrame, records: pl.DataFrame, current: Round) -> None:
    """What a file has withdrawn by leaving it out; a feed says itself what it withdraws."""
    lines = records.group_by(_CANDIDATE).agg(pl.col("line").min())
    withdrawn = (
        ended.filter(~pl.col("file").is_in(current.feeds))
        .sort(_OPTION)
        .group_by(_CANDIDATE, maintain_order=True)
        .agg(pl.col("option").str.join(", ").alias("value"))
        .join(lines, on=_CANDIDATE, maintain_order="left")
    )
    current.found.rows(f.WITHDRAWN, withdrawn.select("file", "line", "candidate", "value"))


# --- What is added ---------------------------------------------------------------------------------------------------


def _priced(new: pl.DataFrame, records: pl.DataFrame, current: Round) -> pl.DataFrame:
    """New options with the learner's details and their price (FEE-1, FEE-2, FEE-5)."""
    if not current.series or new.is_empty():
        return pl.DataFrame(schema=ADDED)
    bands = {file: _band(file, current) for file in current.series}
    days = {file: current.arrivals[file].received.astimezone(LONDON).date() for file in current.series}
    of_files = pl.DataFrame(
        {"file": list(bands), "own_band": list(bands.values()), "day": list(days.values())},
        schema={"file": pl.UInt32, "own_band": pl.String, "day": pl.Date},
    )
    spared = _spared(new, current).with_columns(pl.lit(terms.ON_TIME).alias("spared"))
    said = records.select(
        "file", "line", "centre", "uci_said", "upn", "uln", pl.col("kept").alias("name"), "born", "sex"
    )
    held = identity.held_details(current.known.registrations)
    # A feed has no details: what it registers is of a learner whose details the centre has given.
    people = (
        said.join(new.select("file", "line", "uci").unique(), on=["file", "line"])
        .join(held, on=["centre", "uci"], how="left")
        .with_columns(
            pl.when(pl.col("name").is_null()).then(pl.col(f"held_{name}")).otherwise(pl.col(name)).alias(name)
            for name in identity.DETAILS
        )
    )
    new = new.rename({"uci": "uci_in_force"})
    return (
        new.join(of_files, on="file", maintain_order="left")
        .join(
            spared.rename({"uci": "uci_in_force"}),
            on=["file", "uci_in_force", "registration"],
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.coalesce("spared", "own_band").alias("band"))
        .join(people.select("file", "line", *identity.DETAILS), on=["file", "line"], maintain_order="left")
        .join(_tariff(bands, days, current), on=["day", "kind", "band"], maintain_order="left")
        .with_columns(uci=pl.col("uci_said"))
        .select(*ADDED)
    )


def _transferred(added: pl.DataFrame, ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """REG-8: an amendment of registrations that drops a qualification and adds another transfers the learner: of the
    new fee only what is more than that of the one dropped is charged, and nothing comes back where it is less."""
    files = [
        file
        for file, series in current.series.items()
        if series.purpose == terms.REGISTRATION
        and (kind := current.arrivals[file].submission.type) is not None
        and kind.letter == "A"
    ]
    dropped = ended.filter(pl.col("file").is_in(files)).join(current.known.registrations.select("id", "since"), on="id")
    if dropped.is_empty():
        return added
    prices = {
        since: current.catalogue.fee(terms.REGISTRATION, terms.ON_TIME, since).pence
        for since in dropped["since"].unique()
    }
    nth = pl.int_range(pl.len()).over(_CANDIDATE).alias("nth")
    worth = pl.col("since").replace_strict(prices, return_dtype=pl.Int64).alias("worth")
    paid = dropped.sort("option").with_columns(worth, nth).select(*_CANDIDATE, "nth", "worth")
    less = (pl.col("pence") - pl.col("worth").fill_null(0)).clip(0)
    return (
        added.with_columns(nth)
        .join(paid, on=[*_CANDIDATE, "nth"], how="left", maintain_order="left")
        .with_columns(pence=less, entry_pence=pl.min_horizontal("entry_pence", less))
        .select(*ADDED)
    )


def _band(file: int, current: Round) -> terms.Band:
    """The band a file's entries are charged in, by its receipt (FEE-1)."""
    arrival = current.arrivals[file]
    series, extensions = current.series[file], current.known.extensions
    return fees.band_of(series, arrival.received, current.catalogue, arrival.centre, extensions)


def _spared(new: pl.DataFrame, current: Round) -> pl.DataFrame:
    """Who is spared the late fee, as `fees.january_sitters` says it."""
    exempt = {
        file: january for file, series in current.series.items() if (january := _exempt_from(file, series, current))
    }
    return fees.january_sitters(new, exempt, current.known.sat, current.catalogue)


def _exempt_from(file: int, series: Series, current: Round) -> str | None:
    arrival = current.arrivals[file]
    return fees.exempt_from(series, arrival.received, current.catalogue, arrival.centre, current.known.extensions)


def _tariff(bands: Mapping[int, terms.Band], days: Mapping[int, date], current: Round) -> pl.DataFrame:
    """The prices of the days on which files were received, in the bands they need. Files of one day have one tariff."""
    received = {days[file]: current.arrivals[file].received for file in days}
    return pl.concat(
        fees.prices(band, received[day], current.catalogue).with_columns(pl.lit(day).alias("day"))
        for day in sorted(received)
        for band in sorted({terms.ON_TIME, *(bands[file] for file in bands if days[file] == day)})
    )


def _tell_late_fees(added: pl.DataFrame, current: Round) -> None:
    """Tells a file why it is charged a late fee, where it is."""
    charged = (pl.col("band") != terms.ON_TIME) & (pl.col("pence") > 0)
    for file in added.filter(charged)["file"].unique().sort():
        series, arrival, band = current.series[file], current.arrivals[file], _band(file, current)
        received, theirs = arrival.received, (current.catalogue, arrival.centre, current.known.extensions)
        on_time = deadline(series, "on_time_deadline", received, *theirs)
        if on_time:
            current.found.add(
                f.LATE_FEE,
                value=band.replace("_", " "),
                file=file,
                received=instant_text(received),
                why=fees.why(series, received, band, *theirs),
                deadline=day_text(on_time.day),
                version=on_time.version,
            )


def _tell_registered_already(added: pl.DataFrame, ended: pl.DataFrame, current: Round) -> None:
    """REG-8, FEE-4: a registration that is charged although the learner has one for the qualification: at another
    centre, of which nothing else is told, or at this one in another year."""
    charged = added.filter(pl.col("kind") == terms.REGISTRATION, pl.col("pence") > 0)
    if charged.is_empty():
        return
    centres = pl.DataFrame(
        [(file, current.arrivals[file].centre) for file in charged["file"].unique().sort()],
        schema={"file": pl.UInt32, "centre": pl.String}, orient="row",
    )  # fmt: skip
    left = current.known.registrations.join(ended.select("id"), on="id", how="semi")
    held = (
        current.known.registered(charged["uci_in_force"].unique().to_list())
        .join(left, on=["centre", "series", "uci", "option"], how="anti")
        .select(
            pl.col("centre").alias("at"), pl.col("series").alias("since"), pl.col("uci").alias("uci_in_force"), "option"
        )
    )
    here = pl.col("at") == pl.col("centre")
    year = pl.col("since").str.slice(0, 4).cast(pl.Int32)
    rows = (
        charged.join(centres, on="file")
        .join(held, on=["uci_in_force", "option"])
        .sort("file", "line", "option", ~here, "since", descending=[False, False, False, False, True])
        .unique(["file", "line", "option"], keep="first", maintain_order=True)
        .with_columns(
            where=pl.when(here).then(pl.format("at your centre since {}/{}", year, (year + 1) % 100))
            .otherwise(pl.lit("at another centre"))
        )
    )  # fmt: skip
    current.found.rows(
        f.REGISTERED_ALREADY,
        rows.select("file", "line", "candidate", pl.col("option").alias("value"), "option", "where"),
    )


# --- By file ---------------------------------------------------------------------------------------------------------


def _count(frame: pl.DataFrame) -> dict[int, int]:
    return dict(frame.group_by("file").len().iter_rows())


def by_file(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """The rows of each file."""
    return {int(part["file"][0]): part for part in frame.partition_by("file", maintain_order=True)}
