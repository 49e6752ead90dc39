"""The provisioning files: keys that Grafana documents, and what the rest of the repository says."""

from pathlib import Path
from typing import Any, Final

import yaml

from tests.shared import ROOT
from tests.unit.commands import invoke

GRAFANA: Final = ROOT / "deploy" / "grafana"
PROVISIONING: Final = GRAFANA / "provisioning"
_DATASOURCE: Final = {
    *("name", "type", "access", "orgId", "uid", "url", "user", "basicAuth", "basicAuthUser"),
    *("withCredentials", "isDefault", "jsonData", "secureJsonData", "version", "editable"),
}
_PROMETHEUS: Final = {
    *("httpMethod", "timeInterval", "queryTimeout", "manageAlerts", "prometheusType"),
    *("prometheusVersion", "cacheLevel", "incrementalQuerying", "exemplarTraceIdDestinations"),
}
_PROVIDER: Final = {
    *("name", "orgId", "folder", "folderUid", "type", "disableDeletion", "allowUiUpdates"),
    *("updateIntervalSeconds", "options"),
}


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_there_is_one_file_in_each_folder_that_grafana_reads() -> None:
    files = {
        str(path.relative_to(PROVISIONING)) for path in PROVISIONING.rglob("*") if path.is_file()
    }

    assert files == {"dashboards/firstreply.yml", "datasources/prometheus.yml"}


def test_the_data_source_is_the_default_prometheus() -> None:
    content = load(PROVISIONING / "datasources" / "prometheus.yml")

    assert content.keys() == {"apiVersion", "datasources"}
    (source,) = content["datasources"]
    assert source.keys() <= _DATASOURCE
    assert source["jsonData"].keys() <= _PROMETHEUS
    assert (source["type"], source["access"], source["isDefault"]) == ("prometheus", "proxy", True)


def test_the_data_source_knows_the_shipped_scrape_interval() -> None:
    """Grafana makes ``$__rate_interval`` at least four of them."""
    prometheus = load(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    (source,) = load(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]

    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]


def test_the_dashboards_are_read_from_the_folder_that_the_command_names() -> None:
    content = load(PROVISIONING / "dashboards" / "firstreply.yml")

    assert content.keys() == {"apiVersion", "providers"}
    (provider,) = content["providers"]
    assert provider.keys() <= _PROVIDER
    assert provider["options"].keys() <= {"path", "foldersFromFilesStructure"}
    assert provider["type"] == "file"
    folder = provider["options"]["path"]
    assert f"--out {folder}" in " ".join(invoke("dashboards", "export", "--help").stdout.split())
    assert f"--out {folder}" in (GRAFANA / "README.md").read_text()
