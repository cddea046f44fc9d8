"""Made-up canonical files of any size, built as byte matrices: a million records in a few seconds, seeded.

Every file has one centre and the four records of its envelope. UCI and ULN carry valid check characters.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fixtures.generate import FORENAMES, SURNAMES
from parsers.layouts import CANDIDATE, MARK

Bytes = NDArray[np.uint8]
"""ASCII codes, a row for each record and a column for each column of the field."""

CENTRE = 64123
AWARDING_BODY = "15"
SERIES_KEY = "6B24"
SEQUENCE = 1
PRODUCED = "150224"
ENVELOPE = 4
"""Records of a file that are no details: types 1, 3, 7 and 9."""

OPTIONS = ("BEN01", "BEN02", "BEN03", "BEN99")
"""What every candidate takes: three components and the award. In an R file four records, one for each."""

GRADES = ("D2", "M2", "P2", "D1", "M1", "P1", "U ")

UCI_LETTERS = "ABCDEFGHKLMRTVWXY"


class Column(NamedTuple):
    """A field of a detail record: `start` and `stop` as in a slice, counted from 0."""

    name: str
    start: int
    stop: int

    @property
    def width(self) -> int:
        return self.stop - self.start


_CANDIDATE = tuple(Column(field.name, field.first - 1, field.last) for field in CANDIDATE.fields)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "E": tuple(column for column in _CANDIDATE if not column.name.startswith(("option_", "suffix_"))),
    # Score and grade are the overlay of the result block for result type U (formats reference, 6.2).
    "R": (
        Column("data_type", 0, 1),
        Column("record_type", 1, 2),
        Column("centre", 2, 7),
        Column("candidate", 7, 11),
        Column("uci", 11, 24),
        Column("uln", 24, 34),
        Column("entered", 34, 40),
        Column("option", 40, 46),
        Column("result_type", 46, 47),
        Column("score", 47, 50),
        Column("grade", 50, 52),
    ),
    "M": tuple(Column(field.name, field.first - 1, field.last) for field in MARK.fields),
}
"""By file letter: the fields of a detail record that every way slices, the option slots left out."""

SLOTS: dict[str, tuple[Column, ...]] = {
    "E": tuple(column for column in _CANDIDATE if column.name.startswith("option_")),
    "R": (),
    "M": (),
}

WIDTHS = {"E": 192, "R": 59}
"""Columns of every record by file letter, line end not counted."""


def write(folder: Path, letter: str, files: int, details: int) -> int:
    """Writes `files` files of `details` detail records, a centre each; returns their bytes."""
    make = {"E": entries, "R": results}[letter]
    total = 0
    for number in range(files):
        centre = CENTRE + number
        total += (folder / f"{letter}{centre}{AWARDING_BODY}.X01").write_bytes(make(centre, details))
    return total


def entries(centre: int, details: int) -> bytes:
    """An E file of `details` candidates who all take `OPTIONS`."""
    chance = np.random.default_rng(centre)
    records = _records("E5C", "E", details)
    candidates, uci, uln = _people(centre, details, chance)
    names = _table([f"{surname}:{forename}" for surname in SURNAMES for forename in FORENAMES], 40)
    born = [chance.integers(low, high, details) for low, high in ((1, 29), (1, 13), (7, 10))]
    records[:, 3:8] = _digits(np.full(details, centre), 5)
    records[:, 8:12] = candidates
    records[:, 12:52] = names[chance.integers(0, len(names), details)]
    records[:, 52:53] = _table(["M", "F"], 1)[chance.integers(0, 2, details)]
    records[:, 53:59] = np.hstack([_digits(part, 2) for part in born])
    records[:, 59:72] = uci
    records[:, 85:95] = uln
    for slot, option in zip(SLOTS["E"], OPTIONS, strict=False):
        records[:, slot.start : slot.stop] = _table([option], slot.width)
    return _file("E", centre, records)


def results(centre: int, details: int) -> bytes:
    """An R file of `details` results of type U, a candidate's four one after the other."""
    chance = np.random.default_rng(centre)
    records = _records("R5", "R", details)
    people = _people(centre, -(-details // len(OPTIONS)), chance)
    candidates, uci, uln = (part.repeat(len(OPTIONS), axis=0)[:details] for part in people)
    records[:, 2:7] = _digits(np.full(details, centre), 5)
    records[:, 7:11] = candidates
    records[:, 11:24] = uci
    records[:, 24:34] = uln
    records[:, 40:46] = _table(OPTIONS, 6)[np.arange(details) % len(OPTIONS)]
    records[:, 46] = ord("U")
    records[:, 47:50] = _digits(chance.integers(0, 101, details), 3)
    records[:, 50:52] = _table(GRADES, 2)[chance.integers(0, len(GRADES), details)]
    return _file("R", centre, records)


def details_in(data: bytes) -> int:
    """How many detail records a file built here holds."""
    return len(data) // (WIDTHS[chr(data[0])] + 2) - ENVELOPE


def _people(centre: int, count: int, chance: np.random.Generator) -> tuple[Bytes, Bytes, Bytes]:
    """Candidate number, UCI and ULN of `count` candidates. Numbers wrap after 9999, as no real centre's do; every UCI
    is another's, for each round of numbers was first entered at a centre of its own."""
    order = np.arange(count)
    candidates = _digits(order % 9999 + 1, 4)
    first = _digits(centre + order // 9999, 5)
    core = np.hstack([first, _table(["0"], 1).repeat(count, axis=0), _digits(22 + order % 3, 2), candidates])
    remainder = (core - ord("0")) @ np.arange(16, 4, -1) % 17
    letters = np.frombuffer(UCI_LETTERS.encode("ascii"), np.uint8)[remainder]
    return candidates, np.hstack([core, letters[:, None]]), _ulns(count, chance)


def _ulns(count: int, chance: np.random.Generator) -> Bytes:
    """ULNs: nine digits whose weighted sum leaves a remainder modulo 11, and the check digit ten minus it."""
    nine = chance.integers(100_000_000, 1_000_000_000, count)
    weights = np.arange(10, 1, -1)
    while True:
        digits = _digits(nine, 9)
        remainder = (digits - ord("0")) @ weights % 11
        if remainder.all():
            return np.hstack([digits, _digits(10 - remainder, 1)])
        wrong = remainder == 0
        nine[wrong] = chance.integers(100_000_000, 1_000_000_000, int(wrong.sum()))


def _digits(numbers: NDArray[np.int64], width: int) -> Bytes:
    """Numbers right-justified and zero-filled."""
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _table(texts: list[str] | tuple[str, ...], width: int) -> Bytes:
    """Texts left-justified and space-filled, a row each."""
    joined = "".join(text.ljust(width) for text in texts)
    return np.frombuffer(joined.encode("ascii"), np.uint8).reshape(len(texts), width)


def _records(identity: str, letter: str, count: int) -> Bytes:
    """`count` records that hold nothing but `identity` in their first columns and the line end."""
    return _table([identity.ljust(WIDTHS[letter]) + "\r\n"], WIDTHS[letter] + 2).repeat(count, axis=0)


def _file(letter: str, centre: int, details: Bytes) -> bytes:
    """The whole file: `details` in the envelope of one centre, every record as wide as a detail."""
    common = f"{centre}{AWARDING_BODY}{SERIES_KEY}"
    opening = (f"{letter}1{common}SRESDAY 01014", f"{letter}3{common}{SEQUENCE:03}")
    closing = (
        f"{letter}7{centre}{len(details) + 2:07}{PRODUCED}",
        f"{letter}9{centre}{len(details) + ENVELOPE:07}{1:07}",
    )
    before, after = (
        "".join(f"{line.ljust(WIDTHS[letter])}\r\n" for line in part).encode("ascii") for part in (opening, closing)
    )
    return before + details.tobytes() + after
