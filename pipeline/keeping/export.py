"""Everything held about a learner, for that learner (OPS-9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attrs import frozen

from infra.ledger.actions import Action
from infra.store import Missing
from pipeline.desk import Desk
from pipeline.keeping.dispute import KeepingError
from pipeline.orders import with_name_and_reason
from rules import terms
from rules.keeping import KEEPING, RecordClass

TITLES: Mapping[str, str] = {
    "registrations": "Registrations, with the details that the centre gave",
    "learner_versions": "Personal details, every version",
    "learner_ucis": "UCIs that were corrected or merged",
    "entries": "Entries and claims",
    "fee_lines": "Fees, charged to the centre",
    "marks": "Marks, every version",
    "samples": "Samples in which your work was moderated",
    "draws": "Every draw of these samples that you were in",
    "results": "Results of components, every version",
    "choices": "Sittings considered for an award",
    "awards": "Awards, every version",
    "findings": "What was found in files about you",
    "actions": "What staff did",
    "journal": "What the desk was asked to do about you",
    "files": "Files with your details, and your lines in them as they were sent",
}
"""The parts of an export, in their order; a table that is not named here comes after them."""
OF_THE_MACHINE = ("id", "submission_id", "ended_by", "awarding_id", "claim_id", "mark_id", "cohort_id", "ordinal")
"""Columns that hold numbers of rows."""


@frozen(kw_only=True)
class Export:
    """Everything held about a learner: the UCIs, and the rows of each part."""

    ucis: Sequence[str]
    at: datetime
    parts: Mapping[str, Sequence[Mapping[str, Any]]]

    def text(self) -> Iterator[str]:
        """For reading."""
        yield f"EVERYTHING HELD ABOUT THE LEARNER WITH THE UCI {' AND '.join(self.ucis)}"
        yield f"As of {self.at:%d %B %Y, %H:%M} UTC"
        for name, rows in self.parts.items():
            yield ""
            yield f"{TITLES.get(name, name)}: {len(rows) or 'none'}"
            for row in rows:
                yield ""
                yield from (f"  {column.replace('_', ' ')}: {_plain(value)}" for column, value in row.items())
        yield ""
        yield "How long this is kept"
        for kept in KEEPING.values():
            if kept.personal:
                yield f"  {kept.name}: {_period(kept)}; then {kept.then}. {kept.reason}"

    def json(self) -> str:
        """For other programs."""
        plain = {"uci": [*self.ucis], "at": self.at.isoformat(), "held": self.parts}
        return json.dumps(plain, indent=1, ensure_ascii=False, default=_plain) + "\n"


def export(desk: Desk, uci: str, now: datetime, who: str, why: str, how: str = terms.STATED) -> Export:
    """OPS-9: everything held about the learner with this UCI, and with others that share its ULN. That it was given out
    is put on record first. Raises `KeepingError` if there is nothing."""
    with_name_and_reason(who, why, KeepingError)
    ucis = desk.keeping.same_person(uci)
    held = desk.keeping.held_about(ucis)
    if not any(held.values()):
        raise KeepingError(f"nothing is held about the UCI {uci}")
    desk.actions.record(Action(at=now, who=who, how=how, why=why, action=terms.EXPORT, centre="", uci=uci))
    files = list(_files(desk, ucis, held))
    own = [*held["registrations"], *held["entries"]]
    numbers = sorted({(row["centre"], row["series"], row["candidate"]) for row in own})
    for centre, series, candidate in numbers:
        known = desk.catalogue.series_by_id(series)
        for name, rows in desk.keeping.held_of(centre, series, [known.key] if known else [], candidate).items():
            held.setdefault(name, []).extend(rows)
    held["files"] = files
    order = [*(name for name in TITLES if name in held), *sorted(held.keys() - TITLES.keys())]
    return Export(ucis=ucis, at=now, parts={name: [_told(row) for row in held[name]] for name in order})


def _period(kept: RecordClass) -> str:
    return f"{kept.period} after {kept.since}" if kept.days or kept.years else f"until {kept.since}"


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if column not in OF_THE_MACHINE and value not in (None, "")}


def _files(
    desk: Desk, ucis: Sequence[str], held: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """The files in the archive that name the learner, each with the lines that do."""
    named = {
        row["sha256"]: row["file"] for rows in held.values() for row in rows if row.get("sha256")
    } | {row["source"]: row["source"][:12] for row in held["marks"] if len(row["source"]) == 64}  # fmt: skip
    for sha256, name in sorted(named.items(), key=lambda item: (item[1], item[0])):
        try:
            data = desk.store.get(f"archive/{sha256}")
        except Missing:
            yield {"file": name, "sha256": sha256, "lines": "the file is no longer kept"}
            continue
        lines = [line.decode("latin-1").rstrip() for line in data.splitlines()]
        yield {"file": name, "sha256": sha256, "lines": [line for line in lines if any(uci in line for uci in ucis)]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
