"""Several ingests make what one makes, byte for byte, whoever is faster and whoever dies (OPS-6, REG-7, ENT-7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from bench.compared import differences, held, unsealed
from fixtures.generate import people
from infra.ledger.actions import Action
from infra.settings import Settings
from parsers.writer import block, candidate_records, single
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import IngestCounts, ingest
from pipeline.intake.shards import begin, decide_share, end
from pipeline.replay import replay
from rules import terms
from tests.pipeline.intake.crowd import AUTUMN, CENTRES, SOON, WHEN, Crowd, Desks, Sent, desks, few, land
from tests.pipeline.ledger_rows import rows

__all__ = ["desks"]

LEARNERS = 5
MIXED = 4
SEED = 1
HOUR = timedelta(hours=1)


def apart(desk: Desk, shard: int) -> IngestCounts:
    """A shard, by a desk of its own."""
    with open_desk(desk.settings) as own:
        return decide_share(own, shard)


def at_once(desk: Desk, given: Sequence[int], now: datetime) -> None:
    with ThreadPoolExecutor(len(given)) as pool:
        assert [done.kept_out for done in pool.map(lambda shard: apart(desk, shard), given)] == [""] * len(given)
    end(desk, now)


def one_after_the_other(desk: Desk, given: Sequence[int], now: datetime) -> None:
    for shard in reversed(given):
        decide_share(desk, shard)
    end(desk, now)


def never_ended(desk: Desk, given: Sequence[int], now: datetime) -> None:
    """All die once one shard is done, and somebody runs the whole ingest by hand."""
    decide_share(desk, given[-1])
    ingest(desk, now)


Way = Callable[[Desk, Sequence[int], datetime], None]
WAYS: tuple[tuple[int, Way], ...] = ((2, at_once), (4, one_after_the_other), (3, never_ended))
"""How many decide a crowd, and how."""


def test_ops_6_whoever_decides_and_whoever_dies_everything_is_as_one_ingest_makes_it(desks: Desks) -> None:
    """A replay is done by one ingest, from the same files."""
    desk, counted = desks(2), [0, 0]
    crowds = Crowd(CENTRES, LEARNERS, SEED, MIXED).files()
    for files, when, (shards, way) in zip(crowds, WHEN, WAYS, strict=True):
        of_crowd = evolve(desk, settings=evolve(desk.settings, shards=shards))
        land(desk, files)
        given = begin(of_crowd, when + HOUR).given
        assert given
        [counts] = rows(desk, "SELECT count(shard), count(*) - count(shard) FROM shares")
        counted = [sum(both) for both in zip(counted, counts, strict=True)]
        way(of_crowd, given, when + 2 * HOUR)
        assert rows(desk, "SELECT count(*) FROM submissions WHERE outcome IS NULL") == [(0,)]
    decided, left = counted
    assert min(decided, left) >= 15
    assert unsealed(desk) == []
    one = desks(1)
    came = replay(desk, one)
    assert (came.differences, came.rows.first) == ((), ())
    assert differences(held(one), held(desk)) == ()


def test_ops_6_a_shard_and_the_whole_ingest_wait_for_each_other(work: Desk, fresh: Settings) -> None:
    with open_desk(fresh) as other:
        with other.ledger.shard("ingest", 3) as turn:
            assert turn
            assert ingest(work, SOON).kept_out
            assert decide_share(work, 3).kept_out
            assert not decide_share(work, 2).kept_out
            [held_by] = work.watch.turns()
            assert (held_by.job, held_by.title) == ("ingest", "ingest, shard 3")
        with other.ledger.exclusive("ingest"):
            assert decide_share(work, 2).kept_out
            assert end(work, SOON).kept_out
    assert work.watch.turns() == []


def test_reg_8_once_staff_have_ordered_who_a_learner_is_one_decides_the_rest(desks: Desks) -> None:
    desk = desks(2)
    few(desk, CENTRES)
    given = begin(desk, SOON).given
    order = Action(at=SOON, who="J. Clerk", why="one person", action=terms.UCIS_MERGED, centre="", uci="1", event="2")
    desk.actions.record(order)
    assert [decide_share(desk, shard).outcomes.total() for shard in given] == [0, 0]
    assert end(desk, SOON).outcomes == {"accepted": len(CENTRES)}


def test_fil_7_files_at_which_our_code_fails_are_not_shared(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desks(2)
    few(desk, CENTRES)
    monkeypatch.setattr("pipeline.intake.sharing.spoken_of", lambda *_: [][0])
    done = begin(desk, SOON)
    assert (done.given, done.outcomes) == ((), {"accepted": len(CENTRES)})


def test_ops_6_what_one_takes_in_a_batch_is_not_shared(desks: Desks) -> None:
    desk = desks(2)
    few(desk)
    done = begin(desk, SOON)
    assert (done.given, done.outcomes) == ((), {"accepted": 4})


def test_reg_8_a_corrected_uci_is_in_the_list_of_every_centre_that_holds_the_learner(work: Desk) -> None:
    [learner, another] = people("64123", 2, seed=1)

    def sends(letter: str, centre: str, uci: str, sequence: int) -> None:
        lines = candidate_records(letter, centre, learner | {"uci": uci}, ("BEN22",))
        data = single(letter, centre, block(lines), awarding_body="13", series_key="9B23", sequence=sequence,
                      produced="010922")  # fmt: skip
        land(work, [Sent(key=f"inbox/{centre}/{letter}{centre}13.X{sequence:02d}", data=data, at=AUTUMN)])
        assert ingest(work, SOON).outcomes.keys() <= {"accepted", "accepted with warnings"}

    for centre in ("64123", "58201"):
        sends("E", centre, learner["uci"], 1)
    sends("A", "64123", another["uci"], 2)
    for centre in ("64123", "58201"):
        assert another["uci"].encode() in work.store.get(f"outbox/{centre}/entries.csv")
