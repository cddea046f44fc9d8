"""What runs say in Airflow: their notes, and what their tasks return. Everybody who may look there can read them."""

from __future__ import annotations

from typing import Any

from pipeline.report_classes import note_class
from rules import terms

CLOSED = "What this run says is not shown here: it has no class that everybody who has logged in may see (OPS-4)."


def allowed(dag: str, text: str) -> str:
    """OPS-4: what a DAG may say in Airflow: counts and codes. Without a class, or of one that only some may see, it is
    closed."""
    return text if note_class(dag) in (terms.PUBLIC, terms.STAFF_ONLY) else CLOSED


def tell_run(run: Any, text: str) -> None:
    """Sets the note of the run (Airflow's) that the calling task belongs to, as far as it is `allowed`."""
    from infra.airflow_api import note_run

    note_run(run.dag_id, run.run_id, allowed(run.dag_id, text))
