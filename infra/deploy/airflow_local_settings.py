"""Airflow's policy in production: jobs that touch results under embargo run apart from those that read what centres
send, in workers or pods with another identity towards the store. Airflow finds this file by its name, in the image."""

from __future__ import annotations

from typing import Any

__all__ = ["task_policy"]

RELEASE = frozenset({"award", "late_claims", "results_day", "updated_results"})
"""The DAGs that read or write `embargo/`."""
QUEUE = "release"
"""What the service `release-worker` of the compose file listens to; Kubernetes takes no notice."""
POD = "/opt/resultsday/task/release-pod.yaml"
"""What KubernetesExecutor makes their pods of; Celery takes no notice."""


def task_policy(task: Any) -> None:
    """Called for every task when its DAG is read."""
    if task.dag_id in RELEASE:
        task.queue = QUEUE
        task.executor_config = {"pod_template_file": POD}
