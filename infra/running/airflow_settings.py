"""Every variable of Airflow's that we set, declared once: what it is for, its value on one machine, and in production.

The desk on one machine takes its values from here (`infra/running/airflow_setup.py` makes the secrets and addresses).
So do docs/settings.md and `infra/deploy/airflow.env`, from which the compose file and the Kubernetes manifests read
everything that is not secret.
"""

from __future__ import annotations

from attrs import frozen

SECRETS = "/run/secrets"
"""Where secrets are mounted in production: one file each, named after the secret."""
HOME = "/var/lib/airflow"
"""Airflow's folder in the image. Only this and /tmp are written to; nothing in it need outlive a process."""


@frozen(kw_only=True)
class Variable:
    """One variable. `desk`: its value on one machine; None when the supervisor makes it, empty when it is not set.
    `production`: its value there; None when whoever deploys sets it, empty when it is not set. `kept_in`: for a secret,
    the name of the file that holds it in production."""

    name: str
    meaning: str
    desk: str | None = None
    production: str | None = None
    kept_in: str = ""

    @property
    def option(self) -> str:
        """The variable that production sets; for a secret, the one that names the command which reads its file."""
        return f"{self.name}_CMD" if self.kept_in else self.name

    @property
    def value(self) -> str | None:
        """What production sets it to."""
        # Not `cat`: a line end at the end of a file that a person wrote would become part of the secret.
        return f"awk 1 ORS= {SECRETS}/{self.kept_in}" if self.kept_in else self.production


def _both(name: str, value: str, meaning: str) -> Variable:
    return Variable(name=name, desk=value, production=value, meaning=meaning)


VARIABLES = (
    Variable(name="AIRFLOW_HOME", production=HOME, meaning="Folder of Airflow's own files."),
    Variable(
        name="AIRFLOW_CONFIG", production="/opt/resultsday/airflow.cfg",
        meaning="An empty file: every setting comes from the environment.",
    ),
    Variable(name="AIRFLOW__CORE__DAGS_FOLDER", production="/opt/resultsday/dags", meaning="Where the DAG files are."),
    _both("AIRFLOW__CORE__LOAD_EXAMPLES", "False", "No example DAGs of Airflow's."),
    Variable(
        name="AIRFLOW__CORE__EXECUTOR", desk="LocalExecutor",
        meaning="What runs tasks: processes of the scheduler, Celery's workers or pods.",
    ),
    Variable(
        name="AIRFLOW__CORE__PARALLELISM", desk="4", production="32",
        meaning="Tasks that each scheduler runs at a time.",
    ),
    Variable(
        name="AIRFLOW__CORE__FERNET_KEY", kept_in="fernet_key", meaning="Encrypts the connections that Airflow stores."
    ),
    Variable(
        name="AIRFLOW__CORE__EXECUTION_API_SERVER_URL", production="http://api-server:8080/execution/",
        meaning="Where tasks report to.",
    ),
    Variable(
        name="AIRFLOW__CORE__AUTH_MANAGER",
        desk="airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        production="airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        meaning="Who may log in. Airflow's simple manager keeps passwords in a file and is not for production.",
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
    _both(
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS", "infra.alive.SYNC",
        "A connection to a machine that is gone ends within half a minute, on both sides, with its locks.",
    ),
    _both("AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC", "infra.alive.ASYNC", "The same for the API server's."),
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
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES", "20",
        "Times. A task that starts before the API server answers waits about a minute for it. With Airflow's default "
        "of 5 its try was spent after a few seconds, and the next came only after the retry delay of its DAG.",
    ),
    _both(
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX", "5",
        "Seconds between two of them at most, so that no task waits long for a server that answers again.",
    ),
    _both(
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1",
        "Seconds. Airflow's default of 5 blocks an executor slot for that long after about every second task.",
    ),
    Variable(
        name="AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", desk="0.1", production="",
        meaning="Seconds. Short, because a season is played quickly. Production has Airflow's default.",
    ),
    _both(
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "60",
        "Seconds without a sign of life after which a task is given up, and retried.",
    ),
    _both(
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", "180",
        "Seconds after which a task that no worker has taken is queued again, in case the broker has lost it. "
        "Airflow's default is 600.",
    ),
    _both(
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL", "30",
        "Seconds between two looks for such tasks. Airflow's default is 120.",
    ),
    _both(
        "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES", "160",
        "Times: eight hours in which no worker may be up. With Airflow's default of 2, a release that waited for its "
        "worker for nine minutes had failed.",
    ),
    _both(
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "120",
        "Seconds between two readings of a DAG file, and so of the calendar. With Airflow's default of 30 a desk at "
        "rest keeps half a processor busy reading what has not changed.",
    ),
    _both("AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES", "1", "The DAG files are few and short."),
    _both("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False", "Airflow sends nobody data about its use."),
    Variable(
        name="AIRFLOW__FAB__ENABLE_PROXY_FIX", desk="", production="True",
        meaning="The log-in page counts tries by the address that the proxy with TLS names: by the proxy's own, a "
        "stranger would use up everybody's (`AUTH_RATE_LIMIT`). Nothing but the proxy may reach the port.",
    ),
    *(
        Variable(
            name=f"AIRFLOW__FAB__PROXY_FIX_X_{what}", desk="", production="0",
            meaning="Nothing else that a proxy says is believed.",
        )
        for what in ("PROTO", "HOST", "PORT", "PREFIX")
    ),
    Variable(
        name="AIRFLOW__CELERY__BROKER_URL", desk="", kept_in="broker_url",
        meaning="Celery's queue, `redis://...`. On one machine from `RESULTSDAY_BROKER`, like the next two.",
    ),
    Variable(
        name="AIRFLOW__CELERY__RESULT_BACKEND", desk="", kept_in="result_backend",
        meaning="Where Celery keeps the results of tasks: `db+postgresql+psycopg2://...`, Airflow's own database.",
    ),
    Variable(
        name="AIRFLOW__CELERY__WORKER_CONCURRENCY", desk="", production="2",
        meaning="Tasks that each worker runs at a time.",
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_LOGGING", desk="", production="True",
        meaning="Logs of tasks outlive the worker or pod that wrote them.",
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER", desk="",
        meaning="Where: `s3://bucket/prefix`, not in the desk's store.",
    ),
    Variable(
        name="AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID", desk="", production="aws_default",
        meaning="The connection for it: uses the credentials of the environment.",
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
"""In the order of docs/settings.md."""


def on_one_machine() -> dict[str, str]:
    """The variables whose value on one machine is always the same."""
    return {variable.name: variable.desk for variable in VARIABLES if variable.desk}


def env_file() -> str:
    """`infra/deploy/airflow.env`: what production sets, except secrets and what whoever deploys must set."""
    lines = [f"{variable.option}={variable.value}" for variable in VARIABLES if variable.value]
    return "\n".join(["# Generated by `make docs` from infra/running/airflow_settings.py: do not edit.", *lines]) + "\n"
