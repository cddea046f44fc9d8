"""What an approved correction sends out (RES-7): the portal's feeds, complete results files under the next numbers, and
a letter to each centre with what it was, what it is now, why, and how to appeal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from infra.ledger.corrections import Case
from infra.ledger.results import Awarding, ReleaseFile
from parsers.reply import encode
from pipeline.corrections.preview import said
from pipeline.desk import Desk
from pipeline.register import title
from pipeline.results.release import PORTAL, booked, issue, next_numbers
from pipeline.results.result_files import feeds, records, result_files, typed
from pipeline.steps import CENTRE_TOLD
from pipeline.wording import WIDTH
from rules import terms
from rules.catalogue import LONDON, PLACEHOLDER, Series, series_title
from rules.corrections import APPEAL_DAYS, KINDS


def issue_versions(desk: Desk, case: Case, at: datetime, now: datetime) -> None:
    """Publishes every version that a correction has made; files are dated `at`. Can be repeated."""
    for series_id, version in desk.corrections.versions(case.number):
        awarding, series = desk.results.of_version(series_id, version), desk.catalogue.series_by_id(series_id)
        assert awarding
        assert series
        issue(desk, awarding, partial(_files, desk, awarding, series, at), now)


def _files(desk: Desk, awarding: Awarding, series: Series, at: datetime) -> Iterator[tuple[ReleaseFile, bytes]]:
    """RES-1, RES-3: the feeds of what is corrected, and the results file of each centre that entered by file, complete
    with it."""
    corrected = typed(desk.results.frames(awarding, only=("results", "awards")))
    for feed in feeds(*corrected, series, awarding.version, desk.catalogue, at):
        place = f"{PORTAL}{feed.audience}/{series.id}/{awarding.version}/{feed.centre}.csv"
        yield booked(awarding, series, place, feed.audience, feed.data, feed.records, feed.centre), feed.data
    centres = pl.concat([frame["centre"] for frame in corrected]).unique().to_list()
    senders = sorted(desk.results.file_senders(series.key, series.awarding_body) & set(centres))
    held = typed(desk.results.current(series.id, released=True))
    keys = (["centre", "uci", "component"], ["centre", "uci", "registration"])
    whole = [
        pl.concat([before.filter(pl.col("centre").is_in(senders)), now.filter(pl.col("centre").is_in(senders))]).unique(
            key, keep="last", maintain_order=True
        )
        for before, now, key in zip(held, corrected, keys, strict=True)
    ]
    of = records(whole[0], whole[1], desk.results.ulns(), desk.catalogue, at)
    for file in result_files(of, series, next_numbers(desk, series, senders), at):
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
    of_centre = {str(part["centre"][0]): part for part in effects.partition_by("centre")}
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
    if not left.is_empty():
        yield ""
        why = str(last.plan["left_higher"]).rstrip(".")
        count = f"{left.height:,} results were issued too high and stay as they are"
        single = f"The result of candidate {left['candidate'][0]} was issued too high and stays as it is"
        yield from _wrapped(f"{single if left.height == 1 else count}: {why}.")
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
