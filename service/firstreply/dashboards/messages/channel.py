"""The texts of the channel board."""

from typing import Final

from firstreply.dashboards.messages.text import PanelText, Text

_NO_DATA: Final = Text("NO DATA", "PAS DE DONNÉES")
_NONE: Final = Text("—", "—")
_NOTHING: Final = Text("nothing in this time", "rien sur cette période")
_NO_PROMISE: Final = Text("this channel promises nothing", "ce canal ne promet rien")

PANELS: Final = {
    "channel.state": PanelText(
        Text("State", "État"),
        Text(
            "How the chosen queues of the channel stand, in the words of the wall.",
            "Où en sont les files choisies du canal, avec les mots de l'écran mural.",
        ),
        _NO_DATA,
    ),
    "channel.oldest": PanelText(
        Text("Oldest wait", "Attente la plus longue"),
        Text(
            "How long the customer has waited who waits longest.",
            "Depuis combien de temps attend le client qui attend le plus.",
        ),
        Text("nobody waits", "personne n'attend"),
    ),
    "channel.next": PanelText(
        Text("Next miss in", "Prochaine échéance dans"),
        Text(
            "Time until the next promise breaks, opening hours already counted.",
            "Temps restant avant la prochaine promesse rompue, heures d'ouverture comprises.",
        ),
        Text("nobody can become late", "aucun retard possible"),
    ),
    "channel.due": PanelText(
        Text("Due within 5, 15, 60 min", "À échéance d'ici 5, 15, 60 min"),
        Text(
            "Waiting customers whose promise breaks within that time unless they are answered.",
            "Clients en attente dont la promesse sera rompue d'ici là, faute de réponse.",
        ),
        _NO_PROMISE,
    ),
    "channel.kept": PanelText(
        Text("Kept in 30 min, and promised", "Tenu sur 30 min, et promis"),
        Text(
            "Share of promises kept among those decided in the last 30 minutes, in all queues of "
            "the channel, and the share promised.",
            "Part des promesses tenues parmi celles échues dans les 30 dernières minutes, toutes "
            "files du canal, et la part promise.",
        ),
        _NO_PROMISE,
    ),
    "channel.index": PanelText(
        Text("Expectation index, 24 h", "Indice d'attente, 24 h"),
        Text(
            "The share of customers answered as fast as customers expect, in the last 24 hours.",
            "La part des clients servis aussi vite que les clients l'attendent, sur 24 heures.",
        ),
        Text("nothing decided in 24 h", "rien d'échu en 24 h"),
    ),
    "channel.waiting": PanelText(
        Text("Waiting, by how near to the promise", "En attente, selon la promesse"),
        Text(
            "Customers without a first answer. Within: less than 80 % of the promised time is "
            "used. At risk: up to the promise. Overdue: up to twice the promise. Far overdue: "
            "beyond.",
            "Clients sans première réponse. Dans les temps : moins de 80 % du délai promis. À "
            "risque : jusqu'à la promesse. En retard : jusqu'au double. Très en retard : au-delà.",
        ),
        _NO_DATA,
    ),
    "channel.alerts": PanelText(
        Text("Alerts of this channel", "Alertes de ce canal"),
        Text(
            "Alerts that fire now, the most urgent first; follow one to what to do.",
            "Alertes actives, la plus urgente d'abord ; suivez-en une pour savoir que faire.",
        ),
        Text("no alerts", "aucune alerte"),
    ),
    "channel.flow": PanelText(
        Text("Received, answered, missed", "Reçus, répondus, manqués"),
        Text(
            "Contacts an hour, net of corrections. Missed: promises broken, counted when the time "
            "is up, answered later or not.",
            "Contacts par heure, nets des corrections. Manqués : promesses rompues, comptées à "
            "leur échéance, qu'une réponse suive ou non.",
        ),
        _NOTHING,
    ),
    "channel.usual": PanelText(
        Text("Received in an hour, and usually", "Reçus en une heure, et d'habitude"),
        Text(
            "All queues of the channel; usually: the same hour of the week in the last four weeks.",
            "Toutes files du canal ; d'habitude : la même heure de la semaine, sur quatre "
            "semaines.",
        ),
        _NOTHING,
    ),
    "channel.acknowledged": PanelText(
        Text("Acknowledged and answered", "Accusés de réception et réponses"),
        Text(
            "Contacts an hour with a first automatic reply, and with a first human answer. Only "
            "the latter keeps a promise.",
            "Contacts par heure ayant reçu un premier message automatique, et une première "
            "réponse humaine. Seule la seconde tient une promesse.",
        ),
        _NOTHING,
    ),
    "channel.moved": PanelText(
        Text("Transferred and reopened", "Transférés et rouverts"),
        Text(
            "Contacts an hour that were transferred, or reopened, for the first time.",
            "Contacts par heure transférés, ou rouverts, pour la première fois.",
        ),
        _NOTHING,
    ),
    "channel.lost": PanelText(
        Text("Ended without an answer", "Terminés sans réponse"),
        Text(
            "Contacts an hour: the customer gave up, it was closed without an answer, or given up "
            "as too old.",
            "Contacts par heure : abandonnés par le client, clos sans réponse, ou classés car "
            "trop anciens.",
        ),
        _NOTHING,
    ),
    "channel.received": PanelText(
        Text("Received", "Reçus"),
        Text("Contacts in the chosen time, net.", "Contacts sur la période choisie, net."),
        _NOTHING,
    ),
    "channel.answered": PanelText(
        Text("Answered", "Répondus"),
        Text(
            "Contacts with their first human answer in the chosen time.",
            "Contacts ayant reçu leur première réponse humaine sur la période choisie.",
        ),
        _NOTHING,
    ),
    "channel.median": PanelText(
        Text("Half of them answered within", "La moitié répondue en"),
        Text(
            "Median time to the first human answer, as the customer feels it.",
            "Délai médian jusqu'à la première réponse humaine, tel que le client le vit.",
        ),
        _NOTHING,
    ),
    "channel.transfers": PanelText(
        Text("Transfers per 100 contacts", "Transferts pour 100 contacts"),
        Text(
            "Contacts transferred at least once, of a hundred received: how often customers "
            "repeat their reason.",
            "Contacts transférés au moins une fois, sur cent reçus : combien de clients répètent "
            "leur demande.",
        ),
        _NOTHING,
    ),
    "channel.gave_up": PanelText(
        Text("Gave up", "Abandons"),
        Text(
            "Customers who gave up before an answer, short calls left out.",
            "Clients ayant renoncé avant une réponse, hors appels très courts.",
        ),
        _NOTHING,
    ),
    "channel.excluded": PanelText(
        Text("Excluded", "Exclus"),
        Text(
            "Contacts taken out of every figure: spam, tests, duplicates, very short calls.",
            "Contacts retirés de tous les chiffres : indésirables, tests, doublons, appels très "
            "courts.",
        ),
        _NOTHING,
    ),
    "channel.latency": PanelText(
        Text("Time to the first answer", "Délai de première réponse"),
        Text(
            "How many contacts were answered after how long, as the customer feels it. Darker: "
            "more.",
            "Combien de contacts ont eu réponse après combien de temps, tel que le client le vit. "
            "Plus foncé : plus nombreux.",
        ),
        _NOTHING,
    ),
    "channel.percentiles": PanelText(
        Text("Answered within, and the limits", "Répondus en, et les limites"),
        Text(
            "Times within which half, nine in ten and 19 in 20 of the answers came; dashed: the "
            "limits of the bands. Who was never answered is not in it: see the bands.",
            "Délais de la moitié, de neuf sur dix et de 19 sur 20 des réponses ; en pointillé : "
            "les délais attendus. Qui n'a jamais eu de réponse n'y est pas : voir les délais "
            "tenus.",
        ),
        _NOTHING,
    ),
    "channel.bands": PanelText(
        Text("Answered within each band", "Répondus dans chaque délai"),
        Text(
            "Share of contacts answered within each band, of those decided in the chosen time, "
            "net: unanswered ones count as missed.",
            "Part des contacts répondus dans chaque délai, parmi ceux échus sur la période, net : "
            "sans réponse, un contact est manqué.",
        ),
        _NOTHING,
    ),
    "channel.business": PanelText(
        Text("Answered within, in opening hours", "Répondus en, heures ouvrées"),
        Text(
            "The same times, counting only seconds inside opening hours.",
            "Les mêmes délais, en ne comptant que les secondes d'ouverture.",
        ),
        Text("no opening hours, or no answers", "sans horaires, ou sans réponse"),
    ),
    "channel.replies": PanelText(
        Text("Later messages answered within", "Messages suivants, répondus en"),
        Text(
            "From the oldest unanswered later message of a customer to its human answer.",
            "Du plus ancien message sans réponse d'un client, après le premier, à sa réponse "
            "humaine.",
        ),
        _NOTHING,
    ),
    "channel.replies_waiting": PanelText(
        Text("Later messages waiting", "Messages suivants en attente"),
        Text(
            "Answered contacts whose customer has written again and waits.",
            "Contacts déjà répondus dont le client a réécrit et attend.",
        ),
        _NO_DATA,
    ),
    "channel.patience": PanelText(
        Text("Waited before giving up", "Attente avant abandon"),
        Text(
            "How long half, and nine in ten, of those who gave up had waited.",
            "Combien de temps avaient attendu la moitié, et neuf sur dix, de ceux qui ont renoncé.",
        ),
        Text("nobody gave up", "aucun abandon"),
    ),
}

TEXTS: Final = {
    "channel.title": Text("firstreply: channel", "firstreply : canal"),
    "channel.about": Text(
        "One channel, down to its queues: who waits, what comes in, how fast it is answered.",
        "Un canal, jusqu'à ses files : qui attend, ce qui arrive, à quelle vitesse on répond.",
    ),
    "channel.heading.now": Text("$channel now", "$channel maintenant"),
    "channel.heading.flow": Text("What comes in and goes out", "Ce qui entre et ce qui sort"),
    "channel.heading.sums": Text("In the chosen time", "Sur la période choisie"),
    "channel.heading.latency": Text("How long customers wait", "Combien de temps on attend"),
    "within": Text("within", "dans les temps"),
    "at_risk": Text("at risk", "à risque"),
    "overdue": Text("overdue", "en retard"),
    "far_overdue": Text("far overdue", "très en retard"),
    "received": Text("received", "reçus"),
    "answered": Text("answered", "répondus"),
    "missed": Text("missed", "manqués"),
    "usually": Text("usually", "d'habitude"),
    "acknowledged": Text("acknowledged", "accusés de réception"),
    "transferred": Text("transferred", "transférés"),
    "reopened": Text("reopened", "rouverts"),
    "gave_up": Text("gave up", "abandons"),
    "closed_unanswered": Text("closed", "clos"),
    "given_up": Text("too old", "trop anciens"),
    "kept_30m": Text("kept", "tenu"),
    "promised": Text("promised", "promis"),
    "half": Text("half", "la moitié"),
    "nine_in_ten": Text("9 in 10", "9 sur 10"),
    "most": Text("19 in 20", "19 sur 20"),
    "limit": Text("limit", "délai"),
    "waiting": Text("waiting", "en attente"),
}
