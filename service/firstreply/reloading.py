"""Reads the configuration again while the service runs, and puts the new one in force.

The whole of it is read and checked as at a start: the file, the environment over it, the files it
names, the calendars compiled; in a thread, for the holidays of a country take a tenth of a second.
If there is a mistake, or a key differs that needs a restart, nothing changes: the old configuration
stays in force, the log, the metrics and ``/readyz`` say so. Else everything takes the new one in
one step between two events, without an await.

Contacts that have started keep the policy they started under (rule 12): the engine sees to that.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from firstreply.adapters.metrics import bounds
from firstreply.adapters.prometheus import Publisher
from firstreply.config.applies import Applies
from firstreply.config.changes import Change, changes_between
from firstreply.config.describe import settings_hash
from firstreply.domain.bands import Clock
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Health
from firstreply.policies import policy_book
from firstreply.ports import WallClock
from firstreply.settings import Settings

_log = logging.getLogger(__name__)

_REMEDY: Final = "restart to apply it"

Bounds = Mapping[Clock, frozenset[float]]
"""Of the histograms that run on a clock, in seconds."""

_OLD_ONE: Final = "the configuration in force is an older one: "


Reader = Callable[[], Settings]
"""Reads and checks the whole configuration; raises ConfigurationError."""


class Reading(msgspec.Struct, frozen=True):
    """Where a new configuration comes from, and when."""

    read: Reader
    """Called in a thread."""
    asked: asyncio.Event
    """Set when somebody asks for a reload."""


class InForce(msgspec.Struct):
    """What goes by the configuration and can take another one."""

    settings: Settings
    book: PolicyBook
    """Of all engines, also of those to come."""
    shown: PolicyBook
    """Of all that shows figures; keeps the channels that left."""
    publisher: Publisher
    health: Health
    follow: Callable[[Settings], None]
    """Is told the new settings, for what is not in the books."""


class _New(msgspec.Struct, frozen=True):
    """Another configuration, and all about it that takes time to find out."""

    settings: Settings
    digest: str
    book: PolicyBook
    changes: list[Change]
    warnings: list[str]


class Reloader:
    """Reloads; one at a time.

    Args:
        in_force: what the service goes by now.
        reading: where a new configuration comes from, and when.
        wall: the time of day.
    """

    def __init__(self, in_force: InForce, reading: Reading, wall: WallClock) -> None:
        self._now = in_force
        self._reading = reading
        self._wall = wall
        self._bounds = bounds_of(in_force.book)
        """They stay as they are while the process runs."""
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Reload whenever it is asked for, until cancelled."""
        asked = self._reading.asked
        while True:
            await asked.wait()
            asked.clear()
            with suppress(ConfigurationError):  # told already
                await self.reload()

    async def reload(self) -> list[Change]:
        """Read the configuration and put it in force; return what changed.

        Raises:
            ConfigurationError: it was refused, and the old one stays in force: a line for each
                mistake, or for each key that needs a restart.
        """
        async with self._turn:
            try:
                new = await asyncio.to_thread(self._read_anew)
            except ConfigurationError as error:
                self._refused(error)
                raise
            self._put_in_force(new)
            return new.changes

    def _read_anew(self) -> _New:
        try:
            settings = self._reading.read()
            changes = changes_between(self._now.settings, settings)
            book = policy_book(settings)
            refused = needing_a_restart(changes, book, self._bounds)
            if not refused:
                digest, warnings = settings_hash(settings), settings.warnings()
                return _New(settings, digest, book, changes, warnings)
        except ConfigurationError:
            raise
        except Exception as error:  # a fault of ours in here must not end the measuring
            _log.exception("configuration_unreadable")
            msg = f"the configuration cannot be read: {error!r}; the log has more"
            raise ConfigurationError(msg) from error
        raise ConfigurationError("\n".join(refused))

    def _put_in_force(self, new: _New) -> None:
        now = self._now
        now.book.replace(new.book)
        now.shown.replace(new.book.keeping(now.shown))
        now.publisher.configure(now.shown)
        now.publisher.config_hash(new.digest)
        now.publisher.config_accepted(self._wall.now())
        now.health.configuration_doubt = None
        now.settings = new.settings
        now.follow(new.settings)
        changed = [str(change) for change in new.changes]
        _log.info("configuration_reloaded", extra={"changed": changed})
        for warning in new.warnings:
            _log.warning("configuration_doubtful", extra={"meaning": warning})

    def _refused(self, error: ConfigurationError) -> None:
        self._now.publisher.config_refused()
        self._now.health.configuration_doubt = f"{_OLD_ONE}{error}"
        _log.error("configuration_refused", extra={"error": str(error)})


def bounds_of(book: PolicyBook) -> Bounds:
    """Return the bounds that the histograms have with a book."""
    return {clock: frozenset(bounds(clock, book)) for clock in Clock}


def needing_a_restart(
    changes: Iterable[Change], book: PolicyBook, known_bounds: Bounds
) -> list[str]:
    """Return a line for each key for which a reload is refused; none: it can be reloaded.

    Args:
        changes: of the settings.
        book: the new one.
        known_bounds: of the histograms of the running process.
    """
    marked = [f"{one}; {_REMEDY}" for one in changes if one.applies is Applies.RESTART]
    return [*marked, *_needing_other_bounds(book, known_bounds)]


def _needing_other_bounds(book: PolicyBook, known_bounds: Bounds) -> Iterator[str]:
    """Yield a line for each band that a calendar puts on a clock that has no bucket for it."""
    for clock, known in known_bounds.items():
        for name, policy in book.policies.items():
            for band in policy.bands:
                runs_on = band.clock if policy.calendar is not None else Clock.ELAPSED
                if runs_on is clock and band.limit / SECOND not in known:
                    yield (
                        f"channels.{name}.calendar: puts the band {band.name} on the {clock} "
                        f"clock, whose histogram has no bucket of that limit; {_REMEDY}"
                    )
