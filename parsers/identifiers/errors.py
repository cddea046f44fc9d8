"""Why a text is not the identifier it should be (the hierarchy of python-stdnum).

A message says what was expected. It repeats at most a few characters of the identifier, so that it may be logged.
"""

from __future__ import annotations


class InvalidIdentifier(ValueError):  # noqa: N818 -- the names are python-stdnum's
    """The text is not a valid identifier of the kind asked for."""


class InvalidFormat(InvalidIdentifier):
    """A character is not of the kind expected in its place."""


class InvalidLength(InvalidIdentifier):
    """There are too few or too many characters."""


class InvalidCheck(InvalidIdentifier):
    """The check character does not match the others."""


class InvalidComponent(InvalidIdentifier):
    """The shape is right, but a part has a value that is never used."""
