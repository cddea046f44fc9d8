"""The work list: what needs a person, from wherever it is known. An item leaves it by being solved, or closed by
somebody with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve, frozen

from infra.ledger.console import WorkRows
from infra.ledger.work import CLOSED, NOTED, TAKEN
from infra.store import left_behind
from pipeline.approvals import listed
from pipeline.desk import Desk

KINDS = {
    "held": "held file",
    "unfinished": "unfinished upload",
    "application": "approval asked for",
    "proposal": "decision to make",
    "silent": "silent centre",
    "alert": "alert",
}
"""Kinds of items, in the order of the list."""
ALERTS = (
    "RUN_FAILED", "RESULTS_LATE", "RESULTS_STALE", "CENTRES_KEPT_BACK", "GUARD_REFUSED", "PART_GIVEN_UP",
    "CHECKPOINT_MISSING",
)  # fmt: skip
"""Alerts of which a person has to make something; the others are over when their cause is."""


@frozen(kw_only=True)
class Item:
    """Something that needs a person. `subject` names it, in one word and for ever; `since`: aware, None when nobody can
    say; `to`: the page where it is solved; `owner`: who has taken it, or empty; `note`: the last that was said."""

    kind: str
    subject: str
    words: str
    to: str
    centre: str = ""
    since: datetime | None = None
    owner: str = ""
    note: str = ""

    @property
    def state(self) -> str:
        """In a word."""
        return "in hand" if self.owner else "open"


def items(desk: Desk, rows: WorkRows, silent: Iterable[str], series: str) -> list[Item]:
    """What is on the list now, by kind, the oldest first; `silent`: centres that are silent in `series` (OPS-2)."""
    found = [*_held(rows), *_unfinished(desk), *_applications(desk), *_proposals(desk), *_silent(silent, series)]
    every = {item.subject: item for item in [*found, *_alerts(rows)]}
    for said in rows.notes:
        if said.subject not in every:
            continue
        if said.action == CLOSED:
            del every[said.subject]
        elif said.action == TAKEN:
            every[said.subject] = evolve(every[said.subject], owner=said.who, note=said.why)
        elif said.action == NOTED:
            every[said.subject] = evolve(every[said.subject], note=said.why)
    order = list(KINDS)
    return sorted(every.values(), key=lambda item: (order.index(item.kind), str(item.since or ""), item.subject))


def _held(rows: WorkRows) -> Iterator[Item]:
    for file in rows.held.iter_rows(named=True):
        words = f"{file['file_name']}: {', '.join(file['codes'])}"
        yield Item(
            kind="held", subject=f"held:{file['id']}", words=words, to=f"files/{file['id']}", centre=file["centre"],
            since=file["received"],
        )  # fmt: skip


def _unfinished(desk: Desk) -> Iterator[Item]:
    for stored in desk.store.list("inbox/"):
        if left_behind(stored.key):
            _, centre, name = stored.key.split("/", 2)
            yield Item(
                kind="unfinished", subject=f"unfinished:{stored.key}:{stored.modified:%Y%m%dT%H%M%S}",
                words=f"{name}, {stored.size:,} bytes (FIL-4)", to=f"centres/{centre}", centre=centre,
                since=stored.modified,
            )  # fmt: skip


def _applications(desk: Desk) -> Iterator[Item]:
    for row in desk.register.undecided():
        yield Item(
            kind="application", subject=f"application:{row.centre}:{row.qualification}:{row.since}",
            words=f"{row.qualification}, {row.route.replace('_', ' ')} (REG-1)",
            to=f"centres/{row.centre}/acts/approval?qualification={row.qualification}", centre=row.centre, since=row.at,
        )  # fmt: skip


def _proposals(desk: Desk) -> Iterator[Item]:
    for proposal in listed(desk):
        yield Item(
            kind="proposal", subject=f"proposal:{proposal.id}", words=f"{proposal.kind} {proposal.subject} (OPS-4)",
            to=f"approvals/{proposal.id}", since=proposal.at,
        )  # fmt: skip


def _silent(centres: Iterable[str], series: str) -> Iterator[Item]:
    for centre in centres:
        yield Item(
            kind="silent", subject=f"silent:{series}:{centre}", words=f"nothing for {series} (OPS-2)",
            to=f"centres/{centre}", centre=centre,
        )  # fmt: skip


def _alerts(rows: WorkRows) -> Iterator[Item]:
    for alert in rows.alerts:
        yield Item(kind="alert", subject=f"alert:{alert['key']}", words=alert["said"], to="night", since=alert["at"])
