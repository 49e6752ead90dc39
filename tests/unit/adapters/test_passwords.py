"""Passwords: what is checked, remembered and refused."""

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from firstreply.adapters.passwords import (
    MOST_REMEMBERED,
    MOST_WAITING,
    MOST_WAITING_OF_ONE,
    BusyError,
    Passwords,
)


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The hashes that were checked against."""
    seen: list[bytes] = []
    real = bcrypt.checkpw

    def spy(password: bytes, known: bytes) -> bool:
        assert threading.current_thread() is not threading.main_thread()
        seen.append(known)
        return real(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", spy)
    return seen


@pytest.fixture
def two() -> Iterator[Passwords]:
    users = Passwords({"ann": hashed("Ann's"), "bob": hashed("Bob's", 5)})
    yield users
    users.close()


@pytest.mark.parametrize(
    ("user", "password", "fits"),
    [
        ("ann", "Ann's", True),
        ("ann", "Bob's", False),
        ("bob", "Ann's", False),
        ("eve", "Ann's", False),
        ("", "", False),
        ("ann", "Ann's\0", False),
        ("ann", "x" * 100_000, False),
    ],
)
async def test_only_name_and_password_of_one_user_fit(
    two: Passwords, user: str, password: str, *, fits: bool
) -> None:
    assert await two.fit(user, password) is fits


async def test_what_bcrypt_cuts_off_is_cut_off_here_too() -> None:
    users = Passwords({"ann": hashed("x" * 72)})

    assert await users.fit("ann", "x" * 80)
    users.close()


async def test_a_right_password_is_checked_once_and_a_wrong_one_each_time(
    two: Passwords, checked: list[bytes]
) -> None:
    assert [await two.fit("ann", "Ann's") for _ in range(3)] == [True] * 3
    once = len(checked)
    assert [await two.fit("ann", "wrong") for _ in range(3)] == [False] * 3

    assert (once, len(checked)) == (1, 4)


async def test_an_unknown_name_costs_as_much_as_the_slowest_user(
    two: Passwords, checked: list[bytes]
) -> None:
    await two.fit("eve", "guess")

    assert [known[:7] for known in checked] == [b"$2b$05$"]


async def test_name_and_password_cannot_be_shifted_against_each_other() -> None:
    users = Passwords({"a": hashed("bc"), "ab": hashed("other")})

    assert await users.fit("a", "bc")
    assert not await users.fit("ab", "c")
    users.close()


async def test_so_many_checks_may_wait_and_what_is_remembered_passes_them(
    two: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two.fit("ann", "Ann's")
    go_on = threading.Event()
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: not go_on.wait(60))
    waiting = [
        asyncio.create_task(two.fit("eve", str(n), f"192.0.2.{n}")) for n in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)

    with pytest.raises(BusyError):
        await two.fit("bob", "Bob's")
    remembered = await two.fit("ann", "Ann's")

    go_on.set()
    assert remembered
    assert not any(await asyncio.gather(*waiting))
    await two.fit("eve", "again, as there is room")


async def test_one_peer_that_guesses_leaves_room_for_the_others(
    two: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: go_on.wait(60))
    guesser, scraper = "192.0.2.1", "192.0.2.2"
    guesses = [
        asyncio.create_task(two.fit("eve", str(n), guesser)) for n in range(MOST_WAITING_OF_ONE)
    ]
    await asyncio.sleep(0)

    with pytest.raises(BusyError):
        await two.fit("eve", "one more", guesser)
    scraped = asyncio.create_task(two.fit("ann", "Ann's", scraper))
    await asyncio.sleep(0)

    go_on.set()
    assert await scraped
    await asyncio.gather(*guesses)
    await two.fit("eve", "again, as there is room", guesser)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Passwords({str(n): hashed("x") for n in range(MOST_REMEMBERED + 5)})
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)

    for number in range(MOST_REMEMBERED + 5):
        await users.fit(str(number), "x")

    assert len(users._right) == MOST_REMEMBERED
    assert not any(mark == b"x" for mark in users._right)
    users.close()
