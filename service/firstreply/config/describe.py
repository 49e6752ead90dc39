"""The effective configuration as plain data, for ``check-config`` and the exported hash.

Secrets are masked in it, so the hash neither tells nor changes with them.
"""

import hashlib
import json

from firstreply.durations import canonical
from firstreply.settings import Settings


def describe(settings: Settings) -> dict[str, object]:
    """Return what is in force, defaults and built-in channels included, ready for JSON.

    Each channel shows the bands it is measured by, whichever level they come from.
    """
    shown: dict[str, object] = settings.model_dump(mode="json")
    channels = settings.model_dump(mode="json", include={"channels"})["channels"]
    for name, channel in channels.items():
        channel["short_abandon"] = canonical(settings.short_abandon_of(name))
        channel["bands"] = {
            band.name: {"clock": str(band.clock), "weight": band.weight}
            for band in settings.bands_of(name)
        }
    return {**shown, "channels": channels}


def settings_hash(settings: Settings) -> str:
    """Return 16 hexadecimal digits that are equal for equal effective configurations."""
    text = json.dumps(describe(settings), sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
