"""Reads recorded contact events from files and standard input, merged by time.

One event a line (JSONL), plain or gzip; which of the two is told by the first bytes, never by the
name. Lines go out as they are, also those that are no JSON: rejecting them, and counting them, is
the decoder's work. Blank lines are skipped and a byte order mark at the start of a file is not part
of its first line; nothing else is changed or dropped.

Order: within a file the order of its lines, always. Between files the line with the earlier time
goes first, and at the same time the file that was named first; a line that lies further back than
one before it in its own file counts at that one's time. So files that are each in order give one
stream in order, a file that is not breaks nothing, and the same files give the same records every
time. Memory holds one line per file.

A line may carry ``record_timestamp``, milliseconds since the epoch: when it reached the log it was
recorded from. It becomes the record's own timestamp, which then moves log time, and the merge goes
by it. Anything but a whole number from 0 up to 1e14 is ignored, as unknown fields are.
"""

import gzip
import heapq
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, Self

import msgspec

from firstreply.adapters.codec import LATEST, instant_of_number
from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import BEFORE_ALL, to_instant
from firstreply.ports import TimestampType

STDIN: Final = "-"

_GZIP: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNREADABLE: Final = {
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"BZh91AY&SY": "compressed with bzip2",
    b"PK\x03\x04": "a zip archive",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
_HEAD: Final = 10
_BUFFER: Final = 1 << 17
_MILLISECONDS_BELOW: Final = 10**14


class _Peek(msgspec.Struct):
    """What the merge must know of a line; everything else is left to the decoder."""

    time: object = None
    record_timestamp: object = None


_peek: Final = msgspec.json.Decoder(_Peek)


class LinePlace(NamedTuple):
    """Where a record was read."""

    file: str
    """As it was named, or ``standard input``."""
    line: int
    """From 1; blank lines count too."""


class _Line(NamedTuple):
    at: int
    """Where the merge puts it: microseconds, never less than the line before in its file."""
    value: bytes
    record_timestamp: int | None
    file: str
    number: int


def read_records(paths: Sequence[Path | Literal["-"]]) -> "RecordFiles":
    """Open files and return their records, merged by time.

    Args:
        paths: at least one; ``"-"`` is standard input, once at most.

    Raises:
        ConfigurationError: a file is missing, cannot be read, is in a format that is not read
            here, or is damaged (the last one while iterating, with the line it was found after).
    """
    return RecordFiles(paths)


class RecordFiles:
    """The records of some files, with how far reading has come. An iterator; close it after use."""

    def __init__(
        self, paths: Sequence[Path | Literal["-"]], *, stdin: BinaryIO | None = None
    ) -> None:
        if not paths:
            msg = "no file to read; name at least one, or - for standard input"
            raise ConfigurationError(msg)
        if sum(path == STDIN for path in paths) > 1:
            msg = "standard input is named twice; it can be read only once: keep one -"
            raise ConfigurationError(msg)
        with ExitStack() as opened:
            self._files = [opened.enter_context(_LineFile(path, stdin)) for path in paths]
            self._closing = opened.pop_all()
        self._records = self._merged()
        self._latest: _Line | None = None

    @property
    def place(self) -> LinePlace | None:
        """Where the record that was returned last was read; None before the first."""
        line = self._latest
        return None if line is None else LinePlace(line.file, line.number)

    @property
    def bytes_read(self) -> int:
        """Bytes taken from the files so far, compressed where they are; ahead of the lines."""
        return sum(file.bytes_read for file in self._files)

    @property
    def total_bytes(self) -> int | None:
        """What ``bytes_read`` will be at the end; None when an input has no known size (a pipe)."""
        sizes = [file.size for file in self._files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def __iter__(self) -> Iterator[FileRecord]:
        return self

    def __next__(self) -> FileRecord:
        return next(self._records)

    def close(self) -> None:
        """Close every file; standard input is left open. Idempotent."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _merged(self) -> Iterator[FileRecord]:
        alone = len(self._files) == 1
        lines = [file.lines(timed=not alone) for file in self._files]
        merged = lines[0] if alone else heapq.merge(*lines, key=lambda line: line.at)
        for offset, line in enumerate(merged):
            kind = None if line.record_timestamp is None else int(TimestampType.LOG_APPEND_TIME)
            self._latest = line
            yield FileRecord(offset, line.value, line.record_timestamp, kind)


class _LineFile:
    """One input: opened, its compression recognised, its lines timed."""

    def __init__(self, path: Path | Literal["-"], stdin: BinaryIO | None) -> None:
        self._name = "standard input" if path == STDIN else str(path)
        self._line = 0
        self._closing = ExitStack()
        try:
            raw = (stdin or sys.stdin.buffer) if path == STDIN else self._open(Path(path))
            self.size = _size(raw)
            self._counted = _CountedReader(raw)
        except OSError as error:
            self._closing.close()
            raise self._unopened(error) from error
        self._reader = self._decompressed()

    @property
    def bytes_read(self) -> int:
        return self._counted.bytes_read

    def lines(self, *, timed: bool) -> Iterator[_Line]:
        """Yield the lines with something in them; without ``timed`` all of them are at one time."""
        at: int = BEFORE_ALL
        while value := self._read_line():
            if self._line == 1:
                value = value.removeprefix(_BYTE_ORDER_MARK)
            if not value.strip():
                continue
            stamped = b'"record_timestamp"' in value
            moment, timestamp = _times(value) if timed or stamped else (None, None)
            if moment is not None and moment > at:
                at = moment
            yield _Line(
                at,
                value.removesuffix(b"\n"),
                timestamp if stamped else None,
                self._name,
                self._line,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _open(self, path: Path) -> BinaryIO:
        return self._closing.enter_context(path.open("rb", buffering=0))

    def _decompressed(self) -> io.BufferedReader:
        head = self._counted.head
        for magic, what in _UNREADABLE.items():
            if head.startswith(magic):
                self._closing.close()
                msg = (
                    f"{self._name} is {what}; give JSON lines in UTF-8, plain or gzip "
                    "(unpack or convert the file first)"
                )
                raise ConfigurationError(msg)
        if head.startswith(_GZIP):
            unpacked = gzip.GzipFile(fileobj=io.BufferedReader(self._counted, _BUFFER), mode="rb")
            return io.BufferedReader(unpacked, _BUFFER)
        return io.BufferedReader(self._counted, _BUFFER)

    def _read_line(self) -> bytes:
        try:
            line = self._reader.readline()
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            what = f"the gzip data is damaged or cut off ({error})"
            remedy = "copy the file again, or keep what is whole: gzip -dc FILE > PART"
            raise self._damaged(what, remedy) from error
        except OSError as error:
            remedy = "check the disk or copy the file again"
            raise self._damaged(error.strerror or str(error), remedy) from error
        self._line += 1
        return line

    def _damaged(self, what: str, remedy: str) -> ConfigurationError:
        msg = (
            f"{self._name}: cannot be read past line {self._line} (within the first "
            f"{self.bytes_read} bytes of the file): {what}; {remedy}"
        )
        return ConfigurationError(msg)

    def _unopened(self, error: OSError) -> ConfigurationError:
        reason = error.strerror or str(error)
        msg = f"{self._name}: cannot be opened: {reason}; check the path and its permissions"
        return ConfigurationError(msg)


class _CountedReader(io.RawIOBase):
    """Counts the bytes taken from a binary input and lets its first ones be looked at."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        # read1 gives what a pipe holds now; read would wait until it has all that was asked for.
        self._read: Callable[[int], bytes] = getattr(source, "read1", source.read)
        self.bytes_read = 0
        head = b""
        while len(head) < _HEAD and (more := self._read(_HEAD - len(head))):
            head += more
        self.head: Final = head
        self._unread = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._unread[: len(buffer)] or self._read(len(buffer))
        self._unread = self._unread[len(data) :]
        buffer[: len(data)] = data
        self.bytes_read += len(data)
        return len(data)


def _size(source: BinaryIO) -> int | None:
    """Return the size of a regular file; None for a pipe, a terminal or a buffer in memory."""
    try:
        status = os.fstat(source.fileno())
    except io.UnsupportedOperation:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _times(value: bytes) -> tuple[int | None, int | None]:
    """Return when a line happened or was recorded, in microseconds, and its record timestamp."""
    try:
        peek = _peek.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None, None
    timestamp = peek.record_timestamp
    if type(timestamp) is int and 0 <= timestamp < _MILLISECONDS_BELOW:
        return timestamp * 1000, timestamp
    return _event_time(peek.time), None


def _event_time(time: object) -> int | None:
    """Read a time as the decoder does; None for one that it rejects.

    So a broken event from the year 9999 does not drag the rest of its file to the end.
    """
    instant: int | None = None
    if isinstance(time, str):
        try:
            instant = to_instant(msgspec.convert(time, datetime))
        except (msgspec.MsgspecError, ValueError):
            return None
    elif isinstance(time, int | float) and not isinstance(time, bool):
        instant = instant_of_number(time)
    return instant if instant is not None and 0 <= instant <= LATEST else None
