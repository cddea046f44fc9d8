"""One centre speaks for another (FIL-6): nothing of the other changes, and neither learns anything."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl
import pytest
from attrs import evolve

from parsers.reader import read
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from rules.catalogue import Catalogue
from rules.decisions import decide
from rules.frames import REGISTRATIONS, SITTINGS
from rules.known import Arrival, Known
from tests.security import hostile
from tests.security.conftest import Taken
from tests.security.hostile import OURS, THEIRS

CASES = [pytest.param(case, id=name) for name, case in hostile.SPEAKING.items()]


def secrets() -> Iterator[str]:
    """What only the other centre and the desk know."""
    for learner in hostile.learners(THEIRS, hostile.THEIR_NAMES):
        yield from (learner["uci"], learner["uln"], *learner["name"].split(":"))


@pytest.mark.parametrize("case", CASES)
def test_fil_6_a_reply_holds_nothing_of_another_centre_but_what_its_sender_wrote(
    taken: Taken, case: hostile.Case
) -> None:
    said = taken.text(case) + json.dumps(taken.reply(case))
    told = [secret for secret in secrets() if secret.encode() not in case.data and secret in said]
    assert told == []


@pytest.mark.parametrize("case", CASES)
def test_fil_6_a_file_that_speaks_for_another_centre_is_refused(taken: Taken, case: hostile.Case) -> None:
    assert taken.reply(case)["outcome"] == "refused"
    assert taken.codes(case) & {"OTHER_CENTRE", "RECORD_CENTRE", "NAME_HEADER", "NOT_REGISTERED", "MARK_NOT_ENTERED"}


def test_fil_6_what_is_told_does_not_depend_on_who_else_sends(taken: Taken, work: Desk) -> None:
    """The same files again, alone: no file of the other centre is decided beside them, and every reply is the same."""
    root = work.settings.state / "store"
    for case in hostile.REGISTRATIONS:
        hostile.land(root, case)
    ingest(work, hostile.NOW)
    hostile.land(root, hostile.THEIR_FILES[0])
    ingest(work, hostile.NOW)
    for case in hostile.SPEAKING.values():
        hostile.land(root, case)
    ingest(work, hostile.NOW)
    alone = evolve(taken, desk=work, root=root)
    for case in hostile.SPEAKING.values():
        assert alone.reply(case)["findings"] == taken.reply(case)["findings"]


def test_fil_6_of_the_other_centre_nothing_changes_and_it_is_told_nothing(taken: Taken) -> None:
    theirs = hostile.learners(THEIRS, hostile.THEIR_NAMES)
    held = taken.rows("SELECT candidate, uci, option FROM entries WHERE centre = :centre AND ended_by IS NULL",
                      centre=THEIRS)  # fmt: skip
    assert sorted(held) == sorted(
        (learner["candidate"], learner["uci"], option) for learner in theirs for option in ("BEN01", "BEN02", "BEN03")
    )
    assert taken.rows("SELECT count(*) FROM entries WHERE centre = :centre", centre=THEIRS) == [(9,)]
    assert taken.rows("SELECT count(*) FROM marks") == [(0,)]
    out = {stored.key for stored in taken.desk.store.list(f"outbox/{THEIRS}/X") if not stored.key.endswith(".json")}
    assert len(out) == len(hostile.THEIR_FILES) + 1


def test_fil_6_the_sender_holds_nothing_that_is_not_its_own(taken: Taken) -> None:
    ours = {learner["uci"] for learner in hostile.learners(OURS)}
    for table in ("entries", "registrations"):
        held = {uci for (uci,) in taken.rows(f"SELECT uci FROM {table} WHERE centre = :centre", centre=OURS)}
        assert held <= ours


def test_every_centre_of_the_ledger_holds_its_own_learners_only(taken: Taken) -> None:
    owners = taken.rows("SELECT uci FROM registrations GROUP BY uci HAVING count(DISTINCT centre) > 1")
    assert owners == []


def test_ent_3_where_a_learner_of_another_centre_has_sat_is_not_told(taken: Taken) -> None:
    """What was sat travels with the UCI. It is told to who registered the learner, not to who knows the UCI."""
    case, uci = hostile.SPEAKING["their UCIs"], hostile.learners(THEIRS)[0]["uci"]
    catalogue = taken.desk.catalogue
    sittings = pl.DataFrame(
        {
            "centre": THEIRS,
            "series": ["2023-06", "2024-01"],
            "uci": uci,
            "option": "BEN01",
            "absent": False,
            "marked": True,
        },
    ).select(pl.col(name).cast(kind) for name, kind in SITTINGS.items())
    registered = pl.DataFrame(
        [{"id": 1, "centre": centre, "series": "2023-09", "candidate": "0001", "uci": uci, "uln": "", "upn": "",
          "since": None, "name": "X:Y", "born": None, "sex": "", "option": "BEN22"} for centre in (THEIRS, OURS)],
    ).select(pl.col(name).cast(kind) for name, kind in REGISTRATIONS.items())  # fmt: skip

    def codes(known: Known, catalogue: Catalogue) -> set[str]:
        arrival = Arrival(submission=read(case.name.decode(), case.data), centre=OURS, received=hostile.NOW, sha256="1")
        [decision] = decide([arrival], catalogue, known)
        return {finding.code for finding in decision.findings}

    nothing = Known.nothing()
    theirs = evolve(nothing, sittings=sittings, registrations=registered.filter(pl.col("centre") == THEIRS))
    ours = evolve(nothing, sittings=sittings, registrations=registered)
    assert "RETAKE_LIMIT" not in codes(theirs, catalogue)
    assert "RETAKE_LIMIT" in codes(ours, catalogue)
