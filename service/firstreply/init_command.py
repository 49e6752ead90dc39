"""``firstreply init``: writes a first configuration, and says what comes next."""

from pathlib import Path

from firstreply.calendars import countries, country_called
from firstreply.config.did_you_mean import did_you_mean
from firstreply.config.template import template_text, zones_of
from firstreply.domain.errors import ConfigurationError


def write_configuration(
    path: Path, channels: str, country: str | None, *, overwrite: bool
) -> list[str]:
    """Write the file; return what to tell the person.

    Args:
        path: of the file.
        channels: names, separated by commas.
        country: ISO 3166 code of the public holidays, or None.
        overwrite: replace a file that is there.

    Raises:
        ConfigurationError: the file is there, or cannot be written; a name cannot be used.
    """
    names = list(dict.fromkeys(name.strip() for name in channels.split(",") if name.strip()))
    if country is not None:
        _require_country(country)
    try:
        text = template_text(names, country)
    except ConfigurationError as error:
        # A mistake of this command line; there is no file yet whose line could be named.
        msg = f"--channels {channels}: {str(error).removeprefix('the configuration: ')}"
        raise ConfigurationError(msg) from error
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        msg = f"{path} is there already, and stays; name another file, or replace it with --force"
        raise ConfigurationError(msg) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        msg = f"{path} cannot be written: {reason}; name a file in a folder that you may write to"
        raise ConfigurationError(msg) from error
    return list(_next_steps(path, country))


def _require_country(country: str) -> None:
    known = countries()
    if country.upper() in known:
        return
    near = country_called(country)
    hint = f'did you mean "{near}"? ' if near else did_you_mean(country, known)
    msg = f"--country {country}: no public holidays are known; {hint}give an ISO 3166 code, like fr"
    raise ConfigurationError(msg)


def _next_steps(path: Path, country: str | None) -> list[str]:
    lines = [f"{path} is written: every key, with its meaning and default.", ""]
    todo = ["kafka: where your Kafka is, and the topic of your contact events"]
    todo.append("channels: what you promise on each (promise), in words of your own")
    if country is None:
        todo.append("calendars: your opening hours; without them it is always open")
    else:
        zones = zones_of(country)
        several = f", one of {len(zones)} time zones there" if len(zones) > 1 else ""
        todo.append(f"calendars: your opening hours{several}")
    lines += ["Look at these first:", *(f"  {one}" for one in todo), "", "Then:"]
    lines += [
        f"  firstreply check-config {path}",
        f"  firstreply doctor {path}",
        f"  firstreply run --config {path}",
    ]
    return lines
