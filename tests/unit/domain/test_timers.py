"""The queue of timers against a sorted list; near and far timers, in any order of setting them."""

from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.instants import AFTER_ALL, HOUR, SECOND
from firstreply.domain.timers import TimerQueue

INSTANTS = st.one_of(
    st.integers(0, 60).map(lambda seconds: seconds * SECOND),
    st.integers(0, 48).map(lambda hours: hours * HOUR + 7),
    st.integers(-5, 5),
    st.just(AFTER_ALL + HOUR),
)
STEPS = st.lists(st.one_of(st.tuples(INSTANTS, st.sampled_from("abc")), st.none()), max_size=60)


@given(STEPS)
def test_timers_come_in_the_order_of_a_sorted_list(steps: list[tuple[int, str] | None]) -> None:
    queue = TimerQueue()
    expected: list[tuple[int, str]] = []
    for step in [*steps, *[None] * len(steps)]:
        if step is not None:
            queue.add(*step)
            expected = sorted([*expected, step])
        elif expected:
            assert queue.head() == expected[0]
            assert queue.pop() == expected.pop(0)

        assert len(queue) == len(expected)
        assert bool(queue) == bool(expected)
        assert queue.first == (expected[0][0] if expected else AFTER_ALL)


def test_an_earlier_timer_beats_those_that_were_put_in_order_already() -> None:
    queue = TimerQueue()
    for hour in (1, 2, 3):
        queue.add(hour * HOUR, "late")
    queue.pop()

    queue.add(HOUR + SECOND, "early")

    assert [queue.pop() for _ in range(3)] == [
        (HOUR + SECOND, "early"),
        (2 * HOUR, "late"),
        (3 * HOUR, "late"),
    ]


def test_timers_of_the_far_future_lie_in_few_objects() -> None:
    queue = TimerQueue()
    queue.add(0, "now")
    for number in range(1000):
        queue.add(24 * HOUR + number, "later")

    assert len(queue._near) == 1
    assert len(queue._far) == 1
