"""The texts of the wall. Nobody hovers there: what must be known stands in titles and headings."""

from typing import Final

from firstreply.dashboards.messages.text import PanelText, Text

_NO_DATA: Final = Text("NO DATA", "PAS DE DONNÉES")
_NONE: Final = Text("—", "—")

PANELS: Final = {
    "wall.data": PanelText(
        Text("the figures are", "les chiffres sont"),
        Text(
            "FRESH: every process is ready, and what stands here is so now. STALE: a process is "
            "missing, restarts or is behind; every channel then says NO DATA.",
            "À JOUR : tous les processus sont prêts, et ce qui est affiché est vrai maintenant. "
            "FIGÉS : un processus manque, redémarre ou a du retard ; chaque canal affiche alors "
            "PAS DE DONNÉES.",
        ),
        _NO_DATA,
    ),
    "wall.open": PanelText(
        Text("the floor is", "le plateau est"),
        Text(
            "OPEN while at least one channel that has a promise is inside its opening hours.",
            "OUVERT tant qu'au moins un canal avec promesse est dans ses heures d'ouverture.",
        ),
        Text("UNKNOWN", "INCONNU"),
    ),
    "wall.clock": PanelText(
        Text("all figures as of", "situation à"),
        Text(
            "The service clock, at which every figure holds, in the time zone of this screen. It "
            "follows the time of day by some seconds.",
            "L'horloge du service, à laquelle valent tous les chiffres, dans le fuseau horaire de "
            "cet écran. Elle suit l'heure à quelques secondes près.",
        ),
        _NONE,
    ),
    "wall.waiting_all": PanelText(
        Text("customers waiting", "clients en attente"),
        Text(
            "Customers of all channels who wait for a first answer by a human.",
            "Clients de tous les canaux qui attendent une première réponse humaine.",
        ),
        _NONE,
    ),
    "wall.late_all": PanelText(
        Text("of them beyond the promise", "dont au-delà de la promesse"),
        Text(
            "Those of them who have waited longer than promised.",
            "Ceux d'entre eux qui attendent depuis plus longtemps que promis.",
        ),
        _NONE,
    ),
    "wall.alerts_all": PanelText(
        Text("alerts", "alertes"),
        Text(
            "Alerts that fire now, critical ones and warnings. The most urgent stand below.",
            "Alertes actives, critiques et avertissements. Les plus urgentes sont en bas.",
        ),
        _NONE,
    ),
    "wall.state": PanelText(
        Text("channel and state", "canal et état"),
        Text(
            "OK: nobody has used four fifths of the promised time. SOON: somebody has. LATE: "
            "somebody waits longer than promised. CLOSED: outside opening hours. NO DATA: the "
            "figures are not those of now. Channels are those with a promise, with customers "
            "waiting, or with any customer within a day.",
            "OK : personne n'a consommé les quatre cinquièmes du délai promis. BIENTÔT : "
            "quelqu'un, oui. EN RETARD : quelqu'un attend plus longtemps que promis. FERMÉ : hors "
            "des heures d'ouverture. PAS DE DONNÉES : les chiffres ne sont pas ceux de "
            "maintenant. Les canaux sont ceux qui ont une promesse, des clients en attente, ou eu "
            "un client depuis un jour.",
        ),
        _NO_DATA,
    ),
    "wall.waiting": PanelText(
        Text("no answer yet", "sans réponse"),
        Text(
            "Customers who wait for a first answer by a human.",
            "Clients qui attendent une première réponse humaine.",
        ),
        _NONE,
    ),
    "wall.late": PanelText(
        Text("past the limit", "délai dépassé"),
        Text(
            "Those of them who have waited longer than promised.",
            "Ceux d'entre eux qui attendent depuis plus longtemps que promis.",
        ),
        _NONE,
    ),
    "wall.oldest": PanelText(
        Text("hours:minutes:seconds", "heures:minutes:secondes"),
        Text(
            "How long the customer has waited who waits longest. A dash: nobody waits.",
            "Depuis combien de temps attend le client qui attend le plus. Un tiret : personne.",
        ),
        _NONE,
    ),
    "wall.next": PanelText(
        Text("until someone is late", "avant le prochain retard"),
        Text(
            "Hours, minutes and seconds until the next promise breaks, opening hours already "
            "counted. A dash: nobody who waits can still become late.",
            "Heures, minutes et secondes avant la prochaine promesse rompue, heures d'ouverture "
            "comprises. Un tiret : parmi ceux qui attendent, personne ne peut plus passer en "
            "retard.",
        ),
        _NONE,
    ),
    "wall.kept": PanelText(
        Text("of the last 30 minutes", "des 30 dernières minutes"),
        Text(
            "Share of promises kept among those decided in the last 30 minutes. Beside it, "
            "whether that is as many as promised. A dash: none was decided.",
            "Part des promesses tenues parmi celles échues dans les 30 dernières minutes. À côté, "
            "si c'est autant que promis. Un tiret : aucune n'est échue.",
        ),
        _NONE,
    ),
    "wall.promise": PanelText(
        Text("to be answered within", "à répondre en"),
        Text(
            "What is promised: this share of customers gets an answer within this time.",
            "Ce qui est promis : cette part des clients reçoit une réponse dans ce délai.",
        ),
        _NONE,
    ),
    "wall.index": PanelText(
        Text("expected, 24 h", "attendu, 24 h"),
        Text(
            "Expectation index of the last 24 hours: the share of customers answered as fast as "
            "customers expect, over all bands and their weights.",
            "Indice d'attente des dernières 24 heures : la part des clients servis aussi vite que "
            "les clients l'attendent, toutes bandes pondérées.",
        ),
        _NONE,
    ),
    "wall.timeline": PanelText(
        Text("States of the last 8 hours", "États des 8 dernières heures"),
        Text(
            "The state of each channel over time, in the words of above.",
            "L'état de chaque canal au fil du temps, avec les mots ci-dessus.",
        ),
        _NO_DATA,
    ),
    "wall.alerts": PanelText(
        Text("Alerts, the most urgent first", "Alertes, la plus urgente d'abord"),
        Text(
            "The four most urgent alerts that fire now: where, and what. ‼ critical, ! warning.",
            "Les quatre alertes actives les plus urgentes : où, et quoi. ‼ critique, ! "
            "avertissement.",
        ),
        Text("NO ALERTS", "AUCUNE ALERTE"),
    ),
}

TEXTS: Final = {
    "wall.title": Text("firstreply: the wall", "firstreply : l'écran mural"),
    "wall.about": Text(
        "What the floor sees all day, on a screen of 1920 x 1080 without a mouse. Open it with "
        "?kiosk&autofitpanels&refresh=10s&_dash.hideTimePicker=true&_dash.hideVariables=true&_dash.hideLinks=true",
        "Ce que le plateau voit toute la journée, sur un écran de 1920 x 1080 sans souris. À "
        "ouvrir avec "
        "?kiosk&autofitpanels&refresh=10s&_dash.hideTimePicker=true&_dash.hideVariables=true&_dash.hideLinks=true",
    ),
    "fresh": Text("FRESH", "À JOUR"),
    "stale": Text("STALE", "FIGÉS"),
    "open": Text("OPEN", "OUVERT"),
    "kept": Text("KEPT", "TENU"),
    "below": Text("BELOW", "SOUS"),
    "none_decided": Text("NONE", "AUCUN"),
    "no_promise": Text("none", "aucune"),
    "wall.heading.state": Text("Channel", "Canal"),
    "wall.heading.waiting": Text("Waiting", "Attente"),
    "wall.heading.late": Text("Late", "Retard"),
    "wall.heading.oldest": Text("Oldest wait", "Plus longue"),
    "wall.heading.next": Text("Next miss in", "Échéance dans"),
    "wall.heading.kept": Text("Kept", "Tenu"),
    "wall.heading.promise": Text("Promised", "Promis"),
    "wall.heading.index": Text("Index", "Indice"),
}
