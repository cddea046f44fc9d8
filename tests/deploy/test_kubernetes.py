"""Our chart, rendered by Helm itself and held against the schemas of Kubernetes and against itself; and our values for
Airflow's official chart, against what is known of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from infra.running.airflow_settings import HOME, SECRETS, VARIABLES
from infra.settings import declared
from pipeline.cli import main
from pipeline.watching.status_plugin import PREFIX
from tests.deploy.conftest import DEPLOY, OF_SETTINGS, POLICY, ROOT, SECRET, loads_and_tells

helm = pytest.importorskip("helm_python", reason="Helm's library is not built for this machine")

OLDEST, NEWEST = "1.31", "1.37"
CHART = DEPLOY / "helm" / "resultsday"
CELERY, KUBERNETES = "CeleryExecutor", "KubernetesExecutor"
QUEUE = "https://sqs.example.org/1/bell"
NAMES = {
    CELERY: {"backup", "bell", "broker", "guard", "migrate", "operator", "release-worker", "sftp"},
    KUBERNETES: {"backup", "bell", "guard", "migrate", "operator", "release", "sftp", "task"},
}
"""The pods of our chart with each executor."""


@cache
def rendered(executor: str, upgrade: bool = False) -> list[dict[str, Any]]:
    """What Helm would send to the cluster, and the pods that Airflow would make from the templates in it."""
    given = {"executor": executor, "bell": {"enabled": True, "queue": QUEUE}}
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(given, name="resultsday", namespace="resultsday", is_upgrade=upgrade)
    documents = [each for _, text in sorted(texts.items()) for each in yaml.safe_load_all(text) if each]
    templates = [each["data"] for each in documents if each["metadata"]["name"] == "task-pod"]
    return [*documents, *(yaml.safe_load(text) for data in templates for text in data.values())]


def of(executor: str, kind: str) -> dict[str, dict[str, Any]]:
    """The manifests of a kind by name."""
    return {each["metadata"]["name"]: each for each in rendered(executor) if each["kind"] == kind}


def pods(executor: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every pod that something starts: name, labels, specification."""
    for document in rendered(executor):
        name, spec = document["metadata"]["name"].removesuffix("-1"), document.get("spec", {})
        if document["kind"] == "Pod":
            yield name, document["metadata"]["labels"], spec
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield name, spec["template"]["metadata"]["labels"], spec["template"]["spec"]


def settings(executor: str = CELERY) -> dict[str, str]:
    """What every process of the desk is told."""
    data: dict[str, str] = of(executor, "ConfigMap")["desk"]["data"]
    return data


def airflow(executor: str) -> dict[str, Any]:
    """Our values for Airflow's chart, merged as Helm merges them: mappings into each other, lists replaced."""
    merged: dict[str, Any] = {}

    def over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
        both = {k: over(below[k], v) if isinstance(v, dict) and isinstance(below.get(k), dict) else v
                for k, v in above.items()}  # fmt: skip
        return below | both

    variant = executor.removesuffix("Executor").lower()
    for name in ("airflow", f"airflow-{variant}"):
        merged = over(merged, helm.values_from_yaml((DEPLOY / "helm" / f"{name}.yaml").read_text(encoding="utf-8")))
    return merged


def workloads(executor: str) -> dict[str, dict[str, Any]]:
    """What Airflow's chart starts, by the mark that we have it put on the pods."""
    values = airflow(executor)
    parts = [values[name] for name in ("apiServer", "scheduler", "dagProcessor", "triggerer")]
    parts += [values["workers"]["celery"]] if "workers" in values else []
    return {part["labels"]["resultsday/part"]: part for part in parts}


PODS = [(executor, *pod) for executor in NAMES for pod in pods(executor)]


def test_helm_has_nothing_to_say_against_the_chart() -> None:
    said = helm.lint(CHART, strict=True, kube_version=f"v{OLDEST}.0")
    assert said["errors"] == []
    assert [each["error"] for each in said["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("executor", NAMES)
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_is_valid(executor: str, version: str) -> None:
    assert len(rendered(executor)) > 20
    for document in rendered(executor):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"executor": "LocalExecutor"},
        {"bell": {"enabled": True}},
        {"releaseWorkers": {"replicas": 1}},
        {"settings": {"RESULTSDAY_APPROVALS": 2}},
        {"sfpt": {"enabled": False}},
    ],
)
def test_what_nobody_can_have_meant_is_refused(wrong: dict[str, Any]) -> None:
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmValuesError):
        chart.validate_schema(wrong)


def test_every_setting_is_one_that_there_is_and_none_is_missing() -> None:
    given = settings()
    known = {setting.metadata["variable"] for setting in declared()} | {setting.name for setting in VARIABLES}
    others = {name for name in given if name.removesuffix("_FILE").removesuffix("_CMD") not in known}
    assert others == {"AWS_DEFAULT_REGION"}
    elsewhere = {"AIRFLOW__CORE__EXECUTOR"}  # Airflow's chart; our release worker, below
    wanted = {variable.name for variable in VARIABLES if variable.production is None and not variable.kept_in}
    assert (wanted - elsewhere) | OF_SETTINGS <= given.keys()
    declared_values = {variable.option: variable.value for variable in VARIABLES if variable.value}
    differs = {name for name, value in declared_values.items() if given[name] != value}
    assert differs == {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL"}
    assert given == settings(KUBERNETES)


def test_the_desk_starts_with_these_settings_and_alerts_reach_people(tmp_path: Path) -> None:
    for executor, jobs in ((CELERY, {"worker", "release-worker"}), (KUBERNETES, {"task"})):
        loaded = loads_and_tells(settings(executor), tmp_path)
        assert (loaded.alert_smtp_port, loaded.alert_smtp_tls) == (587, "starttls")
        [mail] = of(executor, "NetworkPolicy")["mail"]["spec"]["egress"]
        assert mail["ports"] == [{"protocol": "TCP", "port": loaded.alert_smtp_port}]
        # The watch is a job; who calls when a run has failed is the DAG processor.
        assert chosen(executor, "mail") == jobs | {"dag-processor", "guard", "operator"}


def test_the_centres_door_is_looked_at_where_it_is() -> None:
    host, _, port = settings()["RESULTSDAY_SFTP_CHECK"].partition(":")
    [opened] = of(CELERY, "Service")[host]["spec"]["ports"]
    assert int(port) == opened["port"]
    [rule] = of(CELERY, "NetworkPolicy")["to-the-door"]["spec"]["egress"]
    assert rule["to"] == [{"podSelector": {"matchLabels": {"resultsday/part": host}}}]
    inside = of(CELERY, "StatefulSet")[host]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [(port["name"], port["containerPort"]) for port in inside] == [
        (opened["targetPort"], rule["ports"][0]["port"])
    ]
    assert "api-server" in chosen(CELERY, "to-the-door")  # the health page is there


def test_what_centres_send_and_what_is_under_embargo_are_handled_under_two_identities() -> None:
    task, release = of(KUBERNETES, "Pod")["task"], of(KUBERNETES, "Pod")["release"]
    assert task["spec"]["serviceAccountName"] == "task"
    assert release["spec"] == task["spec"] | {"serviceAccountName": "release"}
    assert release["metadata"]["labels"] == task["metadata"]["labels"]
    always = {"backup", "guard", "operator"}
    for executor, jobs in ((CELERY, "release-worker"), (KUBERNETES, "release")):
        accounts = {name: spec["serviceAccountName"] for name, _, spec in pods(executor)}
        assert {name for name, account in accounts.items() if account == "release"} == always | {jobs}
        assert {name for name, account in accounts.items() if account == "landing"} == {"sftp", "bell"}
    assert airflow(CELERY)["workers"]["celery"]["serviceAccount"] == {"create": False, "name": "task"}


def test_two_workers_take_what_is_under_embargo_and_nothing_else() -> None:
    deployment = of(CELERY, "Deployment")["release-worker"]["spec"]
    assert deployment["replicas"] == 2
    [container] = deployment["template"]["spec"]["containers"]
    assert container["command"] == ["airflow", "celery", "worker", "--queues", POLICY.QUEUE]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["AIRFLOW__CORE__EXECUTOR"] == CELERY
    asked = {each["name"]: each["value"] for each in airflow(CELERY)["apiServer"]["env"]}
    assert told.items() >= asked.items()
    assert set(asked["RESULTSDAY_QUEUES"].split(",")) == {POLICY.QUEUE, airflow(CELERY)["workers"]["celery"]["queue"]}
    assert airflow(CELERY)["workers"]["celery"]["replicas"] == 2


def test_the_broker_keeps_what_it_is_given_and_only_those_who_need_it_reach_it() -> None:
    spec = of(CELERY, "StatefulSet")["broker"]["spec"]
    [container] = spec["template"]["spec"]["containers"]
    assert {"--appendonly", "yes", "/data"} <= set(container["command"])
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["data"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["broker"]
    assert (container["image"], container["command"]) == (compose["image"], compose["command"])
    assert chosen(CELERY, "to-the-broker") == {"api-server", "release-worker", "scheduler", "worker"}
    assert "broker" not in of(KUBERNETES, "StatefulSet")


def test_res_2_the_guard_looks_every_minute_without_airflow() -> None:
    spec = of(CELERY, "CronJob")["guard"]["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("* * * * *", "Forbid")
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["resultsday", "guard", "--once"]
    assert chosen(CELERY, "mail") & chosen(CELERY, "to-the-door") >= {"guard"}


def test_the_bell_is_heard_where_there_is_one() -> None:
    [container] = of(CELERY, "Deployment")["bell"]["spec"]["template"]["spec"]["containers"]
    program, command, queue = container["command"]
    assert (program, queue) == ("resultsday", QUEUE)
    assert command in main.commands
    with helm.Chart.load(CHART) as chart:
        assert "kind" not in chart.render({}, name="resultsday")["resultsday/templates/bell.yaml"]


def test_migrations_come_before_an_upgrade_and_never_meet_their_last_run() -> None:
    first, later = (
        next(each for each in rendered(CELERY, upgrade) if each["kind"] == "Job") for upgrade in (False, True)
    )
    assert "annotations" not in first["metadata"]
    assert later["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert first["metadata"]["name"] == "migrate-1"  # of this revision
    assert first["spec"] == later["spec"]


@pytest.mark.parametrize(
    ("executor", "name", "labels", "spec"), PODS, ids=[f"{executor}-{name}" for executor, name, _, _ in PODS]
)
def test_a_pod_may_do_little(executor: str, name: str, labels: dict[str, Any], spec: dict[str, Any]) -> None:
    assert {pod[0] for pod in pods(executor)} == NAMES[executor]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["serviceAccountName"] in of(executor, "ServiceAccount")
    assert spec["automountServiceAccountToken"] is False
    [container] = spec["containers"]
    if name != "broker":
        assert container["image"] == "registry.example.org/resultsday:set-me"
        assert {"configMapRef": {"name": "desk"}} in container["envFrom"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claimed = {"sftp": {"state"}, "broker": {"data"}}.get(name, set())
    assert mounted == {volume["name"] for volume in spec["volumes"]} | claimed
    assert labels["resultsday/part"] == labels["app.kubernetes.io/component"]
    if spec.get("restartPolicy") != "Never" and name != "bell":
        assert {"startupProbe", "livenessProbe"} <= container.keys()


def test_only_airflows_own_processes_are_given_airflows_secrets() -> None:
    of_airflow = {variable.kept_in for variable in VARIABLES if variable.kept_in}
    for executor in NAMES:
        keys = {
            name: {item["key"] for volume in spec["volumes"] for item in volume.get("secret", {}).get("items", ())}
            for name, _, spec in pods(executor)
        }
        assert keys.pop("broker", {"broker.conf"}) == {"broker.conf"}
        celery = {"broker_url", "result_backend"} if executor == CELERY else set()
        own = SECRET | (of_airflow - {"broker_url", "result_backend"}) | celery
        assert keys.pop("migrate") == own | {"database_owner_url"}
        assert keys.pop("release-worker", own) == own
        assert all(each == SECRET for each in keys.values())
    [volume] = [each for each in airflow(CELERY)["volumes"] if each["name"] == "secrets"]
    assert {item["key"] for item in volume["secret"]["items"]} == SECRET | of_airflow


def test_ops_7_only_the_migration_knows_who_owns_the_record() -> None:
    told = {name: str(spec).count("database_owner_url") for name, _, spec in pods(CELERY)}
    assert {name for name, times in told.items() if times} == {"migrate"}
    assert "database_owner_url" not in json.dumps([airflow(CELERY), settings()])


def chosen(executor: str, policy: str) -> set[str]:
    """The parts a network policy is for."""
    [expression] = of(executor, "NetworkPolicy")[policy]["spec"]["podSelector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("resultsday/part", "In")
    return set(expression["values"])


def selectors(value: Any) -> Iterator[dict[str, Any]]:
    """Every selector of pods in a manifest."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "podSelector")
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from selectors(each)


@pytest.mark.parametrize("executor", NAMES)
def test_selectors_find_pods(executor: str) -> None:
    ours = {labels["resultsday/part"] for _, labels, _ in pods(executor)}
    parts = ours | workloads(executor).keys()
    for document in rendered(executor):
        spec = document.get("spec", {})
        if document["kind"] in ("Deployment", "StatefulSet"):
            assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        if document["kind"] == "Service":
            assert spec["selector"]["app.kubernetes.io/component"] in ours
        if document["kind"] == "PodDisruptionBudget":
            assert spec["selector"]["matchLabels"]["app.kubernetes.io/component"] in ours
        for selector in selectors(spec):
            named = set(selector.get("matchLabels", {}).values())
            named |= {name for each in selector.get("matchExpressions", ()) for name in each.get("values", ())}
            assert named <= parts | {"broker"}, document["metadata"]


def test_services_lead_to_ports_that_are_open() -> None:
    for name, service in of(CELERY, "Service").items():
        workload = of(CELERY, "StatefulSet")[name]
        ports = {port["name"] for port in workload["spec"]["template"]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    # The chart's service is called after its release, `airflow` on the page.
    assert settings()["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-api-server:8080/execution/"


def test_nothing_is_reached_that_no_policy_names() -> None:
    for executor in NAMES:
        policies = of(executor, "NetworkPolicy")
        assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        open_to_all = [
            name for name, policy in policies.items()
            if any("from" not in rule for rule in policy["spec"].get("ingress", []))
        ]  # fmt: skip
        assert open_to_all == ["sftp"]


def test_a_backup_is_made_every_night() -> None:
    spec = of(CELERY, "CronJob")["backup"]["spec"]
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Europe/London", "Forbid")
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][2] == "exec resultsday backup s3://set-me-backups/$(date -u +%Y-%m-%dT%H%M)"


def test_people_have_a_place_for_commands_that_starts_only_when_they_ask() -> None:
    spec = of(CELERY, "CronJob")["operator"]["spec"]
    assert spec["suspend"] is True
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 8 * 3600
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sleep", str(8 * 3600)]


@pytest.mark.parametrize("executor", NAMES)
def test_our_values_for_airflows_chart_are_values_it_is_known_to_have(executor: str) -> None:
    known = json.loads(Path(__file__).with_name("airflow_chart.json").read_text(encoding="utf-8"))
    values = airflow(executor)
    jsonschema.validate(values, known)
    assert values["executor"] == executor
    # Nothing is noted that is not used.
    used = {name for each in NAMES for name in airflow(each)}
    assert used == known["properties"].keys()
    pinned = re.search(r"^apache-airflow==(\S+)", (DEPLOY / "requirements.lock").read_text(encoding="utf-8"), re.M)
    assert pinned
    assert values["airflowVersion"] == pinned[1].rstrip("\\ ")


@pytest.mark.parametrize("executor", NAMES)
def test_airflows_pods_may_do_as_little_as_ours(executor: str) -> None:
    values = airflow(executor)
    [(_, labels, ours)] = [pod for pod in pods(executor) if pod[0] == "migrate"]
    assert set(labels) == {"app.kubernetes.io/name", "app.kubernetes.io/component", "resultsday/part"}
    security = {"pod": ours["securityContext"], "container": ours["containers"][0]["securityContext"]}
    assert values["securityContexts"] == {"pod": security["pod"], "containers": security["container"]}
    for name, part in workloads(executor).items():
        assert part["securityContexts"] == security, name
        assert {"requests", "limits"} <= part["resources"].keys()
        account = part["serviceAccount"]
        assert account["create"] is (name == "scheduler")
        assert name == "scheduler" or account["name"] in of(executor, "ServiceAccount")
    mounts = {each["name"]: each["mountPath"] for each in values["volumeMounts"]}
    assert mounts == {"secrets": SECRETS, "home": HOME, "tmp": "/tmp"}
    assert values["airflowHome"] == HOME
    assert (values["uid"], values["gid"]) == (
        ours["securityContext"]["runAsUser"],
        ours["securityContext"]["runAsGroup"],
    )


def test_airflows_chart_takes_settings_and_secrets_where_everything_else_does() -> None:
    values = airflow(CELERY)
    assert yaml.safe_load(values["extraEnvFrom"]) == [{"configMapRef": {"name": "desk"}}]
    own = {name for name, given in values["enableBuiltInSecretEnvVars"].items() if given}
    assert own == set()
    secrets = {variable.name for variable in VARIABLES if variable.kept_in}
    assert secrets <= values["enableBuiltInSecretEnvVars"].keys()
    [volume] = [each for each in values["volumes"] if each["name"] == "secrets"]
    with helm.Chart.load(CHART) as chart:
        assert volume["secret"]["secretName"] == chart.values["secret"]
        assert values["images"]["airflow"] == chart.values["image"]
    # Plugins and policy come with the image.
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert len(points["airflow.plugins"]) == 3
    assert values["airflowLocalSettings"] is None


def test_the_ui_is_not_taken_away_because_something_else_is_wrong() -> None:
    # The chart's own probes ask for the version of the API; ours only give them time.
    probes = [airflow(CELERY)["apiServer"][f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
    assert all("command" not in probe for probe in probes)
    assert not any(PREFIX in json.dumps(value) for value in (airflow(CELERY), rendered(CELERY), rendered(KUBERNETES)))
    # Every other probe of the chart would start by a script that our image does not have.
    others = [part["livenessProbe"] for name, part in workloads(CELERY).items() if name != "api-server"]
    assert len(others) == 4
    assert not any("/entrypoint" in " ".join(probe["command"]) for probe in others)


def test_the_templates_of_tasks_are_where_the_scheduler_looks_for_them() -> None:
    values = airflow(KUBERNETES)
    [mount] = values["scheduler"]["extraVolumeMounts"]
    [volume] = values["scheduler"]["extraVolumes"]
    assert values["config"]["kubernetes_executor"]["pod_template_file"] == f"{mount['mountPath']}/task-pod.yaml"
    assert f"{mount['mountPath']}/release-pod.yaml" == POLICY.POD
    assert of(KUBERNETES, "ConfigMap")[volume["configMap"]["name"]]["data"].keys() == {
        "task-pod.yaml",
        "release-pod.yaml",
    }
    # What the chart writes into Airflow's file is read.
    [told] = values["env"]
    assert told == {"name": "AIRFLOW_CONFIG", "value": f"{values['airflowHome']}/airflow.cfg"}
