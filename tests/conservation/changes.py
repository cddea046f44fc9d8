"""A season that does not hold still: after each milestone two learners in a hundred change, and the truth with them, in
plain Python: what must not change anything leaves it as it is (AWD-5, RES-7, RES-8)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field

from fixtures.season import Season
from fixtures.season.truth import Mark
from infra.ledger.corrections import Subject
from pipeline.corrections import cases
from pipeline.corrections.effect import Plan
from pipeline.demo.rehearsal import SeasonStep, land
from pipeline.desk import Desk
from pipeline.marking.external import take_external
from pipeline.orders import Order
from pipeline.results.after_results import late_claims
from pipeline.results.withholding import end_withholding, scope_of, withhold
from rules import terms
from tests.conservation.play import Played, play

PER_CENT = 2
RAW = 60
"""The most that a component of the season has."""
WHO, WHY = "J. Clerk", "a change of the season"
APPROVED = ("January awarded and approved", "June awarded and approved")
MODERATED = "adjustment proposed; external marks"
TO_CENTRES = ("January results to centres", "June results to centres")
TO_LEARNERS = ("January results to learners", "June results to learners")
CLAIMED = "late claims awarded"


@define
class Changes:
    """What has changed: the final marks by centre, series, UCI and component, and how often what was done."""

    desk: Desk
    season: Season
    seed: int
    now: dict[tuple[str, str, str, str], Mark]
    done: Counter[str] = field(factory=Counter)
    withheld: list[Mark] = field(factory=list)
    held: set[tuple[str, str]] = field(factory=set)

    def after(self, step: SeasonStep) -> None:
        """What happens after a milestone."""
        at = step.at + timedelta(minutes=10)
        if step.title == MODERATED:
            self._withhold(step.series, at)
        elif step.title in APPROVED:
            self._marked_again(step, at)
        elif step.title in (*TO_CENTRES, *TO_LEARNERS, CLAIMED):
            self._corrected(step, at)
            self._marked_again(step, at + timedelta(minutes=10))
        if step.title == TO_LEARNERS[-1]:
            self._released(at + timedelta(minutes=30))

    def truth(self) -> Season:
        """The season with the truth as it is in the end."""
        return evolve(self.season, truth=evolve(self.season.truth, marks=tuple(self.now.values())))

    def _some(self, about: str, series: Sequence[str], components: str = "") -> list[Mark]:
        """Two in a hundred of those who have a mark; nobody who is withheld, as that is decided first."""
        there = [
            mark
            for mark in self.now.values()
            if mark.mark is not None and mark.series in series and (mark.series, mark.uci) not in self.held
            and (not components or mark.component in components)
        ]  # fmt: skip
        chosen: dict[str, Mark] = {}
        for mark in random.Random(f"{self.seed} {about}").sample(there, len(there)):
            chosen.setdefault(mark.uci, mark)
        return list(chosen.values())[: max(len(self.season.truth.learners) * PER_CENT // 100, 1)]

    def _withhold(self, series: str, at: datetime) -> None:
        """RES-8: withheld before the award; in the end nothing is otherwise than without it."""
        for mark in self._some("withheld", [series]):
            subject = Subject(component="", centre=mark.centre, candidate=mark.candidate)
            withhold(self.desk, scope_of(self.desk, series, subject), Order(WHO, WHY, at))
            self.withheld.append(mark)
            self.held.add((mark.series, mark.uci))
            self.done["withheld"] += 1

    def _released(self, at: datetime) -> None:
        for mark in self.withheld:
            subject = Subject(component="", centre=mark.centre, candidate=mark.candidate)
            scope = scope_of(self.desk, mark.series, subject)
            end_withholding(self.desk, scope, terms.HOLD_RELEASED, Order(WHO, WHY, at))
            self.done["released"] += 1
        self.held.clear()
        late_claims(self.desk, at + timedelta(minutes=5))

    def _marked_again(self, step: SeasonStep, at: datetime) -> None:
        """RES-7, AWD-5: the board's own marks that come once results are approved or out change nothing."""
        external = " ".join({learner.subject.external for learner in self.season.truth.learners})
        rows = ["series,centre,candidate,uci,component,mark,status"]
        for mark in self._some(f"marked {step.title}", [step.series], external):
            rows.append(f"{mark.series},{mark.centre},{mark.candidate},{mark.uci},{mark.component},{_other(mark)},")
            self.done["marked again"] += 1
        land(self.desk, f"feeds/external-marks/{at:%Y%m%dT%H%M}.csv", "\r\n".join(rows).encode(), at)
        take_external(self.desk, at + timedelta(minutes=5))

    def _corrected(self, step: SeasonStep, at: datetime) -> None:
        """RES-7: marks of results that are out are corrected by cases, up and down; later series carry them."""
        series = self.desk.catalogue.series_by_id(step.series)
        assert series
        for mark in self._some(f"corrected {step.title}", [step.series]):
            about = f"{mark.centre}/{mark.candidate}/{mark.component}"
            asked = cases.Request(kind="error_of_the_board", about=[about], by=WHO, on=f"{at:%Y-%m-%d}")
            case = cases.open_case(self.desk, series, asked, WHO, WHY, at)
            plan = Plan(kind="error_of_the_board", marks={about: str(_other(mark))})
            cases.propose(self.desk, case.number, plan, WHO, WHY, at)
            cases.approve(self.desk, case.number, WHO, WHY, at)
            self.now[mark.centre, mark.series, mark.uci, mark.component] = evolve(mark, mark=_other(mark))
            self.done["corrected"] += 1


def _other(mark: Mark) -> int:
    assert mark.mark is not None
    return (mark.mark + 23) % (RAW + 1)


def play_with_changes(
    desk: Desk, season: Season, progress: Callable[[SeasonStep], object] | None = None, seed: int = 1
) -> tuple[Played, Counter[str]]:
    """Plays the season with its changes; what is played has the truth as it is in the end."""
    marks = {(mark.centre, mark.series, mark.uci, mark.component): mark for mark in season.truth.marks}
    changes = Changes(desk, season, seed, marks)
    play(desk, season, progress, changes.after)
    return Played(desk, changes.truth()), changes.done
