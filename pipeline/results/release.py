"""Results day (RES-1, RES-2): the files of an awarding are built under embargo, a person approves them by the hash of
their manifest, and at the instant of the calendar they are published, first to centres, then to learners.

`build`, `approve`, `withdraw` and `release` can each die anywhere and be run again, and give the same files, once. Only
one of them runs at a time, anywhere.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, get_args

import polars as pl
from attrs import asdict, evolve, frozen

from infra.ledger.actions import Action
from infra.ledger.approvals import Signer
from infra.ledger.results import PORTAL_TO_CENTRES, Awarding, ReleaseFile
from infra.store import Missing
from parsers import importers
from pipeline.approvals import NOT_SEEN, Signature, deciders, may_decide, reasons, sign
from pipeline.awarding.balance import Balance, weigh, write
from pipeline.awarding.drift import by_centre, drift, in_words
from pipeline.desk import Desk, up_to_date
from pipeline.issued import anything_out
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.results.difference_approval import sealed_or_refused
from pipeline.results.embargo import (
    ReleaseError,
    checked,
    embargoed,
    manifest_key,
    publish,
    put_away,
    sha256_of,
)
from pipeline.results.exhibit import result_exhibit, subject_of
from pipeline.results.release_report import RESULT_REPORTS, report
from pipeline.results.result_files import feeds, records, result_files, typed
from pipeline.steps import FILES_BOOKED, KEPT_BACK, MANIFEST_PUT, NUMBERS_FREE, STATE_CHANGED
from rules import terms
from rules.basedata import basedata
from rules.catalogue import INSTANTS, PLACEHOLDER, Milestone, Series, instant_text

__all__ = [
    "Built",
    "ReleaseError",
    "Released",
    "approve",
    "build",
    "issue",
    "release",
    "release_claims",
    "withdraw",
]

log = logging.getLogger(__name__)

_WAITING = (terms.BUILT, terms.APPROVED)
PORTAL = "portal/"


# --- Built, hashed, decided ------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Built:
    """What is under embargo, in counts; `warnings`: what importers of schools would not take of it, when it was built
    just now."""

    awarding: Awarding
    files: int
    centres: int
    results: int
    warnings: tuple[str, ...] = ()

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        awarding = self.awarding
        return (
            f"Results {awarding.series} version {awarding.version}: {self.files:,} files under embargo, R files for "
            f"{self.centres:,} centres, {self.results:,} results; manifest {(awarding.manifest_sha256 or '')[:12]}."
            f"{''.join(f' Warning: {words}.' for words in self.warnings)}"
        )


@journaled
def build(desk: Desk, awarding: Awarding, now: datetime) -> Built:
    """RES-1, RES-2: writes every file of an awarding under embargo and its manifest, hashed, there and in
    `reports/results/<series>/<version>/`, and takes it from `proposed` to `built`.

    An awarding of everybody gets an R file for each centre that entered by file; every awarding gets the portal's
    feed of each centre. Contents depend on the awarding alone, not on `now` (aware). Does nothing when it is built
    already. Raises `ReleaseError`, also while another version of everybody's results waits, when the ledger says
    something else by now (AWD-5), and while something blocks (AWD-7).
    """
    series = _series(desk, awarding.series)
    warnings: tuple[str, ...] = ()
    with desk.results.alone():
        awarding = _current(desk, awarding)
        if awarding.state == terms.PROPOSED:
            _not_stale(desk, awarding)
            awarding, warnings = _build(desk, awarding, series, _balanced(desk, awarding))
        elif awarding.state == terms.WITHDRAWN:
            raise ReleaseError(f"{_named(awarding)} was withdrawn: award again")
        files = desk.results.files(awarding)
    counts = _manifest_of(desk, awarding)["counts"]
    built = Built(
        awarding=awarding, files=len(files), centres=counts["result_files"], results=counts["results"],
        warnings=warnings,
    )  # fmt: skip
    log.info("%s", built.note())
    return built


def _build(desk: Desk, awarding: Awarding, series: Series, balance: Balance | None) -> tuple[Awarding, tuple[str, ...]]:
    for other in desk.results.every(series.id):
        both = other.kind == awarding.kind and awarding.kind in terms.DECIDED_KINDS
        if other.state in _WAITING and both and other.id != awarding.id:
            raise ReleaseError(f"{_named(other)} is {other.state} and waits: release it, or withdraw it first")
        if other.state == terms.WITHDRAWN or other.id == awarding.id:
            # An awarding that was withdrawn or left half built keeps no numbers.
            desk.results.drop_files(other)
            NUMBERS_FREE.passed()
    if awarding.kind == terms.FOLLOW_UP:
        # The files of the centres that were kept back were never seen by anybody.
        desk.results.drop_kept_back(series.id)
        NUMBERS_FREE.passed()
    results, awards = typed(desk.results.frames(awarding, only=("results", "awards")))
    made = list(_files(desk, awarding, series, results, awards))
    warnings = unlike(desk, series, awarding.at, {file.place: data for file, data in made if file.sequence})
    return _put_under_embargo(desk, awarding, made, balance), warnings


def _put_under_embargo(
    desk: Desk, awarding: Awarding, made: Sequence[tuple[ReleaseFile, bytes]], balance: Balance | None = None
) -> Awarding:
    """Writes the files of an awarding under embargo with their manifest, books them, and takes it to `built`."""
    put_away(desk.store, {file.embargoed: data for file, data in made})
    rows = [file for file, _ in made]
    manifest = _manifest(awarding, rows, awarding.counts["results"] + awarding.counts["claims"], balance)
    for place in (manifest_key(awarding), f"{RESULT_REPORTS}{awarding.series}/{awarding.version}/manifest.json"):
        desk.store.put(place, manifest)
        MANIFEST_PUT.passed()
    desk.results.add_files(rows)
    FILES_BOOKED.passed()
    return _changed(desk, awarding, terms.BUILT, manifest_sha256=sha256_of(manifest))


def _files(
    desk: Desk, awarding: Awarding, series: Series, results: pl.DataFrame, awards: pl.DataFrame
) -> Iterator[tuple[ReleaseFile, bytes]]:
    if awarding.kind in terms.DECIDED_KINDS:
        known = desk.results.ulns(), desk.results.own_numbers(series.id)
        of = records(results, awards, *known, desk.catalogue, awarding.at)
        here = set(of["centre"])
        senders = sorted(desk.results.file_senders(series.key, series.awarding_body) & here)
        sequences = next_numbers(desk, series, senders)
        for file in result_files(of.filter(pl.col("centre").is_in(senders)), series, sequences, awarding.at):
            place = f"outbox/{file.centre}/{file.name}"
            yield (
                booked(awarding, series, place, terms.CENTRES, file.data, file.records, file.centre, file.sequence),
                file.data,
            )
    for feed in feeds(results, awards, series, awarding.version, desk.catalogue, awarding.at):
        place = f"{PORTAL}{feed.audience}/{series.id}/{awarding.version}/{feed.centre}.csv"
        yield booked(awarding, series, place, feed.audience, feed.data, feed.records, feed.centre), feed.data


def unlike(desk: Desk, series: Series, at: datetime, made: Mapping[str, bytes]) -> tuple[str, ...]:
    """What importers of schools would refuse in these R files by their places, or not find in the basedata of the
    series: in words, by code and count. A partial absence, which every importer logs, is none."""
    offered = basedata(desk.catalogue, series, at)["O"]["option"].to_list()
    files = {PurePosixPath(place).name: data for place, data in made.items()}
    return importers.in_words(importers.remarks(files, offered)) if files else ()


LAST_NUMBER = 99
"""The name of a results file shows two digits of its number, and no name is used again."""


def next_numbers(desk: Desk, series: Series, centres: Iterable[str]) -> dict[str, int]:
    """RES-3: the number of each centre's next results file. Raises `ReleaseError` where no name is left."""
    used = desk.results.numbers(series.awarding_body)
    following = {centre: used.get(centre, 0) + 1 for centre in centres}
    full = [centre for centre, number in following.items() if number > LAST_NUMBER]
    if full:
        raise ReleaseError(
            f"centre {', '.join(full[:10])} has had {LAST_NUMBER} results files: there is no name for another (RES-3)"
        )
    return following


def booked(
    awarding: Awarding,
    series: Series,
    place: str,
    audience: str,
    data: bytes,
    count: int,
    centre: str = "",
    sequence: int | None = None,
) -> ReleaseFile:
    """A file of an awarding as the ledger books it."""
    return ReleaseFile(
        awarding_id=awarding.id,
        place=place,
        embargoed=embargoed(series.id, awarding.version, place),
        audience=audience,
        centre=centre,
        awarding_body=series.awarding_body if sequence else "",
        series=series.id,
        sequence=sequence,
        sha256=sha256_of(data),
        size=len(data),
        records=count,
    )


_LISTED = ("place", "audience", "centre", "sequence", "records", "size", "sha256")


def _manifest(awarding: Awarding, files: Sequence[ReleaseFile], results: int, balance: Balance | None) -> bytes:
    """The manifest in its canonical form: JSON with sorted keys. It has counts and names of files, the balance sheet
    (AWD-7), and nobody's result."""
    content = {
        **({"balance": balance.sheet} if balance else {}),
        "series": awarding.series,
        "version": awarding.version,
        "kind": awarding.kind,
        "awarding_sha256": awarding.sha256,
        "conversions_sha256": awarding.conversions_sha256,
        "counts": {
            "files": len(files),
            "result_files": sum(1 for file in files if file.sequence),
            "result_file_records": sum(file.records for file in files if file.sequence),
            "results": results,
        },
        "files": _listed(files),
    }
    return f"{json.dumps(content, indent=1, sort_keys=True)}\n".encode()


def _listed(files: Sequence[ReleaseFile]) -> list[dict[str, Any]]:
    rows = [asdict(file, filter=lambda attribute, _: attribute.name in _LISTED) for file in files]
    return sorted(rows, key=lambda row: str(row["place"]))


def _manifest_of(desk: Desk, awarding: Awarding) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(desk.store.get(manifest_key(awarding)))
    return content


@journaled
def approve(desk: Desk, awarding: Awarding, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> Awarding:
    """RES-2, OPS-3, OPS-4, AWD-5: a person approves what was built, if the files are still those of the manifest, and
    the ledger still says the same; `now` is aware. Returns the awarding as it is then: still `built` while more people
    are asked. Raises `ReleaseError`, and as `sign` does."""
    with desk.results.alone():
        awarding = _current(desk, awarding)
        if awarding.state in terms.ISSUED_STATES and _was_said(desk, awarding, who, why, now):
            return awarding  # a run recorded this very decision, and died
        if awarding.state != terms.BUILT:
            raise ReleaseError(f"{_named(awarding)} is {awarding.state}: only what is built can be approved")
        with_name_and_reason(who, why, ReleaseError)
        checked(desk.store, _as_built(desk, awarding))
        _not_stale(desk, awarding)
        _same_balance(desk, awarding)
        proposal = sign(desk, result_exhibit(desk, awarding), terms.APPROVED, who, why, now, by)
        if proposal.state != terms.APPROVED:
            return awarding
        return _decided(desk, awarding, terms.APPROVED, deciders(proposal), reasons(proposal), now)


def _was_said(desk: Desk, awarding: Awarding, who: str, why: str, now: datetime) -> bool:
    """Whether a person approved this version with these words at this instant."""
    proposal = desk.approvals.newest(terms.RESULTS, subject_of(awarding))
    words = [(said.by.who, said.why, said.at) for said in proposal.approvals] if proposal else []
    return (who, why, now) in words


@journaled
def withdraw(desk: Desk, awarding: Awarding, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> Awarding:
    """RES-2, OPS-3, OPS-4: a person rejects an awarding, or stops it after it was approved, of which nothing was
    published; the numbers of its files become free. `now` is aware. Returns the awarding as it is then; raises
    `ReleaseError`, and as `sign` does."""
    with desk.results.alone():
        awarding = _current(desk, awarding)
        if awarding.state == terms.RELEASED or anything_out(desk.store, desk.results.files(awarding)):
            raise ReleaseError(
                f"{_named(awarding)} is published, at least in part, and cannot be withdrawn; changes go out in "
                f"updated files (RES-3)"
            )
        if awarding.state != terms.WITHDRAWN:
            with_name_and_reason(who, why, ReleaseError)
            _may_withdraw(desk, awarding, Signer(who, by.how))
            if awarding.state == terms.BUILT:
                sign(desk, result_exhibit(desk, awarding), terms.REJECTED, who, why, now, by)
            awarding = _decided(desk, awarding, terms.WITHDRAWN, str(Signer(who, by.how)), why, now)
        desk.results.drop_files(awarding)
        NUMBERS_FREE.passed()
        return awarding


def _may_withdraw(desk: Desk, awarding: Awarding, person: Signer) -> None:
    """OPS-4: raises `ApprovalError` where two people are asked and a person is not one who may decide. Who has rejected
    the version by a door that could not do more was asked then."""
    proposal = desk.approvals.newest(terms.RESULTS, subject_of(awarding))
    rejected = bool(proposal and proposal.rejection and proposal.rejection.by == person)
    if desk.settings.approvals > 1 and not rejected:
        may_decide(desk, person, desk.settings.approvals)


def _not_stale(desk: Desk, awarding: Awarding) -> None:
    """AWD-5: raises `ReleaseError` when the ledger says something else than the version."""
    found = drift(desk, awarding) if awarding.kind in terms.DECIDED_KINDS else None
    if found is not None and not found.is_empty():
        raise ReleaseError(
            f"{_named(awarding)} is stale (AWD-5): of {in_words(found)} the ledger says something else now. Withdraw "
            f"it, then `resultsday award {awarding.series}`, build and approve the new version; `resultsday results "
            f"look` lists what differs"
        )


def _balanced(desk: Desk, awarding: Awarding) -> Balance | None:
    """AWD-7: the balance of what people decide about; raises `ReleaseError` while something blocks."""
    if awarding.kind not in terms.DECIDED_KINDS:
        return None
    balance = weigh(desk, awarding)
    write(desk, balance)
    _passes(balance)
    return balance


def _passes(balance: Balance) -> None:
    blocking = balance.blocking
    if not blocking.is_empty():
        named = ", ".join(f"{code} {component} ({count:,})" for code, component, count in blocking.head(5).iter_rows())
        more = f" and {blocking.height - 5:,} more" if blocking.height > 5 else ""
        show = f"`resultsday gate show {balance.awarding.series}`"
        raise ReleaseError(
            f"{_named(balance.awarding)} does not pass the gate (AWD-7): {named}{more}. {show} says what "
            f"to do; what can be accepted, a person accepts with `resultsday gate accept` or in the console"
        )


def _same_balance(desk: Desk, awarding: Awarding) -> None:
    """AWD-7: raises `ReleaseError` where the balance is not the one the version was built with."""
    if awarding.kind not in terms.DECIDED_KINDS:
        return
    balance = weigh(desk, awarding)
    _passes(balance)
    if balance.sheet != _manifest_of(desk, awarding).get("balance"):
        raise ReleaseError(
            f"the balance sheet of {_named(awarding)} is not the one it was built with (AWD-7): withdraw it, then "
            f"`resultsday award {awarding.series}`, build and approve the new version"
        )


def _decided(desk: Desk, awarding: Awarding, state: str, who: str, why: str, now: datetime) -> Awarding:
    action = Action(
        at=now, who=who, how=terms.BY_APPROVAL, why=why, action=f"results_{state}", centre="", series=awarding.series
    )
    decided = _changed(desk, awarding, state, who=who, at=now, why=why, action=action)
    log.info("%s is %s", _named(decided), state)
    return decided


def _changed(desk: Desk, awarding: Awarding, state: str, **said: Any) -> Awarding:
    if not desk.results.change(awarding, state, **said):
        raise ReleaseError(f"{_named(awarding)} was changed by somebody else: look at it again")
    STATE_CHANGED.passed()
    return _current(desk, awarding)


def _current(desk: Desk, awarding: Awarding) -> Awarding:
    return next(other for other in desk.results.every(awarding.series) if other.id == awarding.id)


def _as_built(desk: Desk, awarding: Awarding) -> list[ReleaseFile]:
    """The files of an awarding, if manifest and ledger still agree about them."""
    files = desk.results.files(awarding)
    try:
        manifest = desk.store.get(manifest_key(awarding))
    except Missing:
        manifest = b""
    back = set(desk.results.kept_back(awarding.series).filter(pl.col("awarding_id") == awarding.id)["centre"])
    there = [file for file in files if file.centre not in back]
    built = json.loads(manifest or b'{"files": []}')["files"]
    if sha256_of(manifest) != awarding.manifest_sha256 or _listed(there) != [
        file for file in built if file["centre"] not in back
    ]:
        raise ReleaseError(
            f"{manifest_key(awarding)} is missing or not as it was built. Nothing was published. Find out who changed "
            f"it; withdraw the awarding, award again and build it anew"
        )
    return files


def _series(desk: Desk, series_id: str) -> Series:
    series = desk.catalogue.series_by_id(series_id)
    if series is None:
        raise ReleaseError(f"there is no calendar for {series_id}")
    return series


def _named(awarding: Awarding) -> str:
    return f"version {awarding.version} of the results of {awarding.series}"


# --- The release -----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Released:
    """What was published, in counts. `fresh`: files that this run published; `without`: learners without an award,
    None when everything was out before; `version` is 0 when nobody is entered in the series; `kept_back`: centres
    whose results wait for a further version (AWD-5)."""

    series: str
    audience: str
    version: int = 0
    files: int = 0
    fresh: int = 0
    records: int = 0
    without: int | None = None
    kept_back: int = 0

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        if not self.version:
            return f"Results {self.series} to {self.audience}: nobody is entered, nothing to release."
        out = f"{self.files:,} files with {self.records:,} records are out, {self.fresh:,} of them by this run"
        without = "" if self.without is None else f"; {self.without:,} learners without an award"
        count = f"; {self.kept_back:,} centres KEPT BACK, because the ledger says something else now"
        back = count if self.kept_back else ""
        return f"Results {self.series} version {self.version} to {self.audience}: {out}{without}{back}."


@journaled
def release(desk: Desk, series: Series, audience: terms.Audience, now: datetime) -> Released:
    """RES-2: publishes the approved results of a series to an audience, if by the calendar in force at `now` (aware)
    its instant has come (CAL-2), and writes a report to `reports/results/<series>/<version>/`. Run again, it publishes
    what is missing, and nothing twice. The centres of which the ledger says something else than the version are kept
    back, all others get their results (AWD-5). Nothing goes out while the record is not as it was sealed (OPS-7).
    Raises `ReleaseError`, which says what to do."""
    with desk.results.alone():
        # The date may have been set right while this waited for its turn (CAL-7).
        instant = _instant(up_to_date(desk), series, audience, now)
        awarding = _to_release(desk, series, audience)
        if awarding is None:
            return Released(series=series.id, audience=audience)
        done = _published(desk, series, awarding, audience, _moment(instant), now)
        for later in desk.results.issued(series.id):
            if later.kind in (terms.FOLLOW_UP, terms.CORRECTED_RESULTS):
                more = _published(desk, series, later, audience, _moment(instant), now)
                done = evolve(
                    done, files=done.files + more.files, fresh=done.fresh + more.fresh,
                    records=done.records + more.records,
                )  # fmt: skip
        done = evolve(done, kept_back=desk.results.waiting_centres(series.id).len())
    log.info("%s", done.note())
    return done


def _published(
    desk: Desk, series: Series, awarding: Awarding, audience: terms.Audience, until: str, now: datetime
) -> Released:
    """Publishes what of a version an audience may have, and reports it. `until`: the end of the embargo in words."""
    fresh, without = 0, None
    if awarding.state == terms.APPROVED:
        sealed_or_refused(desk, awarding, now)
        files = _as_built(desk, awarding)
        if awarding.kind in terms.DECIDED_KINDS:
            _keep_back(desk, awarding, files, now)
        files = desk.results.due_files(awarding)
        fresh = publish(desk, awarding, [file for file in files if file.audience == audience], now)
        files = desk.results.due_files(awarding)
        mine = [file for file in files if file.audience == audience]
        # What a correction has changed for learners before they had anything is reported with the case.
        without = report(desk, series, awarding, audience, until, mine) if awarding.kind in terms.DECIDED_KINDS else 0
        # Of centres kept back, and where a correction has other files for learners, none waits here for their day.
        if all(file.published_at for file in files) and _learners_day(desk, series, now):
            _changed(desk, awarding, terms.RELEASED)
    listed = [file for file in desk.results.due_files(awarding) if file.audience == audience]
    return Released(
        series=series.id, audience=audience, version=awarding.version, files=len(listed), fresh=fresh,
        records=sum(file.records for file in listed), without=without,
    )  # fmt: skip


def _learners_day(desk: Desk, series: Series, now: datetime) -> bool:
    """RES-2: whether learners may have their results at `now`."""
    day = up_to_date(desk).catalogue.milestone(series, INSTANTS[terms.LEARNERS], now)
    return day is not None and day.at <= now


def _keep_back(desk: Desk, awarding: Awarding, files: Sequence[ReleaseFile], now: datetime) -> None:
    """AWD-5: records the centres that the release passes over: those of which the ledger says something else than the
    version, unless their results are out already."""
    if any(file.place.startswith(PORTAL_TO_CENTRES) and not file.published_at for file in files):
        desk.results.keep_back(awarding, by_centre(drift(desk, awarding)), now)
        KEPT_BACK.passed()


def release_passed(desk: Desk, series: Series, now: datetime) -> list[Released]:
    """Publishes what is approved of a series to every audience whose instant has come at `now` (aware)."""
    done = []
    for audience in get_args(terms.Audience):
        date = desk.catalogue.milestone(series, INSTANTS[audience], now)
        if date is not None and date.at <= now:
            done.append(release(desk, series, audience, now))
    return done


def release_claims(desk: Desk, awarding: Awarding, now: datetime) -> Built:
    """RES-3, CRT-6: builds an awarding of later claims and publishes it in the portal, to both audiences. Ours: nobody
    approves it again, for the conversion tables are approved and the results of the series are out. Can be repeated.
    Raises `ReleaseError`, also before the results of the series are released."""
    if awarding.kind in terms.DECIDED_KINDS or not is_released(desk, awarding.series):
        raise ReleaseError(f"{_named(awarding)} cannot be released like a later claim")
    built = build(desk, awarding, now)
    with desk.results.alone():
        return evolve(built, awarding=_out_at_once(desk, awarding, now))


def issue(
    desk: Desk, awarding: Awarding, made: Callable[[], Iterable[tuple[ReleaseFile, bytes]]], now: datetime
) -> None:
    """RES-7: publishes a version that people have approved already, at once, with the files that `made` gives; what is
    for learners waits while they have no results of the series (RES-2). Can be repeated. Raises `ReleaseError`."""
    with desk.results.alone():
        awarding = _current(desk, awarding)
        if awarding.state == terms.PROPOSED:
            desk.results.drop_files(awarding)  # of a run that died: its numbers are free
            NUMBERS_FREE.passed()
            awarding = _put_under_embargo(desk, awarding, [*made()])
        _out_at_once(desk, awarding, now)


def _out_at_once(desk: Desk, awarding: Awarding, now: datetime) -> Awarding:
    """Publishes every file of a version that is built, and of which the instant has come."""
    awarding = _current(desk, awarding)
    if awarding.state in terms.ISSUED_STATES:
        return awarding
    sealed_or_refused(desk, awarding, now)
    learners = is_released(desk, awarding.series)
    files = [file for file in _as_built(desk, awarding) if learners or file.audience == terms.CENTRES]
    publish(desk, awarding, files, now)
    return _changed(desk, awarding, terms.RELEASED if learners else terms.APPROVED)


def is_released(desk: Desk, series: str) -> bool:
    """Whether everybody's results of a series (its id) are out, to centres and learners."""
    return any(
        awarding.kind == terms.WHOLE_SERIES and awarding.state == terms.RELEASED
        for awarding in desk.results.every(series)
    )


def _instant(desk: Desk, series: Series, audience: terms.Audience, now: datetime) -> Milestone:
    milestone = desk.catalogue.milestone(series, INSTANTS[audience], now)
    if milestone is None:
        raise ReleaseError(f"the calendar has no {INSTANTS[audience]} for {series.title}: add it to calendar.csv")
    if now < milestone.at:
        raise ReleaseError(
            f"the results of {series.title} are under embargo for {audience} until {_moment(milestone)}, by the "
            f"{milestone.version}; it is {instant_text(now)}"
        )
    return milestone


def _moment(milestone: Milestone) -> str:
    mark = PLACEHOLDER if milestone.placeholder or milestone.time_placeholder else ""
    return f"{instant_text(milestone.at)}{mark}"


def _to_release(desk: Desk, series: Series, audience: terms.Audience) -> Awarding | None:
    """The newest approved awarding of everybody; None when nobody is entered, so that there is none."""
    every = [awarding for awarding in desk.results.every(series.id) if awarding.kind == terms.WHOLE_SERIES]
    issued = [awarding for awarding in every if awarding.state in terms.ISSUED_STATES]
    if issued:
        return issued[-1]
    if not every:
        if desk.results.entered(series.id).filter(pl.col("series") == series.id).is_empty():
            return None
        raise ReleaseError(f"nothing is awarded for {series.title}: run the award, then {_how(series, audience)}")
    newest = every[-1]
    if newest.state == terms.WITHDRAWN:
        raise ReleaseError(
            f"{_named(newest)} was withdrawn by {newest.decided_by} ({newest.why}): award again, then "
            f"{_how(series, audience)}"
        )
    build_first = f"`resultsday results build {series.id}`, " if newest.state == terms.PROPOSED else ""
    raise ReleaseError(f"{_named(newest)} is {newest.state} and not approved: {build_first}{_how(series, audience)}")


def _how(series: Series, audience: terms.Audience) -> str:
    return (
        f"have it approved in the console or by `resultsday approvals list`, and clear the task or run "
        f"`resultsday release {series.id} --audience {audience}`"
    )
