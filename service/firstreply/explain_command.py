"""The explain command: one contact, from files or from a running service, in words or as JSON.

With files, all of them are read and the contact is explained at the end of the log, or at
``--until``; without, the service at ``--url`` explains it as it is now.
"""

import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from firstreply import wiring
from firstreply.adapters.explanation_client import fetch_explanation
from firstreply.adapters.files import read_records
from firstreply.adapters.visitor import Visitor
from firstreply.config.web_file import read_web_file
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.explanation import Explanation, render
from firstreply.explanation_replay import MOST_CONTACTS, Reading, explain_records
from firstreply.policies import policy_book
from firstreply.replay_command import progress, read_paths, read_until
from firstreply.settings import Settings
from firstreply.words import Language

_FROM_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to ask, not to listen
"""Every interface is no address to ask: this machine's own."""


class Source(msgspec.Struct, frozen=True):
    """Where the contact is looked for, as it was typed."""

    files: Sequence[str] = ()
    url: str | None = None
    until: str = "end"
    visitor: Visitor = Visitor()
    """Who asks a service."""


def print_explanation(
    settings: Settings, contact_id: str, source: Source, language: str | None, output: str
) -> None:
    """Explain a contact on standard output.

    Args:
        settings: policies and language; without files, only the language and the own address.
        contact_id: exactly as in the events.
        source: files, or a service.
        language: ``en`` or ``fr``; None: that of the settings.
        output: ``text`` or ``json``.

    Raises:
        ConfigurationError: a blank id, files and an address, or an address that is none.
        FatalError: the contact is not known.
        RetryableError: the service does not answer.
    """
    if not contact_id.strip():
        msg = "CONTACT_ID is blank; give the contact_id of a contact, exactly as in the events"
        raise ConfigurationError(msg)
    story: Explanation | None = None
    if source.files:
        story = _from_files(settings, contact_id, source)
        body = msgspec.json.encode(story)
    else:
        url = source.url or own_address(settings)
        body = _from_service(url, contact_id, source)
        if output != "json":
            story = _read(body, url)
    if story is None or output == "json":
        sys.stdout.buffer.write(msgspec.json.format(body, indent=2) + b"\n")
    else:
        sys.stdout.write(render(story, Language(language or settings.language)))


def _from_files(settings: Settings, contact_id: str, source: Source) -> Explanation:
    if source.url is not None:
        msg = "give either files or --url: what was recorded, or what a service knows now"
        raise ConfigurationError(msg)
    until = read_until(source.until)
    with read_records(read_paths(source.files)) as records, progress(records) as progressed:
        explained = explain_records(
            records,
            contact_id,
            decoder=wiring.decoder(settings),
            bad_records=wiring.bad_records(settings),
            book=policy_book(settings),
            grace=wiring.grace(settings),
            until=until,
            place=lambda: records.place,
            progressed=progressed,
        )
    if explained.explanation is None:
        raise FatalError(_unknown(explained.reading, source.until))
    return explained.explanation


def _from_service(url: str, contact_id: str, source: Source) -> bytes:
    if source.until != "end":
        msg = "--until goes with files; a service explains what is so now"
        raise ConfigurationError(msg)
    return fetch_explanation(url, contact_id, source.visitor)


def _read(body: bytes, url: str) -> Explanation:
    try:
        return msgspec.json.decode(body, type=Explanation)
    except msgspec.ValidationError as error:
        msg = (
            f"{url}: its explanation cannot be read: {error}; is it another version of"
            " firstreply? --format json shows it as it is"
        )
        raise ConfigurationError(msg) from error


def own_address(settings: Settings) -> str:
    """Return where a service with these settings listens, as seen from its own machine.

    Raises:
        ConfigurationError: ``http.web_config_file``, which says if it is https, cannot be read.
    """
    host, port, web = settings.http.host, settings.http.port, settings.http.web_config_file
    host = _FROM_HERE.get(host, host)
    scheme = "https" if web is not None and read_web_file(web)[0].tls is not None else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _unknown(reading: Reading, until: str) -> str:
    """Say that there is no such contact, what was read, and what to check."""
    others = len(reading.contacts)
    many = f"more than {MOST_CONTACTS:,}" if others > MOST_CONTACTS else f"{others:,}"
    known = f"{reading.events:,} events of {many} contacts ({reading.records:,} records)"
    said = [f"no event of contact {reading.contact_id!r} among {known}"]
    if reading.alike:
        ids = ", ".join(map(repr, reading.alike))
        said.append(f"ids that differ only in case or white space: {ids}")
    if reading.later:
        said.append(f"{reading.later:,} of its events are later than --until {until}")
    if reading.rejected_with_id:
        said.append(
            f"{reading.rejected_with_id:,} rejected records hold the id; pipe one into"
            " firstreply check-event to see why"
        )
    if len(said) == 1:
        rejected = f"; {reading.rejected:,} records were rejected" if reading.rejected else ""
        said.append(f"check the id, exactly as in the events, and the files{rejected}")
    return "; ".join(said)
