"""Fixtures of the end-to-end tests."""

from tests.end_to_end.alert_chain import inbox, start_chain

__all__ = ["inbox", "start_chain"]
