"""How results are decided about (OPS-4): the subject is a version of a series (`2024-06 version 1`). What they
decided takes effect by whichever process is left to do it."""

from __future__ import annotations

import logging
from datetime import datetime

from infra.ledger.results import Awarding
from pipeline.approvals import ApprovalError, Exhibit, Signature, settle
from pipeline.desk import Desk
from pipeline.results import release
from pipeline.results.exhibit import result_exhibit, subject_of
from rules import terms
from rules.catalogue import Series

log = logging.getLogger(__name__)


def waiting(desk: Desk) -> list[str]:
    """Versions whose files wait under embargo."""
    return [subject_of(awarding) for awarding in desk.results.in_state(terms.BUILT)]


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """The version's hashes and counts, and the pages of its preview."""
    return result_exhibit(desk, _awarding(desk, subject))


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Awarding:
    """Approves the version: the calendar releases it."""
    return release.approve(desk, _awarding(desk, subject), who, why, now, by)


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Awarding:
    """Withdraws the version."""
    return release.withdraw(desk, _awarding(desk, subject), who, why, now, by)


def do_as_decided(desk: Desk, series: Series) -> None:
    """RES-2, OPS-4: does what people have decided about the results of a series, before they are released: where the
    console cannot reach the embargo, an approval must not hang on the DAG that asked for it. Raises `ReleaseError` when
    that cannot be done; it keeps back nothing that is approved already. Once centres have results, corrections that
    are approved and wait are carried out too."""
    try:
        settle(desk, terms.RESULTS, series.id)
    except (ApprovalError, release.ReleaseError) as error:
        if not desk.results.issued(series.id):
            raise release.ReleaseError(f"what people decided cannot take effect: {error}") from error
        log.warning("a decision about results of %s cannot take effect: %s", series.id, error)
    if desk.results.is_out(series.id):
        # Learners are to get what is in force: a case that is decided about is carried out before they do (RES-7).
        try:
            settle(desk, terms.CORRECTION)
        except ValueError as error:
            log.warning("a correction that is approved cannot be carried out: %s", error)


def _awarding(desk: Desk, subject: str) -> Awarding:
    series, _, version = subject.partition(" version ")
    awarding = desk.results.of_version(series, int(version)) if version.isdecimal() else None
    if awarding is None:
        raise ApprovalError(f"there are no results {subject}")
    return awarding
