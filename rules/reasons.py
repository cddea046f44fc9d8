"""Reasons, as an exams officer is given them: why there is no result, or why a sitting counts."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Reason:
    """`words` and `remedy` are for an exams officer; `rule` is the sentence behind them. `event`: the milestone up to
    which the centre can put it right itself, where there is one."""

    code: str
    rule: str
    words: str
    remedy: str = ""
    event: str = ""


def listed(*reasons: Reason) -> dict[str, Reason]:
    """A closed list of reasons by their code, in the order in which they are told."""
    return {reason.code: reason for reason in reasons}
