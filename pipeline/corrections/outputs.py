"""What an approved correction sends out (RES-7): the portal's feeds, complete results files under the next numbers, and
a letter to each centre with what it was, what it is now, why, and how to appeal."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from infra.ledger.corrections import Case
from infra.ledger.results import Awarding, ReleaseFile
from parsers.reply import encode
from pipeline.corrections.effect import KEY
from pipeline.corrections.preview import said
from pipeline.desk import Desk
from pipeline.register import title
from pipeline.results.release import PORTAL, booked, issue, next_numbers, unlike
from pipeline.results.result_files import feeds, records, result_files, typed
from pipeline.steps import CENTRE_TOLD
from pipeline.wording import WIDTH
from rules import terms
from rules.catalogue import LONDON, PLACEHOLDER, Series, series_title
from rules.corrections import APPEAL_DAYS, KINDS
from rules.frames import rows_by_centre

log = logging.getLogger(__name__)


def issue_versions(desk: Desk, case: Case, at: datetime, now: datetime) -> None:
    """Publishes every version that a correction has made; files are dated `at`. Can be repeated."""
    for series_id, version in desk.corrections.versions(case.number):
        awarding, series = desk.results.of_version(series_id, version), desk.catalogue.series_by_id(series_id)
        assert awarding
        assert series
        issue(desk, awarding, partial(_files, desk, awarding, series, at), now)


def _files(desk: Desk, awarding: Awarding, series: Series, at: datetime) -> Iterator[tuple[ReleaseFile, bytes]]:
    """RES-1, RES-3: the feeds of what is corrected, and the results file of each centre that entered by file, complete
    with it. Learners who have nothing yet get a complete feed, in place of the one that waits for them (RES-2)."""
    corrected = typed(desk.results.frames(awarding, only=("results", "awards")))
    centres = pl.concat([frame["centre"] for frame in corrected]).unique()
    held = typed(desk.results.current(series.id, out=True))
    keys = (KEY, [*KEY[:-1], "registration"])
    results, awards = (
        pl.concat([before.filter(pl.col("centre").is_in(centres.implode())), now]).unique(
            key, keep="last", maintain_order=True
        )
        for before, now, key in zip(held, corrected, keys, strict=True)
    )
    new = pl.col("centre").is_in(list(desk.results.awaited_by_learners(series.id)))
    changed, of_claims = corrected
    for audience, of_results, of_awards in (
        (terms.CENTRES, changed, of_claims),
        (terms.LEARNERS, changed.filter(~new), of_claims.filter(~new)),
        (terms.LEARNERS, results.filter(new), awards.filter(new)),
    ):
        for feed in feeds(of_results, of_awards, series, awarding.version, desk.catalogue, at):
            if feed.audience == audience:
                place = f"{PORTAL}{audience}/{series.id}/{awarding.version}/{feed.centre}.csv"
                yield booked(awarding, series, place, audience, feed.data, feed.records, feed.centre), feed.data
    senders = sorted(desk.results.file_senders(series.key, series.awarding_body) & set(centres))
    mine = pl.col("centre").is_in(senders)
    known = desk.results.ulns(), desk.results.own_numbers(series.id)
    of = records(results.filter(mine), awards.filter(mine), *known, desk.catalogue, at)
    made = list(result_files(of, series, next_numbers(desk, series, senders), at))
    for words in unlike(desk, series, at, {file.name: file.data for file in made}):
        log.warning("results files of %s version %d: %s", series.id, awarding.version, words)
    for file in made:
        place = f"outbox/{file.centre}/{file.name}"
        yield (
            booked(awarding, series, place, terms.CENTRES, file.data, file.records, file.centre, file.sequence),
            file.data,
        )


# --- The letter ------------------------------------------------------------------------------------------------------


def tell_centres(desk: Desk, case: Case, at: datetime) -> None:
    """RES-7: a letter to each centre with a result the case is about, whatever came of it. Can be repeated."""
    effects = desk.corrections.effects(case.number)
    named = {subject.centre for subject in case.subjects if subject.centre}
    files = _new_files(desk, case)
    of_centre = rows_by_centre(effects)
    for centre in sorted(named | set(of_centre)):
        text = list(_letter(desk, case, centre, of_centre.get(centre, effects.clear()), files.get(centre, []), at))
        desk.put(CENTRE_TOLD, f"outbox/{centre}/correction-{case.number}.txt", encode(text))


def _new_files(desk: Desk, case: Case) -> Mapping[str, list[str]]:
    """The results files that the case has made, by centre."""
    found: dict[str, list[str]] = {}
    for series, version in desk.corrections.versions(case.number):
        awarding = desk.results.of_version(series, version)
        for file in desk.results.files(awarding) if awarding else ():
            if file.sequence:
                found.setdefault(file.centre, []).append(file.place.rpartition("/")[2])
    return found


def _letter(desk: Desk, case: Case, centre: str, rows: pl.DataFrame, files: list[str], at: datetime) -> Iterator[str]:
    last = case.states[-1]
    corrected = rows.filter(pl.col("choice") == terms.CORRECTED)
    left = rows.filter(pl.col("choice") == terms.LEFT_HIGHER)
    yield f"CORRECTION {case.number}  centre {title(desk, centre)}, {series_title(case.series)}"
    yield f"  Kind       {KINDS[last.kind].title}"
    yield f"  Requested  by {case.requested_by}, {case.requested_on:%-d %B %Y}"
    yield f"  Decided    {at.astimezone(LONDON):%-d %B %Y}"
    yield ""
    yield from _wrapped(f"Reason: {case.proposed.why if case.proposed else case.why}")
    yield ""
    if corrected.is_empty():
        yield from _wrapped("The results were looked at again and are confirmed: nothing has changed.")
    else:
        yield "  candidate  code     series    was                        is now"
        for row in corrected.iter_rows(named=True):
            yield (f"  {row['candidate']:<11}{row['code']:<9}{row['series']:<10}{said(row, '_before'):<27}{said(row)}")
    if not corrected.filter(pl.col("way") == terms.SAME, "performance").is_empty():
        yield ""
        yield from _wrapped(
            "An award that is what it was counts in performance tables from now on, or no longer: the learner's first "
            "counts there (CRT-4)."
        )
    if not left.is_empty():
        yield ""
        why = str(last.plan["left_higher"]).rstrip(".")
        count = f"{left.height:,} results were issued too high and stay as they are"
        single = f"The result of candidate {left['candidate'][0]} was issued too high and stays as it is"
        yield from _wrapped(f"{single if left.height == 1 else count}: {why}.")
    yield ""
    if KINDS[last.kind].withholds:
        yield from _wrapped(
            "What is withheld is shown as pending (Q) until it is decided. We write no more about it before then."
        )
        yield ""
    if files:
        yield from _wrapped(
            f"Import the new results file{'s' * (len(files) > 1)}, complete: {', '.join(files)}. Certificates with "
            f"another grade are no longer valid; send them back, and new ones follow."
        )
    until = at.astimezone(LONDON).date() + timedelta(days=APPEAL_DAYS)
    yield from _wrapped(
        f"You may appeal until {until:%-d %B %Y}{PLACEHOLDER}: write to us, with the number of this correction. It is "
        f"decided by people who had no part in it."
    )


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, break_on_hyphens=False)
