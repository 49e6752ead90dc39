"""Every alert in a few words, for tiles and tables; its runbook says the rest.

The mark says how urgent it is, so that the colour need not: two exclamation marks interrupt
somebody (critical), one wants a look within minutes (warning), a dot can wait.
"""

from typing import Final, Literal

from firstreply.dashboards.messages.text import Text

Severity = Literal["critical", "warning", "ticket", "info"]

MARKS: Final[dict[Severity, str]] = {"critical": "‼", "warning": "!", "ticket": "·", "info": "·"}

SILENT: Final = "Watchdog"
"""The one that always fires: it is shown when it does not."""

ALERTS: Final[dict[str, tuple[Severity, Text]]] = {
    SILENT: ("critical", Text("alert rules stand still", "règles d'alerte à l'arrêt")),
    "ContactOverdue": ("warning", Text("newly late", "nouveaux retards")),
    "ContactFarOverdue": (
        "critical",
        Text("waiting twice too long", "attente deux fois trop longue"),
    ),
    "ContactBreachImminent": ("info", Text("soon late", "bientôt en retard")),
    "ContactAtRiskBacklog": ("warning", Text("falling behind", "le retard s'installe")),
    "ContactNobodyAnswering": ("critical", Text("nobody answers", "personne ne répond")),
    "ContactPromiseBurnFast": (
        "critical",
        Text("promise broken for 1 h", "promesse rompue depuis 1 h"),
    ),
    "ContactPromiseBurnSlow": (
        "warning",
        Text("promise broken for 6 h", "promesse rompue depuis 6 h"),
    ),
    "ContactPromiseBurnTicket": (
        "ticket",
        Text("promise broken for days", "promesse rompue depuis des jours"),
    ),
    "ContactBudgetExhausted": ("info", Text("28 days below promise", "28 jours sous la promesse")),
    "ContactNoContactsWhenOpen": ("warning", Text("open, no customers", "ouvert, aucun client")),
    "ContactVolumeSpike": ("info", Text("twice as many as usual", "deux fois plus que d'habitude")),
    "FirstreplyPipelineStale": ("critical", Text("figures stand still", "chiffres figés")),
    "FirstreplyExporterDown": ("critical", Text("a process is down", "un processus est arrêté")),
    "FirstreplyMetricsAbsent": ("critical", Text("no metrics", "aucune mesure")),
    "FirstreplyNotReady": ("warning", Text("not ready", "pas prêt")),
    "FirstreplyConsumerLag": ("warning", Text("reads behind", "lecture en retard")),
    "FirstreplyEventsRejected": ("warning", Text("events rejected", "événements rejetés")),
    "FirstreplyResponsesUnmatched": (
        "warning",
        Text("answers without contact", "réponses sans contact"),
    ),
    "FirstreplyAccountingMismatch": (
        "warning",
        Text("books do not balance", "comptes inexacts"),
    ),
    "FirstreplyStateEvicted": ("warning", Text("contacts dropped", "contacts évincés")),
    "FirstreplyStateOlder": ("warning", Text("older state", "état antérieur")),
    "FirstreplyConfigReloadFailed": (
        "warning",
        Text("configuration refused", "configuration refusée"),
    ),
    "FirstreplyClockSkew": ("warning", Text("clocks disagree", "horloges désaccordées")),
}
