"""What every DAG of ours is held to, whoever writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"
TAGS = {"basedata", "calendar", "edi", "fees", "ingest", "keeping", "moderation", "results", "watch"}
READ = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)

def waits(task):
    most = task.max_retry_delay.total_seconds() if task.max_retry_delay else 1e9
    delay, factor = task.retry_delay.total_seconds(), task.retry_exponential_backoff or 1
    return sum(min(delay * factor ** tried, most) for tried in range(task.retries))

bag = DagBag(dag_folder=sys.argv[1], collect_dags=False)
seconds = {}
for file in sys.argv[2:]:
    start = time.process_time()
    bag.process_file(file)
    seconds[file] = time.process_time() - start
print(json.dumps({
    "errors": bag.import_errors,
    "seconds": seconds,
    "heavy": sorted({"polars", "sqlalchemy.dialects.postgresql.psycopg2", "boto3"} & set(sys.modules) - before),
    "dags": {one.dag_id: {
        "file": one.fileloc, "owner": one.owner, "tags": sorted(one.tags), "doc": one.doc_md or "",
        "retries": [task.retries for task in one.tasks],
        "waits": [waits(task) for task in one.tasks], "owners": sorted({task.owner for task in one.tasks}),
        "callback": getattr(one.on_failure_callback, "__qualname__", ""),
        "module": getattr(one.on_failure_callback, "__module__", ""),
        "seconds": one.dagrun_timeout and one.dagrun_timeout.total_seconds(),
        "active": one.max_active_runs, "catchup": one.catchup, "paused": one.is_paused_upon_creation,
    } for one in bag.dags.values()},
}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every DAG as Airflow reads its file, in a process that has read nothing before."""
    home = tmp_path_factory.mktemp("airflow")
    files = sorted(str(path) for path in DAGS.glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(DAGS), *files],
        env={"AIRFLOW_HOME": str(home), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR", "PATH": "/usr/bin:/bin"},
        cwd=DAGS.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_file_imports_within_its_time_and_holds_one_dag_of_its_name(read: dict[str, Any]) -> None:
    assert read["errors"] == {}
    names = sorted(path.stem for path in DAGS.glob("*.py"))
    assert sorted(read["dags"]) == names
    assert [Path(one["file"]).stem for _, one in sorted(read["dags"].items())] == names
    # Airflow reads them every two minutes, for ever; of processor time, which does not depend on what else runs.
    assert max(read["seconds"].values()) < 2
    assert read["heavy"] == []


def test_every_dag_has_owner_tags_words_and_tries(read: dict[str, Any]) -> None:
    for name, one in read["dags"].items():
        assert one["owners"] == ["edi-desk"], name
        assert set(one["tags"]) <= TAGS, name
        assert "edi" in one["tags"], name
        assert one["doc"].lstrip().startswith("### "), name
        # Each at the beginning of a line: Airflow shows them as a list only then.
        points = [line.strip() for line in one["doc"].splitlines()]
        for words in ("* **Run it now**", "* **It failed", "* **What happened**"):
            assert any(line.startswith(words) for line in points), f"{name}: {words}"
        assert min(one["retries"]) >= 1, name


def test_every_dag_tells_people_when_it_has_failed_and_ends(read: dict[str, Any]) -> None:
    for name, one in read["dags"].items():
        assert (one["module"], one["callback"]) == ("pipeline.watching.callbacks", "run_failed"), name
        assert 0 < one["seconds"] <= timedelta(days=14).total_seconds(), name
        assert (one["active"], one["catchup"], one["paused"]) == (1, False, False), name


def test_ops_6_every_dag_but_the_watch_outlasts_a_quarter_of_an_hour_of_outage(read: dict[str, Any]) -> None:
    # The watch comes again in five minutes; what it did not see, it sees then.
    for name, one in read["dags"].items():
        assert min(one["waits"]) >= timedelta(minutes=15).total_seconds() or name == "watch", name
        assert max(one["waits"]) <= one["seconds"] / 2, name
