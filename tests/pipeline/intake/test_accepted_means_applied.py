"""Accepted means applied (REG-6): whatever a legal file, a feed or a mark says differently is in the ledger afterwards,
or a finding says why not. Every field of every record is changed, to values that are legal and to others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.generate import people
from parsers.feed import LAYOUT, read_feed, write_feed
from parsers.layouts import CANDIDATE, MARK
from parsers.reader import read
from parsers.writer import block, candidate_records, record, single
from rules.decisions import Decision
from rules.details import told
from rules.frames import TO_MARK
from rules.known import Arrival, Known
from tests.rules.known import decided, entered, registered
from tests.support import CENTRE, ENTERPRISE, ON_TIME, REGISTERED, arrival, centre_file

LATER = REGISTERED + timedelta(days=30)
OTHER_UCI, OTHER_ULN, OTHER_UPN = "582012110007M", "1000000000", "A123456789012"
VALUES = {
    "name": st.sampled_from(["NEWNAME:ANN", "DE SOUZA:SHAUN", "", "O'BRIEN:X", "1:2"]),
    "sex": st.sampled_from(["F", "M", "", "X"]),
    "born": st.sampled_from(["010107", "000000", "310207", ""]),
    "uci": st.sampled_from([OTHER_UCI, "641230220001X", "", "641230220002K"]),
    "upn": st.sampled_from([OTHER_UPN, "", "X"]),
    "uln": st.sampled_from([OTHER_ULN, "", "123", "9973959484"]),
    "candidate": st.sampled_from(["0009", "0002", "0000", ""]),
    "status": st.sampled_from(["P", "", "Z"]),
    "centre": st.sampled_from(["58201", ""]),
    "reserved": st.sampled_from(["X"]),
}
"""What each field of a candidate record is changed to."""
CHANGES = st.one_of(
    *(st.tuples(st.just(name), values) for name, values in VALUES.items()),
    st.tuples(st.just("options"), st.lists(st.sampled_from(["BEN22", "BZS22", "BEN01", "ZZZ99"]), max_size=3)),
)


def file(letter: str, key: str, body: str, changed: Mapping[str, Any], options: list[str]) -> bytes:
    """A file of two learners, of whom the first is changed."""
    first, second = people(CENTRE, 2, seed=1)
    options = changed.get("options", options)
    fields = {name: value for name, value in changed.items() if name != "options"}
    lines = [
        *candidate_records(letter, CENTRE, {**first, **{k: v for k, v in fields.items() if k in first}}, options),
        *candidate_records(letter, CENTRE, second, options),
    ]
    for name in fields.keys() - first.keys():
        place = CANDIDATE[name]
        lines[0] = f"{lines[0][: place.first - 1]}{fields[name]:<{place.width}}{lines[0][place.last :]}"
    return single(
        letter, CENTRE, block(lines), awarding_body=body, series_key=key, sequence=2, produced="150224"
    )  # fmt: skip


def said(decision: Decision) -> tuple[Any, ...]:
    """What a decision applies, and what its findings say."""
    booked = decision.outcome.booked
    nothing = pl.DataFrame()
    applied = [
        (frame if booked else nothing).drop("line", "file", "id", strict=False).rows()
        for frame in (decision.added, decision.ended, decision.versions, decision.dropped, decision.marks)
    ]
    findings = sorted((finding.code, finding.candidate or "", finding.message) for finding in decision.findings)
    return applied, findings


def differ(name: str, value: Any, before: Decision, after: Decision) -> None:
    assert said(before) != said(after), f"{name}={value!r} was accepted, and dropped"


@given(CHANGES)
@settings(max_examples=120, deadline=None)
def test_reg_6_every_field_of_a_registration_is_applied_or_told(change: tuple[str, Any]) -> None:
    name, value = change
    known = registered()
    base = file("A", "9B23", "13", {}, ["BEN22"])
    changed = file("A", "9B23", "13", {name: value}, ["BEN22"])
    if base != changed:
        differ(name, value, *(decided(arrival(data, LATER), known) for data in (base, changed)))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("name", "NEWNAME:ANN", ("name", "DE SOUZA:SEAN", "NEWNAME:ANN")),
        ("born", "010107", ("date of birth", "9 February 2008", "1 January 2007")),
        ("sex", "F", ("sex", "M", "F")),
        ("uln", OTHER_ULN, ("ULN", "6070694642", OTHER_ULN)),
        ("uln", "", ("ULN", "6070694642", "")),
        ("upn", OTHER_UPN, ("UPN", "", OTHER_UPN)),
        ("uci", OTHER_UCI, ("UCI", "641230220001D", OTHER_UCI)),
    ],
)
@pytest.mark.parametrize("options", [["BEN22"], ["BEN22", "BZS22"], ["BZS22"]])
def test_reg_6_a_detail_is_changed_and_told_whatever_becomes_of_the_options(
    name: str, value: str, words: tuple[str, str, str], options: list[str]
) -> None:
    decision = decided(arrival(file("A", "9B23", "13", {name: value}, options), LATER), registered())
    assert words in [(change.field, change.old, change.new) for change in told(decision.versions)]
    assert decision.pence == (2400 * 2 if len(options) > 1 else 0)


# A blank for what is registered says nothing: an entry repeats details, and changes none.
SILENT = {("uln", ""), ("born", "000000"), ("sex", "")}


@given(CHANGES)
@settings(max_examples=120, deadline=None)
def test_reg_6_every_field_of_an_entry_is_applied_or_told(change: tuple[str, Any]) -> None:
    name, value = change
    value = [code for code in ("BEN01", "BEN02", "ZZZ99") if code[:3] in str(value)] if name == "options" else value
    known = registered()
    base = file("E", "6B24", "15", {}, ["BEN03"])
    changed = file("E", "6B24", "15", {name: value}, ["BEN03"])
    if base != changed and (name, str(value)) not in SILENT:
        differ(name, value, *(decided(arrival(data), known) for data in (base, changed)))


MARKS = st.one_of(
    st.tuples(st.just("mark"), st.sampled_from(["41", "61", "", "x"])),
    st.tuples(st.just("mark_status"), st.sampled_from(["A", "N", "Z"])),
    st.tuples(st.just("component"), st.sampled_from(["BEN02", "BEN03", "ZZZ99", ""])),
    st.tuples(st.just("candidate"), st.sampled_from(["0002", "0009", ""])),
    st.tuples(st.just("uci"), st.sampled_from(["641230220002K", OTHER_UCI, ""])),
    st.tuples(st.just("task_1"), st.sampled_from(["40", "39"])),
    st.tuples(st.just("centre"), st.sampled_from(["58201"])),
    st.tuples(st.just("reserved"), st.sampled_from(["X"])),
)


def marked(changed: Mapping[str, str], known: Known) -> Decision:
    """A file with one mark of the first learner."""
    values = {"data_type": "M", "record_type": "5", "centre": CENTRE, "candidate": "0001", "uci": "641230220001D",
              "component": "BEN01", "mark": "40"} | dict(changed)  # fmt: skip
    data = single(
        "M", CENTRE, block([record(MARK, values)]), awarding_body="15", series_key="6B24", sequence=1, produced="010524"
    )
    at = datetime.fromisoformat("2024-05-01T12:00:00+01:00")
    return decided(Arrival(submission=read(f"M{CENTRE}15.X01", data), centre=CENTRE, received=at, sha256="9"), known)


@given(MARKS)
@settings(max_examples=60, deadline=None)
def test_mrk_1_every_field_of_a_mark_is_applied_or_told(change: tuple[str, str]) -> None:
    known = registered()
    known = entered(decided(arrival(centre_file(ENTERPRISE)), known), known)
    assert set(TO_MARK) <= set(known.entries.columns)
    differ(*change, marked({}, known), marked(dict([change]), known))


ROWS = st.one_of(
    st.tuples(st.just("action"), st.sampled_from(["withdraw", "remove"])),
    st.tuples(st.just("series"), st.sampled_from(["1B24", "9B23", "6B99"])),
    st.tuples(st.just("awarding_body"), st.sampled_from(["13", "99"])),
    st.tuples(st.just("centre"), st.sampled_from(["58201"])),
    st.tuples(st.just("candidate"), st.sampled_from(["0002", "0009", ""])),
    st.tuples(st.just("uci"), st.sampled_from(["641230220002K", OTHER_UCI, ""])),
    st.tuples(st.just("option"), st.sampled_from(["BEN02", "BEN99", "BEN22", "ZZZ99", ""])),
)


def fed(channel: Any, changed: Mapping[str, str]) -> Decision:
    row = {"action": "enter", "series": "6B24", "awarding_body": "15", "centre": CENTRE, "candidate": "0001",
           "uci": "641230220001D", "option": "BEN01", "who": "J. Clerk", "why": "asked"} | dict(changed)  # fmt: skip
    assert set(row) == set(LAYOUT.columns)
    arrived = Arrival(submission=read_feed("f.csv", write_feed([row])), centre=CENTRE, received=ON_TIME, sha256="7")
    return decided(evolve(arrived, channel=channel), registered())


@given(st.sampled_from(["online", "staff"]), ROWS)
@settings(max_examples=80, deadline=None)
def test_ent_2_every_cell_of_portal_and_staff_is_applied_or_told(channel: str, change: tuple[str, str]) -> None:
    differ(*change, fed(channel, {}), fed(channel, dict([change])))
