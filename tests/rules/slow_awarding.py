"""Awarding once more, slowly and in plain Python, from the sentences of the rules and not from the code: what the
columns are compared with. Imports nothing of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

QUALIFICATION = (("L2D*", 270), ("L2D", 240), ("L2M", 210), ("L2P", 180), ("L1D", 150), ("L1M", 120), ("L1P", 90))


@dataclass(frozen=True)
class Sitting:
    """One learner's sitting of a component: `ums` is None while the mark is missing, 0 when absent."""

    component: str
    series: str
    ums: int | None
    absent: bool = False


@dataclass(frozen=True)
class Result:
    """What becomes of a claim. `used`: component to the series of the sitting that counts."""

    outcome: str
    reason: str = ""
    ums: int | None = None
    grade: str = ""
    partly_absent: bool = False
    used: tuple[tuple[str, str], ...] = ()


def award(series: str, internals: Sequence[str], external: str, sittings: Sequence[Sitting]) -> Result:
    """CRT-2, CRT-3, ENT-5, ENT-6, AWD-4 for one learner's claim in `series`."""
    known = [sitting for sitting in sittings if sitting.series <= series]

    def of(component: str) -> list[Sitting]:
        return sorted(
            (sitting for sitting in known if sitting.component == component), key=lambda sitting: sitting.series
        )

    final = [sitting for sitting in of(external) if sitting.series == series]
    if not final:
        return Result("not_eligible", "NO_EXTERNAL")
    if any(not of(internal) for internal in internals):
        return Result("not_eligible", "COMPONENT_MISSING")
    # An absence is no sitting where an external that was no practice sitting had been attended before.
    complete = max(min(sitting.series for sitting in of(internal)) for internal in internals)
    if final[0].absent and any(not s.absent and complete <= s.series < series for s in of(external)):
        return Result("not_eligible", "EXTERNAL_ABSENT")
    return _added_up(series, internals, external, known)


def _added_up(series: str, internals: Sequence[str], external: str, known: Sequence[Sitting]) -> Result:
    """What the sittings that count add up to."""

    def of(component: str) -> list[Sitting]:
        return sorted((one for one in known if one.component == component), key=lambda one: one.series)

    final = [sitting for sitting in of(external) if sitting.series == series]

    # The terminal external: attended, when every internal had been attended by then.
    attended = {internal: [s.series for s in of(internal) if not s.absent] for internal in internals}
    terminal = None
    if all(attended.values()):
        complete = max(min(its) for its in attended.values())
        terminal = min((s.series for s in of(external) if not s.absent and s.series >= complete), default=None)
    with_external = {sitting.series for sitting in of(external) if not sitting.absent}

    used: dict[str, Sitting] = {}
    pending = False
    for internal in internals:
        allowed = [
            sitting for sitting in of(internal)
            if terminal is None or sitting.series <= terminal or sitting.series in with_external
        ]  # fmt: skip
        marked = [sitting for sitting in allowed if sitting.ums is not None]
        if not marked:
            pending = True
            continue
        # The most UMS; of equal ones a sitting that was attended, then the earliest.
        used[internal] = max(marked, key=lambda sitting: (sitting.ums, not sitting.absent))
    if pending or final[0].ums is None:
        return Result("pending", "MARK_PENDING")
    used[external] = final[0]
    if all(sitting.absent for sitting in used.values()):
        return Result("not_eligible", "ABSENT")
    total = sum(sitting.ums or 0 for sitting in used.values())
    grade = next((grade for grade, least in QUALIFICATION if total >= least), "U")
    chosen = tuple(sorted((component, sitting.series) for component, sitting in used.items()))
    return Result("awarded", "", total, grade, any(sitting.absent for sitting in used.values()), chosen)
