"""`make rehearsal`: production as it is documented, on loopback, to results day. Prints how long each part took; exit
code 1, and why, when something is not as the pages say. `make disturbances` starts the same, and disturbs it."""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import boto3
import httpx
from attrs import evolve, frozen

from infra.host import LOCALHOST
from tests.instruments import s3_server
from tests.mailbox import PASSWORD as MAIL_PASSWORD
from tests.mailbox import USER as MAIL_USER
from tests.mailbox import Mailbox, certificate, mail_server
from tests.rehearsal import disturbances, documents
from tests.rehearsal.rights import not_as_said
from tests.rehearsal.season import CENTRE, Season, outcome
from tests.rehearsal.topology import NotAsDocumentedError, Topology, production_environment, stage, started
from tests.rehearsal.visitors import CentreClient, Visitor

FOLDER = documents.ROOT / "var" / "rehearsal"
BUCKET, LOGS, QUEUE = "board-desk", "board-logs", "landed"
EARLY = ("api-server", "scheduler", "dag-processor", "triggerer", "worker", "release-worker", "guard", "sftp", "bell")
PASSWORDS = "a password of "
ROLES = {"olive": "Admin", "jane": "User", "john": "User", "vera": "Viewer"}
"""Who is made: `olive` and `jane` as the pages say it, the others with another name and role."""


@frozen
class World:
    """What is outside the desk: an S3 server with buckets and a queue, and a mail server."""

    endpoint: str
    queue: str
    mailbox: Mailbox

    def client(self, service: str) -> object:
        """A client of the S3 server."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name="eu-west-2", aws_access_key_id="outside",
            aws_secret_access_key="testing",
        )  # type: ignore[call-overload]  # fmt: skip


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The world outside, as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    trusted = certificate(folder)
    with s3_server(folder / "s3.log") as port, mail_server(trusted) as mailbox:
        os.environ["SSL_CERT_FILE"] = str(trusted)
        outside = World(f"http://{LOCALHOST}:{port}", "", mailbox)
        s3, sqs = outside.client("s3"), outside.client("sqs")
        for name in (BUCKET, LOGS):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})  # type: ignore[attr-defined]
        queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]  # type: ignore[attr-defined]
        arn = f"arn:aws:sqs:eu-west-2:123456789012:{QUEUE}"
        ringing = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"],
                   "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "desk/inbox/"}]}}}  # fmt: skip
        s3.put_bucket_notification_configuration(  # type: ignore[attr-defined]
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [ringing]}
        )
        yield evolve(outside, queue=queue)


def given(outside: World) -> dict[str, str]:
    """What the board writes into `.env`."""
    approvers = "jane,john"
    return {
        "RESULTSDAY_IMAGE": "resultsday:1",
        "RESULTSDAY_STORE": f"s3://{BUCKET}/desk",
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{LOGS}/airflow",
        "AWS_ENDPOINT_URL": outside.endpoint,
        "RESULTSDAY_APPROVERS": approvers,
        "RESULTSDAY_PERSONAL_DATA": "jane",
        "RESULTSDAY_ALERT_MAIL_TO": "desk@board.example",
        "RESULTSDAY_ALERT_MAIL_FROM": "resultsday@board.example",
        "RESULTSDAY_ALERT_SMTP_HOST": LOCALHOST,
        "RESULTSDAY_ALERT_SMTP_PORT": str(outside.mailbox.port),
        "RESULTSDAY_ALERT_SMTP_USER": MAIL_USER,
        "RESULTSDAY_ALERT_RUNBOOK": "https://docs.board.example/runbook/{page}.html",
        "BELL_QUEUE": outside.queue,
    }


def rehearse(disturb: str | None = None) -> dict[str, float]:
    """Everything, in order; seconds by part. Instead of the season, with `disturb`, the disturbances whose name matches
    it. Raises `NotAsDocumentedError`."""
    seconds: dict[str, float] = {}
    season = Season(datetime.now(UTC))
    catalogue = FOLDER.with_name("rehearsal-catalogue")
    shutil.rmtree(catalogue, ignore_errors=True)
    season.write_catalogue(catalogue)
    with stage("install what the image has", seconds):
        production = production_environment(documents.ROOT / "var")
    with (
        world(FOLDER.with_name("rehearsal-outside")) as outside,
        Topology(FOLDER, production, given(outside), {"RESULTSDAY_CATALOGUE": str(catalogue)}) as desk,
    ):
        with stage("PostgreSQL, secrets and settings", seconds):
            desk.prepare()
            (desk.folder / "secrets" / "alert_smtp_password").write_text(f"{MAIL_PASSWORD}\n", encoding="utf-8")
        with stage("broker and tables", seconds):
            desk.start("broker")
            desk.wait("the broker", lambda: not desk.ailing("broker"), 20)
            desk.finish("migrate")
        with stage("every service", seconds):
            started(desk, EARLY)
            people = _people(desk)
            _up(desk)
        with stage("people and their rights", seconds):
            visitors = _visitors(desk, people)
            if wrong := list(not_as_said(visitors)):
                raise NotAsDocumentedError("\n".join(wrong))
        with stage("commands of the pages", seconds):
            centre = _commands(desk, outside)
        if disturb is not None:
            with stage("disturbances", seconds):
                _registered(desk, outside, season, visitors["olive"])
                disturbances.run(desk, _address(desk), centre, outside.mailbox, disturb)
            return seconds
        with stage("a season", seconds):
            _season(desk, outside, season, centre, visitors)
        with stage("health checks, and results day", seconds):
            _results_day(desk, season, catalogue, centre, visitors)
    if left := desk.left():
        raise NotAsDocumentedError(f"these processes stay: {left}")
    return seconds


def _people(desk: Topology) -> dict[str, str]:
    """Users made by the documented commands; their passwords."""
    documented = [command for command in documents.compose_commands() if command.is_user]
    documented += documents.commands_for_people()
    made = {command.option("--username"): command for command in documented}
    for name, role in ROLES.items():
        if name not in made:
            words = [name if word == "jane" else role if word == "User" else word for word in made["jane"].words]
            words = [word.replace("jane@", f"{name}@") for word in words]
            made[name] = evolve(made["jane"], words=tuple(words))
        elif made[name].option("--role") != role:
            raise NotAsDocumentedError(f"the pages make {name} {made[name].option('--role')}, not {role}")
    for name, command in made.items():
        typed = f"{PASSWORDS}{name}\n" * 2 if "--password" not in " ".join(command.words) else ""
        desk.execute(command, typed)
    return {name: f"{PASSWORDS}{name}" for name in ROLES} | {"ops": desk.secrets["airflow_password"]}


def _address(desk: Topology) -> str:
    return f"http://{LOCALHOST}:{desk.ports['api-server']}"


def _up(desk: Topology) -> None:
    """Waits until every part that a monitor would ask for is up."""

    def answers() -> bool:
        try:
            said = httpx.get(f"{_address(desk)}/api/v2/monitor/health", timeout=10, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(
            said[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")
        )

    desk.wait("the parts of Airflow", answers)


def _visitors(desk: Topology, people: dict[str, str]) -> dict[str, Visitor]:
    """Everybody logs in at Airflow's page."""
    return {name: Visitor(_address(desk), name, password) for name, password in people.items()}


def _commands(desk: Topology, outside: World) -> CentreClient:
    """The other documented commands: a centre's key, a test alert. The centre can log in afterwards."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    for command in documents.compose_commands():
        if not command.is_user:
            desk.execute(command, key.export_public_key().decode() if command.standard_input == "key.pub" else "")
    outside.mailbox.wait_for("somebody has asked for it")
    return CentreClient(CENTRE, desk.ports["sftp"], key)


def _season(desk: Topology, outside: World, season: Season, centre: CentreClient, visitors: dict[str, Visitor]) -> None:
    """From the register to approved results."""
    owner = visitors["olive"]
    _registered(desk, outside, season, owner)
    for number, (name, data) in enumerate(season.files().items(), 1):
        centre.put(name, data)
        _answered(desk, centre, number)
    _ran(desk, owner, "moderation")
    run = _triggered(owner, "award", {"series": season.series})
    for what in ("boundaries", "results"):
        for who in ("jane", "john"):
            _approved(desk, visitors[who], f"{what} as the meeting had them")
    desk.wait("the award", lambda: _state(owner, "award", run) == "success")


def _registered(desk: Topology, outside: World, season: Season, owner: Visitor) -> None:
    """What the board's own systems leave, the register among it, is taken in."""
    s3 = outside.client("s3")
    for key, data in season.feeds().items():
        s3.put_object(Bucket=BUCKET, Key=f"desk/{key}", Body=data)  # type: ignore[attr-defined]
    _ran(desk, owner, "ingest")


def _answered(desk: Topology, centre: CentreClient, number: int) -> None:
    """Waits for the reply to the newest file, which must be accepted."""

    def replies() -> list[str]:
        found = [outcome(data) for name, data in centre.outbox().items() if not name.endswith(".json")]
        return [said for said in found if said]

    def enough() -> list[str]:
        found = replies()
        return found if len(found) >= number else []

    said = desk.wait(f"the reply to file {number}", enough)
    if any("ACCEPTED" not in word or "NOT" in word for word in said):
        raise NotAsDocumentedError(f"replies: {said}")


def _approved(desk: Topology, visitor: Visitor, why: str) -> None:
    [number] = desk.wait(f"what {visitor.name} may decide", visitor.waiting)
    answer = visitor.approves(number, why)
    if answer.status_code >= 400:
        raise NotAsDocumentedError(f"{visitor.name} may not approve: {answer.status_code} {answer.text[-1500:]}")


def _triggered(owner: Visitor, dag: str, conf: dict[str, str] | None = None) -> str:
    answer = owner.asks("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf or {}})
    if answer.status_code >= 400:
        raise NotAsDocumentedError(f"{dag} cannot be started: {answer.status_code} {answer.text[:1500]}")
    return str(answer.json()["dag_run_id"])


def _state(owner: Visitor, dag: str, run: str) -> str:
    said = owner.asks("GET", f"/api/v2/dags/{dag}/dagRuns/{run}").json()
    if said.get("state") == "failed":
        raise NotAsDocumentedError(f"run {run} of {dag} failed: {said}")
    return str(said.get("state"))


def _ran(desk: Topology, owner: Visitor, dag: str) -> None:
    run = _triggered(owner, dag)
    desk.wait(f"a run of {dag}", lambda: _state(owner, dag, run) == "success")


def _results_day(
    desk: Topology, season: Season, catalogue: Path, centre: CentreClient, visitors: dict[str, Visitor]
) -> None:
    """The dates are moved, as dates are; at the instant, the scheduler's own run publishes the results."""
    at = (datetime.now(UTC) + timedelta(seconds=119)).replace(second=0, microsecond=0)
    season.write_catalogue(catalogue, at)
    _checked(desk)
    seen = [name for name in centre.outbox() if name.startswith("R")]
    if seen and datetime.now(UTC) < at:
        raise NotAsDocumentedError(f"results before their instant: {seen}")

    def results() -> list[bytes]:
        return [data for name, data in centre.outbox().items() if name.startswith("R")]

    [file] = desk.wait("results in the outbox", results, 300)
    late = (datetime.now(UTC) - at).total_seconds()
    print(f"results were seen {late:.0f} s after their instant")
    if not all(candidate.encode() in file for candidate in ("0001", "0002")):
        raise NotAsDocumentedError(f"the results file is not as it must be, {late:.0f} s after the instant")
    runs = visitors["olive"].asks("GET", "/api/v2/dags/results_day/dagRuns?order_by=-run_after").json()["dag_runs"]
    run = next(run for run in runs if run["run_type"] == "scheduled")
    desk.wait(
        "the run of results_day", lambda: _state(visitors["olive"], "results_day", run["dag_run_id"]) == "success"
    )
    path = f"/api/v2/dags/results_day/dagRuns/{run['dag_run_id']}/taskInstances"
    tasks = visitors["olive"].asks("GET", path).json()["task_instances"]
    where = {(task["queue"], str(task["hostname"])) for task in tasks}
    print(f"published by {sorted(where)}")
    if {queue for queue, _ in where} != {"release"}:
        raise NotAsDocumentedError(f"results were published in the queues {where}")


def _checked(desk: Topology) -> None:
    """Every service by its own health check, and the desk by its health page."""
    wrong = {service: said for service in ("broker", *EARLY) if (said := desk.ailing(service))}
    if wrong:
        raise NotAsDocumentedError("\n".join(f"{service}: {said}" for service, said in wrong.items()))
    answer = httpx.get(f"{_address(desk)}/resultsday-status/health", timeout=60, trust_env=False)
    print(answer.text)
    if answer.status_code != 200:
        raise NotAsDocumentedError(f"the health page says {answer.status_code}:\n{answer.text}")


def main() -> int:
    """Rehearses and says how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--disturb", help="a regular expression of `PART: WAY`; an empty one is everything")
    asked = parser.parse_args()
    began = time.monotonic()
    try:
        seconds = rehearse(asked.disturb)
    except AssertionError as error:
        print(f"\nNOT AS DOCUMENTED: {error}", file=sys.stderr)
        return 1
    csv.writer(sys.stdout).writerows((name, f"{spent:.1f}") for name, spent in seconds.items())
    print(f"rehearsed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
