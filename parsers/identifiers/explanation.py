"""What an identifier says, whether it is valid, how that was computed, and what to do when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from .errors import InvalidIdentifier

_SHOWN = 60


@frozen
class Part:
    """A part of a normalised identifier: its text, its columns (from 1, the last included) and what it means."""

    text: str
    first: int
    last: int
    meaning: str


@frozen
class Explanation:
    """An identifier taken apart.

    `given` is the text as it came, `normal` its compact form; `parts` are those that could be recognised, `steps` the
    arithmetic of the check character; `problem` and `remedy` are None where there is nothing to say.
    """

    kind: str
    given: str
    normal: str
    valid: bool
    parts: tuple[Part, ...] = ()
    steps: tuple[str, ...] = ()
    problem: str | None = None
    remedy: str | None = None

    def text(self) -> str:
        """A few aligned lines for a terminal; long or unprintable input is cut and masked."""
        rows = [(_columns(part), _shown(part.text), part.meaning) for part in self.parts]
        rows += [("check", "", step) for step in self.steps]
        rows += [(label, "", said) for label, said in (("problem", self.problem), ("remedy", self.remedy)) if said]
        left = max((len(label) for label, _, _ in rows), default=0)
        middle = max((len(part) for _, part, _ in rows), default=0)
        verdict = "valid" if self.valid else "not valid"
        lines = [f"{self.kind} {_shown(self.normal)}: {verdict}"]
        for label, part, said in rows:
            lines.append(f"  {label:<{left}}  {part:<{middle}}  {said}" if part else f"  {label:<{left}}  {said}")
        return "\n".join(lines)


def parts(text: str, *cuts: tuple[int, str]) -> tuple[Part, ...]:
    """`text` cut from the left into parts of (width, meaning), as far as it reaches."""
    found = []
    at = 0
    for width, meaning in cuts:
        if cut := text[at : at + width]:
            found.append(Part(cut, at + 1, at + len(cut), meaning))
        at += width
    return tuple(found)


def failure(validate: Callable[[str], str], text: str) -> InvalidIdentifier | None:
    """The error that `validate` raises for `text`; None when it accepts it."""
    try:
        validate(text)
    except InvalidIdentifier as wrong:
        return wrong
    return None


def either(texts: Iterable[str]) -> str:
    """`A`, `A or B`, `A, B or C`."""
    *others, last = texts
    return f"{', '.join(others)} or {last}" if others else last


def _columns(part: Part) -> str:
    return str(part.first) if part.first == part.last else f"{part.first}-{part.last}"


def _shown(text: str) -> str:
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)
