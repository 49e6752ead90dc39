"""The texts of the pipeline board, for those who run firstreply."""

from typing import Final

from firstreply.dashboards.messages.text import PanelText, Text

_NO_DATA: Final = Text("NO DATA", "PAS DE DONNÉES")
_NONE_YET: Final = Text("none in this time", "aucun sur cette période")

PANELS: Final = {
    "pipeline.figures": PanelText(
        Text("The figures are", "Les chiffres sont"),
        Text(
            "FRESH: every process is ready, nothing is being restored, and the heartbeat beats. "
            "Alerts of the floor are silent while they are STALE.",
            "À JOUR : tous les processus sont prêts, rien n'est en cours de restauration, et le "
            "signe de vie est récent. Les alertes du plateau se taisent tant qu'ils sont FIGÉS.",
        ),
        _NO_DATA,
    ),
    "pipeline.ready": PanelText(
        Text("Processes ready", "Processus prêts"),
        Text(
            "Processes whose figures can be trusted, and how many there are. /readyz says why one "
            "is not.",
            "Processus dont les chiffres sont fiables, et combien il y en a. /readyz dit pourquoi "
            "l'un ne l'est pas.",
        ),
        _NO_DATA,
    ),
    "pipeline.heartbeat": PanelText(
        Text("Oldest heartbeat", "Signe de vie le plus ancien"),
        Text(
            "Seconds since the slowest process had every partition caught up or advanced. Above "
            "60 the figures are stale, above 120 it alerts.",
            "Secondes depuis que le processus le plus lent a vu toutes ses partitions à jour ou "
            "avancer. Au-delà de 60 les chiffres sont figés, au-delà de 120 une alerte part.",
        ),
        _NO_DATA,
    ),
    "pipeline.lag": PanelText(
        Text("Behind", "Retard de lecture"),
        Text(
            "Age of the last record read while others wait, of the slowest process.",
            "Âge du dernier enregistrement lu pendant que d'autres attendent, du processus le "
            "plus lent.",
        ),
        _NO_DATA,
    ),
    "pipeline.restoring": PanelText(
        Text("Partitions being restored", "Partitions en restauration"),
        Text(
            "Partitions whose state is being read back after a start or a rebalance.",
            "Partitions dont l'état est relu après un démarrage ou une redistribution.",
        ),
        _NO_DATA,
    ),
    "pipeline.config": PanelText(
        Text("Configuration", "Configuration"),
        Text(
            "Whether every process accepted its configuration when it last read it.",
            "Si chaque processus a accepté sa configuration à sa dernière lecture.",
        ),
        _NO_DATA,
    ),
    "pipeline.alerts": PanelText(
        Text("Alerts of the platform", "Alertes de la plateforme"),
        Text(
            "Alerts that fire now, the most urgent first; follow one to what to do.",
            "Alertes actives, la plus urgente d'abord ; suivez-en une pour savoir que faire.",
        ),
        Text("no alerts", "aucune alerte"),
    ),
    "pipeline.processes": PanelText(
        Text("Processes", "Les processus"),
        Text(
            "Version and configuration of each process. Different hashes mean different rules.",
            "Version et configuration de chaque processus. Des empreintes différentes signifient "
            "des règles différentes.",
        ),
        _NO_DATA,
    ),
    "pipeline.lag_seconds": PanelText(
        Text("Behind, by process", "Retard, par processus"),
        Text(
            "Age of the last record read while others wait; 0 when all is read.",
            "Âge du dernier enregistrement lu pendant que d'autres attendent ; 0 quand tout est "
            "lu.",
        ),
        _NO_DATA,
    ),
    "pipeline.lag_messages": PanelText(
        Text("Records not yet read, by partition", "Enregistrements non lus, par partition"),
        Text(
            "Records in Kafka after the last one read.",
            "Enregistrements de Kafka après le dernier lu.",
        ),
        _NO_DATA,
    ),
    "pipeline.heartbeats": PanelText(
        Text("Age of the heartbeat, by process", "Âge du signe de vie, par processus"),
        Text(
            "Seconds since every partition of the process was caught up or advanced.",
            "Secondes depuis que toutes les partitions du processus étaient à jour ou avançaient.",
        ),
        _NO_DATA,
    ),
    "pipeline.events": PanelText(
        Text("Events read, by type", "Événements lus, par type"),
        Text("Events read from Kafka, a second.", "Événements lus dans Kafka, par seconde."),
        _NO_DATA,
    ),
    "pipeline.speed": PanelText(
        Text("Checkpoints: speed of the clock", "Points de reprise : vitesse de l'horloge"),
        Text(
            "How fast the service clock of each partition advances, over 5 minutes. It is shown "
            "only after a checkpoint was accepted: 1 keeps pace, 0 stands still, more catches up.",
            "Vitesse de l'horloge du service de chaque partition, sur 5 minutes. Elle n'est "
            "publiée qu'après un point de reprise accepté : 1 suit, 0 n'avance plus, davantage "
            "rattrape.",
        ),
        _NO_DATA,
    ),
    "pipeline.rejected": PanelText(
        Text("Records rejected, by reason", "Enregistrements rejetés, par raison"),
        Text(
            "Records an hour that are no contact events; they lie in the dead letters.",
            "Enregistrements par heure qui ne sont pas des événements ; ils sont dans les rebuts.",
        ),
        _NO_DATA,
    ),
    "pipeline.odd": PanelText(
        Text("What was odd about events", "Ce que les événements ont d'étrange"),
        Text(
            "Events and contacts an hour: late, seen before, without effect, of an unlisted "
            "channel, answers to no contact, answers before the start, starts without a queue, "
            "contacts without an opening, first answers revised, dated by their record, older "
            "than a proof of time.",
            "Événements et contacts par heure : en retard, déjà vus, sans effet, d'un canal "
            "inconnu, réponses sans contact, réponses avant le début, débuts sans file, contacts "
            "sans ouverture, premières réponses révisées, datés par l'enregistrement, plus "
            "anciens qu'une preuve.",
        ),
        _NO_DATA,
    ),
    "pipeline.tracked": PanelText(
        Text("Contacts kept in memory", "Contacts en mémoire"),
        Text(
            "Contacts each process knows, waiting or not yet forgotten.",
            "Contacts que chaque processus connaît, en attente ou pas encore oubliés.",
        ),
        _NO_DATA,
    ),
    "pipeline.restores": PanelText(
        Text("Restore, by process", "Restauration, par processus"),
        Text(
            "Partitions whose state is being read back: floor alerts wait until it is 0. Older "
            "state: partitions that went on from an older one, since the newest was damaged.",
            "Partitions dont l'état est relu : les alertes du plateau attendent que ce soit 0. "
            "État antérieur : partitions reparties d'un état antérieur, le dernier étant "
            "endommagé.",
        ),
        _NO_DATA,
    ),
    "pipeline.evicted": PanelText(
        Text("Contacts dropped before their time", "Contacts évincés avant l'heure"),
        Text(
            "Contacts an hour dropped from memory for want of room (limits.max_tracked). Those "
            "waiting count as unanswered; those settled were kept for late events alone.",
            "Contacts par heure retirés de la mémoire faute de place (limits.max_tracked). Ceux en "
            "attente (waiting) comptent sans réponse ; les soldés (settled) n'étaient gardés que "
            "pour d'éventuels événements tardifs.",
        ),
        _NO_DATA,
    ),
    "pipeline.books": PanelText(
        Text("Books: the difference", "Comptes : l'écart"),
        Text(
            "Received, minus settled, minus waiting: 0, but for contacts that changed their mind "
            "(resettled), which is the most it may be. More is a defect of firstreply.",
            "Reçus, moins soldés, moins en attente : 0, sauf les contacts revenus sur leur sort "
            "(ressoldés), qui en sont la limite. Davantage est un défaut de firstreply.",
        ),
        _NO_DATA,
    ),
    "pipeline.ledger": PanelText(
        Text("The ledger", "Le registre"),
        Text(
            "Contacts since the state began, by how they were settled first. It survives restarts.",
            "Contacts depuis le début de l'état, selon leur premier sort. Survit aux redémarrages.",
        ),
        _NO_DATA,
    ),
    "pipeline.loop": PanelText(
        Text("Delay of the event loop", "Retard de la boucle d'événements"),
        Text(
            "How late the process wakes up. More than a second: it has too much to do.",
            "De combien le processus se réveille en retard. Plus d'une seconde : il est débordé.",
        ),
        _NO_DATA,
    ),
    "pipeline.skew": PanelText(
        Text("Brokers' clock ahead of ours", "Avance de l'horloge des brokers"),
        Text(
            "Beyond 1 s misses may be counted too early and corrected later.",
            "Au-delà de 1 s, des manqués peuvent être comptés trop tôt, puis corrigés.",
        ),
        _NONE_YET,
    ),
    "pipeline.up": PanelText(
        Text("Scraped", "Interrogés"),
        Text(
            "Whether Prometheus gets the metrics of each process, and whether it is ready.",
            "Si Prometheus obtient les mesures de chaque processus, et s'il est prêt.",
        ),
        _NO_DATA,
    ),
    "pipeline.delays": PanelText(
        Text("From an event to its figure", "De l'événement au chiffre"),
        Text(
            "From a record's append in Kafka until its effect can be scraped, where the topic has "
            "LogAppendTime; and from the deadline of a contact that nobody answered until its "
            "miss can.",
            "De l'écriture d'un enregistrement dans Kafka jusqu'à ce que son effet puisse être "
            "lu, si le topic est en LogAppendTime ; et de l'échéance d'un contact sans réponse "
            "jusqu'à ce que son manqué puisse l'être.",
        ),
        _NO_DATA,
    ),
    "pipeline.steps": PanelText(
        Text("Long steps of the event loop", "Longs pas de la boucle d'événements"),
        Text(
            "Steps that took more than 20 ms of CPU; nothing else runs meanwhile, no heartbeat to "
            "Kafka and no scrape. Some at a start are normal.",
            "Pas de plus de 20 ms de CPU ; rien d'autre ne tourne pendant ce temps, ni signe de "
            "vie à Kafka ni réponse à Prometheus. Quelques-uns au démarrage sont normaux.",
        ),
        _NO_DATA,
    ),
}

TEXTS: Final = {
    "pipeline.title": Text("firstreply: pipeline", "firstreply : chaîne de traitement"),
    "pipeline.about": Text(
        "Whether the figures can be trusted, and if not, why.",
        "Si les chiffres sont fiables, et sinon, pourquoi.",
    ),
    "pipeline.heading.reading": Text("Reading", "Lecture"),
    "pipeline.heading.odd": Text("What was odd", "Ce qui est étrange"),
    "pipeline.heading.state": Text("State", "État en mémoire"),
    "pipeline.heading.books": Text("Books", "Comptes"),
    "pipeline.heading.process": Text("The process itself", "Le processus lui-même"),
    "accepted": Text("ACCEPTED", "ACCEPTÉE"),
    "refused": Text("REFUSED", "REFUSÉE"),
    "ready": Text("READY", "PRÊT"),
    "not_ready": Text("NOT READY", "PAS PRÊT"),
    "down": Text("DOWN", "ARRÊTÉ"),
    "ready_of": Text("ready", "prêts"),
    "all_of": Text("in all", "en tout"),
    "delay.half": Text("half of the records", "la moitié des enregistrements"),
    "delay.nearly_all": Text("99 % of the records", "99 % des enregistrements"),
    "delay.deadline": Text("99 % of the deadlines", "99 % des échéances"),
    "older_state": Text("older state", "état antérieur"),
    "difference": Text("difference", "écart"),
    "resettled": Text("resettled: the most it may be", "ressoldés : la limite"),
    "version": Text("version", "version"),
    "compiled": Text("compiled", "compilé"),
    "hash": Text("configuration", "empreinte"),
    "kind": Text("kind", "sort"),
    "contacts": Text("contacts", "nombre"),
    "odd.late": Text("late", "en retard"),
    "odd.duplicate": Text("seen before", "déjà vus"),
    "odd.ignored": Text("without effect", "sans effet"),
    "odd.unlisted": Text("unlisted channel", "canal inconnu"),
    "odd.unmatched": Text("answers to no contact", "réponses sans contact"),
    "odd.negative": Text("answers before the start", "réponses avant le début"),
    "odd.fallback": Text("starts without a queue", "débuts sans file"),
    "odd.without_opening": Text("contacts without an opening", "contacts sans ouverture"),
    "odd.revised": Text("first answers revised", "premières réponses révisées"),
    "odd.dated": Text("dated by their record", "datés par l'enregistrement"),
    "odd.proof": Text("older than a proof", "plus anciens qu'une preuve"),
}
