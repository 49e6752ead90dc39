"""Every package that is installed with firstreply may be passed on beside Apache-2.0 code."""

import re
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

LOCKED: Final = re.findall(
    r"^([A-Za-z0-9_.-]+)==[^;\s]+(?: ; (.*?))? \\$",
    (Path(__file__).parents[2] / "requirements" / "lock.txt").read_text(),
    re.MULTILINE,
)
PERMISSIVE: Final = re.compile(
    r"\b(Apache|MIT|BSD|ISC|PSF|Python Software Foundation|MPL-2\.0)\b", re.IGNORECASE
)
RESTRICTIVE: Final = re.compile(r"\b[AL]?GPL|Commercial|Proprietary|SSPL|BUSL", re.IGNORECASE)
ELSEWHERE: Final = frozenset({"colorama"})
"""Only on Windows: not installed here; BSD-3-Clause."""


def test_the_lock_was_read() -> None:
    assert {"aiohttp", "aiokafka", "pydantic"} <= {name for name, _ in LOCKED}


@pytest.mark.parametrize(("name", "marker"), [one for one in LOCKED if one[0] not in ELSEWHERE])
def test_the_licence_is_permissive(name: str, marker: str) -> None:
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        assert marker, "it is locked for every Python, and not installed"
        pytest.skip(f"only where {marker}")
    said = [*found.get_all("License-Expression", []), *found.get_all("License", [])]
    said += [text for text in found.get_all("Classifier", []) if text.startswith("License")]
    licence = next((text for text in said if PERMISSIVE.search(text)), None)

    assert licence is not None, said
    assert not RESTRICTIVE.search(licence)
