"""Finds what is wrong with the settings of the HTTP server, and in the web configuration file."""

from collections.abc import Iterator

from firstreply.config.file import Path, Problem
from firstreply.config.web_file import read_web_file
from firstreply.config.web_tls import server_context
from firstreply.domain.errors import ConfigurationError
from firstreply.settings import HttpSettings


def http_problems(http: HttpSettings) -> Iterator[Problem]:
    """Yield every problem; those in the web configuration file carry their own place."""
    if http.contact_link is not None and not http.contact_ids:
        message = "is of no use without the ids of contacts; set contact_ids: true, or remove this"
        path: Path = ("http", "contact_link")
        yield Problem(path, message, needs=(path, ("http", "contact_ids")))
    if http.web_config_file is not None:
        path = ("http", "web_config_file")
        try:
            web, problems = read_web_file(http.web_config_file)
            yield from problems
            if not problems and web.tls is not None:
                server_context(web.tls)
        except ConfigurationError as error:
            yield Problem(path, str(error), needs=(path,))
