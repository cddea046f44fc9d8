"""Airflow's policy in production: jobs that touch results under embargo run apart from those that read what centres
send, in workers or pods with another identity at the store. In the image, Airflow finds this file by its name."""

from __future__ import annotations

from typing import Any

__all__ = ["task_policy"]

RELEASE = frozenset({"audit", "award", "late_claims", "results_day", "updated_results"})
"""The DAGs that read or write `embargo/`, or the seals of the record."""
QUEUE = "release"
"""The queue of the `release-worker`; KubernetesExecutor ignores it."""
POD = "/opt/resultsday/task/release-pod.yaml"
"""The template from which KubernetesExecutor makes their pods; Celery ignores it."""


def task_policy(task: Any) -> None:
    """Called for every task when its DAG is read."""
    if task.dag_id in RELEASE:
        task.queue = QUEUE
        task.executor_config = {"pod_template_file": POD}
