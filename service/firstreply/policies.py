"""From the settings to what the domain judges contacts by.

``Settings`` in, ``PolicyBook`` out: one policy per channel with its effective bands, compiled
calendar and promise, the names producers may use, durations in whole microseconds. Equal settings
give policies with equal digests, in every process.
"""

from collections.abc import Iterator

from firstreply.calendars import build_calendar
from firstreply.domain.bands import Policy, Promise
from firstreply.domain.policy_book import PolicyBook
from firstreply.durations import duration_micros, parse_duration
from firstreply.settings import Settings


def policy_book(settings: Settings) -> PolicyBook:
    """Build the policies of all channels.

    Args:
        settings: from ``config.load.load_settings``, so that names refer to something.
    """
    return PolicyBook(
        [channel_policy(settings, name) for name in settings.channels],
        aliases=dict(_aliases(settings)),
        queues={name: channel.queues for name, channel in settings.channels.items()},
    )


def channel_policy(settings: Settings, name: str) -> Policy:
    """Build the policy of one channel."""
    channel = settings.channels[name]
    give_up, settle = settings.give_up_after, settings.settle_for
    return Policy(
        channel=name,
        bands=settings.bands_of(name),
        calendar=(
            None
            if channel.calendar is None
            else build_calendar(settings.calendars[channel.calendar])
        ),
        promise=_promise(settings, name),
        clock_start=channel.clock_start,
        short_abandon=duration_micros(settings.short_abandon_of(name)),
        abandoned_counts=channel.abandoned == "counted",
        give_up_after=None if give_up is None else duration_micros(give_up),
        settle_for=None if settle is None else duration_micros(settle),
        clock_skew=duration_micros(settings.clock_skew),
        excluded_reasons=frozenset(map(str.casefold, settings.excluded_reasons)),
    )


def _promise(settings: Settings, name: str) -> Promise | None:
    """Return the promise with its band named as the band is, however the promise spells it."""
    promise = settings.channels[name].promise
    if promise is None:
        return None
    limit = duration_micros(parse_duration(promise.band))
    band = next(band.name for band in settings.bands_of(name) if band.limit == limit)
    return Promise(band=band, objective=promise.objective)


def _aliases(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield other names of channels, as written and case folded, which is how events are met."""
    for name, channel in settings.channels.items():
        for alias in (name, *channel.aliases):
            for spelling in (alias, alias.casefold()):
                if spelling not in settings.channels:
                    yield spelling, name
