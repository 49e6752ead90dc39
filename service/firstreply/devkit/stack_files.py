"""The shipped configuration of Prometheus, Alertmanager and Grafana with a stack's addresses.

Rules, routes, inhibitions, templates and intervals stay as shipped. Replaced is only what every
operator replaces: where the servers are, and who is told, which is here one receiver of
notifications for everything (``devkit.notifications``), without a password. ``make stack`` writes
them for this machine, ``make docs`` for ``deploy/compose``:

    python -m firstreply.devkit.stack_files deploy/compose
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[3]
"""The source tree."""

_HEADER: Final = """\
# Made from {source}
# by `make docs`; do not edit.
"""
_DATASOURCE: Final = "deploy/grafana/provisioning/datasources/prometheus.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the parts of a stack find each other: ``HOST:PORT``, and paths as they see them."""

    firstreply: str
    prometheus: str
    alertmanager: str
    notifications: str
    rules: str
    """What ``rule_files`` names."""
    templates: str
    """The folder of Alertmanager's templates."""


COMPOSE: Final = Places(
    firstreply="firstreply:9464",
    prometheus="prometheus:9090",
    alertmanager="alertmanager:9093",
    notifications="notifications:9099",
    rules="/etc/prometheus/alerts/*.yml",
    templates="/etc/alertmanager/templates",
)
"""In ``deploy/compose/compose.yaml``, whose services have these names."""


def write_files(folder: Path, places: Places) -> None:
    """Write the three files; raises OSError."""
    for name, text in files(places).items():
        (folder / name).write_text(text, encoding="utf-8")


def files(places: Places) -> dict[str, str]:
    """Return the files of Prometheus, of Alertmanager and of Grafana's data source, by name."""
    return {
        "prometheus.yml": _file("deploy/prometheus/prometheus.yml", _prometheus, places),
        "alertmanager.yml": _file("deploy/alertmanager/alertmanager.yml", _alertmanager, places),
        "datasource.yml": _file(_DATASOURCE, _datasource, places),
    }


def _file(source: str, change: Callable[[dict[str, Any], Places], None], places: Places) -> str:
    content = yaml.safe_load((ROOT / source).read_text(encoding="utf-8"))
    change(content, places)
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _HEADER.format(source=source) + text


def _prometheus(content: dict[str, Any], places: Places) -> None:
    content["global"]["external_labels"]["environment"] = "demo"
    content["rule_files"] = [places.rules]
    content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [places.alertmanager]
    for job in content["scrape_configs"]:
        job["static_configs"][0]["targets"] = [getattr(places, job["job_name"])]


def _datasource(content: dict[str, Any], places: Places) -> None:
    content["datasources"][0]["url"] = f"http://{places.prometheus}"


def _alertmanager(content: dict[str, Any], places: Places) -> None:
    own = f"http://{places.notifications}"
    content["global"] = {"slack_api_url": f"{own}/slack"}
    content["templates"] = [
        f"{places.templates}/{Path(template).name}" for template in content["templates"]
    ]
    for receiver in content["receivers"]:
        hooks = receiver.pop("webhook_configs", [])
        for hook in hooks:
            hook["url"] = re.sub(r"https://([a-z-]+)\.[^/]*/.*", rf"{own}/\1", hook["url"])
            hook.pop("http_config", None)
        if receiver.pop("email_configs", None):
            hooks.append({"url": f"{own}/email", "send_resolved": True})
        if hooks:
            receiver["webhook_configs"] = hooks


class _Dumper(yaml.SafeDumper):
    """Writes what two places share twice, without an anchor, and indents lists."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - likewise
        super().increase_indent(flow, indentless=False)


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), COMPOSE)
