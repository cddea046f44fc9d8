"""The compose file, as Docker Compose itself reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click import Group

from infra.running.airflow_settings import SECRETS, VARIABLES
from infra.settings import declared
from pipeline.cli import main
from pipeline.watching.status_plugin import PREFIX
from tests.deploy.conftest import DEPLOY, OF_SETTINGS, POLICY, loads_and_tells, program
from tests.rehearsal import documents

AT_THE_DOOR = {"sftp", "bell"}
WITHOUT_AIRFLOW = AT_THE_DOOR | {"guard"}
OURS = {
    "migrate",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
    "release-worker",
} | WITHOUT_AIRFLOW
AIRFLOW = {"db", "api-server", "scheduler", "dag-processor", "triggerer", "celery"}


def given() -> dict[str, str]:
    """The variables of `.env.example`, filled in, but for those that have a default."""
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") or line.endswith("=") for line in lines)  # names only
    defaults = {name for name, otherwise in documents.used_by_compose().items() if re.match("-.", otherwise)}
    asked = {name: "" if name in defaults else "given" for name in documents.asked_for()}
    return asked | {"RESULTSDAY_SECRETS": "/srv/s"}


def configuration(variables: dict[str, str], folder: Path) -> tuple[int, dict[str, Any], str]:
    """What Compose makes of the file: exit code, the file, what it says."""
    file = folder / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
    words: list[str | Path] = [
        "--env-file",
        file,
        "--file",
        "compose.yaml",
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ]
    done = program("docker-compose", *words, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The file with everything given."""
    code, read, said = configuration(given(), tmp_path_factory.mktemp("compose"))
    assert code == 0, said
    return read


@pytest.mark.parametrize(
    "name",
    [
        "RESULTSDAY_IMAGE", "RESULTSDAY_STORE", "RESULTSDAY_SECRETS", "AIRFLOW__API__BASE_URL", "RESULTSDAY_APPROVERS",
        "RESULTSDAY_PERSONAL_DATA", "RESULTSDAY_ALERT_MAIL_TO", "RESULTSDAY_ALERT_SMTP_HOST",
        "RESULTSDAY_ALERT_RUNBOOK",
    ],
)  # fmt: skip
def test_what_must_be_given_is_asked_for(name: str, tmp_path: Path) -> None:
    code, _, said = configuration({key: value for key, value in given().items() if key != name}, tmp_path)
    assert code != 0
    assert name in said


def test_every_part_of_the_desk_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == OURS | {"postgres", "broker", "s3"}
    only_when_asked = {
        name: service["profiles"] for name, service in compose["services"].items() if "profiles" in service
    }
    assert only_when_asked == {"s3": ["s3"], "bell": ["bell"]}


def test_every_command_is_one_that_there_is(compose: dict[str, Any]) -> None:
    assert isinstance(main, Group)
    words = [re.sub(r"\s*&& exec ", "; ", " ".join(compose["services"][name]["command"])) for name in OURS]
    called = [call.split()[-2:] if "sh -c" in call else call.split()[:2] for text in words for call in text.split("; ")]
    for tool, command in [call for call in called if call[0] in ("airflow", "resultsday")]:
        assert command in (AIRFLOW if tool == "airflow" else set(main.commands)), (tool, command)
    assert {tuple(call) for call in called} >= {
        ("airflow", "celery"),
        ("resultsday", "sftp"),
        ("resultsday", "migrate"),
        ("resultsday", "bell"),
    }
    assert compose["services"]["bell"]["command"] == ["resultsday", "bell", "given"]


def test_our_processes_may_do_little(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert service["user"] == "10001:10001", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) >= 768 * 1024**2, name
        assert "privileged" not in service, name


def test_only_two_doors_are_open(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"][0]["target"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"api-server": 8080, "sftp": 2222}
    assert compose["services"]["api-server"]["ports"][0]["host_ip"] == "127.0.0.1"
    assert compose["networks"]["data"]["internal"] is True
    assert list(compose["services"]["postgres"]["networks"]) == ["data"]


def test_secrets_are_files_outside_and_nowhere_else(compose: dict[str, Any]) -> None:
    assert all(secret["file"].startswith("/srv/s/") for secret in compose["secrets"].values())
    for name in OURS:
        service = compose["services"][name]
        mounted = {secret["source"] for secret in service["secrets"]}
        of_airflow = {variable.kept_in for variable in VARIABLES if variable.kept_in}
        assert mounted >= of_airflow or (name in WITHOUT_AIRFLOW and not mounted & of_airflow), name
        found = {Path(secret["target"]).name for secret in service["secrets"]} | (
            of_airflow if name in WITHOUT_AIRFLOW else set()
        )
        for variable, value in service["environment"].items():
            if re.search(r"PASSWORD|SECRET|TOKEN|_KEY|CONN$|DATABASE_URL|BROKER|BACKEND|CREDENTIALS", variable):
                named = re.fullmatch(rf"(?:awk 1 ORS= )?{SECRETS}/(\w+)", value)
                assert named, (name, variable)
                assert named[1] in found, (name, variable)
    assert not re.search(
        r"password|secret",
        json.dumps(compose["services"]["postgres"]["environment"])
        .lower()
        .replace("postgres_password_file", "")
        .replace("/run/secrets/postgres_password", ""),
    )


def test_ops_7_only_the_migration_has_the_owner_of_the_tables(compose: dict[str, Any]) -> None:
    has = {name for name in OURS if "database_owner_url" in json.dumps(compose["services"][name])}
    assert has == {"migrate"}


def test_every_setting_is_one_that_there_is(compose: dict[str, Any]) -> None:
    known = {setting.metadata["variable"] for setting in declared()} | {setting.option for setting in VARIABLES}
    for name in OURS:
        for variable in compose["services"][name]["environment"]:
            assert variable.removesuffix("_FILE") in known or variable in known or variable.startswith("AWS_"), variable
    for variable in (variable for variable in VARIABLES if variable.production is None and not variable.kept_in):
        for name in OURS:
            assert variable.name in compose["services"][name]["environment"], variable.name


def test_what_centres_send_and_what_is_under_embargo_are_handled_under_two_identities(compose: dict[str, Any]) -> None:
    services = compose["services"]
    given = {
        name: secret["source"]
        for name in OURS
        for secret in services[name]["secrets"]
        if Path(secret["target"]).name == "aws_credentials"
    }
    assert given.keys() == OURS
    assert {name for name, secret in given.items() if secret == "aws_credentials_release"} == {
        "release-worker",
        "guard",
    }
    assert {name for name, secret in given.items() if secret == "aws_credentials_ingest"} == {"worker", *AT_THE_DOOR}
    assert services["release-worker"]["command"][3:] == ["--queues", POLICY.QUEUE]
    assert services["worker"]["command"][3:] == []  # so the queue of everything else


def test_the_desk_starts_with_these_settings_and_alerts_reach_people(compose: dict[str, Any], tmp_path: Path) -> None:
    for name in OURS:
        environment = compose["services"][name]["environment"]
        assert environment.keys() >= OF_SETTINGS, name
        loaded = loads_and_tells(environment, tmp_path)
        assert (loaded.alert_smtp_port, loaded.alert_smtp_tls) == (587, "starttls")
        assert loaded.sftp_check == "sftp:2222"


def test_every_process_that_stays_is_asked_how_it_is_and_none_whether_all_is_well(compose: dict[str, Any]) -> None:
    # The image's own check is the API server's.
    checks = {name: compose["services"][name].get("healthcheck") for name in OURS - {"migrate", "api-server"}}
    assert all(checks.values())
    assert {name for name, check in checks.items() if check == {"disable": True}} == {"bell", "guard"}
    assert PREFIX not in json.dumps(checks) + (DEPLOY / "Containerfile").read_text("utf-8").split("HEALTHCHECK")[1]


def test_res_2_the_guard_needs_nothing_of_airflow_to_start(compose: dict[str, Any]) -> None:
    assert compose["services"]["guard"]["depends_on"].keys() == {"migrate"}
    assert compose["services"]["guard"]["command"] == ["resultsday", "guard"]


def test_nothing_starts_before_the_tables_are_ready(compose: dict[str, Any]) -> None:
    for name in OURS - {"migrate"}:
        assert compose["services"][name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert compose["services"]["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert compose["services"]["migrate"]["restart"] == "no"
