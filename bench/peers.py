"""What else could read these files: (d) compiled slices to objects, (e) Lark, (f) pandas; and (g) what reads the
formats most like them, EDIFACT and X12, on generated texts of as many segments as the files have detail records."""

from __future__ import annotations

import io
import operator
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import attrs
import pandas as pd
import pyx12.params
import pyx12.x12file
import pyx12.x12n_document
from lark import Lark, Token, Tree
from pydifact.segmentcollection import Interchange

from bench.data import CENTRE, COLUMNS, OPTIONS, SLOTS, WIDTHS, details_in
from bench.ways import Files, letter_of
from fixtures.generate import FORENAMES, SURNAMES

# --- (d) objects -----------------------------------------------------------------------------------------------------


def objects(held: Files) -> int:
    """A frozen attrs object for each record, its fields cut by one compiled `itemgetter`, used options as a tuple."""
    letter = letter_of(held)
    names = [column.name for column in COLUMNS[letter]]
    fields = operator.itemgetter(*(slice(column.start, column.stop) for column in COLUMNS[letter]))
    lines = (line for _, data in held for line in data.decode("ascii").split("\r\n") if line[1:2] == "5")
    if SLOTS[letter]:
        slots = operator.itemgetter(*(slice(slot.start, slot.stop) for slot in SLOTS[letter]))
        record = attrs.make_class("Record", [*names, "options"], frozen=True, slots=True)
        kept: list[Any] = [
            record(*map(str.rstrip, fields(line)), tuple([code.rstrip() for code in slots(line) if not code.isspace()]))
            for line in lines
        ]
        assert all(len(record.options) == len(OPTIONS) for record in kept)
    else:
        record = attrs.make_class("Record", names, frozen=True, slots=True)
        kept = [record(*map(str.rstrip, fields(line))) for line in lines]
    return len(kept)


# --- (e) Lark --------------------------------------------------------------------------------------------------------

_ORDER = """
start: FILE_HEADER centre+ FILE_TRAILER
centre: CENTRE_HEADER DETAIL* CENTRE_TRAILER
"""
_TERMINALS = {"1": "FILE_HEADER", "3": "CENTRE_HEADER", "5": "DETAIL", "7": "CENTRE_TRAILER", "9": "FILE_TRAILER"}


@cache
def _grammar(letter: str) -> Lark:
    rest = rf"[^\r\n]{{{WIDTHS[letter] - 2}}}\r\n"
    terminals = [f"{name}: /{letter}{kind}{rest}/" for kind, name in _TERMINALS.items()]
    return Lark(_ORDER + "\n".join(terminals), parser="lalr", lexer="basic", propagate_positions=False)


def tokens(held: Files) -> int:
    """A tree with a token for each record; nothing is sliced."""
    grammar = _grammar(letter_of(held))
    trees: list[Tree[Token]] = [grammar.parse(data.decode("ascii")) for _, data in held]
    return sum(len(centre.children) - 2 for tree in trees for centre in tree.find_data("centre"))


# --- (f) pandas ------------------------------------------------------------------------------------------------------


def fixed_width(held: Files) -> int:
    """`pandas.read_fwf` of the same columns as text, option slots as columns."""
    letter = letter_of(held)
    columns = [*COLUMNS[letter], *SLOTS[letter]]
    frame = pd.read_fwf(
        io.BytesIO(b"".join(data for _, data in held)),
        colspecs=[(column.start, column.stop) for column in columns],
        names=[column.name for column in columns],
        header=None,
        dtype=str,
        keep_default_na=False,
        encoding="ascii",
    )
    return len(frame[frame["record_type"] == "5"])


# --- (g) EDIFACT and X12 ---------------------------------------------------------------------------------------------


def edifact_files(held: Files) -> Files:
    """For each file an ORDERS interchange with a segment for each of its detail records."""
    return [(named, _edifact(details_in(data))) for named, data in held]


def x12_files(held: Files) -> Files:
    """For each file an 834 (enrolment) transaction with about a segment for each of its detail records."""
    return [(named, _x12(details_in(data))) for named, data in held]


def edifact(held: Files) -> int:
    """pydifact: the whole interchange to messages and segments."""
    count = 0
    for _, data in held:
        messages = list(Interchange.from_str(data.decode("ascii")).get_messages())
        count += sum(len(message.segments) for message in messages)
    return count


def x12(held: Files) -> int:
    """pyx12's reader: segments and envelope counts, no validation against the transaction's map. It is a stream, so
    its segments are counted, not kept."""
    return sum(1 for _, data in held for _ in pyx12.x12file.X12Reader(io.StringIO(data.decode("ascii"))))


def x12_valid(held: Files) -> int:
    """pyx12 with validation of every segment against the 834 map, and the 999 reply."""
    count = 0
    for _, data in held:
        text, reply = data.decode("ascii"), io.StringIO()
        assert pyx12.x12n_document.x12n_document(pyx12.params.ParamsBase(), io.StringIO(text), reply, None)
        count += text.count("~")
    return count


def _edifact(segments: int) -> bytes:
    def body() -> Iterator[str]:
        for number, surname, forename, option in _people():
            yield f"LIN+{number}++{option}:EN'"
            yield f"IMD+F++:::{surname.replace(chr(39), '?' + chr(39))}:{forename}'"
            yield f"RFF+AAA:{CENTRE}022{number % 9999 + 1:04}A'"
            yield "DTM+329:20080415:102'"

    opening = [f"UNB+UNOC:3+{CENTRE}+15+240215:0900+1'", "UNH+1+ORDERS:D:96A:UN'"]
    closing = [f"UNT+{segments + 2}+1'", "UNZ+1+1'"]
    return _text(opening, _first(body, segments), closing)


def _x12(segments: int) -> bytes:
    def body() -> Iterator[str]:
        for number, surname, forename, option in _people():
            yield "INS*Y*18*030*XN*A***FT~"
            yield f"REF*0F*{CENTRE}{number:07}~"
            yield "DTP*356*D8*20240215~"
            yield f"NM1*IL*1*{surname}*{forename}****34*123456789~"
            yield "DMG*D8*20080415*F~"
            yield f"HD*030**HLT*{option}*IND~"
            yield "DTP*348*D8*20240215~"

    opening = [
        f"ISA*00*          *00*          *ZZ*{CENTRE:<15}*ZZ*{15:<15}*240215*0900*^*00501*000000001*0*P*:~",
        f"GS*BE*{CENTRE}*15*20240215*0900*1*X*005010X220A1~",
        "ST*834*0001*005010X220A1~",
        "BGN*00*1*20240215*0900****4~",
        f"N1*P5*CENTRE {CENTRE}*FI*640123456~",
        "N1*IN*AWARDING BODY*FI*150123456~",
    ]
    # Whole members only: a transaction that ends inside one is not valid.
    members = _first(body, max(segments // 7, 1) * 7)
    closing = [f"SE*{len(members) + 5}*0001~", "GE*1*1~", "IEA*1*000000001~"]
    return _text(opening, members, closing)


def _people() -> Iterator[tuple[int, str, str, str]]:
    """Number from 1, surname, forename and option of made-up candidates without end."""
    number = 0
    while True:
        surname, forename = SURNAMES[number % len(SURNAMES)], FORENAMES[number // 3 % len(FORENAMES)]
        yield number + 1, surname, forename, OPTIONS[number % len(OPTIONS)]
        number += 1


def _first(body: Callable[[], Iterator[str]], count: int) -> list[str]:
    return [line for _, line in zip(range(count), body(), strict=False)]


def _text(*parts: list[str]) -> bytes:
    return "\n".join(line for part in parts for line in part).encode("ascii") + b"\n"
