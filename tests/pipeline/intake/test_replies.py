"""What a centre reads: the next action, the cause that decides, counts that agree (FIL-1)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from tests.pipeline.inbox import NOW, land, outbox
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, name_of, registration_file

TOO_LATE = datetime.fromisoformat("2024-06-15T12:00:00+01:00")


def reply(desk: Desk, data: bytes, landed: datetime) -> tuple[str, dict[str, Any]]:
    """The newest reply to a file of that name, as text with single spaces and as JSON."""
    name = name_of(data)
    land(desk, f"{CENTRE}/{name}", data, landed)
    ingest(desk, NOW)
    twins = [json.loads(desk.store.get(f"outbox/{key}.json")) for key in outbox(desk)]
    twin = max((twin for twin in twins if twin["file"] == name), key=lambda twin: twin["received_at"])
    return " ".join(outbox(desk)[f"{CENTRE}/{twin['name']}"].split()), twin


def numbered(text: str) -> int:
    """How many findings a reply lists."""
    return len(re.findall(r" \d+\. (?:line|whole|candidate)", text))


def test_fil_1_a_closed_window_is_all_that_is_said_though_nobody_is_registered(work: Desk) -> None:
    text, twin = reply(work, centre_file(count=40), TOO_LATE)
    assert numbered(text) == 1
    assert "NEXT Certification can still be claimed, online only" in text
    assert "FINDINGS 1 that refuses the file 1. whole file: FILE REFUSED Received 15 June 2024" in text
    assert "Candidates 40 in the file, 0 accepted, 40 refused" in text
    assert "Options" not in text
    assert "1 more finding is not shown" in text
    [left_out] = twin["left_out"]
    assert (left_out["code"], left_out["candidates"]) == ("NOT_REGISTERED", [["0001", "0040"]])


def test_fil_1_a_file_that_is_refused_is_not_held_for_a_person(work: Desk) -> None:
    reply(work, registration_file(), REGISTERED)
    reply(work, centre_file(), ON_TIME)
    text, twin = reply(work, centre_file(("BEN01",), sequence=2), TOO_LATE)
    assert "staff will look at it" not in json.dumps(twin)
    assert [cause["code"] for cause in twin["causes"]] == ["WINDOW_CLOSED"]
    assert "HELD FOR A PERSON" not in text


def test_fil_1_one_cause_for_all_candidates_is_one_finding_with_ranges(work: Desk) -> None:
    data = centre_file(count=40)
    text, twin = reply(work, data, ON_TIME)
    assert numbered(text) == 1
    assert "1. candidates 0001 to 0040 (lines 3-42, columns 109-135): ENTRY REFUSED Not registered for" in text
    assert "FINDINGS 1 that refuses entries of 40 candidates" in text
    assert "NEXT Nothing was applied. Put right what is said below (finding 1)" in text
    assert "its number is still free" in text
    assert "amendment" not in text
    [cause] = twin["causes"]
    assert cause["places"] == [{"columns": [109, 135], "lines": [[3, 42]]}]


@pytest.mark.parametrize("count", [1, 13, 200])
def test_fil_1_the_counts_in_the_head_agree_with_the_findings(work: Desk, count: int) -> None:
    reply(work, registration_file(count=250), REGISTERED)
    lines = centre_file(count=250).split(b"\r\n")
    for line in range(2, 2 + count):
        lines[line] = lines[line][:2] + b"X" + lines[line][3:]
    data = b"\r\n".join(lines)
    text, twin = reply(work, data, ON_TIME)
    assert twin["candidates"] == {"in the file": 250, "accepted": 250 - count, "refused": count}
    whom = "a candidate" if count == 1 else f"{count} candidates"
    assert f"FINDINGS 1 that refuses {whom}" in text
    assert "NEXT Put right what was refused (finding 1 below), and send it in an amendment file, number 002" in text


def test_fil_1_what_to_do_next_is_said_first_even_if_it_is_nothing(work: Desk) -> None:
    text, _ = reply(work, registration_file(), REGISTERED)
    assert "NEXT Nothing to do. Send further changes for registrations 2023/24 in an amendment file, number 002" in text
    assert text.index("NEXT") < text.index("RECEIVED")
    again, _ = reply(work, registration_file(), ON_TIME)
    assert "NEXT Nothing to do: the first reply stands" in again
