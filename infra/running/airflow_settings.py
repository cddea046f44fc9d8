"""Every variable of Airflow's that we set, declared once: what it is for, its value on one machine, and in production.

The desk of one machine takes its values from here (`infra/running/airflow_setup.py`, which makes the secrets and the
addresses); so do the page docs/settings.md and `infra/deploy/airflow.env`, from which the compose file and the
Kubernetes manifests read what is no secret.
"""

from __future__ import annotations

from attrs import frozen

SECRETS = "/run/secrets"
"""Where secrets are mounted in production, a file each, named after what they are."""
HOME = "/var/lib/airflow"
"""Airflow's folder in the image, the only one besides /tmp that is written to; nothing in it need outlive a process."""


@frozen(kw_only=True)
class Variable:
    """One variable. `desk`: its value on one machine, null where the supervisor makes it, empty where it is not set.
    `production`: its value there; empty: not set, and null: whoever deploys gives it. `kept_in`: it is a secret, and
    this is the name of the file that holds it in production."""

    name: str
    meaning: str
    desk: str | None = None
    production: str | None = None
    kept_in: str = ""

    @property
    def option(self) -> str:
        """The variable that production sets: a secret's names the command that reads its file."""
        return f"{self.name}_CMD" if self.kept_in else self.name

    @property
    def value(self) -> str | None:
        """What production sets it to."""
        # Not `cat`: a line end at the end of a file that a person wrote would become a part of the secret.
        return f"awk 1 ORS= {SECRETS}/{self.kept_in}" if self.kept_in else self.production


def _both(name: str, value: str, meaning: str) -> Variable:
    return Variable(name=name, desk=value, production=value, meaning=meaning)


VARIABLES = (
    Variable(name="AIRFLOW_HOME", production=HOME, meaning="Folder of Airflow's own files."),
    Variable(
        name="AIRFLOW_CONFIG", production="/opt/resultsday/airflow.cfg",
        meaning="An empty file: every setting comes from the environment.",
    ),
    Variable(name="AIRFLOW__CORE__DAGS_FOLDER", production="/opt/resultsday/dags", meaning="Where the DAG files lie."),
    _both("AIRFLOW__CORE__LOAD_EXAMPLES", "False", "Airflow's examples are not ours."),
    Variable(
        name="AIRFLOW__CORE__EXECUTOR", desk="LocalExecutor",
        meaning="What runs tasks: processes of the scheduler, Celery's workers or pods.",
    ),
    Variable(
        name="AIRFLOW__CORE__PARALLELISM", desk="4", production="32", meaning="Tasks at a time, of each scheduler."
    ),
    Variable(
        name="AIRFLOW__CORE__FERNET_KEY", kept_in="fernet_key", meaning="Encrypts what Airflow keeps of connections."
    ),
    Variable(
        name="AIRFLOW__CORE__EXECUTION_API_SERVER_URL", production="http://api-server:8080/execution/",
        meaning="Where tasks report to.",
    ),
    Variable(
        name="AIRFLOW__CORE__AUTH_MANAGER",
        desk="airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        production="airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        meaning="Who may log in. Airflow's simple one keeps passwords in a file and is not for production.",
    ),
    Variable(
        name="AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", production="", meaning="Users of the simple log-in."
    ),
    Variable(
        name="AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", production="", meaning="Their passwords."
    ),
    Variable(
        name="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", kept_in="airflow_database_url",
        meaning="PostgreSQL address of Airflow's tables.",
    ),
    Variable(
        name="AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE", desk="", production="10",
        meaning="Connections to PostgreSQL that each process keeps.",
    ),
    Variable(name="AIRFLOW__API__HOST", production="0.0.0.0", meaning="Address the UI listens on."),  # noqa: S104
    Variable(name="AIRFLOW__API__PORT", production="8080", meaning="Its port."),
    Variable(name="AIRFLOW__API__BASE_URL", meaning="The UI's address as people type it."),
    Variable(name="AIRFLOW__API__WORKERS", desk="1", production="2", meaning="Processes of each API server."),
    Variable(name="AIRFLOW__API__SECRET_KEY", kept_in="api_secret", meaning="Signs sessions and requests for logs."),
    Variable(
        name="AIRFLOW__API_AUTH__JWT_SECRET", kept_in="jwt_secret", meaning="Signs the tokens of users and tasks."
    ),
    _both(
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1",
        "Seconds. Airflow's default of 5 blocks an executor slot that long after about every second task.",
    ),
    Variable(
        name="AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", desk="0.1", production="",
        meaning="Seconds. Short: a season is played quickly. Production has Airflow's default.",
    ),
    _both(
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "60",
        "Seconds without a sign of life after which a task is given up, and retried.",
    ),
    _both(
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "30",
        "Seconds between two looks at a DAG file, and so at the calendar.",
    ),
    _both("AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES", "1", "There are eleven short DAG files."),
    _both("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False", "Airflow tells nobody that it is used."),
    Variable(
        name="AIRFLOW__CELERY__BROKER_URL", desk="", kept_in="broker_url",
        meaning="Celery's queue, `redis://...`. On one machine from `RESULTSDAY_BROKER`, as the next two.",
    ),
    Variable(
        name="AIRFLOW__CELERY__RESULT_BACKEND", desk="", kept_in="result_backend",
        meaning="Where Celery keeps what came of tasks: `db+postgresql://...`, Airflow's own database.",
    ),
    Variable(
        name="AIRFLOW__CELERY__WORKER_CONCURRENCY", desk="", production="2", meaning="Tasks at a time of each worker."
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_LOGGING", desk="", production="True",
        meaning="Logs of tasks outlive the worker or pod that wrote them.",
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER", desk="", meaning="Where: `s3://bucket/prefix`, not the desk's."
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID", desk="", production="aws_default",
        meaning="The connection for it: credentials of the surroundings.",
    ),
    Variable(
        name="AIRFLOW_CONN_AWS_DEFAULT", desk="", production="aws://",
        meaning="Credentials, region and endpoint come from boto3's own chain.",
    ),
    Variable(
        name="AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK", desk="", production="True",
        meaning="The scheduler answers `/health` on port 8974, for probes.",
    ),
)  # fmt: skip
"""In the order of the page."""


def on_one_machine() -> dict[str, str]:
    """The variables whose value on one machine is always the same."""
    return {one.name: one.desk for one in VARIABLES if one.desk}


def env_file() -> str:
    """`infra/deploy/airflow.env`: what production sets and is neither a secret nor given by whoever deploys."""
    lines = [f"{one.option}={one.value}" for one in VARIABLES if one.value]
    return "\n".join(["# Generated by `make docs` from infra/running/airflow_settings.py: do not edit.", *lines]) + "\n"
