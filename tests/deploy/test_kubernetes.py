"""The Kubernetes manifests, against the schemas of Kubernetes and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from infra.running.airflow_settings import VARIABLES
from infra.settings import declared
from pipeline.cli import main
from pipeline.watching.status_plugin import PREFIX
from tests.deploy.conftest import DEPLOY, OF_SETTINGS, POLICY, SECRET, loads_and_tells

OLDEST, NEWEST = "1.31", "1.37"
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text(encoding="utf-8"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
DOCUMENTS = [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
GIVEN = dict(literal.split("=", 1) for literal in KUSTOMIZATION["configMapGenerator"][0]["literals"])
AIRFLOWS_OWN = {"api-server", "scheduler", "dag-processor", "triggerer", "migrate"}


def of(kind: str) -> dict[str, dict[str, Any]]:
    """The manifests of a kind by name."""
    return {document["metadata"]["name"]: document for document in DOCUMENTS if document["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every pod that something starts: name, labels, specification."""
    for document in DOCUMENTS:
        name, spec = document["metadata"]["name"], document.get("spec", {})
        if document["kind"] == "Pod":
            yield name, document["metadata"]["labels"], spec
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield name, spec["template"]["metadata"]["labels"], spec["template"]["spec"]


PODS = list(pods())


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_is_valid(version: str) -> None:
    assert len(DOCUMENTS) > 20
    for document in DOCUMENTS:
        kubernetes_validate.validate(document, version, strict=True)


def test_kustomize_is_given_every_manifest_that_there_is() -> None:
    listed = {*KUSTOMIZATION["resources"], *KUSTOMIZATION["configMapGenerator"][1]["files"]}
    assert listed == {path.relative_to(DEPLOY).as_posix() for path in MANIFESTS}
    assert KUSTOMIZATION["configMapGenerator"][0]["envs"] == ["airflow.env"]
    assert KUSTOMIZATION["namespace"] == next(iter(of("Namespace")))


def test_every_setting_is_one_that_there_is_and_none_is_missing() -> None:
    known = {setting.metadata["variable"] for setting in declared()} | {setting.name for setting in VARIABLES}
    others = {name for name in GIVEN if name.removesuffix("_FILE") not in known}
    ours = {"AWS_DEFAULT_REGION", "BACKUP_PLACE", "BELL_QUEUE"}
    assert {re.sub(r"__.*__.*", "", name) for name in others} == {"AIRFLOW", *ours}
    assert all(name.startswith("AIRFLOW__KUBERNETES_EXECUTOR__") for name in others if name.startswith("AIRFLOW"))
    wanted = {variable.name for variable in VARIABLES if variable.production is None and not variable.kept_in}
    assert wanted | OF_SETTINGS <= GIVEN.keys()
    assert GIVEN["AIRFLOW__CORE__EXECUTOR"] == "KubernetesExecutor"


def test_the_desk_starts_with_these_settings_and_alerts_reach_people(tmp_path: Path) -> None:
    loaded = loads_and_tells(GIVEN, tmp_path)
    assert (loaded.alert_smtp_port, loaded.alert_smtp_tls) == (587, "starttls")
    [mail] = of("NetworkPolicy")["mail"]["spec"]["egress"]
    assert mail["ports"] == [{"protocol": "TCP", "port": loaded.alert_smtp_port}]
    assert chosen("mail") >= {"task", "dag-processor"}  # the watch, and who calls when a run has failed


def test_the_centres_door_is_looked_at_where_it_is() -> None:
    host, _, port = GIVEN["RESULTSDAY_SFTP_CHECK"].partition(":")
    [opened] = of("Service")[host]["spec"]["ports"]
    assert int(port) == opened["port"]
    [rule] = of("NetworkPolicy")["to-the-door"]["spec"]["egress"]
    assert rule["to"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": host}}}]
    inside = of("StatefulSet")[host]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [(port["name"], port["containerPort"]) for port in inside] == [
        (opened["targetPort"], rule["ports"][0]["port"])
    ]
    assert "api-server" in chosen("to-the-door")  # the health page is there


def test_the_templates_of_tasks_are_where_the_scheduler_looks_for_them() -> None:
    spec = of("Deployment")["scheduler"]["spec"]["template"]["spec"]
    [mount] = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "task-pod"]
    assert GIVEN["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"] == f"{mount['mountPath']}/task-pod.yaml"
    assert f"{mount['mountPath']}/release-pod.yaml" == POLICY.POD
    assert KUSTOMIZATION["configMapGenerator"][1]["name"] == "task-pod"
    [image] = KUSTOMIZATION["images"]
    assert GIVEN["AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_REPOSITORY"] == image["newName"]
    assert GIVEN["AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG"] == image["newTag"]


def test_what_centres_send_and_what_is_under_embargo_are_handled_under_two_identities() -> None:
    task, release = of("Pod")["task"], of("Pod")["release"]
    assert task["spec"]["serviceAccountName"] == "task"
    assert release["spec"] == task["spec"] | {"serviceAccountName": "release"}
    assert release["metadata"]["labels"] == task["metadata"]["labels"]
    accounts = {name: spec["serviceAccountName"] for name, _, spec in PODS}
    assert {name for name, account in accounts.items() if account == "release"} == {
        "release", "backup", "guard", "operator",
    }  # fmt: skip
    assert {name for name, account in accounts.items() if account == "landing"} == {"sftp", "bell"}


def test_res_2_the_guard_looks_every_minute_without_airflow() -> None:
    spec = of("CronJob")["guard"]["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("* * * * *", "Forbid")
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["resultsday", "guard", "--once"]
    assert chosen("mail") & chosen("to-the-door") >= {"guard"}


def test_the_bell_is_heard() -> None:
    [container] = of("Deployment")["bell"]["spec"]["template"]["spec"]["containers"]
    program, command, queue = container["command"]
    assert program == "resultsday"
    assert command in main.commands
    assert queue == "$(BELL_QUEUE)"
    assert container["envFrom"] == [{"configMapRef": {"name": KUSTOMIZATION["configMapGenerator"][0]["name"]}}]


def test_the_ui_is_not_taken_away_because_something_else_is_wrong() -> None:
    [container] = of("Deployment")["api-server"]["spec"]["template"]["spec"]["containers"]
    asked = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"/api/v2/version"}
    assert not any(PREFIX in str(spec) for _, _, spec in PODS)


@pytest.mark.parametrize(("name", "labels", "spec"), PODS, ids=[pod[0] for pod in PODS])
def test_a_pod_may_do_little(name: str, labels: dict[str, Any], spec: dict[str, Any]) -> None:
    assert len(PODS) == 12
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["serviceAccountName"] in of("ServiceAccount")
    assert spec["automountServiceAccountToken"] is (name == "scheduler")
    [container] = spec["containers"]
    assert container["image"] == "resultsday"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    kept = {volume["name"] for volume in spec["volumes"]} | ({"state"} if name == "sftp" else set())
    assert mounted == kept
    assert labels["app.kubernetes.io/name"] == "resultsday"
    if spec.get("restartPolicy") != "Never" and name != "bell":
        assert {"startupProbe", "livenessProbe"} <= container.keys()


def test_only_airflows_own_processes_are_given_airflows_secrets() -> None:
    given = {name: [volume["secret"] for volume in spec["volumes"] if "secret" in volume] for name, _, spec in PODS}
    narrow = {name: {item["key"] for item in secret.get("items", ())} for name, [secret] in given.items()}
    assert {name for name, keys in narrow.items() if not keys} == AIRFLOWS_OWN
    assert all(keys == SECRET for name, keys in narrow.items() if name not in AIRFLOWS_OWN)


def chosen(policy: str) -> set[str]:
    """The components a network policy is for."""
    [expression] = of("NetworkPolicy")[policy]["spec"]["podSelector"]["matchExpressions"]
    assert expression["key"] == "app.kubernetes.io/component"
    return set(expression["values"])


def test_selectors_find_pods() -> None:
    labels = [pod[1] for pod in PODS]

    def found(wanted: dict[str, str]) -> bool:
        return any(wanted.items() <= own.items() for own in labels)

    for document in DOCUMENTS:
        spec = document.get("spec", {})
        if document["kind"] in ("Deployment", "StatefulSet"):
            assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
        if document["kind"] == "Service":
            assert found(spec["selector"]), document["metadata"]
        if document["kind"] in ("NetworkPolicy", "PodDisruptionBudget"):
            selector = spec.get("podSelector", spec.get("selector", {}))
            assert found(selector.get("matchLabels", {})), document["metadata"]
            for each in selector.get("matchExpressions", ()):
                assert each["operator"] == "In"
                assert all(found({each["key"]: value}) for value in each["values"]), document["metadata"]


def test_services_lead_to_ports_that_are_open() -> None:
    for name, service in of("Service").items():
        workload = of("Deployment").get(name) or of("StatefulSet")[name]
        ports = {port["name"] for port in workload["spec"]["template"]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    url = next(
        variable.production for variable in VARIABLES if variable.name == "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
    )
    assert url == f"http://api-server:{of('Service')['api-server']['spec']['ports'][0]['port']}/execution/"


def test_nothing_is_reached_that_no_policy_names() -> None:
    nothing = of("NetworkPolicy")["nothing"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to_all = [
        name
        for name, policy in of("NetworkPolicy").items()
        if any("from" not in rule for rule in policy["spec"].get("ingress", []))
    ]
    assert open_to_all == ["sftp"]


def test_a_backup_is_made_every_night() -> None:
    spec = of("CronJob")["backup"]["spec"]
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Europe/London", "Forbid")
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert "resultsday backup $BACKUP_PLACE/" in container["command"][2]


def test_people_have_a_place_for_commands_that_starts_only_when_they_ask() -> None:
    spec = of("CronJob")["operator"]["spec"]
    assert spec["suspend"] is True
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 8 * 3600
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sleep", str(8 * 3600)]
