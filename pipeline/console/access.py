"""Who looks at the console, and what they may."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from infra.settings import Settings

Right = Literal["look", "files", "act", "personal", "approve"]
"""`look`: counts, also by centre; `files`: files, findings and candidate numbers; `act`: decide about held files;
`personal`: names, dates of birth, UCIs; `approve`: what is under embargo."""


@frozen
class Person:
    """Somebody who has logged in: the name that goes on record, and what they may."""

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        """Whether they have a right; without `look` there is none."""
        return "look" in self.rights and right in self.rights


def named_rights(settings: Settings, name: str) -> set[Right]:
    """The rights that settings give to users by name."""
    given: dict[Right, str] = {"personal": settings.personal_data, "approve": settings.approvers}
    return {right for right, users in given.items() if name in {one.strip() for one in users.split(",")} - {""}}
