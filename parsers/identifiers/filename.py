"""Names of files (JCQ formats, section on file names; FIL-2, FIL-4): `dcccccbb.Xnn`, and `Zcccccbb.zip` for bundles.

Ours: a centre's replies in a stream are numbered on, so that from the hundredth the name of a reply ends in three or
more digits, and no reply is overwritten. Names are not case-sensitive; all functions return them in upper case.
"""

from __future__ import annotations

import re

from attrs import frozen

from . import sequence, series
from .check import raised
from .errors import InvalidFormat
from .explanation import Explanation, Part, either, failure

BUNDLE = "Z"
"""The letter of a bundle of basedata."""

CENTRE_FILES, SERIES_FILES = "EAFMR", "RSOCLD"
"""The letters of files of records, of a centre and of a series for many centres; results are sent as either."""

LETTERS = {
    "A": "amendments, centre to awarding body",
    "C": "basedata: components",
    "D": "basedata: disallowed combinations",
    "E": "entries, centre to awarding body",
    "F": "forecast grades, centre to awarding body",
    "L": "basedata: links of options and components",
    "M": "marks, centre to awarding body (the letter is this project's own reading)",
    "O": "basedata: options",
    "R": "results, awarding body to centre",
    "S": "basedata: syllabuses",
    "X": "reply to a file, awarding body to centre",
    BUNDLE: "basedata: a bundle of files",
}
"""What the files of each letter hold."""

AWARDING_BODIES = {
    "01": "OCR",
    "02": "Cambridge",
    "10": "Pearson, GCSE",
    "11": "Pearson, GCE",
    "13": "Pearson, BTEC registrations",
    "15": "Pearson, BTEC",
    "40": "WJEC, GCSE",
    "41": "WJEC, GCE",
    "61": "CCEA",
    "70": "AQA",
    "98": "a local code, not JCQ's",
    "99": "a local code, not JCQ's",
}
"""Identifiers of awarding bodies seen in files; a body may have several, one for each of its streams."""

_CENTRE = "[0-9]{5}"
_BROADCAST = "[1-9A-C][A-Z][0-9]{2}[_BCW]"
_NAME = re.compile(
    rf"(?:([{CENTRE_FILES}X])({_CENTRE})|([{SERIES_FILES}])({_BROADCAST}))([0-9]{{2}})\.X([0-9]{{2}})"
    rf"|(X)({_CENTRE})([0-9]{{2}})\.X([1-9][0-9]{{2,}})"
    rf"|(Z)({_BROADCAST})([0-9]{{2}})\.ZIP"
)
_COUNTED = r"(?:(?: |%20)?[(\[][0-9]+[)\]]|_[0-9]+)"
_RENAMED = re.compile(
    rf"(?:COPY OF )?([A-Z][0-9A-Z_]{{7}})(?:{_COUNTED}| ?- ?COPY{_COUNTED}?)?"
    rf"(?: ?\.\.?|[ _-])?(X[0-9]{{2}}|(?<=\.)ZIP){_COUNTED}?(?:\.(?:TXT|DAT|EDI|CSV))?"
)


@frozen
class FileName:
    """A file name, upper-cased: letter, centre, awarding body, last two digits of the sequence number (all of them in
    the name of a reply).

    `centre` is a centre number or, in files for many centres, a broadcast key such as `6B23_`; `number` is empty in
    the name of a bundle.
    """

    letter: str
    centre: str
    awarding_body: str
    number: str

    def __str__(self) -> str:
        ending = f"X{self.number}" if self.number else "ZIP"
        return f"{self.letter}{self.centre}{self.awarding_body}.{ending}"


def compact(text: str) -> str:
    """Upper case, without spaces around it."""
    return raised(text)


def validate(text: str) -> str:
    """The compact form of a file name. Raises InvalidFormat when it has none of the shapes of this module."""
    name = compact(text)
    if not _NAME.fullmatch(name):
        raise InvalidFormat(
            "expected letter, centre number or series, awarding body, .X and two digits, such as E6412315.X01"
        )
    return name


def is_valid(text: str) -> bool:
    """Whether `text` is a file name."""
    return failure(validate, text) is None


def parse(text: str) -> FileName | None:
    """The parts of a file name; None when it is not one."""
    match = _NAME.fullmatch(compact(text))
    if not match:
        return None
    letter, centre, body, *number = (group for group in match.groups() if group is not None)
    return FileName(letter, centre, body, *(number or [""]))


def original(text: str) -> FileName | None:
    """The name before a browser, a mail program or a file manager changed it (FIL-4): to `E6412315 (1).X01`, `Copy of
    E6412315.X01`, `E6412315.X01.txt`, `E6412315_X01` or the like. An unchanged name is its own original; None when
    there is none."""
    match = _RENAMED.fullmatch(compact(text))
    return parse(f"{match[1]}.{match[2]}") if match else None


def copied(text: str) -> bool:
    """Whether a name that is none says that the file is a copy of another, which may have changed since: `Copy of
    E6412315.X01`, `E6412315 (1).X01`."""
    return re.search(rf"COPY|{_COUNTED}(?:\.|$)", compact(text)) is not None


def explain(text: str) -> Explanation:
    """The parts of a file name; when it is not one, the name it may have had before."""
    normal = compact(text)
    wrong = failure(validate, normal)
    name = parse(normal)
    remedy = None
    if wrong:
        before = original(normal)
        remedy = f"Renamed on the way? Send it as {before}." if before else "Send the file as your software named it."
    return Explanation(
        kind="File name",
        given=text,
        normal=normal,
        valid=wrong is None,
        parts=_parts(name) if name else (),
        problem=str(wrong) if wrong else None,
        remedy=remedy,
    )


def _parts(name: FileName) -> tuple[Part, ...]:
    key = series.parse(name.centre)
    found = [
        Part(name.letter, 1, 1, LETTERS[name.letter]),
        Part(name.centre, 2, 6, _season(key) if key else "centre"),
        Part(name.awarding_body, 7, 8, AWARDING_BODIES.get(name.awarding_body, "an awarding body not known here")),
    ]
    if name.number:
        said = (
            [name.number] if len(name.number) > 2 else [f"{number:03d}" for number in sequence.numbers_of(name.number)]
        )
        found.append(Part(name.number, 11, 10 + len(name.number), f"sequence number {either(said)}"))
    return tuple(found)


def _season(key: series.SeriesKey) -> str:
    return f"series {key.letter} of {series.MONTHS[key.month]} 20{key.year}, {series.LANGUAGES[key.language]}"
