"""OPS-4 attacked: every role tries, over the real API of Airflow and in the console, to have boundaries and results
approved that nobody has approved. Whatever Airflow lets a role do, no approval follows from it."""

from __future__ import annotations

from functools import partial

import pytest

from infra.ledger.approvals import Proposal
from pipeline.desk import Desk
from pipeline.results.release import ReleaseError, release
from tests.dags.awarding import put_forward, states
from tests.dags.conftest import SERIES, Visitor
from tests.forgeries import attacks, in_the_console
from tests.patience import PATIENCE, until
from tests.pipeline.results_of import BOUNDARIES, feed
from tests.pipeline.results_season import TO_CENTRES

ROLES = ("looker", "reader", "officer", "ops", "admin")
"""A viewer, a user, an operator, the services and the owner."""


def attacked(visitors: dict[str, Visitor], proposal: Proposal, run: str, task: str, then: str) -> dict[str, int]:
    """Every role tries everything; how many attempts Airflow or the console let through, by role."""
    let: dict[str, int] = {}
    for role in ROLES:
        answers = dict(in_the_console(visitors[role], proposal, approver=role == "admin"))
        assert {name for name, status in answers.items() if status < 400} == set(), role
        for _, method, path, body in attacks(SERIES, run, task, then):
            let[role] = let.get(role, 0) + (visitors[role].asks(method, path, json=body).status_code < 400)
    return let


def _gone(admin: Visitor, run: str) -> bool:
    """Ends a run and deletes it: whether it is gone. One that is queued or running is not deleted, and the scheduler,
    which looks at it at the same time, may set it running once more."""
    admin.asks("PATCH", run, json={"state": "failed"})
    return admin.asks("DELETE", run).is_success


def ended(visitors: dict[str, Visitor]) -> None:
    """Every run of the award is ended and forgotten."""
    api = visitors["admin"]
    for run in api.api.runs("award"):
        until(partial(_gone, api, f"/api/v2/dags/award/dagRuns/{run['dag_run_id']}"))
    for path in ("variables/RESULTSDAY_APPROVALS", "pools/approved", "connections/approved"):
        api.asks("DELETE", f"/api/v2/{path}")


def test_ops_4_whatever_is_done_in_airflow_approves_no_boundaries_and_no_results(
    visitors: dict[str, Visitor], ledger: Desk
) -> None:
    admin, api = visitors["admin"], visitors["admin"].api
    ledger.store.put("feeds/boundaries/dag.csv", feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES), SERIES))
    run = api.trigger("award", {"series": SERIES})
    proposal = put_forward(api, ledger, run, "boundaries_decided")
    let = attacked(visitors, proposal, run, "boundaries_decided", "award_series")
    print(f"let through, while boundaries wait: {let}")
    assert {role: let[role] for role in ROLES[:4]} == {"looker": 0, "reader": 0, "officer": 0, "ops": 1}
    assert ledger.results.conversions(SERIES) == []
    assert ledger.results.newest(SERIES) is None
    _nothing_said(ledger, proposal)

    # A wait that is marked as done makes the award fail: it asks the ledger too.
    ended(visitors)
    run = api.trigger("award", {"series": SERIES})
    again = put_forward(api, ledger, run, "boundaries_decided")
    path = f"/api/v2/dags/award/dagRuns/{run}/taskInstances/boundaries_decided"
    assert admin.asks("PATCH", path, json={"new_state": "success"}).status_code == 200
    assert api.wait("award", run, PATIENCE) == "failed"
    assert states(api, run)["award_series"] == "failed"
    assert "no approved conversion table" in api.log("award", run, "award_series")
    _nothing_said(ledger, again)

    assert admin.says(again.id, "approve", "the awarding meeting's", again.sha256).status_code == 303
    run = api.trigger("award", {"series": SERIES})
    proposal = put_forward(api, ledger, run, "results_decided")
    let = attacked(visitors, proposal, run, "results_decided", "preview")
    print(f"let through, while results wait: {let}")
    assert {role: let[role] for role in ROLES[:4]} == {"looker": 0, "reader": 0, "officer": 0, "ops": 1}
    newest = ledger.results.newest(SERIES)
    assert newest
    assert (newest.state, newest.decided_by) == ("built", None)
    _nothing_said(ledger, proposal)
    meant = ledger.catalogue.series_by_id(SERIES)
    assert meant
    with pytest.raises(ReleaseError, match="is built and not approved"):
        release(ledger, meant, "centres", TO_CENTRES)
    ended(visitors)


def _nothing_said(ledger: Desk, proposal: Proposal) -> None:
    current = ledger.approvals.numbered(proposal.id)
    assert current
    assert (current.said, current.sha256) == ((), proposal.sha256)
