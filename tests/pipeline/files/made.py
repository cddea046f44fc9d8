"""Small files of several types, for every command that reads one."""

from __future__ import annotations

from fixtures.generate import people
from parsers.envelope import Centre, Header
from parsers.layouts import FILE_TYPES, OPTION_12, Layout
from parsers.writer import block, file, record
from tests.support import CENTRE

PERSON = next(people(CENTRE, 1, seed=1))


def made(letter: str, key: str, *records: dict[str, str], layout: Layout | None = None, **header: str) -> bytes:
    """A file of one centre, or of everybody (`key` as in `6B24_`), with those records."""
    layout = layout or FILE_TYPES[letter].detail
    assert layout is not None
    fixed = {"data_type": letter, "record_type": "5"}
    details = block(record(layout, fixed | one) for one in records)
    said = {"centre": key, "awarding_body": "15", "series": "6B", "year": "24"} | header
    part = Centre(number=key, sequence=7, produced="220824", details=details)
    return file(Header(letter=letter, **said), [part], layout)


def results() -> bytes:
    """Results of every division of the result block."""
    who = {"centre": CENTRE, "candidate": "0001", "uci": PERSON["uci"]}
    return made(
        "R",
        CENTRE,
        who | {"option": "BEN99", "result_type": "1", "grade": "D*", "endorsement": "P", "partial": "#"},
        who | {"option": "BEN01", "result_type": "U", "score": "7", "grade": "P"},
        who | {"option": "BZH99", "result_type": "B", "score": "1234", "grade": "M2", "uln": PERSON["uln"]},
    )


def options() -> bytes:
    """Options of an older formats version."""
    one = {"option": "BEN01", "syllabus": "BEN", "item": "U", "unit_type": "BTEC", "unit_level": "12", "process": "E",
           "title": "EXPLORING ENTERPRISES", "fee_defined": "Y", "fee": "2550", "result_type": "U", "maximum": "60",
           "components": "1"}  # fmt: skip
    return made("O", "6B24_", one, layout=OPTION_12, distribution="B", formats_version="12")


def syllabuses() -> bytes:
    return made("S", "6B24_", {"syllabus": "BEN", "title": "ENTERPRISE"}, distribution="B")


REPLY = b"REPLY X6412315.X01\r\nto centre 64123 about E6412315.X01\r\n\r\nFINDINGS  none\r\n"
