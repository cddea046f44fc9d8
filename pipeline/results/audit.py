"""The audit (OPS-7): whether the record is still as it was sealed, and which row is the first that is not.

It computes the chain of seals once more and holds it against its heads in the store; every sealed row against its
digest; the rows of each awarding against the hash with which it was frozen; results and awards against the marks,
conversion tables and sittings that they rest on; the files of each version against manifest and ledger; and every
file of the archive against its name.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, frozen

from infra.ledger.results import Awarding, ReleaseFile
from infra.ledger.seals import NO_HEAD, Audited, Broken, Head, SealBook, unnamed
from infra.store import Missing
from pipeline.awarding.award import conversion_frame
from pipeline.desk import Desk
from pipeline.parallel import in_parallel
from pipeline.results.embargo import manifest_key, sha256_of
from pipeline.steps import AUDITED, HEAD_OUT
from rules import recomputed, terms
from rules.catalogue import instant_text

log = logging.getLogger(__name__)

HEADS = "seals/"
"""Where the heads of the chain lie in the store."""
MOST = 20
"""Of more differences than this only the first are listed."""

_WORDS = {
    "changed": "{table}: {row} is not as it was sealed",
    "removed": "{table}: {row} is gone",
    "added": "{table}: {row} was not added by the desk",
    "state": "{table}: {row} has another state than the last one on record",
    "chain": "chain of seals: {row}",
    "tail": "chain of seals: {row}",
    "guard": "{table}: {row} of the ledger is missing or switched off",
    "award": "{table}: {row} does not follow from what it rests on",
    "follows": "{table}: {row} does not follow from what is sealed",
    "file": "files: {row}",
}


@frozen(kw_only=True)
class Difference:
    """One thing that is not as it was sealed. `place`: in the chain, 0 where there is none; `now`: a hash of what is
    there now."""

    what: str
    table: str
    row: str
    place: int = 0
    now: str = ""

    @property
    def words(self) -> str:
        """For a person: identifiers, and no name."""
        where = f" (seal {self.place:,})" if self.place else ""
        return _WORDS[self.what].format(table=self.table, row=self.row) + where

    @property
    def unnamed(self) -> str:
        """For alerts, logs and notes, and whoever may not know whose row it is: table, number or hash, and rule."""
        row = self.row if self.what in ("chain", "tail", "guard", "file") else unnamed(self.row, self.now)
        where = f"seal {self.place:,}, " if self.place else ""
        return f"{_WORDS[self.what].format(table=self.table, row=row)} ({where}OPS-7)"

    @property
    def in_full(self) -> str:
        """For whoever may know: in words, and where those give the row no number, with the hash that others are
        told."""
        found = re.search(r", key ([0-9a-f]{12}) ", self.unnamed)
        return f"{self.words} [key {found[1]}]" if found else self.words


@frozen(kw_only=True)
class Audit:
    """What an audit found. `whole`: it looked at every version and file too, not only at the chain and the version that
    is released; `at` is aware."""

    at: datetime
    whole: bool
    head: Head
    differences: tuple[Difference, ...]

    def lines(self, *, named: bool = True) -> Iterator[str]:
        """For a person: the first that differs, then the others; without saying whose rows they are unless `named`."""
        scope = "everything" if self.whole else "chain and sealed rows"
        if not self.differences:
            yield f"The record is as it was sealed: {self.head.number:,} seals, head {self.head.head[:12]}; {scope}."
            return
        first, *others = self.differences
        yield f"The record is NOT as it was sealed ({scope} was looked at). The first that differs:"
        yield f"  {first.in_full if named else first.unnamed}"
        if others:
            yield f"{len(others):,} more:"
            yield from (f"  {difference.in_full if named else difference.unnamed}" for difference in others)
        yield "What to do: docs/runbook/seal-broken.md"

    def as_json(self) -> str:
        """For a program."""
        content = {
            "at": self.at.isoformat(), "whole": self.whole, "seals": self.head.number, "head": self.head.head,
            "differences": [asdict(difference) | {"words": difference.words} for difference in self.differences],
        }  # fmt: skip
        return json.dumps(content, indent=1)


def audit(desk: Desk, now: datetime, *, whole: bool = True, of: Awarding | None = None) -> Audit:
    """OPS-7: looks at everything, or (`whole` false) at chain, sealed rows and the awarding `of` alone. Puts on record
    what it found and, if nothing differs, the head of the chain in the store. `now` is aware."""
    head = desk.seals.head()
    found = [*_tail(desk, head), *looked(desk.seals)]
    awardings = _awardings(desk) if whole else [of] if of else []
    ids = None if whole else [awarding.id for awarding in awardings]
    found += [_difference(broken) for broken in desk.seals.thawed(ids)]
    for awarding in awardings:
        if awarding.state in terms.ISSUED_STATES:
            found += _recomputed(desk, awarding)
        found += _files(desk, awarding) if whole else ()  # a release checks its files itself
    found += _archived(desk) if whole else ()
    done = Audit(at=now, whole=whole, head=head, differences=tuple(found[:MOST]))
    _record(desk, done)
    log.log(logging.ERROR if found else logging.INFO, "audit: %d seals, %d differences", head.number, len(found))
    return done


def looked(seals: SealBook, after: int = 0) -> list[Difference]:
    """What of the chain and its rows differs, of all seals or of those after a place; nothing is recorded."""
    return [_difference(broken) for broken in seals.broken(after)]


def _difference(broken: Broken) -> Difference:
    return Difference(**asdict(broken))


def _awardings(desk: Desk) -> list[Awarding]:
    """Every version of every series, the oldest first."""
    every = [awarding for series in desk.catalogue.all_series() for awarding in desk.results.every(series.id)]
    return sorted(every, key=lambda awarding: awarding.id)


def _record(desk: Desk, done: Audit) -> None:
    found = [asdict(difference) for difference in done.differences]
    if not found:
        put_head(desk, done.head, done.at)
    desk.seals.record(
        Audited(at=done.at, whole=done.whole, number=done.head.number, head=done.head.head, found=found)
    )  # fmt: skip
    AUDITED.passed()


# --- The heads in the store ------------------------------------------------------------------------------------------


def put_head(desk: Desk, head: Head, now: datetime) -> None:
    """Puts the head of the chain where it stays: one file a head, which is never replaced. In production the bucket
    locks it."""
    if head == NO_HEAD:
        return
    content = {"number": head.number, "head": head.head, "at": now.isoformat()}
    desk.store.put_if_absent(_place(head), f"{json.dumps(content)}\n".encode())
    HEAD_OUT.passed()


def _place(head: Head) -> str:
    return f"{HEADS}{head.number:012d}-{head.head[:16]}.json"


def heads(desk: Desk) -> list[tuple[Head, str]]:
    """The heads in the store, the lowest first, and when each was put there."""
    keys = sorted(stored.key for stored in desk.store.list(HEADS) if stored.kind == "file")
    found = [json.loads(data) for data in in_parallel(desk.store.get, keys)]
    return [(Head(content["number"], content["head"]), content["at"]) for content in found]


def _tail(desk: Desk, head: Head) -> Iterator[Difference]:
    """The first head in the store that the chain does not have."""
    for kept, at in heads(desk):
        when = instant_text(datetime.fromisoformat(at))
        if kept.number > head.number:
            yield Difference(
                what="tail", table="seals", place=kept.number,
                row=f"it ends at seal {head.number:,}, and on {when} it had {kept.number:,}: its end was cut off",
            )  # fmt: skip
            return
        if desk.seals.head(kept.number) != kept:
            yield Difference(
                what="tail", table="seals", place=kept.number,
                row=f"it has another head than on {when}: it was written anew",
            )  # fmt: skip
            return
    last = desk.seals.audited_well()
    if last and not _sha256(desk, _place(Head(last.number, last.head))):
        row = f"the head of {instant_text(last.at)} is no longer in the store"
        yield Difference(what="tail", table="seals", place=last.number, row=row)


# --- Results computed once more --------------------------------------------------------------------------------------


def _recomputed(desk: Desk, awarding: Awarding) -> Iterator[Difference]:
    """The first result and the first award of a version that do not follow from what was frozen with it."""
    frames = desk.results.frames(awarding, filed=True)
    # A correction puts other boundaries in force for the results it is about; what was issued before has the old ones.
    tables = conversion_frame(desk.results.conversions(awarding.series, superseded=True))
    scale = desk.catalogue.scale(terms.QUALIFICATION, awarding.at)
    for table, code, rows in (
        ("results", "component", recomputed.other_marks(frames["results"], desk.seals.marks(awarding.series))),
        ("results", "component", recomputed.other_grades(frames["results"], tables)),
        ("awards", "cash_in", recomputed.other_awards(frames["awards"], frames["choices"], scale)),
    ):
        for row in rows.head(1).iter_rows(named=True):
            said = f"{row['centre']} {row['candidate']}, {row[code]}"
            yield Difference(
                what="award", table=table, row=f"{awarding.series} version {awarding.version}, centre {said}",
                now=sha256_of(str(sorted(row.items())).encode())[:32],
            )  # fmt: skip


# --- Files -----------------------------------------------------------------------------------------------------------


def _files(desk: Desk, awarding: Awarding) -> Iterator[Difference]:
    """The first file of a version that is not as it was hashed: the manifest that was approved, a file under embargo,
    or a published one. What is no longer kept is passed over (OPS-9)."""
    if awarding.manifest_sha256 is None or awarding.state == terms.WITHDRAWN:
        return
    removed = desk.keeping.removed()
    manifest = manifest_key(awarding)
    wanted: list[tuple[str, str, bool]] = []
    if manifest not in removed:
        wanted.append((manifest, awarding.manifest_sha256, True))
    files = desk.results.files(awarding)
    wanted += _listed(desk, awarding, files)
    wanted += [(file.embargoed, file.sha256, True) for file in files if file.embargoed not in removed]
    out = sorted(desk.seals.published(awarding.id).items())
    wanted += [(place, sha256, False) for place, sha256 in out if place not in removed]
    for (key, sha256, needed), there in zip(wanted, in_parallel(lambda of: _sha256(desk, of[0]), wanted), strict=True):
        if there == sha256 or (not there and not needed):  # a centre may take away what it has fetched
            continue
        row = f"{key} is {'another file' if there else 'missing'}, by the record of {awarding.series} version "
        yield Difference(what="file", table="files", row=f"{row}{awarding.version}", now=there[:32])
        return


def _archived(desk: Desk) -> Iterator[Difference]:
    """The first file of the archive that is not the one by whose hash it is named."""
    keys = sorted(stored.key for stored in desk.store.list("archive/") if stored.kind == "file")
    for key, there in zip(keys, in_parallel(lambda of: _sha256(desk, of), keys), strict=True):
        if there and f"archive/{there}" != key:
            yield Difference(what="file", table="files", row=f"{key} is another file", now=there[:32])
            return


def _listed(desk: Desk, awarding: Awarding, files: Sequence[ReleaseFile]) -> list[tuple[str, str, bool]]:
    """What the manifest says of the files, where the ledger says something else."""
    try:
        listed: list[dict[str, Any]] = json.loads(desk.store.get(manifest_key(awarding)))["files"]
    except (Missing, ValueError, KeyError):
        return []
    booked = {file.place: file for file in files}
    return [
        (booked[file["place"]].embargoed, file["sha256"], True)
        for file in listed
        if file["place"] in booked and booked[file["place"]].sha256 != file["sha256"]
    ]


def _sha256(desk: Desk, key: str) -> str:
    """The SHA-256 of a file of the store; empty when it is not there."""
    try:
        return sha256_of(desk.store.get(key))
    except Missing:
        return ""


__all__ = ["HEADS", "Audit", "Difference", "audit", "heads", "looked", "put_head"]
