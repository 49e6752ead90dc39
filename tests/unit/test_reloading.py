"""A reload: all of a new configuration or nothing of it, and open contacts keep what they have."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from firstreply.adapters.prometheus import Publisher
from firstreply.config.describe import settings_hash
from firstreply.config.load import load_settings
from firstreply.domain.engine import Engine
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import SECOND
from firstreply.health import Health
from firstreply.policies import policy_book
from firstreply.reloading import InForce, Reading, Reloader
from firstreply.settings import Settings
from tests.unit.domain.builders import GRACE, MET, MISSED, Desk, opened, responded

STARTED: Final = 1_700_000_000
LATER: Final = STARTED + 60
ACCEPTED: Final = "firstreply_config_last_reload_success_timestamp_seconds"
SUCCESSFUL: Final = "firstreply_config_last_reload_successful"
OUTCOMES: Final = "contact_expectation_outcomes_total"

NINE: Final = """\
calendars:
  office: {timezone: UTC, weekly: {mon-fri: ["09:00-17:00"]}}
bands: {1h: {clock: business}}
channels:
  chat: {calendar: office, promise: {band: 1h, objective: 0.9}, queues: [sales]}
  fax: {}
"""
NOON: Final = NINE.replace('"09:00-17:00"', '"12:00-17:00"')
"""T0, Monday 9:00, is in the opening hours of the one and not of the other."""


class WallClock:
    """Stands still."""

    def __init__(self) -> None:
        self.seconds = STARTED

    def now(self) -> int:
        return self.seconds * SECOND


class Service:
    """What of a service goes by its configuration."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.write(text)
        settings = self.read()
        book = policy_book(settings)
        self.engine = Engine(book, grace=GRACE * SECOND)
        self.shown = book.keeping(book)
        self.publisher = Publisher(self.shown, "events")
        self.clock = WallClock()
        self.publisher.config_accepted(self.clock.now())
        self.health = Health(60, 0)
        self.followed: list[Settings] = []
        self.asked = asyncio.Event()
        self.in_force = InForce(
            settings, book, self.shown, self.publisher, self.health, self.followed.append
        )
        self.reloader = self.reading(self.read)

    def reading(self, read: Callable[[], Settings]) -> Reloader:
        return Reloader(self.in_force, Reading(read, self.asked), self.clock)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def read(self) -> Settings:
        return load_settings(self.path, {})

    async def reload(self, text: str) -> list[str]:
        self.write(text)
        self.clock.seconds = LATER
        return [str(change) for change in await self.reloader.reload()]

    async def refused(self, text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as error:
            await self.reload(text)
        return str(error.value).splitlines()

    def receive(self, *events: ContactEvent) -> None:
        for event in events:
            self.engine.receive(event)

    def outcome(self, contact: str) -> object:
        return Desk(engine=self.engine).judged(contact)["1h"]

    def exported(self, name: str) -> dict[tuple[str, ...], float]:
        return {
            tuple(sample.labels.values()): sample.value
            for family in parse_text(self.publisher.render().decode())
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "firstreply.yaml", NINE)


# -- accepted


async def test_rule_12_who_started_before_a_reload_is_decided_by_the_old_opening_hours(
    service: Service,
) -> None:
    service.receive(opened(0, "before"))

    await service.reload(NOON)
    service.receive(opened(0, "after"))
    service.receive(responded(2 * 3600, "before"), responded(2 * 3600, "after"))

    assert service.outcome("before") == MISSED  # an hour of 9:00 to 17:00 was over at 10:00
    assert service.outcome("after") == MET  # an hour of 12:00 to 17:00 is over at 13:00


async def test_rule_12_who_started_before_a_reload_keeps_its_opening_hours_through_a_restart(
    service: Service,
) -> None:
    service.receive(opened(0, "before"))
    await service.reload(NOON)
    service.receive(opened(0, "after"))

    restarted = policy_book(service.read())
    service.engine = Engine.restore(service.engine.snapshot(), restarted, grace=GRACE * SECOND)
    service.receive(responded(2 * 3600, "before"), responded(2 * 3600, "after"))

    assert service.outcome("before") == MISSED
    assert service.outcome("after") == MET


async def test_a_reload_tells_what_changed_and_when(service: Service) -> None:
    changed = await service.reload(NINE.replace("0.9", "0.95") + "log: {level: warning}\n")

    assert changed == ["channels.chat.promise.objective: 0.9 -> 0.95", "log.level: info -> warning"]
    assert service.exported("contact_expectation_objective_ratio") == {("chat", "1h"): 0.95}
    assert service.exported(SUCCESSFUL) == {(): 1}
    assert service.exported(ACCEPTED) == {(): LATER}
    assert service.exported("firstreply_config_info") == {(settings_hash(service.read()),): 1}
    assert service.in_force.settings == service.followed[-1] == service.read()


async def test_a_reload_of_the_same_file_changes_nothing_and_succeeds(service: Service) -> None:
    assert await service.reload(NINE) == []
    assert service.exported(ACCEPTED) == {(): LATER}


async def test_a_new_channel_and_a_new_queue_are_there_at_zero_before_anything_comes(
    service: Service,
) -> None:
    await service.reload(NINE.replace("[sales]", "[sales, care]") + "  telex: {}\n")

    outcomes = service.exported(OUTCOMES)
    assert outcomes["telex", "none", "1h", "missed"] == 0
    assert outcomes["chat", "care", "1h", "met"] == 0
    assert ("telex",) in service.exported("contact_channel_open")
    assert service.exported("contact_waiting")["telex", "none", "within"] == 0


async def test_a_series_that_a_reload_brought_is_shown_at_zero_by_one_scrape_first(
    service: Service,
) -> None:
    await service.reload(NINE + "  telex: {}\n")
    service.receive(opened(0, "new", channel="telex"))
    service.publisher.checkpointed(0, 1, service.engine.take_increments())

    first = await service.publisher.scrape()
    service.publisher.shown(first)

    assert b'contact_received_total{channel="telex",queue="none"} 0\n' in first.body
    assert service.exported("contact_received_total")["telex", "none"] == 1


async def test_a_channel_that_left_keeps_its_series_and_takes_nothing_new(
    service: Service,
) -> None:
    service.receive(opened(0, "before", channel="fax"))

    await service.reload(NINE.replace("  fax: {}\n", ""))
    service.receive(opened(1, "after", channel="fax"), responded(2, "before"))
    service.publisher.checkpointed(0, 1, service.engine.take_increments())
    service.publisher.shown(await service.publisher.scrape())

    assert service.outcome("before") == MET
    assert service.exported(OUTCOMES)["fax", "none", "1h", "met"] == 1
    assert service.exported("contact_expectation_threshold_seconds")["fax", "1h"] == 3600
    assert service.exported("contact_received_total")["other", "none"] == 1


async def test_a_channel_may_leave_and_come_back(service: Service) -> None:
    await service.reload(NINE.replace("  fax: {}\n", ""))
    await service.reload(NINE)

    service.receive(opened(0, "new", channel="fax"))

    assert service.engine.contact("new").received == ("fax", "none")  # type: ignore[union-attr]


# -- refused


async def test_after_a_mistake_the_old_one_stays_in_force_and_everybody_is_told(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    before = service.in_force.settings

    lines = await service.refused(NOON + "graze: 5s\nlanguage: de\n")

    assert len(lines) == 2
    assert lines[0].startswith(f"{service.path}:7:1: graze: ")
    assert service.in_force.settings is before
    assert service.exported(SUCCESSFUL) == {(): 0}
    assert service.exported(ACCEPTED) == {(): STARTED}
    assert service.health.warnings[0].startswith("the configuration in force is an older one: ")
    assert [record.getMessage() for record in caplog.records] == ["configuration_refused"]
    service.receive(opened(0), responded(2 * 3600))
    assert service.outcome("c") == MISSED  # by the opening hours of the old one


async def test_after_the_mistake_is_mended_all_is_well_again(service: Service) -> None:
    await service.refused("graze: 5s")

    await service.reload(NINE)

    assert service.exported(SUCCESSFUL) == {(): 1}
    assert service.health.warnings == []


async def test_a_file_that_is_gone_is_a_mistake(service: Service) -> None:
    service.path.unlink()

    with pytest.raises(ConfigurationError, match="cannot read the configuration"):
        await service.reloader.reload()

    assert service.exported(SUCCESSFUL) == {(): 0}


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("", "kafka: {topic: other}", "kafka.topic: contact-events -> other"),
        ("", "grace: 1s", "grace: 5s -> 1s"),
        ("", "http: {port: 1}", "http.port: 9464 -> 1"),
        ("1h: {clock: business}", "1h: {}", "bands.1h.clock: business -> not set"),
        ("1h: {", "2h: {}, 1h: {", "bands.2h: not set -> given"),
        ("fax: {}", "fax: {bands: {2m: {}}}", "channels.fax.bands.2m: not set -> given"),
        ("", "limits: {max_tracked: 5}", "limits.max_tracked: 1000000 -> 5"),
    ],
)
async def test_what_needs_a_restart_is_refused_by_name_and_nothing_else_is_taken_over(
    service: Service, before: str, after: str, named: str
) -> None:
    text = NOON.replace(before, after) if before else f"{NOON}{after}\n"

    lines = await service.refused(text)

    assert f"{named}; restart to apply it" in lines
    service.receive(opened(0), responded(2 * 3600))
    assert service.outcome("c") == MISSED


async def test_a_calendar_that_needs_another_bucket_is_refused_by_name(tmp_path: Path) -> None:
    odd = NINE.replace("1h", "77m")
    without = odd.replace("calendar: office, ", "")
    service = Service(tmp_path / "c.yaml", without)

    (line,) = await service.refused(odd)

    assert line == (
        "channels.chat.calendar: puts the band 77m on the business clock, whose histogram has no "
        "bucket of that limit; restart to apply it"
    )


async def test_a_calendar_for_a_band_that_has_its_bucket_is_accepted(tmp_path: Path) -> None:
    service = Service(tmp_path / "c.yaml", NINE.replace("calendar: office, ", ""))

    assert await service.reload(NINE) == ["channels.chat.calendar: not set -> office"]


async def test_a_fault_while_reading_does_not_end_the_service(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Settings:
        msg = "a bug"
        raise ZeroDivisionError(msg)

    with pytest.raises(ConfigurationError, match="ZeroDivisionError"):
        await service.reading(broken).reload()

    assert service.exported(SUCCESSFUL) == {(): 0}
    assert "configuration_unreadable" in caplog.text


# -- when


async def test_each_time_it_is_asked_for_it_reloads_and_a_refusal_does_not_end_that(
    service: Service,
) -> None:
    running = asyncio.create_task(service.reloader.run())

    service.write("graze: 5s")
    service.asked.set()
    await until(lambda: service.exported(SUCCESSFUL) == {(): 0})
    service.write(NOON)
    service.asked.set()
    await until(lambda: service.exported(SUCCESSFUL) == {(): 1})

    assert service.in_force.settings == service.read()
    assert not service.asked.is_set()
    assert not running.done()
    running.cancel()


async def test_a_second_reload_waits_for_the_first_and_reads_the_file_anew(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = 0, asyncio.Event()

    async def in_a_slow_thread(read: Callable[[], object]) -> object:
        nonlocal begun
        begun += 1
        found = read()
        await go_on.wait()
        return found

    monkeypatch.setattr("firstreply.reloading.asyncio.to_thread", in_a_slow_thread)
    first = asyncio.create_task(service.reloader.reload())
    second = asyncio.create_task(service.reloader.reload())
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun == 1
    service.write(NOON)
    go_on.set()

    assert await first == []
    assert [change.key for change in await second] == ["calendars.office.weekly.mon-fri"]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - a state, and nobody tells of it
            await asyncio.sleep(0.01)
