"""What a check found, and what to do about it."""

from enum import StrEnum

import msgspec


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """The service runs, but not as well as it could, or not for ever."""
    FAILURE = "failure"
    """The service does not start, or its figures are wrong."""
    SKIPPED = "skipped"
    """Not checked; the text says what it needs."""


class Finding(msgspec.Struct, frozen=True):
    """One line of the account."""

    check: str
    result: Result
    text: str
    remedy: str = ""
    """What to do, as sentences."""
    command: str = ""
    """A command that does it, to be copied."""


def ok(check: str, text: str) -> Finding:
    """Make a finding of what is as it should be."""
    return Finding(check, Result.OK, text)


def warning(check: str, text: str, remedy: str, command: str = "") -> Finding:
    """Make a finding of what will hurt later."""
    return Finding(check, Result.WARNING, text, remedy, command)


def failure(check: str, text: str, remedy: str, command: str = "") -> Finding:
    """Make a finding of what does not work."""
    return Finding(check, Result.FAILURE, text, remedy, command)


def skipped(check: str, text: str) -> Finding:
    """Make a finding of what could not be checked, or need not."""
    return Finding(check, Result.SKIPPED, text)
