"""Whole seasons of made-up centres, audited against the truth they were made from:
`python -m bench.conservation [CENTRES LEARNERS_AT_EACH]`, the smallest of them without; with `changing` at the end, two
learners in a hundred change after each milestone.

A season is made, every file of it dropped at its instant, and all the desk's jobs run, from the registrations of
September to an updated results file after results day. Then `tests.conservation.audit` asks ledger and store what came
of each statement, and compares it with what the truth says, worked out in plain Python.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from attrs import frozen

from bench.desks import new_desk, temporary_server
from bench.measure import memory
from fixtures.season import season
from pipeline.demo.rehearsal import SeasonStep
from pipeline.desk import open_desk
from tests.conservation.audit import EVERY, IN_THE_END, audit
from tests.conservation.changes import play_with_changes
from tests.conservation.play import play

SEED = 1


@frozen(kw_only=True)
class Weighed:
    """The outcome of a season: what was counted, what did not agree, seconds of the jobs, and the most memory, in
    bytes."""

    centres: int
    learners: int
    counted: Mapping[str, int]
    wrong: tuple[str, ...]
    seconds: float
    peak: int


def weigh(centres: int, learners: int, progress: Callable[[str], object] = print, *, changing: bool = False) -> Weighed:
    """Plays and audits a season of this many centres of this many learners; `changing`: one that does not hold
    still, by what is held and awarded in the end."""
    progress(f"making {centres:,} centres of {learners} learners")
    made = season(SEED, centres, learners)
    with (
        temporary_server() as (server, folder),
        open_desk(new_desk(server, folder, "season", settle_seconds=10)) as desk,
    ):

        def tell(step: SeasonStep) -> None:
            progress(f"{time.perf_counter() - began:8.1f} s  {step.title}")

        began = time.perf_counter()
        played = play_with_changes(desk, made, tell)[0] if changing else play(desk, made, tell)
        seconds = time.perf_counter() - began
        peak = memory("VmHWM")
        progress(f"{seconds:8.1f} s  audit")
        balance = audit(played, IN_THE_END if changing else EVERY)
    return Weighed(
        centres=centres,
        learners=len(made.truth.learners),
        counted=balance.counted,
        wrong=balance.wrong,
        seconds=seconds,
        peak=peak,
    )


def main(centres: int, learners: int, *, changing: bool) -> None:
    """Prints what was counted; ends with 1 when anything does not agree."""
    weighed = weigh(centres, learners, changing=changing)
    for what, count in weighed.counted.items():
        print(f"{what:26}{count:14,}")
    print(f"{'not agreeing':26}{len(weighed.wrong):14,}")
    print("\n".join(weighed.wrong[:20]))
    sys.exit(1 if weighed.wrong else 0)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(*(numbers or (12, 10)), changing="changing" in sys.argv[1:])
