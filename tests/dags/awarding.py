"""What tests of the award look at: the states of a run's tasks, and what waits for a decision."""

from __future__ import annotations

from infra.airflow_api import AirflowApi
from infra.ledger.approvals import Proposal
from pipeline.approvals import listed
from pipeline.desk import Desk
from tests.patience import until

WAITING = "up_for_reschedule"


def failures(api: AirflowApi, run: str) -> list[str]:
    """The ends of the logs of what failed."""
    failed = [task for task in api.task_instances("award", run) if task["state"] == "failed"]
    return [api.log("award", run, task["task_id"], task["try_number"])[-6000:] for task in failed]


def states(api: AirflowApi, run: str) -> dict[str, str]:
    """The states of a run's tasks."""
    return {task["task_id"]: task["state"] for task in api.task_instances("award", run)}


def put_forward(api: AirflowApi, desk: Desk, run: str, task: str) -> Proposal:
    """What a run has put forward, once `task` waits for people to decide about it."""

    def asked() -> Proposal | None:
        assert api.run("award", run)["state"] in ("queued", "running"), failures(api, run)
        kind = task.partition("_")[0]
        return next((proposal for proposal in listed(desk) if proposal.kind == kind), None)

    found = until(asked, lambda: f"{task} put nothing forward: {states(api, run)}")
    until(lambda: states(api, run)[task] == WAITING, lambda: str(states(api, run)))
    return found
