"""The texts of the board of promises and budgets."""

from typing import Final

from firstreply.dashboards.messages.text import PanelText, Text

_NO_PROMISE: Final = Text("this channel promises nothing", "ce canal ne promet rien")
_NOT_YET: Final = Text("nothing decided in this time", "rien d'échu sur cette période")

PANELS: Final = {
    "promises.table": PanelText(
        Text("All promises", "Toutes les promesses"),
        Text(
            "Each promise with its objective. Kept: met of those decided in 28 days, net. Budget: "
            "the part of the misses the objective allows that is left, negative when overdrawn. "
            "Burn: how many times faster than allowed promises break; 1 just holds the objective.",
            "Chaque promesse et son objectif. Tenu : dans les délais parmi ceux échus en 28 "
            "jours, net. Budget : la part restante des manqués que l'objectif permet, négative si "
            "dépassée. Consommation : combien de fois plus vite que permis les promesses se "
            "rompent ; 1 tient tout juste l'objectif.",
        ),
        Text("no channel promises anything", "aucun canal ne promet rien"),
    ),
    "promises.kept": PanelText(
        Text("Kept in 28 days, and promised", "Tenu en 28 jours, et promis"),
        Text(
            "Share of promises kept among those decided in 28 days, net, and the objective.",
            "Part des promesses tenues parmi celles échues en 28 jours, net, et l'objectif.",
        ),
        _NOT_YET,
    ),
    "promises.budget": PanelText(
        Text("Budget left, 28 days", "Budget restant, 28 jours"),
        Text(
            "The part of the misses the objective allows that is left. Negative: the objective is "
            "missed.",
            "La part restante des manqués que l'objectif permet. Négative : l'objectif est manqué.",
        ),
        _NOT_YET,
    ),
    "promises.month": PanelText(
        Text("Kept this month", "Tenu ce mois-ci"),
        Text(
            "Share of promises kept among those decided since the first of this month, in the "
            "time zone of the reader, in full hours.",
            "Part des promesses tenues parmi celles échues depuis le premier du mois, dans le "
            "fuseau du lecteur, en heures pleines.",
        ),
        _NOT_YET,
    ),
    "promises.month_budget": PanelText(
        Text("Budget left this month", "Budget restant ce mois-ci"),
        Text(
            "The part of the misses the objective allows for what was decided this month that is "
            "left.",
            "La part restante des manqués que l'objectif permet pour ce qui est échu ce mois-ci.",
        ),
        _NOT_YET,
    ),
    "promises.last_month": PanelText(
        Text("Kept last month", "Tenu le mois dernier"),
        Text(
            "The whole calendar month before this one. Prometheus must keep more than two months.",
            "Le mois civil précédent, entier. Prometheus doit conserver plus de deux mois.",
        ),
        Text("not kept that far back", "pas d'historique aussi ancien"),
    ),
    "promises.index": PanelText(
        Text("Expectation index, 28 days", "Indice d'attente, 28 jours"),
        Text(
            "The share of customers answered as fast as customers expect, over all bands and "
            "their weights.",
            "La part des clients servis aussi vite que les clients l'attendent, tous délais "
            "pondérés.",
        ),
        _NOT_YET,
    ),
    "promises.kept_trend": PanelText(
        Text("Kept in 28 days, day by day", "Tenu en 28 jours, jour après jour"),
        Text(
            "At each moment over the 28 days before it; dashed: the objective.",
            "À chaque instant, sur les 28 jours qui précèdent ; en pointillé : l'objectif.",
        ),
        _NOT_YET,
    ),
    "promises.budget_trend": PanelText(
        Text("Budget left, day by day", "Budget restant, jour après jour"),
        Text(
            "At each moment over the 28 days before it. Below 0 the objective is missed.",
            "À chaque instant, sur les 28 jours qui précèdent. Sous 0, l'objectif est manqué.",
        ),
        _NOT_YET,
    ),
    "promises.burn": PanelText(
        Text("Burn", "Consommation du budget"),
        Text(
            "How many times faster than the objective allows promises break, over the last hour, "
            "6 hours, day and 3 days. 1 just holds the objective; alerts ask for more, and for "
            "enough contacts.",
            "Combien de fois plus vite que l'objectif ne permet les promesses se rompent, sur 1 "
            "heure, 6 heures, 1 jour et 3 jours. 1 tient tout juste l'objectif ; les alertes "
            "demandent davantage, et assez de contacts.",
        ),
        _NOT_YET,
    ),
    "promises.volume": PanelText(
        Text("Decided and broken in an hour", "Échus et rompus en une heure"),
        Text(
            "Promises decided in the hour before, and those of them that were broken, net.",
            "Promesses échues dans l'heure précédente, et celles d'entre elles rompues, net.",
        ),
        _NOT_YET,
    ),
    "promises.heat": PanelText(
        Text(
            "Kept in 28 days, by weekday and hour",
            "Tenu en 28 jours, par jour de la semaine et heure",
        ),
        Text(
            "Share of promises kept among those decided in that hour of the week, in the time "
            "zone of the reader. Darker blue: more were kept. Empty: none was decided.",
            "Part des promesses tenues parmi celles échues à cette heure de la semaine, dans le "
            "fuseau du lecteur. Bleu plus foncé : davantage tenues. Vide : aucune n'est échue.",
        ),
        _NOT_YET,
    ),
    "promises.index_trend": PanelText(
        Text("Expectation index", "Indice d'attente"),
        Text(
            "The share of customers answered as fast as customers expect, over a day and 28 days.",
            "La part des clients servis aussi vite que les clients l'attendent, sur 1 et 28 jours.",
        ),
        _NOT_YET,
    ),
    "promises.bands": PanelText(
        Text("Answered within each band, 28 days", "Répondus dans chaque délai, 28 jours"),
        Text(
            "Share of contacts answered within each band, of those decided in 28 days, net.",
            "Part des contacts répondus dans chaque délai, parmi ceux échus en 28 jours, net.",
        ),
        _NOT_YET,
    ),
    "promises.alerts": PanelText(
        Text("Alerts of this channel", "Alertes de ce canal"),
        Text(
            "Alerts that fire now, the most urgent first; follow one to what to do.",
            "Alertes actives, la plus urgente d'abord ; suivez-en une pour savoir que faire.",
        ),
        Text("no alerts", "aucune alerte"),
    ),
}

TEXTS: Final = {
    "promises.title": Text("firstreply: promises", "firstreply : promesses"),
    "promises.about": Text(
        "What is promised, what was kept, and how much may still be missed.",
        "Ce qui est promis, ce qui a été tenu, et ce qui peut encore être manqué.",
    ),
    "promises.heading.channel": Text("The promise of $channel", "La promesse de $channel"),
    "promises.heading.when": Text("When it goes wrong", "Quand cela se passe mal"),
    "promises.heading.expected": Text("What customers expect", "Ce que les clients attendent"),
    "column.band": Text("within", "en"),
    "column.objective": Text("promised", "promis"),
    "column.kept": Text("kept, 28 days", "tenu, 28 jours"),
    "column.budget": Text("budget left, 28 days", "budget restant, 28 jours"),
    "column.decided": Text("decided, 28 days", "échus, 28 jours"),
    "column.burn1h": Text("burn, 1 h", "conso., 1 h"),
    "column.burn6h": Text("burn, 6 h", "conso., 6 h"),
    "column.burn1d": Text("burn, 1 day", "conso., 1 jour"),
    "column.burn3d": Text("burn, 3 days", "conso., 3 jours"),
    "column.index": Text("index, 28 days", "indice, 28 jours"),
    "window.1h": Text("1 h", "1 heure"),
    "window.6h": Text("6 h", "6 heures"),
    "window.1d": Text("1 day", "1 jour"),
    "window.3d": Text("3 days", "3 jours"),
    "window.28d": Text("28 days", "28 jours"),
    "decided": Text("decided", "échus"),
    "broken": Text("broken", "rompus"),
    "objective": Text("objective", "objectif"),
    "kept_share": Text("kept", "tenu"),
    "budget_left": Text("budget left", "budget restant"),
    "weekday.1": Text("Mon", "lun."),
    "weekday.2": Text("Tue", "mar."),
    "weekday.3": Text("Wed", "mer."),
    "weekday.4": Text("Thu", "jeu."),
    "weekday.5": Text("Fri", "ven."),
    "weekday.6": Text("Sat", "sam."),
    "weekday.7": Text("Sun", "dim."),
    "weekday": Text("hour", "heure"),
}
