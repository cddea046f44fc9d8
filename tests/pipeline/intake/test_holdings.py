"""What is held and charged, whatever the order and the batches in which files are taken (FIL-3, FEE-4, FEE-5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.generate import people
from infra.ledger.tables import metadata
from parsers.writer import block, candidate_records, single
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from tests.scenario_language import Season

CENTRES = ("64123", "58201")
OPTIONS = ("BEN01", "BEN02", "BEN03", "BEN99")
START = datetime(2024, 2, 15, 12, tzinfo=UTC)
BEFORE = ("centre_approvals", "centres", "learner_ucis", "learner_versions", "registrations")
"""Tables of what is so before anybody is entered: the register, and who the learners are."""
HIGH_LATE = datetime(2024, 4, 21, 23, tzinfo=UTC)
"""Midnight in London, from which on nothing is refunded (FEE-4)."""


@frozen
class Sent:
    """A file of one centre: what each learner's records name, when it lands."""

    centre: str
    number: int
    options: dict[str, tuple[str, ...]]
    at: datetime

    @property
    def name(self) -> str:
        return f"{'E' if self.number == 1 else 'A'}{self.centre}15.X{self.number:02d}"

    def bytes(self) -> bytes:
        lines = [
            line
            for person in people(self.centre, 3, seed=int(self.centre))
            if person["candidate"] in self.options
            for line in candidate_records(self.name[0], self.centre, person, self.options[person["candidate"]])
        ]
        return single(self.name[0], self.centre, block(lines), awarding_body="15", series_key="6B24",
                      sequence=self.number, produced="010124")  # fmt: skip


named = st.dictionaries(
    st.sampled_from(["0001", "0002", "0003"]), st.sets(st.sampled_from(OPTIONS)).map(sorted).map(tuple), min_size=1
)


@st.composite
def seasons(draw: st.DrawFn) -> list[Sent]:
    """What two centres send over ten weeks: on time, late and at the high late fee."""
    sent = []
    for centre in CENTRES:
        days = sorted(draw(st.lists(st.integers(0, 70), min_size=1, max_size=4, unique=True)))
        # An E file in which nobody has an option says nothing, and is not the one E file (FIL-8).
        first = draw(named.filter(lambda options: any(options.values())))
        sent.append(Sent(centre, 1, first, START + timedelta(days=days[0])))
        sent += [
            Sent(centre, number, draw(named), START + timedelta(days=day)) for number, day in enumerate(days[1:], 2)
        ]
    return sorted(sent, key=lambda one: (one.at, one.centre))


@pytest.fixture
def registered(work: Desk) -> Desk:
    """The learners of both centres are registered."""
    for centre in CENTRES:
        lines = [
            line
            for person in people(centre, 3, seed=int(centre))
            for line in candidate_records("E", centre, person, ["BEN22"])
        ]
        data = single("E", centre, block(lines), awarding_body="13", series_key="9B23", sequence=1, produced="180923")
        Season(work).land(f"inbox/{centre}/E{centre}13.X01", data, datetime(2023, 9, 18, tzinfo=UTC))
    assert ingest(work, START).outcomes == {"accepted": 2}
    return work


def taken(desk: Desk, batches: Sequence[Sequence[Sent]]) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
    """What is held and what each file cost by its reply, once a ledger of registrations has taken these batches."""
    with desk.ledger.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in reversed(metadata.sorted_tables):
            if table.name == "submissions":
                connection.execute(table.delete().where(table.c.awarding_body == "15"))
            elif table.name not in BEFORE:
                mine = "submission_id" in table.c
                of_theirs = sa.text("submission_id IN (SELECT id FROM submissions WHERE awarding_body = '15')")
                connection.execute(table.delete().where(of_theirs) if mine else table.delete())
    for batch in batches:
        for one in batch:
            Season(desk).land(f"inbox/{one.centre}/{one.name}", one.bytes(), one.at)
        ingest(desk, max(one.at for one in batch) + timedelta(minutes=1))
    with desk.ledger.engine.connect() as connection:
        held = connection.execute(sa.text(
            "select centre, candidate, option, band, pence from entries where ended_by is null order by 1, 2, 3"
        )).all()  # fmt: skip
        costs = connection.execute(sa.text(
            "select s.file_name, (r.twin::json ->> 'fee_total_pence')::int from replies r "
            "join submissions s on s.id = r.submission_id where s.awarding_body = '15' order by 1"
        )).all()  # fmt: skip
    return [tuple(row) for row in held], {str(name): int(pence) for name, pence in costs}


@settings(derandomize=True, deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=seasons(), data=st.data())
def test_fil_3_fee_5_holdings_and_fees_are_the_same_in_any_legal_order_and_batches(
    registered: Desk, sent: list[Sent], data: st.DataObject
) -> None:
    desk = evolve(registered, settings=evolve(registered.settings, batch_files=data.draw(st.integers(1, 9))))
    one_by_one = taken(desk, [[one] for one in sent])
    all_at_once = taken(desk, [sent])
    # Of each centre's files the order stays; how centres are mixed, and where a run ends, does not matter.
    mixed = data.draw(st.permutations([one.centre for one in sent]))
    queues = {centre: [one for one in sent if one.centre == centre] for centre in CENTRES}
    order = [queues[centre].pop(0) for centre in mixed]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)), max_size=3)) | {0, len(order)})
    batches = [order[start:end] for start, end in pairwise(cuts) if order[start:end]]
    assert taken(desk, batches) == one_by_one == all_at_once

    held, costs = one_by_one
    stated: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in sent:
        stated |= {(one.centre, candidate): options for candidate, options in one.options.items()}
    assert {(centre, candidate, option) for centre, candidate, option, _, _ in held} == {
        (*who, option) for who, options in stated.items() for option in options
    }
    # Fees in are fees out: what the replies say is what the ledger has charged, line by line ...
    lines = pl.read_database(
        "select s.file_name, f.pence, f.kind from fee_lines f join submissions s on s.id = f.submission_id "
        "where s.awarding_body = '15'",
        registered.ledger.engine,
    )
    by_file = dict(lines.group_by("file_name").agg(pl.col("pence").sum()).iter_rows()) if len(lines) else {}
    assert {name: pence for name, pence in costs.items() if pence or name in by_file} == by_file
    # ... and that is what is held and what was withdrawn too late to come back, the surcharge of it or all.
    ended = pl.read_database(
        "select e.pence, e.entry_pence, s.received from entries e join submissions s on s.id = e.ended_by",
        registered.ledger.engine,
    )
    back = pl.when(pl.col("received") < HIGH_LATE).then("entry_pence").otherwise(0)
    lost = ended.select((pl.col("pence") - back).sum()).item() if len(ended) else 0
    assert sum(costs.values()) == sum(pence for *_, pence in held) + lost
