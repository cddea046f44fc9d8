"""Who uses the console, and what they may do."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from infra.settings import Settings

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


def named_rights(settings: Settings, name: str) -> set[Right]:
    """The rights that the settings give to a user by name."""
    given: dict[Right, str] = {"personal": settings.personal_data, "approve": settings.approvers}
    return {right for right, users in given.items() if name in {user.strip() for user in users.split(",")} - {""}}
