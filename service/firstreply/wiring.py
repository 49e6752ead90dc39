"""From the settings to the parts: options of Kafka, decoder, limits, pace, folds.

Every unit is converted here and nowhere else: durations become microseconds inside and seconds at
the loops.
"""

import secrets
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from firstreply.adapters.codec import Decoder
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.state_log import KafkaStateLog, StateTopic
from firstreply.adapters.kafka.status_topic import KafkaStatusTopic
from firstreply.adapters.kafka.tokens import OauthClient, TokenProvider
from firstreply.adapters.loopback import is_loopback
from firstreply.adapters.web_security import WebSecurity
from firstreply.domain.policy_book import PolicyBook
from firstreply.durations import duration_micros
from firstreply.fold import BadRecords, PartitionFold
from firstreply.keeping.keeper import StateKeeper
from firstreply.keeping.port import InputLog
from firstreply.pace import Pace
from firstreply.settings import Settings
from firstreply.wall.exchange import Exchange, NoExchange
from firstreply.wall.live import Identity


def kafka_options(settings: Settings) -> KafkaOptions:
    """Return the options of the Kafka adapters."""
    kafka = settings.kafka
    password = kafka.sasl_password
    return KafkaOptions(
        bootstrap_servers=kafka.bootstrap_servers,
        topic=kafka.topic,
        group=kafka.group,
        start=kafka.start,
        dead_letter_topic=kafka.dead_letter_topic,
        security_protocol=kafka.security_protocol,
        ssl_cafile=_text(kafka.ssl_cafile),
        ssl_certfile=_text(kafka.ssl_certfile),
        ssl_keyfile=_text(kafka.ssl_keyfile),
        ssl_password_file=_text(kafka.ssl_password_file),
        sasl_mechanism=kafka.sasl_mechanism or "PLAIN",
        sasl_username=kafka.sasl_username,
        sasl_password=None if password is None else password.get_secret_value(),
        sasl_password_file=_text(kafka.sasl_password_file),
        tokens=_tokens(settings),
        session_timeout=kafka.session_timeout,
        heartbeat_interval=kafka.heartbeat_interval,
        rebalance_timeout=kafka.rebalance_timeout,
        request_timeout=kafka.request_timeout,
        fetch_max_wait=kafka.fetch_max_wait,
        max_records=kafka.max_records,
        isolation_level=kafka.isolation_level,
    )


def _tokens(settings: Settings) -> TokenProvider | None:
    """Return what fetches tokens, where the brokers want them."""
    kafka = settings.kafka
    url = kafka.sasl_oauthbearer_token_endpoint_url
    client, secret = kafka.sasl_oauthbearer_client_id, kafka.sasl_oauthbearer_client_secret_file
    if kafka.sasl_mechanism != "OAUTHBEARER" or url is None or client is None or secret is None:
        return None
    return TokenProvider(
        OauthClient(
            token_endpoint_url=url,
            client_id=client,
            client_secret_file=secret,
            scope=kafka.sasl_oauthbearer_scope,
            cafile=kafka.sasl_oauthbearer_cafile,
        )
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)


def decoder(settings: Settings) -> Decoder:
    """Return the decoder of the configured limits."""
    return Decoder(
        max_event_bytes=settings.kafka.max_event_bytes,
        timestamp_fallback=settings.kafka.timestamp_fallback,
    )


def bad_records(settings: Settings) -> BadRecords:
    """Return the limit on bad records; one for all partitions of a process."""
    limit = settings.limits.bad_records
    return BadRecords(limit.share, limit.among)


def grace(settings: Settings) -> int:
    """Return the grace in microseconds."""
    return duration_micros(settings.grace)


def pace(settings: Settings) -> Pace:
    """Return how often the loops turn."""
    return Pace(
        checkpoint_seconds=settings.checkpoint_interval.total_seconds(),
        proof_seconds=settings.proof_interval.total_seconds(),
        proof_skew=duration_micros(settings.proof_skew),
        stall_seconds=settings.limits.stall_timeout.total_seconds(),
        lease_seconds=max(1.0, settings.kafka.session_timeout.total_seconds() - 4.0),
    )


def new_fold(settings: Settings, book: PolicyBook) -> Callable[[int, int], PartitionFold]:
    """Return what makes the fold of a partition; decoder and limit are shared by all of them."""
    shared_decoder, shared_limit = decoder(settings), bad_records(settings)

    def make(partition: int, offset: int) -> PartitionFold:
        return PartitionFold(
            partition=partition,
            offset=offset,
            decoder=shared_decoder,
            bad_records=shared_limit,
            book=book,
            grace=grace(settings),
            max_tracked=settings.limits.max_tracked,
        )

    return make


def state_log(settings: Settings) -> KafkaStateLog | None:
    """Return the state log, where one is configured."""
    topic = state_topic(settings)
    return None if topic is None else KafkaStateLog(kafka_options(settings), topic)


def state_topic(settings: Settings) -> StateTopic | None:
    """Return how the state topic is to be, where one is configured."""
    kafka = settings.kafka
    if kafka.state_topic is None:
        return None
    return StateTopic(
        kafka.state_topic,
        kafka.state_retention,
        kafka.state_replicas,
        longest_wait=settings.give_up_after,
    )


def keeper(
    settings: Settings,
    source: InputLog,
    log: KafkaStateLog,
    make: Callable[[int, int], PartitionFold],
    *,
    accept_loss: bool,
) -> StateKeeper:
    """Return what keeps the state in a log.

    Args:
        settings: the configuration.
        source: the input and its group.
        log: started.
        make: makes a fold; see ``new_fold``.
        accept_loss: go on without a state that should be there.
    """
    return StateKeeper(
        source=source,
        log=log,
        new_fold=make,
        rotation_seconds=settings.kafka.state_retention.total_seconds() / 4,
        accept_loss=accept_loss,
        monotonic=time.monotonic,
    )


def timezone(settings: Settings) -> ZoneInfo:
    """Return the zone of the wall's times and of its midnight: the first calendar's, else UTC."""
    first = next(iter(settings.calendars.values()), None)
    return ZoneInfo("UTC" if first is None else first.timezone)


def identity(settings: Settings) -> Identity:
    """Return who this process is among its group; another one each time."""
    kafka, http = settings.kafka, settings.http
    return Identity(
        group=f"{kafka.group}/{kafka.topic}",
        process=secrets.token_hex(8),
        timezone=timezone(settings).key,
        contact_ids=http.contact_ids,
        contact_link=http.contact_link,
    )


def web_security(settings: Settings) -> WebSecurity:
    """Return the web configuration, which follows its file.

    Raises:
        ConfigurationError: it cannot be used.
    """
    return WebSecurity(settings.http.web_config_file)


def shows_wall(settings: Settings, security: WebSecurity) -> bool:
    """Say whether ``/wall`` and ``/api`` are served (the setting ``http.api``)."""
    http = settings.http
    if http.api == "auto":
        return is_loopback(http.host) or security.knows_who_asks
    return http.api == "on"


def exchange(settings: Settings, who: Identity) -> Exchange:
    """Return the way to the other processes of the consumer group, where one is configured."""
    topic = settings.kafka.status_topic
    if topic is None:
        return NoExchange()
    return KafkaStatusTopic(kafka_options(settings), topic, group=who.group, process=who.process)
