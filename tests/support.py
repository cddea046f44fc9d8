"""Builders of test files: made-up candidates in canonical files, and the changes senders make to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from fixtures.generate import people
from parsers.findings import Code, Finding, Reach
from parsers.reader import read
from parsers.writer import block, candidate_records, single
from rules.known import Arrival

CENTRE = "64123"
ENTERPRISE = ("BEN01", "BEN02", "BEN03", "BEN99")
ON_TIME = datetime.fromisoformat("2024-02-15T12:00:00+00:00")
REGISTERED = datetime.fromisoformat("2023-09-18T12:00:00+01:00")


def centre_file(
    options: Sequence[str] = ENTERPRISE,
    *,
    letter: str = "E",
    centre: str = CENTRE,
    series: str = "6B24",
    body: str = "15",
    sequence: int = 1,
    count: int = 3,
    changed: Mapping[str, str] | None = None,
) -> bytes:
    """A canonical file of `count` candidates, of each centre others; `changed` fields replace the first candidate's."""
    records = []
    seed = 1 if centre == CENTRE else int(centre)
    for number, person in enumerate(people(centre, count, seed=seed)):
        records += candidate_records(letter, centre, person | (dict(changed or {}) if number == 0 else {}), options)
    return single(
        letter, centre, block(records), awarding_body=body, series_key=series, sequence=sequence, produced="010922",
        postcode="CF24 3QX",
    )  # fmt: skip


def registration_file(centre: str = CENTRE, count: int = 3) -> bytes:
    """A registration file for Enterprise of the same candidates as `centre_file`."""
    return centre_file(("BEN22",), centre=centre, series="9B23", body="13", count=count)


def name_of(data: bytes) -> str:
    """The file name that belongs to a canonical file."""
    text = data.decode("ascii")
    return f"{text[0]}{text[2:9]}.X{text.splitlines()[1][14:16]}"


def arrival(
    data: bytes, received: datetime = ON_TIME, centre: str = CENTRE, name: str = "", sha256: str = "1"
) -> Arrival:
    """A file as it arrived."""
    return Arrival(submission=read(name or name_of(data), data), centre=centre, received=received, sha256=sha256)


def codes(findings: Sequence[Finding]) -> list[str]:
    """The codes of findings, sorted."""
    return sorted(one.code for one in findings)


def only(findings: Sequence[Finding], code: str) -> Finding:
    """The one finding of that code."""
    [found] = [one for one in findings if one.code == code]
    return found


def has_a_rule_and_three_sentences(code: Code) -> None:
    assert re.fullmatch("[A-Z]{3}-[1-9][0-9]*", code.rule)
    assert code.reach in Reach
    assert all(one.strip() for one in (code.message, code.expected, code.remedy))
    assert code.remedy.endswith(".")
