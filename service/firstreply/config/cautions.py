"""Finds what is allowed but looks like a mistake; logged at start and shown by ``check-config``."""

import stat
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from firstreply.calendars import country_holidays
from firstreply.config.kafka_settings import SECRET_FILES
from firstreply.config.tiers import tier_warnings
from firstreply.domain.bands import Clock
from firstreply.durations import canonical, parse_duration
from firstreply.settings import Settings

_OUTAGE: Final = timedelta(days=3)
"""How long a service may be down before anybody looks: from Friday's evening to Monday."""


def warnings_of(settings: Settings) -> Iterator[str]:
    """Yield sentences that begin with the key they are about."""
    yield from _kafka_warnings(settings)
    yield from _secret_warnings(settings)
    yield from _calendar_warnings(settings)
    for name in settings.channels:
        yield from _channel_warnings(settings, name)


def _kafka_warnings(settings: Settings) -> Iterator[str]:
    kafka = settings.kafka
    if kafka.security_protocol == "SASL_PLAINTEXT":
        yield "kafka.security_protocol: SASL_PLAINTEXT encrypts nothing; prefer SASL_SSL"
    if kafka.heartbeat_interval * 3 > kafka.session_timeout > kafka.heartbeat_interval:
        yield (
            f"kafka.heartbeat_interval: {canonical(kafka.heartbeat_interval)} is more than a third "
            f"of session_timeout ({canonical(kafka.session_timeout)}); one lost heartbeat may cost "
            "the partitions"
        )
    downtime = kafka.state_retention * 3 / 4
    if kafka.state_topic is not None and downtime < _OUTAGE:
        yield (
            f"kafka.state_retention: {canonical(kafka.state_retention)} lets the service be down "
            f"for {canonical(downtime)}, three quarters of it; a weekend is {canonical(_OUTAGE)}"
        )


def _secret_warnings(settings: Settings) -> Iterator[str]:
    """Yield the files with secrets that any user of the machine can read."""
    kafka = settings.kafka
    files = {f"kafka.{name}": getattr(kafka, name) for name in ("ssl_keyfile", *SECRET_FILES)}
    files["http.web_config_file"] = settings.http.web_config_file
    for key, path in files.items():
        try:
            readable = path is not None and path.stat().st_mode & stat.S_IROTH
        except OSError:
            continue  # an error of its own, told elsewhere
        if readable:
            yield f"{key}: every user of this machine can read {path}; chmod o-rwx it"


def _calendar_warnings(settings: Settings) -> Iterator[str]:
    used = {channel.calendar for channel in settings.channels.values()}
    for name, calendar in settings.calendars.items():
        if name not in used:
            yield f"calendars.{name}: no channel uses it; name it as the calendar of a channel"
        country = calendar.holidays.country
        if country is not None:
            caution = country_holidays(country, calendar.holidays.subdivision).caution
            if caution is not None:
                yield f"calendars.{name}.holidays.country: {caution}"


def _channel_warnings(settings: Settings, name: str) -> Iterator[str]:
    channel, bands = settings.channels[name], settings.bands_of(name)
    key = f"channels.{name}"
    shortest, longest = parse_duration(bands[0].name), parse_duration(bands[-1].name)
    if settings.give_up_after is not None and settings.give_up_after < longest:
        yield (
            f"give_up_after: {canonical(settings.give_up_after)} is shorter than the longest band "
            f"of {name} ({bands[-1].name}); contacts are given up before it is decided"
        )
    if not any(band.weight for band in bands):
        yield f"{key}: no band has a weight, so it has no expectation index; give one a weight"
    if channel.calendar is not None and not any(band.clock is Clock.BUSINESS for band in bands):
        yield f"{key}.calendar: no band runs on it; give a band clock: business"
    if settings.short_abandon_of(name) >= shortest:
        yield (
            f"{key}.short_abandon: {canonical(settings.short_abandon_of(name))} is not shorter "
            f"than the band {bands[0].name}; an abandonment hardly ever counts"
        )
    if channel.promise is not None:
        limit = parse_duration(channel.promise.band)
        yield from tier_warnings(f"{key}.promise", channel.promise.objective, limit)
