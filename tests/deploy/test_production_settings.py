"""Settings in production: secrets out of files, and every variable of Airflow's declared."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from infra.airflow_api import AirflowApi
from infra.running.airflow_settings import SECRETS, VARIABLES, env_file
from infra.running.airflow_setup import environment
from infra.settings import SettingError, Settings
from tests.deploy.conftest import DEPLOY, POLICY, ROOT

URL = "postgresql+psycopg2://desk:s3cret@db:5432/resultsday"
# Airflow reads these of the desk by a command too, so that it can take a secret from a file.
SENSITIVE = (
    "from airflow.configuration import conf; print(*('__'.join(x).upper() for x in conf.sensitive_config_values))"
)
# As the DAG processor does: the DAGs are read, and kept as the scheduler will find them.
TASKS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

bag = DagBag(sys.argv[1])
kept = [DagSerialization.from_dict(DagSerialization.to_dict(one)) for one in bag.dags.values()]
tasks = [[dag.dag_id, task.queue, task.executor_config] for dag in kept for task in dag.tasks]
print(json.dumps([bag.import_errors, tasks]))
"""


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text(f"{URL}\n", encoding="utf-8")
    assert Settings.load({"RESULTSDAY_DATABASE_URL_FILE": str(file)}).database_url == URL


def test_the_variable_itself_comes_before_the_file(tmp_path: Path) -> None:
    given = {"RESULTSDAY_DATABASE_URL": URL, "RESULTSDAY_DATABASE_URL_FILE": str(tmp_path / "nowhere")}
    assert Settings.load(given).database_url == URL


def test_a_file_that_cannot_be_read_is_told_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"RESULTSDAY_DATABASE_URL_FILE='.*nowhere' cannot be read \(FileNotFound"):
        Settings.load({"RESULTSDAY_DATABASE_URL_FILE": str(tmp_path / "nowhere")})


def test_a_task_logs_in_with_the_password_of_the_surroundings(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the vault\n", encoding="utf-8")
    given = {
        "RESULTSDAY_AIRFLOW_PASSWORD_FILE": str(file),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://api-server:8080/execution/",
    }
    with AirflowApi.of_this_task(given) as api:
        assert (str(api._client.base_url), api._login["password"]) == ("http://api-server:8080", "from the vault")


def test_everything_the_desk_tells_airflow_is_declared(tmp_path: Path) -> None:
    told = environment(Settings(state=tmp_path), database_url="ledger", airflow_database_url="tables", port=8080)
    ours = {name: value for name, value in told.items() if os.environ.get(name) != value and "AIRFLOW_" in name}
    ours = {name: value for name, value in ours.items() if not name.startswith("RESULTSDAY_")}
    declared = {variable.name: variable for variable in VARIABLES}
    assert ours.keys() <= declared.keys()
    assert {name for name, variable in declared.items() if variable.desk != ""} == ours.keys()
    assert all(declared[name].desk in (value, None) for name, value in ours.items())


def test_production_is_told_as_declared() -> None:
    text = (DEPLOY / "airflow.env").read_text(encoding="utf-8")
    assert text == env_file()
    told = dict(line.split("=", 1) for line in text.splitlines()[1:])
    given = {variable.name for variable in VARIABLES if variable.production is None and not variable.kept_in}
    assert told.keys() == {variable.option for variable in VARIABLES if variable.production != ""} - given


def test_every_secret_is_one_that_airflow_takes_from_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SENSITIVE]
    quiet = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    said = (
        subprocess.run(command, check=True, capture_output=True, text=True, env=quiet).stdout.splitlines()[-1].split()
    )
    wanted = {variable.name.removeprefix("AIRFLOW__") for variable in VARIABLES if variable.kept_in}
    assert {name for name in wanted if not name.startswith("CELERY__")} <= set(said)  # Celery comes with its provider
    assert len(wanted) == 6


def test_a_line_end_in_the_file_is_no_part_of_the_secret(tmp_path: Path) -> None:
    (tmp_path / "fernet_key").write_text("k=k\n", encoding="utf-8")
    [variable] = [variable for variable in VARIABLES if variable.kept_in == "fernet_key"]
    assert variable.value
    command = shlex.split(variable.value.replace(SECRETS, str(tmp_path)))
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "k=k"


def test_jobs_that_touch_results_under_embargo_run_apart(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", TASKS, str(ROOT / "dags")]
    # The policy is found as in the image, and alone: nothing else of the folder is a module.
    (tmp_path / "airflow_local_settings.py").write_bytes((DEPLOY / "airflow_local_settings.py").read_bytes())
    given = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    env = os.environ | given | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.splitlines()[-1]
    wrong, tasks = json.loads(said)
    assert wrong == {}
    apart = {
        dag for dag, queue, config in tasks if (queue, config) == (POLICY.QUEUE, {"pod_template_file": POLICY.POD})
    }
    assert apart == POLICY.RELEASE == {"audit", "award", "late_claims", "results_day", "updated_results"}
    assert all((queue, config) == ("default", {}) for dag, queue, config in tasks if dag not in apart)
    assert len({dag for dag, _, _ in tasks}) == len(list((ROOT / "dags").glob("*.py")))
