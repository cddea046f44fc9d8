"""One UCI, one person (REG-7), in a single file without a ledger, and what an amendment changes (REG-6)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve

from fixtures.generate import people
from parsers.feed import read_feed, write_feed
from parsers.findings import Finding
from parsers.writer import block, candidate_records, single
from rules.cards import lines
from rules.decisions import Outcome, check, decide
from rules.decisions import checked as checked_with_cards
from rules.known import Arrival
from tests.catalogue import CATALOGUE
from tests.rules.known import decided, nothing_held, registered
from tests.support import CENTRE, REGISTERED, arrival, centre_file, codes, only, registration_file

ANNA = {"candidate": "0001", "name": "DE SOUZA:ANNA", "sex": "F", "born": "130907", "uci": "641230220001D",
        "uln": "6070694642", "upn": ""}  # fmt: skip
BEN = ANNA | {"name": "ENTIRELY:DIFFERENT", "sex": "M", "born": "010105", "uln": "9973959484"}


def registrations(*records: Mapping[str, str]) -> bytes:
    """A registration file with these records."""
    lines = [line for record in records for line in candidate_records("E", CENTRE, record, ["BEN22"])]
    return single(
        "E", CENTRE, block(lines), awarding_body="13", series_key="9B23", sequence=1, produced="180923"
    )  # fmt: skip


def checked(data: bytes) -> tuple[Finding, ...]:
    return check(arrival(data, REGISTERED), CATALOGUE, window=False)


def test_reg_7_two_people_under_one_number_and_uci_are_told_without_a_ledger() -> None:
    found = only(checked(registrations(ANNA, BEN)), "RECORDS_DISAGREE")
    assert (found.line, found.candidate) == (4, "0001")
    for both in (
        "lines 3 and 4",
        "DE SOUZA:ANNA",
        "ENTIRELY:DIFFERENT",
        "13 September 2007",
        "1 January 2005",
        "sex M",
    ):
        assert both in found.message
    assert "9973959484 here, 6070694642 there" in found.message


@pytest.mark.parametrize(
    "changed", [{"name": "DE SOUZA:ANN"}, {"born": "140907"}, {"sex": "M"}, {"uln": ""}, {"upn": "H801200001001"}]
)
def test_reg_7_records_of_one_candidate_agree_in_every_detail(changed: dict[str, str]) -> None:
    assert codes(checked(registrations(ANNA, ANNA))) == ["RECORD_TWICE"]
    assert "RECORDS_DISAGREE" in codes(checked(registrations(ANNA, ANNA | changed)))


def test_reg_7_the_disagreeing_candidate_is_refused_and_nobody_else() -> None:
    other = BEN | {"candidate": "0002", "uci": "641230220002K"}
    decision = decided(arrival(registrations(ANNA, ANNA | {"name": "DIFFERENT:NAME"}, other), REGISTERED))
    assert decision.outcome is Outcome.PARTLY
    assert decision.added["candidate"].to_list() == ["0002"]
    assert decision.versions["candidate"].to_list() == ["0002"]


def test_reg_6_a_first_registration_is_a_version_and_no_change() -> None:
    decision = decided(arrival(registration_file(), REGISTERED))
    assert decision.versions.height == 3
    assert not decision.versions["held"].any()


def test_reg_6_a_repeated_registration_changes_nothing() -> None:
    data = registration_file().replace(b"E1641231", b"A1641231")
    decision = decided(arrival(data, REGISTERED, name="E6412313.X01"), registered())
    assert decision.versions.is_empty()


def test_reg_7_files_of_two_centres_that_speak_of_one_learner_are_decided_one_after_the_other() -> None:
    first, second = arrival(registrations(ANNA), REGISTERED), arrival(centre_file(count=1), centre="58201")
    theirs = evolve(first, centre="58201")
    assert [decision.outcome for decision in decide([first, theirs], CATALOGUE, nothing_held())][1] is Outcome.WAITING
    [alone] = decide([theirs], CATALOGUE, nothing_held())
    assert alone.outcome is not Outcome.WAITING
    outcomes = [decision.outcome for decision in decide([second, first], CATALOGUE, nothing_held())]
    assert outcomes[0] is Outcome.WAITING


@pytest.mark.parametrize(
    ("changed", "corrects"), [({}, True), ({"name": "ELSE:ANNA"}, False), ({"born": "010107"}, False)]
)
def test_reg_8_the_same_number_name_and_date_of_birth_correct_the_uci(changed: dict[str, str], corrects: bool) -> None:
    [held, *_] = people(CENTRE, 1, seed=1)
    data = registrations(held | {"uci": "582012110007M"} | changed)
    decision = decided(arrival(data, REGISTERED), registered())
    assert decision.versions["old"].to_list() == ([held["uci"]] if corrects else [])
    assert ("CANDIDATE_NUMBER_SHARED" in codes(decision.findings)) is not corrects


def test_reg_9_a_feed_registers_nobody_without_details() -> None:
    row = {"action": "enter", "series": "9B23", "awarding_body": "13", "centre": CENTRE, "candidate": "0009",
           "uci": "582012110007M", "option": "BEN22", "who": "J. Clerk", "why": "asked"}  # fmt: skip
    feed = Arrival(submission=read_feed("f.csv", write_feed([row])), centre=CENTRE, received=REGISTERED, sha256="1",
                   channel="staff")  # fmt: skip
    assert codes(decided(feed, registered()).findings) == ["NO_DETAILS"]


def test_reg_7_a_card_shows_everything_said_of_a_candidate_in_doubt() -> None:
    _, [card], _ = checked_with_cards(arrival(registrations(ANNA, BEN), REGISTERED), CATALOGUE, window=False)
    assert (card.candidate, card.sources) == ("0001", ("line 3", "line 4"))
    assert card.said["name"] == ("DE SOUZA:ANNA", "ENTIRELY:DIFFERENT")
    assert card.differs == ("name", "date of birth", "sex", "ULN")
    shown = list(lines(card, 96))
    assert "  * date of birth     13 September 2007  1 January 2005" in shown
    assert all(len(line) <= 96 for line in shown)


def test_reg_3_the_card_of_an_entry_has_the_registration_beside_it() -> None:
    decision = decided(arrival(centre_file(changed={"name": "SOMEBODY:ELSE"})), registered())
    [card] = decision.cards
    assert card.sources == ("line 3", "registered")
    assert card.differs == ("name",)
    assert card.said["name"] == ("SOMEBODY:ELSE", "DE SOUZA:SEAN")


def test_fil_6_a_card_shows_nothing_of_another_centre() -> None:
    theirs = registered(centre="58201")
    decision = decided(arrival(centre_file(changed={"name": "SOMEBODY:ELSE"})), theirs)
    assert decision.cards == ()
