"""The channels, bands and reasons that hold when the file says nothing else.

Channels join those of the file key by key: a key the file gives wins, and aliases add up. A name
the file gives to one channel, as its name or as an alias, is taken away from the built-in aliases
of all others, so that ``twitter`` can become a channel of its own without a collision.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from firstreply.domain.bands import OTHER

BANDS: Final[Mapping[str, Mapping[str, object]]] = {
    "10m": {"weight": 0.166},
    "1h": {"weight": 0.131},
    "8h": {"weight": 0.292, "clock": "business"},
    "24h": {"weight": 0.411},
}
"""Shares of customers by the time in which they expect an answer (eMarketer, May 2012)."""

EXCLUDED_REASONS: Final = (
    "spam",
    "duplicate",
    "merged",
    "test",
    "outbound",
    "self_service",
    "no_reply_needed",
)

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "phone": ("call", "voice", "telephone", "téléphone", "appel"),
    "email": ("mail", "e-mail", "courriel"),
    "chat": ("live_chat", "livechat", "webchat", "clavardage", "tchat"),
    "social": ("social_media", "twitter", "facebook", "instagram", "réseaux_sociaux"),
    "messaging": ("messenger", "whatsapp", "telegram", "messagerie"),
    "sms": ("text", "texto"),
    "app": ("mobile_app", "in_app"),
    "web_form": ("web", "webform", "form", "formulaire"),
    "video": ("video_call", "visio", "visioconférence"),
    "post": ("letter", "courrier"),
    "in_person": ("face_to_face", "counter", "guichet"),
    OTHER: ("autre",),
}
"""The built-in channels and their aliases."""

VOICE: Final = frozenset({"phone", "video"})


def with_builtin_channels(given: Mapping[str, object]) -> object:
    """Return the ``channels`` of a raw configuration with the built-in ones joined to them.

    Malformed parts are returned as they are, for the models to reject.
    """
    channels = given.get("channels")
    if channels is None:
        channels = {}
    if not isinstance(channels, Mapping):
        return channels
    if str(given.get("channels_only", "")).lower() in {"true", "1", "yes", "on", "y", "t"}:
        return {**channels, OTHER: channels.get(OTHER, {})}
    claimed = set(_claimed(channels))
    builtin = {name: _builtin(name, claimed) for name in ALIASES}
    joined = {name: _joined(builtin[name], channels.get(name)) for name in ALIASES}
    return {**joined, **{name: own for name, own in channels.items() if name not in ALIASES}}


def _claimed(channels: Mapping[str, object]) -> Iterator[str]:
    """Yield every name the file gives to a channel, case folded."""
    for name, channel in channels.items():
        yield name.casefold()
        aliases = channel.get("aliases") if isinstance(channel, Mapping) else None
        if isinstance(aliases, list | tuple):
            yield from (one.casefold() for one in aliases if isinstance(one, str))


def _builtin(name: str, claimed: set[str]) -> dict[str, object]:
    free = [alias for alias in ALIASES[name] if alias.casefold() not in claimed]
    return {"aliases": free, **({"voice": True} if name in VOICE else {})}


def _joined(builtin: dict[str, object], own: object) -> object:
    if own is None:
        return builtin
    if not isinstance(own, Mapping):
        return own
    aliases, more = own.get("aliases", ()), builtin["aliases"]
    if not isinstance(aliases, list | tuple) or not isinstance(more, list):
        return {**builtin, **own}
    # The file's own come first, so that their numbers are those of the file.
    return {**builtin, **own, "aliases": [*aliases, *more]}
