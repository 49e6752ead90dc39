"""Which alert silences which, asked of a real Alertmanager on the shipped configuration.

Each alert carries only the labels that it has in the catalogue (``alerts/*.yml``, and what its
expression leaves); the cases differ in ``environment``, so that one server holds them all.
"""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.alertmanager.deployment import write_deployment
from tests.alertmanager.rules import WATCHDOG
from tests.servers.fixtures import StartServer
from tests.servers.web_server import WebServer

Labels = dict[str, str]
LAST: Final = "last"
"""The environment of a pair that is posted after the others."""


def floor(name: str, severity: str, **more: str) -> Labels:
    return {"alertname": name, "team": "floor", "severity": severity, "channel": "phone", **more}


def platform(name: str, severity: str = "critical", **more: str) -> Labels:
    return {"alertname": name, "team": "platform", "severity": severity, **more}


CRITICAL: Final = floor("ContactNobodyAnswering", "critical", band="20s")
FAR: Final = floor("ContactFarOverdue", "critical", queue="sales", band="20s")
WARNING: Final = floor("ContactAtRiskBacklog", "warning", band="20s")
OVERDUE: Final = floor("ContactOverdue", "warning", queue="sales", band="20s")
INFO: Final = floor("ContactBreachImminent", "info", queue="support", band="20s")
FAST: Final = floor("ContactPromiseBurnFast", "critical", band="20s", tier="fast")
SLOW: Final = floor("ContactPromiseBurnSlow", "warning", band="20s", tier="slow")
TICKET: Final = floor("ContactPromiseBurnTicket", "ticket", band="20s", tier="ticket")
QUIET: Final = floor("ContactNoContactsWhenOpen", "warning")
UNSTEADY: Final = platform("FirstreplyFiguresUnsteady", "none")
DOWN: Final = platform("FirstreplyExporterDown", instance="a:9464", job="firstreply")
STALE: Final = platform("FirstreplyPipelineStale", instance="a:9464", job="firstreply")
ABSENT: Final = platform("FirstreplyMetricsAbsent")
NOT_READY: Final = platform("FirstreplyNotReady", "warning", instance="a:9464", job="firstreply")
LAG: Final = platform("FirstreplyConsumerLag", "warning", instance="b:9464", job="firstreply")
REJECTED: Final = platform("FirstreplyEventsRejected", "warning")
THE_WATCHDOG: Final = platform(WATCHDOG, "none")


def elsewhere(alert: Labels) -> Labels:
    return {**alert, "channel": "chat"}


def nowhere(alert: Labels) -> Labels:
    """Return the alert without a channel, as an operator's own may be."""
    return {name: value for name, value in alert.items() if name != "channel"}


def as_warning(alert: Labels) -> Labels:
    """Return the alert as an operator would have it who gave it a severity of his own."""
    return {**alert, "severity": "warning"}


SILENCED: Final = {
    "the pipeline is stale": (STALE, CRITICAL),
    "the figures are unsteady": (UNSTEADY, CRITICAL),
    "the figures are unsteady, and a warning": (UNSTEADY, OVERDUE),
    "the figures are unsteady, and information": (UNSTEADY, INFO),
    "the figures are unsteady, and a ticket": (UNSTEADY, TICKET),
    "metrics are absent": (ABSENT, QUIET),
    "the figures are not ready": (NOT_READY, CRITICAL),
    "stale is also not ready": (STALE, NOT_READY),
    "another process catches up": (DOWN, LAG),
    "critical over warning": (CRITICAL, WARNING),
    "critical over info, of another queue": (CRITICAL, INFO),
    "warning over info": (WARNING, INFO),
    "fast over slow": (FAST, SLOW),
    "fast over slow, whatever their severities": (as_warning(FAST), SLOW),
    "fast over ticket": (FAST, TICKET),
    "slow over ticket": (SLOW, TICKET),
    "far overdue over overdue": (FAR, OVERDUE),
    "far overdue over overdue, whatever their severities": (as_warning(FAR), OVERDUE),
}
HEARD: Final = {
    "a critical one on another channel": (CRITICAL, elsewhere(WARNING)),
    "a warning does not silence a critical one": (WARNING, CRITICAL),
    "two critical ones on one channel": (CRITICAL, FAR),
    "a critical one does not silence a ticket": (CRITICAL, TICKET),
    "a warning on another channel": (WARNING, elsewhere(INFO)),
    "the fast tier of another channel": (FAST, elsewhere(TICKET)),
    "the slow tier of another channel": (SLOW, elsewhere(TICKET)),
    "far overdue on another channel": (as_warning(FAR), elsewhere(OVERDUE)),
    "a ticket does not silence a warning": (TICKET, WARNING),
    "a ticket does not silence information": (TICKET, INFO),
    "only tiers silence tiers": (WARNING, TICKET),
    "tiers silence only tiers": (as_warning(FAST), WARNING),
    "only far overdue silences overdue": (WARNING, OVERDUE),
    "far overdue silences only overdue": (as_warning(FAR), WARNING),
    "a channel's alert of the platform": (platform("Own", channel="phone"), WARNING),
    "a channel's warning of the platform": (platform("Own", "warning", channel="phone"), INFO),
    "a warning of the platform on a critical channel": (
        CRITICAL,
        platform("Own", "warning", channel="phone"),
    ),
    "information of the platform on a channel": (WARNING, platform("Own", "info", channel="phone")),
    "no channel": (nowhere(CRITICAL), nowhere(WARNING)),
    "no channel, and a warning": (nowhere(WARNING), nowhere(INFO)),
    "no channel, and tiers": (nowhere(FAST), nowhere(TICKET)),
    "no channel, and slower tiers": (nowhere(SLOW), nowhere(TICKET)),
    "slow does not silence fast": (SLOW, FAST),
    "a process is down whose partitions others read": (DOWN, CRITICAL),
    "unsteady figures, and operations": (UNSTEADY, NOT_READY),
    "unsteady figures, and a process that is down": (UNSTEADY, DOWN),
    "the watchdog while the figures are unsteady": (UNSTEADY, THE_WATCHDOG),
    "rejected events say nothing about the floor": (REJECTED, CRITICAL),
    "lag says nothing about the floor": (LAG, WARNING),
    "rejected events do not make a lag": (REJECTED, LAG),
    "down and absent are two things": (DOWN, ABSENT),
    "a critical platform alert and a warning of it": (DOWN, REJECTED),
    "the watchdog while the exporter is down": (DOWN, THE_WATCHDOG),
    "the watchdog while the pipeline is stale": (STALE, THE_WATCHDOG),
    "the watchdog while the floor is critical": (CRITICAL, THE_WATCHDOG),
    "what is no alert of ours": (DOWN, {"alertname": "DiskFull", "severity": "warning"}),
}


def test_the_named_alerts_are_silenced_and_no_others(
    alertmanager_server: StartServer, tmp_path: Path
) -> None:
    server = alertmanager_server(write_deployment(tmp_path))
    cases = {**SILENCED, **HEARD}

    post(server, [{**one, "environment": case} for case, pair in cases.items() for one in pair])
    inhibited = inhibited_alerts(server)

    silenced = {case for case, (_, one) in cases.items() if (case, one["alertname"]) in inhibited}
    assert silenced == set(SILENCED)


def test_another_environment_silences_nothing(
    alertmanager_server: StartServer, tmp_path: Path
) -> None:
    server = alertmanager_server(write_deployment(tmp_path))

    loud = [STALE, DOWN, CRITICAL, FAR, WARNING, FAST, SLOW]
    quiet = [CRITICAL, WARNING, OVERDUE, INFO, SLOW, TICKET, LAG]

    post(server, [{**alert, "environment": "test"} for alert in loud])
    post(server, [{**one, "environment": f"real {place}"} for place, one in enumerate(quiet)])

    assert {environment for environment, _ in inhibited_alerts(server)} == {"test"}


def test_without_an_environment_the_platform_still_silences_the_floor(
    alertmanager_server: StartServer, tmp_path: Path
) -> None:
    server = alertmanager_server(write_deployment(tmp_path))

    post(server, [STALE, CRITICAL])

    assert inhibited_alerts(server) == {("", "ContactNobodyAnswering")}


def post(server: WebServer, labels: list[Labels]) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts",
        data=json.dumps([{"labels": one} for one in labels]).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def inhibited_alerts(server: WebServer) -> set[tuple[str, str]]:
    """Return environment and name of the alerts that others silence.

    Alertmanager answers a post before its inhibitor has seen the alerts. It sees them in their
    order, so it has seen all when it knows the last one: a pair of which one silences the other.
    """
    post(server, [{**STALE, "environment": LAST}, {**CRITICAL, "environment": LAST}])
    for _ in range(100):
        with urllib.request.urlopen(f"{server.url}/api/v2/alerts") as answer:
            shown: list[dict[str, Any]] = json.load(answer)
        found = {
            (one["labels"].get("environment", ""), one["labels"]["alertname"])
            for one in shown
            if one["status"]["inhibitedBy"]
        }
        if (LAST, CRITICAL["alertname"]) in found:
            return found - {(LAST, CRITICAL["alertname"])}
        time.sleep(0.05)
    msg = "the inhibitor has not seen the last alerts within 5 s"
    raise AssertionError(msg)
