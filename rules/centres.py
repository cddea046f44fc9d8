"""The register of centres (REG-10) and what they are approved for (REG-1): versions of each centre, and decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from attrs import Factory, frozen

from rules import terms
from rules.calendar import LONDON, day_text
from rules.periods import working_day

GCSE_YEARS = 3
"""A centre that offered the board's GCSEs in one of so many academic years before the present one, or offers them in
it, is approved automatically."""
FAST_TRACK_DAYS = 5
"""Working days within which a fast-track request is decided."""
EVERY = "*"
"""Every qualification."""
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_MAIL = rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_HOOK = r"https://[A-Za-z0-9][!#-&(-;=?-\[\]-~]*"
TOLD = rf"^(|{_MAIL}|{_HOOK})$"
"""The form of the address at which a centre is told what is new in its outbox, in plain ASCII: no comment, no quoted
name, in an address of the web no quotes; empty: it is not told (REG-10)."""
TELLS = "one e-mail address, or the address of a webhook that begins with https://"


def tells(address: str) -> bool:
    """REG-10: whether a centre can be told there; nowhere is an answer too."""
    return re.fullmatch(TOLD, address) is not None and len(address) <= LONGEST_ADDRESS


LONGEST_ADDRESS = 200
"""Of a centre, in characters. Ours."""


@frozen(kw_only=True)
class CentreVersion:
    """A centre as it is on record from `at` (aware) on. `gcse_years`: the years in which the academic years began in
    which it offered the board's GCSEs. It is a centre from the day `active_from` to the day `active_to`, if any."""

    number: str
    name: str
    postcode: str
    contact: str
    gcse_years: tuple[int, ...]
    active_from: date
    active_to: date | None
    at: datetime


@frozen(kw_only=True)
class ApprovalDecision:
    """What was asked or decided at `at` (aware) about a centre and a qualification (its registration code, or `EVERY`):
    `decision` holds from the day `since` on; `route` is how."""

    centre: str
    qualification: str
    decision: str
    route: str
    since: date
    at: datetime


@frozen
class Standing:
    """Whether a centre is approved; if not, `reason` ends the sentence "centre 64123 is not approved for Sport"."""

    approved: bool
    known: bool = True
    reason: str = ""


@frozen
class Register:
    """The versions of some centres and the decisions about them, by number, each in the order in which they came."""

    versions: Mapping[str, Sequence[CentreVersion]] = Factory(dict)
    decisions: Mapping[str, Sequence[ApprovalDecision]] = Factory(dict)

    def version(self, centre: str, received: datetime) -> CentreVersion | None:
        """REG-10: the centre as it was on record at an instant (aware); None if it was not."""
        return next((one for one in reversed(self.versions.get(centre, ())) if one.at <= received), None)

    def name(self, centre: str, received: datetime) -> str:
        """REG-10: what a centre was called at an instant (aware); empty where it was not on record."""
        version = self.version(centre, received)
        return version.name if version else ""

    def standing(self, centre: str, qualification: str, received: datetime) -> Standing:
        """REG-1, REG-10: whether a centre is approved for a qualification (its registration code) at receipt (aware).
        A decision about the qualification counts before one about all of them, and any decision before the GCSEs."""
        version = self.version(centre, received)
        if version is None:
            return Standing(approved=False, known=False)
        day = received.astimezone(LONDON).date()
        if day < version.active_from:
            return Standing(approved=False, reason=f" before {day_text(version.active_from)}")
        if version.active_to is not None and day > version.active_to:
            return Standing(approved=False, reason=f" after {day_text(version.active_to)}, its last day")
        for about in (qualification, EVERY):
            decided = self._decided(centre, about, received)
            in_force = [one for one in decided if one.since <= day]
            if in_force:
                return _standing(in_force[-1])
            if decided and decided[-1].decision == terms.GRANTED:
                automatic = automatic_on(version, day)
                reason = "" if automatic else f" before {day_text(decided[-1].since)}"
                return Standing(approved=automatic, reason=reason)
        return Standing(approved=automatic_on(version, day))

    def _decided(self, centre: str, about: str, received: datetime) -> list[ApprovalDecision]:
        """The decisions known at receipt; what was only asked decides nothing."""
        return [
            one
            for one in self.decisions.get(centre, ())
            if one.qualification == about and one.at <= received and one.decision != terms.ASKED
        ]


def _standing(decision: ApprovalDecision) -> Standing:
    if decision.decision == terms.GRANTED:
        return Standing(approved=True)
    what = terms.REFUSED if decision.decision == terms.DENIED else terms.ENDED
    return Standing(approved=False, reason=f": it was {what} from {day_text(decision.since)} on")


def academic_year(day: date) -> int:
    """The year in which the academic year of a day began, on 1 September."""
    return day.year if day.month >= 9 else day.year - 1


def automatic_on(version: CentreVersion, day: date) -> bool:
    """REG-1: whether a centre is approved by its GCSEs alone on a day."""
    last = academic_year(day)
    return any(last - GCSE_YEARS <= year <= last for year in version.gcse_years)


def decide_by(asked: date) -> date:
    """The last day on which a fast-track request of a day is decided in time: working days in England."""
    return working_day(asked, FAST_TRACK_DAYS)
