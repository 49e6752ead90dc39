"""The questions of ``link``: what is asked again, and what an answer means."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError

from firstreply.adapters.kafka.link import Link, LinkError
from firstreply.adapters.kafka.seen import ClockSeen

LIMIT = timedelta(seconds=20)
LOADING, ABSENT = 14, 69


class Connection:
    """Gives one answer after the other; an exception is raised."""

    def __init__(self, answers: Iterable[object]) -> None:
        self.answers = deque(answers)
        self.asked = 0

    def send(self, _: object) -> Awaitable[object]:
        """Raise at once, as aiokafka's does where the version does not fit, or answer later."""
        self.asked += 1
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return asyncio.sleep(0, answer)


def link(*answers: object, limit: timedelta = LIMIT) -> tuple[Link, Connection]:
    connection = Connection(answers)
    return Link(connection, limit), connection


def group(code: int) -> Any:  # noqa: ANN401 - as aiokafka's own
    return SimpleNamespace(groups=[(code, "g", "Stable", "", "", [("m", "c", "/h", b"", b"")], 8)])


async def test_a_coordinator_that_is_loading_is_asked_again() -> None:
    asking, connection = link(group(LOADING), group(0))

    seen = await asking.group("g")

    assert (connection.asked, seen.error, seen.state) == (2, None, "Stable")
    assert (seen.members[0].client, seen.members[0].host) == ("c", "h")
    assert seen.operations == frozenset({"READ"})


async def test_what_time_does_not_mend_is_not_asked_again() -> None:
    asking, connection = link(group(ABSENT))

    assert (await asking.group("g")).error == "GroupIdNotFound"
    assert connection.asked == 1


async def test_an_answer_that_does_not_come_is_told_at_the_limit() -> None:
    with pytest.raises(LinkError, match=r"no answer in 0\.001 s") as caught:
        await Link(Never(), timedelta(milliseconds=1)).group("g")

    assert caught.value.kind == "TimeoutError"


async def test_a_coordinator_that_is_never_ready_is_told_at_the_limit() -> None:
    asking, connection = link(*[group(LOADING)] * 9, limit=timedelta(milliseconds=1))

    seen = await asking.group("g")

    assert seen.error == "GroupLoadInProgressError"
    assert connection.asked < 9


class Never:
    """Never answers."""

    async def send(self, _: object) -> object:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        (KafkaConnectionError("gone"), "gone", "KafkaConnectionError"),
        (IncompatibleBrokerVersion("v"), "v", "IncompatibleBrokerVersion"),
        (NotImplementedError("v8"), "Kafka 2.3 or newer", "UnsupportedVersionError"),
        (OSError(), "OSError", "OSError"),
    ],
)
async def test_a_question_that_fails_is_told_by_kind(
    error: Exception, words: str, kind: str
) -> None:
    asking, _ = link(error)

    with pytest.raises(LinkError, match=words) as caught:
        await asking.cluster("events")

    assert caught.value.kind == kind


def quorum(leader: int, *caught_up: tuple[int, int]) -> Any:  # noqa: ANN401 - likewise
    voters: list[Any] = [(number, 0, -1, at, {}) for number, at in caught_up]
    partition: Any = (0, 0, leader, 1, 1, voters, [], {})
    return SimpleNamespace(topics=[("__cluster_metadata", [partition], {})])


async def test_the_clock_is_that_of_the_leader_of_the_controllers() -> None:
    asking, _ = link(quorum(2, (1, 111), (2, 222), (3, -1)))

    seen = await asking.clock()

    assert seen is not None
    assert seen.theirs == 222
    assert seen.before <= seen.after


@pytest.mark.parametrize(
    "answer",
    [
        SimpleNamespace(topics=[]),
        quorum(1, (1, -1)),
        quorum(9, (1, 111)),
        KafkaConnectionError("gone"),
        NotImplementedError(),
    ],
)
async def test_a_controller_that_does_not_tell_its_clock_is_no_error(answer: object) -> None:
    asking, _ = link(answer)

    assert await asking.clock() is None


@pytest.mark.parametrize(
    ("theirs", "ahead"), [(999, 0), (1000, 0), (1010, 0), (1011, 1), (998, -1), (0, -999)]
)
def test_how_far_a_clock_is_ahead_is_what_the_answers_way_cannot_explain(
    theirs: int, ahead: float
) -> None:
    assert ClockSeen(before=1000, theirs=theirs, after=1010).ahead == ahead
