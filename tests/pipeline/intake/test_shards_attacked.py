"""What may come between the beginning of a shared ingest and its end (OPS-6): it ends as one ingest would have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from bench.compared import differences, held
from infra.settings import SettingError, Settings
from pipeline.desk import Desk
from pipeline.intake import ingest as ingesting
from pipeline.intake import quarantine
from pipeline.intake.ingest import ingest
from pipeline.intake.shards import begin, decide_share, end
from pipeline.orders import Order
from pipeline.replay import replay
from rules.catalogue import Catalogue
from rules.decisions import Decision, decide
from rules.known import Arrival, Known
from tests.pipeline.intake.crowd import AUTUMN, CENTRES, SOON, Desks, Sent, desks, few, land
from tests.pipeline.ledger_rows import rows
from tests.support import centre_file, name_of

__all__ = ["desks"]

ULN = "1234567890"
MINUTE = timedelta(minutes=1)
SHARED = CENTRES[:4]


def sends(desk: Desk, centre: str, sequence: int = 1, uln: str = "", at: datetime = AUTUMN) -> None:
    """A registration file, whose only candidate has this ULN."""
    data = centre_file(("BEN22",), centre=centre, series="9B23", body="13", count=1, sequence=sequence,
                       changed={"uln": uln})  # fmt: skip
    land(desk, [Sent(key=f"inbox/{centre}/{name_of(data)}", data=data, at=at)])


def crowd_for(desk: Desk, batch: int = 2) -> Desk:
    """The same desk, to which more than so many files are a crowd."""
    return evolve(desk, settings=evolve(desk.settings, batch_files=batch))


def same_as_one(desk: Desk, one: Desk) -> None:
    came = replay(desk, one)
    assert (came.differences, came.rows.first) == ((), ())
    assert differences(held(one), held(desk)) == ()


def undecided(desk: Desk) -> int:
    [(count,)] = rows(desk, "SELECT count(*) FROM submissions WHERE outcome IS NULL")
    return int(count)


def test_ops_6_what_comes_between_is_decided_after_what_is_shared(desks: Desks) -> None:
    """A held file is decided again, another file of the same learner lands, and somebody runs the ingest."""
    desk = crowd_for(desks(4))
    sends(desk, CENTRES[5], 1)
    sends(desk, CENTRES[5], 2)
    assert ingest(desk, SOON).outcomes == {"accepted": 1, "quarantined": 1}
    [(number,)] = rows(desk, "SELECT id FROM submissions WHERE outcome = 'quarantined'")
    for centre in SHARED:
        sends(desk, centre, uln=ULN if centre == SHARED[1] else "")
    given = begin(desk, SOON + MINUTE).given
    assert len(given) > 1
    order = Order(who="J. Clerk", why="asked for", at=SOON + 2 * MINUTE)
    assert quarantine.again(desk, quarantine.held_file(desk, number), order).fresh
    assert undecided(desk) == 0
    sends(desk, CENTRES[6], uln=ULN)
    assert ingest(desk, SOON + 3 * MINUTE).outcomes.total() == 1
    assert [decide_share(desk, shard).outcomes.total() for shard in given] == [0] * len(given)
    assert end(desk, SOON + 4 * MINUTE).received == len(SHARED)
    assert rows(desk, "SELECT count(*) FROM shares") == [(0,)]
    same_as_one(desk, desks(1))


def test_ops_6_a_file_that_kills_its_shard_twice_holds_up_no_other(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = crowd_for(desks(4))
    few(desk, SHARED)
    given = begin(desk, SOON).given

    def killed(arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known) -> list[Decision]:
        if SHARED[0] in {arrival.centre for arrival in arrivals}:
            raise SystemExit
        return decide(arrivals, catalogue, known)

    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "decide", killed)
        for shard in [*given, *given]:
            try:
                decide_share(desk, shard)
            except SystemExit:
                continue
        assert 0 < undecided(desk) < len(SHARED)
    assert ingest(evolve(desk, settings=evolve(desk.settings, shards=1)), SOON + MINUTE).outcomes
    assert undecided(desk) == 0
    same_as_one(desk, desks(1))


def test_ops_6_nothing_is_shared_where_nothing_waits(desks: Desks) -> None:
    desk = crowd_for(desks(4))
    done = begin(desk, SOON)
    assert (done.given, done.received, done.outcomes.total()) == ((), 0, 0)
    assert decide_share(desk, 3).outcomes.total() == end(desk, SOON).received == 0
    assert desk.journal.all() == []


@pytest.mark.parametrize("value", ["0", "-1", "65", "x"])
def test_ops_6_so_many_ingests_there_cannot_be(value: str) -> None:
    with pytest.raises(SettingError, match="RESULTSDAY_SHARDS"):
        Settings.load({"RESULTSDAY_SHARDS": value})
