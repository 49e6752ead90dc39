"""deploy/kubernetes: against the schemas of its kinds, and each file against the others."""

import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from firstreply.config.load import load_settings
from tests.deploy.files import DEPLOY, complaints, document, documents
from tests.shared import ROOT

FOLDER: Final = DEPLOY / "kubernetes"
BASE: Final = FOLDER / "base"
LABELS: Final = {"app.kubernetes.io/name": "firstreply"}
KINDS: Final = ("deployment", "service", "poddisruptionbudget", "networkpolicy")


def pod() -> dict[str, Any]:
    template: dict[str, Any] = document(BASE / "deployment.yaml")["spec"]["template"]
    return template


def container() -> dict[str, Any]:
    (only,) = pod()["spec"]["containers"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("name", KINDS)
def test_the_schema_of_kubernetes_finds_nothing_wrong(name: str) -> None:
    assert complaints(document(BASE / f"{name}.yaml"), "kubernetes-1.34.json") == []


def test_the_schema_would_find_a_misspelled_key() -> None:
    content = document(BASE / "deployment.yaml")
    content["spec"]["template"]["spec"]["terminationGracePeriod"] = 60

    assert complaints(content, "kubernetes-1.34.json")


def test_the_schemas_of_the_operator_find_nothing_wrong() -> None:
    folder = FOLDER / "prometheus-operator"

    assert complaints(document(folder / "podmonitor.yaml"), "podmonitor-v1.json") == []
    for rules in documents(folder / "prometheusrule.yaml"):
        assert complaints(rules, "prometheusrule-v1.json") == []


def test_the_rules_are_those_of_the_alerts_as_make_docs_would_write_them() -> None:
    made = subprocess.run(
        [DEPLOY / "dev" / "prometheusrule.sh"], capture_output=True, text=True, check=True
    ).stdout
    path = FOLDER / "prometheus-operator" / "prometheusrule.yaml"

    assert path.read_text(encoding="utf-8") == made, "run: make docs"
    groups = [rules["spec"] for rules in yaml.safe_load_all(made)]
    assert groups == [document(alerts) for alerts in sorted((ROOT / "alerts").glob("*.yml"))]


@pytest.mark.parametrize("folder", ["base", "prometheus-operator", "monitored"])
def test_every_resource_that_is_named_exists_and_each_file_is_named(folder: str) -> None:
    kustomization = document(FOLDER / folder / "kustomization.yaml")
    named = [*kustomization["resources"], *kustomization.get("components", [])]
    made = [it for maker in kustomization.get("configMapGenerator", []) for it in maker["files"]]

    assert [it for it in named + made if not (FOLDER / folder / it).exists()] == []
    here = {path.name for path in (FOLDER / folder).iterdir()} - {"kustomization.yaml"}
    assert here == {it for it in named + made if not it.startswith("..")}


def test_everything_selects_the_pods_of_the_deployment() -> None:
    deployment = document(BASE / "deployment.yaml")
    budget = document(BASE / "poddisruptionbudget.yaml")
    policy = document(BASE / "networkpolicy.yaml")
    monitor = document(FOLDER / "prometheus-operator" / "podmonitor.yaml")

    assert pod()["metadata"]["labels"] == LABELS
    for selector in (
        deployment["spec"]["selector"],
        budget["spec"]["selector"],
        policy["spec"]["podSelector"],
        monitor["spec"]["selector"],
        pod()["spec"]["topologySpreadConstraints"][0]["labelSelector"],
    ):
        assert selector == {"matchLabels": LABELS}
    assert document(BASE / "service.yaml")["spec"]["selector"] == LABELS


def test_the_configuration_is_valid_and_listens_where_the_pod_is_asked() -> None:
    settings = load_settings(BASE / "firstreply.yaml", {})
    (port,) = container()["ports"]

    assert (settings.http.host, settings.http.port) == ("0.0.0.0", port["containerPort"])  # noqa: S104
    assert port["name"] == "http"
    assert container()["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container()["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    (variable,) = container()["env"]
    (mount,) = container()["volumeMounts"]
    assert variable["value"] == f"{mount['mountPath']}/firstreply.yaml"


def test_the_pod_may_do_nothing_and_is_the_user_of_the_image() -> None:
    security, own = pod()["spec"]["securityContext"], container()["securityContext"]
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user

    assert (str(security["runAsUser"]), str(security["runAsGroup"])) == user.groups()
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["spec"]["automountServiceAccountToken"] is False


def test_a_stopping_pod_has_time_for_its_last_scrape_and_one_stops_at_a_time() -> None:
    deployment = document(BASE / "deployment.yaml")["spec"]

    assert pod()["spec"]["terminationGracePeriodSeconds"] == 60
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert document(BASE / "poddisruptionbudget.yaml")["spec"]["maxUnavailable"] == 1


def test_the_pods_are_scraped_as_the_shipped_prometheus_would() -> None:
    shipped = document(DEPLOY / "prometheus" / "prometheus.yml")
    monitor = document(FOLDER / "prometheus-operator" / "podmonitor.yaml")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]

    assert endpoint["interval"] == shipped["global"]["scrape_interval"]
    assert endpoint["scrapeTimeout"] == shipped["global"]["scrape_timeout"]
    assert endpoint["port"] == container()["ports"][0]["name"]
    assert LABELS[monitor["jobLabel"]] == shipped["scrape_configs"][0]["job_name"]


def test_each_board_is_a_config_map() -> None:
    kustomization = document(ROOT / "dashboards" / "kustomization.yaml")
    named = [path for maker in kustomization["configMapGenerator"] for path in maker["files"]]

    assert sorted(named) == sorted(f"en/{it.name}" for it in (ROOT / "dashboards/en").iterdir())
    assert kustomization["generatorOptions"]["labels"] == {"grafana_dashboard": "1"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl on the PATH")
def test_kustomize_builds_all_of_it_and_every_object_holds_against_its_schema() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", FOLDER / "monitored"], capture_output=True, text=True, check=True
    ).stdout
    schemas = {"PodMonitor": "podmonitor-v1.json", "PrometheusRule": "prometheusrule-v1.json"}
    found = list(yaml.safe_load_all(built))

    for content in found:
        schema = schemas.get(content["kind"], "kubernetes-1.34.json")
        assert complaints(content, schema) == []
    assert len(found) == 14
    kinds = {content["kind"]: content for content in found}
    (configuration,) = kinds["Deployment"]["spec"]["template"]["spec"]["volumes"]
    maps = [it["metadata"]["name"] for it in found if it["kind"] == "ConfigMap"]
    assert configuration["configMap"]["name"] in maps
