"""Logging: one line an event, a constant snake_case key first, then its fields; plain or JSON.

To standard error, through the standard library, so that aiokafka's lines look like ours. No line
holds the content of a contact event.
"""

import json
import logging
import time
from typing import Final, Literal

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(log_format: Literal["plain", "json"], level: str) -> None:
    """Configure the root logger of this process. Called once, by a command."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)


def set_level(level: str) -> None:
    """Change the least severe level that is written."""
    logging.getLogger().setLevel(level.upper())
    # Its INFO lines repeat ours.
    logging.getLogger("aiokafka").setLevel(max(logging.WARNING, logging.getLogger().level))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class PlainFormatter(logging.Formatter):
    """``2026-11-21T09:00:00Z INFO partition_begun partition=0 offset=12``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        fields = "".join(f" {key}={_quoted(value)}" for key, value in _fields(record).items())
        message = _one_line(record.getMessage())
        line = f"{_time(self, record)} {record.levelname} {message}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _one_line(text: str) -> str:
    """Escape what would end a line or move a terminal's cursor."""
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _quoted(value: object) -> str:
    """Quote a value that could be taken for another field or line, as logfmt does."""
    text = str(value)
    plain = text.isprintable() and not set(text) & set(' "=')
    return text if plain and text else json.dumps(text, ensure_ascii=not text.isprintable())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line: dict[str, object] = {
            "time": _time(self, record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def _time(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    formatter.converter = time.gmtime
    return formatter.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
