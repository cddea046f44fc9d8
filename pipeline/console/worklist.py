"""The work list: what needs a person, from wherever it is known. An item leaves it by being solved, or closed by
somebody with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import polars as pl
from attrs import evolve, frozen

from infra.ledger.console import WorkRows
from infra.ledger.work import ALERT, CLOSED, NOTED, TAKEN
from infra.store import Missing, left_behind
from pipeline.approvals import listed
from pipeline.desk import Desk
from pipeline.intake.trial import FAILED
from pipeline.learners.waiting import (
    BETTER_SINCE,
    FIRST_NOBODY,
    FIRST_TWICE,
    HELD_TWICE,
    ISSUED_TWICE,
    LEFT_BEHIND,
    OTHERS_SITTINGS,
    tie,
    to_do,
    waiting,
)
from pipeline.season.checkpoints import CHECKPOINT_REPORTS
from rules.checkpoints import REASONS
from rules.findings import ENTERED_ELSEWHERE

KINDS = {
    "held": "held file",
    "learner": "learner to decide about",
    "unfinished": "unfinished upload",
    "trial": "trial that failed on our side",
    "application": "approval asked for",
    "proposal": "decision to make",
    "without": "learners without result",
    "silent": "silent centre",
    "untold": "centre that cannot be told",
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
    found = [
        *_held(rows), *_learners(desk), *_unfinished(desk), *_trials(desk), *_applications(desk),
        *_proposals(desk), *_without_result(desk, series), *_silent(silent, series), *_untold(desk), *_alerts(rows),
    ]  # fmt: skip
    every = {item.subject: item for item in found}
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


def _learners(desk: Desk) -> Iterator[Item]:
    """ENT-7, REG-7, REG-8, CRT-4: learners about whom somebody decides, with both centres, and what is to be done; a
    transfer solves ENT-7."""
    key = ["code", "centre", "candidate", "series", "other", "earlier"]
    rows = waiting(desk)
    names = desk.register.names({*rows["other"]} - {""})
    every = rows.group_by(key, maintain_order=True).agg("option", "number", pl.col("received").min())
    for row in every.iter_rows(named=True):
        centre, other, candidate = row["centre"], row["other"], row["candidate"]
        options = ", ".join(dict.fromkeys(option for option in row["option"] if option))
        words = f"candidate {candidate}{f', {options}' if options else ''} in {row['series']}"
        to = f"centres/{centre}/candidates/{candidate}"
        if other:
            held_by = f"{other} {names.get(other, '')}".rstrip()
            words += f", {tie(row)} centre {held_by} as candidate {row['number'][0]}"
        if row["code"] == ENTERED_ELSEWHERE.name:
            to = f"centres/{other}/acts/learner-transfer?candidate={row['number'][0]}&to={centre}&number={candidate}"
        if row["code"] == LEFT_BEHIND:
            to = f"centres/{centre}/acts/learner-transfer?candidate={candidate}&to={other}&number={row['number'][0]}"
        rules = {HELD_TWICE: "ENT-7, REG-8", ISSUED_TWICE: "CRT-2, REG-8", FIRST_TWICE: "CRT-4, REG-8",
                 FIRST_NOBODY: "CRT-4, RES-8", OTHERS_SITTINGS: "REG-8", BETTER_SINCE: "CRT-2, RES-8",
                 ENTERED_ELSEWHERE.name: "ENT-7", LEFT_BEHIND: "MOD-2, REG-8"}  # fmt: skip
        rule, first = rules.get(row["code"], "REG-7"), row | {"option": row["option"][0]}
        yield Item(
            kind="learner", subject=f"learner:{row['code']}:{row['series']}:{centre}:{candidate}:{other}",
            words=f"{words}: {to_do(first)} ({rule}, {row['code']})", to=to, centre=centre, since=row["received"],
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


def _trials(desk: Desk) -> Iterator[Item]:
    for stored in desk.store.list("quarantine/"):
        _, _, name = stored.key.rpartition("/")
        if name.startswith(FAILED):
            centre = stored.key.split("/")[1]
            yield Item(
                kind="trial", subject=f"trial:{stored.key}:{stored.modified:%Y%m%dT%H%M%S}",
                words=f"{name.removeprefix(FAILED)}, {stored.size:,} bytes, kept as {stored.key} (FIL-7)",
                to=f"centres/{centre}", centre=centre, since=stored.modified,
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


def _without_result(desk: Desk, series: str) -> Iterator[Item]:
    """OPS-1: by centre and reason, what the last checkpoint of a series has found; the next one looks again."""
    for taken in desk.console.watch(series)[:1]:
        try:
            report = desk.store.get(f"{CHECKPOINT_REPORTS}{series}-{taken['event']}.csv")
        except Missing:
            return
        found = pl.read_csv(report, infer_schema=False).filter(pl.col("code").is_in(list(REASONS)))
        for row in found.iter_rows(named=True):
            centre, reason = row["centre"], REASONS[row["code"]]
            about = f"{series}:{taken['event']}:{taken['at']:%Y%m%d}:{centre}:{row['code']}"
            who = "1 learner" if row["learners"] == "1" else f"{row['learners']} learners"
            yield Item(
                kind="without", subject=f"without:{about}",
                words=f"{who}: {reason.words} ({reason.rule}, at the checkpoint {taken['event']})",
                to=f"centres/{centre}", centre=centre, since=taken["at"],
            )  # fmt: skip


def _silent(centres: Iterable[str], series: str) -> Iterator[Item]:
    for centre in centres:
        yield Item(
            kind="silent", subject=f"silent:{series}:{centre}", words=f"nothing for {series} (OPS-2)",
            to=f"centres/{centre}", centre=centre,
        )  # fmt: skip


def _untold(desk: Desk) -> Iterator[Item]:
    """OPS-10: centres at whose address nobody takes what they asked to be told."""
    wants = desk.register.told() if (stuck := desk.told.stuck()) else {}
    for found in stuck:
        told = wants.get(found.centre)
        if told is None or (found.refused and told.here > found.tried_at):
            continue  # nobody wants it any more, or another address has not been tried yet
        way = "webhook" if told.to.startswith("https://") else "e-mail"
        yield Item(
            kind="untold", subject=f"untold:{found.centre}:{found.since:%Y%m%dT%H%M%S}",
            words=f"{found.count} news, last answer: {found.answer}. Look at the {way} address (OPS-10)",
            to=f"centres/{found.centre}/acts/register", centre=found.centre, since=found.since,
        )  # fmt: skip


def _alerts(rows: WorkRows) -> Iterator[Item]:
    for alert in rows.alerts:
        yield Item(
            kind="alert", subject=f"{ALERT}{alert['key']}", words=alert["said"], to=f"alerts?code={alert['code']}",
            since=alert["at"],
        )  # fmt: skip
