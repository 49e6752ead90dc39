"""One run of one program on a core of its own: what an event cost it, and what it counted.

The window of a run begins after a quarter of the events (imports, joining the group, compilation)
and ends when the last event is folded. CPU is user and system, of all threads and ended children.
The peers print both (see ``tally.py``). ``firstreply run`` is not changed for this: its place is
read from ``/readyz`` and its CPU from ``/proc``; its window goes on until the deadlines of the
silent contacts have been counted and published, which the peers do not do.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

from environments import HERE, ROOT, firstreply_package, java_classes, python_of
from workload import BANDS, CHANNELS, Outcomes, configuration

from firstreply.devkit.processes import OwnedProcess

WARM_UP: Final = 0.25
PATIENCE_SECONDS: Final = 200
SETTLING_SECONDS: Final = 60
SCRAPE_SECONDS: Final = 15
"""How often ``/metrics`` is asked for meanwhile, as a Prometheus would."""
TICK: Final = os.sysconf("SC_CLK_TCK")
PINNED: Final = ("taskset", "--cpu-list", "0")
BROKER_PINNED: Final = ("taskset", "--cpu-list", "1")


class Load(NamedTuple):
    """A topic full of events, and what they must come to."""

    servers: str
    topic: str
    events: int
    truth: Outcomes
    missed: Outcomes


class Run(NamedTuple):
    """What one run took."""

    cpu_us: float
    """Per event: microseconds, which is also seconds per million events."""
    rate: float
    """Events per second."""
    counts: str
    """``right``, ``wrong``, or ``-`` for a program that counts nothing."""
    state_bytes: float = 0.0
    """Per event of the whole run: what its state took on the broker's disk."""


class Place(NamedTuple):
    """How far a program was at an instant."""

    events: int
    seconds: float
    cpu_seconds: float


class FailedError(Exception):
    """A program did not come to its end; the message says how, with the end of its log."""


def run(name: str, load: Load, group: str, folder: Path) -> Run:
    """Run a program from the beginning of the topic to its end.

    Raises:
        UnavailableError: it cannot be had here.
        FailedError: it ended, or was not done in time.
    """
    if name == "firstreply":
        return _run_firstreply(firstreply_package(), load, group, folder)
    if name == "firstreply-pure":
        return _run_firstreply(ROOT / "service", load, group, folder)
    arguments = (load.servers, load.topic, group, str(load.events), str(folder / group))
    command = [*PINNED, *_program(name), *arguments]
    log = folder / f"{group}.log"
    with OwnedProcess(name, command, log) as owned:
        _wait_for("outcomes ", owned, log)
    lines = log.read_text(errors="replace").splitlines()
    told = [line.split()[1:] for line in lines if line.startswith("progress ")]
    places = [Place(int(events), float(at), float(cpu)) for events, at, cpu in told]
    first = next(place for place in places if place.events >= load.events * WARM_UP)
    outcomes = next(line for line in lines if line.startswith("outcomes "))
    counted = json.loads(outcomes.removeprefix("outcomes "))
    return _costs(first, places[-1], _verdict(counted, load.truth) if counted else "-")


def _program(name: str) -> list[str]:
    """Return the beginning of a peer's command line."""
    match name:
        case "drain":
            return [sys.executable, str(HERE / "drain.py")]
        case "kafka-streams":
            java, classes = java_classes()
            return [java, "-Xmx1g", "-cp", classes, "FirstResponse"]
        case _:
            return [python_of(name), str(HERE / f"{name}_peer.py")]


def _wait_for(word: str, owned: OwnedProcess, log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while word not in log.read_text(errors="replace"):
        _check(owned, until)
        time.sleep(0.25)


def _check(owned: OwnedProcess, until: float) -> None:
    """Raise FailedError when it has ended or the time is over."""
    if not owned.is_running() or time.monotonic() > until:
        how = "ended" if not owned.is_running() else f"was not done in {PATIENCE_SECONDS} s"
        msg = f"{owned.name} {how}; {owned.log_tail()}"
        raise FailedError(msg)


def _costs(first: Place, last: Place, counts: str) -> Run:
    events = last.events - first.events
    cpu_us = (last.cpu_seconds - first.cpu_seconds) / events * 1e6
    return Run(cpu_us, events / (last.seconds - first.seconds), counts)


def _verdict(counted: Outcomes, truth: Outcomes) -> str:
    return "right" if counted == truth else "wrong"


def _run_firstreply(package: Path, load: Load, group: str, folder: Path) -> Run:
    settings = folder / "firstreply.yaml"
    settings.write_text(configuration())
    os.environ.update(
        PYTHONPATH=str(package),
        FIRSTREPLY_CONFIG=str(settings),
        FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS=load.servers,
        FIRSTREPLY_KAFKA__TOPIC=load.topic,
        FIRSTREPLY_KAFKA__GROUP=group,
        FIRSTREPLY_HTTP__PORT="0",
    )
    log = folder / f"{group}.log"
    command = [*PINNED, sys.executable, "-m", "firstreply", "run"]
    with OwnedProcess("firstreply", command, log) as owned:
        service = _Service(owned, log)
        first, last = service.read_all(load.events)
        cpu, counted = service.settle(load)
        owned.kill()  # in order, it would wait for a last scrape
    counts = _verdict(counted, {**load.truth, **_named_missed(load.missed)})
    return _costs(first, last._replace(cpu_seconds=cpu), counts)


class _Service:
    """A running ``firstreply run``, seen through HTTP and ``/proc``."""

    def __init__(self, owned: OwnedProcess, log: Path) -> None:
        self._owned = owned
        self._log = log

    def read_all(self, events: int) -> tuple[Place, Place]:
        """Return where it was after the warm-up, and when it had folded the last event."""
        first, scraped = None, time.monotonic()
        until = scraped + PATIENCE_SECONDS
        while True:
            place = Place(self._folded(), time.monotonic(), self._cpu_seconds())
            if first is None and place.events >= events * WARM_UP:
                first = place
            if first is not None and place.events >= events:
                return first, place
            if place.seconds - scraped > SCRAPE_SECONDS:
                scraped = place.seconds
                self._get("/metrics")
            _check(self._owned, until)
            time.sleep(0.2)

    def settle(self, load: Load) -> tuple[float, Outcomes]:
        """Return the CPU used until all was counted, less the asking, and what was counted."""
        asking, until = 0.0, time.monotonic() + SETTLING_SECONDS
        while True:
            time.sleep(1)
            before = self._cpu_seconds()
            counted = net_outcomes(self._get("/metrics"))
            asking += self._cpu_seconds() - before
            done = all(counted[f"{name} missed"] == load.missed[name] for name in CHANNELS)
            if done or time.monotonic() > until:
                return before - asking + (self._cpu_seconds() - before), counted

    def _folded(self) -> int:
        """Return how many events are below its offsets."""
        told = json.loads(self._get("/readyz") or '{"partitions": {}}')
        return sum(one["offset"] for one in told["partitions"].values())

    def _get(self, path: str) -> str:
        """Return a page; empty until it listens."""
        found = re.search(r"metrics=(\S+)/metrics", self._log.read_text())
        if found is None:
            return ""
        request = urllib.request.Request(found[1] + path)  # noqa: S310 - on loopback
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - likewise
                text: bytes = answer.read()
        except urllib.error.HTTPError as error:  # 503: not ready
            text = error.read()
        return text.decode()

    def _cpu_seconds(self) -> float:
        """Return what it and its ended children have used so far."""
        fields = Path(f"/proc/{self._owned.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICK


_SAMPLE: Final = re.compile(r"^(contact_\w+?)\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


def net_outcomes(text: str) -> Outcomes:
    """Return what ``/metrics`` says, shaped as the truth, with ``CHANNEL missed`` beside each."""
    counted: Outcomes = defaultdict(lambda: defaultdict(int))
    for channel in CHANNELS:
        counted[channel].update(dict.fromkeys(("answered", *BANDS), 0))
        counted[f"{channel} missed"].update(dict.fromkeys(BANDS, 0))
    for name, labels, value in _SAMPLE.findall(text):
        label = dict(_LABEL.findall(labels))
        amount = int(float(value))
        match name:
            case "contact_first_response_seconds_count":
                counted[label["channel"]]["answered"] += amount
            case "contact_expectation_outcomes_total":
                _add(counted, label, label["outcome"], amount)
            case "contact_expectation_corrections_total":
                _add(counted, label, label["to"], amount)
                _add(counted, label, label["from"], -amount)
            case _:
                pass
    return {name: dict(counts) for name, counts in counted.items()}


def _add(counted: Outcomes, label: dict[str, str], outcome: str, amount: int) -> None:
    if outcome in {"met", "missed"}:
        name = label["channel"] + (" missed" if outcome == "missed" else "")
        counted[name][label["band"]] += amount


def _named_missed(missed: Outcomes) -> Outcomes:
    return {f"{channel} missed": counts for channel, counts in missed.items()}
