"""FIL-5 and RES-6 by force, at random moments: what `make chaos` does, for a short time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bench.compared import rows
from bench.disturbed import chaos, faults_of, plan_of
from infra.ledger.contents import linked
from infra.ledger.tables import metadata

SEEDS, SECONDS, SHARE = (2, 3, 1), 15.0, 0.4
"""Of the smallest season less than half of the acts are disturbed; a quick machine begins another one."""


@pytest.mark.timeout(1500)
def test_fil_5_res_6_killed_at_any_moment_a_season_comes_out_as_in_peace_and_can_be_replayed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = chaos(SEEDS, SECONDS, SHARE)
    with capsys.disabled():
        print(f"\n{told.note()}")
    assert told.wrong == []
    assert told.seasons > 0
    assert told.killed.total() + told.cut_off.total() > 5


def test_a_seed_always_says_the_same() -> None:
    for seed in SEEDS:
        plan = plan_of(seed)
        assert plan == plan_of(seed)
        faults = [faults_of(plan, number) for number in range(30)]
        assert faults == [faults_of(plan, number) for number in range(30)]
        assert {one.victim for its in faults for one in its} == {"job", "postgres"}


# --- The comparison --------------------------------------------------------------------------------------------------

COHORTS = """
    SELECT setval(pg_get_serial_sequence('cohorts', 'id'), {before});
    INSERT INTO cohorts (centre, series, component, state, size, sampled_at)
    VALUES ('64123', '2024-06', '{first}', 'sampled', 9, '2024-05-16'),
        ('64123', '2024-06', '{second}', 'sampled', 9, '2024-05-16');
    INSERT INTO samples (cohort_id, uci, candidate, reason, centre_mark)
    SELECT id, 'A', '0001', 'drawn', 40 FROM cohorts WHERE component = '{sampled}';
"""


def test_rows_are_compared_by_what_they_point_to_and_not_by_number(new_ledger: Callable[[], str]) -> None:
    def ledger(**said: str) -> dict[str, bytes]:
        url = new_ledger()
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(COHORTS.format(**said)))
        engine.dispose()
        return rows(url)

    one = ledger(before="1", first="BEN01", second="BEN02", sampled="BEN01")
    assert one["table samples"].endswith(b"\tA\t0001\tdrawn\t40\t\\N")
    assert one == ledger(before="7", first="BEN02", second="BEN01", sampled="BEN01")
    assert one != ledger(before="1", first="BEN01", second="BEN02", sampled="BEN02")


def test_every_number_of_another_table_is_known_as_one() -> None:
    numbers = [
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_id") or column.name == "ended_by"
    ]
    assert len(numbers) > 10
    assert [str(one) for one in numbers if linked(one) is None] == []
