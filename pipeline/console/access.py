"""Who uses the console, and what they may do."""

from __future__ import annotations

import re
from typing import Literal

from attrs import frozen

from infra.settings import Settings
from pipeline.console.door import OP, USER, VIEWER, at_least

Right = Literal["look", "files", "act", "personal", "approve"]
"""`look`: counts, also by centre; `files`: files, findings and candidate numbers; `act`: decide about held files;
`personal`: names, dates of birth, UCIs; `approve`: what is under embargo."""


@frozen
class Person:
    """Somebody who has logged in: the name for the record, and their rights."""

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        """Whether they have a right; without `look` they have none."""
        return "look" in self.rights and right in self.rights


_BY_ROLE: dict[str, Right] = {VIEWER: "look", USER: "files", OP: "act"}
"""The right that a role has first; whoever has a higher role has it too."""


def rights_of(role: str) -> set[Right]:
    """The rights of a role, by the same names and ranks as at the door before Airflow's API; none of an unknown one."""
    return {right for lowest, right in _BY_ROLE.items() if at_least(role, lowest)}


def named_rights(settings: Settings, name: str) -> set[Right]:
    """The rights that the settings give to a user by name."""
    given: dict[Right, str] = {"personal": settings.personal_data, "approve": settings.approvers}
    return {
        right for right, users in given.items() if name in {user.strip() for user in re.split("[,=]", users)} - {""}
    }
