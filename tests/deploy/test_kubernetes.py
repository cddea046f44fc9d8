"""The Kubernetes manifests, against the schemas of Kubernetes and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from infra.airflow_settings import VARIABLES
from infra.settings import declared
from tests.deploy.conftest import DEPLOY

OLDEST, NEWEST = "1.31", "1.37"
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text(encoding="utf-8"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
DOCUMENTS = [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of(kind: str) -> dict[str, dict[str, Any]]:
    """The manifests of a kind by name."""
    return {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every pod that something starts: name, labels, specification."""
    for one in DOCUMENTS:
        name, spec = one["metadata"]["name"], one.get("spec", {})
        if one["kind"] == "Pod":
            yield name, one["metadata"]["labels"], spec
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield name, spec["template"]["metadata"]["labels"], spec["template"]["spec"]


PODS = list(pods())


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_is_valid(version: str) -> None:
    assert len(DOCUMENTS) > 20
    for one in DOCUMENTS:
        kubernetes_validate.validate(one, version, strict=True)


def test_kustomize_is_given_every_manifest_that_there_is() -> None:
    listed = {*KUSTOMIZATION["resources"], *KUSTOMIZATION["configMapGenerator"][1]["files"]}
    assert listed == {path.relative_to(DEPLOY).as_posix() for path in MANIFESTS}
    assert KUSTOMIZATION["configMapGenerator"][0]["envs"] == ["airflow.env"]
    assert KUSTOMIZATION["namespace"] == next(iter(of("Namespace")))


def test_every_setting_is_one_that_there_is_and_none_is_missing() -> None:
    given = dict(one.split("=", 1) for one in KUSTOMIZATION["configMapGenerator"][0]["literals"])
    known = {one.metadata["variable"] for one in declared()} | {one.name for one in VARIABLES}
    others = {name for name in given if name.removesuffix("_FILE") not in known}
    assert {re.sub(r"__.*__.*", "", name) for name in others} == {"AIRFLOW", "AWS_DEFAULT_REGION", "BACKUP_PLACE"}
    assert all(name.startswith("AIRFLOW__KUBERNETES_EXECUTOR__") for name in others if name.startswith("AIRFLOW"))
    wanted = {one.name for one in VARIABLES if one.production is None and not one.kept_in}
    assert wanted <= given.keys()
    assert given["AIRFLOW__CORE__EXECUTOR"] == "KubernetesExecutor"


def test_the_template_of_tasks_is_where_the_scheduler_looks_for_it() -> None:
    given = dict(one.split("=", 1) for one in KUSTOMIZATION["configMapGenerator"][0]["literals"])
    spec = of("Deployment")["scheduler"]["spec"]["template"]["spec"]
    [mount] = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "task-pod"]
    assert given["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"] == f"{mount['mountPath']}/task-pod.yaml"
    assert KUSTOMIZATION["configMapGenerator"][1]["name"] == "task-pod"
    [image] = KUSTOMIZATION["images"]
    assert given["AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_REPOSITORY"] == image["newName"]
    assert given["AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG"] == image["newTag"]


@pytest.mark.parametrize(("name", "labels", "spec"), PODS, ids=[one[0] for one in PODS])
def test_a_pod_may_do_little(name: str, labels: dict[str, Any], spec: dict[str, Any]) -> None:
    assert len(PODS) == 8
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
    mounted = {one["name"] for one in container["volumeMounts"]}
    kept = {one["name"] for one in spec["volumes"]} | ({"state"} if name == "sftp" else set())
    assert mounted == kept
    assert labels["app.kubernetes.io/name"] == "resultsday"
    if spec.get("restartPolicy") != "Never":
        assert {"startupProbe", "livenessProbe"} <= container.keys()


def test_a_task_is_given_the_secrets_of_tasks_only() -> None:
    [secret] = [one["secret"] for one in of("Pod")["task"]["spec"]["volumes"] if "secret" in one]
    assert {one["key"] for one in secret["items"]} == {"database_url", "airflow_password"}


def test_selectors_find_pods() -> None:
    labels = [one[1] for one in PODS]

    def found(wanted: dict[str, str]) -> bool:
        return any(wanted.items() <= one.items() for one in labels)

    for one in DOCUMENTS:
        spec = one.get("spec", {})
        if one["kind"] in ("Deployment", "StatefulSet"):
            assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
        if one["kind"] == "Service":
            assert found(spec["selector"]), one["metadata"]
        if one["kind"] in ("NetworkPolicy", "PodDisruptionBudget"):
            wanted = spec.get("podSelector", spec.get("selector", {})).get("matchLabels", {})
            assert found(wanted), one["metadata"]


def test_services_lead_to_ports_that_are_open() -> None:
    for name, service in of("Service").items():
        workload = of("Deployment").get(name) or of("StatefulSet")[name]
        ports = {one["name"] for one in workload["spec"]["template"]["spec"]["containers"][0]["ports"]}
        assert {one["targetPort"] for one in service["spec"]["ports"]} <= ports
    url = next(one.production for one in VARIABLES if one.name == "AIRFLOW__CORE__EXECUTION_API_SERVER_URL")
    assert url == f"http://api-server:{of('Service')['api-server']['spec']['ports'][0]['port']}/execution/"


def test_nothing_is_reached_that_no_policy_names() -> None:
    nothing = of("NetworkPolicy")["nothing"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to_all = [
        name
        for name, one in of("NetworkPolicy").items()
        if any("from" not in rule for rule in one["spec"].get("ingress", []))
    ]
    assert open_to_all == ["sftp"]


def test_a_backup_is_made_every_night() -> None:
    spec = of("CronJob")["backup"]["spec"]
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Europe/London", "Forbid")
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert "resultsday backup $BACKUP_PLACE/" in container["command"][2]
