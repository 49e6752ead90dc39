"""The engine of ``firstreply explain``: of all contacts it keeps one.

A module of its own, because a class can inherit from a compiled one only where it is compiled too.
"""

from collections.abc import Callable

from firstreply.domain.contact import Contact
from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.policy_book import PolicyBook


class OneContact(Engine):
    """An engine for one contact; events of any other only move the log clock."""

    def __init__(
        self, only: str, book: PolicyBook, grace: int, forgotten: Callable[[Contact], None]
    ) -> None:
        super().__init__(book, grace=grace, forgotten=forgotten)
        self._only = only

    def receive(self, event: ContactEvent, log_time: int | None = None) -> None:
        """Fold an event of the contact; move the log clock by any other."""
        if event.contact_id == self._only:
            super().receive(event, log_time)
        else:
            self.advance(self.log_time if log_time is None else log_time)
