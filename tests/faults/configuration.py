"""The configuration of the members: timeouts as short as the service accepts, short bands."""

from typing import Final

_CONNECTION: Final = """\
kafka:
  bootstrap_servers: "SERVERS"
  topic: {topic}
  group: {topic}
  status_topic: null
  state_replicas: 3
  session_timeout: 6s
  heartbeat_interval: 1s
  rebalance_timeout: 6s
  request_timeout: 12s
http: {{port: PORT}}
checkpoint_interval: 500ms
grace: 1s
limits: {{bad_records: {{share: 1}}, stall_timeout: {stall}}}
"""
SHORT_BANDS: Final = """\
channels_only: true
channels: {chat: {}, email: {}}
bands: {5s: {weight: 1}, 24h: {weight: 1}}
give_up_after: never
settle_for: never
"""
"""The rules of made-up contacts: what is decided is decided within seconds, or never."""


def configuration(topic: str, *, stall: str, rules: str) -> str:
    """Return the configuration of a member, with ``SERVERS`` and ``PORT`` left to fill in.

    Args:
        topic: also the name of the group.
        stall: ``limits.stall_timeout``.
        rules: what it says of channels and bands.
    """
    return _CONNECTION.format(topic=topic, stall=stall) + rules
