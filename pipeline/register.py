"""The register of centres as the rules ask it (REG-10), and names of centres as people read them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import polars as pl
from attrs import frozen

from infra.ledger.register import ApprovalRow, CentreRow
from pipeline.desk import Desk
from rules import terms
from rules.calendar import LONDON, day_text
from rules.centres import ApprovalDecision, CentreVersion, Register, decide_by


def register_of(desk: Desk, centres: Collection[str]) -> Register:
    """REG-1, REG-10: what is on record about these centres."""
    versions: dict[str, list[CentreVersion]] = {}
    for row in desk.register.versions(centres):
        versions.setdefault(row.number, []).append(version_of(row))
    decisions: dict[str, list[ApprovalDecision]] = {}
    for decided in desk.register.decisions(centres):
        decisions.setdefault(decided.centre, []).append(_decision(decided))
    return Register(versions, decisions)


def version_of(row: CentreRow) -> CentreVersion:
    """A version as the rules take it."""
    return CentreVersion(
        number=row.number, name=row.name, postcode=row.postcode, contact=row.contact,
        gcse_years=tuple(int(year) for year in row.gcse_years.split()), active_from=row.active_from,
        active_to=row.active_to, at=row.at,
    )  # fmt: skip


def _decision(row: ApprovalRow) -> ApprovalDecision:
    return ApprovalDecision(
        centre=row.centre, qualification=row.qualification, decision=row.decision, route=row.route, since=row.since,
        at=row.at,
    )  # fmt: skip


@frozen(kw_only=True)
class OpenApplication:
    """An application that nobody has decided. `due`: the last day for a fast-track one, None for another; `late`:
    whether it has passed."""

    row: ApprovalRow
    due: date | None
    late: bool

    def line(self) -> str:
        """For a list."""
        due = f", due by {day_text(self.due)}{' (late)' if self.late else ''}" if self.due else ", full application"
        return f"{self.row.centre}  {self.row.qualification}  asked {day_text(self.row.since)}{due}, {self.row.by}"


def open_applications(desk: Desk, now: datetime) -> list[OpenApplication]:
    """REG-1: the applications that nobody has decided at `now` (aware), the oldest first."""
    today = now.astimezone(LONDON).date()
    found = []
    for row in desk.register.undecided():
        due = decide_by(row.since) if row.route == terms.FAST_TRACK else None
        found.append(OpenApplication(row=row, due=due, late=due is not None and today > due))
    return found


def named(desk: Desk, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows for people, with a column `Name` behind `Centre`; as they are where no centre has a name."""
    names = desk.register.names(rows["Centre"].unique().to_list())
    if not names:
        return rows
    name = pl.col("Centre").replace_strict(names, default="", return_dtype=pl.String).alias("Name")
    return rows.select("Centre", name, pl.exclude("Centre"))


def titles_of(desk: Desk, centres: Collection[str]) -> dict[str, str]:
    """Centres as people read them, `64123 Riverside School`, by their numbers; the number alone where there is no
    name."""
    names = desk.register.names(centres)
    return {centre: f"{centre} {names.get(centre, '')}".rstrip() for centre in centres}


def title(desk: Desk, centre: str) -> str:
    """A centre as people read it."""
    return titles_of(desk, [centre])[centre]
