"""What the text of a field may be, declared once: checked, described, written and generated from here.

A form is a regular expression over the text without its filling. Beside it is the same for a whole field, filling
included, so that one pattern for a whole record recognises the records in which there is nothing to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from .names import NAME_CHARACTERS


@frozen(eq=False)
class Form:
    """The texts a field may hold: `pattern` matches them without their filling, `filled(width)` a whole field of them.

    `filled` may be stricter than `pattern`: what it matches needs no second look, anything else gets one. `words` say
    to a person what is expected; `code` names the finding for a text that does not have the form. `strict` forms are so
    narrow that text of another field hardly ever fits them: a shifted record is recognised by them. `mixed` forms allow
    small letters; in all others these are read as capitals. A `whole` form fills its field to the end.
    """

    words: str
    pattern: str
    filled: Callable[[int], str]
    code: str = "FIELD_WRONG"
    strict: bool = True
    mixed: bool = False
    whole: bool = False

    def fits(self, text: str) -> bool:
        """Whether a text without its filling has this form."""
        return re.fullmatch(self.pattern, text) is not None

    def padded(self, width: int, *, required: bool) -> str:
        """The pattern of a whole field, blank ones included where the field is not required."""
        return f"(?:{self.filled(width)})" if required else f"(?:{self.filled(width)}| {{{width}}})"


def by_length(words: str, lengths: Mapping[int, str], code: str = "FIELD_WRONG", *, whole: bool = False) -> Form:
    """Texts of a few lengths, a pattern for each."""

    def filled(width: int) -> str:
        return "|".join(f"(?:{pattern}) {{{width - length}}}" for length, pattern in lengths.items() if length <= width)

    pattern = "|".join(f"(?:{pattern})" for pattern in lengths.values())
    return Form(words, pattern, filled, code, whole=whole or (len(lengths) == 1 and 0 not in lengths))


def digits(width: int, words: str, code: str = "FIELD_WRONG") -> Form:
    """Exactly `width` digits."""
    return by_length(words, {width: f"[0-9]{{{width}}}"}, code)


def one_of(*texts: str, words: str = "", code: str = "FIELD_WRONG") -> Form:
    """One of a few texts."""
    lengths: dict[int, list[str]] = {}
    for text in texts:
        lengths.setdefault(len(text), []).append(re.escape(text))
    spoken = words or " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
    return by_length(spoken, {length: "|".join(same) for length, same in lengths.items()}, code)


def capitals(least: int, most: int, words: str, code: str = "FIELD_WRONG") -> Form:
    """`least` to `most` capital letters and digits."""
    return by_length(words, {length: f"[A-Z0-9]{{{length}}}" for length in range(least, most + 1)}, code)


def text(words: str, alphabet: str = "!-~") -> Form:
    """Text of any length made of a character class and of spaces, not beginning with a space."""
    return Form(
        words,
        rf"[{alphabet}](?:[{alphabet} ]*[{alphabet}])?",
        lambda width: f"[{alphabet}][{alphabet} ]{{{width - 1}}}",
        strict=False,
        mixed=alphabet == "!-~",
    )


def _filled_name(width: int) -> str:
    # Single spaces, one colon, and two blank columns at the end, or the name may have been cut off. The width follows
    # from that of the record: no other field varies in width.
    letters = NAME_CHARACTERS.replace(":", "").replace(" ", "")
    return f"[A-Z](?: ?[{letters}])*:(?:[{letters}](?: ?[{letters}])*)? {{2,{width}}}"


def number(width: int) -> Form:
    """A number, zero-filled to the width of its field."""
    return digits(width, f"a number of {width} digits, zero-filled")


NAME = Form(
    "SURNAME:FORENAMES (the colon stays when there is no forename)",
    f"[^:]*[A-Z][^:]*:[{NAME_CHARACTERS.replace(':', '')}]*",
    _filled_name,
    "NAME_FORM",
    strict=False,
)
CENTRE = digits(5, "a centre number of five digits")
CENTRE_OR_KEY = by_length(
    "a centre number (five digits) or a series key such as 6B24_",
    {5: "[0-9]{5}|[1-9ABC][A-Z][0-9]{2}[_A-Z]"},
)
SERIES = by_length("a month (1-9, A, B, C) and the board's letter", {2: "[1-9ABC][A-Z]"})
CANDIDATE_NUMBER = by_length(
    "four digits, 0001 to 9999", {4: "[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9]"}, "CANDIDATE_NUMBER"
)
UCI = by_length(
    "13 characters: centre number (5 digits), 0 or a letter, year (2), candidate number (4), check letter",
    {13: "[0-9]{5}[0-9A-Z][0-9]{6}[A-Z]", 12: "[0-9]{5}[0-9A-Z][0-9]{6}"},
    "UCI_FORM",
    # A UCI without its check letter gets it before anything else is done with it.
    whole=True,
)
UPN = by_length("a letter, eleven digits, a digit or letter", {13: "[A-Z][0-9]{11}[0-9A-Z]"}, "UPN_WRONG")
ULN_DIGITS = 10
ULN = digits(ULN_DIGITS, "ten digits, the last of which checks the others", "ULN_WRONG")
DATE = digits(6, "a date as DDMMYY")
BORN = digits(6, "DDMMYY, or 000000 when it is not known", "BORN")
OPTION = capitals(3, 6, "an option code of three to six capital letters and digits")
COMPONENT = evolve(
    by_length(
        "a component code of three to twelve letters, digits, full stops, dashes and strokes",
        {length: f"[A-Za-z0-9][A-Za-z0-9./-]{{{length - 1}}}" for length in range(3, 13)},
    ),
    mixed=True,
)
"""In its own case: to some boards `U078b` is not `U078B`."""
GRADE = by_length("a grade of one or two characters", {1: "[A-Z0-9*#]", 2: "[A-Z0-9*#]{2}"})
GRADESET = capitals(1, 4, "a gradeset code of one to four characters")
TITLE = text("a title")
UNIDENTIFIED = text("text without small letters", "!-`{-~")
DIVIDED = evolve(TITLE, mixed=False)
BLANK = by_length("spaces", {0: ""}, "RESERVED_USED")
