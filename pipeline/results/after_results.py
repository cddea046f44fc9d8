"""What comes after results day: later claims (CRT-6), and updated files on request (RES-3)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import polars as pl
from attrs import evolve, frozen

from infra.ledger.actions import Action
from infra.ledger.results import Awarding, ReleaseFile
from parsers.reply import encode
from pipeline.awarding.award import AwardError, award_claims
from pipeline.awarding.late_marks import adjust_late
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.results.difference_approval import sealed_or_refused
from pipeline.results.embargo import ReleaseError, checked, publish, put_away
from pipeline.results.release import booked, is_released, next_numbers, release_claims
from pipeline.results.result_files import ResultFile, changes, note, read_back, records, result_files, typed
from pipeline.steps import REQUEST_BOOKED
from rules import terms
from rules.catalogue import Series, instant_text
from rules.frames import rows_by_centre

log = logging.getLogger(__name__)


# --- Later claims ----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Late:
    """What came of later claims, in counts: `claims` and `awarded` of the awardings that this run published; `errors`:
    the series for which it could not be done, and why."""

    published: int = 0
    claims: int = 0
    awarded: int = 0
    errors: tuple[str, ...] = ()

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        feeds = f"{self.claims:,} later claims decided, {self.awarded:,} awarded, in {self.published} portal feeds."
        return " ".join([feeds, *(f"NOT DONE: {error}." for error in self.errors)])


@journaled
def late_claims(desk: Desk, now: datetime) -> Late:
    """CRT-6, RES-3: awards what was claimed since the results of each released series, and publishes it in the portal
    within the run; R files change on request only (`updated`). What a run that died has left is published first. If a
    series cannot be done, the others still are."""
    done, errors = [], []
    for series in desk.catalogue.all_series():
        if is_released(desk, series.id):
            try:
                done += [release_claims(desk, awarding, now).awarding for awarding in _waiting(desk, series)]
                adjust_late(desk, series, now)
                awarded = award_claims(desk, series, now)
                if awarded and awarded.awarding.state != terms.RELEASED:
                    done.append(release_claims(desk, awarded.awarding, now).awarding)
            except (AwardError, ReleaseError) as error:
                errors.append(f"{series.title}: {error}")
    late = Late(
        published=len(done),
        claims=sum(awarding.counts["claims"] for awarding in done),
        awarded=sum(awarding.counts["awarded"] for awarding in done),
        errors=tuple(errors),
    )
    log.info("%s", late.note())
    return late


def _waiting(desk: Desk, series: Series) -> list[Awarding]:
    return [
        awarding
        for awarding in desk.results.every(series.id)
        if awarding.kind == terms.LATE_CLAIMS and awarding.state not in (terms.RELEASED, terms.WITHDRAWN)
    ]


# --- Updated files ---------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Updated:
    """What came of a request for updated files: `files` are the places of those written, `unchanged` the centres whose
    last file is still right."""

    series: str
    files: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    def note(self) -> str:
        """The outcome in a line, for the run's note and whoever asked."""
        same = f" Nothing has changed for {', '.join(self.unchanged[:10])}" if self.unchanged else ""
        more = f" and {len(self.unchanged) - 10} more" if len(self.unchanged) > 10 else ""
        end = ": the last file still holds." if self.unchanged else ""
        return f"Results {self.series}: {len(self.files)} updated files written.{same}{more}{end}"


@journaled
def updated(
    desk: Desk, centres: Sequence[str], now: datetime, series: Series, who: str, why: str, how: str = terms.STATED
) -> Updated:
    """RES-3, OPS-3: each of these centres for which something has changed since its last R file gets a complete new
    one, under the next number, and a note of what changed beside it (`<name>.txt`); the request is recorded. `now`
    (aware) dates the files. Nothing goes out while the record is not as it was sealed (OPS-7). What a run that died
    has left is published by the next. Raises `ReleaseError`."""
    with_name_and_reason(who, why, ReleaseError)
    with desk.results.alone():
        base = _released(desk, series)
        sealed_or_refused(desk, base, now)
        _publish_left(desk, base, now)
        asked = sorted(set(centres))
        mine = pl.col("centre").is_in(asked)
        results, awards = (frame.filter(mine) for frame in typed(desk.results.current(series.id, released=True)))
        known = desk.results.ulns(), desk.results.own_numbers(series.id)
        of = records(results, awards, *known, desk.catalogue, base.at)
        unknown = sorted(set(asked) - set(of["centre"].unique()))
        if unknown:
            raise ReleaseError(f"there are no results of {series.title} for centre {', '.join(unknown[:10])}")
        last = desk.results.last_files(series.id, asked)
        contents = checked(desk.store, last)
        before = read_back({_name(file): contents[file.place] for file in last})
        changed = changes(before, of)
        sequences = next_numbers(desk, series, changed["centre"].unique().sort())
        made = list(result_files(of.filter(pl.col("centre").is_in(list(sequences))), series, sequences, now))
        replaced = {file.centre: _name(file) for file in last}
        _write(desk, base, series, made, changed, replaced, Action(
            at=now, who=who, how=how, why=why, action="results_updated", centre="", series=series.id
        ))  # fmt: skip
        _publish_left(desk, base, now)
    done = Updated(
        series=series.id,
        files=tuple(f"outbox/{file.centre}/{file.name}" for file in made),
        unchanged=tuple(centre for centre in asked if centre not in sequences),
    )
    log.info("%s", done.note())
    return done


def _released(desk: Desk, series: Series) -> Awarding:
    """Everybody's results as they were released."""
    every = [awarding for awarding in desk.results.every(series.id) if awarding.kind in terms.DECIDED_KINDS]
    waiting = [awarding for awarding in every if awarding.state in (terms.BUILT, terms.APPROVED)]
    released = [awarding for awarding in every if awarding.state == terms.RELEASED]
    if waiting or not released:
        raise ReleaseError(
            f"the results of {series.title} are not released yet, to centres and learners: an updated file would show "
            f"what is under embargo (RES-2)"
        )
    return released[-1]


def _publish_left(desk: Desk, base: Awarding, now: datetime) -> None:
    publish(desk, base, [file for file in desk.results.due_files(base) if file.published_at is None], now)


def _name(file: ReleaseFile) -> str:
    return file.place.rpartition("/")[2]


def _write(
    desk: Desk,
    base: Awarding,
    series: Series,
    made: Sequence[ResultFile],
    changed: pl.DataFrame,
    replaced: dict[str, str],
    action: Action,
) -> None:
    """Writes files and notes under embargo, and books them with the request in one transaction; after that they are
    published by this run or the next."""
    of_centre = rows_by_centre(changed)
    files, contents, actions = [], dict[str, bytes](), []
    for new in made:
        place = f"outbox/{new.centre}/{new.name}"
        its = of_centre[new.centre]
        text = encode(list(note(new, replaced.get(new.centre, ""), series, instant_text(action.at), its)))
        file = booked(base, series, place, terms.CENTRES, new.data, new.records, new.centre, new.sequence)
        beside = booked(base, series, f"{place}.txt", terms.CENTRES, text, its.height, new.centre)
        files += [file, beside]
        contents |= {file.embargoed: new.data, beside.embargoed: text}
        actions.append(evolve(action, centre=new.centre, file_name=new.name))
    put_away(desk.store, contents)
    desk.results.add_files(files, actions)
    REQUEST_BOOKED.passed()
