"""The texts that several boards share."""

from typing import Final

from firstreply.dashboards.messages.text import Text

TEXTS: Final = {
    "datasource": Text("Prometheus", "Source Prometheus"),
    "channel": Text("channel", "canal"),
    "queue": Text("queue", "file"),
    "alert": Text("alert", "alerte"),
    "severity": Text("severity", "gravité"),
    "process": Text("process", "processus"),
    "link.wall": Text("Wall", "Écran mural"),
    "link.channel": Text("Channel", "Canal"),
    "link.promises": Text("Promises", "Promesses"),
    "link.pipeline": Text("Pipeline", "Chaîne de traitement"),
    "link.runbook": Text("What to do", "Que faire"),
}
